package e2e

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// load is writers at work while the server is taken away from under them.
type load struct {
	server   *server
	ackedMin int64         // is acknowledged before the end
	more     time.Duration // passes after that
	end      func()        // takes the server away, in the end by killing it

	acked   atomic.Int64
	failing atomic.Bool // set by end: from now on the server may answer that it cannot
	dead    atomic.Bool // set by end: nothing that begins now may be acknowledged
}

// run returns how much was acknowledged. What the server must not do fails the test.
func (l *load) run(writers []*writer) int64 {
	t := l.server.t
	t.Helper()
	enough := make(chan struct{})
	var once sync.Once
	errs := make([]error, len(writers))
	var wg sync.WaitGroup
	for i, w := range writers {
		wg.Go(func() {
			for errs[i] == nil {
				if errs[i] = l.attempt(w); l.acked.Load() >= l.ackedMin {
					once.Do(func() { close(enough) })
				}
			}
		})
	}
	select {
	case <-enough:
		// The moment of a crash is random: this waits for nothing.
		time.Sleep(l.more)
	case <-time.After(crashMax):
		t.Errorf("%d acknowledged in %s", l.acked.Load(), crashMax)
	}
	l.end()
	wg.Wait()
	for _, err := range errs {
		if !errors.Is(err, errNoAnswer) {
			t.Errorf("while the server ran: %v", err)
		}
	}
	return l.acked.Load()
}

// attempt lets a writer change something; it returns an error if that was the last time.
func (l *load) attempt(w *writer) error {
	dead := l.dead.Load()
	err := w.attempt(l.server.client)
	switch {
	case err == nil && dead:
		return fmt.Errorf("acknowledged after nothing could be stored any more")
	case err == nil:
		l.acked.Add(1)
	case errors.Is(err, errUnavailable) && l.failing.Load():
		return nil
	}
	return err
}

// progress says every now and then how long something has taken.
type progress struct{ began, last time.Time }

const progressEvery = 10 * time.Second

func newProgress() *progress { return &progress{time.Now(), time.Now()} }

// due is true every ten seconds.
func (p *progress) due() bool {
	if time.Since(p.last) < progressEvery {
		return false
	}
	p.last = time.Now()
	return true
}

func (p *progress) String() string { return time.Since(p.began).Round(time.Second / 10).String() }
