package local

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"testing"
)

// tableSeed is random, or that of the environment to replay a failure.
func tableSeed(t *testing.T) uint64 {
	seed, err := strconv.ParseUint(os.Getenv("TABLE_SEED"), 10, 64)
	if err != nil {
		seed = rand.Uint64()
	}
	t.Logf("TABLE_SEED=%d", seed)
	return seed
}

// TestTable compares the table with a map: it may forget, but never answers an old value.
func TestTable(t *testing.T) {
	r := rand.New(rand.NewPCG(tableSeed(t), 1))
	table, truth := newTable(tableMin), make(map[string][]byte)
	memory := make([]byte, 1<<20)
	hits := 0
	for range 200_000 {
		row := append([]byte{byte(r.IntN(200)), byte(r.IntN(2))}, make([]byte, r.IntN(3))...)
		if r.IntN(3) == 0 {
			value := bytes.Repeat([]byte{byte(r.Uint32())}, r.IntN(400)) // some do not fit
			table.put(row, value)
			truth[string(row)] = value
			continue
		}
		alloc := func(n int) []byte { return memory[:n] }
		if r.IntN(2) == 0 {
			alloc = nil
		}
		if v := table.get(row, alloc); v != nil {
			hits++
			if !slices.Equal(v, truth[string(row)]) {
				t.Fatalf("row %x is %d bytes, want %d", row, len(v), len(truth[string(row)]))
			}
		}
	}
	if hits < 1000 {
		t.Fatalf("%d hits", hits)
	}
	if err := table.close(); err != nil {
		t.Fatal(err)
	}
	table.put([]byte("a"), []byte("b"))
	if table.get([]byte("a"), nil) != nil {
		t.Fatal("a closed table has a row")
	}
}

// TestTableKeepsWhatIsRead: rows that are written and never asked for do not drive out a row
// that is.
func TestTableKeepsWhatIsRead(t *testing.T) {
	table := newTable(tableMin)
	defer table.close()
	hot, value := []byte("hot row"), make([]byte, 200)
	table.put(hot, value)
	for n := range uint64(10_000) {
		if table.get(hot, nil) == nil {
			t.Fatalf("gone after %d rows", n)
		}
		table.put(binary.BigEndian.AppendUint64([]byte("cold row"), n), value)
	}
}

// BenchmarkTableZipf is the share of hits of a Zipf workload over 10 times as many registers as
// the table holds, with as many writes of other registers as reads or without.
func BenchmarkTableZipf(b *testing.B) {
	for name, writes := range map[string]int{"reads": 0, "reads+writes": 1} {
		b.Run(name, func(b *testing.B) {
			const tableBytes, rowBytes = 1 << 20, 400
			table := newTable(tableBytes)
			defer table.close()
			r := rand.New(rand.NewPCG(1, 2))
			zipf := rand.NewZipf(r, 1.1, 1, 10*tableBytes/rowBytes)
			memory, value := make([]byte, rowBytes), make([]byte, rowBytes-60)
			alloc := func(n int) []byte { return memory[:n] }
			row := make([]byte, 40)
			hits, written := 0, uint64(0)
			for b.Loop() {
				binary.LittleEndian.PutUint64(row, zipf.Uint64()*0x9E3779B97F4A7C15)
				if table.get(row, alloc) != nil {
					hits++
				} else {
					table.put(row, value)
				}
				for range writes {
					written++
					binary.LittleEndian.PutUint64(row, ^written)
					table.put(row, value)
				}
			}
			b.ReportMetric(100*float64(hits)/float64(b.N), "%hits")
		})
	}
}

// BenchmarkTableGet is a hit, by 8 goroutines at once.
func BenchmarkTableGet(b *testing.B) {
	table := newTable(8 << 20)
	defer table.close()
	const rows = 10_000
	for n := range uint64(rows) {
		table.put(binary.LittleEndian.AppendUint64(make([]byte, 32), n), make([]byte, 340))
	}
	b.SetParallelism(8)
	b.RunParallel(func(p *testing.PB) {
		memory := make([]byte, 400)
		alloc := func(n int) []byte { return memory[:n] }
		row := make([]byte, 40)
		for n := rand.Uint64(); p.Next(); n++ {
			binary.LittleEndian.PutUint64(row[32:], n*7919%rows)
			table.get(row, alloc)
		}
	})
}
