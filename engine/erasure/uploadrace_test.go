package erasure

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"

	"flashstore/engine/object"
)

// completeOne completes an upload whose part 1 has so many bytes.
func (f *fixture) completeOne(key object.Key, id object.UploadID, size int) (object.Info, error) {
	return f.store.CompleteUpload(context.Background(), &object.Complete{Bucket: "bucket", Key: key,
		Upload: id, Parts: []object.CompletePart{{Number: 1, ETag: fmt.Sprint("etag-", size)}},
		Seal: func(_ []object.Part, i *object.Info) error { i.ETag = "sum-" + string(id); return nil }})
}

func (f *fixture) wantNoUploads() {
	f.t.Helper()
	uploads, _, err := f.store.ListUploads(context.Background(), "bucket", "", "", "", 100)
	if err != nil || len(uploads) > 0 {
		f.t.Errorf("uploads: %+v, %v", uploads, err)
	}
}

// TestManyCompletes: up to 32 Completes of one upload at once make one object, whole, and all
// get the same answer, which stays the answer when the object is overwritten; nothing else is
// left. So it is too with a drive that takes no writes.
func TestManyCompletes(t *testing.T) {
	f := newFixture(t, 4, 2)
	f.bucket("bucket")
	open := f.tally()
	for round, clients := range []int{2, 8, 32, 32} {
		if round == 3 {
			f.wantNoOrphans(open)
			f.start()
			f.shut(round)
		}
		key := object.Key(fmt.Sprint("k", round))
		id := f.upload(key)
		var want []byte
		sizes := map[int]int{1: partBytes, 2: 777 + round}
		for n := 1; n <= 2; n++ {
			want = append(want, pattern(sizes[n], uint64(n))...)
			if err := f.part(key, id, n, pattern(sizes[n], uint64(n))); err != nil {
				t.Fatal(err)
			}
		}
		if err := f.part(key, id, 3, []byte("not named")); err != nil {
			t.Fatal(err)
		}
		var all sync.WaitGroup
		begin := make(chan struct{})
		for range clients {
			all.Go(func() {
				<-begin
				if err := f.complete(key, id, sizes, 1, 2); err != nil {
					t.Errorf("one of %d: %v", clients, err)
				}
			})
		}
		close(begin)
		all.Wait()
		f.wantBody(key, want)
		f.mustPut(key, []byte("over"))
		if err := f.complete(key, id, sizes, 1, 2); err != nil {
			t.Errorf("again: %v", err)
		}
		f.wantBody(key, []byte("over"))
	}
	f.wantNoUploads()
}

// gatedBody hands out its last byte when the gate opens.
type gatedBody struct {
	*bytes.Reader
	reached, gate chan struct{}
	once          sync.Once
}

func (b *gatedBody) Read(p []byte) (int, error) {
	if b.Len() > 1 {
		return b.Reader.Read(p[:min(len(p), b.Len()-1)])
	}
	b.once.Do(func() { close(b.reached); <-b.gate })
	return b.Reader.Read(p)
}

// TestLatePart: a part whose body ends behind the Complete or the Abort of its upload is
// NoSuchUpload, and nothing of it is left; be its shards in the record or in bulk storage.
func TestLatePart(t *testing.T) {
	f := newFixture(t, 4, 2)
	f.bucket("bucket")
	open := f.tally()
	for _, size := range []int{900, 3 << 20} {
		for _, abort := range []bool{false, true} {
			id := f.upload("k")
			if err := f.part("k", id, 1, pattern(1000, 1)); err != nil {
				t.Fatal(err)
			}
			body := &gatedBody{Reader: bytes.NewReader(pattern(size, 2)), reached: make(chan struct{}),
				gate: make(chan struct{})}
			put := putOf("bucket", "k", pattern(size, 2))
			put.Body = io.Reader(body)
			late := make(chan error, 1)
			go func() {
				_, err := f.store.PutPart(context.Background(), &object.PutPart{Put: *put, Upload: id,
					Number: 1})
				late <- err
			}()
			<-body.reached
			if abort {
				if err := f.store.AbortUpload(t.Context(), "bucket", "k", id); err != nil {
					t.Fatal(err)
				}
			} else if err := f.complete("k", id, map[int]int{1: 1000}, 1); err != nil {
				t.Fatal(err)
			}
			close(body.gate)
			if err := <-late; !errors.Is(err, object.ErrNoSuchUpload) {
				t.Errorf("%d bytes, aborted %v: %v", size, abort, err)
			}
			f.wantBody("k", pattern(1000, 1))
		}
	}
	f.wantNoUploads()
	f.wantNoOrphans(open)
}

