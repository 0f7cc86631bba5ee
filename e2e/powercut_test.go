package e2e

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"os/signal"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

var (
	powerCutFlag = flag.Int("e2e.powercut", 5, "cycles of the power cut test")
	minutesFlag  = flag.Int("e2e.powercut.minutes", 0,
		"minutes after which the power cut test ends; 0: when its cycles are done")
)

const (
	stopEvery   = 10 // cycles: a clean stop, and flashstore check of all drives
	startCutOdd = 4  // one in so many starts is cut off, and started again
	cutDisks    = 2  // at a time: a cycle waits as often as it computes
)

// powerCut is a server on a disk whose power is cut again and again.
type powerCut struct {
	*server
	t       *testing.T
	rand    *rand.Rand
	disk    *loopDisk
	writers []*writer
	base    []string // arguments of the server besides the axes

	startTook time.Duration // the last one that was not cut off
	acked     int64
	cycles    int
	startCuts int
	checks    int
	lost      int
	mixed     int
}

// TestPowerCut cuts the power of the file system below a server under load: what was
// acknowledged is there, whole, nothing goes back in time, and a census finds nothing.
//
// The drives of a server are on an ext4 in a file, on a loop device. EXT4_IOC_SHUTDOWN takes
// away what is only in the page cache or in a transaction of the journal that is not committed:
// data without a sync, sizes, extents, renames and new names without one. The mount after it
// replays the journal. Sixteen writers put small objects and large ones, overwrite, delete and
// complete uploads meanwhile; some cuts come while the server starts, the very first start
// included. There are two such servers, each on a disk of its own.
//
// What it does not show: a device with a volatile cache of its own. The loop device keeps every
// write that it took, flushed or not and in its order, so a missing flush is not seen here, nor
// a write torn inside. That is what the disk in ioengine/crashsim is for.
func TestPowerCut(t *testing.T) {
	if !inOwnNamespace(t) {
		return
	}
	stop, cancel := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer cancel()
	if *minutesFlag > 0 {
		stop, cancel = context.WithTimeout(stop, time.Duration(*minutesFlag)*time.Minute)
		defer cancel()
	}
	var disks [cutDisks]*loopDisk
	for i := range disks {
		disks[i] = newLoopDisk(t) // skips the test as a whole
	}
	seed, took := newSeed(t), newProgress()
	var begun atomic.Int64
	next := func() (cycle int64, more bool) {
		cycle = begun.Add(1)
		// t has failed as soon as a disk has: the others end too.
		return cycle, cycle <= int64(*powerCutFlag) && stop.Err() == nil && !t.Failed()
	}
	var cuts [cutDisks]*powerCut
	t.Run("disk", func(t *testing.T) {
		for i, disk := range disks {
			t.Run(fmt.Sprint(i+1), func(t *testing.T) {
				t.Parallel()
				r := rand.New(rand.NewPCG(seed, uint64(i)))
				cuts[i] = newPowerCut(t, r, disk, cutWriters())
				cuts[i].run(next)
			})
		}
	})
	total := powerCut{}
	for _, p := range cuts {
		if p != nil { // else it failed before it began
			total.add(p)
		}
	}
	t.Log(total.summary(took))
	if errors.Is(stop.Err(), context.Canceled) {
		t.Error("interrupted")
	}
}

// run does cycles as long as there is a next one, which all disks count together.
func (p *powerCut) run(next func() (cycle int64, more bool)) {
	progress := newProgress()
	p.firstStart()
	for cycle, more := next(); more; cycle, more = next() {
		p.cycle()
		if progress.due() {
			p.t.Logf("%s: cycle %d of %d, %d here with %d operations acknowledged, %d MiB on the disk",
				progress, cycle, *powerCutFlag, p.cycles, p.acked, p.disk.used()>>20)
		}
	}
	p.stopAndCheck()
}

// add counts what was seen of another disk.
func (p *powerCut) add(q *powerCut) {
	p.acked, p.cycles, p.startCuts = p.acked+q.acked, p.cycles+q.cycles, p.startCuts+q.startCuts
	p.checks, p.lost, p.mixed = p.checks+q.checks, p.lost+q.lost, p.mixed+q.mixed
}

// newPowerCut takes over the disk, whose failures are t's from now on.
func newPowerCut(t *testing.T, r *rand.Rand, disk *loopDisk, kinds []kind) *powerCut {
	disk.t = t
	p := &powerCut{t: t, rand: r, disk: disk, server: newServer(t, 4)}
	p.writers, p.base = newWriters(r, kinds), p.args
	for i := range p.drives {
		p.drives[i] = p.disk.path(fmt.Sprintf("d%d", i+1))
	}
	return p
}

// cutWriters are sixteen: eight of small objects, two that overwrite one key all the time, four
// of bulk and two of multipart uploads, of which some have one small part.
func cutWriters() (kinds []kind) {
	small := func(r *rand.Rand) []int64 {
		if r.IntN(8) == 0 {
			return []int64{r.Int64N(2*inlineShardBytes + 2)}
		}
		return []int64{r.Int64N(8 << 10)}
	}
	bulk := func(r *rand.Rand) []int64 { return []int64{300<<10 + r.Int64N(1200<<10)} }
	parts := func(r *rand.Rand) []int64 {
		if r.IntN(4) > 0 {
			return []int64{1 + r.Int64N(600<<10)}
		}
		return []int64{partBytes, 1 + r.Int64N(stripeBytes)}
	}
	for range 8 {
		kinds = append(kinds, kind{6, small, false})
	}
	return append(kinds, kind{1, small, false}, kind{1, small, false}, kind{2, bulk, false},
		kind{2, bulk, false}, kind{2, bulk, false}, kind{2, bulk, false}, kind{2, parts, true},
		kind{2, parts, true})
}

