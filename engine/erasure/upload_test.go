package erasure

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"testing"

	"flashstore/engine/object"
)

const partBytes = object.PartBytesMin

func (f *fixture) upload(key object.Key) object.UploadID {
	f.t.Helper()
	id, err := f.store.CreateUpload(context.Background(), &object.NewUpload{Bucket: "bucket", Key: key, Headers: []object.Pair{{Name: "content-type", Value: "x/y"}}, Checksum: object.Checksum{}})

	if err != nil {
		f.t.Fatal(err)
	}
	return id
}

func (f *fixture) part(key object.Key, id object.UploadID, number int, body []byte) error {
	put := putOf("bucket", key, body)
	_, err := f.store.PutPart(context.Background(), &object.PutPart{Put: *put, Upload: id,
		Number: number})
	return err
}

func (f *fixture) complete(key object.Key, id object.UploadID, sizes map[int]int,
	numbers ...int) error {
	c := &object.Complete{Bucket: "bucket", Key: key, Upload: id,
		Seal: func(p []object.Part, i *object.Info) error {
			i.ETag = fmt.Sprint("sum-", len(p))
			return nil
		}}
	for _, n := range numbers {
		c.Parts = append(c.Parts, object.CompletePart{Number: n,
			ETag: fmt.Sprint("etag-", sizes[n])})
	}
	info, err := f.store.CompleteUpload(context.Background(), c)
	if err == nil && info.ETag != fmt.Sprint("sum-", len(numbers)) {
		return fmt.Errorf("ETag %s", info.ETag)
	}
	return err
}

func TestMultipart(t *testing.T) {
	f := newFixture(t, 4, 2)
	f.bucket("bucket")
	id := f.upload("k")
	sizes := map[int]int{1: partBytes, 2: partBytes + 77, 7: 100, 9: 5}
	var want []byte
	for n, size := range sizes {
		if err := f.part("k", id, n, pattern(size, uint64(n))); err != nil {
			t.Fatal(err)
		}
	}
	for _, n := range []int{1, 2, 7} {
		want = append(want, pattern(sizes[n], uint64(n))...)
	}
	f.wantError("k", object.ErrNoSuchKey)
	for why, err := range map[string][2]error{
		"order":   {f.complete("k", id, sizes, 2, 1), object.ErrPartOrder},
		"absent":  {f.complete("k", id, sizes, 1, 3), object.ErrInvalidPart},
		"ETag":    {f.complete("k", id, map[int]int{1: 1}, 1), object.ErrInvalidPart},
		"small":   {f.complete("k", id, sizes, 1, 7, 9), object.ErrPartTooSmall},
		"none":    {f.complete("k", id, sizes), object.ErrInvalidPart},
		"unknown": {f.complete("k", "00112233445566778899aabbccddeeff", sizes, 1), object.ErrNoSuchUpload},
		"no id":   {f.complete("k", "zz", sizes, 1), object.ErrNoSuchUpload},
	} {
		if !errors.Is(err[0], err[1]) {
			t.Errorf("%s: %v, want %v", why, err[0], err[1])
		}
	}
	for range 3 { // a repeated Complete gives the same answer
		if err := f.complete("k", id, sizes, 1, 2, 7); err != nil {
			t.Fatal(err)
		}
	}
	f.restart(1, 3)
	f.checkRanges("k", want)
	got, err := f.get("k", partBytes-3, partBytes+3) // across parts
	if err != nil || !bytes.Equal(got, want[partBytes-3:partBytes+3]) {
		t.Fatalf("%x, %v", got, err)
	}
	info, err := f.store.Stat(context.Background(), object.Ref{Bucket: "bucket", Key: "k"})
	if err != nil || info.Parts != 3 || info.SizeBytes != int64(len(want)) {
		t.Fatalf("%+v, %v", info, err)
	}
	uploads, _, err := f.store.ListUploads(context.Background(), "bucket", "", "", "", 10)
	if err != nil || len(uploads) != 0 {
		t.Fatalf("%v, %v", uploads, err)
	}
}

