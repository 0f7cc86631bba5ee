package netloop

import (
	"net/netip"
	"sync"
)

// addressBits is how much of an IPv6 address tells clients apart: a network of this length is
// what one customer gets, with 2^64 addresses to come from.
const addressBits = 64

// Admission counts the open connections of a server against Limits.ConnectionsMax and
// Limits.ConnectionsPerAddress. Safe for concurrent use; it is asked once a connection.
type Admission struct {
	limits *Limits

	mu      sync.Mutex
	open    int
	address map[netip.Addr]int // with at least one connection
}

// NewAdmission returns the count of a server with no connection yet. limits is not copied.
func NewAdmission(limits *Limits) *Admission {
	return &Admission{limits: limits, address: make(map[netip.Addr]int)}
}

// Enter admits a connection from an address, which Leave must take back; false: it is to be
// closed, with nothing said.
func (a *Admission) Enter(from netip.Addr) bool {
	from = clientOf(from)
	a.mu.Lock()
	defer a.mu.Unlock()
	n := a.address[from]
	if a.open >= a.limits.ConnectionsMax || n >= a.limits.ConnectionsPerAddress {
		return false
	}
	a.open++
	a.address[from] = n + 1
	return true
}

// Leave takes back what Enter admitted.
func (a *Admission) Leave(from netip.Addr) {
	from = clientOf(from)
	a.mu.Lock()
	defer a.mu.Unlock()
	a.open--
	if n := a.address[from] - 1; n > 0 {
		a.address[from] = n
	} else {
		delete(a.address, from)
	}
}

// clientOf is what counts as one client: an IPv4 address, an IPv6 network.
func clientOf(a netip.Addr) netip.Addr {
	a = a.Unmap()
	if a.Is6() {
		if p, err := a.WithZone("").Prefix(addressBits); err == nil {
			return p.Addr()
		}
	}
	return a
}
