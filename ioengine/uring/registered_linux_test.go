//go:build amd64 || arm64

package uring

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"flashstore/ioengine"
)

// requestNote is what the kernel was told of one request.
type requestNote struct {
	opcode     uint8
	fixedFile  bool
	fd         int32
	regionFrom uint16
}

// recorder notes the requests of operations.
type recorder struct {
	mu    sync.Mutex
	notes []requestNote
}

func (r *recorder) enter(q *queues, submit, wait int) syscall.Errno {
	r.mu.Lock()
	q.waiting(func(s *sqe) {
		if uint32(s.userData) != wakeSlot {
			r.notes = append(r.notes,
				requestNote{s.opcode, s.flags&fixedFile != 0, s.fd, s.bufIndex})
		}
	})
	r.mu.Unlock()
	return enter(q.fd, submit, wait)
}

// take returns what was noted since the last time.
func (r *recorder) take() []requestNote {
	r.mu.Lock()
	defer r.mu.Unlock()
	notes := r.notes
	r.notes = nil
	return notes
}

// TestRegisteredFiles: from its registerAfter-th operation on a file is named by its place in the
// kernel's table; a closed file gives its place back, and the next one gets it.
func TestRegisteredFiles(t *testing.T) {
	var r recorder
	e := testEngine(t, Config{RegisteredFiles: 1}, r.enter)
	if e.rings[0].files.total == 0 {
		t.Skip(e.Properties().Detail)
	}
	r.take()
	want := blocks(1)
	for round := range 3 {
		f := newFile(t, e, true)
		for range registerAfter + 2 {
			mustRun(t, e, write(f, 0, want))
		}
		for i, n := range r.take() {
			if n.fixedFile != (i >= registerAfter-1) || n.fixedFile && n.fd != 0 {
				t.Fatalf("file %d, operation %d: %+v", round, i, n)
			}
		}
		if other := newFile(t, e, true); round == 0 { // no place is left
			for range registerAfter + 2 {
				mustRun(t, e, write(other, 0, want))
			}
			for _, n := range r.take() {
				if n.fixedFile {
					t.Fatalf("two files in one place: %+v", n)
				}
			}
		}
		mustHold(t, e, f, want)
		r.take()
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if n := e.Stats().FixedFiles; n < 9 {
		t.Errorf("FixedFiles is %d", n)
	}
	mustClose(t, e)
}

// TestNoRegisteredFiles: -1 means descriptors only.
func TestNoRegisteredFiles(t *testing.T) {
	var r recorder
	e := testEngine(t, Config{RegisteredFiles: -1}, r.enter)
	f := newFile(t, e, true)
	for range registerAfter + 2 {
		mustRun(t, e, write(f, 0, blocks(1)))
	}
	for _, n := range r.take() {
		if n.fixedFile || n.fd != int32(f.Fd()) {
			t.Fatalf("%+v", n)
		}
	}
	if n := e.Stats().FixedFiles; n != 0 {
		t.Errorf("FixedFiles is %d", n)
	}
	mustClose(t, e)
}

// TestRegisteredBuffers: memory that the kernel knows is named by its index, alone and, where
// the kernel can, in vectors; other memory, and all of it after the release, is not.
func TestRegisteredBuffers(t *testing.T) {
	var r recorder
	e := testEngine(t, Config{}, r.enter)
	p, stranger := blocks(16), blocks(1)
	release := e.RegisterBuffers(p)
	if got := e.Properties().Detail; !strings.Contains(got, "buffers 0.1 MiB of 0.1 MiB") {
		t.Skip(got)
	}
	f := newFile(t, e, true)
	const block = ioengine.AlignBytes
	vector := pick(e.rings[0].buffers.vectors, opWritevFixed, opWritev)
	for _, c := range []struct {
		name   string
		op     ioengine.Op
		opcode uint8
	}{
		{"write", write(f, 0, p[:block]), opWriteFixed},
		{"read", read(f, 0, p[15*block:]), opReadFixed},
		{"vector", write(f, 0, p[:block], p[3*block:5*block]), vector},
		{"stranger", write(f, 0, stranger), opWrite},
		{"with a stranger", write(f, 0, p[:block], stranger), opWritev},
	} {
		r.take()
		before := e.Stats().FixedBuffers
		mustRun(t, e, c.op)
		if n := r.take(); len(n) != 1 || n[0].opcode != c.opcode {
			t.Errorf("%s: %+v, not opcode %d", c.name, n, c.opcode)
		}
		fixed := c.opcode != opWrite && c.opcode != opWritev
		if counted := e.Stats().FixedBuffers > before; counted != fixed {
			t.Errorf("%s: counted: %v", c.name, counted)
		}
	}
	release()
	r.take()
	mustRun(t, e, write(f, 0, p[:block]))
	if n := r.take(); len(n) != 1 || n[0].opcode != opWrite {
		t.Errorf("after the release: %+v", n)
	}
	mustClose(t, e)
}

// memlockVariable tells a child of TestSmallMemlock how far it is.
const memlockVariable = "FLASHSTORE_TEST_MEMLOCK"

// TestSmallMemlock: where RLIMIT_MEMLOCK is small a part of the memory is registered, Properties
// say so, and everything works. It takes a process of its own that root's right to lock memory
// is taken from, which an execve(2) makes so.
func TestSmallMemlock(t *testing.T) {
	const limitBytes, asked = 1 << 20, 8 << 20
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	switch os.Getenv(memlockVariable) {
	case "":
		command := exec.Command(program, "-test.run=^TestSmallMemlock$", "-test.v")
		command.Env = append(os.Environ(), memlockVariable+"=limit")
		text, err := command.CombinedOutput()
		if err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		if strings.Contains(string(text), "--- SKIP") {
			t.Skipf("%s", text)
		}
		t.Logf("%s", text)
	case "limit":
		runtime.LockOSThread()
		limit := unix.Rlimit{Cur: limitBytes, Max: limitBytes}
		if err := unix.Setrlimit(unix.RLIMIT_MEMLOCK, &limit); err != nil {
			t.Fatal(err)
		}
		// EPERM: not root, who has no such right to lose.
		err := unix.Prctl(unix.PR_CAPBSET_DROP, unix.CAP_IPC_LOCK, 0, 0, 0)
		if err != nil && err != unix.EPERM {
			t.Fatal(err)
		}
		t.Setenv(memlockVariable, "run")
		t.Fatal(syscall.Exec(program, os.Args, os.Environ()))
	case "run":
		underSmallMemlock(t, limitBytes, asked)
	}
}

func underSmallMemlock(t *testing.T, limitBytes, asked uint64) {
	var r recorder
	e := testEngine(t, Config{}, r.enter)
	p := blocks(int(asked / ioengine.AlignBytes))
	release := e.RegisterBuffers(p)
	detail := e.Properties().Detail
	t.Log(detail)
	if !strings.HasSuffix(detail, fmt.Sprintf(" of %d MiB (RLIMIT_MEMLOCK)", asked>>20)) {
		t.Fatal("it does not say that the limit left memory out")
	}
	got := e.registrar.list[0].bytes
	if got == 0 && os.Getuid() != 0 {
		t.Skip("other processes of this user have locked all of it")
	}
	if got < limitBytes/2 || got > limitBytes {
		t.Fatalf("%d bytes registered, the limit is %d", got, limitBytes)
	}
	f := newFile(t, e, true)
	r.take()
	mustRun(t, e, write(f, 0, p[:ioengine.AlignBytes]))
	if n := r.take(); len(n) != 1 || n[0].opcode != opWriteFixed {
		t.Errorf("in the registered part: %+v", n)
	}
	mustRun(t, e, write(f, 0, p))
	mustHold(t, e, f, p)
	release()
	mustClose(t, e)
}
