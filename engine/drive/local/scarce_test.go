package local_test

import (
	"errors"
	"fmt"
	"syscall"
	"testing"

	"flashstore/engine/drive"
	"flashstore/engine/drive/local"
	"flashstore/ioengine/crashsim"
)

// TestNoDescriptors: that the process has no file descriptors left says nothing about the drive. What
// needs one is refused, and goes on once there are some: before, a flood of idle clients ended all
// writing until a restart.
func TestNoDescriptors(t *testing.T) {
	t.Parallel()
	seed := newSeed(t)
	for _, err := range []error{syscall.EMFILE, syscall.ENFILE} {
		f := flow{config: func(c *local.Config) { c.BulkStreams = 1 }}
		s := newSimulated(t, &f, seed)
		s.disk.Fail(crashsim.Fault{Kinds: crashsim.Open | crashsim.Create, Err: err, Onwards: true})
		refused := 0
		for n := uint64(1); n < 60; n++ { // through several segments of the log
			r := s.put(fmt.Sprint("a", n), 60_000)
			if err := commit(s.drive, r); errors.Is(err, drive.ErrScarce) {
				refused++
			} else {
				must(t, err)
			}
			if _, err := s.drive.Create(t.Context(), 900_000); !errors.Is(err, drive.ErrScarce) {
				t.Fatalf("a shard in a new bulk segment: %v", err)
			}
		}
		if refused == 0 {
			t.Error("nothing needed another segment of the log")
		}
		s.disk.Fail() // descriptors are there again
		for n := uint64(60); n < 120; n++ {
			s.commit(s.put(fmt.Sprint("a", n), 60_000))
		}
		s.commit(s.bulk("b", 900_000))
		if i := s.drive.Info(); i.Health != drive.Online {
			t.Errorf("%v: %s", i.Health, i.Reason)
		}
		must(t, s.drive.Close())
		census(t, s.config)
	}
}
