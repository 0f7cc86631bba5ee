package erasure

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"flashstore/arena"
	"flashstore/arena/block64k"
	"flashstore/engine/drive"
	"flashstore/engine/drive/faulty"
	"flashstore/engine/drive/local"
	lockslocal "flashstore/engine/lock/local"
	"flashstore/engine/object"
	"flashstore/ioengine"
	"flashstore/ioengine/ioenginetest"
	"flashstore/ioengine/threadpool"
)

// fixture is a set of real drives in a temporary directory. Its stores come and go.
type fixture struct {
	t        testing.TB
	dir      string
	n, m     int // of each set
	sets     int
	checksum string          // of drives that are opened; "" is the default
	segments [2]int64        // bytes of one of the log, and of bulk storage; 0 is the default
	faulty   bool            // drives have faults, by position, when they are opened
	faults   []*faulty.Drive // of the present store
	io       ioengine.Engine
	memory   arena.Allocator
	drives   []*gated // of the present store; nil where away
	store    *Store
	now      func() time.Time // nil: time.Now
}

// gated is a real drive that refuses commits of data while shut.
type gated struct {
	drive.Drive
	shut    atomic.Bool
	hang    atomic.Bool // tombstones stay in the queue until release
	mu      sync.Mutex
	queued  []func()
	pending inFlight // commits that the drive has not answered
}

// inFlight counts what is under way; others may begin while somebody waits for none to be.
type inFlight struct {
	mu    sync.Mutex
	count int
	none  chan struct{} // closed when count comes down to 0; nil: nobody waits
}

func (f *inFlight) add(n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.count += n; f.count == 0 && f.none != nil {
		close(f.none)
		f.none = nil
	}
}

// Wait returns once nothing has been under way.
func (f *inFlight) Wait() {
	f.mu.Lock()
	if f.count == 0 {
		f.mu.Unlock()
		return
	}
	if f.none == nil {
		f.none = make(chan struct{})
	}
	none := f.none
	f.mu.Unlock()
	<-none
}

var errShut = errors.New("shut by the test")

func (g *gated) Commit(r *drive.Record, done func(error)) {
	if g.shut.Load() && r.Type != drive.TypeTerm && done != nil {
		done(errShut)
		return
	}
	if g.shut.Load() && done == nil {
		return
	}
	if g.hang.Load() && r.Type == drive.TypePurge {
		g.mu.Lock()
		defer g.mu.Unlock()
		g.queued = append(g.queued, func() { g.Drive.Commit(r, done) })
		return
	}
	if done == nil {
		g.Drive.Commit(r, nil)
		return
	}
	g.pending.add(1)
	g.Drive.Commit(r, func(err error) { done(err); g.pending.add(-1) })
}

// release lets the tombstones that hang arrive, and returns when the drive has them.
func (g *gated) release(t testing.TB) {
	g.hang.Store(false)
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, commit := range g.queued {
		commit()
	}
	g.queued = nil
	// Commits are taken in order: when this one is done, the others are.
	arrived := make(chan error, 1)
	r := &drive.Record{Type: drive.TypeFence, Key: drive.Key{Space: drive.SpaceDocument, Name: "x"},
		Token: drive.Order{Term: g.Info().Term}}
	g.Drive.Commit(r, func(err error) { arrived <- err })
	if err := <-arrived; err != nil {
		t.Fatal(err)
	}
}

// Pin passes on what embedding the interface hides.
func (g *gated) Pin() func() { return g.Drive.(drive.Pinner).Pin() }

func newFixture(t testing.TB, n, m int) *fixture {
	t.Helper()
	return newSets(t, 1, n, m)
}

// newSets is newFixture of several sets; drive i is number i%n of set i/n.
func newSets(t testing.TB, sets, n, m int) *fixture {
	t.Helper()
	f := newStopped(t, sets, n, m)
	f.start()
	return f
}

// newStopped is newSets before its first start. Benchmarks have drives as they are in a server;
// those of tests sync nothing, and have small segments, which are made, searched and left sooner.
func newStopped(t testing.TB, sets, n, m int) *fixture {
	t.Helper()
	pool, err := threadpool.New(threadpool.Config{})
	if err != nil {
		t.Fatal(err)
	}
	memory, err := block64k.New(block64k.Config{})
	if err != nil {
		t.Fatal(err)
	}
	f := &fixture{t: t, dir: t.TempDir(), n: n, m: m, sets: sets, io: pool, memory: memory,
		segments: [2]int64{4 << 20}}
	if _, measures := t.(*testing.B); !measures {
		f.io = ioenginetest.Unsynced(pool)
		f.segments = [2]int64{1 << 20, 16 << 20}
	}
	for i := range sets * n {
		id := drive.Identity{Deployment: "test", DriveID: fmt.Sprint(i), Set: i / n, Position: i % n,
			Drives: n, Parity: m}
		if err := local.Format(pool, f.path(i), id); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() {
		f.stop()
		// Every block came back, from every error path that the test took.
		if err := memory.Close(); err != nil {
			t.Error(err)
		}
		if err := pool.Close(); err != nil {
			t.Error(err)
		}
	})
	return f
}

func (f *fixture) path(i int) string { return filepath.Join(f.dir, fmt.Sprint("d", i)) }

// start opens the drives but those that are away and a store over them.
func (f *fixture) start(away ...int) {
	f.t.Helper()
	f.drives = make([]*gated, f.sets*f.n)
	drives := make([]drive.Drive, len(f.drives))
	for i := range f.drives {
		if contains(away, i) {
			continue
		}
		f.drives[i] = f.openDrive(i)
		drives[i] = f.drives[i]
	}
	s, err := New(Config{Sets: slices.Collect(slices.Chunk(drives, f.n)), Parity: f.m, SIMD: "auto", Allocator: f.memory,
		Locks: lockslocal.New(), Logger: slog.New(slog.DiscardHandler), Now: f.now})
	if err != nil {
		f.t.Fatal(err)
	}
	if err := s.Start(context.Background()); err != nil {
		f.t.Fatal(err)
	}
	f.store = s
}

