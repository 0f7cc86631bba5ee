package erasure

import (
	"bytes"
	"encoding/binary"
	"errors"
	"flag"
	"fmt"
	"math/bits"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"flashstore/engine/drive"
	"flashstore/engine/drive/faulty"
	"flashstore/engine/object"
)

var (
	faultsAll  = flag.Bool("erasure.faults", false, "every fault of every subset of drives")
	faultsSeed = flag.Uint64("erasure.seed", 0, "of the faults that are chosen; 0: a new one")
)

// seedOf is the seed of a random test, which is printed.
func seedOf(t *testing.T) uint64 {
	seed := *faultsSeed
	if seed == 0 {
		seed = rand.Uint64()
	}
	t.Logf("replay with -erasure.seed %d", seed)
	return seed
}

// fault is what happens to drives while a store serves.
type fault struct {
	name  string
	rules []faulty.Rule
}

// errDevice is what a device says that is broken.
var errDevice = fmt.Errorf("%w: input/output error", drive.ErrOffline)

func all(r faulty.Rule, ops ...faulty.Op) (rules []faulty.Rule) {
	for _, op := range ops {
		r.Op = op
		rules = append(rules, r)
	}
	return rules
}

// liveFaults are those that a drive can have, and lose again, without a restart.
func liveFaults() []fault {
	everything := []faulty.Op{faulty.Commit, faulty.Lookup, faulty.Create, faulty.Write, faulty.Seal,
		faulty.Read, faulty.Scan}
	data := func(_ drive.Key, kind drive.Type) bool {
		return kind == drive.TypePut || kind == drive.TypePart || kind == drive.TypeDocument ||
			kind == drive.TypeManifest
	}
	full := append(all(faulty.Rule{Err: drive.ErrFull}, faulty.Create),
		faulty.Rule{Op: faulty.Commit, Match: data, Err: drive.ErrFull})
	return []fault{
		{"pulled", all(faulty.Rule{Err: drive.ErrOffline}, everything...)},
		{"read-only", all(faulty.Rule{Err: drive.ErrOffline}, faulty.Commit, faulty.Create,
			faulty.Write, faulty.Seal)},
		{"full", full},
		{"hanging", all(faulty.Rule{Hang: true}, everything...)},
		{"slow", all(faulty.Rule{Delay: 3 * time.Millisecond}, everything...)},
		{"EIO on reads", all(faulty.Rule{Err: errDevice}, faulty.Read, faulty.Lookup)},
		{"EIO on writes", all(faulty.Rule{Err: errDevice}, faulty.Write, faulty.Seal, faulty.Commit)},
		{"bit-flipped", all(faulty.Rule{Err: drive.ErrCorrupt}, faulty.Read)},
		{"answers lost", all(faulty.Rule{After: true, Err: errDevice}, faulty.Commit)},
	}
}

// subsets of n drives with 1 to most of them.
func subsets(n, most int) (masks []uint) {
	for mask := uint(1); mask < 1<<n; mask++ {
		if bits.OnesCount(mask) <= most {
			masks = append(masks, mask)
		}
	}
	return masks
}

func inMask(mask uint, n int) (positions []int) {
	for i := range n {
		if mask>>i&1 != 0 {
			positions = append(positions, i)
		}
	}
	return positions
}

