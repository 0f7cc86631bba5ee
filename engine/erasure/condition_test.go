package erasure

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"flashstore/engine/drive"
	"flashstore/engine/drive/faulty"
	"flashstore/engine/drive/local"
	"flashstore/engine/object"
)

func match(tags ...string) object.Condition     { return object.Condition{Match: tags} }
func noneMatch(tags ...string) object.Condition { return object.Condition{NoneMatch: tags} }

func (f *fixture) putIf(key object.Key, body []byte, only object.Condition) error {
	p := putOf("bucket", key, body)
	p.If = only
	_, err := f.store.PutObject(f.t.Context(), p)
	return err
}

func (f *fixture) completeIf(key object.Key, id object.UploadID, size int,
	only object.Condition) error {
	_, err := f.store.CompleteUpload(f.t.Context(), &object.Complete{Bucket: "bucket", Key: key,
		Upload: id, If: only,
		Parts: []object.CompletePart{{Number: 1, ETag: fmt.Sprint("etag-", size)}},
		Seal:  func(_ []object.Part, i *object.Info) error { i.ETag = "sum"; return nil }})
	return err
}

// tallied is a drive that counts the shards in bulk storage that are neither committed nor aborted.
type tallied struct {
	*gated
	open *atomic.Int64
}

type talliedWriter struct {
	drive.ShardWriter
	open *atomic.Int64
}

func (d *tallied) Create(ctx context.Context, shardBytes int64) (drive.ShardWriter, error) {
	w, err := d.gated.Create(ctx, shardBytes)
	if err != nil {
		return nil, err
	}
	d.open.Add(1)
	return &talliedWriter{w, d.open}, nil
}

func (w *talliedWriter) Abort() {
	w.open.Add(-1)
	w.ShardWriter.Abort()
}

func (d *tallied) Commit(r *drive.Record, done func(error)) {
	d.gated.Commit(r, func(err error) {
		if err == nil && r.Bulk != nil {
			d.open.Add(-1)
		}
		if done != nil {
			done(err)
		}
	})
}

// tally makes wantNoOrphans possible; no drive may refuse a commit then.
func (f *fixture) tally() *atomic.Int64 {
	open := new(atomic.Int64)
	for i, d := range f.drives {
		var t drive.Drive = &tallied{d, open}
		f.set().slots[i].Store(&t)
	}
	return open
}

// wantNoOrphans stops the store, and wants that no shard was left open and that on no drive there
// is space that nothing refers to.
func (f *fixture) wantNoOrphans(open *atomic.Int64) {
	f.t.Helper()
	f.stop()
	if n := open.Load(); n != 0 {
		f.t.Errorf("%d shards in bulk storage are neither committed nor aborted", n)
	}
	for i := range f.n {
		r, err := local.Census(f.t.Context(), f.io, f.path(i), nil)
		if err != nil || r.FindingsTotal > 0 || r.UnreferencedBytes > 0 {
			f.t.Errorf("drive %d: %+v, %v", i, r, err)
		}
	}
}

// Each change is made exactly where its condition holds; one that is refused leaves the old state
// and no space behind, be its shards in the record or in bulk storage.
func TestConditions(t *testing.T) {
	f := newFixture(t, 4, 2)
	f.bucket("bucket")
	open := f.tally()
	state := []byte(nil) // nil: absent
	for i, c := range []struct {
		only         object.Condition
		there, other error // what is wanted where etag-7 is there, and where nothing is
	}{
		{match("etag-7"), nil, object.ErrNoSuchKey},
		{match("x", "etag-7"), nil, object.ErrNoSuchKey},
		{match(object.AnyETag), nil, object.ErrNoSuchKey},
		{match("x"), object.ErrIfMatch, object.ErrNoSuchKey},
		{noneMatch(object.AnyETag), object.ErrIfNoneMatch, nil},
		{noneMatch("etag-7"), object.ErrIfNoneMatch, nil},
		{noneMatch("x"), nil, nil},
	} {
		for _, there := range []bool{true, false} {
			for _, size := range []int{500, 3 << 20, 0, -1} { // -1: a multipart upload
				want := c.other
				f.mustDelete("k")
				if state = nil; there {
					want, state = c.there, []byte("seven b")
					f.mustPut("k", state)
				}
				body := pattern(max(size, 900), uint64(i))
				var err error
				if size >= 0 {
					body = body[:size]
					err = f.putIf("k", body, c.only)
				} else {
					err = f.uploadIf("k", body, c.only)
				}
				if !errors.Is(err, want) {
					t.Fatalf("%+v, there %v, %d bytes: %v, want %v", c.only, there, size, err, want)
				}
				if want == nil {
					state = body
				}
				f.wantState("k", state)
			}
			f.mustDelete("k")
			if there {
				f.mustPut("k", []byte("seven b"))
			}
			err := removeIf(t.Context(), f.store, "bucket", "k", c.only)
			if want := map[bool]error{true: c.there, false: c.other}[there]; !errors.Is(err, want) {
				t.Fatalf("delete, %+v, there %v: %v, want %v", c.only, there, err, want)
			}
			if state = nil; err != nil && there {
				state = []byte("seven b")
			}
			f.wantState("k", state)
		}
	}
	f.wantNoOrphans(open)
}

