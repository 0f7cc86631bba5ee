package e2e

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

const (
	crashRounds      = 20
	crashRoundsShort = 5
	crashBucket      = "crash"
	// ackedMin is how much must be acknowledged in a round before the server is killed.
	ackedMin = 40
	crashMax = 10 * time.Second // for ackedMin, on a busy disk
)

// exactly is io.LimitReader: the reader of one part of a body.
type exactly struct {
	r io.Reader
	n int64
}

func (e *exactly) Read(p []byte) (int, error) {
	if e.n == 0 {
		return 0, io.EOF
	}
	n, err := e.r.Read(p[:min(int64(len(p)), e.n)])
	e.n -= int64(n)
	return n, err
}

// writer changes its own registers, one after the other, until the server is gone.
type writer struct {
	rand      *rand.Rand
	registers []*register
	sizes     func(r *rand.Rand) []int64
}

// newWriters makes five of small objects, two of bulk, and one of multipart uploads.
func newWriters(r *rand.Rand) (all []*writer) {
	small := func(r *rand.Rand) []int64 { return []int64{r.Int64N(2*inlineShardBytes + 2)} }
	bulk := func(r *rand.Rand) []int64 { return []int64{2*inlineShardBytes + r.Int64N(3<<20)} }
	parts := func(r *rand.Rand) []int64 { return []int64{partBytes, 1 + r.Int64N(stripeBytes)} }
	for i, kind := range []struct {
		keys  int
		sizes func(*rand.Rand) []int64
	}{{24, small}, {24, small}, {24, small}, {24, small}, {4, small}, {4, bulk}, {4, bulk},
		{2, parts}} {
		w := &writer{rand: rand.New(rand.NewPCG(r.Uint64(), uint64(i))), sizes: kind.sizes}
		for k := range kind.keys {
			w.registers = append(w.registers, newRegister(
				fmt.Sprintf("/%s/writer-%d/key-%d", crashBucket, i, k), i<<8+k+1))
		}
		all = append(all, w)
	}
	return all
}

// TestAcknowledgedSurvivesKill kills the server under load, again and again: what it had
// acknowledged is there, whole, and nothing goes back in time (RustFS #4221; MinIO #10734).
func TestAcknowledgedSurvivesKill(t *testing.T) {
	rounds := crashRounds
	if testing.Short() {
		rounds = crashRoundsShort
	}
	r := newRand(t)
	writers := newWriters(r)
	combinations := allAxes()
	s := newServer(t, 4)
	base := s.args
	for round := range rounds {
		combination := pick(r, combinations)
		s.args = append(base[:len(base):len(base)], combination.args()...)
		s.start()
		if round == 0 {
			s.must(t, http.StatusOK, request{method: "PUT", path: "/" + crashBucket})
		}
		s.verifyAll(writers)
		acked := s.killUnderLoad(writers, time.Duration(r.IntN(150))*time.Millisecond)
		if t.Failed() {
			t.Fatalf("in round %d, %s", round, combination)
		}
		t.Logf("round %d, %s: %d acknowledged", round, combination, acked)
	}
	s.start()
	s.verifyAll(writers)
	s.verifyAll(writers) // what was read once stays
	s.stop()
}

// killUnderLoad lets the writers work until enough was acknowledged and a random time after
// that, kills the server under them and returns how much was acknowledged.
func (s *server) killUnderLoad(writers []*writer, more time.Duration) int64 {
	s.t.Helper()
	var acked atomic.Int64
	enough := make(chan struct{})
	var once sync.Once
	errs := make([]error, len(writers))
	var wg sync.WaitGroup
	for i, w := range writers {
		wg.Go(func() {
			for errs[i] == nil {
				errs[i] = pick(w.rand, w.registers).attempt(s.client, w.rand, w.sizes(w.rand))
				if errs[i] == nil && acked.Add(1) >= ackedMin {
					once.Do(func() { close(enough) })
				}
			}
		})
	}
	select {
	case <-enough:
		// The moment of a crash is random: this waits for nothing.
		time.Sleep(more)
	case <-time.After(crashMax):
		s.t.Errorf("%d acknowledged in %s", acked.Load(), crashMax)
	}
	s.kill()
	wg.Wait()
	for _, err := range errs {
		if !errors.Is(err, errNoAnswer) {
			s.t.Errorf("while the server ran: %v", err)
		}
	}
	return acked.Load()
}

// verifyAll reads all registers, each writer its own, and compares LIST with them.
func (s *server) verifyAll(writers []*writer) {
	s.t.Helper()
	errs := make([]error, len(writers))
	var wg sync.WaitGroup
	for i, w := range writers {
		wg.Go(func() {
			for _, g := range w.registers {
				errs[i] = errors.Join(errs[i], g.check(s.client))
			}
		})
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		s.t.Fatal(err)
	}
	listed := s.listKeys(crashBucket)
	for _, w := range writers {
		for _, g := range w.registers {
			if key := strings.TrimPrefix(g.path, "/"+crashBucket+"/"); listed[key] !=
				(g.settled != 0) {
				s.t.Errorf("LIST has %s: %v; attempt %d was read before", key, listed[key],
					g.settled)
			}
		}
	}
}

// listKeys lists a bucket of at most 1,000 keys.
func (s *server) listKeys(bucket string) map[string]bool {
	s.t.Helper()
	a := s.must(s.t, http.StatusOK, request{method: "GET", path: "/" + bucket,
		query: url.Values{"list-type": {"2"}}})
	var p page
	if err := xml.Unmarshal(a.body, &p); err != nil || p.IsTruncated {
		s.t.Fatalf("LIST: %v, truncated %v", err, p.IsTruncated)
	}
	keys := make(map[string]bool)
	for _, c := range p.Contents {
		keys[c.Key] = true
	}
	return keys
}
