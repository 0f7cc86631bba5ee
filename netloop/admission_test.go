package netloop

import (
	"net/netip"
	"testing"
)

// TestAdmission: one IPv4 address, and one IPv6 network, is one client, whatever spelling its
// address has; who leaves makes room.
func TestAdmission(t *testing.T) {
	l := DefaultLimits()
	l.ConnectionsMax, l.ConnectionsPerAddress = 5, 2
	a := NewAdmission(&l)
	for i, c := range []struct {
		from  string
		leave bool
		want  bool
	}{
		{"10.0.0.1", false, true}, {"::ffff:10.0.0.1", false, true}, {"10.0.0.1", false, false},
		{"2001:db8::1", false, true}, {"2001:db8::9:9:9:9", false, true},
		{"2001:db8::2", false, false},
		{"2001:db8:0:1::1", false, true}, // the fifth
		{"10.0.0.2", false, false},
		{"10.0.0.1", true, true}, {"10.0.0.1", false, true},
		{"2001:db8::77", true, true}, {"2001:db8:0:1::2", false, true},
	} {
		from := netip.MustParseAddr(c.from)
		if c.leave {
			a.Leave(from)
			continue
		}
		if got := a.Enter(from); got != c.want {
			t.Errorf("step %d, %s: admitted %v", i, c.from, got)
		}
	}
	for _, from := range []string{"10.0.0.1", "10.0.0.1", "2001:db8::", "2001:db8:0:1::", "2001:db8:0:1::"} {
		a.Leave(netip.MustParseAddr(from))
	}
	if a.open != 0 || len(a.address) != 0 {
		t.Errorf("%d open, by address %v", a.open, a.address)
	}
}
