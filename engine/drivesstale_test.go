package engine

import (
	"errors"
	"strings"
	"testing"

	"flashstore/engine/object"
)

// TestStaleCopies puts copies of an earlier time in the place of drives. One is outvoted, as a drive
// that was away. Two of 2+2 could answer a read by themselves: they are refused, and what was
// overwritten or deleted is never served.
func TestStaleCopies(t *testing.T) {
	older := newDirs(t, 4)
	older.config.Parity = 2
	e := older.start()
	if err := e.store.CreateBucket(t.Context(), "kept", object.BucketSettings{}); err != nil {
		t.Fatal(err)
	}
	for i := range 2 {
		if err := put(t.Context(), e, keptKey(i), []byte("first")); err != nil {
			t.Fatal(err)
		}
	}
	older.stop(e)
	newer := older.copyOf(t)
	e = newer.start()
	body := []byte("overwritten")
	if err := put(t.Context(), e, keptKey(0), body); err != nil {
		t.Fatal(err)
	}
	gone := object.Delete{Ref: object.Ref{Bucket: "kept", Key: keptKey(1)}}
	if _, err := e.store.DeleteObject(t.Context(), &gone); err != nil {
		t.Fatal(err)
	}
	newer.stop(e)
	for count, want := range map[int]string{1: "++++", 2: "--++"} {
		d := newer.copyOf(t)
		for i := range count {
			copyDir(t, older.config.Drives[i], d.config.Drives[i])
		}
		r, err := d.check()
		if err != nil {
			t.Fatal(err)
		}
		stale := 0
		for _, f := range r.Sets[0].Findings {
			if f.Kind == FindStale {
				stale = len(f.Positions)
			}
		}
		e := d.start()
		d.online(e, want)
		for i, s := range e.status().Drives {
			if away := want[i] == '-'; away != (s.Fault == string(faultStale)) ||
				away != strings.Contains(s.Reason, d.config.Drives[i]) {
				t.Errorf("%d stale: %+v", count, s)
			}
		}
		if refused := strings.Count(want, "-"); stale != refused {
			t.Errorf("a check finds %d drives stale, a start refuses %d", stale, refused)
		}
		h, err := e.store.Open(t.Context(), object.Ref{Bucket: "kept", Key: keptKey(0)})
		if err == nil {
			if size := h.Info().SizeBytes; size != int64(len(body)) {
				t.Errorf("%d stale: what was overwritten is served, %d bytes", count, size)
			}
			h.Close()
		} else {
			t.Error(err) // two drives that hold it suffice
		}
		if _, err := e.store.Open(t.Context(), object.Ref{Bucket: "kept", Key: keptKey(1)}); !errors.Is(err,
			object.ErrNoSuchKey) && (!errors.Is(err, object.ErrUnavailable) || count == 1) {
			t.Errorf("%d stale: what was deleted: %v", count, err)
		}
		d.stop(e)
	}
}
