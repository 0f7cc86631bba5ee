package crashsim_test

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"flashstore/ioengine"
	"flashstore/ioengine/crashsim"
)

// ack is an acknowledged write: from operation n on, the writer's slot has this round or a
// later one.
type ack struct {
	n, writer int
	round     uint64
}

// TestAcknowledgedIsThere lets writers work on shared files through two engines, cuts the
// power under them, and looks at every operation of the record: what was acknowledged until
// then is there, whole.
func TestAcknowledgedIsThere(t *testing.T) {
	const writers, rounds, cutAtSync = 8, 60, 250
	w := newWorld(t, crashsim.Config{Seed: 7})
	w.do("create /a; create /b; syncdir /")
	engines := []*crashsim.Engine{w.engine, w.disk.Engine()}
	w.disk.Fail(crashsim.Fault{Kinds: crashsim.Syncs, Nth: cutAtSync,
		Before: func() { w.disk.CutPower() }})
	acks := make(chan ack, writers*rounds)
	var all sync.WaitGroup
	for i := range writers {
		all.Go(func() {
			for round := range uint64(rounds) {
				err := writeRound(w, engines[i%2], i, round+1)
				if errors.Is(err, crashsim.ErrPowerLost) {
					return
				}
				if err != nil {
					t.Error(err)
					return
				}
				acks <- ack{w.disk.Ops(), i, round + 1}
			}
		})
	}
	all.Wait()
	for _, e := range engines {
		if err := e.Close(); err != nil {
			t.Fatal(err)
		}
	}
	close(acks)
	var acked []ack
	for a := range acks {
		acked = append(acked, a)
	}
	slices.SortFunc(acked, func(a, b ack) int { return a.n - b.n })
	if len(acked) == 0 || len(acked) == writers*rounds {
		t.Fatalf("%d acknowledgements: the cut came too early or too late", len(acked))
	}
	expectAcknowledged(t, w.disk, acked, writers)
}

// writeRound writes one sector in each file and makes both durable, one way or another.
func writeRound(w *world, e *crashsim.Engine, writer int, round uint64) error {
	sectors := make([]byte, 2*sector)
	for i := 0; i < len(sectors); i += 16 {
		binary.LittleEndian.PutUint64(sectors[i:], round)
		binary.LittleEndian.PutUint64(sectors[i+8:], uint64(writer))
	}
	var ops, syncs []ioengine.Op
	for i, name := range []string{"/a", "/b"} {
		op := writeOp(w.files[name], int64(writer)*sector, sectors[i*sector:][:sector])
		op.DSync = writer%3 != 0
		ops = append(ops, op)
		syncs = append(syncs, ioengine.Op{Kind: ioengine.DataSync, File: w.files[name]})
	}
	err := ioengine.Run(e, ioengine.Foreground, ops...)
	if err == nil && writer%3 == 0 {
		err = ioengine.Run(e, ioengine.Foreground, syncs...)
	}
	return err
}

func expectAcknowledged(t *testing.T, d *crashsim.Disk, acked []ack, writers int) {
	t.Helper()
	least := make([]uint64, writers)
	before := slices.Clone(least)
	for n := range d.Ops() + 1 {
		copy(before, least)
		for len(acked) > 0 && acked[0].n <= n {
			least[acked[0].writer] = max(least[acked[0].writer], acked[0].round)
			acked = acked[1:]
		}
		for _, loss := range []crashsim.Loss{crashsim.LoseAll, crashsim.LoseHalf, crashsim.Torn} {
			want := least
			if loss == crashsim.Torn {
				want = before
			}
			after := d.After(n, loss, 1)
			for _, name := range []string{"/a", "/b"} {
				if err := checkSlots(after.Peek(name), want); err != nil {
					t.Fatalf("%v, %s, %s: %v", loss, d.Describe(n), name, err)
				}
			}
		}
	}
}

func checkSlots(p []byte, least []uint64) error {
	for writer, want := range least {
		at := writer * sector
		if at >= len(p) && want == 0 {
			continue
		}
		if at+sector > len(p) {
			return fmt.Errorf("writer %d: only %d bytes", writer, len(p))
		}
		first := binary.LittleEndian.Uint64(p[at:])
		if first < want {
			return fmt.Errorf("writer %d: round %d was acknowledged, %d is there", writer, want, first)
		}
		for i := 0; i < sector; i += 16 {
			if binary.LittleEndian.Uint64(p[at+i:]) != first {
				return fmt.Errorf("writer %d: a torn sector", writer)
			}
		}
	}
	return nil
}

// TestBatchesRunInAnyOrder: by the seed, and the same way each time.
func TestBatchesRunInAnyOrder(t *testing.T) {
	record := func(seed uint64) string {
		w := newWorld(t, crashsim.Config{Seed: seed})
		w.do("create /f")
		var ops []ioengine.Op
		for i := range int64(6) {
			op := writeOp(w.files["/f"], i*sector, letters("a"))
			op.DSync = i%2 == 0
			ops = append(ops, op)
		}
		if err := w.run(ops...); err != nil {
			t.Fatal(err)
		}
		all := ""
		for n := range w.disk.Ops() {
			all += w.disk.Describe(n+1) + "\n"
		}
		return all
	}
	orders := map[string]bool{}
	for seed := range uint64(20) {
		order := record(seed)
		orders[order] = true
		if again := record(seed); again != order {
			t.Fatalf("seed %d: two orders", seed)
		}
	}
	if len(orders) < 15 {
		t.Fatalf("20 seeds, %d orders", len(orders))
	}
}

// TestCloseWaits for every batch.
func TestCloseWaits(t *testing.T) {
	w := newWorld(t, crashsim.Config{})
	w.do("create /f")
	const batches = 200
	var done atomic.Int32
	for i := range int64(batches) {
		w.engine.Submit(&ioengine.Batch{Done: func(*ioengine.Batch) { done.Add(1) },
			Ops: []ioengine.Op{writeOp(w.files["/f"], i*sector, letters("a"))}})
	}
	if err := w.engine.Close(); err != nil || done.Load() != batches {
		t.Fatalf("%d of %d batches are done, %v", done.Load(), batches, err)
	}
}

// BenchmarkAfter is one power cut of a disk with 4 MiB in 40 files, 2000 operations long.
func BenchmarkAfter(b *testing.B) {
	w := newWorld(b, crashsim.Config{})
	w.do("mkdir /d; syncdir /")
	random := rand.New(rand.NewPCG(1, 2))
	for i := range 40 {
		name := fmt.Sprintf("/d/%d", i)
		w.do("create " + name)
		for j := range 40 {
			p := make([]byte, 1+random.IntN(4<<10))
			for k := range p {
				p[k] = byte(random.Uint32())
			}
			if err := w.write(name, int64(j*2600), p, j%10 == 9); err != nil {
				b.Fatal(err)
			}
		}
		if i%2 == 0 {
			w.do("sync " + name + "; syncdir /d")
		}
	}
	ops := w.disk.Ops()
	for _, loss := range []crashsim.Loss{
		crashsim.LoseAll, crashsim.LoseHalf, crashsim.Torn, crashsim.LoseNone,
	} {
		b.Run(fmt.Sprintf("ascending/loss=%v", loss), func(b *testing.B) {
			for i := range b.N {
				w.disk.After(i%ops, loss, 1)
			}
		})
	}
	b.Run("any", func(b *testing.B) {
		for range b.N {
			w.disk.After(random.IntN(ops), crashsim.LoseAll, 1)
		}
	})
}
