//go:build linux && (amd64 || arm64)

package uring

import (
	"errors"
	"io"
	"math/rand/v2"
	"syscall"
	"testing"

	"flashstore/ioengine"
)

// directFile is a File of which only Direct matters here.
type directFile struct {
	ioengine.File
	direct bool
}

func (f directFile) Direct() bool { return f.direct }

// TestTransferCoversEverything plays a kernel that moves less than it was asked for, at
// random: the pieces must cover the buffers once, in order, and stay within the limits.
func TestTransferCoversEverything(t *testing.T) {
	seed := rand.Uint64()
	random := rand.New(rand.NewPCG(seed, 0))
	for range 300 {
		var bufs [][]byte
		total := 0
		for range random.IntN(60) {
			bufs = append(bufs, make([]byte, random.IntN(1<<random.IntN(21))))
			total += len(bufs[len(bufs)-1])
		}
		op := &ioengine.Op{Kind: ioengine.Read, File: directFile{}, Bufs: bufs, OffsetBytes: 7}
		var tr transfer
		moved := 0
		for again := !tr.start(op); again; {
			if tr.offsetBytes != int64(7+moved) {
				t.Fatalf("seed %d: at %d after %d bytes", seed, tr.offsetBytes, moved)
			}
			asked := requested(&tr)
			if asked == 0 || asked > requestMaxBytes {
				t.Fatalf("seed %d: a request for %d bytes", seed, asked)
			}
			n := 1 + random.IntN(asked)
			moved += n
			var err error
			if again, err = tr.result(int32(n)); err != nil {
				t.Fatalf("seed %d: %v", seed, err)
			}
		}
		if moved != total {
			t.Fatalf("seed %d: %d of %d bytes", seed, moved, total)
		}
	}
}

func requested(t *transfer) int {
	count, lastBytes := t.request()
	if count > requestMaxBufs {
		return -1
	}
	return ioengine.TotalBytes(t.rest[:count-1]) + lastBytes
}

// step is one answer of the kernel and what the transfer must make of it.
type step struct {
	res   int32
	dsync bool // the request that is answered carried RWF_DSYNC
	again bool
	err   error
}

func TestTransferStories(t *testing.T) {
	const eintr, enotsup = -int32(syscall.EINTR), -int32(syscall.EOPNOTSUPP)
	const eio = -int32(syscall.EIO)
	small := [][]byte{make([]byte, 8<<10)}
	big := [][]byte{make([]byte, 512<<10), make([]byte, 4<<10)}
	for name, c := range map[string]struct {
		op    ioengine.Op
		steps []step
	}{
		"short dsync write goes on with dsync": {
			ioengine.Op{Kind: ioengine.Write, Bufs: small, DSync: true},
			[]step{{4 << 10, true, true, nil}, {4 << 10, true, false, nil}},
		},
		"large dsync write syncs once, at its end": {
			ioengine.Op{Kind: ioengine.Write, Bufs: big, DSync: true},
			[]step{{512 << 10, false, true, nil}, {4 << 10, false, true, nil}, {0, false, false, nil}},
		},
		"the sync at the end fails": {
			ioengine.Op{Kind: ioengine.Write, Bufs: big, DSync: true},
			[]step{{512 << 10, false, true, nil}, {4 << 10, false, true, nil},
				{eio, false, false, syscall.EIO}},
		},
		"no RWF_DSYNC here": {
			ioengine.Op{Kind: ioengine.Write, Bufs: small, DSync: true},
			[]step{{enotsup, true, true, nil}, {8 << 10, false, true, nil}, {0, false, false, nil}},
		},
		"an interrupted write is repeated": {
			ioengine.Op{Kind: ioengine.Write, Bufs: small},
			[]step{{eintr, false, true, nil}, {8 << 10, false, false, nil}},
		},
		"an interrupted sync is a failed sync": {
			ioengine.Op{Kind: ioengine.DataSync},
			[]step{{eintr, false, false, syscall.EINTR}},
		},
		"a write that moves nothing": {
			ioengine.Op{Kind: ioengine.Write, Bufs: small},
			[]step{{0, false, false, io.ErrShortWrite}},
		},
		"the end of the file": {
			ioengine.Op{Kind: ioengine.Read, Bufs: small},
			[]step{{4 << 10, false, true, nil}, {0, false, false, io.ErrUnexpectedEOF}},
		},
		"an odd end of a direct file": {
			ioengine.Op{Kind: ioengine.Read, Bufs: small, File: directFile{direct: true}},
			[]step{{4097, false, false, io.ErrUnexpectedEOF}},
		},
	} {
		t.Run(name, func(t *testing.T) { tell(t, c.op, c.steps) })
	}
}

func tell(t *testing.T, op ioengine.Op, steps []step) {
	if op.File == nil {
		op.File = directFile{}
	}
	var tr transfer
	if tr.start(&op) {
		t.Fatal("over before it began")
	}
	for i, s := range steps {
		if got := tr.dsync(); got != s.dsync {
			t.Fatalf("step %d: dsync %v", i, got)
		}
		again, err := tr.result(s.res)
		if again != s.again || !errors.Is(err, s.err) {
			t.Fatalf("step %d: again %v, %v", i, again, err)
		}
	}
}
