//go:build amd64 || arm64

package uring

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"

	"flashstore/ioengine"
)

const (
	drivesPerLoop = 4         // k + m
	connBytes     = 256 << 10 // of memory
	groupMax      = 64        // records of a group commit

	tokenWake, tokenRing = -1, -2
	loopSpins            = 20 // as in netloop/readiness
)

// kind is what a request wants.
type kind uint8

const (
	kindGet    kind = iota // 4 KiB read from each drive, past the page cache
	kindCommit             // 16 KiB overwritten on each drive, durable
	kindPut                // 256 KiB written to each drive
	kindGroup              // a record of 4 KiB in the log of each drive, durable, by its committer
	kindCount
)

func (k kind) String() string {
	return [...]string{"get", "commit", "put", "group"}[k]
}

// opBytes is what one drive moves for a request.
func (k kind) opBytes() int { return [...]int{4 << 10, 16 << 10, 256 << 10, 4 << 10}[k] }

// answerBytes is the length of an answer: block of data, or only its number.
func (k kind) answerBytes() int {
	if k == kindGet {
		return ioengine.AlignBytes
	}
	return 8
}

const requestBytes = 16

// loopRequest is 16 bytes: the kind, then the number of the first block of 4 KiB.
type loopRequest struct {
	kind  kind
	block uint64
}

func (r loopRequest) encode(p []byte) {
	binary.LittleEndian.PutUint64(p, uint64(r.kind))
	binary.LittleEndian.PutUint64(p[8:], r.block)
}

func decodeRequest(p []byte) loopRequest {
	return loopRequest{kind(binary.LittleEndian.Uint64(p)), binary.LittleEndian.Uint64(p[8:])}
}

// testLoop is an event loop that serves connections, much as netloop/readiness does.
type testLoop struct {
	poller     *testPoller
	conns      []*loopConn
	disk       loopDisk
	committers *committers
	mail       mailbox
	open       int
}

// loopConn is one connection, with one request at a time.
type loopConn struct {
	fd       int
	disk     loopDisk
	request  loopRequest
	batch    ioengine.Batch
	bufs     [drivesPerLoop][1][]byte
	memory   []byte // connBytes
	files    []ioengine.File
	finished chan struct{} // see workers
	drives   atomic.Int32  // that have not committed
	failed   atomic.Bool
	input    [requestBytes]byte
}

// mailbox is how other goroutines give connections back to a loop.
type mailbox struct {
	poller *testPoller
	asleep atomic.Bool
	count  atomic.Int32
	mu     sync.Mutex
	list   []*loopConn
	spare  []*loopConn
}

func (m *mailbox) put(c *loopConn) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.list = append(m.list, c)
	m.count.Store(int32(len(m.list)))
	if m.asleep.CompareAndSwap(true, false) { // the first of a batch of completions wakes
		m.poller.wake()
	}
}

func (m *mailbox) some() bool { return m.count.Load() > 0 }

func (m *mailbox) take() []*loopConn {
	m.mu.Lock()
	defer m.mu.Unlock()
	taken := m.list
	m.list, m.spare = m.spare[:0], taken
	m.count.Store(0)
	return taken
}

// run serves until all connections are closed by their clients.
func (l *testLoop) run() error {
	for l.open > 0 {
		if err := l.wait(); err != nil {
			return err
		}
		signalled := false
		n := l.poller.count
		l.poller.count = 0
		for i := range l.poller.events[:n] {
			switch token := l.poller.events[i].Fd; token {
			case tokenWake: // see the mail
			case tokenRing:
				signalled = true
			default:
				if err := l.serve(l.conns[token]); err != nil {
					return err
				}
			}
		}
		if l.mail.some() {
			for _, c := range l.mail.take() {
				c.answer()
			}
		}
		l.disk.flush(signalled)
	}
	return nil
}

// wait returns when there is something to do.
func (l *testLoop) wait() error {
	p := l.poller
	if p.nested {
		runtime.Gosched()
	}
	if p.peek() > 0 || l.mail.some() {
		return nil
	}
	if p.nested && p.spin(l.mail.some) {
		return nil
	}
	l.mail.asleep.Store(true)
	defer l.mail.asleep.Store(false)
	if l.mail.some() {
		return nil
	}
	return p.sleep()
}

