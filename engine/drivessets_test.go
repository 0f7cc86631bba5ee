package engine

import (
	"os"
	"testing"

	"flashstore/engine/config"
)

// TestManyDrives: 18 drives are two sets of nine, each of which bears the loss of its parity.
func TestManyDrives(t *testing.T) {
	d := used(t, 18, config.ParityDefault)
	report, err := d.check()
	d.wantFindings(report, err)
	for _, gone := range []int{0, 1, 2, 3, 4, 5} { // three of each set
		if err := os.RemoveAll(d.config.Drives[gone]); err != nil {
			t.Fatal(err)
		}
	}
	e := d.start()
	d.read(e)
	if !e.store.HasWriteQuorum() {
		t.Error("six of nine drives, and six are the write quorum")
	}
	for number, s := range e.store.Stats().Sets {
		if s.DrivesOnline != 6 || s.Layout.Data != 5 || s.Layout.Parity != 4 {
			t.Errorf("set %d: %+v", number, s)
		}
	}
	d.stop(e)
	for _, path := range []string{d.config.Drives[6], d.config.Drives[8]} { // set 0 has four left
		if err := os.RemoveAll(path); err != nil {
			t.Fatal(err)
		}
	}
	d.refused("4 of the 5 drives that reading needs of set 0")
}
