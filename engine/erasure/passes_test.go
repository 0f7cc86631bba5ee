package erasure

import (
	"fmt"
	"runtime"
	"testing"
	"time"

	"flashstore/engine/drive"
	"flashstore/engine/drive/faulty"
	"flashstore/engine/object"
)

// TestScrubOfWhatCannotBeRead: a shard that no read brings is not taken for a good one.
func TestScrubOfWhatCannotBeRead(t *testing.T) {
	for name, rule := range map[string]faulty.Rule{
		"hangs":   {Op: faulty.Read, Hang: true},
		"offline": {Op: faulty.Read, Err: drive.ErrOffline},
		"fails":   {Op: faulty.Read, Err: errDevice}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel() // it waits for what hangs
			f := newFaulty(t, 4, 2)
			f.faults[3].Set(rule)
			if s := f.heal(true); s.Whole || s.Short == 0 {
				t.Errorf("%+v", s)
			}
			f.faults[3].Set()
			f.faults[3].Release()
			if s := f.heal(true); !s.Whole {
				t.Errorf("it can be read again: %+v", s)
			}
		})
	}
}

// TestDamageIsNotForgotten: a pass that reads no shards takes nothing off the list that a read found
// damaged meanwhile.
func TestDamageIsNotForgotten(t *testing.T) {
	f := newFaulty(t, 4, 2)
	b, err := f.store.bucket(t.Context(), "bucket")
	if err != nil {
		t.Fatal(err)
	}
	key := objectKey(b, "kept-3")
	// The list is not worked on before the pass is over: its shard cannot be read yet.
	index := f.flip("kept-3", 0)
	f.faults[1].Set(faulty.Rule{Op: faulty.Scan, Delay: 100 * time.Millisecond})
	passes := f.store.Heal(false)
	f.set().repairs.add(key, true)
	if err := f.store.Healed(t.Context(), passes); err != nil {
		t.Fatal(err)
	}
	f.faults[1].Set()
	s := f.heal(false)
	if !s.Whole || s.Healed == 0 {
		t.Fatalf("shard %d: %+v", index, s)
	}
	before := s.Healed
	if s = f.heal(true); s.Healed != before {
		t.Errorf("a scrub found what was forgotten: %+v", s)
	}
}

// TestPassBeginsAnew: a pass behind one that failed does not go on where that was, if more became short
// since than the list takes.
func TestPassBeginsAnew(t *testing.T) {
	f := newFaulty(t, 4, 2)
	for i := range 600 {
		f.mustPut(object.Key(fmt.Sprintf("m%05d", i)), pattern(10, 1))
	}
	f.awaitSettles()
	for _, i := range []int{0, 1, 2} {
		f.faults[i].Set(faulty.Rule{Op: faulty.Scan, Skip: 3, Err: drive.ErrOffline})
	}
	if s := f.heal(false); s.Whole || s.Error == "" {
		t.Fatalf("the pass was to fail: %+v", s)
	}
	for i := range f.faults {
		f.faults[i].Set()
	}
	f.shut(3)
	for i := range repairsMax + 100 { // they come before where the pass was
		f.mustPut(object.Key(fmt.Sprintf("a%05d", i)), pattern(10, 1))
	}
	f.open()
	f.wantWhole("all are here")
	for i := range repairsMax + 100 {
		if key := object.Key(fmt.Sprintf("a%05d", i)); !f.holds(3, key) {
			t.Fatalf("drive 3 lacks %s", key)
		}
	}
}

// TestPartsThatWereNotVisited: a pass that healed an object and then could not tell what it is made of
// has not seen its parts, and says so.
func TestPartsThatWereNotVisited(t *testing.T) {
	f := newFaulty(t, 4, 2)
	id := f.upload("made")
	if err := f.part("made", id, 1, pattern(200_000, 1)); err != nil {
		t.Fatal(err)
	}
	if err := f.complete("made", id, map[int]int{1: 200_000}, 1); err != nil {
		t.Fatal(err)
	}
	f.awaitSettles()
	f.wantWhole("before")
	for _, d := range f.faults { // healing looks twice, and the visit of the parts once more
		d.Set(faulty.Rule{Op: faulty.Lookup, Skip: 2, Err: drive.ErrOffline,
			Match: func(key drive.Key, _ drive.Type) bool { return key.Name == "made" }})
	}
	if s := f.heal(false); s.Whole || s.Undecided == 0 {
		t.Errorf("%+v", s)
	}
	for _, d := range f.faults {
		d.Set()
	}
	f.wantWhole("it can be told again")
}

// TestScrubGivesWay: a drive that comes while a scrub goes on, slowly, is healed before its end, and
// whoever waits for the scrub waits for its end.
func TestScrubGivesWay(t *testing.T) {
	f := newFixture(t, 4, 2)
	f.bucket("bucket")
	for i := range 12 {
		f.mustPut(object.Key(fmt.Sprint("k", i)), pattern(1<<20, uint64(i)))
	}
	f.awaitSettles()
	f.stop()
	f.wipe(3)
	f.start(3)
	f.heal(false)
	h := f.store.healers[0]
	h.config.ScrubPeriod = 30 * 24 * time.Hour
	scrub := f.store.Heal(true)
	f.join(3)
	scrubbed := make(chan error, 1)
	go func() { scrubbed <- f.store.Healed(t.Context(), scrub) }()
	for f.drives[3].Info().CompleteFrom != (drive.Order{}) {
		if len(scrubbed) > 0 {
			t.Fatal("the drive is not healed at the end of the scrub")
		}
		runtime.Gosched()
	}
	if err := <-scrubbed; err != nil {
		t.Fatal(err)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.aside != nil || h.pass != nil && h.pass.verify {
		t.Error("the scrub has not ended")
	}
}
