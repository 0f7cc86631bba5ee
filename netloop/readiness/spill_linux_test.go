package readiness

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"flashstore/arena"
	"flashstore/netloop"
)

// long answers with more than one socket's room at a time, from the loop.
type long struct{ inline }

var longBody = make([]byte, 64<<10)

func (long) TryHandle(ex *netloop.Exchange) bool {
	ex.SetContentLength(int64(len(longBody)))
	_ = ex.Write(longBody)
	return true
}

// dialSmall connects with a receive buffer of so many bytes.
func dialSmall(t *testing.T, address string, bytes int) net.Conn {
	t.Helper()
	dialer := net.Dialer{Control: func(_, _ string, c syscall.RawConn) error {
		var err error
		failed := c.Control(func(fd uintptr) {
			err = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVBUF, bytes)
		})
		return errors.Join(failed, err)
	}}
	c, err := dialer.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// askMuch asks for more than its socket takes, with padding in each head, and takes nothing.
func askMuch(t *testing.T, address string, padding int) net.Conn {
	t.Helper()
	c := dialSmall(t, address, 16<<10)
	const head = "GET / HTTP/1.1\r\nHost: h\r\nX-A: "
	request := head + strings.Repeat("a", padding) + "\r\n\r\n"
	if _, err := io.WriteString(c, strings.Repeat(request, 60<<10/len(request))); err != nil {
		t.Fatal(err)
	}
	return c
}

// TestUntakenAnswers: what clients do not take costs a limited amount of memory. Past it workers
// answer, and when clients take what they are owed, or go, it is free again.
func TestUntakenAnswers(t *testing.T) {
	c := config(t, 4<<20) // of which an eighth
	c.Workers = 80
	c.Limits.PipelineMax = 1 << 10
	s, address := start(t, c, long{})
	var clients []net.Conn
	for range 60 {
		clients = append(clients, askMuch(t, address, 900))
	}
	until(t, func() bool { return s.Stats().Requests-s.Stats().Inline >= 10 }) // workers wait
	if n := s.untakenBytes.Load(); n < s.untakenBytesMax || n > s.untakenBytesMax+256<<10 {
		t.Errorf("%d bytes, limit %d", n, s.untakenBytesMax)
	}
	good := dial(t, address)
	ask(t, good)
	wantStatus(t, good, 200)
	for i, c := range clients {
		if i%2 == 0 {
			_ = c.Close()
			continue
		}
		in := bufio.NewReader(c)
		for range 10 {
			resp, err := http.ReadResponse(in, nil)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := io.Copy(io.Discard, resp.Body); err != nil {
				t.Fatal(err)
			}
		}
		_ = c.Close()
	}
	until(t, func() bool { return s.untakenBytes.Load() == 0 })
	before := s.Stats().Inline
	ask(t, good)
	wantStatus(t, good, 200)
	until(t, func() bool { return s.Stats().Inline > before }) // counted behind what it writes
}

// TestNoRoomToWait: a client that asks on while it does not take its answers, when all who wait
// keep what they may, gets the answers that have begun, and the end.
func TestNoRoomToWait(t *testing.T) {
	c := config(t, 2*arena.BlockBytes) // an eighth of which is less than askMuch asks with
	c.Limits.PipelineMax = 1 << 10
	s, address := start(t, c, long{})
	conn := askMuch(t, address, 100)
	until(t, func() bool { return s.Stats().Busy == 1 })
	in := bufio.NewReader(conn)
	for n := 0; ; n++ {
		resp, err := http.ReadResponse(in, nil)
		if errors.Is(err, io.ErrUnexpectedEOF) && n > 0 { // between two answers
			break
		}
		if err != nil {
			t.Fatalf("behind %d answers: %v", n, err)
		}
		if _, err := io.Copy(io.Discard, resp.Body); err != nil {
			t.Fatalf("answer %d: %v", n, err)
		}
	}
	if n := s.Stats().Requests; n == 0 || s.Stats().Busy != 1 {
		t.Errorf("%d requests, %d refused", n, s.Stats().Busy)
	}
}

// TestShortAnswersUntaken: clients that do not take short answers of workers hold none of them.
func TestShortAnswersUntaken(t *testing.T) {
	c := config(t, 0)
	c.Workers, c.Limits.PipelineMax = 2, 1<<10
	s, address := start(t, c, handlerFunc(func(ex *netloop.Exchange) {
		ex.SetContentLength(leaveBytesMax / 2)
		_ = ex.Write(longBody[:leaveBytesMax/2])
	}))
	for range 8 {
		before := s.untakenBytes.Load()
		askMuch(t, address, 0)
		until(t, func() bool { return s.untakenBytes.Load() > before })
		good := dial(t, address)
		ask(t, good)
		wantStatus(t, good, 200)
	}
	if n := s.Stats().Busy; n != 0 {
		t.Errorf("%d were refused", n)
	}
}

// TestStuckAnswer: the kernel takes a limited part of an answer that its client does not.
func TestStuckAnswer(t *testing.T) {
	const stuckMax = 3 << 20
	s, address := start(t, config(t, 0), huge{false})
	c := dialSmall(t, address, 64<<10)
	ask(t, c)
	until(t, func() bool { return s.workers.stoodAside() == 1 })
	if n := s.Stats().WrittenBytes; n > stuckMax {
		t.Errorf("the sockets hold %d bytes", n)
	}
}

// TestSlowTakers: a client that takes bytes all the time is not cut, though the kernel does not
// speak up within the time in which it has to take one; who takes nothing is.
func TestSlowTakers(t *testing.T) {
	for name, h := range map[string]netloop.Handler{"loop": huge{true}, "worker": huge{false}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := config(t, 0)
			c.Limits.WriteTimeout = time.Second
			s, address := start(t, c, h)
			slow, gone := dial(t, address), dial(t, address)
			ask(t, slow)
			ask(t, gone)
			in := bufio.NewReaderSize(slow, 16<<10)
			resp, err := http.ReadResponse(in, nil)
			if err != nil {
				t.Fatal(err)
			}
			pace := time.NewTicker(80 * time.Millisecond)
			defer pace.Stop()
			for began := time.Now(); time.Since(began) < 4*time.Second; <-pace.C {
				if _, err := io.CopyN(io.Discard, resp.Body, 64<<10); err != nil {
					t.Fatalf("cut after %v: %v", time.Since(began), err)
				}
			}
			until(t, func() bool { return s.Stats().TimedOut == 1 }) // the other one
			if _, err := io.Copy(io.Discard, resp.Body); err != nil {
				t.Error(err)
			}
		})
	}
}

// huge answers with more than any socket takes at a time, on the loop or not.
type huge struct{ inline bool }

func (h huge) Handle(ex *netloop.Exchange) {
	ex.SetContentLength(16 << 20)
	for range 16 {
		_ = ex.Write(hugePiece)
	}
}

var hugePiece = make([]byte, 1<<20)

func (h huge) TryHandle(ex *netloop.Exchange) bool {
	if h.inline {
		h.Handle(ex)
	}
	return h.inline
}
