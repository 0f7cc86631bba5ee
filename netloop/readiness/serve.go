//go:build linux || ((darwin || freebsd) && (amd64 || arm64))

package readiness

import (
	"time"

	"golang.org/x/sys/unix"

	"flashstore/netloop/session"
)

// serve does what can be done for c, which the loop owns, and gives it up or closes it.
func (l *loop) serve(c *conn) {
	switch c.phase {
	case phaseGreet:
		l.greet(c)
	case phaseShaken:
		c.phase = phaseRead
		l.setDeadline(c, l.server.config.Limits.IdleTimeout) // which may be an earlier one
		l.read(c)
	case phaseSettle:
		if l.settle(c, c.verdict) {
			l.read(c)
		}
	case phaseDrain:
		if l.drain(c) {
			l.read(c)
		}
	case phaseFlush:
		l.flush(c)
	case phaseLinger:
		l.linger(c)
	case phaseClose:
		l.close(c)
	default:
		l.read(c)
	}
}

// read answers requests until there are no more bytes, a worker takes over, or it is the turn
// of others.
func (l *loop) read(c *conn) {
	if c.active == nil && c.ready.Load()&bitIn == 0 {
		l.park(c)
		return
	}
	l.attach(c)
	s := c.active.session
	l.sampler.begin()
	for turn := 0; ; {
		if turn == l.server.config.Limits.PipelineMax && s.Pending() {
			l.putOff(c)
			return
		}
		ready, err := s.Next(l.now)
		if err != nil {
			s.Refuse(err)
			l.settle(c, session.VerdictClose)
			return
		}
		if ready {
			turn++
			c.headBy = 0
			if !l.answer(c) {
				return
			}
			continue
		}
		errno, got := c.fill()
		if got {
			continue
		}
		if errno == errAgain {
			l.park(c)
		} else {
			l.close(c) // the peer has gone between requests, or within a head
		}
		return
	}
}

// answer handles a request and reports whether the loop may go on with c.
func (l *loop) answer(c *conn) bool {
	s := c.active.session
	if inline := l.server.inline; inline != nil && l.server.roomToLeave() {
		s.SetInline(true)
		l.sampler.watch(&s.Exchange)
		if inline.TryHandle(&s.Exchange) {
			l.counters.Inline.Add(1)
			verdict := s.Finish()
			l.sampler.end(&l.counters)
			return l.settle(c, verdict)
		}
		l.sampler.drop(&s.Exchange)
		s.SetInline(false)
	}
	if !l.lend(c, phaseHandle) {
		return l.settle(c, s.Busy(l.server.busy))
	}
	return false
}

// lend gives c to a worker, or returns false if none has time or c has no block. Nothing of a lent
// c may be touched.
func (l *loop) lend(c *conn, p phase) bool {
	if c.active != nil && !c.holdsBlock() {
		return false
	}
	c.phase, c.inWorker = p, true
	pool := &l.server.workers
	if p == phaseShake {
		pool = &l.server.handshakers
		c.ready.Or(bitShake)
	}
	c.owner.Store(ownerWorker)
	if pool.submit(c, l.now) {
		return true
	}
	c.owner.Store(ownerLoop)
	c.inWorker = false
	return false
}

// settle acts on a verdict, once what was written has left, and reports whether the loop may
// go on with c.
func (l *loop) settle(c *conn, verdict session.Verdict) bool {
	if verdict == session.VerdictClose {
		c.closeNotify() // before what is left is flushed: it may be left too
	}
	if len(c.spill) > 0 && verdict != session.VerdictBreak {
		if verdict == session.VerdictClose {
			l.detach(c)
		}
		c.phase, c.verdict = phaseFlush, verdict
		c.countUntaken()
		l.setDeadline(c, l.server.config.Limits.WriteTimeout)
		l.flush(c)
		return false
	}
	switch verdict {
	case session.VerdictKeep:
		c.phase = phaseRead
		return true
	case session.VerdictDrain:
		c.phase = phaseDrain
		if c.headBy == 0 { // not come back to behind a flush
			c.headBy = l.tickAfter(l.now, l.server.config.Limits.DrainTimeout)
		}
		l.wheel.set(&c.timer, c.headBy)
		return l.drain(c)
	case session.VerdictClose:
		l.hangUp(c)
	case session.VerdictBreak:
		l.reset(c)
	}
	return false
}

