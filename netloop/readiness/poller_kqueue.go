//go:build (darwin || freebsd) && (amd64 || arm64)

package readiness

import (
	"fmt"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Name is the axis value of this loop on this system.
const Name = "kqueue"

// event has an integer where unix.Kevent_t has a pointer: what is kept there is no address, and
// the garbage collector must not take it for one. The two are of one shape.
var (
	_ [unsafe.Sizeof(unix.Kevent_t{})]byte         = [unsafe.Sizeof(event{})]byte{}
	_ [unsafe.Offsetof(unix.Kevent_t{}.Udata)]byte = [unsafe.Offsetof(event{}.udata)]byte{}
)

// poller is a kqueue. A loop that has nothing to do waits in kevent itself, which the scheduler
// sees: it holds a thread, and its P only until sysmon takes that.
//
// Note: nesting it in Go's poller, as with epoll, wants a nonblocking descriptor, and a kqueue
// answers FIONBIO with ENOTTY.
type poller struct {
	fd     int
	events [eventsMax]event
	count  int
	waits  uint64
}

func newPoller() (*poller, error) {
	fd, err := unix.Kqueue()
	if err != nil {
		return nil, fmt.Errorf("readiness: kqueue: %w", err)
	}
	unix.CloseOnExec(fd) // a child of fork has no kqueue of its parent anyway
	p := &poller{fd: fd}
	user := newEvent(0, unix.EVFILT_USER, unix.EV_ADD|unix.EV_CLEAR, wakeToken)
	if err := p.apply(user); err != nil {
		p.close()
		return nil, fmt.Errorf("readiness: watch wakes: %w", err)
	}
	return p, nil
}

// addConn registers a connection, edge-triggered; closing it unregisters it.
func (p *poller) addConn(fd int, t token) error {
	const flags = unix.EV_ADD | unix.EV_CLEAR
	if err := p.apply(newEvent(fd, unix.EVFILT_READ, flags, t)); err != nil {
		return err
	}
	return p.apply(newEvent(fd, unix.EVFILT_WRITE, flags, t))
}

// addListener registers a listener, level-triggered.
func (p *poller) addListener(fd int, t token) error {
	return p.apply(newEvent(fd, unix.EVFILT_READ, unix.EV_ADD, t))
}

// changeListener makes a registered listener report connections, or not.
func (p *poller) changeListener(fd int, t token, on bool) error {
	flags := uint16(unix.EV_DISABLE)
	if on {
		flags = unix.EV_ENABLE
	}
	return p.apply(newEvent(fd, unix.EVFILT_READ, flags, t))
}

// apply makes one change.
func (p *poller) apply(change event) error {
	for {
		_, err := unix.Kevent(p.fd, kevents([]event{change}), nil, nil)
		if err != unix.EINTR { // FreeBSD says so after it made the change; making it twice is no harm
			return err
		}
	}
}

// peek takes what has happened, without waiting.
func (p *poller) peek() int {
	var now unix.Timespec
	_ = p.wait(&now) // there is nothing yet
	return p.count
}

// sleep waits for an event, or until the time until, if that is not zero.
func (p *poller) sleep(until time.Time) error {
	var timeout *unix.Timespec
	if !until.IsZero() {
		left := unix.NsecToTimespec(int64(max(0, time.Until(until))))
		timeout = &left
	}
	if err := p.wait(timeout); err != nil {
		return fmt.Errorf("readiness: wait: %w", err)
	}
	return nil
}

func (p *poller) wait(timeout *unix.Timespec) error {
	p.waits++
	n, err := unix.Kevent(p.fd, nil, kevents(p.events[:]), timeout)
	p.count = max(n, 0)
	if err == unix.EINTR {
		return nil
	}
	return err
}

// wake ends a sleep, from any goroutine.
func (p *poller) wake() {
	trigger := newEvent(0, unix.EVFILT_USER, 0, wakeToken) // a change sets the data again
	trigger.fflags = unix.NOTE_TRIGGER
	_ = p.apply(trigger) // cannot fail: it is registered
}

func (p *poller) close() { _ = unix.Close(p.fd) }

func newEvent(fd int, filter int16, flags uint16, t token) event {
	return event{ident: uint64(fd), filter: filter, flags: flags,
		udata: uint64(t.slot)<<32 | uint64(t.generation)}
}

func tokenOf(e *event) token {
	return token{slot: uint32(e.udata >> 32), generation: uint32(e.udata)}
}

// bitsOf is what an event of a connection means for conn.ready. The end of the side we write to
// may be our own doing and says nothing of the peer's; a reset ends both.
func bitsOf(e *event) uint32 {
	switch {
	case e.filter == unix.EVFILT_WRITE && e.flags&unix.EV_EOF != 0:
		return bitOut | bitIn
	case e.filter == unix.EVFILT_WRITE:
		return bitOut
	case e.flags&unix.EV_EOF != 0:
		return bitIn | bitEnd
	}
	return bitIn
}

// kevents are events as the system call takes them. What they point at is known to the garbage
// collector as events, without pointers.
func kevents(events []event) []unix.Kevent_t {
	return unsafe.Slice((*unix.Kevent_t)(unsafe.Pointer(unsafe.SliceData(events))), len(events))
}
