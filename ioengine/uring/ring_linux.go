//go:build amd64 || arm64

package uring

import (
	"errors"
	"fmt"
	"runtime"
	"sync"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"flashstore/ioengine"
)

// Slot numbers of what is no operation.
const (
	wakeSlot   = ^uint32(0)     // the read on the eventfd
	cancelSlot = ^uint32(0) - 1 // the request that cancels all others
)

// slot is the place of one operation in flight.
type slot struct {
	generation uint32
	busy       bool
	ref        ioengine.Ref
	transfer   transfer
}

// ring is a pair of queues, the line before it, and the goroutine that owns both.
type ring struct {
	engine   *Engine
	number   int // among the engine's rings
	counters *ioengine.Counters
	eventFD  int
	ended    chan struct{}

	mu         sync.Mutex
	line       ioengine.Queue
	commands   []func() // for the owner, when the kernel has taken all requests
	asleep     bool     // the owner waits in the kernel and has free slots
	closed     bool
	cancelling bool
	gone       bool // the owner is about to close the eventfd

	// What follows belongs to the owner.
	queues    *queues
	memory    []byte  // mapping: the eventfd's counter, scratch, then iovecs
	iovecs    []iovec // requestMaxBufs for each slot
	files     fileTable
	buffers   bufferTable
	slots     []slot
	free      []uint32
	armed     bool // the eventfd is being read
	hurry     bool // do not sleep: there is more to do than to wait
	abandon   bool // Close has lost patience
	cancelled bool // the kernel was asked to cancel
	accepted  []ioengine.Ref
	finished  [ioengine.Scrub + 1]int // operations by class, not yet told to the line
}

// newRing starts the owner and waits until its ring stands.
func newRing(e *Engine, number int, c Config) (*ring, error) {
	r := &ring{
		engine: e, number: number, counters: &e.counters,
		eventFD: -1, ended: make(chan struct{}),
	}
	r.line.Limits = c.limitsOfRing()
	opened := make(chan error)
	go r.own(c, opened)
	if err := <-opened; err != nil {
		return nil, err
	}
	return r, nil
}

// own is the owner. The thread is unlocked, and may end, only when the ring is closed.
//
// It yields after it has reported completions: whom they woke runs first, on this P, and what
// they submit joins the next enter, instead of waiting until the runtime notices a P whose
// thread sleeps in the kernel. With 16 submitters and 4 busy goroutines on 2 CPUs that is
// 1.3 to 2.4 times the batches at half the CPU each.
//
// Note: sleeping in Go's network poller instead (a registered eventfd) gives up the P at
// once, yet is far worse when the CPUs are busy: nobody looks at the poller then but a
// runtime thread every 10 ms, and a batch takes 20 ms.
func (r *ring) own(c Config, opened chan<- error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	defer close(r.ended)
	err := r.open(c)
	opened <- err
	if err != nil {
		return
	}
	for r.accept() {
		r.enter()
		r.awake()
		if r.queues.reap(r.handle) > 0 {
			runtime.Gosched()
		}
	}
	r.release()
}

func (r *ring) open(c Config) (err error) {
	if r.queues, err = openQueues(c.Entries); err != nil {
		return err
	}
	// A filter may allow io_uring_setup and forbid this call; later it would be too late.
	if err := r.queues.enter(0); err != nil {
		r.queues.close()
		return fmt.Errorf("io_uring_enter: %w", err)
	}
	// Not EFD_NONBLOCK: io_uring would answer EAGAIN instead of waiting.
	if r.eventFD, err = unix.Eventfd(0, unix.EFD_CLOEXEC); err != nil {
		r.queues.close()
		return fmt.Errorf("eventfd: %w", err)
	}
	count := len(r.queues.sqes) - 1 // one place is the wake-up's
	const iovecBytes = int(unsafe.Sizeof(iovec{}))
	r.memory, err = unix.Mmap(-1, 0, (memoryIovecs+count*requestMaxBufs)*iovecBytes,
		unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANONYMOUS)
	if err != nil {
		r.release()
		return fmt.Errorf("mapping iovecs: %w", err)
	}
	iovecs := unsafe.Slice((*iovec)(unsafe.Pointer(unsafe.SliceData(r.memory))),
		memoryIovecs+count*requestMaxBufs)
	r.iovecs = iovecs[memoryIovecs:]
	r.files.open(r.queues, (*int32)(unsafe.Pointer(&iovecs[1])), c.RegisteredFiles)
	r.buffers.setUp(r.queues, &iovecs[2])
	r.slots = make([]slot, count)
	for i := range r.slots {
		r.free = append(r.free, uint32(i))
	}
	return nil
}

// memoryIovecs is what precedes the iovecs in a ring's memory, in units of them: the eventfd's
// counter, the descriptor and the iovec of updates of the tables.
const memoryIovecs = 3

