//go:build linux || ((darwin || freebsd) && (amd64 || arm64))

package readiness

import (
	"sync"

	"golang.org/x/sys/unix"

	"flashstore/arena"
	"flashstore/netloop/session"
)

// activeSpareMax is how many unused sessions a loop keeps, some 6 KiB each.
const activeSpareMax = 256

// active is what a connection has only while there are bytes in hand.
type active struct {
	session *session.Session
	block   [1]*arena.Block // nil: suspended, or in the loop's own buffer
	iovecs  [iovecsMax]unix.Iovec
}

// fillIovecs describes bufs without their first skip bytes, as many as fit, and the sum of
// what it describes. The array is on the heap, where the collector moves nothing.
func (a *active) fillIovecs(bufs [][]byte, skip int) (iov []unix.Iovec, total int) {
	iov = a.iovecs[:0]
	for _, b := range bufs {
		if skip >= len(b) {
			skip -= len(b)
			continue
		}
		if len(iov) == iovecsMax {
			break
		}
		b = b[skip:]
		skip = 0
		iov = iov[:len(iov)+1]
		iov[len(iov)-1].Base = &b[0]
		iov[len(iov)-1].SetLen(len(b))
		total += len(b)
	}
	return iov, total
}

// activePool keeps unused sessions of one loop. Safe for concurrent use: workers put back.
type activePool struct {
	mu   sync.Mutex
	free []*active
}

func (p *activePool) get() *active {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.free) == 0 {
		return nil
	}
	a := p.free[len(p.free)-1]
	p.free = p.free[:len(p.free)-1]
	return a
}

func (p *activePool) put(a *active) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.free) < activeSpareMax {
		p.free = append(p.free, a)
	}
}

// attach gives c a session, as its first bytes come, and a buffer: a block or, if none is left, the
// loop's scraps, until c waits for its peer. There a request is read and refused.
func (l *loop) attach(c *conn) {
	a := c.active
	if a == nil {
		if a = l.actives.get(); a == nil {
			memory := l.server.config.Allocator.NewArena(l.index)
			a = &active{session: session.New(&l.server.shared, &l.counters, memory)}
		}
		a.session.Attach(c, c.remote, c.tls != nil)
		c.active = a
	}
	if !a.session.Suspended() {
		return
	}
	if err := l.server.config.Allocator.Borrow(a.block[:], l.index); err != nil {
		a.session.Resume(l.scraps)
		return
	}
	a.session.Resume(a.block[0].Bytes)
}

// holdsBlock reports whether c keeps a buffer while others are served.
func (c *conn) holdsBlock() bool { return c.active != nil && c.active.block[0] != nil }

// suspend takes the buffer back until c is attached again. It reports false if those who wait keep
// too much already.
func (l *loop) suspend(c *conn) bool {
	if c.active == nil {
		return true
	}
	if !c.active.session.Suspend() {
		return false
	}
	l.giveBack(c.active)
	return true
}

// detach takes session and buffer back. Called by c's owner.
func (l *loop) detach(c *conn) {
	a := c.active
	if a == nil {
		return
	}
	c.active = nil
	a.session.Detach()
	l.giveBack(a)
	l.actives.put(a)
}

// giveBack returns a's block, if it has one.
func (l *loop) giveBack(a *active) {
	if a.block[0] != nil {
		l.server.config.Allocator.Return(a.block[:])
		a.block[0] = nil
	}
}