func (f *fixture) mustDelete(key object.Key) {
	f.t.Helper()
	if err := remove(f.t.Context(), f.store, "bucket", key); err != nil {
		f.t.Fatal(err)
	}
}

// wantState wants a body, or absence for nil.
func (f *fixture) wantState(key object.Key, body []byte) {
	f.t.Helper()
	if body == nil {
		f.wantError(key, object.ErrNoSuchKey)
		return
	}
	f.wantBody(key, body)
}

// uploadIf uploads body in one part. A Complete that is refused leaves the upload, which is aborted
// then.
func (f *fixture) uploadIf(key object.Key, body []byte, only object.Condition) error {
	f.t.Helper()
	id := f.upload(key)
	if err := f.part(key, id, 1, body); err != nil {
		f.t.Fatal(err)
	}
	err := f.completeIf(key, id, len(body), only)
	if err == nil { // repeated, it says what it said, whatever the condition says by now
		return f.completeIf(key, id, len(body), only)
	}
	if err := f.store.AbortUpload(f.t.Context(), "bucket", key, id); err != nil {
		f.t.Fatalf("the upload of a refused Complete: %v", err)
	}
	return err
}

// Of 16 writers that want a key to be absent, or to be as all of them saw it, exactly one wins.
func TestOneWriterWins(t *testing.T) {
	f := newFixture(t, 4, 2)
	f.bucket("bucket")
	open := f.tally()
	const writers = 16
	etag := "" // of the object before the round
	for round := range 24 {
		only, lost := noneMatch(object.AnyETag), object.ErrIfNoneMatch
		if round%3 > 0 {
			only, lost = match(etag), object.ErrIfMatch
		} else {
			f.mustDelete("k")
		}
		var winner atomic.Int64
		var wg sync.WaitGroup
		begin := make(chan struct{})
		for i := range writers {
			size := 1 + round*writers + i
			if round%2 > 0 {
				size += 300 << 10
			}
			wg.Go(func() {
				<-begin
				switch err := f.putIf("k", pattern(size, 1), only); {
				case err == nil:
					if !winner.CompareAndSwap(0, int64(size)) {
						t.Errorf("round %d: two winners", round)
					}
				case !errors.Is(err, lost):
					t.Errorf("round %d: %v", round, err)
				}
			})
		}
		close(begin)
		wg.Wait()
		if winner.Load() == 0 {
			t.Fatalf("round %d: no winner", round)
		}
		f.wantBody("k", pattern(int(winner.Load()), 1))
		etag = fmt.Sprint("etag-", winner.Load())
	}
	f.wantNoOrphans(open)
}

