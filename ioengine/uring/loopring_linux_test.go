//go:build amd64 || arm64

package uring

import (
	"errors"
	"runtime"
	"sync"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"flashstore/ioengine"
)

// An experiment: a ring for each event loop, against rings with threads of their own. The
// design names the first as the variant to beat the second; looptable_linux_test.go measures
// them, ARCHITECTURE.md has the verdict. This file is how requests of a loop get to the
// disks, testloop_linux_test.go the loop, testclient_linux_test.go who asks.

// registerEventFD is IORING_REGISTER_EVENTFD.
const registerEventFD = 4

// collectMax is how many completions an enter that does not wait collects
// (IO_LOCAL_TW_DEFAULT_MAX in io_uring/io_uring.c).
const collectMax = 20

// loopDisk is how the requests of a loop get to the disks. The loop's goroutine calls
// everything but done.
type loopDisk interface {
	// submit begins c.batch, whose Done calls done.
	submit(c *loopConn)
	// commit gives c to the drives' committers.
	commit(c *loopConn)
	// done is called when the drives have done what c asked for. Any goroutine.
	done(c *loopConn)
	// flush ends a turn of the loop; signalled: the ring's eventfd was among the events.
	flush(signalled bool)
	close()
}

// ownRing is the variant: the loop's goroutine is the owner of a ring, whose eventfd is in the
// loop's epoll set. It is the ring of ring_linux.go without line, door and thread.
type ownRing struct {
	loop *testLoop
	ring *ring
}

// newOwnRing is called on the loop's thread.
func newOwnRing(l *testLoop, memory []byte) (*ownRing, error) {
	e := &Engine{}
	r := &ring{engine: e, counters: &e.counters, eventFD: -1}
	e.rings = []*ring{r}
	if err := r.open(Config{Entries: tableEntries, RegisteredFiles: filesDefault}); err != nil {
		return nil, err
	}
	start := address(memory)
	_, _ = r.buffers.add(start, start+uint64(len(memory))) // as much as may be
	err := watch(l.poller, r)
	if err != nil {
		r.release()
		return nil, err
	}
	return &ownRing{loop: l, ring: r}, nil
}

// watch lets the poller tell of completions by an eventfd that is never read: each completion
// is a new edge, and so, for nothing, is each enter that collects some.
//
// Note: the ring's own descriptor in the epoll set hangs (Linux 6.18): with DEFER_TASKRUN what
// is complete only becomes a completion in an enter, and epoll is not told before.
func watch(p *testPoller, r *ring) error {
	fd := int32(r.eventFD)
	if errno := register(r.queues.fd, registerEventFD, unsafe.Pointer(&fd), 1); errno != 0 {
		return errno
	}
	return p.add(r.eventFD, unix.EPOLLIN|unix.EPOLLET, tokenRing)
}

func (d *ownRing) submit(c *loopConn) {
	c.batch.Arm()
	ioengine.HoldFiles(&c.batch)
	d.ring.line.Push(&c.batch)
}

func (d *ownRing) commit(c *loopConn) { d.loop.committers.put(c) }

// done answers at once: for batches the loop's own goroutine reaps them.
func (d *ownRing) done(c *loopConn) {
	if c.request.kind == kindGroup {
		d.loop.mail.put(c) // a committer's goroutine
		return
	}
	c.answer()
}

// flush hands all that this turn has brought to the kernel, in one enter, which collects
// completions too.
func (d *ownRing) flush(signalled bool) {
	r := d.ring
	for {
		for class, count := range r.finished {
			r.line.Finished(ioengine.Class(class), count)
			r.finished[class] = 0
		}
		for len(r.free) > 0 {
			ref, ok := r.line.Pop()
			if !ok {
				break
			}
			r.begin(ref)
		}
		if r.queues.unsubmitted() == 0 && !signalled {
			return
		}
		signalled = false
		r.counters.Enters.Add(1)
		err := r.queues.enter(0)
		if err != nil && !errors.Is(err, unix.EINTR) {
			if !errors.Is(err, unix.EAGAIN) && !errors.Is(err, unix.EBUSY) {
				panic(err)
			}
			time.Sleep(100 * time.Microsecond)
		}
		signalled = r.queues.reap(r.handle) >= collectMax // there may be more
	}
}

func (d *ownRing) close() {
	d.ring.mu.Lock()
	d.ring.gone = true
	d.ring.mu.Unlock()
	d.ring.release()
}

// handOver gives batches to an engine with threads of its own, whose Done puts the connection
// into the loop's mail.
type handOver struct {
	loop   *testLoop
	engine ioengine.Engine
}

