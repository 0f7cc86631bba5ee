package erasure

import (
	"bytes"
	"fmt"
	"sync"
	"testing"
	"time"

	"flashstore/engine/drive/faulty"
	"flashstore/engine/object"
)

// Drives that are slow under a burst of reads, all of which have gone on to ask others, are waited
// for where nobody can stand in: they do not hang.
func TestBurstOfSlowReads(t *testing.T) {
	f := newStopped(t, 1, 4, 2)
	f.faulty = true
	f.start()
	f.bucket("bucket")
	const clients = 8 * stuckMax
	want := pattern(300_000, 1)
	key := func(i int) object.Key { return object.Key(fmt.Sprint("k", i)) }
	for i := range clients {
		f.mustPut(key(i), want)
	}
	f.awaitSettles()
	f.restart(0)
	for _, d := range f.faults[1:] {
		d.Set(faulty.Rule{Op: faulty.Read, Delay: 5 * hedgeDelayMin})
	}
	var wg sync.WaitGroup
	for i := range clients {
		wg.Go(func() {
			if got, err := f.get(key(i), 0, -1); err != nil || !bytes.Equal(got, want) {
				t.Errorf("%s: %d bytes, error %v", key(i), len(got), err)
			}
		})
	}
	wg.Wait()
}

// A drive that ends none of its calls for as long as a drive may take is not asked any more, and is
// again once it has ended one.
func TestHangs(t *testing.T) {
	p := newPatience(300 * time.Millisecond)
	var calls [stuckMax]call
	for i := range calls {
		if calls[i] = (call{patience: &p, drive: 2}); p.slow(2) || !calls[i].giveUp() {
			t.Fatalf("call %d: slow %v", i, p.slow(2))
		}
	}
	if !p.slow(2) || p.hangs(2) || p.slow(1) {
		t.Fatalf("slow %v, hangs %v at once; another is slow: %v", p.slow(2), p.hangs(2), p.slow(1))
	}
	for began := time.Now(); !p.hangs(2); {
		if time.Since(began) > time.Minute {
			t.Fatal("it never hangs")
		}
		time.Sleep(time.Millisecond)
	}
	if calls[0].ended(time.Now()) {
		t.Error("somebody waits for a call that was given up")
	}
	if p.hangs(2) || p.slow(2) {
		t.Errorf("it has ended a call: slow %v, hangs %v", p.slow(2), p.hangs(2))
	}
}

// What a read is told of its haste costs no memory: there is one for each.
func TestHasteIsNoGarbage(t *testing.T) {
	p := newPatience(time.Minute)
	for name, how := range map[string]func(*patience) haste{"first": (*patience).first,
		"last": (*patience).last} {
		skipped := false
		objects := testing.AllocsPerRun(100, func() {
			waits := how(&p)
			skipped = skipped || waits.skips(&p, 1)
		})
		if objects > 0 || skipped {
			t.Errorf("%s: %.0f objects, skipped %v", name, objects, skipped)
		}
	}
}
