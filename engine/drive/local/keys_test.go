package local_test

import (
	"flag"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"text/tabwriter"
	"time"

	"flashstore/engine/drive/local"
)

var keysFlag = flag.Uint64("local.keys", keysSmall,
	"keys of TestMillionsOfKeys; more than the default is a measurement, in the folder BENCH_DIR")

const (
	keysSmall = 20_000 // a test of the measurement, and of what keys cost
	keysFull  = 10_000_000

	// keysMemoryMax is what a process with one drive and keysFull keys may have resident, and
	// keysMemoryBase what it may have with none: Go's runtime, the batch of the log, cache and
	// memtables of the index, the table of hot rows. Between them the bound is a line.
	keysMemoryMax  = 400 << 20
	keysMemoryBase = 160 << 20

	keysCleanMax  = time.Second      // to open after a clean stop
	keysKilledMax = 10 * time.Second // after a kill

	// keysDiskBytes is for one key: its records in the log, its row in the index, and as much
	// again for tables that are being merged.
	keysDiskBytes = 1500
	keysDiskBase  = 2 << 30
)

// TestMillionsOfKeys fills a drive with small objects, each settled, as the erasure layer does,
// and watches the process that does it from outside: how much of it is resident at most, how
// soon it serves again after a clean stop, and after a kill -9 in the middle of commits. Both
// times nothing of the drive is in the page cache. A sample of what was acknowledged is read.
//
// go test runs a small version, which says nothing of time; make bench-keys has ten million.
func TestMillionsOfKeys(t *testing.T) {
	keys, small := *keysFlag, *keysFlag <= keysSmall
	path := filepath.Join(t.TempDir(), "d")
	if !small {
		path = filepath.Join(benchFolder(t, "drive-keys", keysDiskBase+int64(keys)*keysDiskBytes), "d")
	}
	e := newEngine(t)
	must(t, local.Format(e, path, identity))

	filled := runKeys(t, keysJob{What: "fill", Path: path, To: keys})
	more := max(keys/20, 1000)
	killed := runKeys(t, keysJob{What: "after a clean stop", Path: path, Have: keys, From: keys,
		To: 1 << 40, killAt: keys + more})
	reopened := runKeys(t, keysJob{What: "after a kill -9", Path: path, Have: killed.acked,
		From: killed.acked, To: killed.acked})

	runs := []keysReport{filled, killed, reopened}
	t.Log(keysTable(runs))
	limit := keysLimit(keys)
	for _, r := range runs {
		if r.peakBytes > limit && !raceDetector {
			t.Errorf("%s: %d MiB were resident, the target is %d", r.what, r.peakBytes>>20, limit>>20)
		}
	}
	if !small && killed.opened > keysCleanMax {
		t.Errorf("opening after a clean stop took %v, the target is %v", killed.opened, keysCleanMax)
	}
	if !small && reopened.opened > keysKilledMax {
		t.Errorf("opening after a kill took %v, the target is %v", reopened.opened, keysKilledMax)
	}
}

// keysLimit is what a process with so many keys on one drive may have resident.
func keysLimit(keys uint64) int64 {
	return keysMemoryBase + int64(float64(keysMemoryMax-keysMemoryBase)*float64(keys)/keysFull)
}

func keysTable(runs []keysReport) string {
	var s strings.Builder
	w := tabwriter.NewWriter(&s, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "\n\tkeys\tstart to open\tlookup, cold\tcommits\tCPU of all\tresident at most")
	for _, r := range runs {
		fmt.Fprintf(w, "%s\t%d\t%v\t%s\t%s\t%v\t%d MiB\n", r.what, r.acked,
			r.opened.Round(time.Millisecond), perLookup(r), perCommit(r), r.cpu.Round(time.Second/10),
			r.peakBytes>>20)
	}
	_ = w.Flush() // a strings.Builder takes everything
	return s.String()
}

func perLookup(r keysReport) string {
	if r.lookups == 0 {
		return "–"
	}
	return fmt.Sprintf("%d µs", (r.lookupTook / time.Duration(r.lookups)).Microseconds())
}

func perCommit(r keysReport) string {
	if r.commits == 0 {
		return "–"
	}
	return fmt.Sprintf("%.0f/s", float64(r.commits)/r.commitTook.Seconds())
}