func (d *handOver) submit(c *loopConn) { d.engine.Submit(&c.batch) }

func (d *handOver) commit(c *loopConn) { d.loop.committers.put(c) }

func (d *handOver) done(c *loopConn) { d.loop.mail.put(c) }

func (d *handOver) flush(bool) {}

func (d *handOver) close() {}

// workers is what stands today: the loop hands the connection to a goroutine, which waits for
// the engine and answers itself.
type workers struct {
	loop   *testLoop
	engine ioengine.Engine
	jobs   chan *loopConn
	ended  sync.WaitGroup
}

func newWorkers(l *testLoop, e ioengine.Engine) *workers {
	d := &workers{loop: l, engine: e, jobs: make(chan *loopConn, len(l.conns))}
	for range l.conns {
		d.ended.Go(d.work)
	}
	return d
}

func (d *workers) work() {
	for c := range d.jobs {
		if c.request.kind == kindGroup {
			d.loop.committers.put(c)
		} else {
			d.engine.Submit(&c.batch)
		}
		<-c.finished
		c.answer()
	}
}

func (d *workers) submit(c *loopConn) { d.jobs <- c }

func (d *workers) commit(c *loopConn) { d.jobs <- c }

func (d *workers) done(c *loopConn) { c.finished <- struct{}{} }

func (d *workers) flush(bool) {}

func (d *workers) close() {
	close(d.jobs)
	d.ended.Wait()
}

// committers are the drives' goroutines of a group commit: each writes what has queued up
// while it wrote, as one durable write.
type committers struct {
	list  [drivesPerLoop]committer
	ended sync.WaitGroup
}

type committer struct {
	engine   ioengine.Engine
	log      ioengine.File
	logBytes int64 // then it begins anew
	buffer   []byte
	at       int64
	mu       sync.Mutex
	work     sync.Cond
	waiting  []*loopConn
	closed   bool
}

func newCommitters(e ioengine.Engine, logs []ioengine.File, logBytes int64) *committers {
	s := &committers{}
	for i := range s.list {
		c := &s.list[i]
		c.engine, c.log, c.logBytes, c.buffer = e, logs[i], logBytes, blocks(groupMax)
		c.work.L = &c.mu
		s.ended.Go(c.run)
	}
	return s
}

func (s *committers) put(conn *loopConn) {
	conn.drives.Store(drivesPerLoop)
	for i := range s.list {
		c := &s.list[i]
		c.mu.Lock()
		c.waiting = append(c.waiting, conn)
		c.mu.Unlock()
		c.work.Signal()
	}
}

func (c *committer) run() {
	var taken []*loopConn
	for {
		c.mu.Lock()
		for len(c.waiting) == 0 && !c.closed {
			c.work.Wait()
		}
		n := min(len(c.waiting), groupMax)
		taken = append(taken[:0], c.waiting[:n]...)
		c.waiting = c.waiting[:copy(c.waiting, c.waiting[n:])]
		c.mu.Unlock()
		if n == 0 {
			return
		}
		size := n * ioengine.AlignBytes
		if c.at+int64(size) > c.logBytes {
			c.at = 0
		}
		op := write(c.log, c.at, c.buffer[:size])
		op.DSync = true
		err := ioengine.Run(c.engine, ioengine.Foreground, op)
		c.at += int64(size)
		for _, conn := range taken {
			if err != nil {
				conn.failed.Store(true)
			}
			if conn.drives.Add(-1) == 0 {
				conn.disk.done(conn)
			}
		}
	}
}

func (s *committers) close() {
	for i := range s.list {
		c := &s.list[i]
		c.mu.Lock()
		c.closed = true
		c.mu.Unlock()
		c.work.Signal()
	}
	s.ended.Wait()
}

// TestLoopRing: every way of a loop to the disks gives right answers to every kind of request.
// It keeps the experiment from rotting; figures are TestLoopRingTable's.
func TestLoopRing(t *testing.T) {
	dir := t.TempDir()
	const fileBytes = 8 << 20
	makeDrives(t, dir, fileBytes)
	for _, way := range ways() {
		for kind := range kindCount {
			t.Run(way.name+"/"+kind.String(), func(t *testing.T) {
				r := runCell(t, dir, cell{way: way, kind: kind, conns: 16,
					procs: runtime.GOMAXPROCS(0), duration: 20 * time.Millisecond,
					fileBytes: fileBytes})
				if r.ops < 16 {
					t.Fatalf("%d requests were answered", r.ops)
				}
			})
		}
	}
}
