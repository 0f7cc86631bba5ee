package erasure

import (
	"errors"
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

func (a *aging) want(holding int, key object.Key, what string) {
	a.t.Helper()
	if n := a.holding(key); n != holding {
		a.t.Errorf("%s: %d drives have something of %q, %d should", what, n, key, holding)
	}
	if _, err := a.get(key, 0, -1); !errors.Is(err, object.ErrNoSuchKey) {
		a.t.Errorf("%s: %v", what, err)
	}
}

func (a *aging) delete(key object.Key) {
	a.t.Helper()
	if err := a.store.DeleteObject(a.t.Context(), "bucket", key); err != nil {
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
