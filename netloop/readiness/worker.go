//go:build linux || ((darwin || freebsd) && (amd64 || arm64))

package readiness

import (
	"sync"
	"time"

	"flashstore/netloop/session"
)

const (
	// workersKept stay when there is nothing to do; a burst's others end after trimEvery, since each
	// keeps a stack of 8 KiB and more.
	workersKept = 32
	trimEvery   = 2 * time.Second
)

// pool is a bounded set of workers and a bounded queue before them. The worker that was used
// last is used next: its stack is warm.
//
// A worker that waits for its client steps aside, so that clients who do not send, or do not take,
// keep nobody from being answered. workersMax bounds what is begun: when many clients go on at
// once, as many workers do, and nothing is begun until there are fewer again.
type pool struct {
	server     *Server
	workersMax int
	// stepping: workers step aside while they wait for their clients.
	stepping bool
	// waitMax: while the head of the queue has waited so long, nobody is let in; 0: always. Those
	// that are refused learn it at once; those in the queue already wait until workers have time.
	waitMax time.Duration

	mu       sync.Mutex
	idle     []*worker // used last is last
	idleMin  int       // least idle since the last trim
	trimmer  *time.Timer
	count    int       // of workers
	aside    int       // of them
	queue    []waiting // from queueAt on
	queueAt  int
	trimming bool // the trimmer is armed
	stopping bool
	done     sync.WaitGroup
}

// waiting is a connection in the queue.
type waiting struct {
	conn  *conn
	since time.Time
}

// worker is one goroutine that answers one request after the other.
type worker struct {
	pool  *pool
	job   chan *conn    // capacity 1
	woken chan struct{} // capacity 1
	clock *time.Timer
}

// submit gives c, owned by the caller, to a worker, and reports false if too many wait.
func (p *pool) submit(c *conn, now time.Time) bool {
	p.mu.Lock()
	if n := len(p.idle); n > 0 {
		w := p.idle[n-1]
		p.idle = p.idle[:n-1]
		p.idleMin = min(p.idleMin, n-1)
		p.mu.Unlock()
		w.job <- c
		return true
	}
	defer p.mu.Unlock()
	if p.count-p.aside < p.workersMax {
		p.hire(c)
		return true
	}
	switch length := len(p.queue) - p.queueAt; {
	case length >= p.server.config.Limits.QueueMax,
		length > 0 && p.waitMax > 0 && now.Sub(p.queue[p.queueAt].since) >= p.waitMax:
		return false
	}
	if p.queueAt > 0 && len(p.queue) == cap(p.queue) {
		p.queue = append(p.queue[:0], p.queue[p.queueAt:]...)
		p.queueAt = 0
	}
	p.queue = append(p.queue, waiting{c, now})
	return true
}

// hire begins another worker, with c; mu is held.
func (p *pool) hire(c *conn) {
	p.count++
	p.done.Add(1)
	w := &worker{pool: p, job: make(chan *conn, 1), woken: make(chan struct{}, 1),
		clock: time.NewTimer(time.Hour)}
	w.clock.Stop()
	w.job <- c
	go w.run()
}

// stepAside gives the place of a worker that is about to wait for its client to the head of the
// queue.
func (p *pool) stepAside() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.aside++
	if p.queueAt < len(p.queue) && p.count-p.aside < p.workersMax {
		p.hire(p.head())
	}
}

// stepBack ends what stepAside began.
func (p *pool) stepBack() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.aside--
}

// head takes the connection that waits longest; there is one, and mu is held.
func (p *pool) head() *conn {
	c := p.queue[p.queueAt].conn
	p.queue[p.queueAt] = waiting{}
	if p.queueAt++; p.queueAt == len(p.queue) {
		p.queue, p.queueAt = p.queue[:0], 0
	}
	return c
}

// crowded reports whether somebody waits for a worker.
func (p *pool) crowded() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.queueAt < len(p.queue)
}

// next returns a connection that waits, or nil after w was put among the idle or is to end.
func (p *pool) next(w *worker) (c *conn, end bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.count-p.aside > p.workersMax: // those who waited are back
		p.count--
		return nil, true
	case p.queueAt < len(p.queue):
		return p.head(), false
	case p.stopping:
		return nil, true
	}
	if p.idle = append(p.idle, w); len(p.idle) == workersKept+1 {
		p.trimLater()
	}
	return nil, false
}

// trimLater arms the trimmer, if it is not armed; mu is held.
func (p *pool) trimLater() {
	switch {
	case p.trimmer == nil:
		p.trimmer = time.AfterFunc(trimEvery, p.trim)
	case p.trimming:
		return
	default:
		p.trimmer.Reset(trimEvery)
	}
	p.trimming, p.idleMin = true, len(p.idle)
}

