package erasure

import (
	"bytes"
	"crypto/md5"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"testing"

	"flashstore/engine/drive"
	"flashstore/engine/drive/faulty"
	"flashstore/engine/object"
)

// sourceKinds are objects in the log, in bulk storage over several stripes, and made of parts.
var sourceKinds = []struct {
	name string
	size int
}{{"empty", 0}, {"inline", 3000}, {"bulk", 3<<20 + 3}, {"parts", partBytes + 1000}}

// copies is a set with a source of each kind, which is called like it, and another bucket.
func copies(t *testing.T) *fixture {
	f := newFixture(t, 4, 2)
	f.fillSources()
	return f
}

func (f *fixture) fillSources() {
	f.t.Helper()
	f.bucket("bucket")
	f.bucket("another")
	for _, kind := range sourceKinds {
		f.source(object.Key(kind.name), kind.size)
	}
	f.awaitSettles()
}

// source makes the object of a kind.
func (f *fixture) source(key object.Key, size int) {
	f.t.Helper()
	if key != "parts" {
		f.mustPut(key, sourceBody(key, size))
		return
	}
	id := f.upload(key)
	if err := errors.Join(f.part(key, id, 1, pattern(partBytes, 1)),
		f.part(key, id, 2, pattern(1000, 2)),
		f.complete(key, id, map[int]int{1: partBytes, 2: 1000}, 1, 2)); err != nil {
		f.t.Fatal(err)
	}
}

func sourceBody(key object.Key, size int) []byte {
	if key == "parts" {
		return append(pattern(partBytes, 1), pattern(1000, 2)...)
	}
	return pattern(size, uint64(size))
}

// md5Of makes a new ETag of what passes, as S3 does for a copy. once, if not nil, is called when
// the first bytes have.
func md5Of(once func()) func(object.Info) (io.Writer, object.Seal, error) {
	return func(object.Info) (io.Writer, object.Seal, error) {
		sum := &passing{Hash: md5.New(), once: once}
		return sum, func(i *object.Info) error {
			i.ETag = hex.EncodeToString(sum.Sum(nil))
			return nil
		}, nil
	}
}

// passing is a hash that tells when its first bytes pass.
type passing struct {
	hash.Hash
	once func()
}

func (p *passing) Write(b []byte) (int, error) {
	if p.once != nil {
		p.once()
		p.once = nil
	}
	return p.Hash.Write(b)
}

func copyOf(from, to object.Key) *object.Copy {
	return &object.Copy{Source: object.Ref{Bucket: "bucket", Key: from}, Bucket: "bucket", Key: to,
		Sums: md5Of(nil)}
}

// wantCopy reads a copy whole.
func (f *fixture) wantCopy(bucket object.BucketName, key object.Key, body []byte) object.Info {
	f.t.Helper()
	h, err := f.store.Open(f.t.Context(), object.Ref{Bucket: bucket, Key: key})
	if err != nil {
		f.t.Fatalf("%s/%s: %v", bucket, key, err)
	}
	defer h.Close()
	got := []byte(nil)
	for {
		bufs, err := h.Next(f.t.Context())
		if errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			f.t.Fatalf("%s/%s: %v", bucket, key, err)
		}
		got = append(got, bytes.Join(bufs, nil)...)
	}
	sum := md5.Sum(body)
	if info := h.Info(); !bytes.Equal(got, body) || info.SizeBytes != int64(len(body)) ||
		info.ETag != hex.EncodeToString(sum[:]) || info.Parts != 0 {
		f.t.Fatalf("%s/%s: %d bytes, want %d: %+v", bucket, key, len(got), len(body), info)
	}
	return h.Info()
}

// TestCopyObject: of each kind to another key, another bucket and itself, then read with two drives
// away; nothing is left behind.
func TestCopyObject(t *testing.T) {
	f := copies(t)
	for _, kind := range sourceKinds {
		key := object.Key(kind.name)
		for _, c := range []*object.Copy{copyOf(key, key+"-copy"), copyOf(key, key),
			copyOf(key, key)} { // once more: of a copy of itself
			info, err := f.store.CopyObject(t.Context(), c)
			if err != nil || info.Key != c.Key {
				t.Fatalf("%s to %s: %+v, %v", key, c.Key, info, err)
			}
		}
		far := copyOf(key, "far/"+key)
		far.Bucket, far.Source.Key = "another", key+"-copy"
		if _, err := f.store.CopyObject(t.Context(), far); err != nil {
			t.Fatal(err)
		}
		f.mustDelete(key + "-copy")
	}
	f.awaitSettles()
	f.restart(1, 2)
	for _, kind := range sourceKinds {
		body := sourceBody(object.Key(kind.name), kind.size)
		f.wantCopy("bucket", object.Key(kind.name), body)
		f.wantCopy("another", object.Key("far/"+kind.name), body)
		f.wantError(object.Key(kind.name+"-copy"), object.ErrNoSuchKey)
	}
	f.restart()
	f.wantWhole("all drives are here")
	f.awaitSettles()
	f.censusClean()
}

