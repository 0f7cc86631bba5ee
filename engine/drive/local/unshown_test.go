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

// TestBatchBehindOneNotShown lets the index fail to be read while a batch is planned and another one
// is in flight. That one is durable then and cannot be shown, so the next one, which is on its way,
// must not be either: the index would go past a batch that it lacks.
func TestBatchBehindOneNotShown(t *testing.T) {
	t.Parallel()
	seed := newSeed(t)
	s := newSimulated(t, &flow{config: func(c *local.Config) {
		c.Engine = newHeldLog(c.Engine)
	}}, seed)
	for n := range 50 { // so that not all of the index is read by a start
		r := s.put(fmt.Sprint("cold-", n), 100)
		r.Meta = shardOf(s.next, 1000)
		s.settleNow(r)
	}
	s.reopen()
	log := s.config.Engine.(*heldLog)
	log.hold.Store(true)
	answers := map[string]chan error{"first": make(chan error, 1), "second": make(chan error, 1)}
	send := func(name string) *drive.Record {
		r := s.put(name, 100)
		s.drive.Commit(r, func(err error) { answers[name] <- err })
		return r
	}
	first := send("first")
	flying := <-log.held
	send("second")
	s.disk.Fail(crashsim.Fault{Kinds: crashsim.Read, Path: "*.sst", Err: syscall.EIO})
	if err := commit(s.drive, s.put("cold-20", 200)); err == nil || s.disk.Faults() != 1 {
		t.Fatalf("%d faults, and the commit: %v", s.disk.Faults(), err)
	}
	s.disk.Fail()
	log.hold.Store(false)
	log.Engine.Submit(flying.batch)
	for name, answer := range answers {
		if err := <-answer; !errors.Is(err, drive.ErrOffline) {
			t.Errorf("%s: %v", name, err)
		}
	}
	must(t, s.drive.Close())
	c := s.config
	c.Engine = log.Engine
	d := open(t, c)
	state, err := d.Lookup(t.Context(), first.Key, drive.LookupOptions{})
	if must(t, err); len(state.Entries) != 1 {
		t.Error("the first write is durable, and a start does not find it")
	}
	must(t, d.Close())
	noFindings(t, c)
}