// A condition on a key whose newest write is undecided is decided first, or answered 503: never on
// the state before.
func TestConditionOnAnUndecidedKey(t *testing.T) {
	f := newFixture(t, 4, 2)
	f.bucket("bucket")
	f.mustPut("k", []byte("old"))
	f.shut(0, 1)
	f.failPut("k", []byte("newer"))
	for _, only := range []object.Condition{match("etag-3"), match("etag-5"), match(object.AnyETag),
		noneMatch(object.AnyETag), noneMatch("etag-3")} {
		if err := f.putIf("k", nil, only); !errors.Is(err, object.ErrUnavailable) {
			t.Errorf("%+v of what cannot be decided: %v", only, err)
		}
	}
	f.open()
	if err := f.putIf("k", []byte("newest"), match("etag-3")); !errors.Is(err, object.ErrIfMatch) {
		t.Errorf("the old tag: %v", err)
	}
	if s := f.store.Stats(); s.Decided != 1 {
		t.Errorf("decided %d", s.Decided)
	}
	f.wantBody("k", []byte("newer"))
	if err := f.putIf("k", []byte("newest"), match("etag-5")); err != nil {
		t.Error(err)
	}
	// A tombstone is decided too: the key is absent, and stays so.
	f.shut(2, 3)
	if err := remove(t.Context(), f.store, "bucket", "k"); !errors.Is(err,
		object.ErrUnavailable) {
		t.Fatal(err)
	}
	for _, d := range f.drives {
		d.pending.Wait()
	}
	f.open()
	if err := f.putIf("k", []byte("no"), match("etag-6")); !errors.Is(err, object.ErrNoSuchKey) {
		t.Errorf("the tag of what is deleted: %v", err)
	}
	f.wantError("k", object.ErrNoSuchKey)
	// What fewer than k drives have never was acknowledged: the condition is one on the state
	// before.
	f.mustPut("k", []byte("old"))
	f.shut(0, 1, 2)
	f.failPut("k", []byte("newer"))
	f.open()
	if err := f.putIf("k", bytes.Repeat([]byte("x"), 9), match("etag-3")); err != nil {
		t.Error(err)
	}
	f.restart()
	f.wantBody("k", bytes.Repeat([]byte("x"), 9))
}

// mute makes drives answer no lookups until the returned function is called.
func (f *fixture) mute(positions ...int) (unmute func()) {
	var before []*drive.Drive
	for _, i := range positions {
		m, err := faulty.New(faulty.Config{Drive: f.drives[i],
			Rules: []faulty.Rule{{Op: faulty.Lookup, Err: drive.ErrOffline}}})
		if err != nil {
			f.t.Fatal(err)
		}
		var d drive.Drive = m
		before = append(before, f.set().slots[i].Swap(&d))
	}
	return func() {
		for j, i := range positions {
			f.set().slots[i].Store(before[j])
		}
	}
}

// TestConditionIsNotBuiltOnSand: what a condition was checked on must not be overtaken by an
// earlier write that turns up later. Where that is possible the answer is 503.
func TestConditionIsNotBuiltOnSand(t *testing.T) {
	f := newFixture(t, 4, 2)
	f.bucket("bucket")
	sand := func(why string, only object.Condition) {
		t.Helper()
		if err := f.putIf("k", []byte("built"), only); !errors.Is(err, object.ErrUnavailable) {
			t.Errorf("%s: %v", why, err)
		}
	}
	f.mustPut("k", []byte("old"))
	f.awaitSettles()
	f.hang()
	if err := remove(t.Context(), f.store, "bucket", "k"); !errors.Is(err,
		object.ErrUnavailable) {
		t.Fatalf("DELETE with hanging drives: %v", err)
	}
	sand("a tombstone on its way", match("etag-3"))
	f.wantBody("k", []byte("old")) // a reader may see that; the DELETE takes effect later
	f.arrive()
	if err := f.putIf("k", nil, match("etag-3")); !errors.Is(err, object.ErrNoSuchKey) {
		t.Errorf("once it has arrived: %v", err)
	}

	f.mustPut("k", []byte("old"))
	f.awaitSettles()
	f.shut(0, 1)
	f.failPut("k", []byte("newer"))
	f.open()
	unmute := f.mute(2, 3)
	sand("two drives with a newer write are silent", match("etag-3"))
	unmute()
	if err := f.putIf("k", []byte("built"), match("etag-5")); err != nil {
		t.Errorf("once they answer: %v", err)
	}

	f.mustPut("k", []byte("old"))
	f.awaitSettles()
	f.shut(0, 1, 2)
	f.failPut("k", []byte("newer"))
	f.open()
	unmute = f.mute(0)
	sand("one drive has a newer write, another is silent", match("etag-3"))
	unmute()
	if err := f.putIf("k", []byte("built"), match("etag-3")); err != nil {
		t.Errorf("only one has it: %v", err)
	}
}