// TestEverySubsetOfFaultyDrives: drives get a fault under load, up to as many as may be lost, and
// lose it again: reads are right, or 503 only for what was not acknowledged on all drives; writes
// are right or 503; afterwards all is healed, and the census finds nothing. Each subset of up to
// six drives meets a fault, with -erasure.faults all of them; sixteen drives some random subsets.
func TestEverySubsetOfFaultyDrives(t *testing.T) {
	seed := seedOf(t)
	for _, c := range []struct{ n, m int }{{2, 1}, {3, 1}, {4, 2}, {5, 2}, {6, 3}, {16, 4}} {
		t.Run(fmt.Sprintf("%d drives", c.n), func(t *testing.T) {
			t.Parallel()
			random := rand.New(rand.NewPCG(seed, uint64(c.n)))
			masks := subsets(c.n, c.m)
			if c.n > 6 {
				random.Shuffle(len(masks), func(i, j int) { masks[i], masks[j] = masks[j], masks[i] })
				masks = masks[:10]
			}
			f := newFaulty(t, c.n, c.m)
			faults := liveFaults()
			for _, mask := range masks {
				random.Shuffle(len(faults), func(i, j int) { faults[i], faults[j] = faults[j], faults[i] })
				chosen := faults
				if !*faultsAll {
					chosen = faults[:1]
				}
				for _, one := range chosen {
					f.trial(&one, inMask(mask, c.n), random.Uint64())
				}
			}
			f.wantWhole("what hung has arrived since") // and is decided now
			f.awaitSettles()
			f.censusClean()
			f.load.check(f.fixture, "behind a restart", true)
		})
	}
}

// faultyFixture is a set whose drives have faults, with its clients.
type faultyFixture struct {
	*fixture
	load *load
}

func newFaulty(t *testing.T, n, m int) *faultyFixture {
	f := newStopped(t, 1, n, m)
	f.faulty = true
	f.start()
	f.impatient()
	f.bucket("bucket")
	for i, size := range []int{0, 100, 40_000, 300_000} {
		f.mustPut(object.Key(fmt.Sprint("kept-", i)), pattern(size, uint64(i)))
	}
	f.awaitSettles()
	return &faultyFixture{f, newLoad(4)}
}

// impatient waits less long for drives that hang.
func (f *fixture) impatient() {
	f.set().commitTimeout, f.set().patience.hangAfter = time.Second, 400*time.Millisecond
}

// trial gives drives a fault under load.
func (f *faultyFixture) trial(one *fault, positions []int, seed uint64) {
	f.t.Helper()
	what := fmt.Sprintf("%s on %v", one.name, positions)
	began := time.Now()
	defer func() { f.t.Logf("%s: %s", what, time.Since(began).Round(time.Millisecond)) }()
	for _, i := range positions {
		f.faults[i].Set(one.rules...)
	}
	f.load.run(f.fixture, what, 6, seed)
	for i, size := range []int{0, 100, 40_000, 300_000} {
		key := object.Key(fmt.Sprint("kept-", i))
		if got, err := f.get(key, 0, -1); err != nil || !bytes.Equal(got, pattern(size, uint64(i))) {
			f.t.Fatalf("%s: %s, which is on all drives: %d bytes, %v", what, key, len(got), err)
		}
	}
	for _, i := range positions {
		f.faults[i].Set()
		f.faults[i].Release()
	}
	for deadline := time.Now().Add(20 * time.Second); ; {
		s := f.heal(false)
		if s.Whole {
			break
		}
		if time.Now().After(deadline) {
			f.t.Fatalf("%s: not healed: %+v", what, s)
		}
	}
	f.load.check(f.fixture, what, false)
}

// load is clients with keys of their own, each of which remembers what a read may return.
type load struct{ clients []*loadClient }

type loadClient struct {
	number int
	seq    uint32
	keys   map[object.Key][]uint32 // what may be there, oldest first; 0 is absent
}

func newLoad(clients int) *load {
	l := &load{}
	for i := range clients {
		l.clients = append(l.clients, &loadClient{number: i, keys: make(map[object.Key][]uint32)})
	}
	return l
}

// run lets every client do so many steps.
func (l *load) run(f *fixture, what string, steps int, seed uint64) {
	f.t.Helper()
	var wg sync.WaitGroup
	for _, c := range l.clients {
		random := rand.New(rand.NewPCG(seed, uint64(c.number)))
		wg.Go(func() {
			for range steps {
				if err := c.step(f, random); err != nil {
					f.t.Errorf("%s: %v", what, err)
					return
				}
			}
		})
	}
	wg.Wait()
	if f.t.Failed() {
		f.t.FailNow()
	}
}