// release closes what the owner opened. Nothing is in flight but the read of the eventfd.
func (r *ring) release() {
	r.queues.close()
	_ = unix.Close(r.eventFD)
	if r.memory != nil {
		_ = unix.Munmap(r.memory)
	}
}

// accept runs commands, then moves operations from the line into free slots and queues their
// requests. What the line holds back stays there until something in flight completes. false:
// the ring is closed and everything done.
func (r *ring) accept() bool {
	r.mu.Lock()
	for class, count := range r.finished {
		r.line.Finished(ioengine.Class(class), count)
		r.finished[class] = 0
	}
	commands := r.takeCommands()
	r.abandon = r.cancelling
	for !r.abandon && len(r.accepted) < len(r.free) {
		ref, ok := r.line.Pop()
		if !ok {
			break
		}
		r.accepted = append(r.accepted, ref)
	}
	idle := len(r.accepted) == 0 && len(r.free) == len(r.slots) && len(r.commands) == 0 &&
		len(commands) == 0 && r.line.Len() == 0
	end := r.closed && idle
	// With every slot taken a wake-up could change nothing; a completion will.
	r.asleep = !end && len(r.accepted) < len(r.free)
	r.gone = end
	r.mu.Unlock()

	for _, command := range commands {
		command()
	}
	if r.abandon {
		r.cancelAll()
	}
	if !r.armed && !end {
		r.arm()
	}
	for _, ref := range r.accepted {
		r.begin(ref)
	}
	clear(r.accepted)
	r.accepted = r.accepted[:0]
	return !end
}

// arm queues the read of the eventfd that a wake-up completes.
func (r *ring) arm() {
	s := r.queues.next()
	s.opcode, s.fd, s.len = opRead, int32(r.eventFD), 8
	s.addr = uint64(uintptr(unsafe.Pointer(unsafe.SliceData(r.memory))))
	s.userData = uint64(wakeSlot)
	r.armed = true
}

// begin takes a slot for ref.
func (r *ring) begin(ref ioengine.Ref) {
	if err := ref.Op().Err; err != nil { // its file is closed
		r.finished[min(ref.Batch.Class, ioengine.Scrub)]++
		r.report(ref, err)
		r.hurry = true
		return
	}
	index := r.free[len(r.free)-1]
	r.free = r.free[:len(r.free)-1]
	s := &r.slots[index]
	s.ref, s.busy = ref, true
	if s.transfer.start(ref.Op()) {
		r.end(index, nil)
		r.hurry = true
		return
	}
	r.request(index)
}

// enter hands the requests over and, unless in a hurry, sleeps until something completes.
func (r *ring) enter() {
	wait := 1
	if r.hurry {
		wait, r.hurry = 0, false
	}
	err := r.queues.enter(wait)
	r.counters.Enters.Add(1)
	switch {
	case err == nil || errors.Is(err, unix.EINTR):
	case errors.Is(err, unix.EAGAIN) || errors.Is(err, unix.EBUSY):
		// The kernel lacks memory or wants completions reaped first. The requests are still
		// queued: reap, then try again, without burning the CPU that others need.
		time.Sleep(100 * time.Microsecond)
	default:
		// What the kernel owns of our memory can no longer be known.
		panic(fmt.Sprintf("uring: io_uring_enter: %v", err))
	}
}

// handle takes one completion.
func (r *ring) handle(userData uint64, res int32) {
	index, generation := uint32(userData), uint32(userData>>32)
	switch index {
	case wakeSlot:
		r.armed = false
		return
	case cancelSlot:
		return // what it cancelled says so itself
	}
	r.counters.CQEs.Add(1)
	if int(index) >= len(r.slots) || !r.slots[index].busy ||
		r.slots[index].generation != generation {
		panic(fmt.Sprintf("uring: completion %#x belongs to no operation", userData))
	}
	again, err := r.slots[index].transfer.result(res)
	if r.abandon && (again || errors.Is(err, unix.ECANCELED)) {
		again, err = false, fmt.Errorf("uring: cancelled: %w", ioengine.ErrClosed)
	}
	if again {
		r.request(index)
		return
	}
	r.end(index, err)
}

// end frees the slot and reports the operation.
func (r *ring) end(index uint32, err error) {
	s := &r.slots[index]
	ref := s.ref
	s.ref, s.busy = ioengine.Ref{}, false
	s.transfer.forget()
	r.free = append(r.free, index)

	r.finished[min(ref.Batch.Class, ioengine.Scrub)]++
	r.report(ref, err)
}

// report ends an operation. The batch is the caller's again with the last of them.
func (r *ring) report(ref ioengine.Ref, err error) {
	op := ref.Op()
	ioengine.ReleaseFile(op)
	op.Err = err
	r.counters.Count(op)
	ref.Batch.Finish()
}
