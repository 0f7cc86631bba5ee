//go:build amd64 || arm64

package uring

import (
	"bytes"
	"errors"
	"path/filepath"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"flashstore/ioengine"
)

// opNop is IORING_OP_NOP.
const opNop = 0

// The tests of this file put themselves between a ring and the kernel (queues.call), which
// really works but refuses, forgets or shortens what they want.

// testEngine is an engine of one ring that kernel stands before. Close is the test's.
func testEngine(t *testing.T, c Config, kernel func(q *queues, submit, wait int) syscall.Errno) *Engine {
	t.Helper()
	c.Rings, c.ProbeDir = 1, t.TempDir()
	e, err := New(c)
	if errors.Is(err, ErrUnavailable) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	q := e.rings[0].queues
	e.rings[0].do(func() {
		q.call = func(_, submit, wait int) syscall.Errno { return kernel(q, submit, wait) }
	})
	return e
}

// waiting calls f for each request that the kernel has not taken.
func (q *queues) waiting(f func(*sqe)) {
	for at := q.sqHead.Load(); at != q.sqNext; at++ {
		f(&q.sqes[at&q.sqMask])
	}
}

// answered calls f for each completion that was not reaped.
func (q *queues) answered(f func(*cqe)) {
	for at := q.cqHead.Load(); at != q.cqTail.Load(); at++ {
		f(&q.cqes[at&q.cqMask])
	}
}

func newFile(t *testing.T, e *Engine, direct bool) ioengine.File {
	t.Helper()
	f, err := e.Files().Open(filepath.Join(t.TempDir(), "file"),
		ioengine.OpenFlags{Create: true, Write: true, Direct: direct})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	return f
}

// blocks is n aligned blocks that all differ.
func blocks(n int) []byte {
	p := make([]byte, (n+1)*ioengine.AlignBytes)
	skip := -int(address(p)) & (ioengine.AlignBytes - 1)
	p = p[skip : skip+n*ioengine.AlignBytes]
	for i := range p {
		p[i] = byte(i/ioengine.AlignBytes) ^ byte(i)
	}
	return p
}

func write(f ioengine.File, offsetBytes int64, bufs ...[]byte) ioengine.Op {
	return ioengine.Op{Kind: ioengine.Write, File: f, Bufs: bufs, OffsetBytes: offsetBytes}
}

func read(f ioengine.File, offsetBytes int64, bufs ...[]byte) ioengine.Op {
	return ioengine.Op{Kind: ioengine.Read, File: f, Bufs: bufs, OffsetBytes: offsetBytes}
}

func mustRun(t *testing.T, e *Engine, ops ...ioengine.Op) {
	t.Helper()
	if err := ioengine.Run(e, ioengine.Foreground, ops...); err != nil {
		t.Fatal(err)
	}
}

func mustHold(t *testing.T, e *Engine, f ioengine.File, want []byte) {
	t.Helper()
	got := blocks(len(want) / ioengine.AlignBytes)
	clear(got)
	mustRun(t, e, read(f, 0, got))
	if !bytes.Equal(got, want) {
		t.Fatal("other bytes came back")
	}
}

func mustClose(t *testing.T, e *Engine) {
	t.Helper()
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
}

// refuser answers every enter with errno while it is on.
type refuser struct {
	errno   syscall.Errno
	on      atomic.Bool
	refused chan struct{} // one for each answer, as far as somebody waits for it
}

func (r *refuser) enter(q *queues, submit, wait int) syscall.Errno {
	if !r.on.Load() {
		return enter(q.fd, submit, wait)
	}
	select {
	case r.refused <- struct{}{}:
	default:
	}
	return r.errno
}