// firstStart formats the drives, whose power is cut meanwhile, as often as not.
func (p *powerCut) firstStart() {
	p.disk.mount(p.options())
	p.startTook = 100 * time.Millisecond // a guess
	for p.rand.IntN(2) == 0 {
		p.cutStart()
	}
	p.begin()
	p.must(p.t, http.StatusOK, request{method: "PUT", path: "/" + crashBucket})
}

// cycle loads the running server, cuts its power, and verifies what the next start finds.
func (p *powerCut) cycle() {
	p.loadAndCut(time.Duration(p.rand.Int64N(int64(50 * time.Millisecond))))
	p.cycles++
	for p.rand.IntN(startCutOdd) == 0 {
		p.cutStart()
	}
	p.begin()
	p.verify()
	if p.cycles%stopEvery == 0 && !p.t.Failed() {
		p.verify() // what was read once stays
		p.stopAndCheck()
		p.begin()
	}
}

// loadAndCut lets the writers work, for so long after enough was acknowledged, cuts the power
// under them and mounts what is left.
func (p *powerCut) loadAndCut(more time.Duration) {
	l := load{server: p.server, ackedMin: 10 + p.rand.Int64N(60), more: more}
	running := time.Duration(p.rand.Int64N(int64(10 * time.Millisecond)))
	l.end = func() {
		l.failing.Store(true)
		p.cut()
		l.dead.Store(true)
		time.Sleep(running) // at random: it meets errors only
		p.kill()
	}
	p.acked += l.run(p.writers)
	p.remount()
}

// begin starts the server, composed at random.
func (p *powerCut) begin() {
	began := time.Now()
	p.compose()
	p.start()
	p.startTook = time.Since(began)
}

func (p *powerCut) compose() {
	p.args = append(p.base[:len(p.base):len(p.base)], pick(p.rand, allAxes()).args()...)
}

// cutStart cuts the power at some moment of a start.
func (p *powerCut) cutStart() {
	p.compose()
	p.launch()
	time.Sleep(time.Duration(p.rand.Int64N(int64(p.startTook)))) // at random
	p.cut()
	p.kill()
	p.remount()
	p.startCuts++
}

// cut cuts the power. One in four times the journal is committed first, so that the names, sizes
// and extents of files are ahead of their data.
func (p *powerCut) cut() {
	how := uint32(ext4NoLogFlush)
	if p.rand.IntN(4) == 0 {
		how = ext4LogFlushFirst
	}
	if err := p.disk.cut(how); err != nil {
		p.t.Error(err)
	}
}

// remount replays the journal. The logs of earlier starts go.
func (p *powerCut) remount() {
	p.disk.unmount()
	p.disk.mount(p.options())
	_ = os.Remove(p.logPath())
}

// options are those that make ext4 keep less than it usually does: no delayed allocation is
// forced out by a rename, and data may come after the metadata that speak of it.
func (p *powerCut) options() string {
	return "noinit_itable,noauto_da_alloc," + pick(p.rand, []string{"data=ordered",
		"data=writeback"})
}

// verify reads everything and counts what is wrong.
func (p *powerCut) verify() {
	p.t.Helper()
	for _, err := range p.server.verify(p.writers) {
		p.t.Errorf("cycle %d: %v", p.cycles, err)
		switch {
		case errors.Is(err, errLost):
			p.lost++
		case errors.Is(err, errMixed):
			p.mixed++
		}
	}
}

// stopAndCheck stops the server cleanly and examines its drives.
func (p *powerCut) stopAndCheck() {
	p.t.Helper()
	p.stop()
	p.check(nil, nil)
}

// check examines the drives of the stopped server. Each is clean, but for findings of these
// kinds. Of the set some registers may be short of a drive, or undecided: three of four drives
// are enough for an acknowledgement, the power goes before the fourth one has written, and
// nothing heals yet. For the same reason parts may be left behind, see leftPart.
func (p *powerCut) check(driveKinds, setKinds []string) {
	p.t.Helper()
	p.checks++
	r, _ := examine(p.t, p.drives)
	for _, d := range r.Drives {
		for _, f := range d.Findings {
			if d.Refused != "" || !slices.Contains(driveKinds, f.Kind) {
				p.t.Errorf("cycle %d: check of %s: %s%+v", p.cycles, d.Path, d.Refused, f)
			}
		}
	}
	setKinds = append(setKinds, "short", "undecided")
	for _, s := range r.Sets {
		for _, f := range s.Findings {
			if !slices.Contains(setKinds, f.Kind) && !leftPart(f.Kind, f.Key) {
				p.t.Errorf("cycle %d: check of the set: %+v", p.cycles, f)
			}
		}
	}
	if len(r.Drives) != len(p.drives) || len(r.Sets) != 1 || r.Error != "" {
		p.t.Errorf("cycle %d: not all was examined:\n%s", p.cycles, r.text)
	}
}

// leftPart is a part on a drive that missed its manifest, of an upload that a cut left without a
// tombstone: when the object was replaced, the other drives dropped the part, and nobody told this
// one. The census cannot tell that from a part that was lost. Nobody can read such a part; that
// the parts of objects are all there is verified by reading the objects.
func leftPart(kind, key string) bool {
	return kind == "unreadable" && strings.HasPrefix(key, "part ")
}

func (p *powerCut) summary(took *progress) string {
	return fmt.Sprintf("%d power cuts under load and %d during a start in %s: %d operations "+
		"acknowledged, %d lost, %d mixed, %d checks of all drives", p.cycles, p.startCuts, took,
		p.acked, p.lost, p.mixed, p.checks)
}
