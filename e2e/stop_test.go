package e2e

import (
	"context"
	"errors"
	"io"
	"net/http"
	"testing"
	"time"
)

// dripping yields content up to a mark, says so, and goes on when it is told to.
type dripping struct {
	io.Reader
	left    int64         // until the mark
	reached chan struct{} // closed at the mark
	resume  chan struct{}
}

func drip(c content, mark int64) *dripping {
	return &dripping{c.reader(), mark, make(chan struct{}), make(chan struct{})}
}

func (d *dripping) Read(p []byte) (int, error) {
	if d.left == 0 {
		close(d.reached)
		<-d.resume
		d.left = -1
	}
	if d.left > 0 {
		p = p[:min(int64(len(p)), d.left)]
	}
	n, err := d.Reader.Read(p)
	if d.left > 0 {
		d.left -= int64(n)
	}
	return n, err
}

// socketBytesMax is more than the system keeps of a connection in its buffers: tcp_wmem, 4 MiB, and
// of tcp_rmem what it begins with, for it grows with what is read only. So when a client has sent
// so much, the server has begun to read.
const socketBytesMax = 16 << 20

// TestStopInMidUpload: what is in flight at SIGTERM may end within the grace period, new
// connections are refused, and what was acknowledged is there afterwards (SeaweedFS #9037).
func TestStopInMidUpload(t *testing.T) {
	for _, netloop := range []string{"epoll", "nethttp", "netconn"} {
		t.Run(netloop, func(t *testing.T) {
			s := newServer(t, 4, "--netloop", netloop).start()
			s.must(t, http.StatusOK, request{method: "PUT", path: "/stop"})
			before := s.put("/stop/before", content{1, stripeBytes + 1}, http.StatusOK)
			during := stored{path: "/stop/during", content: content{2, socketBytesMax + 3*stripeBytes}}
			body := drip(during.content, socketBytesMax+stripeBytes/2)
			done := make(chan error, 1)
			go func() {
				_, err := ask(s.client, request{method: "PUT", path: during.path, stream: body,
					streamBytes: during.sizeBytes}, http.StatusOK)
				done <- err
			}()
			<-body.reached
			s.terminate()
			s.awaitClosed()
			close(body.resume)
			if err := <-done; err != nil {
				t.Errorf("the upload in flight: %v", err)
			}
			s.awaitStop(stopMax)
			s.start()
			s.readAll([]stored{before, during}, 0, 2)
			s.stop()
		})
	}
}

// TestStopCutsWhatDoesNotEnd: an upload that stands still is cut at the end of the grace
// period; the exit code is 0 and nothing of it is stored.
func TestStopCutsWhatDoesNotEnd(t *testing.T) {
	for _, netloop := range []string{"epoll", "nethttp", "netconn"} {
		t.Run(netloop, func(t *testing.T) {
			t.Parallel()
			s := newServer(t, 1, "--netloop", netloop, "--shutdown-grace", "300ms").start()
			s.must(t, http.StatusOK, request{method: "PUT", path: "/stop"})
			c := content{3, 3 * stripeBytes}
			body := drip(c, stripeBytes)
			done := make(chan error, 1)
			go func() {
				_, err := ask(s.client, request{method: "PUT", path: "/stop/cut", stream: body,
					streamBytes: c.sizeBytes}, http.StatusOK)
				done <- err
			}()
			<-body.reached
			s.terminate()
			s.awaitStop(stopMax)
			close(body.resume)
			if err := <-done; err == nil {
				t.Error("an upload that was cut is acknowledged")
			}
			s.start()
			s.must(t, http.StatusNotFound, request{method: "GET", path: "/stop/cut"})
			s.stop()
		})
	}
}

// awaitClosed returns once no new connection is accepted.
func (s *server) awaitClosed() {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), stopMax)
	defer cancel()
	fresh := newClient(s.base)
	fresh.transport.DisableKeepAlives = true
	for {
		if _, err := fresh.plain("GET", "/flashstore/health/live", nil); err != nil {
			return
		}
		select {
		case <-ctx.Done():
			s.t.Fatal(errors.New("new connections are accepted after SIGTERM"))
		case <-time.After(pollWait):
		}
	}
}

// TestUploadStreams: the memory of the server does not grow with the size of an object.
func TestUploadStreams(t *testing.T) {
	size := int64(256 << 20)
	switch {
	case *hugeFlag:
		size = 1 << 30
	case testing.Short():
		size = 96 << 20
	}
	growthMax := min(size/4, 64<<20) // half a body that is held is seen; 5 MiB are usual
	s := newServer(t, 4).start()
	s.must(t, http.StatusOK, request{method: "PUT", path: "/memory"})
	s.put("/memory/first", content{4, 4 << 20}, http.StatusOK) // memory that any upload takes
	before := s.highWater()
	o := s.put("/memory/large", content{5, size}, http.StatusOK)
	afterPut := s.highWater()
	if err := s.readRange(o, "", 0, o.sizeBytes); err != nil {
		t.Error(err)
	}
	afterGet := s.highWater()
	t.Logf("resident at most: %d MiB, after PUT %d MiB, after GET %d MiB", before>>20,
		afterPut>>20, afterGet>>20)
	if afterGet-before > growthMax {
		t.Errorf("grown by %d MiB, at most %d", (afterGet-before)>>20, growthMax>>20)
	}
	s.stop()
}