// A late part, a repeated Abort and an Abort after Complete leave the object alone.
func TestLatePartsAndAborts(t *testing.T) {
	f := newFixture(t, 4, 2)
	f.bucket("bucket")
	ctx := context.Background()
	id := f.upload("k")
	if err := f.part("k", id, 1, pattern(1000, 1)); err != nil {
		t.Fatal(err)
	}
	if err := f.complete("k", id, map[int]int{1: 1000}, 1); err != nil {
		t.Fatal(err)
	}
	if err := f.part("k", id, 1, pattern(10, 2)); !errors.Is(err, object.ErrNoSuchUpload) {
		t.Fatalf("late part: %v", err)
	}
	if err := f.store.AbortUpload(ctx, "bucket", "k", id); !errors.Is(err,
		object.ErrNoSuchUpload) {
		t.Fatalf("abort after complete: %v", err)
	}
	f.wantBody("k", pattern(1000, 1))
	dropped := f.upload("k")
	if err := f.part("k", dropped, 1, pattern(1000, 3)); err != nil {
		t.Fatal(err)
	}
	if err := f.store.AbortUpload(ctx, "bucket", "k", dropped); err != nil {
		t.Fatal(err)
	}
	if _, _, err := f.store.ListParts(ctx, "bucket", "k", dropped, 0, 10); !errors.Is(err,
		object.ErrNoSuchUpload) {
		t.Fatalf("parts of an aborted upload: %v", err)
	}
	f.mustPut("other", nil) // carries the settles
	f.wantBody("k", pattern(1000, 1))
	f.mustPut("k", []byte("over"))
	f.restart()
	f.wantBody("k", []byte("over"))
}

// A Complete that was cut off after its manifest is finished by the next one, without a second
// manifest that would release the parts of the first.
func TestCompleteCutOffAfterTheManifest(t *testing.T) {
	f := newFixture(t, 4, 2)
	f.bucket("bucket")
	ctx := context.Background()
	id := f.upload("k")
	sizes := map[int]int{1: partBytes, 2: 3 << 20}
	for n, size := range sizes {
		if err := f.part("k", id, n, pattern(size, uint64(n))); err != nil {
			t.Fatal(err)
		}
	}
	b, err := f.store.bucket(ctx, "bucket")
	if err != nil {
		t.Fatal(err)
	}
	u, _ := parseUploadID(id)
	stored, err := f.store.storedParts(ctx, b, "k", u)
	if err != nil {
		t.Fatal(err)
	}
	info := object.Info{Key: "k", ETag: "sum-2", Parts: 2, SizeBytes: partBytes + 3<<20,
		ModTime: f.store.now()}
	if _, err := f.store.publishManifest(ctx, b, u, &info, []manifestPart{
		{1, partBytes, stored[1].id}, {2, 3 << 20, stored[2].id}},
		&object.Condition{}); err != nil {
		t.Fatal(err)
	}
	f.restart()
	if err := f.store.AbortUpload(ctx, "bucket", "k", id); !errors.Is(err,
		object.ErrNoSuchUpload) {
		t.Fatalf("abort of what is complete: %v", err)
	}
	if err := f.complete("k", id, sizes, 1, 2); err != nil {
		t.Fatal(err)
	}
	f.restart(0, 1)
	f.wantBody("k", append(pattern(partBytes, 1), pattern(3<<20, 2)...))
}

// A reader keeps all parts of its version while it is overwritten and deleted.
func TestReaderOutlivesItsManifest(t *testing.T) {
	f := newFixture(t, 4, 2)
	f.bucket("bucket")
	ctx := context.Background()
	id := f.upload("k")
	sizes := map[int]int{1: partBytes, 2: partBytes + 9, 3: 700}
	var want, got []byte
	for n := 1; n <= 3; n++ {
		want = append(want, pattern(sizes[n], uint64(n))...)
		if err := f.part("k", id, n, pattern(sizes[n], uint64(n))); err != nil {
			t.Fatal(err)
		}
	}
	if err := f.complete("k", id, sizes, 1, 2, 3); err != nil {
		t.Fatal(err)
	}
	h, err := f.store.Open(ctx, object.Ref{Bucket: "bucket", Key: "k"})
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	if err := remove(ctx, f.store, "bucket", "k"); err != nil {
		t.Fatal(err)
	}
	f.mustPut("k", []byte("over"))
	f.awaitSettles() // by now the drives have dropped the parts
	for {
		bufs, err := h.Next(ctx)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		for _, b := range bufs {
			got = append(got, b...)
		}
	}
	if !bytes.Equal(got, want) {
		t.Fatalf("the reader saw %d bytes, not those of its version", len(got))
	}
}

func TestListParts(t *testing.T) {
	f := newFixture(t, 4, 2)
	f.bucket("bucket")
	id := f.upload("k")
	for _, n := range []int{1, 2, 5, 10_000} {
		if err := f.part("k", id, n, pattern(n%97, 1)); err != nil {
			t.Fatal(err)
		}
	}
	parts, more, err := f.store.ListParts(context.Background(), "bucket", "k", id, 1, 2)
	if err != nil || !more || len(parts) != 2 || parts[0].Number != 2 || parts[1].Number != 5 {
		t.Fatalf("%+v, %v, %v", parts, more, err)
	}
	parts, more, err = f.store.ListParts(context.Background(), "bucket", "k", id, 5, 2)
	if err != nil || more || len(parts) != 1 || parts[0].Number != 10_000 {
		t.Fatalf("%+v, %v, %v", parts, more, err)
	}
}
