package main

import (
	"fmt"
	"io"
	"sync"
	"time"

	"flashstore/engine"
)

// tellEvery is how often a teller says something.
const tellEvery = time.Second

// teller says now and then how far a check is.
type teller struct {
	mu    sync.Mutex
	last  engine.CheckProgress
	stop  chan struct{}
	ended chan struct{}
}

func newTeller(to io.Writer) *teller {
	t := &teller{stop: make(chan struct{}), ended: make(chan struct{})}
	go t.run(to)
	return t
}

// progress takes note; it is called often.
func (t *teller) progress(p engine.CheckProgress) {
	t.mu.Lock()
	t.last = p
	t.mu.Unlock()
}

func (t *teller) run(to io.Writer) {
	defer close(t.ended)
	tick := time.NewTicker(tellEvery)
	defer tick.Stop()
	for {
		select {
		case <-t.stop:
			return
		case <-tick.C:
			t.mu.Lock()
			p := t.last
			t.mu.Unlock()
			fmt.Fprintln(to, progressText(&p))
		}
	}
}

// close ends it; nothing is said any more.
func (t *teller) close() {
	close(t.stop)
	<-t.ended
}

// progressText is progress as a line, with a percentage where the end is known.
func progressText(p *engine.CheckProgress) string {
	text := p.What
	if p.Path != "" {
		text = p.Path + ": " + text
	}
	switch {
	case p.Total <= 0:
		return text
	case p.Path == "":
		return fmt.Sprintf("%s: %d%%, %d of about %d registers", text, 100*p.Done/p.Total, p.Done,
			p.Total)
	}
	return fmt.Sprintf("%s: %d%% of %s", text, 100*p.Done/p.Total, byteText(p.Total))
}
