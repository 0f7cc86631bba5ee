package erasure

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"flashstore/engine/drive"
	"flashstore/engine/drive/faulty"
	"flashstore/engine/object"
)

// aging is a set whose clock is moved by hand.
type aging struct {
	*faultyFixture
	clock time.Time
}

func newAging(t *testing.T) *aging {
	a := &aging{faultyFixture: newFaulty(t, 4, 2), clock: time.Now()}
	a.now = func() time.Time { return a.clock }
	a.restart()
	return a
}

// pass lets some time go by, and all registers be visited.
func (a *aging) pass(later time.Duration) {
	a.t.Helper()
	a.awaitSettles()
	a.clock = a.clock.Add(later)
	a.wantWhole("a pass")
}

// holding counts the drives that have anything of a key.
func (a *aging) holding(key object.Key) (n int) {
	a.t.Helper()
	b, err := a.store.bucket(a.t.Context(), "bucket")
	if err != nil {
		a.t.Fatal(err)
	}
	for i, d := range a.drives {
		if d == nil {
			continue
		}
		state, err := d.Lookup(a.t.Context(), objectKey(b, key), drive.LookupOptions{})
		if err != nil {
			a.t.Fatalf("drive %d: %v", i, err)
		}
		n += min(len(state.Entries), 1)
	}
	return n
}

// want waits until so many drives have something of a deleted key: a drive may take longer than the
// pass that was told that another refuses.
func (a *aging) want(holding int, key object.Key, what string) {
	a.t.Helper()
	n := a.holding(key)
	for deadline := time.Now().Add(5 * time.Second); n > holding && time.Now().Before(deadline); {
		n = a.holding(key)
	}
	if n != holding {
		a.t.Errorf("%s: %d drives have something of %q, %d should", what, n, key, holding)
	}
	if _, err := a.get(key, 0, -1); !errors.Is(err, object.ErrNoSuchKey) {
		a.t.Errorf("%s: %v", what, err)
	}
}

func (a *aging) delete(key object.Key) {
	a.t.Helper()
	if err := remove(a.t.Context(), a.store, "bucket", key); err != nil {
		a.t.Fatal(err)
	}
}

// TestTombstonesAreForgotten: once they are old and of an earlier term, which a pass raises by
// itself. A tombstone that only some drives have dropped goes from the others, and does not come
// back.
func TestTombstonesAreForgotten(t *testing.T) {
	a := newAging(t)
	for _, key := range []object.Key{"k", "halfway"} {
		a.mustPut(key, pattern(300_000, 1))
		a.delete(key)
	}
	a.pass(0)
	a.want(4, "k", "at once")
	a.pass(2 * forgetAfter)
	a.want(4, "k", "in the same term")
	a.faults[2].Set(faulty.Rule{Op: faulty.Commit, Err: drive.ErrOffline,
		Match: func(key drive.Key, kind drive.Type) bool {
			return kind == drive.TypeForget && key.Name == "halfway"
		}})
	a.awaitSettles()
	a.clock = a.clock.Add(2 * termMax)
	a.heal(false)
	a.want(0, "k", "old, in a later term")
	a.want(1, "halfway", "a drive did not take it")
	a.faults[2].Set()
	if got := a.heal(false); !got.Whole || got.Healed > 0 {
		t.Errorf("behind it: %+v", got)
	}
	a.want(0, "halfway", "the drive takes it")
	if n := a.store.Stats().Forgotten; n != 2 {
		t.Errorf("%d forgotten", n)
	}
	a.mustPut("k", pattern(1000, 2))
	a.pass(2 * termMax)
	a.restart()
	a.wantBody("k", pattern(1000, 2))
	a.censusClean()
}

// TestTombstoneOfADriveThatIsAway: while a drive is away that may hold what a tombstone deletes, it
// is kept, however old it is.
func TestTombstoneOfADriveThatIsAway(t *testing.T) {
	a := newAging(t)
	a.mustPut("k", pattern(300_000, 1))
	a.awaitSettles()
	a.restart(3)
	a.delete("k")
	a.awaitSettles()
	a.clock = a.clock.Add(2 * termMax)
	a.heal(false)
	a.want(3, "k", "a drive is away")
	a.restart()
	a.pass(2 * termMax)
	a.pass(0)
	a.want(0, "k", "all drives are here")
	a.censusClean()
}

// TestSetIsOpenedAgain: a set whose term missed the quorum takes writes once its drives are there.
func TestSetIsOpenedAgain(t *testing.T) {
	a := newAging(t)
	for _, i := range []int{2, 3} {
		a.faults[i].Set(faulty.Rule{Op: faulty.Commit, Err: drive.ErrOffline,
			Match: func(_ drive.Key, kind drive.Type) bool { return kind == drive.TypeTerm }})
	}
	if err := a.set().raise(); err != nil || a.store.HasWriteQuorum() {
		t.Fatalf("the term is raised on two drives: %v", err)
	}
	for _, i := range []int{2, 3} {
		a.faults[i].Set()
	}
	for deadline := time.Now().Add(20 * time.Second); !a.store.HasWriteQuorum(); {
		if time.Now().After(deadline) {
			t.Fatal("the set stays read-only")
		}
	}
	a.mustPut("k", pattern(1000, 1))
}

