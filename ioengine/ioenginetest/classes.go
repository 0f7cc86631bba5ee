package ioenginetest

import (
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"flashstore/ioengine"
)

const (
	classesFileBytes  = 64 << 20
	classesReaders    = 4
	classesSlice      = 100 * time.Millisecond
	repairOpBytes     = 512 << 10
	compactionOpBytes = 1 << 20
	backgroundDepth   = 8 // of repair, and as many of compaction
	syncEveryOps      = 16
)

// Interference is what the background does to reads of the foreground.
type Interference struct {
	Alone, Beside Latencies // of the foreground, without and with the background
	// P99Ratio is p99 beside over p99 alone, the median of the pairs of slices: bursts of
	// other work on the machine hit one slice of a pair.
	P99Ratio float64
	// BackgroundBytesPerSecond is what repair and compaction moved beside the foreground.
	BackgroundBytesPerSecond float64
}

// Latencies are of single operations.
type Latencies struct {
	P50, P99 time.Duration
	Count    int
}

const (
	ratioGoal  = 2.0 // what the design asks for, on a quiet machine
	ratioLoose = 4.0 // what a test may ask for on a machine with other work; without limits: 18

	// looseShare is that, of what the same background does without limits at the same time. A
	// shared device has days on which one large operation in flight, and there is never less, makes
	// reads wait ten times as long, and sixteen fifty times.
	looseShare = ratioLoose / 18
)

// RunClasses shows, on a real disk and in a few seconds, that repair and compaction keep away
// from the foreground, that classes share by weight and that none starves.
// unlimited makes engines that hold the background back by nothing.
func RunClasses(t *testing.T, newEngine, unlimited NewFunc) {
	t.Helper()
	runCases(t, newEngine, []testCase{
		{"Interference", func(t *testing.T, e ioengine.Engine) { interference(t, e, unlimited) }},
		{"Shares", shares},
		{"HeldBackButNotStarved", heldBackButNotStarved},
	})
}

func interference(t *testing.T, e ioengine.Engine, unlimited NewFunc) {
	most, ratio := ratioLoose, interfered(t, e)
	for range 2 { // other work on the machine may spoil a try
		if ratio <= most {
			break
		}
		free := unlimited(t)
		most = max(most, looseShare*interfered(t, free))
		if err := free.Close(); err != nil {
			t.Error(err)
		}
		ratio = interfered(t, e)
	}
	if ratio > most {
		t.Errorf("the background makes p99 of the foreground %.2f times as long, at most %.2f",
			ratio, most)
	}
	s := e.Stats().Classes
	if s[ioengine.Foreground].Ops == 0 || s[ioengine.Repair].Bytes < repairOpBytes ||
		s[ioengine.Compaction].Bytes < compactionOpBytes || s[ioengine.Scrub].Ops != 0 ||
		s[ioengine.Repair].WaitMax == 0 {
		t.Errorf("Stats.Classes: %+v", s)
	}
}

// interfered is the ratio of one measurement.
func interfered(t *testing.T, e ioengine.Engine) float64 {
	i := Interfere(t, e, 6)
	t.Logf("%s: foreground p99 %v alone, %v beside repair and compaction at %.0f MB/s: %.2f times",
		e.Properties().Name, i.Alone.P99, i.Beside.P99, i.BackgroundBytesPerSecond/1e6, i.P99Ratio)
	return i.P99Ratio
}

// BenchClasses holds the engine to the design's bound.
func BenchClasses(b *testing.B, newEngine NewFunc) {
	b.Helper()
	e := newEngine(b)
	var i Interference
	for b.Loop() {
		i = Interfere(b, e, 20)
	}
	b.ReportMetric(i.P99Ratio, "p99-beside/alone")
	b.ReportMetric(float64(i.Alone.P99.Microseconds()), "p99-alone-µs")
	b.ReportMetric(i.BackgroundBytesPerSecond/1e6, "background-MB/s")
	if i.P99Ratio > ratioGoal {
		b.Errorf("p99 beside the background is %.2f times p99 alone", i.P99Ratio)
	}
	if err := e.Close(); err != nil {
		b.Fatal(err)
	}
}

