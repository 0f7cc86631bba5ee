package erasure

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"flashstore/engine/drive"
	"flashstore/engine/drive/faulty"
	"flashstore/engine/object"
)

// Pages of any size give what a plain sort and cut of the live keys gives.
func TestListAgainstPlainSort(t *testing.T) {
	f := newFixture(t, 4, 2)
	f.bucket("bucket")
	const seed = 7
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, seed))
	live := map[string]bool{}
	parts := []string{"a", "b", "/", "b/", "ä", "0", "~"}
	for range 250 {
		key := ""
		for range 1 + r.IntN(5) {
			key += parts[r.IntN(len(parts))]
		}
		f.mustPut(object.Key(key), []byte(key))
		live[key] = true
		if r.IntN(4) == 0 {
			if err := remove(context.Background(), f.store, "bucket",
				object.Key(key)); err != nil {
				t.Fatal(err)
			}
			delete(live, key)
		}
	}
	for _, prefix := range []string{"", "a", "b/", "ä/", "zz"} {
		for _, delimiter := range []string{"", "/", "b"} {
			for _, page := range []int{1, 3, 1000} {
				want := plainList(live, prefix, delimiter)
				got := f.listAll(prefix, delimiter, page)
				if !slices.Equal(got, want) {
					t.Fatalf("prefix %q delimiter %q pages of %d:\n got %q\nwant %q", prefix,
						delimiter, page, got, want)
				}
			}
		}
	}
}

// plainList names keys as "key" and common prefixes as "prefix…".
func plainList(live map[string]bool, prefix, delimiter string) []string {
	var all []string
	for key := range live {
		if !strings.HasPrefix(key, prefix) {
			continue
		}
		if at := strings.Index(key[len(prefix):], delimiter); delimiter != "" && at >= 0 {
			key = key[:len(prefix)+at+len(delimiter)] + "…"
		}
		all = append(all, key)
	}
	slices.SortFunc(all, func(a, b string) int {
		return strings.Compare(strings.TrimSuffix(a, "…"), strings.TrimSuffix(b, "…"))
	})
	return slices.Compact(all)
}

func (f *fixture) listAll(prefix, delimiter string, page int) []string {
	f.t.Helper()
	q := object.ListQuery{Prefix: prefix, Delimiter: delimiter, Max: page}
	var all []string
	for {
		p, err := f.store.List(context.Background(), "bucket", q)
		if err != nil {
			f.t.Fatal(err)
		}
		for _, e := range p.Entries {
			name := string(e.Info.Key)
			if e.Prefix != "" {
				name = e.Prefix + "…"
			}
			all = append(all, name)
		}
		if p.Next == "" {
			return all
		}
		q.After = p.Next
	}
}

func TestBucketsAndTheirIncarnations(t *testing.T) {
	f := newFixture(t, 4, 2)
	ctx := context.Background()
	f.bucket("bucket")
	f.bucket("other")
	if err := f.store.CreateBucket(ctx, "bucket", object.BucketSettings{}); err == nil {
		t.Fatal("created twice")
	}
	f.mustPut("k", []byte("v"))
	if err := f.store.DeleteBucket(ctx, "bucket"); err == nil {
		t.Fatal("deleted with a key inside")
	}
	if err := remove(ctx, f.store, "bucket", "k"); err != nil {
		t.Fatal(err)
	}
	if _, err := f.store.CreateUpload(ctx, &object.NewUpload{Bucket: "bucket", Key: "u"}); err != nil {
		t.Fatal(err)
	}
	if err := f.store.DeleteBucket(ctx, "bucket"); err == nil {
		t.Fatal("deleted with an upload inside")
	}
	uploads, _, err := f.store.ListUploads(ctx, "bucket", "", "", "", 10)
	if err != nil || len(uploads) != 1 {
		t.Fatalf("%v, %v", uploads, err)
	}
	if err := f.store.AbortUpload(ctx, "bucket", "u", uploads[0].ID); err != nil {
		t.Fatal(err)
	}
	if err := f.store.DeleteBucket(ctx, "bucket"); err != nil {
		t.Fatal(err)
	}
	f.wantError("k", object.ErrNoSuchBucket)
	f.bucket("bucket")
	f.wantError("k", object.ErrNoSuchKey)
	f.restart(2)
	all, err := f.store.ListBuckets(ctx)
	if err != nil || len(all) != 2 || all[0].Name != "bucket" || all[1].Name != "other" {
		t.Fatalf("%v, %v", all, err)
	}
}

// TestDriveFailsWhileListing: a drive that does not answer in the middle of a walk is done without,
// and nothing is left out or listed twice, whichever drives the walk began with.
func TestDriveFailsWhileListing(t *testing.T) {
	f := newFaulty(t, 4, 2)
	lacks := make([]faulty.Rule, 4) // each drive lacks a quarter of the keys
	for i, d := range f.faults {
		lacks[i] = faulty.Rule{Op: faulty.Commit, Err: errDevice,
			Match: func(key drive.Key, _ drive.Type) bool {
				return strings.HasPrefix(key.Name, "walk-") && int(key.Name[len("walk-0")])%4 == i
			}}
		d.Set(lacks[i])
	}
	var want []object.Key
	for i := range 40 {
		key := object.Key(fmt.Sprintf("walk-%02d", i))
		f.mustPut(key, []byte{1})
		want = append(want, key)
	}
	for round := range 40 {
		away := round % 4
		f.faults[away].Set(lacks[away],
			faulty.Rule{Op: faulty.Scan, Skip: round % 3, Err: errDevice})
		var got []object.Key
		// Walks of few registers a page: several scans of each drive.
		err := f.store.walk(t.Context(), walkQuery{space: drive.SpaceObject, prefix: "walk-",
			bucket: f.bucketID(), hint: 1}, func(name string, _ *write) (string, bool, error) {
			got = append(got, object.Key(name))
			return "", true, nil
		})
		if err != nil || !slices.Equal(got, want) {
			t.Fatalf("without drive %d: %q, %v", away, got, err)
		}
		f.faults[away].Set(lacks[away])
	}
}

func (f *fixture) bucketID() drive.BucketID {
	f.t.Helper()
	b, err := f.store.bucket(f.t.Context(), "bucket")
	if err != nil {
		f.t.Fatal(err)
	}
	return b.id
}
