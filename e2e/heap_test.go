package e2e

import (
	"flag"
	"fmt"
	"math"
	"net/http"
	"testing"
	"time"

	generator "flashstore/bench/load"
	"flashstore/bench/sign"
)

var heapRequestsFlag = flag.Int("e2e.heaprequests", 100_000,
	"requests of each kind that TestHeapObjects counts; make heap has five times as many")

const (
	heapConnections = 16
	heapObjects     = 500
	heapRounds      = 3
	// heapTime is one load; there are as many as it takes to make the requests.
	heapTime = time.Second
	// heapPerRequest is the target of what never leaves an event loop.
	heapPerRequest = 0.01
	// heapPerPut is not the target, which is the same, but what there is: it must not grow.
	heapPerPut = 120
	putShare   = 10 // of so many reads one PUT is measured: it takes that much longer
)

// heapObjects is how many objects the process has made.
func (s *server) heapObjects() float64 { return float64(s.status().Cost.HeapObjects) }

// TestHeapObjects counts the objects that a real process makes on the Go heap, by the runtime's own
// count: none for a GET or HEAD that an event loop answers, however it is signed.
func TestHeapObjects(t *testing.T) {
	s := newServer(t, 4, "--netloop", "epoll", "--allocator", "arena").start()
	s.must(t, http.StatusOK, request{method: "PUT", path: "/heap"})
	objects := loadObjects("heap", heapObjects)
	s.generate(t, generator.Config{Address: s.host(), Method: http.MethodPut, Objects: objects,
		Signer: sign.New(rootUser, rootPassword, "us-east-1"), Connections: heapConnections,
		Once: true, Duration: time.Minute})
	for _, c := range []struct {
		method    string
		presigned bool
		most      float64
		share     int
	}{
		{http.MethodGet, true, heapPerRequest, 1},
		{http.MethodHead, true, heapPerRequest, 2},
		{http.MethodGet, false, heapPerRequest, 2},
		{http.MethodPut, false, heapPerPut, putShare},
	} {
		t.Run(fmt.Sprintf("%s/presigned=%v", c.method, c.presigned), func(t *testing.T) {
			config := generator.Config{Address: s.host(), Method: c.method, Objects: objects,
				Signer: sign.New(rootUser, rootPassword, "us-east-1"), Presigned: c.presigned,
				Connections: heapConnections, Duration: heapTime}
			s.generate(t, config) // sessions, pools and connections are made
			// What requests make they make in every round; what drives make beside them, such as a
			// flush of the index, they do not.
			least := math.Inf(1)
			for round := 0; round < heapRounds && least > c.most; round++ {
				from, requests := s.heapObjects(), 0
				for requests < *heapRequestsFlag/c.share {
					requests += s.generate(t, config)
				}
				each := (s.heapObjects() - from) / float64(requests)
				t.Logf("%d requests: %.4f heap objects each", requests, each)
				least = min(least, each)
			}
			if least > c.most {
				t.Errorf("%.4f heap objects each, at most %g are allowed", least, c.most)
			}
		})
	}
	s.stop()
}

// generate runs a load without errors and returns how many requests it made.
func (s *server) generate(t *testing.T, c generator.Config) int {
	t.Helper()
	got, err := generator.Run(t.Context(), c)
	if err != nil || got.Failed() > 0 {
		t.Fatalf("%v: %s", err, got.ErrorText())
	}
	return int(got.Operations)
}