// TestCopyMetadata: headers are the source's or given ones, the class is said anew, ETag and
// checksum are what the caller makes of them.
func TestCopyMetadata(t *testing.T) {
	f := copies(t)
	was, err := f.store.Stat(t.Context(), object.Ref{Bucket: "bucket", Key: "inline"})
	if err != nil {
		t.Fatal(err)
	}
	given := []object.Pair{{Name: "content-type", Value: "a/b"},
		{Name: object.ClassField, Value: "GLACIER"}}
	reduced := object.Pair{Name: object.ClassField, Value: string(object.ReducedRedundancy)}
	for _, c := range []struct {
		from, to object.Key
		copy     object.Copy
		want     []object.Pair
	}{
		{"inline", "copy", object.Copy{}, was.Headers},
		{"inline", "copy", object.Copy{Headers: given}, was.Headers},
		{"inline", "copy", object.Copy{Headers: given, Replace: true, Class: object.Standard}, given[:1]},
		{"copy", "copy", object.Copy{Replace: true}, nil},
		{"inline", "reduced", object.Copy{Class: object.ReducedRedundancy},
			append(was.Headers[:1:1], reduced)},
		{"reduced", "copy", object.Copy{}, was.Headers}, // whose class it does not take
	} {
		c.copy.Source = object.Ref{Bucket: "bucket", Key: c.from}
		c.copy.Bucket, c.copy.Key = "bucket", c.to
		c.copy.Sums = func(source object.Info) (io.Writer, object.Seal, error) { // as it was
			return nil, func(i *object.Info) error {
				i.ETag, i.Checksum = source.ETag, object.Checksum{Algorithm: "CRC32", Value: "x"}
				return nil
			}, nil
		}
		if _, err := f.store.CopyObject(t.Context(), &c.copy); err != nil {
			t.Fatal(err)
		}
		got, err := f.store.Stat(t.Context(), object.Ref{Bucket: "bucket", Key: c.to})
		if err != nil || fmt.Sprint(got.Headers) != fmt.Sprint(c.want) || got.ETag != was.ETag ||
			got.Checksum.Value != "x" {
			t.Errorf("%+v, %v; want %v", got, err, c.want)
		}
	}
	if g := f.geometry("reduced"); g.Parity != 1 {
		t.Errorf("of reduced redundancy: %+v", g)
	}
	if g := f.geometry("copy"); g.Parity != 2 {
		t.Errorf("of what was copied from it: %+v", g)
	}
}

// geometry is how the shards of an object were cut.
func (f *fixture) geometry(key object.Key) drive.Geometry {
	f.t.Helper()
	b, err := f.store.bucket(f.t.Context(), "bucket")
	if err != nil {
		f.t.Fatal(err)
	}
	w, err := f.store.objectAt(b, key).resolve(f.t.Context(), drive.LookupOptions{})
	if err != nil || w == nil {
		f.t.Fatalf("%v, %v", w, err)
	}
	return w.sample.Geometry
}

// TestSourceGoesMeanwhile: a source that is deleted, overwritten, or copied onto itself while it is
// copied, with all that the drives release then, is copied as it was, to another key and to itself
// (Ceph tracker 70746: an object copied onto itself lost its tail).
func TestSourceGoesMeanwhile(t *testing.T) {
	f := copies(t)
	for _, kind := range sourceKinds[1:] {
		key := object.Key(kind.name)
		for name, meanwhile := range map[string]func(){
			"deleted":     func() { f.mustDelete(key) },
			"overwritten": func() { f.mustPut(key, pattern(2_000_000, 9)) },
			"copied": func() {
				if _, err := f.store.CopyObject(t.Context(), copyOf(key, key)); err != nil {
					t.Error(err)
				}
			},
		} {
			for _, to := range []object.Key{key, "copy"} {
				f.source(key, kind.size)
				c := copyOf(key, to)
				c.Sums = md5Of(func() {
					meanwhile()
					f.awaitSettles() // then the drives have released what it was
				})
				if _, err := f.store.CopyObject(t.Context(), c); err != nil {
					t.Fatalf("%s, %s to %s: %v", name, key, to, err)
				}
				f.wantCopy("bucket", to, sourceBody(key, kind.size))
			}
		}
	}
	f.awaitSettles()
	f.censusClean()
}

