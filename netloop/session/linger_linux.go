package session

import "golang.org/x/sys/unix"

// Unacknowledged is how many bytes were written to a socket that its peer has not acknowledged
// (tcp(7), SIOCOUTQ).
func Unacknowledged(fd int) int {
	n, err := unix.IoctlGetInt(fd, unix.SIOCOUTQ)
	if err != nil {
		return 0 // it has gone
	}
	return n
}