// TestAbortRacesComplete: exactly one of them wins, whoever else is at work; the object is whole
// where it was the Complete, and untouched where it was the Abort.
func TestAbortRacesComplete(t *testing.T) {
	f := newFixture(t, 4, 2)
	f.bucket("bucket")
	open := f.tally()
	var completed atomic.Int64
	var keys sync.WaitGroup
	for i := range 4 {
		keys.Go(func() {
			key := object.Key(fmt.Sprint("k", i))
			state := []byte(nil)
			for round := range 12 {
				size := 1000 + round + round%2*300<<10
				id, err := f.store.CreateUpload(context.Background(), &object.NewUpload{Bucket: "bucket", Key: key})

				if err == nil {
					err = f.part(key, id, 1, pattern(size, 1))
				}
				if err != nil {
					t.Error(err)
					return
				}
				err, gone := both(round%2 == 0,
					func() error { _, err := f.completeOne(key, id, size); return err },
					func() error {
						return f.store.AbortUpload(context.Background(), "bucket", key, id)
					})
				switch {
				case err == nil && errors.Is(gone, object.ErrNoSuchUpload):
					state = pattern(size, 1)
					completed.Add(1)
				case gone == nil && errors.Is(err, object.ErrNoSuchUpload):
				default:
					t.Errorf("%s: Complete %v, Abort %v", key, err, gone)
				}
				got, err := f.get(key, 0, -1)
				if state == nil && !errors.Is(err, object.ErrNoSuchKey) ||
					state != nil && (err != nil || !bytes.Equal(got, state)) {
					t.Errorf("%s: %d bytes, %v", key, len(got), err)
				}
			}
		})
	}
	keys.Wait()
	t.Logf("%d of 48 were completed", completed.Load())
	f.wantNoUploads()
	f.wantNoOrphans(open)
}

// both does two things at once; the one that is not first is begun on another goroutine, a
// little later.
func both(first bool, a, b func() error) (fromA, fromB error) {
	here, there := a, b
	if !first {
		here, there = b, a
	}
	result := make(chan error, 1)
	go func() { result <- there() }()
	fromHere := here()
	if fromThere := <-result; first {
		return fromHere, fromThere
	} else {
		return fromThere, fromHere
	}
}

// TestPartsAgainUnderLoad: clients upload the same parts again and again while one of them
// completes the upload: the object has, of each part, a version whole, the one that its Complete
// named.
func TestPartsAgainUnderLoad(t *testing.T) {
	f := newFixture(t, 4, 2)
	f.bucket("bucket")
	open := f.tally()
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 1))
	for range 6 {
		id := f.upload("k")
		size := func(version int) int { return 200<<10 + version } // the ETag tells it
		if err := f.part("k", id, 1, pattern(size(0), 1)); err != nil {
			t.Fatal(err)
		}
		var versions atomic.Int64
		var clients sync.WaitGroup
		stop := make(chan struct{})
		for range 6 {
			clients.Go(func() {
				for {
					select {
					case <-stop:
						return
					default:
					}
					n := size(int(versions.Add(1)))
					err := f.part("k", id, 1, pattern(n, 1))
					if err != nil && !errors.Is(err, object.ErrNoSuchUpload) {
						t.Error(err)
					}
				}
			})
		}
		for done, tries := false, 0; !done; tries++ {
			n := size(max(int(versions.Load())-r.IntN(4), 0))
			_, err := f.completeOne("k", id, n)
			switch {
			case err == nil:
				f.wantBody("k", pattern(n, 1))
				done = true
			case tries > 200 && tries%100 == 0:
				close(stop) // the next one names what is there
				clients.Wait()
				stop = make(chan struct{})
				parts, _, err := f.store.ListParts(t.Context(), "bucket", "k", id, 0, 1)
				if err != nil || len(parts) != 1 {
					t.Fatal(parts, err)
				}
				versions.Store(parts[0].Info.SizeBytes - 200<<10)
			case !errors.Is(err, object.ErrInvalidPart):
				t.Fatal(err)
			}
		}
		close(stop)
		clients.Wait()
		f.awaitSettles()
	}
	f.wantNoUploads()
	f.wantNoOrphans(open)
}
