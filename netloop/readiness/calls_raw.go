//go:build linux || (freebsd && (amd64 || arm64))

package readiness

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

func newSocket(family int) (int, error) {
	return unix.Socket(family, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
}

func acceptSocket(listener int) (int, unix.Sockaddr, error) {
	return unix.Accept4(listener, unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC)
}

// rawRead reads from a nonblocking socket; p is not empty.
func rawRead(fd int, p []byte) (int, unix.Errno) {
	for {
		n, _, errno := unix.RawSyscall(unix.SYS_READ, uintptr(fd),
			uintptr(unsafe.Pointer(unsafe.SliceData(p))), uintptr(len(p)))
		if errno != unix.EINTR {
			return int(n), errno
		}
	}
}

// rawWrite writes to a nonblocking socket; p is not empty.
func rawWrite(fd int, p []byte) (int, unix.Errno) {
	for {
		var n uintptr
		var errno unix.Errno
		at := unsafe.Pointer(unsafe.SliceData(p))
		if len(p) < visibleWriteBytes {
			n, _, errno = unix.RawSyscall(unix.SYS_WRITE, uintptr(fd), uintptr(at), uintptr(len(p)))
		} else {
			n, _, errno = unix.Syscall(unix.SYS_WRITE, uintptr(fd), uintptr(at), uintptr(len(p)))
		}
		if errno != unix.EINTR {
			return int(n), errno
		}
	}
}

// rawPeek is rawRead that leaves the bytes where they are.
func rawPeek(fd int, p []byte) (int, unix.Errno) {
	for {
		n, _, errno := unix.RawSyscall6(unix.SYS_RECVFROM, uintptr(fd),
			uintptr(unsafe.Pointer(unsafe.SliceData(p))), uintptr(len(p)), unix.MSG_PEEK, 0, 0)
		if errno != unix.EINTR {
			return int(n), errno
		}
	}
}

// rawWritev writes to a nonblocking socket; iov is on the heap and total its bytes.
func rawWritev(fd int, iov []unix.Iovec, total int) (int, unix.Errno) {
	for {
		var n uintptr
		var errno unix.Errno
		at := unsafe.Pointer(unsafe.SliceData(iov))
		if total < visibleWriteBytes {
			n, _, errno = unix.RawSyscall(unix.SYS_WRITEV, uintptr(fd), uintptr(at),
				uintptr(len(iov)))
		} else {
			n, _, errno = unix.Syscall(unix.SYS_WRITEV, uintptr(fd), uintptr(at),
				uintptr(len(iov)))
		}
		if errno != unix.EINTR {
			return int(n), errno
		}
	}
}
