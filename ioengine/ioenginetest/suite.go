package ioenginetest

import (
	"math/rand/v2"
	"path/filepath"
	"testing"
	"unsafe"

	"flashstore/ioengine"
)

// NewFunc makes an engine for one test; the suite closes it.
type NewFunc func(t testing.TB) ioengine.Engine

// testCase gets an engine of its own.
type testCase struct {
	name string
	run  func(*testing.T, ioengine.Engine)
}

// Run runs the suite on an engine that really moves bytes.
func Run(t *testing.T, newEngine NewFunc) {
	t.Helper()
	runCases(t, newEngine, []testCase{
		{"RoundTripBuffered", func(t *testing.T, e ioengine.Engine) { roundTrip(t, e, false) }},
		{"RoundTripDirect", func(t *testing.T, e ioengine.Engine) { roundTrip(t, e, true) }},
		{"Vectored", vectored},
		{"ManyBuffers", manyBuffers},
		{"Large", large},
		{"OneBatchManyFiles", oneBatchManyFiles},
		{"ConcurrentBatches", concurrentBatches},
		{"BatchReuse", batchReuse},
		{"PastEnd", pastEnd},
		{"PastEndDirect", pastEndDirect},
		{"Empty", empty},
		{"DataSync", dataSync},
		{"BadDescriptor", badDescriptor},
		{"NoSpace", noSpace},
		{"ErrorsStayApart", errorsStayApart},
		{"ReadCached", readCached},
		{"Punch", punch},
		{"Lock", lock},
		{"Stats", stats},
		{"CloseFileInFlight", closeFileInFlight},
		{"FilesComeAndGo", filesComeAndGo},
		{"RegisteredMemory", registeredMemory},
	})
	RunLifecycle(t, newEngine)
}

// RunHost is the part of the suite for engines on the machine's own files: it borrows special
// ones, to meet short transfers and operations that do not end.
func RunHost(t *testing.T, newEngine NewFunc) {
	t.Helper()
	runCases(t, newEngine, []testCase{
		{"ShortWrite", shortWrite},
		{"ShortPipe", shortPipe},
		{"BufferStaysLent", bufferStaysLent},
		{"FailedSync", failedSync},
	})
}

func runCases(t *testing.T, newEngine NewFunc, cases []testCase) {
	t.Helper()
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			e := newEngine(t)
			c.run(t, e)
			if err := e.Close(); err != nil {
				t.Fatalf("Close: %v", err)
			}
		})
	}
}

// RunLifecycle is the part of the suite that holds for engines that move no bytes as well.
func RunLifecycle(t *testing.T, newEngine NewFunc) {
	t.Helper()
	runCases(t, newEngine, []testCase{{"DoneTakesALock", doneTakesALock}})
	t.Run("SubmitAfterClose", func(t *testing.T) { submitAfterClose(t, newEngine(t)) })
	t.Run("CloseUnderLoad", func(t *testing.T) { closeUnderLoad(t, newEngine(t)) })
	t.Run("CloseTwice", func(t *testing.T) { closeTwice(t, newEngine(t)) })
}

// aligned returns n bytes that start at a multiple of AlignBytes.
func aligned(n int) []byte {
	raw := make([]byte, n+ioengine.AlignBytes)
	skip := -int(uintptr(unsafe.Pointer(unsafe.SliceData(raw)))) & (ioengine.AlignBytes - 1)
	return raw[skip : skip+n : skip+n]
}

// pattern fills p so that every 8 bytes tell seed and position.
func pattern(p []byte, seed uint64) {
	random := rand.New(rand.NewPCG(seed, uint64(len(p))))
	for i := range p {
		if i%8 == 0 {
			for j, v := 0, random.Uint64(); j < 8 && i+j < len(p); j++ {
				p[i+j] = byte(v >> (8 * j))
			}
		}
	}
}

func patterned(n int, seed uint64) []byte {
	p := aligned(n)
	pattern(p, seed)
	return p
}

// openNew creates a file that the test closes at its end.
func openNew(t testing.TB, e ioengine.Engine, direct bool) ioengine.File {
	t.Helper()
	f, err := e.Files().Open(filepath.Join(t.TempDir(), "file"),
		ioengine.OpenFlags{Create: true, Exclusive: true, Write: true, Direct: direct})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	return f
}

func run(t testing.TB, e ioengine.Engine, ops ...ioengine.Op) {
	t.Helper()
	if err := ioengine.Run(e, ioengine.Foreground, ops...); err != nil {
		t.Fatal(err)
	}
}

func writeOp(f ioengine.File, offsetBytes int64, bufs ...[]byte) ioengine.Op {
	return ioengine.Op{Kind: ioengine.Write, File: f, Bufs: bufs, OffsetBytes: offsetBytes}
}

func readOp(f ioengine.File, offsetBytes int64, bufs ...[]byte) ioengine.Op {
	return ioengine.Op{Kind: ioengine.Read, File: f, Bufs: bufs, OffsetBytes: offsetBytes}
}
