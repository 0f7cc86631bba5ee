package local_test

import (
	"fmt"
	"path/filepath"
	"testing"
)

// lookup needs no device, so one engine is enough. The target is one of shards in the page cache;
// the drive's own cache of shards is measured beside it.
func (b *targetBench) lookup(t *testing.T) {
	b.lookupIn(t, false, "page cache")
	b.lookupIn(t, true, "shard cache")
}

func (b *targetBench) lookupIn(t *testing.T, cached bool, where string) {
	const registers, lookups = 20_000, 200_000
	engine := b.engines(t)[0]
	e, err := benchEngine(engine, b.dir)
	must(t, err)
	s := newShelf(t, e, filepath.Join(b.dir, "shelf"), registers, true, cached)
	var cpus, objects []float64
	for range *targetRoundsFlag {
		before, cpu := heapObjects(), cpuTime()
		for n := range lookups {
			s.lookup(t, n*7919%registers)
		}
		cpus = append(cpus, float64((cpuTime()-cpu).Nanoseconds())/lookups/1e3)
		objects = append(objects, float64(heapObjects()-before)/lookups)
	}
	must(t, s.drive.Close())
	must(t, e.Close())
	removeSynced(t, filepath.Join(b.dir, "shelf"))
	b.judge(t, targetRow{what: "lookup, 2 KiB shard in the " + where + ", CPU", engine: engine,
		ours: fmt.Sprintf("%.2f µs", median(cpus)), target: fmt.Sprintf("≤ %.0f µs", lookupMicrosMax),
		cpu: fmt.Sprintf("%.1f µs", median(cpus))}, median(cpus) <= lookupMicrosMax, true)
	b.judge(t, targetRow{what: "the same, heap objects", engine: engine,
		ours: fmt.Sprintf("%.4f", median(objects)), target: "0"},
		median(objects) <= lookupObjectsMax, true)
}
