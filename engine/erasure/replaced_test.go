package erasure

import (
	"context"
	"errors"
	"runtime"
	"testing"

	"flashstore/engine/drive"
	"flashstore/engine/object"
)

// TestHolderIsReplacedWhileItIsDecided: a write that was found on a drive which is replaced before
// the others have it is not on the quorum then, and is not shown.
func TestHolderIsReplacedWhileItIsDecided(t *testing.T) {
	f := newFixture(t, 2, 1)
	f.bucket("bucket")
	f.mustPut("k", []byte("old"))
	f.awaitSettles()
	f.shut(1)
	if err := remove(t.Context(), f.store, "bucket", "k"); !errors.Is(err,
		object.ErrUnavailable) {
		t.Fatal(err)
	}
	f.drives[0].pending.Wait()
	b, err := f.store.bucket(t.Context(), "bucket")
	if err != nil {
		t.Fatal(err)
	}
	one, key, other := f.set(), objectKey(b, "k"), f.drives[1]
	grant, err := one.lock(t.Context(), key) // so that nobody else decides it
	if err != nil {
		t.Fatal(err)
	}
	defer grant.Release()
	other.hang.Store(true)
	f.open()
	read := make(chan error, 1)
	go func() {
		_, err := one.newestHeld(context.Background(), key, grant)
		read <- err
	}()
	for waits := false; !waits; runtime.Gosched() {
		other.mu.Lock()
		waits = len(other.queued) > 0
		other.mu.Unlock()
	}
	if err := f.drives[0].Close(); err != nil {
		t.Fatal(err)
	}
	f.wipe(0)
	f.drives[0] = f.openDrive(0)
	var d drive.Drive = f.drives[0]
	one.slots[0].Store(&d) // as joining begins
	other.release(t)
	if err := <-read; !errors.Is(err, object.ErrUnavailable) {
		t.Errorf("on one drive of the quorum of two: %v", err)
	}
}
