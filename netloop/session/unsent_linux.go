package session

import "golang.org/x/sys/unix"

// unsentBytesMax is enough for a fast client: what it has room for leaves at once.
const unsentBytesMax = 1 << 20

// LimitUnsent bounds what the kernel takes of answers to a client that does not take them, which
// would be some MiB for each: of a listening socket, and so of those that it accepts (tcp(7),
// TCP_NOTSENT_LOWAT).
func LimitUnsent(fd int) error {
	return unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NOTSENT_LOWAT, unsentBytesMax)
}
