package load

import (
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// bufferBytes is read at once: large, so that large bodies take few calls, and small enough to
	// stay in a core's own cache.
	bufferBytes = 256 << 10
	// tickEvery is how often the loop looks at what time alone decides.
	tickEvery = int64(10 * time.Millisecond)
	// reopenAfter keeps a server that refuses connections from being stormed.
	reopenAfter = int64(10 * time.Millisecond)
)

// loop is one thread of a run with its connections. Times are nanoseconds since base.
type loop struct {
	config   *Config
	plan     *plan
	tally    *tally
	family   int
	peer     unix.Sockaddr
	poller   *poller
	buffer   []byte
	conns    []conn
	canceled *atomic.Bool
	edge     func(begins bool) // nil on all threads but the first

	base     time.Time
	from, to int64 // the window
	giveUp   int64 // when what is still in flight is given up
	timeout  int64
	nextTick int64
	nextEdge int64
	edges    int
	busy     int
	closed   int // connections that wait to be opened again
	lastEnd  int64

	// Of the open loop.
	interval float64 // nanoseconds between requests of this thread; 0: closed loop
	first    float64 // when request 0 is due
	sent     int64   // requests that were given to a connection
	free     []int32 // slots of idle connections
}

func newLoop(c *Config, p *plan, connections int) (*loop, error) {
	l := &loop{config: c, plan: p, tally: newTally(), conns: make([]conn, connections),
		buffer: make([]byte, bufferBytes), timeout: int64(c.Timeout)}
	var err error
	if l.family, l.peer, err = resolve(c.Address); err != nil {
		return nil, err
	}
	if l.poller, err = newPoller(); err != nil {
		return nil, err
	}
	for i := range l.conns {
		l.conns[i].slot = int32(i)
	}
	return l, nil
}

func (l *loop) close() {
	for i := range l.conns {
		l.conns[i].shut()
	}
	l.poller.close()
}

func (l *loop) now() int64 { return int64(time.Since(l.base)) }

// connect opens all connections. Errors are those of the first that cannot be opened.
func (l *loop) connect(timeout time.Duration) error {
	began := time.Now()
	for i := range l.conns {
		if err := l.open(&l.conns[i]); err != nil {
			return err
		}
	}
	for left := len(l.conns); left > 0; {
		if time.Since(began) > timeout {
			return unix.ETIMEDOUT
		}
		events, err := l.poller.wait(time.Duration(tickEvery))
		if err != nil {
			return err
		}
		for i := range events {
			c := &l.conns[events[i].Fd]
			if c.state != stateOpening {
				continue
			}
			if err := dialled(c.fd); err != nil {
				return err
			}
			if kind := l.await(c, false); kind != "" {
				return unix.ECONNRESET
			}
			c.state = stateIdle
			l.tally.connects++
			left--
		}
	}
	return nil
}

// run sends and receives until the window is over and nothing is in flight, giveUp, or canceled.
func (l *loop) run() error {
	for i := range l.conns {
		l.ready(&l.conns[i], l.now())
	}
	for !l.canceled.Load() {
		now := l.now()
		if now >= l.nextTick {
			l.tick(now)
		}
		if l.interval > 0 {
			l.sendDue(now)
		}
		if l.over(now) {
			break
		}
		events, err := l.poller.wait(l.patience(now))
		if err != nil {
			return err
		}
		for i := range events {
			c := &l.conns[events[i].Fd]
			if c.generation == events[i].Pad && c.state != stateClosed {
				l.handle(c, events[i].Events)
			}
		}
	}
	l.finish()
	return nil
}

// over says whether there is nothing left to send or to wait for.
func (l *loop) over(now int64) bool {
	switch {
	case now >= l.giveUp:
		return true
	case l.busy > 0:
		return false
	case l.interval > 0:
		return l.dueAt(l.sent) >= float64(l.to)
	}
	return now >= l.to || !l.plan.more()
}

// patience is how long the loop may sleep. Where a request is due within a few milliseconds it does
// not, for no timer is as exact as looking; the open loop wants a core of its own.
func (l *loop) patience(now int64) time.Duration {
	const millisecond = int64(time.Millisecond)
	until := max(l.nextTick, now+millisecond)
	if l.interval > 0 && len(l.free) > 0 {
		until = min(until, int64(l.dueAt(l.sent))-millisecond)
	}
	return time.Duration(until - now)
}

// handle serves an event of an open connection.
func (l *loop) handle(c *conn, events uint32) {
	if c.state == stateOpening {
		l.opened(c)
		return
	}
	if events&unix.EPOLLOUT != 0 {
		if kind := l.send(c); kind != "" {
			l.fail(c, &fault{kind, "while sending"})
			return
		}
	}
	if events&^unix.EPOLLOUT == 0 {
		return
	}
	done, wrong := l.receive(c)
	switch {
	case wrong != nil && c.state == stateIdle && wrong.kind == KindClosed:
		l.reopen(c, l.now()) // an idle connection may be closed at any time
	case wrong != nil:
		l.fail(c, wrong)
	case done:
		l.answered(c)
	}
}
