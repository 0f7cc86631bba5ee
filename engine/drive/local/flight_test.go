package local_test

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"

	"flashstore/engine/drive"
	"flashstore/engine/drive/local"
)

// crowd is many writers on few registers, so that what one batch brings is what the next one, which
// is planned before that is visible, begins with.
type crowd struct {
	t     *testing.T
	drive *local.Drive
	next  atomic.Uint64

	mu      sync.Mutex
	acked   []*drive.Record
	settled map[drive.Key]drive.Order // highest that was asked for
}

// TestCrowd: whatever the writers do at once, the drive holds what its log says, and nothing that
// it acknowledged is missing.
func TestCrowd(t *testing.T) {
	t.Parallel()
	const writers, steps = 24, 120
	seed := newSeed(t)
	d, c := newDrive(t)
	h := &crowd{t: t, drive: d, settled: make(map[drive.Key]drive.Order)}
	var wg sync.WaitGroup
	for w := range uint64(writers) {
		random := rand.New(rand.NewPCG(seed, w))
		wg.Go(func() {
			for range steps {
				h.step(random)
			}
		})
	}
	wg.Wait()
	must(t, d.Close()) // with the settles that nobody waits for
	d = open(t, c)
	// A purge that compaction writes again drops parts that came after it: not while we look.
	must(t, d.Compact(t.Context()))
	before := contents(t, d)
	h.check(d)
	must(t, d.Close())
	census(t, c)
	must(t, local.RebuildIndex(t.Context(), c.Engine, c.Path, nil))
	if after := contents(t, open(t, c)); after != before {
		t.Errorf("the log says otherwise\n%s", firstDifference(before, after))
	}
}

// step is one random event. Parts are few, so that an upload that is given up has some in the
// batch before, in the same one and in the one that follows.
func (h *crowd) step(random *rand.Rand) {
	upload := fmt.Sprintf("upload-%09d", random.IntN(3))
	switch n := random.IntN(10); {
	case n < 5:
		h.write(random, drive.TypePut, drive.Key{Space: drive.SpaceObject,
			Bucket: drive.BucketID{7}, Name: fmt.Sprint("object-", random.IntN(6))})
	case n < 8:
		h.write(random, drive.TypePart, drive.Key{Space: drive.SpacePart,
			Bucket: drive.BucketID{7}, Name: upload + "\x00" + string(rune(random.IntN(4)))})
	case n < 9:
		h.write(random, drive.TypePurge, drive.Key{Space: drive.SpaceUpload,
			Bucket: drive.BucketID{7}, Name: "object\x00" + upload})
	default:
		h.repeat(random)
	}
}

func (h *crowd) write(random *rand.Rand, typ drive.Type, key drive.Key) {
	n := h.next.Add(1)
	o := drive.Order{Term: 1, Sequence: n}
	r := &drive.Record{Type: typ, Key: key, Order: o, Token: o}
	binary.BigEndian.PutUint64(r.WriteID[:], n)
	if typ != drive.TypePurge {
		r.Inline = shardOf(n, 1+random.IntN(30<<10))
		r.ShardBytes = int64(len(r.Inline))
	}
	if err := commit(h.drive, r); err != nil {
		h.t.Errorf("write %d: %v", n, err)
	}
	settle := random.IntN(3) > 0
	h.mu.Lock()
	h.acked = append(h.acked, r)
	if settle && h.settled[key].Less(o) {
		h.settled[key] = o
	}
	h.mu.Unlock()
	if settle {
		h.drive.Commit(settleOf(r), nil)
	}
}

// repeat commits once more what was acknowledged; it is over only when the first one is durable.
func (h *crowd) repeat(random *rand.Rand) {
	h.mu.Lock()
	var r *drive.Record
	if len(h.acked) > 0 {
		r = h.acked[len(h.acked)-1-random.IntN(min(8, len(h.acked)))]
	}
	h.mu.Unlock()
	if r != nil {
		must(h.t, commit(h.drive, r))
	}
}

// check looks for what was acknowledged and not superseded. Parts may be gone with their upload.
func (h *crowd) check(d *local.Drive) {
	for _, r := range h.acked {
		if r.Type == drive.TypePart || r.Order.Less(h.settled[r.Key]) {
			continue
		}
		s, err := d.Lookup(h.t.Context(), r.Key, drive.LookupOptions{})
		must(h.t, err)
		found := false
		for i := range s.Entries {
			found = found || s.Entries[i].WriteID == r.WriteID
		}
		if !found {
			h.t.Errorf("%q of order %v was acknowledged, %d others are there", r.Key.Name, r.Order,
				len(s.Entries))
		}
	}
}
