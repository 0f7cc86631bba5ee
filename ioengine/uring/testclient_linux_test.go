//go:build amd64 || arm64

package uring

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"flashstore/ioengine"
)

// The clients of the experiment are a process of their own, so that the CPU time of the
// server's process is the server's: this test's binary, run again. It inherits one end of each
// connection.

const (
	clientVariable = "FLASHSTORE_TEST_LOOP_CLIENT" // "kind conns nanoseconds fileBytes seed"
	controlFD      = 3                             // the first inherited one; connections follow
)

// clientResult is what clients saw.
type clientResult struct {
	ops     int
	elapsed time.Duration
	p99     time.Duration
}

// clients is the process, about to begin.
type clients struct {
	command *exec.Cmd
	control *os.File
}

// startClients returns when the clients are ready. fds are closed here.
func startClients(c cell, seed uint64, fds []int) (*clients, error) {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	program, err := os.Executable()
	if err != nil {
		return nil, err
	}
	p := &clients{command: exec.Command(program, "-test.run=^TestLoopClient$"),
		control: os.NewFile(uintptr(pair[0]), "control")}
	p.command.Env = append(os.Environ(), "GOMAXPROCS=1", fmt.Sprintf("%s=%d %d %d %d %d",
		clientVariable, c.kind, c.conns, c.duration, c.fileBytes, seed))
	p.command.Stderr = os.Stderr
	for _, fd := range append([]int{pair[1]}, fds...) {
		f := os.NewFile(uintptr(fd), "inherited")
		defer func() { _ = f.Close() }()
		p.command.ExtraFiles = append(p.command.ExtraFiles, f)
	}
	if err := p.command.Start(); err != nil {
		return nil, err
	}
	_, err = p.control.Read(make([]byte, 1))
	return p, err
}

// begin lets them ask.
func (p *clients) begin() error {
	_, err := p.control.Write([]byte{1})
	return err
}

// end waits for them and returns what they saw.
func (p *clients) end() (r clientResult, err error) {
	text := make([]byte, 100)
	n, err := p.control.Read(text)
	if err == nil {
		_, err = fmt.Sscan(string(text[:n]), &r.ops, &r.elapsed, &r.p99)
	}
	_ = p.control.Close()
	if failed := p.command.Wait(); failed != nil {
		err = failed
	}
	return r, err
}

// TestLoopClient is the clients' process; on its own it does nothing.
func TestLoopClient(t *testing.T) {
	words := strings.Fields(os.Getenv(clientVariable))
	if len(words) != 5 {
		t.Skip("the clients of TestLoopRing")
	}
	var numbers [5]uint64
	for i, word := range words {
		n, err := strconv.ParseUint(word, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		numbers[i] = n
	}
	r, err := ask(cell{kind: kind(numbers[0]), conns: int(numbers[1]),
		duration: time.Duration(numbers[2]), fileBytes: int64(numbers[3])}, numbers[4])
	if err != nil {
		t.Fatal(err)
	}
	text := fmt.Sprintln(r.ops, int64(r.elapsed), int64(r.p99))
	if _, err := unix.Write(controlFD, []byte(text)); err != nil {
		t.Fatal(err)
	}
}

// testClient is one connection: it asks again as soon as it was answered.
type testClient struct {
	fd    int
	asked time.Time
	block uint64
	got   int
	input [ioengine.AlignBytes]byte
}

// ask keeps all connections busy for the duration, then waits for the last answers.
func ask(cell cell, seed uint64) (r clientResult, err error) {
	runtime.LockOSThread()
	conns, k := cell.conns, cell.kind
	random := rand.New(rand.NewPCG(seed, 1))
	list := make([]testClient, conns)
	epoll, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return r, err
	}
	for i := range list {
		list[i].fd = controlFD + 1 + i
		event := unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(i)}
		if err := unix.EpollCtl(epoll, unix.EPOLL_CTL_ADD, list[i].fd, &event); err != nil {
			return r, err
		}
	}
	took := make([]time.Duration, 0, 1<<20)
	if _, err := unix.Write(controlFD, []byte{1}); err != nil {
		return r, err
	}
	if _, err := unix.Read(controlFD, make([]byte, 1)); err != nil {
		return r, err
	}
	start := time.Now()
	for i := range list {
		if err := list[i].ask(cell, random); err != nil {
			return r, err
		}
	}
	events := make([]unix.EpollEvent, conns)
	for open := conns; open > 0; {
		n, err := unix.EpollWait(epoll, events, -1)
		if err != nil && err != unix.EINTR {
			return r, err
		}
		for _, event := range events[:max(n, 0)] {
			c := &list[event.Fd]
			done, err := c.answered(k)
			if err != nil {
				return r, err
			}
			if !done {
				continue
			}
			now := time.Now()
			took = append(took, now.Sub(c.asked))
			if now.Sub(start) < cell.duration {
				err = c.ask(cell, random)
			} else {
				open--
				err = unix.Close(c.fd)
			}
			if err != nil {
				return r, err
			}
		}
	}
	r.ops, r.elapsed = len(took), time.Since(start)
	slices.Sort(took)
	r.p99 = took[len(took)*99/100]
	return r, nil
}

func (c *testClient) ask(cell cell, random *rand.Rand) error {
	opBytes := uint64(cell.kind.opBytes())
	c.block = random.Uint64N(uint64(cell.fileBytes)/opBytes) * (opBytes / ioengine.AlignBytes)
	c.asked, c.got = time.Now(), 0
	var p [requestBytes]byte
	loopRequest{cell.kind, c.block}.encode(p[:])
	_, err := unix.Write(c.fd, p[:])
	return err
}

// answered takes what has come; done: it is all, and right.
func (c *testClient) answered(k kind) (done bool, err error) {
	n, err := unix.Read(c.fd, c.input[c.got:k.answerBytes()])
	if err != nil || n == 0 {
		return false, fmt.Errorf("read %d: %w", n, err)
	}
	if c.got += n; c.got < k.answerBytes() {
		return false, nil
	}
	if block := binary.LittleEndian.Uint64(c.input[:]); block != c.block {
		return false, fmt.Errorf("asked for block %d, got %d", c.block, int64(block))
	}
	return true, nil
}
