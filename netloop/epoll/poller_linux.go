package epoll

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

const (
	eventsMax = 256
	// spins is how often a loop that has nothing to do looks again, letting others run in
	// between, before it sleeps: waking up through Go's poller costs some 10 µs.
	spins = 20
)

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
		return nil, fmt.Errorf("epoll: create: %w", err)
	}
	wakeFD, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	if err == nil {
		err = unix.SetNonblock(fd, true) // which makes os.NewFile hand it to Go's poller
	}
	if err != nil {
		closeAll([]int{fd, wakeFD})
		return nil, fmt.Errorf("epoll: eventfd: %w", err)
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
		return nil, fmt.Errorf("epoll: watch the eventfd: %w", err)
	}
	return p, nil
}

// add registers a descriptor; closing it unregisters it.
func (p *poller) add(fd int, events uint32, t token) error {
	event := unix.EpollEvent{Events: events, Fd: int32(t.slot), Pad: int32(t.generation)}
	return unix.EpollCtl(p.fd, unix.EPOLL_CTL_ADD, fd, &event)
}

// change makes a registered descriptor report other events.
func (p *poller) change(fd int, events uint32, t token) error {
	event := unix.EpollEvent{Events: events, Fd: int32(t.slot), Pad: int32(t.generation)}
	return unix.EpollCtl(p.fd, unix.EPOLL_CTL_MOD, fd, &event)
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

// spin looks a few times more, letting other goroutines run; mail says that it is enough.
func (p *poller) spin(mail func() bool) bool {
	for range spins {
		runtime.Gosched()
		if p.peek() > 0 || mail() {
			return true
		}
	}
	return false
}

// sleep waits for an event, or until the time until, if that is not zero.
func (p *poller) sleep(until time.Time) error {
	// A deadline that is earlier than needed wakes us up for nothing, once; setting one for
	// every sleep would cost more.
	if passed := !p.armed.IsZero() && !p.armed.After(time.Now()); passed ||
		!until.IsZero() && (p.armed.IsZero() || until.Before(p.armed)) {
		if err := p.file.SetReadDeadline(until); err != nil {
			return fmt.Errorf("epoll: set deadline: %w", err)
		}
		p.armed = until
	}
	if err := p.conn.Read(p.poll); err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
		return fmt.Errorf("epoll: wait: %w", err)
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