// TestCopyThatIsRefused: what does not meet its conditions, has no source, or is not sealed leaves
// the destination as it is, and nothing behind.
func TestCopyThatIsRefused(t *testing.T) {
	f := copies(t)
	errSeal := errors.New("not to be")
	for what, c := range map[string]struct {
		change func(*object.Copy)
		want   error
	}{
		"no source":        {func(c *object.Copy) { c.Source.Key = "none" }, object.ErrNoSuchKey},
		"no source bucket": {func(c *object.Copy) { c.Source.Bucket = "none" }, object.ErrNoSuchBucket},
		"no bucket":        {func(c *object.Copy) { c.Bucket = "none" }, object.ErrNoSuchBucket},
		"another source": {func(c *object.Copy) { c.SourceIf.Match = []string{"x"} },
			object.ErrIfMatch},
		"the same source": {func(c *object.Copy) { c.SourceIf.NoneMatch = []string{"etag-3145731"} },
			object.ErrIfNoneMatch},
		"another destination": {func(c *object.Copy) { c.If.Match = []string{"x"} }, object.ErrIfMatch},
		"a destination": {func(c *object.Copy) { c.If.NoneMatch = []string{"*"} },
			object.ErrIfNoneMatch},
		"no sums": {func(c *object.Copy) {
			c.Sums = func(object.Info) (io.Writer, object.Seal, error) { return nil, nil, errSeal }
		}, errSeal},
		"not sealed": {func(c *object.Copy) {
			c.Sums = func(object.Info) (io.Writer, object.Seal, error) {
				return nil, func(*object.Info) error { return errSeal }, nil
			}
		}, errSeal},
	} {
		one := copyOf("bulk", "inline")
		c.change(one)
		if _, err := f.store.CopyObject(t.Context(), one); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", what, err, c.want)
		}
		f.wantBody("inline", sourceBody("inline", 3000))
	}
	one := copyOf("bulk", "inline")
	one.SourceIf.Match, one.If.Match = []string{"etag-3145731"}, []string{"etag-3000"}
	if _, err := f.store.CopyObject(t.Context(), one); err != nil {
		t.Errorf("all conditions hold: %v", err)
	}
	f.wantCopy("bucket", "inline", sourceBody("bulk", 3<<20+3))
	f.awaitSettles()
	f.censusClean()
}

// TestDriveFailsWhileCopying: one that fails when the copy is under way is done without, and healed;
// with more of them than parity the copy fails, and the object stays what it was.
func TestDriveFailsWhileCopying(t *testing.T) {
	f := newFaulty(t, 4, 2)
	f.bucket("another")
	for _, kind := range sourceKinds {
		f.source(object.Key(kind.name), kind.size)
	}
	for _, kind := range sourceKinds[1:] {
		key, body := object.Key(kind.name), sourceBody(object.Key(kind.name), kind.size)
		for i := range 4 {
			for _, to := range []object.Key{"copy", key} {
				c := copyOf(key, to)
				c.Sums = md5Of(func() { f.faults[i].Set(liveFaults()[0].rules...) })
				if _, err := f.store.CopyObject(t.Context(), c); err != nil {
					t.Fatalf("%s to %s without drive %d: %v", key, to, i, err)
				}
				f.wantCopy("bucket", to, body)
				f.faults[i].Set()
			}
		}
		f.wantWhole("healed")
		c := copyOf(key, key)
		c.Sums = md5Of(func() {
			for i := range 3 {
				f.faults[i].Set(all(faulty.Rule{Err: drive.ErrFull}, faulty.Seal, faulty.Commit)...)
			}
		})
		if _, err := f.store.CopyObject(t.Context(), c); !errors.Is(err, object.ErrFull) {
			t.Errorf("%s with three full drives: %v", key, err)
		}
		for i := range 3 {
			f.faults[i].Set()
		}
		f.wantWhole("all drives are back")
		f.wantCopy("bucket", key, body)
	}
	f.awaitSettles()
	f.censusClean()
}
