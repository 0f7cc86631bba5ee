package e2e

import (
	"context"
	"errors"
	"fmt"
	"math/bits"
	"net/http"
	"slices"
	"sync"
	"testing"
)

const (
	stripeBytes = 1 << 20 // of 1, 2 and 4 data drives
	partBytes   = 5 << 20 // the smallest part that is not the last
	bigBytes    = 64 << 20
	// inlineShardBytes is the longest shard that is stored inside its record.
	inlineShardBytes = 64 << 10
)

// roundTripCases are deployments and the parity that the default gives them.
var roundTripCases = []struct{ drives, parity, quorum int }{
	{1, 0, 1}, {2, 1, 2}, {4, 2, 3}, {6, 3, 4},
}

// roundTripSizes are the sizes at which a layout changes, and their neighbours.
func roundTripSizes(dataDrives int) []int64 {
	inline := int64(inlineShardBytes * dataDrives)
	// The unit of a stripe is a whole number of 64 KiB chunks; see ARCHITECTURE.md.
	chunks := (stripeBytes/inlineShardBytes + dataDrives - 1) / dataDrives
	stripe := int64(chunks*dataDrives) * inlineShardBytes
	sizes := []int64{0, 1, 4 << 10, 64 << 10, inline - 1, inline, inline + 1,
		stripe - 1, stripe, stripe + 1, stripe + inline, partBytes}
	sizes = append(sizes, stripeBytes-1, stripeBytes, stripeBytes+1)
	slices.Sort(sizes)
	return slices.Compact(sizes)
}

// driveMask is a set of drives by position.
type driveMask uint

func (m driveMask) count() int { return bits.OnesCount(uint(m)) }

func (m driveMask) positions() (all []int) {
	for p := range bits.UintSize {
		if m>>p&1 == 1 {
			all = append(all, p)
		}
	}
	return all
}

// stored is an object a test has put, and the drives that were away then.
type stored struct {
	path string
	content
	lacking driveMask
}

// put stores c and expects the given status.
func (s *server) put(path string, c content, status int) stored {
	s.t.Helper()
	a := s.must(s.t, status, request{method: "PUT", path: path, stream: c.reader(),
		streamBytes: c.sizeBytes})
	if status == http.StatusOK && c.sizeBytes <= partBytes && a.etag() != c.etag() {
		s.t.Errorf("PUT %s: ETag %s, want %s", path, a.etag(), c.etag())
	}
	return stored{path: path, content: c}
}

// readable reads an object back, whole and in ranges.
func (s *server) readable(o stored) error {
	if err := s.readRange(o, "", 0, o.sizeBytes); err != nil {
		return err
	}
	if o.sizeBytes == 0 {
		return nil
	}
	last := o.sizeBytes - 1
	middle := o.sizeBytes / 2
	for _, r := range [][2]int64{{0, 0}, {last, last}, {middle, last},
		{min(middle, stripeBytes-1), min(last, stripeBytes)}} {
		field := fmt.Sprintf("bytes=%d-%d", r[0], r[1])
		if err := s.readRange(o, field, r[0], r[1]-r[0]+1); err != nil {
			return err
		}
	}
	return nil
}

func (s *server) readRange(o stored, field string, offset, length int64) error {
	ctx, cancel := context.WithTimeout(context.Background(), callMax)
	defer cancel()
	r, want := request{method: "GET", path: o.path}, http.StatusOK
	if field != "" {
		r.header, want = map[string]string{"Range": field}, http.StatusPartialContent
	}
	res, err := s.open(ctx, r)
	if err != nil {
		return fmt.Errorf("GET %s %s: %w", o.path, field, err)
	}
	defer res.Body.Close()
	if res.StatusCode != want {
		a, err := readAnswer(res)
		return fmt.Errorf("GET %s %s: %v, %w", o.path, field, a, errors.Join(errStatus, err))
	}
	if err := o.verify(res.Body, offset, length); err != nil {
		return fmt.Errorf("GET %s (%d bytes) %s: %w", o.path, o.sizeBytes, field, err)
	}
	return nil
}

