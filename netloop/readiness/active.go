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
	block   [1]*arena.Block
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

// attach gives c a session and a block, as its first bytes come.
func (l *loop) attach(c *conn) error {
	a := l.actives.get()
	if a == nil {
		memory := l.server.config.Allocator.NewArena(l.index)
		a = &active{session: session.New(&l.server.shared, &l.counters, memory)}
	}
	if err := l.server.config.Allocator.Borrow(a.block[:], l.index); err != nil {
		l.actives.put(a)
		return err
	}
	a.session.Attach(c, a.block[0].Bytes, c.remote, c.tls != nil)
	c.active = a
	return nil
}

// detach takes them back. Called by c's owner.
func (l *loop) detach(c *conn) {
	a := c.active
	if a == nil {
		return
	}
	c.active = nil
	a.session.Detach()
	l.server.config.Allocator.Return(a.block[:])
	a.block[0] = nil
	l.actives.put(a)
}
