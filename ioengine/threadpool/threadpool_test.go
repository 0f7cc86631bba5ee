package threadpool_test

import (
	"testing"
	"time"

	"flashstore/ioengine"
	"flashstore/ioengine/ioenginetest"
	"flashstore/ioengine/threadpool"
)

func newEngine(t testing.TB) ioengine.Engine {
	t.Helper()
	e, err := threadpool.New(threadpool.Config{})
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func TestConformance(t *testing.T) {
	ioenginetest.Run(t, newEngine)
	ioenginetest.RunHost(t, newEngine)
}

func TestStuck(t *testing.T) {
	ioenginetest.RunStuck(t, func(t testing.TB) ioengine.Engine {
		e, err := threadpool.New(threadpool.Config{DrainMax: 50 * time.Millisecond})
		if err != nil {
			t.Fatal(err)
		}
		return e
	})
}

func TestClasses(t *testing.T) {
	ioenginetest.RunClasses(t, newEngine, func(t testing.TB) ioengine.Engine {
		e, err := threadpool.New(threadpool.Config{Limits: ioengine.Limits{Busy: 16, Quiet: 16}})
		if err != nil {
			t.Fatal(err)
		}
		return e
	})
}

func BenchmarkClasses(b *testing.B) { ioenginetest.BenchClasses(b, newEngine) }

func BenchmarkEngine(b *testing.B) { ioenginetest.Bench(b, newEngine) }

func TestConfig(t *testing.T) {
	for _, workers := range []int{-1, 1 << 20} {
		if _, err := threadpool.New(threadpool.Config{Workers: workers}); err == nil {
			t.Errorf("%d workers accepted", workers)
		}
	}
}
