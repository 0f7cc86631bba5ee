package local_test

import (
	"encoding/binary"
	"fmt"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"flashstore/engine/drive"
	"flashstore/engine/drive/local"
)

// cpuTime is what this process has used so far.
func cpuTime() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkCommit measures durable commits of records with 2.4 KB of inline shard, on one
// drive and on four at once (one operation is a commit on every drive).
func BenchmarkCommit(b *testing.B) {
	for _, drives := range []int{1, 4} {
		for _, writers := range []int{1, 16, 64} {
			b.Run(fmt.Sprintf("drives=%d/writers=%d", drives, writers), func(b *testing.B) {
				benchmarkCommit(b, drives, writers)
			})
		}
	}
}

func benchmarkCommit(b *testing.B, drives, writers int) {
	e := newEngine(b)
	ds := make([]*local.Drive, drives)
	for i := range ds {
		c := config(e, filepath.Join(b.TempDir(), "d"))
		c.LogSegmentBytes = 64 << 20
		if err := local.Format(e, c.Path, identity); err != nil {
			b.Fatal(err)
		}
		ds[i] = open(b, c)
	}
	var next atomic.Int64
	var wg sync.WaitGroup
	cpu := cpuTime()
	b.ResetTimer()
	for range writers {
		wg.Go(func() {
			done := make(chan error, drives)
			for {
				n := next.Add(1)
				if n > int64(b.N) {
					return
				}
				r := inlineRecord(uint64(n))
				for _, d := range ds {
					d.Commit(r, func(err error) { done <- err })
				}
				for range ds {
					if err := <-done; err != nil {
						b.Error(err)
					}
				}
			}
		})
	}
	wg.Wait()
	b.StopTimer()
	b.ReportMetric(float64((cpuTime()-cpu).Microseconds())/float64(b.N*drives), "cpu-us/commit")
	b.ReportMetric(float64(b.N*drives)/b.Elapsed().Seconds(), "commits/s")
	i := ds[0].Info().Counters
	b.ReportMetric(float64(i.Commits)/float64(i.Batches), "commits/batch")
}

func inlineRecord(n uint64) *drive.Record {
	o := drive.Order{Term: 1, Sequence: n}
	r := &drive.Record{Type: drive.TypePut, Order: o, Token: o, SizeBytes: 4096,
		ShardBytes: 2048, Inline: make([]byte, 2048), Meta: make([]byte, 200)}
	r.Key = drive.Key{Space: drive.SpaceObject,
		Name: fmt.Sprintf("prefix/object-%016x", n*0x9E3779B97F4A7C15)}
	binary.BigEndian.PutUint64(r.WriteID[:], n)
	return r
}
