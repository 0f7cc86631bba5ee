package host

import (
	"errors"
	"net"
	"syscall"
)

// Alone claims a name on this machine until release, or until the process ends, however that comes
// about: it is that of a socket that no file stands for. alone is false while another has the name,
// in whatever folder and of whatever user; one in another network namespace is not seen. release is
// never nil.
func Alone(name string) (release func() error, alone bool) {
	socket, err := net.Listen("unix", "@"+name)
	if err != nil { // for any other reason: then nothing is known, and nothing is said
		return func() error { return nil }, !errors.Is(err, syscall.EADDRINUSE)
	}
	return socket.Close, true
}
