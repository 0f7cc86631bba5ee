package erasure

import (
	"context"
	"errors"
	"testing"
	"time"

	"flashstore/engine/object"
)

// hang makes tombstones hang on every drive, so that what sends one is answered "unknown". The
// patience is for that alone: what is to be committed behind it is given more.
func (f *fixture) hang() {
	f.set().commitTimeout = 200 * time.Millisecond
	for _, d := range f.drives {
		d.hang.Store(true)
	}
}

func (f *fixture) arrive() {
	for _, d := range f.drives {
		d.release(f.t)
	}
	f.set().commitTimeout = commitTimeoutDefault
}

// A DeleteBucket that was answered "unknown" arrives after objects were acknowledged in the
// bucket: it must not take them along.
func TestLateDeleteBucketTakesNoObjectAlong(t *testing.T) {
	f := newFixture(t, 4, 2)
	f.bucket("bucket")
	f.hang()
	ctx := context.Background()
	if err := f.store.DeleteBucket(ctx, "bucket"); !errors.Is(err, object.ErrUnavailable) {
		t.Fatalf("DeleteBucket with hanging drives: %v", err)
	}
	f.set().commitTimeout = commitTimeoutDefault
	f.mustPut("k", []byte("v")) // the drives take all but tombstones
	f.arrive()
	f.wantBody("k", []byte("v"))
	f.mustPut("l", []byte("w"))
	f.restart()
	f.wantBody("k", []byte("v"))
	f.wantBody("l", []byte("w"))
}

// An Abort that was answered "unknown" arrives after the upload was completed: the parts stay.
func TestLateAbortTakesNoPartAlong(t *testing.T) {
	f := newFixture(t, 4, 2)
	f.bucket("bucket")
	id := f.upload("k")
	body := pattern(3<<20, 1)
	if err := f.part("k", id, 1, body); err != nil {
		t.Fatal(err)
	}
	f.hang()
	if err := f.store.AbortUpload(context.Background(), "bucket", "k", id); !errors.Is(err,
		object.ErrUnavailable) {
		t.Fatalf("Abort with hanging drives: %v", err)
	}
	// The tombstone of the completed upload hangs too, which Complete survives once it has waited.
	f.set().commitTimeout = 2 * time.Second
	if err := f.complete("k", id, map[int]int{1: 3 << 20}, 1); err != nil {
		t.Fatal(err)
	}
	for _, d := range f.drives { // the Abort arrives, the other never does
		d.mu.Lock()
		d.queued = d.queued[:1]
		d.mu.Unlock()
	}
	f.arrive()
	f.wantBody("k", body)
	f.restart()
	f.store.work.Wait()
	f.mustPut("other", nil) // carries settles
	f.awaitSettles()
	f.wantBody("k", body)
}
