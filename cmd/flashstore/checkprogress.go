package main

import (
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"flashstore/engine"
)

// How often a teller says something: on a terminal, where it goes over its own line, and in a
// log, where every line stays.
const (
	tellEvery    = time.Second
	tellLogEvery = time.Minute
)

// clearLine goes back to the line's beginning and clears it (ECMA-48, EL).
const clearLine = "\r\x1b[K"

// teller says now and then how far a check is.
type teller struct {
	mu    sync.Mutex
	last  engine.CheckProgress
	stop  chan struct{}
	ended chan struct{}
}

// newTeller starts one that writes to a file, most likely standard error.
func newTeller(to *os.File) (t *teller, stop func()) {
	terminal := isTerminal(to)
	every := tellLogEvery
	if terminal {
		every = tellEvery
	}
	tick := time.NewTicker(every)
	t = startTeller(to, terminal, tick.C)
	return t, func() {
		tick.Stop()
		t.close()
	}
}

// isTerminal reports whether somebody may be looking. /dev/null passes, to no harm.
func isTerminal(f *os.File) bool {
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

func startTeller(to io.Writer, terminal bool, tick <-chan time.Time) *teller {
	t := &teller{stop: make(chan struct{}), ended: make(chan struct{})}
	go t.run(to, terminal, tick)
	return t
}

// progress takes note; it is called often.
func (t *teller) progress(p engine.CheckProgress) {
	t.mu.Lock()
	t.last = p
	t.mu.Unlock()
}

func (t *teller) run(to io.Writer, terminal bool, tick <-chan time.Time) {
	defer close(t.ended)
	shown := false
	for {
		select {
		case <-t.stop:
			if shown && terminal {
				fmt.Fprint(to, clearLine) // the report begins here
			}
			return
		case <-tick:
			t.mu.Lock()
			text := progressText(&t.last)
			t.mu.Unlock()
			shown = true
			if terminal {
				fmt.Fprint(to, clearLine, text)
			} else {
				fmt.Fprintln(to, text)
			}
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
