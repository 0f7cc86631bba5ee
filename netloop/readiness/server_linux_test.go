package readiness

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"flashstore/arena"
	"flashstore/arena/heap"
	"flashstore/netloop"
	"flashstore/netloop/netlooptest"
)

type handlerFunc func(*netloop.Exchange)

func (f handlerFunc) Handle(ex *netloop.Exchange) { f(ex) }

func start(t *testing.T, config Config, h netloop.Handler) (*Server, string) {
	t.Helper()
	s, err := New(config)
	if err != nil {
		t.Fatal(err)
	}
	return s, netlooptest.Serve(t, s, h)
}

func config(t *testing.T, budgetBytes int64) Config {
	t.Helper()
	memory, err := heap.New(heap.Config{BudgetBytes: budgetBytes})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := memory.Close(); err != nil {
			t.Error(err)
		}
	})
	return Config{Limits: netloop.DefaultLimits(), Allocator: memory, Loops: 1}
}

func dial(t *testing.T, address string) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func ask(t *testing.T, c net.Conn) {
	t.Helper()
	send(t, c, "GET / HTTP/1.1\r\nHost: h\r\n\r\n")
}

func send(t *testing.T, c net.Conn, text string) {
	t.Helper()
	if _, err := io.WriteString(c, text); err != nil {
		t.Fatal(err)
	}
}

func wantStatus(t *testing.T, c net.Conn, status int) *http.Response {
	t.Helper()
	resp, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		t.Fatal(err)
	}
	if resp.StatusCode != status {
		t.Fatalf("%d, want %d", resp.StatusCode, status)
	}
	return resp
}

// TestOverload: one request runs, one waits, the third is told to come later.
func TestOverload(t *testing.T) {
	c := config(t, 0)
	c.Workers, c.Limits.QueueMax = 1, 1
	entered, leave := make(chan struct{}, 3), make(chan struct{})
	s, address := start(t, c, handlerFunc(func(*netloop.Exchange) {
		entered <- struct{}{}
		<-leave
	}))
	running, waiting, refused := dial(t, address), dial(t, address), dial(t, address)
	ask(t, running)
	<-entered
	ask(t, waiting)
	until(t, func() bool { return s.Stats().Requests == 2 })
	ask(t, refused)
	resp := wantStatus(t, refused, 503)
	if resp.Header.Get("Retry-After") == "" || !resp.Close {
		t.Errorf("%v", resp.Header)
	}
	close(leave)
	wantStatus(t, running, 200)
	wantStatus(t, waiting, 200)
}

// worded answers in its own words what there is no time for.
type worded struct{ handlerFunc }

func (worded) Busy(ex *netloop.Exchange) {
	ex.SetStatus(503)
	ex.SetContentLength(int64(len(answerBody)))
	_ = ex.Write(answerBody)
}

// TestQueueWait: once a request has waited for too long, others are told so at once, in the handler's
// words. They keep the connection if their body has come, and are served as soon as there is time.
func TestQueueWait(t *testing.T) {
	c := config(t, 0)
	c.Workers, c.Limits.QueueWaitMax = 1, time.Nanosecond
	entered, leave := make(chan struct{}, 9), make(chan struct{})
	s, address := start(t, c, worded{func(*netloop.Exchange) {
		entered <- struct{}{}
		<-leave
	}})
	running, waiting, refused, cut := dial(t, address), dial(t, address), dial(t, address),
		dial(t, address)
	ask(t, running)
	<-entered
	ask(t, waiting)
	until(t, func() bool { return s.Stats().Requests == 2 })
	for i, head := range []string{"GET / HTTP/1.1\r\nHost: h\r\n\r\n",
		"PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\nbody"} {
		if _, err := refused.Write([]byte(head)); err != nil {
			t.Fatal(err)
		}
		if resp := wantStatus(t, refused, 503); resp.Close || s.Stats().Busy != uint64(i+1) {
			t.Errorf("%v, %d refused", resp.Header, s.Stats().Busy)
		}
	}
	if _, err := cut.Write([]byte("PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\n")); err != nil {
		t.Fatal(err)
	}
	if resp := wantStatus(t, cut, 503); !resp.Close {
		t.Errorf("it is not said that the connection ends: %v", resp.Header)
	}
	if n, err := cut.Read(make([]byte, 1)); err != io.EOF {
		t.Errorf("a connection whose body is not here yet stays: %d, %v", n, err)
	}
	close(leave)
	wantStatus(t, running, 200)
	wantStatus(t, waiting, 200)
	ask(t, refused)
	wantStatus(t, refused, 200)
}

// TestMemoryExhausted: without a block there is an answer, and later there are blocks again.
func TestMemoryExhausted(t *testing.T) {
	entered, leave := make(chan struct{}, 3), make(chan struct{})
	_, address := start(t, config(t, arena.BlockBytes), handlerFunc(func(*netloop.Exchange) {
		entered <- struct{}{}
		<-leave
	}))
	running, refused := dial(t, address), dial(t, address)
	ask(t, running)
	<-entered
	ask(t, refused)
	wantStatus(t, refused, 503)
	close(leave)
	wantStatus(t, running, 200)
	ask(t, running)
	wantStatus(t, running, 200)
}

// TestBalance: loops share connections, also when one client holds them for long.
func TestBalance(t *testing.T) {
	c := config(t, 0)
	c.Loops = 4
	s, address := start(t, c, handlerFunc(func(*netloop.Exchange) {}))
	for range 64 {
		conn := dial(t, address)
		ask(t, conn)
		wantStatus(t, conn, 200)
	}
	for i, l := range s.loops {
		if n := l.open.Load(); n < 4 || n > 28 {
			t.Errorf("loop %d has %d of 64 connections", i, n)
		}
	}
}

