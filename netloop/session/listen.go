package session

import (
	"context"
	"errors"
	"net"
	"syscall"
)

// Listen listens on a TCP address, with LimitUnsent.
func Listen(address string) (net.Listener, error) {
	config := net.ListenConfig{Control: func(_, _ string, raw syscall.RawConn) error {
		var limited error
		err := raw.Control(func(fd uintptr) { limited = LimitUnsent(int(fd)) })
		return errors.Join(err, limited)
	}}
	config.SetMultipathTCP(false) // whose connections, most of them plain TCP, do not inherit that
	return config.Listen(context.Background(), "tcp", address)
}