// Interfere reads 16 KiB at random places of a direct file from four goroutines, in pairs of
// slices of 100 ms: one has the device alone, the other shares it with repair and compaction
// at full speed, 8 operations of each submitted at any time. In pairs, because a shared device
// has slow and fast seconds.
func Interfere(t testing.TB, e ioengine.Engine, pairs int) Interference {
	t.Helper()
	f, other := prewritten(t, e, classesFileBytes), prewritten(t, e, classesFileBytes)
	var alone, beside []time.Duration
	var ratios []float64
	moved, busy := int64(0), time.Duration(0)
	for range pairs {
		first := readFor(t, e, f, classesSlice)
		var bytes atomic.Int64
		start := time.Now()
		stop := startBackground(t, e, other, &bytes)
		second := readFor(t, e, f, classesSlice)
		stop()
		moved += bytes.Load()
		busy += time.Since(start)
		alone, beside = append(alone, first...), append(beside, second...)
		ratios = append(ratios,
			float64(latencies(second).P99)/float64(max(latencies(first).P99, 1)))
	}
	slices.Sort(ratios)
	return Interference{
		Alone: latencies(alone), Beside: latencies(beside),
		P99Ratio:                 ratios[len(ratios)/2],
		BackgroundBytesPerSecond: float64(moved) / busy.Seconds(),
	}
}

func latencies(took []time.Duration) Latencies {
	slices.Sort(took)
	n := len(took)
	if n == 0 {
		return Latencies{}
	}
	return Latencies{P50: took[n/2], P99: took[n*99/100], Count: n}
}

// readFor is the foreground: how long each of its reads took.
func readFor(t testing.TB, e ioengine.Engine, f ioengine.File, d time.Duration) []time.Duration {
	var all sync.WaitGroup
	var took [classesReaders][]time.Duration
	end := time.Now().Add(d)
	for r := range took {
		all.Go(func() {
			const opBytes = 16 << 10
			buf := aligned(opBytes)
			for start := time.Now(); start.Before(end); {
				at := rand.Int64N(classesFileBytes/opBytes) * opBytes
				if err := ioengine.Run(e, ioengine.Foreground, readOp(f, at, buf)); err != nil {
					t.Error(err)
					return
				}
				now := time.Now()
				took[r] = append(took[r], now.Sub(start))
				start = now
			}
		})
	}
	all.Wait()
	return slices.Concat(took[:]...)
}

// startBackground repairs (reads, writes, now and then a sync) and compacts (reads) until the
// returned function is called. It counts in moved.
func startBackground(
	t testing.TB, e ioengine.Engine, f ioengine.File, moved *atomic.Int64,
) (stop func()) {
	var all sync.WaitGroup
	var stopping atomic.Bool
	type makeOp func(round int, at int64, buf []byte) ioengine.Op
	work := func(class ioengine.Class, opBytes int, op makeOp) {
		buf := aligned(opBytes)
		for round := 0; !stopping.Load(); round++ {
			at := rand.Int64N(int64(classesFileBytes/opBytes)) * int64(opBytes)
			if err := ioengine.Run(e, class, op(round, at, buf)); err != nil {
				t.Error(err)
				return
			}
			moved.Add(int64(opBytes))
		}
	}
	repair := func(round int, at int64, buf []byte) ioengine.Op {
		switch {
		case round%syncEveryOps == syncEveryOps-1:
			return ioengine.Op{Kind: ioengine.DataSync, File: f}
		case round%2 == 1:
			return writeOp(f, at, buf)
		default:
			return readOp(f, at, buf)
		}
	}
	compact := func(_ int, at int64, buf []byte) ioengine.Op { return readOp(f, at, buf) }
	for range backgroundDepth {
		all.Go(func() { work(ioengine.Repair, repairOpBytes, repair) })
		all.Go(func() { work(ioengine.Compaction, compactionOpBytes, compact) })
	}
	return func() {
		stopping.Store(true)
		all.Wait()
	}
}