// TestEnterRefused: while enter answers EAGAIN (no memory) or EBUSY (completions first) the
// requests stay queued, their buffers lent and the batch not done; then all of it is done once.
func TestEnterRefused(t *testing.T) {
	for _, errno := range []syscall.Errno{unix.EAGAIN, unix.EBUSY, unix.EINTR} {
		t.Run(unix.ErrnoName(errno), func(t *testing.T) {
			kernel := &refuser{errno: errno, refused: make(chan struct{})}
			e := testEngine(t, Config{Entries: 8}, kernel.enter)
			f, want := newFile(t, e, true), blocks(20)
			kernel.on.Store(true)
			done := make(chan struct{}) // a second Done would panic
			b := &ioengine.Batch{Done: func(*ioengine.Batch) { close(done) }}
			for i := range 20 { // more than there are slots
				at := i * ioengine.AlignBytes
				b.Ops = append(b.Ops, write(f, int64(at), want[at:at+ioengine.AlignBytes]))
			}
			e.Submit(b)
			for range 5 {
				<-kernel.refused
			}
			select {
			case <-done:
				t.Fatal("done, though the kernel took nothing")
			default:
			}
			kernel.on.Store(false)
			<-done
			if err := b.Err(); err != nil {
				t.Fatal(err)
			}
			mustHold(t, e, f, want)
			mustClose(t, e)
		})
	}
}

// TestCloseWhileEnterIsRefused: Close gives up, the buffers stay lent, and when the kernel
// relents the operations end and so does the ring.
func TestCloseWhileEnterIsRefused(t *testing.T) {
	kernel := &refuser{errno: unix.EBUSY, refused: make(chan struct{})}
	e := testEngine(t, Config{Entries: 4, DrainMax: 20 * time.Millisecond}, kernel.enter)
	f := newFile(t, e, false)
	kernel.on.Store(true)
	done := make(chan struct{})
	b := &ioengine.Batch{Done: func(*ioengine.Batch) { close(done) }}
	b.Ops = append(b.Ops, write(f, 0, []byte("lent")))
	e.Submit(b)
	<-kernel.refused
	if err := e.Close(); !errors.Is(err, ioengine.ErrStuck) {
		t.Fatalf("Close: %v", err)
	}
	select {
	case <-done:
		t.Fatal("the buffer came back while its request was queued")
	default:
	}
	kernel.on.Store(false)
	<-done
	if err := b.Err(); err != nil && !errors.Is(err, ioengine.ErrClosed) {
		t.Fatal(err)
	}
	mustClose(t, e)
}

// TestEnterTakesAPart: the kernel may take fewer requests than it was handed.
func TestEnterTakesAPart(t *testing.T) {
	e := testEngine(t, Config{Entries: 16}, func(q *queues, submit, wait int) syscall.Errno {
		if submit > 1 {
			return enter(q.fd, 1, 0) // as the kernel does: it does not wait then
		}
		return enter(q.fd, submit, wait)
	})
	f, want := newFile(t, e, true), blocks(12)
	var ops []ioengine.Op
	for i := range 12 {
		at := i * ioengine.AlignBytes
		ops = append(ops, write(f, int64(at), want[at:at+ioengine.AlignBytes]))
	}
	mustRun(t, e, ops...)
	mustHold(t, e, f, want)
	mustClose(t, e)
}

// TestShortTransfers: of every read and write the kernel moves one block, or one buffer of a
// vector; the rest is asked for again, and the file's bytes are right.
func TestShortTransfers(t *testing.T) {
	shortened := 0
	e := testEngine(t, Config{}, func(q *queues, submit, wait int) syscall.Errno {
		q.waiting(func(s *sqe) {
			short := uint32(1)
			switch {
			case uint32(s.userData) == wakeSlot || s.opcode == opFsync:
				return
			case s.opcode == opRead || s.opcode == opWrite:
				short = ioengine.AlignBytes
			}
			if s.len > short {
				s.len = short
				shortened++
			}
		})
		return enter(q.fd, submit, wait)
	})
	const count = 7
	for _, direct := range []bool{false, true} {
		for _, vector := range []bool{false, true} {
			f, want, got := newFile(t, e, direct), blocks(count), blocks(count)
			clear(got)
			out, in := [][]byte{want}, [][]byte{got}
			if vector {
				const first, second = ioengine.AlignBytes, 3 * ioengine.AlignBytes
				out = [][]byte{want[:first], want[first:second], want[second:]}
				in = [][]byte{got[:second], got[second:]}
			}
			op := write(f, 0, out...)
			op.DSync = true
			mustRun(t, e, op)
			mustRun(t, e, read(f, 0, in...))
			if !bytes.Equal(got, want) {
				t.Fatalf("direct %v, vector %v: other bytes came back", direct, vector)
			}
		}
	}
	mustClose(t, e)
	if shortened < 4*count {
		t.Fatalf("only %d requests were shortened", shortened)
	}
}

