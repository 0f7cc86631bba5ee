package erasure

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"

	"flashstore/engine/drive"
	"flashstore/engine/object"
)

var (
	linearFlag = flag.Int64("erasure.linear", 12_000,
		"operations of TestLinearizable, at least; one round has some thousand")
	linearSeedFlag = flag.Uint64("erasure.linearseed", 0,
		"the first round of TestLinearizable is this one, and the only one; 0: new ones")
)

// The size of a round.
const (
	roundKeys    = 3
	roundClients = 3 // of each key
	roundEpochs  = 6
	epochSteps   = 450 // operations of all clients
	stepsAMood   = 12  // operations between two changes
)

// round is some epochs of one world with clients in it. Its seed chooses what is done, by whom
// and where the faults are; how goroutines take turns it does not.
type round struct {
	t        testing.TB
	seed     uint64
	world    *world
	clients  []*client
	clock    clock
	numbers  numbering
	counts   outcomes
	failures sync.Mutex
	failed   []string
}

func (r *round) store() *Store { return r.world.store }

// fail notes what must not be.
func (r *round) fail(format string, args ...any) {
	r.failures.Lock()
	defer r.failures.Unlock()
	r.failed = append(r.failed, fmt.Sprintf(format, args...))
}

// expect takes errors that drives with faults bring about, and no others.
func (r *round) expect(key object.Key, what string, err error) {
	for _, known := range []error{object.ErrUnavailable, object.ErrBusy, drive.ErrNotHere} {
		if errors.Is(err, known) {
			return
		}
	}
	if !r.world.dead.Load() {
		r.fail("%s of %s: %v", what, key, err)
	}
}

// TestLinearizable: each key is linearizable over PUT, GET, HEAD, LIST, DELETE, Complete and
// conditional writes, whatever becomes of its drives and of the process: they hang, lose
// answers, are away and come back with the state of then, are killed, lose their power.
func TestLinearizable(t *testing.T) {
	total := &progress{t: t, began: time.Now()}
	if seed := *linearSeedFlag; seed != 0 {
		total.add(t, seed)
	} else {
		var workers sync.WaitGroup // most of the time a round waits
		for i := range 2 * runtime.GOMAXPROCS(0) {
			workers.Go(func() {
				t.Run(fmt.Sprint("worker", i), func(t *testing.T) {
					for total.counts.total() < *linearFlag && !total.failed.Load() {
						total.add(t, rand.Uint64())
					}
				})
			})
		}
		workers.Wait()
	}
	t.Log(total)
}

// progress of all rounds.
type progress struct {
	t      testing.TB
	began  time.Time
	failed atomic.Bool
	mu     sync.Mutex
	shown  time.Time
	rounds int
	counts outcomes
}

// add does a round.
func (p *progress) add(t *testing.T, seed uint64) {
	r := newRound(t, seed)
	r.run()
	r.check()
	p.mu.Lock()
	defer p.mu.Unlock()
	if t.Failed() {
		p.failed.Store(true)
	}
	p.rounds++
	p.counts.add(&r.counts)
	if testing.Verbose() && time.Since(p.shown) > 10*time.Second {
		p.shown = time.Now()
		fmt.Println(p) // a log of t would come at the end
	}
}

func (p *progress) String() string {
	c := &p.counts
	return fmt.Sprintf("%s: %d rounds, %d operations: %d done, %d refused by their condition, "+
		"%d writes unknown, %d reads not answered", time.Since(p.began).Round(time.Second), p.rounds,
		c.total(), c.done.Load(), c.refused.Load(), c.unknown.Load(), c.unanswered.Load())
}

func newRound(t testing.TB, seed uint64) *round {
	r := &round{t: t, seed: seed}
	layout := [][2]int{{4, 2}, {4, 2}, {2, 1}, {3, 1}, {6, 3}}[seed%5]
	r.world = newWorld(t, seed, layout[0], layout[1])
	for i := range roundKeys * roundClients {
		r.clients = append(r.clients, &client{round: r, random: rand.New(rand.NewPCG(seed, uint64(10+i))),
			key: object.Key(fmt.Sprint("k", i%roundKeys))})
	}
	return r
}

// run is the epochs. In the last one there are no faults, and each key can be read.
func (r *round) run() {
	w := r.world
	defer w.close()
	w.begin(nil, commitTimeoutDefault)
	if err := r.store().CreateBucket(r.t.Context(), "bucket",
		object.BucketSettings{Versioning: r.versioning()}); err != nil {
		r.t.Fatal(err)
	}
	w.stop()
	w.reborn(stopped)
	w.begin(nil, impatience)
	for range roundEpochs {
		end := w.random.IntN(powerCutIn + 1)
		r.epoch(end)
		w.stop()
		w.reborn(end)
		var gone []int
		for _, i := range w.random.Perm(w.n)[:w.random.IntN(w.m+2)] {
			if w.random.IntN(3) > 0 {
				gone = append(gone, i)
			}
		}
		w.begin(gone, impatience)
	}
	w.stop()
	w.begin(nil, commitTimeoutDefault)
	w.store.work.Wait()
	for _, c := range r.clients {
		before := r.counts.unanswered.Load()
		c.read("GET in the end", func() (int, error) {
			n, err := c.get(r.t.Context())
			if err != nil && !errors.Is(err, object.ErrNoSuchKey) {
				r.fail("%s cannot be read with all drives here: %v%s", c.key, err, r.registers(c.key))
			}
			return n, err
		})
		r.counts.unanswered.Store(before)
	}
	r.checkVersions()
	w.stop()
}

