package s3api

import (
	"context"
	"crypto/md5"
	"errors"
	"fmt"
	"hash"
	"io"
	"sync"
	"syscall"
	"testing"
	"time"

	"flashstore/engine/iam"
	"flashstore/engine/object"
	"flashstore/engine/s3api/md5lanes"
	"flashstore/engine/sigv4"
	"flashstore/netloop"
)

// BenchmarkMD5 hashes so many streams of 1 MiB at once, in pieces of 64 KiB as bodies are read, each
// on its own and in lanes. Bytes are those of all streams; cpu-us/MiB is what the process used.
func BenchmarkMD5(b *testing.B) {
	group := md5lanes.NewGroup()
	for _, streams := range []int{1, 2, 3, 4, 8, 16, 32} {
		for _, kind := range []string{"plain", "lanes"} {
			b.Run(fmt.Sprintf("%d/%s", streams, kind), func(b *testing.B) {
				hashes := make([]hash.Hash, streams)
				for i := range hashes {
					if hashes[i] = md5.New(); kind == "lanes" {
						hashes[i] = group.New()
					}
				}
				b.SetBytes(int64(streams) << 20)
				begun := cpuTime()
				for b.Loop() {
					var wg sync.WaitGroup
					for _, h := range hashes {
						wg.Go(func() { hashBody(h) })
					}
					wg.Wait()
				}
				b.ReportMetric(float64((cpuTime()-begun).Microseconds())/float64(streams*b.N),
					"cpu-us/MiB")
			})
		}
	}
}

// hashBody hashes 1 MiB.
func hashBody(h hash.Hash) {
	piece := make([]byte, 64<<10)
	h.Reset()
	for range 16 {
		_, _ = h.Write(piece)
	}
	_ = h.Sum(nil)
}

// sinkStore reads bodies in pieces of a chunk, as the erasure store does, and keeps nothing.
type sinkStore struct{ *memStore }

func (sinkStore) PutObject(_ context.Context, p *object.Put) (object.Info, error) {
	piece := make([]byte, 64<<10)
	for {
		switch _, err := p.Body.Read(piece); {
		case errors.Is(err, io.EOF):
			info := object.Info{Key: p.Key}
			return info, p.Seal(&info)
		case err != nil:
			return object.Info{}, err
		}
	}
}

// BenchmarkPutStreams is the cost of PUTs of 1 MiB in this layer, so many at once, with a store that
// keeps nothing and no socket: unsigned payload, CRC64NVME, and an entity tag of each kind.
func BenchmarkPutStreams(b *testing.B) {
	for _, streams := range []int{1, 2, 4, 16} {
		for _, kind := range []string{"plain", "lanes", "fast"} {
			b.Run(fmt.Sprintf("%d/%s", streams, kind), func(b *testing.B) {
				h := putHandler(b, kind)
				if kind == "plain" {
					h.hashes.free[sumMD5].New = func() any { return md5.New() }
				}
				b.SetBytes(int64(streams) << 20)
				begun := cpuTime()
				var wg sync.WaitGroup
				for range streams {
					wg.Go(func() { putMany(b, h, b.N) })
				}
				wg.Wait()
				b.ReportMetric(float64((cpuTime()-begun).Microseconds())/float64(streams*b.N),
					"cpu-us/PUT")
			})
		}
	}
}

func putHandler(b *testing.B, kind string) *Handler {
	root, err := iam.NewRoot(iam.Credentials{AccessKey: testKey, Secret: testSecret})
	if err != nil {
		b.Fatal(err)
	}
	verifier, err := sigv4.New(sigv4.Config{Keys: root, SkewMax: time.Hour})
	if err != nil {
		b.Fatal(err)
	}
	c := Config{Store: sinkStore{newMemStore()}, Verifier: verifier, Authorizer: root}
	if kind == "fast" {
		c.ETag = ETagFast
	}
	h, err := New(c)
	if err != nil {
		b.Fatal(err)
	}
	return h
}

func putMany(b *testing.B, h *Handler, n int) {
	body := make([]byte, 1<<20)
	request := exchangeRequest(b, "PUT", int64(len(body)))
	transport, memory := &hollow{}, &bump{buf: make([]byte, 64<<10)}
	var ex netloop.Exchange
	for range n {
		memory.left, transport.left = memory.buf, body
		ex.Reset(transport, memory)
		ex.Request = request
		if h.Handle(&ex); ex.Status() != 200 {
			b.Error(ex.Status())
			return
		}
	}
}

// cpuTime is what the process has used.
func cpuTime() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u) // fails for a wrong argument only
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
