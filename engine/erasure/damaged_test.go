package erasure

import (
	"errors"
	"testing"

	"flashstore/engine/drive"
	"flashstore/engine/drive/faulty"
	"flashstore/engine/object"
)

// An object is damaged once more shards are corrupt than parity can replace. While some are only
// away, or have not come yet, it may be whole again.
func TestDamagedBeyondParity(t *testing.T) {
	f := newFaulty(t, 5, 2)
	corrupt := faulty.Rule{Op: faulty.Read, Err: drive.ErrCorrupt}
	away := faulty.Rule{Op: faulty.Read, Err: drive.ErrOffline}
	for _, c := range []struct {
		rules []faulty.Rule
		want  error
	}{
		{[]faulty.Rule{corrupt, corrupt}, nil},
		{[]faulty.Rule{corrupt, corrupt, away}, object.ErrUnavailable},
		{[]faulty.Rule{away, corrupt, corrupt}, object.ErrUnavailable},
		{[]faulty.Rule{corrupt, corrupt, corrupt}, object.ErrDamaged},
		{[]faulty.Rule{corrupt, away, corrupt, corrupt}, object.ErrDamaged},
	} {
		for i, rule := range c.rules {
			f.faults[i].Set(rule)
		}
		if _, err := f.get("kept-3", 0, -1); !errors.Is(err, c.want) {
			t.Errorf("%v: %v, want %v", c.rules, err, c.want)
		}
		for _, d := range f.faults {
			d.Set()
		}
	}
}
