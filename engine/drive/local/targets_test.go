package local_test

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"text/tabwriter"
	"time"

	"golang.org/x/sys/unix"

	"flashstore/engine/drive/local"
	"flashstore/ioengine"
	"flashstore/ioengine/threadpool"
	"flashstore/ioengine/uring"
)

var (
	targetsFlag = flag.Bool("local.targets", false,
		"measure the drive against its targets, and fio in the folder BENCH_DIR; fail where one is missed")
	targetRoundsFlag = flag.Int("local.rounds", 5, "repetitions of each measurement of -local.targets")
	targetTimeFlag   = flag.Duration("local.time", 2*time.Second,
		"length of one repetition of -local.targets")
)

// What the drive is to reach; TestTargets has the conditions.
const (
	commitTarget      = 5.0  // x fio, one stream of synced overwrites
	bulkTarget        = 0.8  // x fio, depth 8, a sync every 8 MiB
	lookupMicrosMax   = 3.0  // CPU
	lookupObjectsMax  = 1e-3 // heap objects; the runtime makes some now and then
	syncsPerPutMax    = 0.25 // on each drive
	targetsDiskBytes  = 16 << 30
	defaultEngineName = "uring" // decides; the other is shown beside it
)

// TestTargets measures what the drive promises of speed, beside fio in the same folder and the
// same minute. Absolute figures move from machine to machine and from hour to hour; ratios of
// neighbours hold. So ours and fio take turns, and what counts is the median of their ratios.
//
//	commit  records with a 16 KiB inline shard, each settled, by 64 writers on one drive;
//	        fio: O_DIRECT and O_DSYNC overwrites of 16 KiB, one after the other, in a file
//	        that was written before
//	bulk    shards of 1 MiB by 16 writers (Create, Write, Seal, Commit), each settled; fio:
//	        O_DIRECT, eight writes of 1 MiB in flight, through fallocated files of the size of
//	        our segments, with an fdatasync every 8 MiB
//	lookup  of a register with its 2 KiB shard, all in memory, checksum verified
//	synced  what a PUT of 4 KiB makes each drive of a set of 2+2 sync: 64 writers, a 2 KiB
//	        shard and a settle on each drive; everything the engine synced counts, log segments
//	        that are made ready and index tables too
func TestTargets(t *testing.T) {
	if !*targetsFlag {
		t.Skip("a measurement: make bench-drive, or -local.targets")
	}
	dir := benchFolder(t, "drive-targets", targetsDiskBytes)
	b := &targetBench{dir: dir, fio: newFio(dir)}
	defer func() { t.Log(b.table()) }() // what there is of it, after a failure too
	t.Run("commit", b.commit)
	t.Run("bulk", b.bulk)
	t.Run("lookup", b.lookup)
	t.Run("synced", b.synced)
}

// targetBench collects the rows of the table.
type targetBench struct {
	dir  string
	fio  fio
	rows []targetRow
}

// targetRow is one line of the table; what is not known or makes no sense is "".
type targetRow struct {
	what, engine, ours, fio, ratio, target, verdict, cpu string
}

func (b *targetBench) table() string {
	var s strings.Builder
	w := tabwriter.NewWriter(&s, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "\nwhat\tioengine\tours\tfio\tratio\ttarget\t\tCPU\n")
	for _, r := range b.rows {
		fmt.Fprintln(w, strings.Join([]string{r.what, orDash(r.engine), orDash(r.ours),
			orDash(r.fio), orDash(r.ratio), orDash(r.target), r.verdict, orDash(r.cpu)}, "\t"))
	}
	_ = w.Flush() // a strings.Builder takes everything
	if b.fio.missing != "" {
		fmt.Fprintf(&s, "no ratios: %s\n", b.fio.missing)
	}
	fmt.Fprintf(&s, "medians of %d repetitions of %v, ours and fio in turn, in %s\n",
		*targetRoundsFlag, *targetTimeFlag, b.dir)
	return s.String()
}

func orDash(s string) string {
	if s == "" {
		return "–"
	}
	return s
}

// judge adds a row, and fails the test if its target is missed where that counts.
func (b *targetBench) judge(t *testing.T, r targetRow, reached, decides bool) {
	t.Helper()
	r.verdict = "ok"
	if !reached {
		r.verdict = "MISSED"
		if decides {
			t.Errorf("%s with %s: %s %s, the target is %s", r.what, orDash(r.engine), r.ours, r.ratio,
				r.target)
		}
	}
	if !decides {
		r.verdict += " (not the default)"
	}
	b.rows = append(b.rows, r)
}

// engines are the I/O engines that there are here, the one that decides first.
func (b *targetBench) engines(t *testing.T) []string {
	e, err := benchEngine(defaultEngineName, b.dir)
	if errors.Is(err, uring.ErrUnavailable) {
		t.Logf("the thread pool decides: %v", err)
		return []string{"threadpool"}
	}
	must(t, err)
	must(t, e.Close())
	return []string{defaultEngineName, "threadpool"}
}

// benchEngine makes an engine as the server does.
func benchEngine(name, dir string) (ioengine.Engine, error) {
	if name == "threadpool" {
		return threadpool.New(threadpool.Config{})
	}
	return uring.New(uring.Config{ProbeDir: dir})
}

// benchFolder is an empty folder on a disk: below BENCH_DIR, which is relative to the repository
// and .data/bench if nothing is said. It is removed when the test ends, or when the next begins.
func benchFolder(t *testing.T, name string, needBytes int64) string {
	t.Helper()
	base := os.Getenv("BENCH_DIR")
	if base == "" {
		base = filepath.Join(".data", "bench")
	}
	if !filepath.IsAbs(base) {
		base = filepath.Join("..", "..", "..", base)
	}
	dir, err := filepath.Abs(filepath.Join(base, name))
	must(t, err)
	must(t, os.RemoveAll(dir))
	must(t, os.MkdirAll(dir, 0o700))
	t.Cleanup(func() { removeSynced(t, dir) })
	var s unix.Statfs_t
	must(t, unix.Statfs(dir, &s))
	if free := int64(s.Bavail) * s.Bsize; free < needBytes {
		t.Fatalf("%s: %d GiB are needed, %d are free: BENCH_DIR names another folder", dir,
			needBytes>>30, free>>30)
	}
	return dir
}

// removeSynced removes a folder and lets the file system finish with it, so that the next
// measurement does not pay for it.
func removeSynced(t *testing.T, path string) {
	t.Helper()
	must(t, os.RemoveAll(path))
	f, err := os.Open(filepath.Dir(path))
	must(t, err)
	defer f.Close()
	must(t, unix.Syncfs(int(f.Fd())))
}

// benchDrive formats and opens a drive with the server's defaults.
func benchDrive(t *testing.T, e ioengine.Engine, path string) *local.Drive {
	t.Helper()
	must(t, local.Format(e, path, identity))
	d, err := local.Open(local.Config{Path: path, Engine: e})
	must(t, err)
	return d
}

func median(list []float64) float64 {
	if len(list) == 0 {
		return 0
	}
	s := slices.Sorted(slices.Values(list))
	return (s[(len(s)-1)/2] + s[len(s)/2]) / 2
}
