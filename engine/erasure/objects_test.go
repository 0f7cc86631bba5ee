package erasure

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"testing"

	"flashstore/engine/object"
)

// sizes around every boundary of a 2+2 set: inline shard, chunk, stripe.
func sizes() []int {
	const stripe, inline = 1 << 20, 128 << 10
	return []int{0, 1, 63, 64, 65, 4096, inline - 1, inline, inline + 1, stripe - 1, stripe,
		stripe + 1, 2*stripe + 77777}
}

func sizeKey(n int) object.Key { return object.Key(fmt.Sprint("size/", n)) }

// Every size survives the loss of every set of at most m drives, whole and in ranges.
func TestEverySetOfLostDrives(t *testing.T) {
	for _, c := range []struct{ n, m int }{{1, 0}, {2, 1}, {3, 1}, {4, 2}} {
		t.Run(fmt.Sprintf("%d+%d", c.n-c.m, c.m), func(t *testing.T) {
			f := newFixture(t, c.n, c.m)
			f.bucket("bucket")
			for _, n := range sizes() {
				f.mustPut(sizeKey(n), pattern(n, 1))
			}
			for lost := range 1 << c.n {
				var away []int
				for i := range c.n {
					if lost>>i&1 == 1 {
						away = append(away, i)
					}
				}
				if len(away) > c.m {
					continue
				}
				f.restart(away...)
				for _, n := range sizes() {
					f.checkRanges(sizeKey(n), pattern(n, 1))
				}
				f.wantError("missing", object.ErrNoSuchKey)
			}
		})
	}
}

func (f *fixture) checkRanges(key object.Key, want []byte) {
	f.t.Helper()
	f.wantBody(key, want)
	n := int64(len(want))
	for _, r := range [][2]int64{{0, 1}, {n - 1, n}, {n / 2, n/2 + 1}, {n / 3, n - n/5},
		{65535, 65537}, {n / 2, min(n, n/2+65536)}} {
		if r[0] < 0 || r[0] > r[1] || r[1] > n {
			continue
		}
		got, err := f.get(key, r[0], r[1])
		if err != nil || !bytes.Equal(got, want[r[0]:r[1]]) {
			f.t.Fatalf("range %v of %s: %d bytes, %v", r, key, len(got), err)
		}
	}
}

func TestOverwriteDeleteAndMetadata(t *testing.T) {
	f := newFixture(t, 4, 2)
	f.bucket("bucket")
	for _, n := range []int{100, 3 << 20, 0, 200 << 10} {
		f.mustPut("k", pattern(n, 2))
		f.wantBody("k", pattern(n, 2))
		info, err := f.store.Stat(context.Background(), object.Ref{Bucket: "bucket", Key: "k"})
		if err != nil || info.ETag != fmt.Sprint("etag-", n) || info.SizeBytes != int64(n) ||
			len(info.Headers) != 1 || info.Headers[0].Value != fmt.Sprint(n) {
			t.Fatalf("stat: %+v, %v", info, err)
		}
	}
	for range 2 {
		if err := remove(context.Background(), f.store, "bucket", "k"); err != nil {
			t.Fatal(err)
		}
		f.wantError("k", object.ErrNoSuchKey)
	}
	f.restart()
	f.wantError("k", object.ErrNoSuchKey)
	f.mustPut("k", pattern(9, 9))
	f.wantBody("k", pattern(9, 9))
}

// brokenBody yields some bytes and then err.
type brokenBody struct {
	rest int
	err  error
}

func (b *brokenBody) Read(p []byte) (int, error) {
	if b.rest == 0 {
		return 0, b.err
	}
	n := min(b.rest, len(p))
	b.rest -= n
	return n, nil
}

// A body that fails, ends early or goes on too long, or a Seal that refuses, stores nothing and
// leaves the old version.
func TestBadBodiesStoreNothing(t *testing.T) {
	f := newFixture(t, 4, 2)
	f.bucket("bucket")
	f.mustPut("k", []byte("old"))
	refused := errors.New("refused")
	for _, size := range []int{1000, 3 << 20} {
		for _, c := range []struct {
			why  string
			body io.Reader
			seal object.Seal
			want error
		}{
			{"short", &brokenBody{size - 1, io.EOF}, nil, object.ErrBodyShort},
			{"failing", &brokenBody{size / 2, refused}, nil, refused},
			{"failing at its end", &brokenBody{size, refused}, nil, refused},
			{"too long", &brokenBody{size + 1, io.EOF}, nil, object.ErrTooLarge},
			{"refused by seal", &brokenBody{size, io.EOF},
				func(*object.Info) error { return refused }, refused},
		} {
			p := &object.Put{Bucket: "bucket", Key: "k", SizeBytes: int64(size), Body: c.body,
				Seal: c.seal}
			if _, err := f.store.PutObject(context.Background(), p); !errors.Is(err, c.want) {
				t.Errorf("%s body of %d: %v, want %v", c.why, size, err, c.want)
			}
			f.wantBody("k", []byte("old"))
		}
	}
}

// A reader keeps its version while it is overwritten and deleted.
func TestReaderOutlivesItsVersion(t *testing.T) {
	f := newFixture(t, 4, 2)
	f.bucket("bucket")
	ctx := context.Background()
	old := pattern(3<<20, 3)
	f.mustPut("k", old)
	h, err := f.store.Open(ctx, object.Ref{Bucket: "bucket", Key: "k"})
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	var got []byte
	for i := 0; ; i++ {
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
		if i == 0 {
			f.mustPut("k", pattern(10, 4))
			if err := remove(ctx, f.store, "bucket", "k"); err != nil {
				t.Fatal(err)
			}
			f.mustPut("other", nil) // carries the settles of both
		}
	}
	if !bytes.Equal(got, old) {
		t.Fatal("the reader saw other bytes than its version")
	}
}

// Readers of a key under overwrites see whole versions only, and never go back.
func TestReadersNeverGoBack(t *testing.T) {
	f := newFixture(t, 4, 2)
	f.bucket("bucket")
	version := func(i int) []byte { return bytes.Repeat([]byte{byte(i)}, 1000+i%2*200<<10) }
	f.mustPut("k", version(0))
	const rounds = 60
	done := make(chan struct{})
	var readers sync.WaitGroup
	for range 4 {
		readers.Go(func() {
			for last := byte(0); ; {
				select {
				case <-done:
					return
				default:
				}
				got, err := f.get("k", 0, -1)
				if err != nil || !bytes.Equal(got, version(int(got[0]))) || got[0] < last {
					t.Errorf("after version %d: %d bytes, %v", last, len(got), err)
					return
				}
				last = got[0]
			}
		})
	}
	for i := 1; i <= rounds; i++ {
		f.mustPut("k", version(i))
	}
	close(done)
	readers.Wait()
}