// drain drops the rest of a body, for a while: it must not keep a worker, nor a block. It reports
// whether the loop may go on with c.
func (l *loop) drain(c *conn) bool {
	verdict := session.VerdictClose
	if !l.stopping {
		l.attach(c)
		verdict = c.drain()
	}
	if verdict != session.VerdictDrain {
		c.headBy = 0
	}
	if verdict != session.VerdictDrain || len(c.spill) > 0 { // TLS had something to say
		return l.settle(c, verdict)
	}
	l.giveUp(c, bitIn)
	return false
}

// flush goes on writing what could not be written at once.
func (l *loop) flush(c *conn) {
	before := len(c.spill)
	done, err := c.flush()
	if err != nil {
		l.close(c)
		return
	}
	if done {
		c.countUntaken()
		if l.settle(c, c.verdict) {
			l.putOff(c)
		}
		return
	}
	if len(c.spill) < before {
		l.setDeadline(c, l.server.config.Limits.WriteTimeout)
	}
	l.giveUp(c, bitOut)
}

// hangUp closes our side and lets what was sent arrive.
func (l *loop) hangUp(c *conn) {
	l.detach(c)
	_ = unix.Shutdown(c.fd, unix.SHUT_WR)
	c.phase, c.headBy = phaseLinger, l.tickAfter(l.now, session.LingerMax)
	l.setDeadline(c, l.server.config.Limits.ShutdownLinger)
	l.linger(c)
}

// lingerLater ends a lingering whose time has come, or puts it off while answers are on their way.
func (l *loop) lingerLater(c *conn) {
	if l.wheel.now >= c.headBy || session.Unacknowledged(c.fd) == 0 {
		l.close(c)
		return
	}
	l.setDeadline(c, l.server.config.Limits.ShutdownLinger)
	l.giveUp(c, bitIn)
}

// linger drops what the peer still sends, so that its kernel does not throw our answer away,
// until it closes too or the time is over.
func (l *loop) linger(c *conn) {
	if c.timer.deadline.Load() <= l.wheel.now {
		l.lingerLater(c) // it sends so fast that the wheel never finds it idle
		return
	}
	if c.ready.Load()&bitIn != 0 {
		if n, errno := c.readSocket(l.scraps); n == 0 && errno != errAgain {
			l.close(c)
			return
		}
	}
	l.giveUp(c, bitIn)
}

// park lets c wait for its peer: without a session if it has no bytes in hand.
func (l *loop) park(c *conn) {
	if len(c.spill) > 0 { // TLS had something to say, and the socket no room
		l.settle(c, session.VerdictKeep)
		return
	}
	limits := &l.server.config.Limits
	pending := c.active != nil && c.active.session.Pending()
	switch {
	case pending && !l.suspend(c):
		l.settle(c, c.active.session.BusyHead(l.server.busy))
		return
	case pending || c.midRecord():
		if !pending {
			l.detach(c)
		}
		if c.headBy == 0 {
			c.headBy = l.tickAfter(l.now, limits.HeadTimeout)
			l.wheel.set(&c.timer, c.headBy)
		}
	case l.stopping:
		l.close(c)
		return
	default:
		l.detach(c)
		c.headBy = 0 // of a record that was no part of a request
		l.setDeadline(c, limits.IdleTimeout)
	}
	l.giveUp(c, bitIn)
}

// giveUp makes nobody the owner. Only the loop sets bits, so none of wanted can come between.
func (l *loop) giveUp(c *conn, wanted uint32) {
	again := c.ready.Load()&wanted != 0
	if !(again && c.holdsBlock()) && !l.suspend(c) {
		l.hearNoMore(c) // it asks for more and does not take the answers
	}
	if again {
		l.again = append(l.again, c)
		return
	}
	c.owner.Store(ownerNobody)
}