// versioning is that of the bucket: in half of the rounds none.
func (r *round) versioning() object.Versioning {
	return []object.Versioning{object.Unversioned, object.Enabled, object.Unversioned,
		object.Suspended}[r.seed/5%4]
}

// checkVersions reads all versions that are listed: one of each key is the newest, and is what the
// key has.
func (r *round) checkVersions() {
	ctx := r.t.Context()
	page, err := r.store().ListVersions(ctx, "bucket", object.VersionQuery{Max: object.ListMax})
	if err != nil || page.NextKey != "" {
		r.fail("the versions cannot be listed: %v%s", err, page.NextKey)
		return
	}
	newest := make(map[object.Key]object.Info)
	for _, e := range page.Entries {
		ref := object.Ref{Bucket: "bucket", Key: e.Info.Key, Version: e.Info.Version}
		if _, twice := newest[ref.Key]; e.Newest == twice {
			r.fail("%s: version %s is the newest: %t", ref.Key, ref.Version, e.Newest)
		}
		if e.Newest {
			newest[ref.Key] = e.Info
		}
		h, err := r.store().Open(ctx, ref)
		if err == nil {
			_, err = io.Copy(io.Discard, object.NewReader(ctx, h))
			h.Close()
		}
		if err != nil && !(e.Info.Marker && errors.Is(err, object.ErrMarker)) {
			r.fail("%s: version %s is listed: %v%s", ref.Key, ref.Version, err, r.registers(ref.Key))
		}
	}
	for _, c := range r.clients[:roundKeys] {
		info, err := r.store().Stat(ctx, object.Ref{Bucket: "bucket", Key: c.key})
		listed, there := newest[c.key]
		if there && !listed.Marker && (err != nil || info.ETag != listed.ETag) ||
			(!there || listed.Marker) && !errors.Is(err, object.ErrNoSuchKey) {
			r.fail("%s: the newest that is listed is %+v, and the key has %+v, %v", c.key, listed, info,
				err)
		}
	}
}

// registers is what each drive has of a key, and of the parts of its manifests.
func (r *round) registers(key object.Key) (text string) {
	b, err := r.store().bucket(r.t.Context(), "bucket")
	if err != nil {
		return err.Error()
	}
	uploads := make(map[uploadID]bool)
	show := func(k drive.Key, name string) {
		for i, d := range r.world.drives {
			state, err := d.Lookup(r.t.Context(), k, drive.LookupOptions{})
			text += fmt.Sprintf("\n\tdrive %d, %s: %v", i, name, err)
			for _, e := range state.Entries {
				text += fmt.Sprintf(" [type %d %x at %v, settled %v]", e.Type, e.WriteID[:4], e.Order,
					e.Settled)
				if u, ok := manifestUpload(&e.Record); ok {
					uploads[u] = true
				}
			}
		}
	}
	show(objectKey(b, key), string(key))
	show(r.store().headAt(b, key).key, "head")
	grant, err := r.world.store.sets[0].lock(r.t.Context(), objectKey(b, key))
	if err != nil {
		return err.Error()
	}
	all, err := r.store().allHeld(r.t.Context(), b, key, grant)
	grant.Release()
	if err != nil {
		text += "\n\tversions: " + err.Error()
	}
	for _, v := range all {
		if v.version != nullVersion {
			show(r.store().versionAt(b, key, v.version).key, "version "+string(v.info.Version))
		}
	}
	for u := range uploads {
		show(uploadKey(b, key, u), "upload "+string(u.String()))
		show(partKey(b, u, 1), "part 1")
	}
	return text
}

// epoch has the clients work until so many operations are done, or the process is killed in the
// middle.
func (r *round) epoch(end int) {
	w := r.world
	steps, deadline := make(chan struct{}, epochSteps), epochSteps
	if end != stopped {
		deadline = w.random.IntN(epochSteps)
	}
	var wg sync.WaitGroup
	for _, c := range r.clients {
		wg.Go(func() {
			for !w.dead.Load() {
				select {
				case steps <- struct{}{}:
				default:
					return
				}
				at := len(steps)
				if at%stepsAMood == 0 {
					w.shake()
				}
				if at == deadline && end != stopped {
					w.kill()
					return
				}
				c.act(r.t.Context())
			}
		})
	}
	wg.Wait()
}

// check puts the history of each key in a line.
func (r *round) check() {
	histories := make(map[object.Key][]event)
	for _, c := range r.clients {
		histories[c.key] = append(histories[c.key], c.events...)
	}
	for key, history := range histories {
		switch linearizable(history) {
		case porcupine.Ok:
		case porcupine.Unknown:
			r.fail("%s: whether %d operations are linearizable was not found out in %s", key,
				len(history), checkPatience)
		default:
			text := ""
			for _, e := range shortened(history) {
				text += "\n\t" + e.String()
			}
			r.fail("%s is not linearizable: call, end, what%s", key, text)
		}
	}
	for _, text := range r.failed {
		r.t.Errorf("%d drives, parity %d; replay with -erasure.linearseed=%d: %s", r.world.n, r.world.m,
			r.seed, text)
	}
}
