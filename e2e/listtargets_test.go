package e2e

import (
	"flag"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	generator "flashstore/bench/load"
)

var listFlag = flag.Int("e2e.list", 0, "measure LIST of a bucket of so many `KEYS` against its "+
	"targets: a million take some minutes, on a quiet machine")

// TestListTargets lists a bucket of many keys on four drives: a page of 1,000 at its beginning and
// nine tenths on, all of it, and a tenth as many common prefixes.
func TestListTargets(t *testing.T) {
	keys := *listFlag
	if keys == 0 {
		t.Skip("takes minutes and wants a quiet machine: make bench-list")
	}
	s, c := targetServer(t, false)
	defer s.stop()
	began := time.Now()
	s.fillList(t, c, keys, func(i int) string { return fmt.Sprintf("/target/k%08d", i) })
	s.must(t, http.StatusOK, request{method: "PUT", path: "/prefixes"})
	s.fillList(t, c, keys/10, func(i int) string { return fmt.Sprintf("/prefixes/p%07d/k", i) })
	t.Logf("%d keys and %d prefixes written in %s", keys, keys/10, time.Since(began).Round(time.Second))
	s.awaitIdle(t)
	s.stop() // behind a start nothing is in memory that a LIST did not bring there
	s.start()
	s.awaitIdle(t)
	far := fmt.Sprintf("k%08d", keys*9/10)
	var first, later []float64
	for range targetRounds {
		first = append(first, s.pageCost(t, "", 40))
		later = append(later, s.pageCost(t, far, 40))
	}
	slices.Sort(first)
	slices.Sort(later)
	at := targetRounds / 2
	t.Logf("a page of 1,000: %.2f ms of server CPU (4 asked for), from %.2f to %.2f; behind %s %.2f "+
		"times that (1.2 asked for)", first[at], first[0], first[targetRounds-1], far,
		later[at]/first[at])
	s.listWhole(t, "/target", url.Values{}, keys)
	s.listWhole(t, "/prefixes", url.Values{"delimiter": {"/"}}, keys/10)
}

// awaitIdle returns when the server does nothing by itself any more: compaction of what was written
// costs CPU that is not that of a LIST.
func (s *server) awaitIdle(t *testing.T) {
	t.Helper()
	const look = 500 * time.Millisecond
	for range 600 {
		before := s.status().Cost.CPUSeconds
		time.Sleep(look)
		if s.status().Cost.CPUSeconds-before < 0.02*look.Seconds() {
			return
		}
	}
	t.Fatal("the server is not idle within five minutes")
}

// fillList writes small objects.
func (s *server) fillList(t *testing.T, c generator.Config, count int, path func(i int) string) {
	t.Helper()
	body := []byte("a small object of some forty bytes or so")
	c.Method, c.Connections, c.Once = http.MethodPut, 128, true
	c.Warmup, c.Duration = 0, time.Hour
	c.Objects = make([]generator.Object, count)
	for i := range c.Objects {
		c.Objects[i] = generator.Object{Path: path(i), Bytes: int64(len(body)), Body: body}
	}
	s.generate(t, c)
}

// pageCost is the server CPU, in milliseconds, of a page that begins behind a key.
func (s *server) pageCost(t *testing.T, after string, pages int) float64 {
	t.Helper()
	query := url.Values{"list-type": {"2"}}
	if after != "" {
		query.Set("start-after", after)
	}
	before := s.status().Cost
	for range pages {
		a := s.must(t, http.StatusOK, request{method: "GET", path: "/target", query: query})
		if n := strings.Count(string(a.body), "<Key>"); n != 1000 {
			t.Fatalf("%d keys", n)
		}
	}
	now := s.status().Cost
	return 1e3 * (now.CPUSeconds - before.CPUSeconds) / float64(pages)
}

var nextToken = regexp.MustCompile(`<NextContinuationToken>(.*?)</NextContinuationToken>`)

// listWhole pages through a bucket.
func (s *server) listWhole(t *testing.T, path string, query url.Values, want int) {
	t.Helper()
	query.Set("list-type", "2")
	found, began, before := 0, time.Now(), s.status().Cost
	for {
		a := s.must(t, http.StatusOK, request{method: "GET", path: path, query: query})
		found += strings.Count(string(a.body), "<Key>") +
			strings.Count(string(a.body), "<CommonPrefixes>")
		next := nextToken.FindSubmatch(a.body)
		if next == nil {
			break
		}
		query.Set("continuation-token", string(next[1]))
	}
	took := time.Since(began).Seconds()
	used := s.status().Cost.CPUSeconds - before.CPUSeconds
	if found != want {
		t.Errorf("%s: %d listed, want %d", path, found, want)
	}
	t.Logf("%s: %d in %.1f s, %.0f/s by one client (100,000 asked for), %.2f µs of server CPU each", path,
		found, took, float64(found)/took, 1e6*used/float64(found))
}
