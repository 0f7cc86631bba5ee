package uring_test

import (
	"errors"
	"testing"
	"time"

	"flashstore/ioengine"
	"flashstore/ioengine/ioenginetest"
	"flashstore/ioengine/uring"
)

// newWith returns a constructor for the suite; where there is no io_uring the test is
// skipped, and says why.
func newWith(c uring.Config) ioenginetest.NewFunc {
	return func(t testing.TB) ioengine.Engine {
		t.Helper()
		c.ProbeDir = t.TempDir()
		e, err := uring.New(c)
		if errors.Is(err, uring.ErrUnavailable) {
			t.Skip(err)
		}
		if err != nil {
			t.Fatal(err)
		}
		return e
	}
}

func runAll(t *testing.T, c uring.Config) {
	t.Helper()
	ioenginetest.Run(t, newWith(c))
	ioenginetest.RunHost(t, newWith(c))
}

func TestConformance(t *testing.T) { runAll(t, uring.Config{}) }

// TestConformanceTight: with one operation in flight everything waits in line. An operation
// that does not end would hold up all others: those cases are for more.
func TestConformanceTight(t *testing.T) {
	ioenginetest.Run(t, newWith(uring.Config{Rings: 1, Entries: 2}))
}

func TestConformanceThreeRings(t *testing.T) {
	runAll(t, uring.Config{Rings: 3, Entries: 4})
}

// TestConformanceFewPlaces: files fight for one place, or there is none.
func TestConformanceFewPlaces(t *testing.T) {
	runAll(t, uring.Config{Rings: 2, RegisteredFiles: 1})
}

func TestConformancePlainFiles(t *testing.T) {
	runAll(t, uring.Config{RegisteredFiles: -1})
}

func TestStuck(t *testing.T) {
	for _, entries := range []int{2, 256} {
		ioenginetest.RunStuck(t, newWith(uring.Config{
			Rings: 2, Entries: entries, DrainMax: 50 * time.Millisecond,
		}))
	}
}

func TestClasses(t *testing.T) {
	free := ioengine.Limits{Busy: 16, Quiet: 16}
	ioenginetest.RunClasses(t, newWith(uring.Config{}), newWith(uring.Config{Limits: free}))
}

func BenchmarkClasses(b *testing.B) { ioenginetest.BenchClasses(b, newWith(uring.Config{})) }

func BenchmarkEngine(b *testing.B) { ioenginetest.Bench(b, newWith(uring.Config{})) }

func TestConfig(t *testing.T) {
	for _, c := range []uring.Config{
		{Rings: -1}, {Rings: 1000}, {Entries: 1}, {Entries: 3}, {Entries: 1 << 20},
	} {
		if _, err := uring.New(c); err == nil || errors.Is(err, uring.ErrUnavailable) {
			t.Errorf("%+v: %v", c, err)
		}
	}
}

func TestProbeDirMissing(t *testing.T) {
	_, err := uring.New(uring.Config{ProbeDir: t.TempDir() + "/none"})
	if !errors.Is(err, uring.ErrUnavailable) {
		t.Fatalf("probe in a directory that does not exist: %v", err)
	}
}
