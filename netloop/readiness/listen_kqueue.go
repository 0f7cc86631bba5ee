//go:build (darwin || freebsd) && (amd64 || arm64)

package readiness

import (
	"net/netip"

	"golang.org/x/sys/unix"
)

// inputBytesRequest is FIONREAD of <sys/filio.h>, the same on both systems.
const inputBytesRequest = 0x4004667f

// nextListener duplicates the first listener. All loops share its queue; each watches it with its
// own kqueue, and who comes too late to accept finds EAGAIN. place spreads the connections.
//
// Note: SO_REUSEPORT does not balance on macOS. SO_REUSEPORT_LB does on FreeBSD, but wants to be
// set before bind, where it would let another server of the same user share the address.
func nextListener(addr netip.AddrPort, before []int) (int, error) {
	if len(before) == 0 {
		return listenSocket(addr, true)
	}
	return unix.FcntlInt(uintptr(before[0]), unix.F_DUPFD_CLOEXEC, 0)
}
