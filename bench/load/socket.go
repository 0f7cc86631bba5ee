package load

import (
	"fmt"
	"net/netip"
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Reading and writing are raw, unseen by the Go scheduler: neither can sleep, and telling it of
// each would be most of what the generator itself costs.

// resolve makes a socket address of HOST:PORT, where HOST is an IP address.
func resolve(address string) (family int, sa unix.Sockaddr, err error) {
	at, err := netip.ParseAddrPort(address)
	if err != nil {
		return 0, nil, fmt.Errorf("%w: address %q is not IP:PORT", ErrConfig, address)
	}
	if ip := at.Addr().Unmap(); ip.Is4() {
		return unix.AF_INET, &unix.SockaddrInet4{Port: int(at.Port()), Addr: ip.As4()}, nil
	}
	return unix.AF_INET6, &unix.SockaddrInet6{Port: int(at.Port()), Addr: at.Addr().As16()}, nil
}

// dial begins to connect; the socket is writable once it is connected or has failed.
func dial(family int, sa unix.Sockaddr) (fd int, err error) {
	fd, err = unix.Socket(family, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return -1, os.NewSyscallError("socket", err)
	}
	_ = unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1)
	if err := unix.Connect(fd, sa); err != nil && err != unix.EINPROGRESS {
		unix.Close(fd)
		return -1, os.NewSyscallError("connect", err)
	}
	return fd, nil
}

// dialled is nil once a socket that has become writable is connected.
func dialled(fd int) error {
	code, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_ERROR)
	if err != nil {
		return os.NewSyscallError("getsockopt", err)
	}
	if code != 0 {
		return os.NewSyscallError("connect", unix.Errno(code))
	}
	return nil
}

// read reads what is there; p is not empty.
func read(fd int, p []byte) (int, unix.Errno) {
	n, _, errno := unix.RawSyscall(unix.SYS_READ, uintptr(fd),
		uintptr(unsafe.Pointer(&p[0])), uintptr(len(p)))
	return int(n), errno
}

// write sends what fits of head and body, which are not both empty. The Go runtime ignores SIGPIPE
// here.
func write(fd int, head, body []byte) (int, unix.Errno) {
	switch {
	case len(body) == 0:
		n, _, errno := unix.RawSyscall(unix.SYS_WRITE, uintptr(fd),
			uintptr(unsafe.Pointer(&head[0])), uintptr(len(head)))
		return int(n), errno
	case len(head) == 0:
		n, _, errno := unix.RawSyscall(unix.SYS_WRITE, uintptr(fd),
			uintptr(unsafe.Pointer(&body[0])), uintptr(len(body)))
		return int(n), errno
	}
	vector := [2]unix.Iovec{{Base: &head[0]}, {Base: &body[0]}}
	vector[0].SetLen(len(head))
	vector[1].SetLen(len(body))
	n, _, errno := unix.RawSyscall(unix.SYS_WRITEV, uintptr(fd),
		uintptr(unsafe.Pointer(&vector[0])), uintptr(len(vector)))
	return int(n), errno
}
