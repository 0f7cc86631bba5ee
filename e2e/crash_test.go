package e2e

import (
	"encoding/xml"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

var killFlag = flag.Int("e2e.kill", 0, "rounds of the kill -9 test; 0: a few")

const (
	crashRounds      = 20
	crashRoundsShort = 5
	crashBucket      = "crash"
	// ackedMin is how much must be acknowledged in a round before the server is killed.
	ackedMin = 40
	crashMax = 10 * time.Second // for ackedMin, on a busy disk
	// listTries is how often LIST and GET may differ: once for every change in flight that takes
	// effect between them.
	listTries = 3
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
	sizes     func(r *rand.Rand) []int64 // of the parts of an upload, or one of an object
	uploads   bool
}

// attempt changes a register, and says so.
func (w *writer) attempt(c *client) error {
	return pick(w.rand, w.registers).attempt(c, w.rand, w.sizes(w.rand), w.uploads)
}

// kind is what a writer does.
type kind struct {
	keys    int
	sizes   func(*rand.Rand) []int64
	uploads bool
}

// newWriters makes a writer of each kind, with keys of its own.
func newWriters(r *rand.Rand, kinds []kind) (all []*writer) {
	for i, k := range kinds {
		w := &writer{rand: rand.New(rand.NewPCG(r.Uint64(), uint64(i))), sizes: k.sizes,
			uploads: k.uploads}
		for n := range k.keys {
			w.registers = append(w.registers, newRegister(
				fmt.Sprintf("/%s/writer-%d/key-%d", crashBucket, i, n), i<<8+n+1))
		}
		all = append(all, w)
	}
	return all
}

// killedWriters are five of small objects, two of bulk, and one of multipart uploads.
func killedWriters() []kind {
	small := func(r *rand.Rand) []int64 { return []int64{r.Int64N(2*inlineShardBytes + 2)} }
	bulk := func(r *rand.Rand) []int64 { return []int64{2*inlineShardBytes + r.Int64N(3<<20)} }
	parts := func(r *rand.Rand) []int64 { return []int64{partBytes, 1 + r.Int64N(stripeBytes)} }
	return []kind{{24, small, false}, {24, small, false}, {24, small, false}, {24, small, false},
		{4, small, false}, {4, bulk, false}, {4, bulk, false}, {2, parts, true}}
}

// TestAcknowledgedSurvivesKill kills the server under load, again and again: what it had
// acknowledged is there, whole, and nothing goes back in time (RustFS #4221; MinIO #10734).
func TestAcknowledgedSurvivesKill(t *testing.T) {
	t.Parallel()
	rounds := crashRounds
	if testing.Short() {
		rounds = crashRoundsShort
	}
	if *killFlag > 0 {
		rounds = *killFlag
	}
	r := newRand(t)
	writers := newWriters(r, killedWriters())
	combinations := allAxes()
	s := newServer(t, 4)
	base := s.args
	all := int64(0)
	progress := newProgress()
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
		all += acked
		if progress.due() {
			t.Logf("%s: round %d of %d, %d acknowledged", progress, round+1, rounds, all)
		}
	}
	s.start()
	s.verifyAll(writers)
	s.verifyAll(writers) // what was read once stays
	s.stop()
	t.Logf("%d kills in %s: %d operations acknowledged, 0 lost, 0 mixed", rounds, progress, all)
}

// killUnderLoad lets the writers work until enough was acknowledged and a random time after
// that, kills the server under them and returns how much was acknowledged.
func (s *server) killUnderLoad(writers []*writer, more time.Duration) int64 {
	s.t.Helper()
	l := load{server: s, ackedMin: ackedMin, more: more, end: s.kill}
	return l.run(writers)
}

// verifyAll reads all registers, each writer its own, and compares LIST with them.
func (s *server) verifyAll(writers []*writer) {
	s.t.Helper()
	if faults := s.verify(writers); len(faults) > 0 {
		s.t.Fatal(errors.Join(faults...))
	}
}

// verify is verifyAll that returns what is wrong, one error a key.
func (s *server) verify(writers []*writer) (faults []error) {
	s.t.Helper()
	errs := make([][]error, len(writers))
	var wg sync.WaitGroup
	for i, w := range writers {
		wg.Go(func() {
			for _, g := range w.registers {
				if err := g.check(s.client); err != nil {
					errs[i] = append(errs[i], err)
				}
			}
		})
	}
	wg.Wait()
	if faults = slices.Concat(errs...); len(faults) > 0 {
		return faults
	}
	var differ []error
	for range listTries {
		if faults, differ = s.compareList(writers); len(faults) > 0 || len(differ) == 0 {
			break
		}
	}
	return append(faults, differ...)
}

// compareList compares LIST with what is known of each key. A change without an answer may take
// effect between the reading of a key and LIST: then a key that is read again agrees with LIST,
// or has changed once more; those that still differ are returned apart.
func (s *server) compareList(writers []*writer) (faults, differ []error) {
	s.t.Helper()
	listed := s.listKeys(crashBucket)
	for _, w := range writers {
		for _, g := range w.registers {
			there := listed[strings.TrimPrefix(g.path, "/"+crashBucket+"/")]
			if !g.mayBe(there) {
				faults = append(faults, fmt.Errorf("LIST: %w: has %s: %v; attempt %d was "+
					"acknowledged or read before", errLost, g.path, there, g.settled))
			} else if there == (g.settled != 0) {
				continue
			} else if err := g.check(s.client); err != nil {
				faults = append(faults, err)
			} else if there != (g.settled != 0) {
				differ = append(differ, fmt.Errorf("LIST: has %s: %v; attempt %d was read after "+
					"it", g.path, there, g.settled))
			}
		}
	}
	return faults, differ
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