// serve reads a request and begins it.
func (l *testLoop) serve(c *loopConn) error {
	n, err := unix.Read(c.fd, c.input[:])
	switch {
	case errors.Is(err, unix.EAGAIN):
		return nil
	case n == 0 && err == nil:
		l.open--
		return unix.Close(c.fd)
	case n != requestBytes || err != nil:
		return fmt.Errorf("a request of %d bytes: %w", n, err)
	}
	c.request = decodeRequest(c.input[:])
	if c.request.kind == kindGroup {
		l.disk.commit(c)
		return nil
	}
	c.prepare()
	l.disk.submit(c)
	return nil
}

// prepare fills the batch. A drive's block n of 4 KiB always begins with n.
func (c *loopConn) prepare() {
	k, size := c.request.kind, c.request.kind.opBytes()
	for at := 0; k != kindGet && at < size; at += ioengine.AlignBytes {
		number := c.request.block + uint64(at/ioengine.AlignBytes)
		binary.LittleEndian.PutUint64(c.memory[at:], number)
	}
	c.batch.Ops = c.batch.Ops[:0]
	for i, f := range c.files {
		op := ioengine.Op{Kind: ioengine.Write, File: f, Bufs: c.bufs[i][:],
			OffsetBytes: int64(c.request.block) * ioengine.AlignBytes, DSync: k == kindCommit}
		op.Bufs[0] = c.memory[:size]
		if k == kindGet {
			op.Kind, op.Bufs[0] = ioengine.Read, c.memory[i*size:(i+1)*size]
		}
		c.batch.Ops = append(c.batch.Ops, op)
	}
}

// answer sends what the drives gave. It is the last that anybody does to c before the client
// asks again.
func (c *loopConn) answer() {
	p := c.memory[:c.request.kind.answerBytes()]
	if c.request.kind != kindGet {
		binary.LittleEndian.PutUint64(p, c.request.block)
	}
	if c.failed.Load() || c.batch.Err() != nil {
		binary.LittleEndian.PutUint64(p, ^uint64(0)) // no block
	}
	if n, err := unix.Write(c.fd, p); n != len(p) || err != nil {
		panic(fmt.Sprintf("an answer of %d bytes: %d, %v", len(p), n, err))
	}
}

// testPoller is an epoll instance; see netloop/readiness for nested.
type testPoller struct {
	fd, wakeFD int
	nested     bool // sleep in Go's poller, after a spin, else in the kernel, on this thread
	file       *os.File
	conn       syscall.RawConn
	events     [256]unix.EpollEvent
	count      int
	poll       func(uintptr) bool
}

func newTestPoller(nested bool) (*testPoller, error) {
	fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, err
	}
	p := &testPoller{fd: fd, nested: nested}
	if err := unix.SetNonblock(fd, true); err != nil {
		return nil, err
	}
	p.file = os.NewFile(uintptr(fd), "epoll")
	p.poll = func(uintptr) bool { return p.peek() > 0 }
	if p.wakeFD, err = unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK); err != nil {
		return nil, err
	}
	if p.conn, err = p.file.SyscallConn(); err != nil {
		return nil, err
	}
	return p, p.add(p.wakeFD, unix.EPOLLIN|unix.EPOLLET, tokenWake)
}

func (p *testPoller) add(fd int, events uint32, token int32) error {
	return unix.EpollCtl(p.fd, unix.EPOLL_CTL_ADD, fd, &unix.EpollEvent{Events: events, Fd: token})
}

func (p *testPoller) peek() int {
	n, _, errno := unix.RawSyscall6(unix.SYS_EPOLL_PWAIT, uintptr(p.fd),
		uintptr(unsafe.Pointer(&p.events[0])), uintptr(len(p.events)), 0, 0, 0)
	if errno != 0 {
		n = 0
	}
	p.count = int(n)
	return p.count
}

func (p *testPoller) spin(mail func() bool) bool {
	for range loopSpins {
		runtime.Gosched()
		if p.peek() > 0 || mail() {
			return true
		}
	}
	return false
}

func (p *testPoller) sleep() (err error) {
	if p.nested {
		return p.conn.Read(p.poll)
	}
	if p.count, err = unix.EpollWait(p.fd, p.events[:], -1); errors.Is(err, unix.EINTR) {
		p.count, err = 0, nil
	}
	return err
}

func (p *testPoller) wake() {
	one := [8]byte{1}
	_, _ = unix.Write(p.wakeFD, one[:])
}

func (p *testPoller) close() {
	_ = p.file.Close()
	_ = unix.Close(p.wakeFD)
}
