//go:build amd64 || arm64

package uring

import (
	"encoding/binary"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"flashstore/ioengine"
	"flashstore/ioengine/osfile"
	"flashstore/ioengine/threadpool"
)

// tableFileBytes is the length of a drive's file. tableEntries has room for the operations of
// 64 connections.
const (
	tableFileBytes = 64 << 20
	tableEntries   = 512
)

var (
	loopReps = flag.Int("loopring", 0, "TestLoopRingTable: repetitions, 5 or more")
	loopTime = flag.Duration("looptime", 500*time.Millisecond, "TestLoopRingTable: time of each")
	loopOnly = flag.String("looponly", "", "TestLoopRingTable: kinds, as in get,commit")
)

// way is how a loop's requests get to the disks and its goroutine sleeps.
type way struct {
	name   string
	nested bool // in Go's poller, as netloop/readiness does; else its thread blocks in epoll_wait
	own    bool // a ring of the loop's own
	worker bool // goroutines between loop and engine
	pool   bool // threadpool, not uring
}

func ways() []way {
	return []way{
		{name: "dedicated", nested: true}, // what others are compared with
		{name: "dedicated-block"},
		{name: "own", nested: true, own: true},
		{name: "own-block", own: true},
		{name: "workers", nested: true, worker: true},
		{name: "threadpool", nested: true, pool: true},
	}
}

// cell is one run.
type cell struct {
	way       way
	kind      kind
	conns     int
	procs     int
	duration  time.Duration
	fileBytes int64 // of each drive
}

// cellResult is what came of it. cpu is of the server's process.
type cellResult struct {
	clientResult
	cpu time.Duration
}

func (r cellResult) opsPerSecond() float64 { return float64(r.ops) / r.elapsed.Seconds() }
func (r cellResult) cpuMicros() float64    { return micros(r.cpu) / float64(r.ops) }
func (r cellResult) p99Micros() float64    { return micros(r.p99) }

func micros(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1e3 }

func drivePath(dir string, i int) string { return filepath.Join(dir, fmt.Sprint("drive", i)) }
func logPath(dir string, i int) string   { return filepath.Join(dir, fmt.Sprint("log", i)) }

