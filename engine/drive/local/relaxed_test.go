package local_test

import (
	"testing"

	"flashstore/engine/drive/local"
	"flashstore/ioengine/crashsim"
)

// TestTermIsSyncedInAnyMode: a term is there after a power cut although nothing else is synced
// (durability relaxed): the set builds on its being there.
func TestTermIsSyncedInAnyMode(t *testing.T) {
	t.Parallel()
	seed := newSeed(t)
	s := newSimulated(t, &flow{config: relaxed}, seed)
	raiseTerm(t, s.drive, 9)
	c := cut{simulated: s}.on(s.disk.After(s.disk.Ops(), crashsim.LoseAll, seed))
	d, err := local.Open(c)
	must(t, err)
	defer func() { must(t, d.Close()) }()
	if have := d.Info().Term; have != 9 {
		t.Errorf("term %d after a power cut", have)
	}
}