// check reads all keys, which must answer.
func (l *load) check(f *fixture, what string, restarted bool) {
	f.t.Helper()
	if restarted {
		f.impatient()
	}
	for _, c := range l.clients {
		for key := range c.keys {
			if err := c.read(f, key, true); err != nil {
				f.t.Fatalf("%s: %v", what, err)
			}
		}
	}
}

func (c *loadClient) step(f *fixture, random *rand.Rand) error {
	key := object.Key(fmt.Sprintf("load-%d-%d", c.number, random.IntN(3)))
	if c.keys[key] == nil {
		c.keys[key] = []uint32{0}
	}
	switch n := random.IntN(6); {
	case n < 2:
		return c.read(f, key, false)
	case n == 2:
		return c.write(f, key, 0, remove(f.t.Context(), f.store, "bucket", key))
	default:
		c.seq++
		return c.write(f, key, c.seq, f.put(key, loadBody(c.number, c.seq)))
	}
}

// loadBody tells who wrote it, and is of several sizes.
func loadBody(client int, seq uint32) []byte {
	size := [...]int{20, 3000, 150_000, 1_200_000}[seq%4]
	head := binary.BigEndian.AppendUint32([]byte{byte(client)}, seq)
	return append(head, pattern(size, uint64(seq)<<8|uint64(client))...)
}

// write notes what a write may have done.
func (c *loadClient) write(f *fixture, key object.Key, seq uint32, err error) error {
	switch {
	case err == nil:
		c.keys[key] = []uint32{seq}
	case errors.Is(err, object.ErrUnavailable), errors.Is(err, object.ErrFull),
		errors.Is(err, object.ErrBusy):
		c.keys[key] = append(c.keys[key], seq)
	default:
		return fmt.Errorf("write %d of %s: %w", seq, key, err)
	}
	return nil
}

// read wants what may be there; sure: and an answer.
func (c *loadClient) read(f *fixture, key object.Key, sure bool) error {
	seq := uint32(0)
	switch got, err := f.get(key, 0, -1); {
	case errors.Is(err, object.ErrNoSuchKey):
	case errors.Is(err, object.ErrUnavailable) && !sure:
		return nil
	case err != nil:
		return fmt.Errorf("read of %s: %w", key, err)
	case len(got) < 5 || !bytes.Equal(got, loadBody(int(got[0]), binary.BigEndian.Uint32(got[1:]))):
		return fmt.Errorf("read of %s: %d bytes that nobody wrote", key, len(got))
	default:
		seq = binary.BigEndian.Uint32(got[1:])
	}
	for i, may := range c.keys[key] {
		if may == seq {
			c.keys[key] = c.keys[key][i:] // what is older never comes back
			return nil
		}
	}
	return fmt.Errorf("read of %s: write %d, and it may be one of %v", key, seq, c.keys[key])
}

// TestEverySubsetOfReplacedDrives: as many drives as may be lost are fresh, or of an earlier time,
// when the store starts again, and clients go on at once. Eight subsets, with -erasure.faults all.
func TestEverySubsetOfReplacedDrives(t *testing.T) {
	seed := seedOf(t)
	for _, c := range []struct{ n, m int }{{2, 1}, {3, 1}, {4, 2}, {5, 2}, {6, 3}} {
		t.Run(fmt.Sprintf("%d drives", c.n), func(t *testing.T) {
			t.Parallel()
			random := rand.New(rand.NewPCG(seed, uint64(c.n)))
			f := newFaulty(t, c.n, c.m)
			masks := subsets(c.n, c.m)
			if random.Shuffle(len(masks), func(i, j int) {
				masks[i], masks[j] = masks[j], masks[i]
			}); !*faultsAll {
				masks = masks[:min(len(masks), 8)]
			}
			for number, mask := range masks {
				positions := inMask(mask, c.n)
				if number%2 == 0 || *faultsAll {
					f.replaced("wiped", positions, random.Uint64(), func() { f.wipe(positions...) })
				}
				// More than n - w drives of an earlier time are told and refused, which the engine
				// does.
				if (number%2 == 1 || *faultsAll) && len(positions) <= c.n-f.set().w {
					f.stop()
					kept := f.keep(positions)
					f.start()
					f.impatient()
					f.replaced("stale", positions, random.Uint64(), func() { f.putBack(kept, positions) })
				}
			}
			f.awaitSettles()
			f.censusClean()
			f.load.check(f.fixture, "behind a restart", true)
		})
	}
}

