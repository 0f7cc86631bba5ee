package local_test

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"syscall"
	"testing"

	"flashstore/engine/drive"
	"flashstore/engine/drive/local"
	"flashstore/ioengine/crashsim"
)

// trial is a drive at work on a disk on which something fails, and what it said meanwhile.
type trial struct {
	*simulated
	acked   map[drive.Key]*drive.Record // the newest acknowledged write of each name
	tried   map[drive.Key][]*drive.Record
	writers map[*drive.Record]drive.ShardWriter // of bulk shards
	// after counts acknowledgements that began when something had failed.
	after int
}

func smallDrive(c *local.Config) {
	smallMemtables(c)
	c.BulkStreams = 1
}

// newTrial has a drive with a little on it, at rest.
func newTrial(t testing.TB, seed uint64) *trial {
	x := &trial{simulated: newSimulated(t, &flow{config: smallDrive}, seed),
		acked: make(map[drive.Key]*drive.Record), tried: make(map[drive.Key][]*drive.Record),
		writers: make(map[*drive.Record]drive.ShardWriter)}
	x.settleAll(x.attempt(x.put("old", 500)), x.attempt(x.bulkOr("old-bulk", 200_000)))
	must(t, x.drive.Close())
	return x
}

// bulkOr is bulk, or nil if the drive takes none.
func (x *trial) bulkOr(name string, size int) *drive.Record {
	r := x.put(name, size)
	w, err := x.drive.Create(context.Background(), r.ShardBytes)
	if err != nil {
		return nil
	}
	w.Write([][]byte{r.Inline}, func(error) {})
	if r.Bulk, err = w.Seal(); err != nil {
		return nil
	}
	r.Inline = nil
	x.writers[r] = w
	return r
}

// attempt commits r and returns it if that was acknowledged.
func (x *trial) attempt(r *drive.Record) *drive.Record {
	if r == nil {
		return nil
	}
	failed := x.disk.Faults() > 0
	x.tried[r.Key] = append(x.tried[r.Key], r)
	if err := commit(x.drive, r); err != nil {
		if w := x.writers[r]; w != nil {
			w.Abort() // as a client of the drive does
		}
		return nil
	}
	x.acked[r.Key] = r
	if failed {
		x.after++
	}
	return r
}

// settleAll lets settles ride with the next batch; whether they do is another matter.
func (x *trial) settleAll(list ...*drive.Record) {
	for _, r := range list {
		if r != nil {
			x.drive.Commit(settleOf(r), nil)
		}
	}
}

// work does a bit of everything, whatever fails: small and large writes, overwrites, deletions,
// new segments, compaction, tables of the index, a clean stop.
func (x *trial) work() {
	var err error
	if x.drive, err = local.Open(x.config); err != nil {
		return // refused
	}
	for n := range 12 {
		r := x.put(fmt.Sprint("a", n%4), 60_000)
		r.Meta = shardOf(x.next, 8_000)
		x.settleAll(x.attempt(r))
	}
	x.settleAll(x.attempt(x.bulkOr("b", 200_000)), x.attempt(x.bulkOr("old-bulk", 900_000)))
	purge := x.record(drive.TypePurge, x.put("b", 0).Key)
	x.settleAll(x.attempt(purge))
	_ = x.drive.Compact(context.Background())
	for n := range 4 {
		x.settleAll(x.attempt(x.put(fmt.Sprint("c", n), 100)), x.attempt(x.put("old", 100)))
	}
	_ = x.drive.Close()
}

// verify checks a drive that was started again: every name holds what was acknowledged, or
// something newer that was tried.
func (x *trial) verify(config local.Config) {
	t := x.t
	d, err := local.Open(config)
	if err != nil {
		t.Errorf("no start: %v", err)
		return
	}
	for key, tried := range x.tried {
		state, err := d.Lookup(context.Background(), key, drive.LookupOptions{})
		if err != nil {
			t.Errorf("%q: %v", key.Name, err)
			continue
		}
		if e := state.Newest(); x.acked[key] != nil && e == nil {
			t.Errorf("%q is gone", key.Name)
		} else if e != nil {
			x.verifyEntry(d, e, tried)
		}
	}
	if err := commit(d, x.put("fresh", 70_000)); err != nil {
		t.Errorf("no commit after the start: %v", err)
	}
	must(t, d.Compact(context.Background()))
	must(t, d.Close())
	census(t, config)
}

