package uring_test

import (
	"errors"
	"testing"

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

func TestConformance(t *testing.T) { ioenginetest.Run(t, newWith(uring.Config{})) }

// TestConformanceTight: with one to three operations in flight everything waits in line.
func TestConformanceTight(t *testing.T) {
	ioenginetest.Run(t, newWith(uring.Config{Rings: 1, Entries: 2}))
}

func TestConformanceThreeRings(t *testing.T) {
	ioenginetest.Run(t, newWith(uring.Config{Rings: 3, Entries: 4}))
}

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
