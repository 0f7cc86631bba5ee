//go:build linux || ((darwin || freebsd) && (amd64 || arm64))

package readiness

import (
	"net/netip"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"flashstore/arena"
	"flashstore/netloop/session"
)

const (
	tick = 100 * time.Millisecond
	// lentTicks is when the loop looks again at a timer of a connection a worker has.
	lentTicks   = 10
	scrapsBytes = arena.BlockBytes
)

// loop owns a poller, its listeners and its connections.
type loop struct {
	server    *Server
	index     int
	poller    *poller
	listeners []int
	reserve   int // a descriptor to give up when there are no more; -1: given up
	counters  session.Counters
	actives   activePool

	// Of the loop's goroutine.
	now      time.Time
	start    time.Time
	slots    []*conn
	free     []uint32 // slots
	gens     []uint32 // generation of each slot
	wheel    *wheel
	resume   timer   // accept again: see pauseAccept
	again    []*conn // owned, and to be served in the next turn
	scraps   []byte  // where dropped bytes go, and a request that there is no block for
	stopping bool

	sampler    sampler
	againSpare []*conn
	served     uint64 // poller.waits that were counted

	open   atomic.Int64 // connections, also those on their way here
	asleep atomic.Bool

	mu    sync.Mutex
	mail  []letter
	spare []letter
	inbox atomic.Int32 // len(mail)
}

// letter is a connection handed to the loop, a new descriptor, or an order.
type letter struct {
	conn   *conn
	fd     int
	remote netip.AddrPort
	order  order
}

type order uint8

const (
	orderNone order = iota
	orderStop       // accept no more, close what is idle
	orderCut        // close everything
)

func newLoop(server *Server, index int) (*loop, error) {
	p, err := newPoller()
	if err != nil {
		return nil, err
	}
	l := &loop{server: server, index: index, poller: p, reserve: -1, wheel: newWheel(),
		scraps: make([]byte, scrapsBytes), start: time.Now()}
	l.refillReserve()
	return l, nil
}

// tickAfter is the first tick that is surely not before now + d.
func (l *loop) tickAfter(now time.Time, d time.Duration) int64 {
	return int64((now.Sub(l.start)+d)/tick) + 1
}

// post gives c to the loop; c is the loop's from here on.
func (l *loop) post(c *conn) {
	c.inWorker, c.worker = false, nil
	c.owner.Store(ownerLoop)
	l.send(letter{conn: c})
}

func (l *loop) send(m letter) {
	l.mu.Lock()
	l.mail = append(l.mail, m)
	l.inbox.Store(int32(len(l.mail)))
	if l.asleep.Load() {
		l.poller.wake() // under the lock: the descriptor is not closed meanwhile
	}
	l.mu.Unlock()
}

func (l *loop) hasMail() bool { return l.inbox.Load() > 0 }

// run serves until it was told to stop and the last connection is gone. While another loop
// accepts, one of its connections may still be given to this one.
func (l *loop) run() error {
	for !l.stopping || l.server.accepting.Load() > 0 || l.open.Load() > 0 {
		if err := l.wait(); err != nil {
			l.endAccept()
			return err
		}
		l.now = time.Now()
		l.handleEvents()
		l.handleMail()
		l.handleAgain()
		l.handleTime()
		l.counters.EpollWaits.Add(l.poller.waits - l.served)
		l.served = l.poller.waits
	}
	return nil
}

// handleTime lets deadlines come, once what happened before them has been looked at: a loop that is
// late must not take its clients for late.
func (l *loop) handleTime() {
	now := l.tickAfter(l.now, 0) - 1
	if now <= l.wheel.now {
		return
	}
	for looks := len(l.slots)/eventsMax + 1; looks > 0; looks-- {
		seen := l.poller.peek()
		l.handleEvents()
		if seen < eventsMax {
			break
		}
	}
	l.wheel.advance(now, l.due)
}

// release closes what the loop holds, once it does not run.
func (l *loop) release() {
	l.mu.Lock()
	defer l.mu.Unlock()
	closeAll(l.listeners)
	l.listeners = nil
	if l.reserve >= 0 {
		_ = unix.Close(l.reserve)
	}
	for i := range l.mail { // connections that came when it was too late
		if m := &l.mail[i]; m.conn == nil && m.order == orderNone {
			_ = unix.Close(m.fd)
		}
	}
	l.mail = nil
	l.asleep.Store(false)
	l.poller.close()
}

// wait returns when there is something to do.
func (l *loop) wait() error {
	runtime.Gosched() // a loop that always finds work would starve the workers it gives work to
	if l.poller.peek() > 0 || l.hasMail() || len(l.again) > 0 || l.poller.spin(l.hasMail) {
		return nil
	}
	l.asleep.Store(true)
	defer l.asleep.Store(false)
	if l.hasMail() { // sent before asleep could be seen
		return nil
	}
	var until time.Time
	if next := l.wheel.nextTick(); next > 0 {
		until = l.start.Add(time.Duration(next) * tick)
	}
	return l.poller.sleep(until)
}

func (l *loop) handleEvents() {
	p := l.poller
	n := p.count
	p.count = 0
	l.counters.EpollEvents.Add(uint64(n))
	for i := range p.events[:n] {
		event := &p.events[i]
		t := tokenOf(event)
		switch {
		case t.slot > slotReserved:
			l.accept(int(t.slot - slotReserved - 1))
		case t.slot == slotReserved: // a wake: see handleMail
		case l.gens[t.slot] == t.generation && l.slots[t.slot] != nil:
			l.handleEvent(l.slots[t.slot], bitsOf(event))
		}
	}
}

func (l *loop) handleEvent(c *conn, bits uint32) {
	c.ready.Or(bits)
	if c.owner.CompareAndSwap(ownerNobody, ownerLoop) {
		l.serve(c)
	} else if w := c.waiter.Load(); w != nil {
		w.wakeUp()
	}
}

func (l *loop) handleMail() {
	if !l.hasMail() {
		return
	}
	l.mu.Lock()
	mail := l.mail
	l.mail = l.spare[:0]
	l.inbox.Store(0)
	l.mu.Unlock()
	for i := range mail {
		m := &mail[i]
		switch {
		case m.conn != nil:
			l.serve(m.conn)
		case m.order == orderStop:
			l.stop()
		case m.order == orderCut:
			l.cut()
		default:
			l.adopt(m.fd, m.remote)
		}
	}
	clear(mail)
	l.spare = mail
}

func (l *loop) handleAgain() {
	again := l.again
	l.again = l.againSpare[:0]
	for _, c := range again {
		l.serve(c)
	}
	clear(again)
	l.againSpare = again
}
