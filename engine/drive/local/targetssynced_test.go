package local_test

import (
	"fmt"
	"path/filepath"
	"testing"

	"flashstore/engine/drive/local"
)

// synced counts over the whole life of four drives, from format to close.
func (b *targetBench) synced(t *testing.T) {
	for i, name := range b.engines(t) {
		var batches, syncs, cpus []float64
		for range *targetRoundsFlag {
			s := b.putOnSet(t, name)
			batches, syncs = append(batches, s.batches), append(syncs, s.syncs)
			cpus = append(cpus, s.cpuMicros)
		}
		target := fmt.Sprintf("≤ %.2f", syncsPerPutMax)
		cpu := fmt.Sprintf("%.0f µs on 4 drives", median(cpus))
		b.judge(t, targetRow{what: "batches a drive and 4 KiB PUT, 64 writers", engine: name,
			ours: fmt.Sprintf("%.3f", median(batches)), target: target, cpu: cpu},
			median(batches) <= syncsPerPutMax, i == 0)
		b.judge(t, targetRow{what: "synced writes a drive and 4 KiB PUT, 64 writers", engine: name,
			ours: fmt.Sprintf("%.3f", median(syncs)), target: target, cpu: cpu},
			median(syncs) <= syncsPerPutMax, i == 0)
	}
}

// putCost is by drive and PUT, but for the CPU, which is all drives' together.
type putCost struct{ batches, syncs, cpuMicros float64 }

func (b *targetBench) putOnSet(t *testing.T, engine string) (cost putCost) {
	t.Helper()
	const drives, writers = 4, 64
	e, err := benchEngine(engine, b.dir)
	must(t, err)
	var set []*local.Drive
	for i := range drives {
		set = append(set, benchDrive(t, e, filepath.Join(b.dir, fmt.Sprintf("set%d", i))))
	}
	list := make([]func(uint64) error, writers)
	for i := range list {
		list[i] = putOn(set)
	}
	cpu := cpuTime()
	next, _ := runWriters(t, list, 1, *targetTimeFlag/2)
	puts := float64(next - 1)
	cost.cpuMicros = float64((cpuTime() - cpu).Microseconds()) / puts
	for _, d := range set {
		must(t, d.Close()) // the last settles
		cost.batches += float64(d.Info().Counters.Batches) / puts / drives
	}
	cost.syncs = float64(e.Stats().SyncWrites) / puts / drives
	must(t, e.Close())
	for i := range set {
		removeSynced(t, filepath.Join(b.dir, fmt.Sprintf("set%d", i)))
	}
	return cost
}

// putOn is a PUT of 4 KiB as the erasure layer makes it, once the shards are there: a commit on
// each drive, and when all have answered, a settle on each.
func putOn(set []*local.Drive) func(uint64) error {
	shard := make([]byte, 2<<10)
	done := make(chan error, len(set))
	return func(n uint64) (err error) {
		r := smallObject(n, int64(len(shard)))
		r.Inline = shard
		for _, d := range set {
			d.Commit(r, func(err error) { done <- err })
		}
		for range set {
			if answer := <-done; answer != nil {
				err = answer
			}
		}
		settle := settleOf(r)
		for _, d := range set {
			if err == nil {
				d.Commit(settle, nil)
			}
		}
		return err
	}
}