func (f *fixture) openDrive(i int) *gated {
	f.t.Helper()
	d, err := local.Open(local.Config{Path: f.path(i), Engine: f.io, InlineMax: arena.BlockBytes,
		LogSegmentBytes: f.segments[0], BulkSegmentBytes: f.segments[1],
		Checksum: f.checksum, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		f.t.Fatal(err)
	}
	if !f.faulty {
		return &gated{Drive: d}
	}
	if f.faults == nil {
		f.faults = make([]*faulty.Drive, f.sets*f.n)
	}
	if f.faults[i], err = faulty.New(faulty.Config{Drive: d}); err != nil {
		f.t.Fatal(err)
	}
	return &gated{Drive: f.faults[i]}
}

// set is the only one, or the first.
func (f *fixture) set() *set { return f.store.sets[0] }

func (f *fixture) stop() {
	if f.store == nil {
		return
	}
	f.store.Close()
	f.store = nil
	for _, d := range f.drives {
		if d == nil {
			continue
		}
		if err := d.Close(); err != nil {
			f.t.Error(err)
		}
	}
}

func (f *fixture) restart(away ...int) {
	f.t.Helper()
	f.stop()
	f.start(away...)
}

func (f *fixture) shut(positions ...int) {
	for _, i := range positions {
		f.drives[i].shut.Store(true)
	}
}

func (f *fixture) open() {
	for _, d := range f.drives {
		if d != nil {
			d.shut.Store(false)
		}
	}
}

// failPut puts and wants ErrUnavailable; it returns when every drive that is not shut has the
// record, which may be later than the answer.
func (f *fixture) failPut(key object.Key, body []byte) {
	f.t.Helper()
	if err := f.put(key, body); !errors.Is(err, object.ErrUnavailable) {
		f.t.Fatalf("a put below the quorum: %v", err)
	}
	for _, d := range f.drives {
		if d != nil {
			d.pending.Wait()
		}
	}
}

// awaitSettles returns when no drive has a register without a settle, at most 100 ms after the
// last write.
func (f *fixture) awaitSettles() {
	f.t.Helper()
	deadline := time.Now().Add(10 * time.Second)
	for _, d := range f.drives {
		for d != nil && d.Info().Counters.Unsettled > 0 {
			if time.Now().After(deadline) {
				f.t.Fatal("settles do not arrive")
			}
			time.Sleep(time.Millisecond)
		}
	}
}

func (f *fixture) bucket(name object.BucketName) {
	f.t.Helper()
	if err := f.store.CreateBucket(context.Background(), name, object.BucketSettings{}); err != nil {
		f.t.Fatal(err)
	}
}

func (f *fixture) put(key object.Key, body []byte) error {
	_, err := f.store.PutObject(context.Background(), putOf("bucket", key, body))
	return err
}

func putOf(bucket object.BucketName, key object.Key, body []byte) *object.Put {
	return &object.Put{Bucket: bucket, Key: key, SizeBytes: int64(len(body)),
		Headers: []object.Pair{{Name: "x-amz-meta-size", Value: fmt.Sprint(len(body))}},
		Body:    bytes.NewReader(body),
		Seal:    func(i *object.Info) error { i.ETag = fmt.Sprint("etag-", len(body)); return nil }}
}

func (f *fixture) mustPut(key object.Key, body []byte) {
	f.t.Helper()
	if err := f.put(key, body); err != nil {
		f.t.Fatalf("put %s: %v", key, err)
	}
}

// get reads [from, to) of key; to < 0 means its end.
func (f *fixture) get(key object.Key, from, to int64) ([]byte, error) {
	ctx := context.Background()
	h, err := f.store.Open(ctx, object.Ref{Bucket: "bucket", Key: key})
	if err != nil {
		return nil, err
	}
	defer h.Close()
	if to < 0 {
		to = h.Info().SizeBytes
	}
	if err := h.Select(from, to-from); err != nil {
		return nil, err
	}
	body := []byte{}
	for {
		bufs, err := h.Next(ctx)
		if errors.Is(err, io.EOF) {
			return body, nil
		}
		if err != nil {
			return nil, err
		}
		for _, b := range bufs {
			body = append(body, b...)
		}
	}
}

func (f *fixture) wantBody(key object.Key, want []byte) {
	f.t.Helper()
	got, err := f.get(key, 0, -1)
	if err != nil || !bytes.Equal(got, want) {
		f.t.Fatalf("get %s: %d bytes, %v; want %d bytes", key, len(got), err, len(want))
	}
}

func (f *fixture) wantError(key object.Key, want error) {
	f.t.Helper()
	if got, err := f.get(key, 0, -1); !errors.Is(err, want) {
		f.t.Fatalf("get %s: %d bytes, %v; want %v", key, len(got), err, want)
	}
}

// pattern is bytes that tell their place, so that a swapped block shows.
func pattern(size int, seed uint64) []byte {
	p := make([]byte, (size+7)/8*8)
	r := rand.New(rand.NewPCG(seed, uint64(size)))
	for i := 0; i < len(p); i += 8 {
		binary.LittleEndian.PutUint64(p[i:], r.Uint64())
	}
	return p[:size]
}

func contains(all []int, n int) bool {
	for _, v := range all {
		if v == n {
			return true
		}
	}
	return false
}