func (x *trial) verifyEntry(d *local.Drive, e *drive.Entry, tried []*drive.Record) {
	name, acked := e.Key.Name, x.acked[e.Key]
	if acked != nil && e.Order.Less(acked.Order) {
		x.t.Errorf("%q went back from %v to %v", name, acked.Order, e.Order)
	}
	for _, r := range tried {
		if r.WriteID != e.WriteID {
			continue
		}
		p := make([]byte, e.ShardBytes)
		err := d.Read(context.Background(), e, [][]byte{p}, 0)
		if err != nil || !bytes.Equal(p, shardOf(r.Order.Sequence, len(p))) {
			x.t.Errorf("%q: the shard of write %v differs: %v", name, e.Order, err)
		}
		return
	}
	x.t.Errorf("%q holds write %v, which nobody tried", name, e.Order)
}

// everyFault runs the work with the fault at its first request, at its second, and so on until
// there is none left to meet; check is called after each.
func everyFault(t *testing.T, seed uint64, f crashsim.Fault, check func(x *trial)) {
	for n := 1; !t.Failed(); n++ {
		x := newTrial(t, seed)
		f.Nth = n
		x.disk.Fail(f)
		x.work()
		met := x.disk.Faults()
		x.disk.Fail()
		if met == 0 {
			t.Logf("each of %d requests failed once", n-1)
			if n < 10 {
				t.Error("hardly anything was tried")
			}
			return
		}
		check(x)
		after := x.disk.After(x.disk.Ops(), crashsim.LoseAll, seed)
		x.verify(x.config) // a new process
		if t.Failed() {
			t.Fatalf("request %d failed, and the process was started again", n)
		}
		config := x.config
		config.Engine = after.Engine()
		if x.verify(config); t.Failed() {
			t.Fatalf("request %d failed, and then the power", n)
		}
		powerLater := x.disk.After(x.disk.Ops(), crashsim.LoseAll, seed)
		config.Engine = powerLater.Engine()
		if x.verify(config); t.Failed() {
			t.Fatalf("request %d failed, the process was started again, and then the power failed", n)
		}
	}
}

// TestEveryFailedSync lets the n-th sync fail, for every n, a write through to the device
// included: nothing is acknowledged from then on, though all later syncs would succeed (Rebello et
// al., "Can Applications Recover from fsync Failures?", USENIX ATC 2020); what was
// acknowledged before is there after a restart, and after a power cut too.
func TestEveryFailedSync(t *testing.T) {
	t.Parallel()
	seed := newSeed(t)
	for name, partly := range map[string]int64{"nothing-written": 0, "all-written": math.MaxInt64} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			everyFault(t, seed, crashsim.Fault{Kinds: crashsim.Syncs, Err: syscall.EIO,
				Partly: partly}, func(x *trial) {
				if x.after > 0 {
					t.Errorf("%d acknowledgements after a failed sync", x.after)
				}
			})
		})
	}
}

// TestEveryFailedRequest lets the n-th request of any kind fail, for every n, and writes also
// in their middle: an error is an error, never a wrong answer, and never loses anything.
func TestEveryFailedRequest(t *testing.T) {
	t.Parallel()
	seed := newSeed(t)
	for name, f := range map[string]crashsim.Fault{
		"write":       {Kinds: crashsim.Write | crashsim.DSyncWrite, Err: syscall.EIO},
		"short-write": {Kinds: crashsim.Write | crashsim.DSyncWrite, Err: syscall.EIO, Partly: 1536},
		"read":        {Kinds: crashsim.Read, Err: syscall.EIO},
		"names": {Kinds: crashsim.Create | crashsim.MakeDir | crashsim.Remove | crashsim.Rename |
			crashsim.Open | crashsim.List | crashsim.Truncate | crashsim.Preallocate |
			crashsim.Punch, Err: syscall.EIO},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			everyFault(t, seed, f, func(*trial) {})
		})
	}
}

// TestEveryFullDisk lets the disk be full from the n-th write on, for every n, until the process
// is started again on one with space (SeaweedFS #1015).
func TestEveryFullDisk(t *testing.T) {
	t.Parallel()
	everyFault(t, newSeed(t), crashsim.Fault{Kinds: crashsim.Write | crashsim.DSyncWrite |
		crashsim.Create | crashsim.Preallocate, Err: syscall.ENOSPC, Onwards: true},
		func(x *trial) {
			if x.after > 0 {
				t.Errorf("%d acknowledgements on a full disk", x.after)
			}
		})
}
