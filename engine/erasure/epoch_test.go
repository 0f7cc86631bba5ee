package erasure

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"path"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"flashstore/arena"
	"flashstore/arena/block64k"
	"flashstore/engine/drive"
	"flashstore/engine/drive/local"
	lockslocal "flashstore/engine/lock/local"
	"flashstore/ioengine/crashsim"
)

// moodyPath is where a drive is on its simulated disk.
const moodyPath = "/mnt/d"

// world is a set of drives, each on a simulated disk of its own, that outlives the processes
// which use it. An epoch is the life of one of them.
type world struct {
	t       testing.TB
	random  *rand.Rand // of the one goroutine that changes epochs
	n, m    int
	memory  arena.Allocator
	disks   []*crashsim.Disk
	engines []*crashsim.Engine
	drives  []*moody // of this epoch; nil where one is away
	store   *Store
	dead    atomic.Bool // the process was killed: clients go home
	mu      sync.Mutex  // of moods: one changes at a time
	moods   *rand.Rand  // guarded by mu
}

func newWorld(t testing.TB, seed uint64, n, m int) *world {
	memory, err := block64k.New(block64k.Config{})
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, random: rand.New(rand.NewPCG(seed, 1)), n: n, m: m, memory: memory,
		moods: rand.New(rand.NewPCG(seed, 2))}
	for i := range n {
		disk, err := crashsim.New(crashsim.Config{Seed: seed + uint64(i)})
		if err != nil {
			t.Fatal(err)
		}
		if err := disk.MakeDir(path.Dir(moodyPath)); err != nil {
			t.Fatal(err)
		}
		if err := disk.SyncDir("/"); err != nil {
			t.Fatal(err)
		}
		id := drive.Identity{Deployment: "test", DriveID: fmt.Sprint(i), Position: i, Drives: n, Parity: m}
		e := disk.Engine()
		if err := local.Format(e, moodyPath, id); err != nil {
			t.Fatal(err)
		}
		_ = e.Close()
		w.disks = append(w.disks, disk)
	}
	return w
}

// close wants all memory back.
func (w *world) close() {
	if err := w.memory.Close(); err != nil {
		w.t.Error(err)
	}
}

// begin opens the drives but those that are away, and a store over them, which waits so long for a
// quorum.
func (w *world) begin(gone []int, patience time.Duration) {
	w.dead.Store(false)
	w.drives, w.engines = make([]*moody, w.n), make([]*crashsim.Engine, w.n)
	drives := make([]drive.Drive, w.n)
	for i, disk := range w.disks {
		if contains(gone, i) {
			continue
		}
		w.engines[i] = disk.Engine()
		d, err := local.Open(local.Config{Path: moodyPath, Engine: w.engines[i], InlineMax: 1 << 10,
			LogSegmentBytes: 1 << 20, BulkSegmentBytes: 1 << 20, TableBytes: 64 << 10,
			ShardCacheBytes: 64 << 10, IndexMemtableBytes: 256 << 10, IndexCacheBytes: 1 << 20,
			Logger: slog.New(slog.DiscardHandler)})
		if err != nil {
			w.t.Fatalf("drive %d: %v", i, err)
		}
		w.drives[i] = &moody{Drive: d, random: rand.New(rand.NewPCG(w.random.Uint64(), 3))}
		drives[i] = w.drives[i]
	}
	s, err := New(Config{Sets: [][]drive.Drive{drives}, Parity: w.m, SIMD: "auto",
		Allocator: w.memory, Locks: lockslocal.New(), Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		w.t.Fatal(err)
	}
	s.sets[0].commitTimeout = patience
	if err := s.Start(context.Background()); err != nil {
		w.t.Fatal(err)
	}
	w.store = s
}

// The ways in which an epoch ends.
const (
	stopped    = iota // in order
	killed            // the process, not the machine
	powerCut          // all that was not synced is gone
	powerCutIn        // half of it is
)

// stop ends the epoch in order. What drives keep never arrives.
func (w *world) stop() {
	for _, d := range w.drives {
		if d != nil {
			d.drop(true)
			d.set(good)
		}
	}
	w.store.Close()
	for i, d := range w.drives {
		if d != nil {
			_ = d.Close() // a drive may have failed in this epoch
			_ = w.engines[i].Close()
		}
	}
}

// kill ends everything at once, while clients are at work. They see it by dead.
func (w *world) kill() {
	w.dead.Store(true)
	for _, disk := range w.disks {
		disk.CutPower()
	}
	for _, d := range w.drives {
		if d != nil {
			d.drop(true)
		}
	}
}

// reborn puts the disks into what they are after an end. No client is at work.
func (w *world) reborn(end int) {
	for i, disk := range w.disks {
		switch end {
		case stopped: // a disk may have lost its power on its own, or had faults
			loss := crashsim.LoseNone
			if disk.Faults() > 0 {
				loss = crashsim.LoseAll
			}
			w.disks[i] = disk.After(disk.Ops(), loss, w.random.Uint64())
		case killed:
			w.disks[i] = disk.After(disk.Ops(), crashsim.LoseNone, w.random.Uint64())
		case powerCut:
			w.disks[i] = disk.After(disk.Ops(), crashsim.LoseAll, w.random.Uint64())
		default:
			w.disks[i] = disk.After(disk.Ops(), crashsim.LoseHalf, w.random.Uint64())
		}
	}
}

// shake changes something about a drive. Half of the time all goes well again, or nothing would
// ever be acknowledged.
func (w *world) shake() {
	w.mu.Lock()
	defer w.mu.Unlock()
	i := w.moods.IntN(w.n)
	d := w.drives[i]
	if d == nil {
		return
	}
	switch w.moods.IntN(20) {
	case 0, 1, 2, 12, 13, 14, 15: // all are well, and what was kept arrives
		for _, d := range w.drives {
			if d != nil {
				d.set(good)
				d.release(w.moods.IntN(2) == 0)
			}
		}
	case 3: // all are well, and what was kept stays where it is, for later
		for _, d := range w.drives {
			if d != nil {
				d.set(good)
			}
		}
	case 4:
		d.release(true)
	case 5:
		d.drop(false)
	case 6: // all of them at once
		m := hanging + mood(w.moods.IntN(int(losing-hanging)))
		for _, d := range w.drives {
			if d != nil {
				d.set(m)
			}
		}
	case 7:
		if w.moods.IntN(8) == 0 { // a sync fails, and the drive is out of service until the next start
			w.disks[i].Fail(crashsim.Fault{Kinds: crashsim.Syncs, Err: syscall.EIO})
		}
	default:
		d.set(mood(w.moods.IntN(int(moods))))
	}
}