// TestPredecessorOfForgottenTombstones: a drive that was replaced before something was deleted is
// put back once that is forgotten. Nobody is left to say so, and it is told for what it is.
func TestPredecessorOfForgottenTombstones(t *testing.T) {
	a := newAging(t)
	a.mustPut("empty/", nil)
	a.awaitSettles()
	a.stop()
	old := filepath.Join(t.TempDir(), "old")
	if err := os.Rename(a.path(1), old); err != nil {
		t.Fatal(err)
	}
	a.wipe(1)
	a.start()
	a.wantWhole("replaced")
	a.delete("empty/")
	a.awaitSettles()
	memories := func() (all []Memory) { // as they are before a start
		a.stop()
		for i := range a.drives {
			d := a.openDrive(i)
			all = append(all, MemoryOf(d))
			if err := d.Close(); err != nil {
				t.Fatal(err)
			}
		}
		return all
	}
	a.restart()
	a.pass(2 * forgetAfter)
	a.want(0, "empty/", "forgotten")
	if stale, _ := Stale(memories(), a.m); stale != nil {
		t.Errorf("drives %v are of an earlier time", stale)
	}
	if err := errors.Join(os.RemoveAll(a.path(1)), os.Rename(old, a.path(1))); err != nil {
		t.Fatal(err)
	}
	if stale, _ := Stale(memories(), a.m); !slices.Equal(stale, []int{1}) {
		t.Errorf("drives %v are of an earlier time, and drive 1 is", stale)
	}
}

// TestForgettingThatFails leaves nothing short: the tombstone is there.
func TestForgettingThatFails(t *testing.T) {
	a := newAging(t)
	a.mustPut("k", pattern(1000, 1))
	a.delete("k")
	a.pass(0)
	a.restart()
	a.faults[2].Set(faulty.Rule{Op: faulty.Commit, Err: drive.ErrFull,
		Match: func(_ drive.Key, kind drive.Type) bool { return kind == drive.TypeForget }})
	a.pass(2 * forgetAfter)
	a.want(1, "k", "a drive is full")
	a.censusClean()
}

// TestRaiseUnderLoad: what is written while a term is raised waits for it, and is of it.
func TestRaiseUnderLoad(t *testing.T) {
	f := newFixture(t, 4, 2)
	f.bucket("bucket")
	var stop atomic.Bool
	var writers sync.WaitGroup
	for w := range 16 {
		writers.Go(func() {
			for i := 0; !stop.Load(); i++ {
				if err := f.put(object.Key(fmt.Sprint(w, "-", i%4)), pattern(1000, 1)); err != nil {
					t.Errorf("writer %d: %v", w, err)
					return
				}
			}
		})
	}
	for range 20 {
		written := f.store.Stats().Settled
		for f.store.Stats().Settled < written+100 && !t.Failed() {
			runtime.Gosched()
		}
		if err := f.set().raise(); err != nil {
			t.Error(err)
		}
	}
	stop.Store(true)
	writers.Wait()
}

// TestTermThatMissed: nothing is written in a term that is on too few drives, by whom was under way
// either, so that no drive is ever taken for one of an earlier time.
func TestTermThatMissed(t *testing.T) {
	f := newFaulty(t, 4, 2)
	f.shut(0)
	f.mustPut("k", pattern(1000, 1))
	f.awaitSettles()
	for _, i := range []int{2, 3} {
		f.faults[i].Set(faulty.Rule{Op: faulty.Commit, Err: drive.ErrOffline,
			Match: func(_ drive.Key, kind drive.Type) bool { return kind == drive.TypeTerm }})
	}
	b, err := f.store.bucket(t.Context(), "bucket")
	if err != nil {
		t.Fatal(err)
	}
	s, key := f.set(), objectKey(b, "k")
	grant, err := s.lock(t.Context(), key)
	if err != nil {
		t.Fatal(err)
	}
	answers := make([]answer, s.n)
	s.ask(t.Context(), key, s.unanswered(answers), answers, drive.LookupOptions{})
	v := judge(answers, s.quorum())
	if err := s.raise(); err != nil || f.store.HasWriteQuorum() {
		t.Fatalf("the term is raised on two drives: %v", err)
	}
	f.open()
	if _, err := s.restore(t.Context(), v.write, healing{}, grant); err == nil {
		t.Error("healed in the term of before, which drives have left")
	}
	grant.Release()
	var drives []Memory
	for _, d := range f.drives {
		drives = append(drives, MemoryOf(d))
	}
	if stale, term := Stale(drives, 2); stale != nil {
		t.Errorf("drives %v of %+v are of an earlier time than term %d", stale, drives, term)
	}
}
