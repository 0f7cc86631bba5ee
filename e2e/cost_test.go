package e2e

import (
	"math"
	"net/http"
	"testing"
	"time"

	generator "flashstore/bench/load"
	"flashstore/bench/sign"
)

// costRequests is how many requests each row counts; one at a time, so that nothing is shared.
const costRequests = 400

// costRow is what a request costs, in counts, to a tenth.
type costRow struct {
	reads, writes float64 // system calls on the socket; a read that finds nothing is one too
	cached        float64 // preadv2 that the page cache answers
	synced        float64 // synced writes, of all drives
}

// TestRequestCost counts what a request costs the real process, by its own ledger.
func TestRequestCost(t *testing.T) {
	s := newServer(t, 4, "--netloop", "epoll", "--ioengine", "uring").start()
	s.must(t, http.StatusOK, request{method: "PUT", path: "/cost"})
	o := content{1, 4 << 10}
	s.put("/cost/object", o, http.StatusOK)
	s.put("/cost/other", o, http.StatusOK)
	objects := make([]generator.Object, costRequests)
	for i := range objects {
		objects[i] = generator.Object{Path: "/cost/object", Bytes: o.sizeBytes, Body: o.bytes()}
	}
	for _, c := range []struct {
		method string
		want   costRow
	}{
		// One read, which is known to have taken all there was, and one writev.
		{http.MethodGet, costRow{reads: 1, writes: 1}},
		{http.MethodHead, costRow{reads: 1, writes: 1}},
	} {
		t.Run(c.method, func(t *testing.T) {
			config := generator.Config{Address: s.host(), Method: c.method,
				Objects: objects, Signer: sign.New(rootUser, rootPassword, "us-east-1"),
				Presigned: true, Connections: 1, Once: true, Duration: time.Minute}
			s.generate(t, config) // tables and caches are warm
			before := s.status().Cost
			s.generate(t, config)
			after := s.status().Cost
			per := func(of func(*cost) uint64) float64 {
				return math.Round(10*float64(of(&after)-of(&before))/costRequests) / 10
			}
			got := costRow{
				reads:  per(func(c *cost) uint64 { return c.SocketReads }),
				writes: per(func(c *cost) uint64 { return c.SocketWrites }),
				cached: per(func(c *cost) uint64 { return c.CachedReads }),
				synced: per(func(c *cost) uint64 { return c.SyncedWrites }),
			}
			t.Logf("%s: %+v; %.1f epoll_wait, %.1f io_uring_enter, %.1f heap objects, %.0f µs of CPU",
				c.method, got, per(func(c *cost) uint64 { return c.EpollWaits }),
				per(func(c *cost) uint64 { return c.IOEnters }),
				per(func(c *cost) uint64 { return c.HeapObjects }),
				1e6*(after.CPUSeconds-before.CPUSeconds)/costRequests)
			if got != c.want {
				t.Errorf("%s costs %+v, expected %+v", c.method, got, c.want)
			}
		})
	}
	s.stop()
}