// hearNoMore drops what a client has asked for besides an answer that it does not take: the
// connection ends behind that.
func (l *loop) hearNoMore(c *conn) {
	l.counters.Busy.Add(1)
	c.verdict = session.VerdictClose
	c.closeNotify()
	l.detach(c)
}

// putOff has c, whose next request may be read, served again once others had their turn, who may
// need the loop's scraps.
func (l *loop) putOff(c *conn) {
	if c.holdsBlock() || l.suspend(c) {
		l.again = append(l.again, c)
		return
	}
	l.settle(c, c.active.session.BusyHead(l.server.busy))
}

func (l *loop) setDeadline(c *conn, d time.Duration) {
	l.wheel.set(&c.timer, l.tickAfter(l.now, d))
}

// due is called by the wheel when a deadline has come.
func (l *loop) due(t *timer) int64 {
	c := t.conn
	if c == nil {
		l.watchListeners(true)
		return 0
	}
	if !c.owner.CompareAndSwap(ownerNobody, ownerLoop) {
		return l.wheel.now + lentTicks // a worker has it, or it has bytes to be served
	}
	if t.deadline.Load() > l.wheel.now { // a worker had it a moment ago
		l.handBack(c)
		return t.deadline.Load()
	}
	switch {
	case c.phase == phaseFlush:
		l.flushLate(c)
	case c.phase == phaseLinger:
		l.lingerLater(c)
	case c.phase == phaseDrain:
		l.counters.TimedOut.Add(1)
		l.settle(c, session.VerdictClose)
	case c.headBy != 0:
		l.counters.TimedOut.Add(1)
		l.close(c)
	default:
		l.close(c) // idle
	}
	return 0
}

// handBack gives up a connection that a worker may have given up while the loop had it: what the
// worker saw then, it left to the loop.
func (l *loop) handBack(c *conn) {
	wanted := bitIn
	if c.phase == phaseFlush {
		wanted = bitOut
	}
	if l.stopping {
		l.again = append(l.again, c)
		return
	}
	l.giveUp(c, wanted)
}

// flushLate ends a client that has taken nothing for Limits.WriteTimeout; see awaitRoom.
func (l *loop) flushLate(c *conn) {
	before := len(c.spill)
	if _, err := c.flush(); err == nil && len(c.spill) < before {
		l.setDeadline(c, l.server.config.Limits.WriteTimeout)
		l.flush(c)
		return
	}
	l.counters.TimedOut.Add(1)
	l.reset(c)
}

// stop closes listeners and whatever waits for a first or another request.
func (l *loop) stop() {
	l.endAccept()
	for _, c := range l.slots {
		if c == nil {
			continue
		}
		if c.owner.CompareAndSwap(ownerNobody, ownerLoop) {
			l.serve(c) // a request that has come is answered; park closes the others
		} else if c.ready.Load()&bitShake != 0 {
			_ = unix.Shutdown(c.fd, unix.SHUT_RDWR) // which its worker sees
		}
	}
}

// endAccept closes the listeners. Who is the last to do so tells the others, which may have waited
// for nothing else.
func (l *loop) endAccept() {
	if l.stopping {
		return
	}
	l.stopping = true
	closeAll(l.listeners)
	l.listeners = nil
	if l.server.accepting.Add(-1) == 0 {
		l.server.order(orderStop)
	}
}

// cut ends all connections. One that a worker has is shut down under it; the worker gives it
// back as soon as its handler ends.
func (l *loop) cut() {
	for _, c := range l.slots {
		if c == nil {
			continue
		}
		if c.owner.CompareAndSwap(ownerNobody, ownerLoop) {
			l.close(c)
		} else {
			_ = unix.Shutdown(c.fd, unix.SHUT_RDWR)
		}
	}
}