// trim ends the workers that had nothing to do since it was armed, but for a few.
func (p *pool) trim() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.trimming = false; p.stopping {
		return
	}
	if n := min(p.idleMin, len(p.idle)) - workersKept; n > 0 {
		for _, w := range p.idle[:n] {
			close(w.job)
		}
		p.idle = append(p.idle[:0], p.idle[n:]...)
		clear(p.idle[len(p.idle):cap(p.idle)])
		p.count -= n
	}
	if len(p.idle) > workersKept {
		p.trimLater()
	}
}

// stop ends all workers; no connection is left when it is called.
func (p *pool) stop() {
	p.mu.Lock()
	p.stopping = true
	if p.trimmer != nil {
		p.trimmer.Stop() // or it finds us stopping
	}
	for _, w := range p.idle {
		close(w.job)
	}
	p.idle = nil
	p.mu.Unlock()
	p.done.Wait()
}

func (w *worker) run() {
	defer w.pool.done.Done()
	for {
		c, open := <-w.job
		if !open {
			return
		}
		for c != nil {
			w.serve(c)
			var end bool
			if c, end = w.pool.next(w); end {
				return
			}
		}
	}
}

// serve answers the request at hand, and those that follow while they come at once, then
// gives c up.
func (w *worker) serve(c *conn) {
	limits := &w.pool.server.config.Limits
	c.worker = w
	if c.phase == phaseShake {
		w.shake(c)
		return
	}
	for turn := 1; ; turn++ {
		if verdict := w.answer(c); verdict != session.VerdictKeep || len(c.spill) > 0 {
			w.leave(c, verdict) // who waits for a client is the loop
			return
		}
		c.phase = phaseRead
		if turn >= limits.PipelineMax {
			c.loop.post(c) // others have their turn first
			return
		}
		if !w.next(c) {
			return
		}
	}
}

// leave gives c up for the loop to act on a verdict.
func (w *worker) leave(c *conn, verdict session.Verdict) {
	c.phase, c.verdict = phaseSettle, verdict
	c.loop.post(c)
}

func (w *worker) answer(c *conn) session.Verdict {
	s := c.active.session
	w.pool.server.handler.Handle(&s.Exchange)
	verdict := s.Finish()
	if verdict == session.VerdictDrain {
		verdict = c.drain() // most bodies are here
	}
	return verdict
}

// next reports whether another request is complete. If none is, c has been given up.
func (w *worker) next(c *conn) bool {
	s := c.active.session
	for {
		ready, err := s.Next(time.Now())
		if err != nil {
			s.Refuse(err)
			w.leave(c, session.VerdictClose)
			return false
		}
		if ready {
			c.phase = phaseHandle
			return true
		}
		errno, got := c.fill()
		if got {
			continue
		}
		if errno != errAgain {
			c.phase = phaseClose
			c.loop.post(c)
		} else if s.Pending() || c.midRecord() {
			c.loop.post(c) // half a head: the loop sets its deadline
		} else {
			c.release()
		}
		return false
	}
}

// release makes c idle. Bytes that came meanwhile are seen by the loop, or by the last look; so
// is a shutdown, whose order to close what is idle may have found c still with the worker.
func (c *conn) release() {
	l := c.loop
	l.detach(c)
	c.inWorker, c.worker = false, nil
	c.timer.deadline.Store(l.tickAfter(time.Now(), l.server.config.Limits.IdleTimeout))
	c.owner.Store(ownerNobody)
	wanted := c.ready.Load()&bitIn != 0 || l.server.shared.Closing.Load()
	if wanted && c.owner.CompareAndSwap(ownerNobody, ownerWorker) {
		l.post(c)
	}
}

// await waits until c.ready has bit, and reports false if deadline comes first.
func (w *worker) await(c *conn, bit uint32, deadline time.Time) bool {
	c.waiter.Store(w)
	defer c.waiter.Store(nil)
	if c.ready.Load()&bit != 0 {
		return true
	}
	if w.pool.stepping {
		w.pool.stepAside()
		defer w.pool.stepBack()
	}
	w.clock.Reset(time.Until(deadline))
	defer w.clock.Stop()
	for {
		select {
		case <-w.woken: // or a late wake for an earlier wait
			if c.ready.Load()&bit != 0 {
				return true
			}
		case <-w.clock.C:
			return c.ready.Load()&bit != 0
		}
	}
}

// wakeUp is called by the loop after it set bits of c.ready.
func (w *worker) wakeUp() {
	select {
	case w.woken <- struct{}{}:
	default: // it has not looked since the last one
	}
}
