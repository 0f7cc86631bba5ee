//go:build amd64 || arm64

package readiness

import (
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// macOS has no stable system call numbers, so calls go through libSystem, seen by the scheduler.
// A write to a socket whose peer is gone raises SIGPIPE, which the Go runtime drops for descriptors
// above 2 (see os/signal): EPIPE is all that is left, without SO_NOSIGPIPE.

func newSocket(family int) (int, error) {
	return nonblocking(func() (int, unix.Sockaddr, error) {
		fd, err := unix.Socket(family, unix.SOCK_STREAM, 0)
		return fd, nil, err
	}, nil)
}

func acceptSocket(listener int) (fd int, name unix.Sockaddr, err error) {
	fd, err = nonblocking(func() (int, unix.Sockaddr, error) { return unix.Accept(listener) }, &name)
	return fd, name, err
}

// nonblocking makes a descriptor by open, which sets no flags by itself, and sets them before a
// fork can inherit it.
func nonblocking(open func() (int, unix.Sockaddr, error), name *unix.Sockaddr) (int, error) {
	syscall.ForkLock.RLock()
	fd, from, err := open()
	if err == nil {
		unix.CloseOnExec(fd)
	}
	syscall.ForkLock.RUnlock()
	if err != nil {
		return -1, err
	}
	if name != nil {
		*name = from
	}
	if err := unix.SetNonblock(fd, true); err != nil {
		_ = unix.Close(fd)
		return -1, err
	}
	return fd, nil
}

// rawRead reads from a nonblocking socket; p is not empty.
func rawRead(fd int, p []byte) (int, unix.Errno) {
	return retry(func() (int, error) { return unix.Read(fd, p) })
}

// rawWrite writes to a nonblocking socket; p is not empty.
func rawWrite(fd int, p []byte) (int, unix.Errno) {
	return retry(func() (int, error) { return unix.Write(fd, p) })
}

// rawPeek is rawRead that leaves the bytes where they are.
func rawPeek(fd int, p []byte) (int, unix.Errno) {
	return retry(func() (int, error) {
		n, _, err := unix.Recvfrom(fd, p, unix.MSG_PEEK)
		return n, err
	})
}

// rawWritev writes to a nonblocking socket.
func rawWritev(fd int, iov []unix.Iovec, _ int) (int, unix.Errno) {
	var array [iovecsMax][]byte
	bufs := array[:0]
	for i := range iov {
		bufs = append(bufs, unsafe.Slice(iov[i].Base, iov[i].Len))
	}
	return retry(func() (int, error) { return unix.Writev(fd, bufs) })
}

// retry calls again what a signal interrupted.
func retry(call func() (int, error)) (int, unix.Errno) {
	for {
		n, err := call()
		switch errno, _ := err.(unix.Errno); {
		case err == nil:
			return n, 0
		case errno == 0:
			return 0, unix.EIO // these calls return nothing else than an Errno
		case errno != unix.EINTR:
			return 0, errno
		}
	}
}
