package local_test

import (
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
	"runtime/metrics"
	"sync"
	"testing"

	"flashstore/engine/drive"
	"flashstore/engine/drive/local"
	"flashstore/ioengine"
)

// heapObjects counts the objects that were ever made on the Go heap.
func heapObjects() uint64 {
	s := []metrics.Sample{{Name: "/gc/heap/allocs:objects"}}
	metrics.Read(s)
	return s[0].Value.Uint64()
}

// shelf is a drive with registers to look up, and memory to look them up into.
type shelf struct {
	drive   *local.Drive
	keys    []drive.Key
	bytes   []byte
	used    int
	entries []drive.Entry
	opt     drive.LookupOptions
}

// newShelf fills a drive with shards of 2 KiB; TableBytes is enough for all rows, and with cached
// the drive has a cache for all shards.
func newShelf(t testing.TB, e ioengine.Engine, path string, registers int,
	settled, cached bool) *shelf {
	c := config(e, path)
	c.TableBytes = int64(registers)*1024 + 1<<20
	if cached {
		c.ShardCacheBytes = int64(registers)*4096 + 1<<20
	}
	if err := local.Format(c.Engine, c.Path, identity); err != nil {
		t.Fatal(err)
	}
	s := &shelf{drive: open(t, c), bytes: make([]byte, 64<<10), entries: make([]drive.Entry, 0, 1)}
	s.opt = drive.LookupOptions{Inline: true, NoWait: true, Entries: s.entries,
		Alloc: func(n int) []byte {
			s.used += n
			return s.bytes[s.used-n : s.used : s.used]
		}}
	var wg sync.WaitGroup
	for n := range registers {
		r := inlineRecord(uint64(n))
		s.keys = append(s.keys, r.Key)
		wg.Add(1)
		s.drive.Commit(r, func(error) { wg.Done() })
		if settled {
			wg.Add(1)
			s.drive.Commit(&drive.Record{Type: drive.TypeSettle, Key: r.Key, Order: r.Order,
				Token: r.Token, WriteID: r.WriteID}, func(error) { wg.Done() })
		}
	}
	wg.Wait()
	for _, k := range s.keys { // the log was written past the page cache
		if _, err := s.drive.Lookup(t.Context(), k, drive.LookupOptions{Inline: true}); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

// lookup looks the n-th register up, without waiting for the device; once more, waiting, where
// the machine needed the page cache for something else or the committer was in the way.
func (s *shelf) lookup(t testing.TB, n int) {
	s.used = 0
	have, err := s.drive.Lookup(t.Context(), s.keys[n], s.opt)
	if errors.Is(err, drive.ErrWouldBlock) {
		opt := s.opt
		opt.NoWait = false
		s.used = 0
		have, err = s.drive.Lookup(t.Context(), s.keys[n], opt)
	}
	if err != nil || len(have.Entries) != 1 || len(have.Entries[0].Inline) != 2048 {
		t.Fatal(n, err, have)
	}
}

// TestLookupMakesNoObject: a lookup with its shard, in memory, leaves the Go heap alone. Counted
// over many lookups by the runtime itself; the runtime's own objects are a handful.
func TestLookupMakesNoObject(t *testing.T) {
	const registers, lookups = 500, 20_000
	for i := range 4 {
		settled, cached := i&1 != 0, i&2 != 0
		s := newShelf(t, newEngine(t), filepath.Join(t.TempDir(), "d"), registers, settled, cached)
		least := uint64(lookups)
		for range 5 { // others' objects (a timer, a test's log) are in some rounds only
			runtime.GC()
			before := heapObjects()
			for n := range lookups {
				s.lookup(t, n%registers)
			}
			least = min(least, heapObjects()-before)
		}
		if least > 10 {
			t.Errorf("settled=%v, cached=%v: %d heap objects in %d lookups", settled, cached, least,
				lookups)
		}
	}
}

// BenchmarkLookup measures a point lookup with its inline shard, all in memory.
func BenchmarkLookup(b *testing.B) {
	for _, cached := range []bool{false, true} {
		b.Run(fmt.Sprintf("cached=%v", cached), func(b *testing.B) {
			const registers = 20_000
			s := newShelf(b, newEngine(b), filepath.Join(b.TempDir(), "d"), registers, true, cached)
			b.ReportAllocs()
			cpu, ended := cpuTime(), 0
			for n := 0; b.Loop(); n++ {
				s.lookup(b, n*7919%registers)
				ended++
			}
			b.ReportMetric(float64((cpuTime()-cpu).Nanoseconds())/float64(ended)/1e3, "cpu-us/lookup")
		})
	}
}
