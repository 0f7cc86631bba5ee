package readiness

import (
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Name is the axis value of this loop on this system.
const Name = "epoll"

// poller is an epoll instance that is itself watched by Go's poller, so that waiting for it
// parks a goroutine and holds neither a thread nor a P.
type poller struct {
	fd     int
	wakeFD int
	file   *os.File
	conn   syscall.RawConn
	events [eventsMax]unix.EpollEvent
	count  int
	poll   func(uintptr) bool
	armed  time.Time // the read deadline that is set on file
	waits  uint64
}

func newPoller() (*poller, error) {
	fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("readiness: create: %w", err)
	}
	wakeFD, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	if err == nil {
		err = unix.SetNonblock(fd, true) // which makes os.NewFile hand it to Go's poller
	}
	if err != nil {
		closeAll([]int{fd, wakeFD})
		return nil, fmt.Errorf("readiness: eventfd: %w", err)
	}
	p := &poller{fd: fd, wakeFD: wakeFD, file: os.NewFile(uintptr(fd), "epoll")}
	p.poll = func(uintptr) bool { return p.peek() > 0 }
	// Edge-triggered and never read: every write to it is a new edge.
	err = p.add(wakeFD, unix.EPOLLIN|unix.EPOLLET, wakeToken)
	if err == nil {
		p.conn, err = p.file.SyscallConn()
	}
	if err != nil {
		p.close()
		return nil, fmt.Errorf("readiness: watch the eventfd: %w", err)
	}
	return p, nil
}

// addConn registers a connection, edge-triggered; closing it unregisters it.
func (p *poller) addConn(fd int, t token) error {
	return p.add(fd, unix.EPOLLIN|unix.EPOLLOUT|unix.EPOLLRDHUP|unix.EPOLLET, t)
}

// addListener registers a listener, level-triggered.
func (p *poller) addListener(fd int, t token) error { return p.add(fd, unix.EPOLLIN, t) }

// changeListener makes a registered listener report connections, or not.
func (p *poller) changeListener(fd int, t token, on bool) error {
	event := newEvent(0, t)
	if on {
		event.Events = unix.EPOLLIN
	}
	return unix.EpollCtl(p.fd, unix.EPOLL_CTL_MOD, fd, &event)
}

func (p *poller) add(fd int, events uint32, t token) error {
	event := newEvent(events, t)
	return unix.EpollCtl(p.fd, unix.EPOLL_CTL_ADD, fd, &event)
}

func newEvent(events uint32, t token) unix.EpollEvent {
	return unix.EpollEvent{Events: events, Fd: int32(t.slot), Pad: int32(t.generation)}
}

func tokenOf(event *unix.EpollEvent) token {
	return token{slot: uint32(event.Fd), generation: uint32(event.Pad)}
}

// bitsOf is what an event of a connection means for conn.ready.
func bitsOf(event *unix.EpollEvent) (bits uint32) {
	if event.Events&unix.EPOLLIN != 0 {
		bits |= bitIn
	}
	if event.Events&unix.EPOLLOUT != 0 {
		bits |= bitOut
	}
	if event.Events&unix.EPOLLRDHUP != 0 {
		bits |= bitIn | bitEnd
	}
	if event.Events&(unix.EPOLLHUP|unix.EPOLLERR) != 0 {
		bits |= bitIn | bitEnd | bitOut
	}
	return bits
}

// peek takes what has happened, without waiting.
func (p *poller) peek() int {
	p.waits++
	n, _, errno := unix.RawSyscall6(unix.SYS_EPOLL_PWAIT, uintptr(p.fd),
		uintptr(unsafe.Pointer(&p.events[0])), eventsMax, 0, 0, 0)
	if errno != 0 {
		n = 0 // EINTR: nothing yet
	}
	p.count = int(n)
	return p.count
}

// sleep waits for an event, or until the time until, if that is not zero.
func (p *poller) sleep(until time.Time) error {
	// A deadline that is earlier than needed wakes us up for nothing, once; setting one for
	// every sleep would cost more.
	if passed := !p.armed.IsZero() && !p.armed.After(time.Now()); passed ||
		!until.IsZero() && (p.armed.IsZero() || until.Before(p.armed)) {
		if err := p.file.SetReadDeadline(until); err != nil {
			return fmt.Errorf("readiness: set deadline: %w", err)
		}
		p.armed = until
	}
	if err := p.conn.Read(p.poll); err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
		return fmt.Errorf("readiness: wait: %w", err)
	}
	return nil
}

// wake ends a sleep, from any goroutine.
func (p *poller) wake() {
	one := [8]byte{1}
	_, _ = unix.Write(p.wakeFD, one[:]) // cannot fail before 2^64 wakes
}

func (p *poller) close() {
	_ = p.file.Close()
	_ = unix.Close(p.wakeFD)
}
