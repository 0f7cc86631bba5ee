package erasure

import (
	"bytes"
	"testing"
	"time"

	"flashstore/engine/object"
)

// TestOpenNow: what is in memory is answered at once, in buckets with versions too: the newest
// version and no other, until its attributes have changed.
func TestOpenNow(t *testing.T) {
	f := newFixture(t, 4, 2)
	f.bucket("bucket")
	now := func(key object.Key, body bool) (string, object.VersionID, bool) {
		h, ok := f.store.OpenNow("bucket", key, body, heap{})
		if !ok {
			return "", "", false
		}
		defer h.Close()
		var got bytes.Buffer
		if body {
			if _, err := got.ReadFrom(object.NewReader(t.Context(), h)); err != nil {
				t.Fatal(err)
			}
		}
		return got.String(), h.Info().Version, true
	}
	// A lookup the long way brings what a drive keeps in memory.
	want := func(what string, key object.Key, want string, version object.VersionID) {
		t.Helper()
		f.awaitSettles()
		deadline := time.Now().Add(10 * time.Second)
		for {
			body, v, ok := now(key, true)
			_, headV, headOK := now(key, false)
			if ok && headOK && body == want && v == version && headV == v {
				return
			}
			if ok && (body != want || v != version) || time.Now().After(deadline) {
				t.Fatalf("%s: %q of version %q, %t, %t; want %q of %q", what, body, v, ok, headOK, want, version)
			}
			if _, err := f.get(key, 0, -1); err != nil {
				t.Fatal(err)
			}
		}
	}
	never := func(what string, key object.Key) {
		t.Helper()
		if body, v, ok := now(key, true); ok {
			t.Fatalf("%s: %q of version %q", what, body, v)
		}
	}
	f.mustPut("k", []byte("plain"))
	want("without versioning", "k", "plain", object.Newest)
	f.setVersioning(object.Enabled)
	never("a key without a head", "k")
	one := f.mustPutVersion([]byte("one"))
	want("a version", "k", "one", one)
	two := f.mustPutVersion([]byte("two"))
	want("another one", "k", "two", two)
	if err := f.deleteVersion(two); err != nil {
		t.Fatal(err)
	}
	want("the one before", "k", "one", one)
	if err := remove(t.Context(), f.store, "bucket", "k"); err != nil {
		t.Fatal(err)
	}
	never("a delete marker", "k")
	f.setVersioning(object.Suspended)
	f.mustPut("k", []byte("null"))
	want("a null version", "k", "null", object.NullVersion)
	if _, err := f.store.SetAttributes(t.Context(), object.Ref{Bucket: "bucket", Key: "k"},
		func(i *object.Info) error { i.Attributes.LegalHold = object.HoldOff; return nil }); err != nil {
		t.Fatal(err)
	}
	never("where attributes may have changed", "k")
}

// TestNotNow: an undecided write is not answered at once, though the drives have it in memory.
func TestNotNow(t *testing.T) {
	f := newFixture(t, 4, 2)
	f.bucket("bucket")
	f.mustPut("k", []byte("old"))
	f.awaitSettles()
	rot := rotation(slot("bucket", "k"), 1, 4)
	f.shut(position(rot, 2, 4), position(rot, 3, 4)) // the others are asked first
	f.failPut("k", []byte("undecided"))
	f.wantError("k", object.ErrUnavailable) // looked up, so that drives keep it in memory
	if h, ok := f.store.OpenNow("bucket", "k", false, heap{}); ok {
		h.Close()
		t.Fatal("it is answered at once")
	}
	f.open()
}