var errStatus = errors.New("unexpected status")

// TestRoundTripsWithLostDrives stores objects of all sizes and reads them with every set of
// drives away that the parity covers (RustFS #5358, #1533; SeaweedFS #8957; MinIO #13803).
func TestRoundTripsWithLostDrives(t *testing.T) {
	for _, c := range roundTripCases {
		t.Run(fmt.Sprintf("drives=%d", c.drives), func(t *testing.T) {
			t.Parallel()
			if testing.Short() && c.drives == 6 {
				t.Skip("41 sets of drives take their time; not with -short")
			}
			s := newServer(t, c.drives).start()
			objects := s.fill(c.drives, c.parity)
			s.readAll(objects, 0, c.parity)
			s.stop()
			for away := range driveMask(1) << c.drives {
				if n := away.count(); n > 0 && n <= c.parity {
					objects = append(objects, s.withoutDrives(objects, away, c.parity,
						c.drives-n >= c.quorum)...)
				}
			}
			s.start()
			s.readAll(objects, 0, c.parity)
			s.stop()
		})
	}
}

// fill stores one object of each size.
func (s *server) fill(drives, parity int) (all []stored) {
	s.t.Helper()
	s.must(s.t, http.StatusOK, request{method: "PUT", path: "/round-trip"})
	sizes := roundTripSizes(drives - parity)
	if drives == 4 && !testing.Short() {
		sizes = append(sizes, bigBytes)
	}
	if drives == 4 && *hugeFlag {
		sizes = append(sizes, 1<<30)
	}
	for i, size := range sizes {
		all = append(all, s.put(fmt.Sprintf("/round-trip/%d", size), content{uint64(i), size},
			http.StatusOK))
	}
	return all
}

// withoutDrives starts the server with some drives away, reads everything, and writes, which
// succeeds if the others are a write quorum. It returns what was written.
func (s *server) withoutDrives(objects []stored, away driveMask, parity int,
	writes bool) (written []stored) {
	s.t.Helper()
	s.hide(away.positions())
	s.start()
	s.readAll(objects, away, parity)
	status := http.StatusServiceUnavailable
	if writes {
		status = http.StatusOK
	}
	for _, size := range []int64{1000, stripeBytes + 1} {
		path := fmt.Sprintf("/round-trip/without-%b-%d", away, size)
		o := s.put(path, content{uint64(away), size}, status)
		if o.lacking = away; writes {
			written = append(written, o)
		}
	}
	s.readAll(written, away, parity)
	if got := s.health("cluster"); (got == http.StatusOK) != writes {
		s.t.Errorf("without drives %v: cluster health %d, writes possible: %v",
			away.positions(), got, writes)
	}
	s.stop()
	s.unhide(away.positions())
	return written
}

// readAll reads all objects, several at once. One of which fewer drives than the data shards had
// a copy, unless it was healed meanwhile, must be refused for now: never absent, never other bytes.
func (s *server) readAll(objects []stored, away driveMask, parity int) {
	s.t.Helper()
	errs := make([]error, len(objects))
	var wg sync.WaitGroup
	slots := make(chan struct{}, 4)
	for i, o := range objects {
		slots <- struct{}{}
		wg.Go(func() {
			if (o.lacking | away).count() <= parity {
				errs[i] = s.readable(o)
			} else {
				errs[i] = s.readableOrRefused(o)
			}
			<-slots
		})
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		s.t.Errorf("without drives %v: %v", away.positions(), err)
	}
}

func (s *server) readableOrRefused(o stored) error {
	a, err := s.do(request{method: "GET", path: o.path})
	if err == nil && a.status == http.StatusOK {
		return s.readable(o)
	}
	if err == nil && a.status != http.StatusServiceUnavailable {
		err = fmt.Errorf("GET %s, whose drives %v were away at the PUT: %d %s, want 503", o.path,
			o.lacking.positions(), a.status, a.code)
	}
	return err
}