// TestNoDelay: accepted sockets inherit TCP_NODELAY from the listener.
func TestNoDelay(t *testing.T) {
	fds, bound, err := listenSockets("127.0.0.1:0", 1)
	if err != nil {
		t.Fatal(err)
	}
	defer closeAll(fds)
	dial(t, bound.String()) // through the handshake, so it is in the queue
	fd, _, err := unix.Accept4(fds[0], unix.SOCK_CLOEXEC)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	on, err := unix.GetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY)
	if err != nil || on == 0 {
		t.Errorf("TCP_NODELAY %d, %v", on, err)
	}
}

// TestOutOfDescriptors: a connection that cannot be accepted is closed; where even that cannot
// be done the loop waits, and goes on when there are descriptors again.
func TestOutOfDescriptors(t *testing.T) {
	s, address := start(t, config(t, 0), handlerFunc(func(*netloop.Exchange) {}))
	first := dial(t, address)
	ask(t, first)
	wantStatus(t, first, 200)
	connectRefused, connectLater := dialBefore(t, address), dialBefore(t, address)

	var old unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &old); err != nil {
		t.Fatal(err)
	}
	defer unix.Setrlimit(unix.RLIMIT_NOFILE, &old)
	setLimit(t, unix.Rlimit{Cur: 200, Max: old.Max})
	var taken []int
	for {
		fd, err := unix.Open("/dev/null", unix.O_RDONLY|unix.O_CLOEXEC, 0)
		if err != nil {
			break
		}
		taken = append(taken, fd)
	}
	connectRefused()
	until(t, func() bool { return s.Stats().Refused == 1 })

	setLimit(t, unix.Rlimit{Cur: 3, Max: old.Max}) // now not even the reserve helps
	connectLater()
	waits := s.Stats().EpollWaits
	until(t, func() bool { return s.Stats().EpollWaits > waits })
	ask(t, first)
	wantStatus(t, first, 200)
	if n := s.Stats().EpollWaits - waits; n > 10_000 {
		t.Errorf("%d waits: the loop spins", n)
	}
	closeAll(taken)
	setLimit(t, old)
	until(t, func() bool { return s.Stats().Accepted == 2 })
	last := dial(t, address)
	ask(t, last)
	wantStatus(t, last, 200)
}

func setLimit(t *testing.T, limit unix.Rlimit) {
	t.Helper()
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
}

func until(t *testing.T, done func() bool) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); !done(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("waited in vain")
		}
	}
}

// dialBefore makes a socket now and returns a function that connects it without needing
// another descriptor.
func dialBefore(t *testing.T, address string) func() {
	t.Helper()
	tcp, err := net.ResolveTCPAddr("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Close(fd) })
	name := &unix.SockaddrInet4{Port: tcp.Port, Addr: tcp.AddrPort().Addr().Unmap().As4()}
	return func() {
		if err := unix.Connect(fd, name); err != nil {
			t.Error(err)
		}
	}
}

func TestWheel(t *testing.T) {
	w := newWheel()
	fired := map[*timer]int64{}
	due := func(timer *timer) int64 { fired[timer] = w.now; return 0 }
	var near, far, beyond, later, earlier, removed timer
	w.set(&near, 1)
	w.set(&far, 500)
	w.set(&beyond, 5000)
	w.set(&later, 10)
	w.set(&later, 700)
	w.set(&earlier, 700)
	w.set(&earlier, 10)
	w.set(&removed, 20)
	w.remove(&removed)
	if next := w.nextTick(); next != 1 {
		t.Errorf("next tick %d", next)
	}
	for now := int64(3); now < 6000; now += 3 {
		w.advance(now, due)
	}
	want := map[*timer]int64{&near: 1, &far: 500, &beyond: 5000, &later: 700, &earlier: 10}
	if fmt.Sprint(fired) != fmt.Sprint(want) || w.count != 0 || w.nextTick() != 0 {
		t.Errorf("%v, want %v; %d left", fired, want, w.count)
	}
}

// TestSteadyAllocations: a request on a kept connection allocates nothing of the server's.
func TestSteadyAllocations(t *testing.T) {
	c := config(t, 0)
	memory := &steady{Allocator: c.Allocator}
	c.Allocator = memory
	t.Cleanup(memory.release)
	_, address := start(t, c, inline{})
	conn := dial(t, address)
	request := []byte("GET /b/k HTTP/1.1\r\nHost: h\r\n\r\n")
	answer := make([]byte, 4096)
	n := testing.AllocsPerRun(2000, func() {
		if _, err := conn.Write(request); err != nil {
			t.Fatal(err)
		}
		if _, err := conn.Read(answer); err != nil {
			t.Fatal(err)
		}
	})
	if n >= 1 {
		t.Errorf("%v allocations a request", n)
	}
}

type inline struct{}

var answerBody = []byte("hello")

func (inline) Handle(ex *netloop.Exchange) {
	ex.SetContentLength(int64(len(answerBody)))
	_ = ex.Write(answerBody)
}

func (i inline) TryHandle(ex *netloop.Exchange) bool {
	i.Handle(ex)
	return true
}

// steady lends the same block again: the heap allocator makes a new one each time.
type steady struct {
	arena.Allocator
	block [1]*arena.Block
}

func (s *steady) Borrow(dst []*arena.Block, home int) error {
	if s.block[0] != nil {
		dst[0], s.block[0] = s.block[0], nil
		return nil
	}
	return s.Allocator.Borrow(dst, home)
}

func (s *steady) Return(blocks []*arena.Block) { s.block[0] = blocks[0] }

func (s *steady) release() { s.Allocator.Return(s.block[:]) }