// makeDrives writes the files once; every block begins with its number.
func makeDrives(t *testing.T, dir string, fileBytes int64) {
	t.Helper()
	e := openEngine(t, dir, false)
	chunk := blocks(256)
	for i := range drivesPerLoop {
		for _, path := range []string{drivePath(dir, i), logPath(dir, i)} {
			f := openDrive(t, e.Files(), path)
			for at := int64(0); at < fileBytes; at += int64(len(chunk)) {
				for block := 0; block < len(chunk); block += ioengine.AlignBytes {
					number := uint64(at+int64(block)) / ioengine.AlignBytes
					binary.LittleEndian.PutUint64(chunk[block:], number)
				}
				runOn(t, e, write(f, at, chunk))
			}
			runOn(t, e, ioengine.Op{Kind: ioengine.DataSync, File: f})
			_ = f.Close()
		}
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
}

func openEngine(t *testing.T, dir string, pool bool) ioengine.Engine {
	t.Helper()
	var e ioengine.Engine
	var err error
	if pool {
		e, err = threadpool.New(threadpool.Config{})
	} else {
		e, err = New(Config{Rings: 1, Entries: tableEntries, ProbeDir: dir})
	}
	if err != nil {
		t.Skip(err)
	}
	return e
}

func openDrive(t *testing.T, files ioengine.FileSystem, path string) ioengine.File {
	t.Helper()
	f, err := files.Open(path, ioengine.OpenFlags{Create: true, Write: true, Direct: true})
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// rig is the server of one cell.
type rig struct {
	loop   *testLoop
	engine ioengine.Engine
	files  []ioengine.File
	memory []byte
}

// runCell serves clients for the duration.
func runCell(t *testing.T, dir string, c cell) cellResult {
	t.Helper()
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(c.procs))
	g := newRig(t, dir, c)
	fds := g.connect(t)
	seed := rand.Uint64()
	p, err := startClients(c, seed, fds)
	if err != nil {
		t.Fatal(err)
	}
	opened, ended := make(chan error), make(chan error)
	go g.serve(c.way, opened, ended)
	if err := <-opened; err != nil {
		t.Fatal(err)
	}
	runtime.GC() // not in the middle
	before := cpuTime(unix.RUSAGE_SELF)
	if err := p.begin(); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	cpu := cpuTime(unix.RUSAGE_SELF) - before
	seen, err := p.end()
	if err != nil {
		t.Fatalf("clients (seed %d): %v", seed, err)
	}
	g.close(t)
	return cellResult{seen, cpu}
}

func newRig(t *testing.T, dir string, c cell) *rig {
	t.Helper()
	poller, err := newTestPoller(c.way.nested)
	if err != nil {
		t.Fatal(err)
	}
	g := &rig{engine: openEngine(t, dir, c.way.pool), loop: &testLoop{poller: poller, open: c.conns}}
	g.loop.mail.poller = poller
	files, err := osfile.New(osfile.Config{})
	if err != nil {
		t.Fatal(err)
	}
	for i := range drivesPerLoop {
		g.files = append(g.files, openDrive(t, files, drivePath(dir, i)))
	}
	for i := range drivesPerLoop {
		g.files = append(g.files, openDrive(t, files, logPath(dir, i)))
	}
	g.memory, err = unix.Mmap(-1, 0, c.conns*connBytes, unix.PROT_READ|unix.PROT_WRITE,
		unix.MAP_PRIVATE|unix.MAP_ANONYMOUS)
	if err != nil {
		t.Fatal(err)
	}
	for i := range c.conns {
		g.loop.conns = append(g.loop.conns, &loopConn{
			memory: g.memory[i*connBytes:][:connBytes], files: g.files[:drivesPerLoop],
			finished: make(chan struct{}, 1)})
	}
	g.loop.committers = newCommitters(g.engine, g.files[drivesPerLoop:], c.fileBytes)
	return g
}

// connect returns the clients' ends.
func (g *rig) connect(t *testing.T) (fds []int) {
	t.Helper()
	for i, c := range g.loop.conns {
		pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
		if err == nil {
			err = unix.SetNonblock(pair[0], true)
		}
		if err == nil {
			c.fd = pair[0]
			err = g.loop.poller.add(c.fd, unix.EPOLLIN|unix.EPOLLET, int32(i))
		}
		if err != nil {
			t.Fatal(err)
		}
		fds = append(fds, pair[1])
	}
	return fds
}

// serve is the loop's goroutine.
func (g *rig) serve(w way, opened, ended chan<- error) {
	l := g.loop
	switch {
	case w.own:
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		d, err := newOwnRing(l, g.memory)
		if err != nil {
			opened <- err
			return
		}
		l.disk = d
	case w.worker:
		l.disk = newWorkers(l, g.engine)
	default:
		l.disk = &handOver{l, g.engine}
	}
	if r, ok := g.engine.(ioengine.BufferRegistrar); ok && !w.own {
		defer r.RegisterBuffers(g.memory)()
	}
	for _, c := range l.conns {
		c.disk = l.disk
		c.batch.Done = func(*ioengine.Batch) { c.disk.done(c) }
	}
	opened <- nil
	err := l.run()
	l.disk.close()
	ended <- err
}

func (g *rig) close(t *testing.T) {
	t.Helper()
	g.loop.committers.close()
	if err := g.engine.Close(); err != nil {
		t.Fatal(err)
	}
	g.loop.poller.close()
	for _, f := range g.files {
		_ = f.Close()
	}
	_ = unix.Munmap(g.memory)
}

func cpuTime(who int) time.Duration {
	var u unix.Rusage
	if err := unix.Getrusage(who, &u); err != nil {
		panic(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// TestLoopRingTable prints the experiment's table. Repetitions go forth and back through the
// ways, so that a machine that changes its pace does it to all of them. It wants a machine of
// its own: each block says what others took of it. Columns are the median and, in brackets, the
// quartiles; the last two are the median of the ratios to the first way within a repetition.
//
//	go test ./ioengine/uring -run TestLoopRingTable -loopring 7 -timeout 30m
func TestLoopRingTable(t *testing.T) {
	if *loopReps == 0 {
		t.Skip("takes minutes: -loopring 7")
	}
	dir := t.TempDir()
	makeDrives(t, dir, tableFileBytes)
	for k := range kindCount {
		if *loopOnly != "" && !slices.Contains(strings.Split(*loopOnly, ","), k.String()) {
			continue
		}
		for _, procs := range []int{1, 2} {
			for _, conns := range []int{1, 16, 64} {
				printCells(t, dir, cell{kind: k, conns: conns, procs: procs,
					duration: *loopTime, fileBytes: tableFileBytes})
			}
		}
	}
}

// busyTime is what the machine's processors have worked since it began (proc_stat(5): all but
// idle and iowait, in hundredths of a second), and what of it we and our clients did.
func busyTime(t *testing.T) (all, own time.Duration) {
	t.Helper()
	text, err := os.ReadFile("/proc/stat")
	if err != nil {
		t.Fatal(err)
	}
	var user, nice, system, idle, wait, irq, soft int64
	_, err = fmt.Sscanf(string(text), "cpu %d %d %d %d %d %d %d",
		&user, &nice, &system, &idle, &wait, &irq, &soft)
	if err != nil {
		t.Fatal(err)
	}
	all = time.Duration(user+nice+system+irq+soft) * 10 * time.Millisecond
	return all, cpuTime(unix.RUSAGE_SELF) + cpuTime(unix.RUSAGE_CHILDREN)
}

func printCells(t *testing.T, dir string, c cell) {
	all := ways()
	results := make([][]cellResult, len(all))
	start := time.Now()
	machine, ours := busyTime(t)
	for rep := range *loopReps {
		for i := range all {
			if rep%2 == 1 {
				i = len(all) - 1 - i
			}
			c.way = all[i]
			results[i] = append(results[i], runCell(t, dir, c))
		}
	}
	machineNow, oursNow := busyTime(t)
	others := (machineNow - machine - oursNow + ours).Seconds() / time.Since(start).Seconds()
	fmt.Printf("\n%s, %d connections, GOMAXPROCS=%d; other processes used %.2f CPUs\n",
		c.kind, c.conns, c.procs, others)
	fmt.Printf("%-16s %24s %24s %27s %7s %7s\n", "", "ops/s", "cpu µs/op", "p99 µs", "ops", "cpu")
	for i, w := range all {
		fmt.Printf("%-16s %24s %24s %27s %6.2fx %6.2fx\n", w.name,
			spread(results[i], cellResult.opsPerSecond, 0), spread(results[i], cellResult.cpuMicros, 1),
			spread(results[i], cellResult.p99Micros, 0),
			ratio(results[i], results[0], cellResult.opsPerSecond),
			ratio(results[i], results[0], cellResult.cpuMicros))
	}
}

func spread(list []cellResult, value func(cellResult) float64, digits int) string {
	var v []float64
	for _, r := range list {
		v = append(v, value(r))
	}
	slices.Sort(v)
	n := len(v)
	return fmt.Sprintf("%.*f (%.*f-%.*f)", digits, v[n/2], digits, v[n/4], digits, v[n-1-n/4])
}

func ratio(list, first []cellResult, value func(cellResult) float64) float64 {
	var v []float64
	for i := range list {
		v = append(v, value(list[i])/value(first[i]))
	}
	slices.Sort(v)
	return v[len(v)/2]
}

func runOn(t *testing.T, e ioengine.Engine, ops ...ioengine.Op) {
	t.Helper()
	if err := ioengine.Run(e, ioengine.Foreground, ops...); err != nil {
		t.Fatal(err)
	}
}