// replaced is a trial whose fault is what change does to the drives at rest.
func (f *faultyFixture) replaced(what string, positions []int, seed uint64, change func()) {
	f.t.Helper()
	what = fmt.Sprintf("%s %v", what, positions)
	f.load.run(f.fixture, what, 3, seed)
	f.awaitSettles()
	f.stop()
	change()
	f.start()
	f.impatient()
	f.load.run(f.fixture, what, 4, seed+1)
	for i, size := range []int{0, 100, 40_000, 300_000} {
		f.wantBody(object.Key(fmt.Sprint("kept-", i)), pattern(size, uint64(i)))
	}
	f.wantWhole(what)
	f.load.check(f.fixture, what, false)
}

// keep copies drives at rest.
func (f *fixture) keep(positions []int) string {
	f.t.Helper()
	dir := f.t.TempDir()
	for _, i := range positions {
		f.copyDrive(f.path(i), filepath.Join(dir, fmt.Sprint(i)))
	}
	return dir
}

// putBack makes drives what they were when they were kept.
func (f *fixture) putBack(dir string, positions []int) {
	f.t.Helper()
	for _, i := range positions {
		if err := os.RemoveAll(f.path(i)); err != nil {
			f.t.Fatal(err)
		}
		f.copyDrive(filepath.Join(dir, fmt.Sprint(i)), f.path(i))
	}
}

// copyDrive leaves the holes of a drive's files what they are.
func (f *fixture) copyDrive(from, to string) {
	f.t.Helper()
	out, err := exec.Command("cp", "-a", "--sparse=always", from, to).CombinedOutput()
	if err != nil {
		f.t.Fatalf("%s: %v", out, err)
	}
}

// TestMoreDrivesGoneThanParity: nothing is guessed, nothing is written and nothing deleted; with
// the drives all is back.
func TestMoreDrivesGoneThanParity(t *testing.T) {
	f := newFaulty(t, 4, 2)
	for _, positions := range [][]int{{0, 1, 2}, {1, 2, 3}, {0, 1, 2, 3}} {
		for _, one := range liveFaults()[:1] {
			for _, i := range positions {
				f.faults[i].Set(one.rules...)
			}
		}
		for i := 1; i < 4; i++ {
			f.wantError(object.Key(fmt.Sprint("kept-", i)), object.ErrUnavailable)
		}
		f.wantError("never there", object.ErrUnavailable)
		if err := f.put("new", []byte("x")); !errors.Is(err, object.ErrUnavailable) {
			t.Errorf("a put: %v", err)
		}
		if err := remove(t.Context(), f.store, "bucket", "kept-1"); !errors.Is(err,
			object.ErrUnavailable) {
			t.Errorf("a delete: %v", err)
		}
		if _, err := f.store.List(t.Context(), "bucket", object.ListQuery{Max: 9}); !errors.Is(err,
			object.ErrUnavailable) {
			t.Errorf("a list: %v", err)
		}
		if s := f.heal(true); s.Whole {
			t.Errorf("%+v", s)
		}
		for _, i := range positions {
			f.faults[i].Set()
		}
		f.wantBody("kept-3", pattern(300_000, 3))
		// The delete may have reached a drive: then it takes effect, or never does.
		if got, err := f.get("kept-1", 0, -1); err == nil && len(got) != 100 ||
			err != nil && !errors.Is(err, object.ErrNoSuchKey) {
			t.Errorf("kept-1: %d bytes, %v", len(got), err)
		}
		f.mustPut("kept-1", pattern(100, 1))
		for deadline := time.Now().Add(20 * time.Second); !f.heal(false).Whole; {
			if time.Now().After(deadline) {
				t.Fatalf("not healed: %+v", f.store.Healing())
			}
		}
	}
	f.awaitSettles()
	f.censusClean()
}
