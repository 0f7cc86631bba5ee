package local_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"
	"unsafe"

	"flashstore/arena"
	"flashstore/engine/drive"
	"flashstore/engine/drive/local"
	"flashstore/ioengine"
)

// writeLeg is what one repetition gave.
type writeLeg struct {
	perSecond float64
	cpuMicros float64 // of the whole process, per operation
}

func (b *targetBench) commit(t *testing.T) {
	b.beside(t, "16 KiB commits, 64 writers", "%.0f/s", commitTarget, func(t *testing.T,
		engine string) writeLeg {
		return b.onFreshDrive(t, engine, 64, commitInline)
	}, func(t *testing.T) fioResult { return b.fio.overwrite(t, 16<<10) })
}

func (b *targetBench) bulk(t *testing.T) {
	b.beside(t, "1 MiB shards, 16 writers", "%.0f MiB/s", bulkTarget, func(t *testing.T,
		engine string) writeLeg {
		return b.onFreshDrive(t, engine, 16, commitBulk)
	}, b.fio.stream)
}

// beside measures ours and fio in turn, and judges the median of the ratios.
func (b *targetBench) beside(t *testing.T, what, format string, target float64,
	ours func(*testing.T, string) writeLeg, theirs func(*testing.T) fioResult) {
	engines := b.engines(t)
	rates, ratios, cpus := make(map[string][]float64), make(map[string][]float64),
		make(map[string][]float64)
	var fioRates, fioCPUs []float64
	for range *targetRoundsFlag {
		yardstick := fioResult{}
		for i, name := range engines {
			leg := ours(t, name)
			if i == 0 && b.fio.missing == "" {
				yardstick = theirs(t)
				fioRates = append(fioRates, yardstick.perSecond)
				fioCPUs = append(fioCPUs, yardstick.cpuMicros)
			}
			rates[name] = append(rates[name], leg.perSecond)
			cpus[name] = append(cpus[name], leg.cpuMicros)
			if yardstick.perSecond > 0 {
				ratios[name] = append(ratios[name], leg.perSecond/yardstick.perSecond)
			}
		}
	}
	for i, name := range engines {
		r := targetRow{what: what, engine: name, ours: fmt.Sprintf(format, median(rates[name])),
			target: fmt.Sprintf("≥ %.1f", target), cpu: fmt.Sprintf("%.0f µs", median(cpus[name]))}
		if b.fio.missing != "" {
			r.verdict = "skipped"
			b.rows = append(b.rows, r)
			continue
		}
		r.fio = fmt.Sprintf(format, median(fioRates))
		r.cpu += fmt.Sprintf(" (fio %.0f)", median(fioCPUs))
		r.ratio = fmt.Sprintf("%.2f", median(ratios[name]))
		t.Logf("%s with %s, ratios: %.2f", what, name, ratios[name])
		b.judge(t, r, median(ratios[name]) >= target, i == 0)
	}
	if b.fio.missing != "" {
		t.Skip(b.fio.missing)
	}
}

// newWriter returns what one writer does for write n; it returns when n is durable.
type newWriter func(d *local.Drive) func(n uint64) error

// onFreshDrive lets writers commit to a new drive for the time of a repetition, after a short
// run that does not count: new drives begin with short log segments.
func (b *targetBench) onFreshDrive(t *testing.T, engine string, writers int,
	newOne newWriter) writeLeg {
	t.Helper()
	e, err := benchEngine(engine, b.dir)
	must(t, err)
	path := filepath.Join(b.dir, "drive")
	d := benchDrive(t, e, path)
	list := make([]func(uint64) error, writers)
	for i := range list {
		list[i] = newOne(d)
	}
	first, _ := runWriters(t, list, 1, *targetTimeFlag/4)
	cpu := cpuTime()
	next, took := runWriters(t, list, first, *targetTimeFlag)
	n := float64(next - first)
	leg := writeLeg{perSecond: n / took.Seconds(),
		cpuMicros: float64((cpuTime() - cpu).Microseconds()) / n}
	must(t, d.Close())
	must(t, e.Close())
	removeSynced(t, path)
	return leg
}

// runWriters keeps all writers busy for a time, with numbers from first on, and returns the
// number behind the last and how long it took until all were done.
func runWriters(t *testing.T, writers []func(uint64) error, first uint64, length time.Duration) (
	next uint64, took time.Duration) {
	t.Helper()
	var number atomic.Uint64
	number.Store(first)
	began := time.Now()
	var wg sync.WaitGroup
	for _, write := range writers {
		wg.Go(func() {
			for time.Since(began) < length {
				if err := write(number.Add(1) - 1); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	if t.Failed() {
		t.FailNow()
	}
	return number.Load(), time.Since(began)
}

// commitInline commits and settles records with a shard of 16 KiB.
func commitInline(d *local.Drive) func(uint64) error {
	shard := make([]byte, 16<<10)
	done := make(chan error, 1)
	return func(n uint64) error {
		r := smallObject(n, 16<<10)
		r.Inline = shard
		d.Commit(r, func(err error) { done <- err })
		return settleAfter(d, r, <-done)
	}
}

// commitBulk writes shards of 1 MiB from blocks of an arena's size, commits and settles them.
func commitBulk(d *local.Drive) func(uint64) error {
	const shardBytes = 1 << 20
	memory := alignedMemory(shardBytes)
	var blocks [][]byte
	for at := 0; at < shardBytes; at += arena.BlockBytes {
		blocks = append(blocks, memory[at:at+arena.BlockBytes])
	}
	done := make(chan error, 1)
	return func(n uint64) error {
		w, err := d.Create(context.Background(), shardBytes)
		if err != nil {
			return err
		}
		w.Write(blocks, func(error) {}) // Seal tells of it
		r := smallObject(n, shardBytes)
		if r.Bulk, err = w.Seal(); err != nil {
			return err
		}
		d.Commit(r, func(err error) { done <- err })
		return settleAfter(d, r, <-done)
	}
}

// alignedMemory begins on a page, as an arena's blocks do.
func alignedMemory(bytes int) []byte {
	p := make([]byte, bytes+ioengine.AlignBytes)
	skip := -int(uintptr(unsafe.Pointer(&p[0]))) & (ioengine.AlignBytes - 1)
	return p[skip : skip+bytes : skip+bytes]
}

// settleAfter settles r if its commit ended well.
func settleAfter(d *local.Drive, r *drive.Record, err error) error {
	if err == nil {
		d.Commit(settleOf(r), nil)
	}
	return err
}

// smallObject is write n of a name of its own, in no order of names, with about as much
// metadata as an object has (ETag, checksum, type); its shard is left to the caller.
func smallObject(n uint64, shardBytes int64) *drive.Record {
	o := drive.Order{Term: 1, Sequence: n}
	r := &drive.Record{Type: drive.TypePut, Order: o, Token: o, SizeBytes: 2 * shardBytes,
		ShardBytes: shardBytes, Meta: make([]byte, 150), ModTimeNanos: 1,
		Geometry: drive.Geometry{Data: 2, Parity: 2}}
	r.Key = drive.Key{Space: drive.SpaceObject, Bucket: drive.BucketID{1},
		Name: fmt.Sprintf("photos/%016x.jpg", n*0x9E3779B97F4A7C15)}
	binary.BigEndian.PutUint64(r.WriteID[:], n)
	return r
}
