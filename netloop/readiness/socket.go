//go:build linux || ((darwin || freebsd) && (amd64 || arm64))

package readiness

import (
	"fmt"
	"net"
	"net/netip"

	"golang.org/x/sys/unix"

	"flashstore/netloop/session"
)

const (
	backlog = 4096
	// visibleWriteBytes is from where a write is made visible to the Go scheduler: copying
	// so much into the socket takes long enough to matter to others.
	visibleWriteBytes = 256 << 10
	iovecsMax         = 64
)

// listenSockets makes count descriptors that accept what comes to one address.
func listenSockets(address string, count int) (fds []int, bound *net.TCPAddr, err error) {
	tcp, err := net.ResolveTCPAddr("tcp", address)
	if err != nil {
		return nil, nil, fmt.Errorf("readiness: listen: %w", err)
	}
	defer func() {
		if err != nil {
			closeAll(fds)
			fds = nil
		}
	}()
	addr := tcp.AddrPort()
	for range count {
		fd, err := nextListener(addr, fds)
		if err != nil {
			return fds, nil, fmt.Errorf("readiness: listen on %s: %w", address, err)
		}
		fds = append(fds, fd)
		name, err := unix.Getsockname(fd)
		if err != nil {
			return fds, nil, fmt.Errorf("readiness: getsockname: %w", err)
		}
		addr = netip.AddrPortFrom(addr.Addr(), addrPort(name).Port()) // the others share it
		bound = net.TCPAddrFromAddrPort(addrPort(name))
	}
	return fds, bound, nil
}

// listenSocket makes the first or another listener of the server.
func listenSocket(addr netip.AddrPort, first bool) (int, error) {
	family, name := unix.AF_INET6, unix.Sockaddr(&unix.SockaddrInet6{Port: int(addr.Port())})
	switch ip := addr.Addr().Unmap(); {
	case ip.Is4():
		family, name = unix.AF_INET, &unix.SockaddrInet4{Port: int(addr.Port()), Addr: ip.As4()}
	case ip.IsValid():
		name = &unix.SockaddrInet6{Port: int(addr.Port()), Addr: ip.As16()}
	}
	fd, err := newSocket(family)
	if err != nil && !addr.Addr().IsValid() { // no IPv6 here: the wildcard is IPv4's
		family, name = unix.AF_INET, &unix.SockaddrInet4{Port: int(addr.Port())}
		fd, err = newSocket(family)
	}
	if err != nil {
		return -1, err
	}
	if err := bindAndListen(fd, family, name, first); err != nil {
		_ = unix.Close(fd)
		return -1, err
	}
	return fd, nil
}

// bindAndListen sets what accepted sockets inherit: TCP_NODELAY among them. The first listener
// is bound as if it were the only one, so that an address which another server of the same user
// has is refused, not shared; only then others may join it.
func bindAndListen(fd, family int, name unix.Sockaddr, first bool) error {
	for _, option := range []struct{ level, name int }{
		{unix.SOL_SOCKET, unix.SO_REUSEADDR},
		{unix.IPPROTO_TCP, unix.TCP_NODELAY},
	} {
		if err := unix.SetsockoptInt(fd, option.level, option.name, 1); err != nil {
			return err
		}
	}
	if err := session.LimitUnsent(fd); err != nil {
		return err
	}
	if family == unix.AF_INET6 {
		if err := unix.SetsockoptInt(fd, unix.IPPROTO_IPV6, unix.IPV6_V6ONLY, 0); err != nil {
			return err
		}
	}
	if first {
		if err := unix.Bind(fd, name); err != nil {
			return err
		}
	}
	if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEPORT, 1); err != nil {
		return err
	}
	if !first {
		if err := unix.Bind(fd, name); err != nil {
			return err
		}
	}
	return unix.Listen(fd, backlog)
}

func addrPort(name unix.Sockaddr) netip.AddrPort {
	switch a := name.(type) {
	case *unix.SockaddrInet4:
		return netip.AddrPortFrom(netip.AddrFrom4(a.Addr), uint16(a.Port))
	case *unix.SockaddrInet6:
		return netip.AddrPortFrom(netip.AddrFrom16(a.Addr).Unmap(), uint16(a.Port))
	}
	return netip.AddrPort{}
}

func closeAll(fds []int) {
	for _, fd := range fds {
		_ = unix.Close(fd)
	}
}
