package load

import (
	"os"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// eventsMax is how many connections one epoll_wait may report; more wait for the next.
const eventsMax = 256

// poller is an epoll instance, level-triggered. An event names a slot and the generation of the
// connection that was in it, so that one of an earlier connection is told apart.
type poller struct {
	fd     int
	events [eventsMax]unix.EpollEvent
}

func newPoller() (*poller, error) {
	fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, os.NewSyscallError("epoll_create1", err)
	}
	return &poller{fd: fd}, nil
}

func (p *poller) close() { unix.Close(p.fd) }

// watch registers a socket, or changes what it is watched for. Closing it ends that.
func (p *poller) watch(operation, fd int, events uint32, slot, generation int32) error {
	event := unix.EpollEvent{Events: events, Fd: slot, Pad: generation}
	return os.NewSyscallError("epoll_ctl", unix.EpollCtl(p.fd, operation, fd, &event))
}

// rawWaitMax is how long a thread may sleep without telling the Go scheduler, in milliseconds.
// Under load something is ready long before, and telling costs more than the wait; a collection of
// garbage, rare here, would have to wait so long.
const rawWaitMax = 1

// wait returns what is ready, after at most atMost, which is rounded down to milliseconds.
func (p *poller) wait(atMost time.Duration) ([]unix.EpollEvent, error) {
	millis := max(0, int(atMost/time.Millisecond))
	n, _, errno := unix.RawSyscall6(unix.SYS_EPOLL_PWAIT, uintptr(p.fd),
		uintptr(unsafe.Pointer(&p.events[0])), eventsMax, uintptr(min(millis, rawWaitMax)), 0, 0)
	switch {
	case errno != 0 && errno != unix.EINTR:
		return nil, os.NewSyscallError("epoll_pwait", errno)
	case errno == 0 && n > 0:
		return p.events[:n], nil
	case errno != 0 || millis <= rawWaitMax:
		return nil, nil
	}
	slept, err := unix.EpollWait(p.fd, p.events[:], millis-rawWaitMax)
	if err != nil && err != unix.EINTR {
		return nil, os.NewSyscallError("epoll_wait", err)
	}
	return p.events[:max(0, slept)], nil
}