// TestCompletionQueueOverflow lets the kernel fill the completion queue beyond its end before
// it gets the ring's own requests: it puts the rest aside, and the ring's own completions,
// which are behind, come all the same, once.
func TestCompletionQueueOverflow(t *testing.T) {
	var flood atomic.Int32 // completions beyond the end; 0: none
	e := testEngine(t, Config{Entries: 4}, func(q *queues, submit, wait int) syscall.Errno {
		if n := flood.Load(); n > 0 && submit > 1 { // more than the eventfd's read
			flood.Store(0)
			overflow(t, q, int(n))
			return 0
		}
		return enter(q.fd, submit, wait)
	})
	f, want := newFile(t, e, false), blocks(6)
	for beyond := range int32(20) {
		flood.Store(beyond + 1)
		var ops []ioengine.Op
		for i := range 6 {
			at := i * ioengine.AlignBytes
			ops = append(ops, write(f, int64(at), want[at:at+ioengine.AlignBytes]))
		}
		mustRun(t, e, ops...)
		if flood.Load() > 0 {
			t.Fatal("there was no flood")
		}
		mustHold(t, e, f, want)
	}
	mustClose(t, e)
}

// overflow hands the kernel beyond more requests than the completion queue has places, whose
// completions mean nothing to a ring, and then what is waiting.
func overflow(t *testing.T, q *queues, beyond int) {
	var own []sqe
	q.waiting(func(s *sqe) {
		own = append(own, *s)
		*s = sqe{opcode: opNop, userData: uint64(cancelSlot)}
	})
	errno := enter(q.fd, q.unsubmitted(), 0)
	for range len(q.cqes) + beyond - len(own) {
		*q.next() = sqe{opcode: opNop, userData: uint64(cancelSlot)}
		q.sqTail.Store(q.sqNext)
		if errno = enter(q.fd, q.unsubmitted(), 0); errno != 0 {
			q.sqNext-- // EBUSY of older kernels: enough
			break
		}
	}
	full := int(q.cqTail.Load()-q.cqHead.Load()) == len(q.cqes)
	if !full || errno != 0 && errno != unix.EBUSY {
		t.Errorf("the completion queue is not full: %v", errno)
	}
	for _, s := range own {
		*q.next() = s
	}
	q.sqTail.Store(q.sqNext)
	_ = enter(q.fd, q.unsubmitted(), 0)
}

// TestNoDSync: where the kernel answers EOPNOTSUPP to RWF_DSYNC the write is repeated without
// it, and one fdatasync makes it durable before it is reported.
func TestNoDSync(t *testing.T) {
	refused := map[uint64]bool{}
	var syncs, plainWrites int
	e := testEngine(t, Config{}, func(q *queues, submit, wait int) syscall.Errno {
		q.waiting(func(s *sqe) {
			switch {
			case s.opcode == opFsync:
				syncs++
			case s.opcode == opWrite && s.opFlags&unix.RWF_DSYNC == 0:
				plainWrites++
			case s.opcode == opWrite:
				refused[s.userData] = true
				*s = sqe{opcode: opNop, userData: s.userData}
			}
		})
		errno := enter(q.fd, submit, wait)
		q.answered(func(c *cqe) {
			if refused[c.userData] {
				c.res = -int32(unix.EOPNOTSUPP)
			}
		})
		return errno
	})
	f, want := newFile(t, e, true), blocks(3)
	op := write(f, 0, want)
	op.DSync = true
	before := e.Stats()
	mustRun(t, e, op)
	after := e.Stats()
	mustHold(t, e, f, want)
	mustClose(t, e)
	if len(refused) != 1 || plainWrites != 1 || syncs != 1 {
		t.Errorf("%d refused, %d plain writes, %d syncs", len(refused), plainWrites, syncs)
	}
	if n := after.SyncWrites - before.SyncWrites; n != 1 || after.Errors != before.Errors {
		t.Errorf("%d durable writes counted, errors %d", n, after.Errors-before.Errors)
	}
}
