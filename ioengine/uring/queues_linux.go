//go:build amd64 || arm64

package uring

import (
	"errors"
	"fmt"
	"sync/atomic"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// queues are the two rings shared with the kernel. Only the owning thread touches them.
type queues struct {
	fd int
	// call is enter: the seam through which tests play a kernel that refuses.
	call    func(fd, submit, wait int) syscall.Errno
	shared  []byte // mapping of both rings
	sqes    []sqe  // mapping
	sqHead  *atomic.Uint32
	sqTail  *atomic.Uint32
	sqNext  uint32 // our copy of the tail, ahead of it until publish
	sqMask  uint32
	cqHead  *atomic.Uint32
	cqTail  *atomic.Uint32
	cqMask  uint32
	cqes    []cqe
	rawSQEs []byte
}

// setupFlags are tried in order: what newer kernels offer saves interrupts of the thread.
var setupFlags = [...]uint32{
	setupClamp | setupSubmitAll | setupCoopTaskrun | setupSingleIssuer | setupDeferTaskrun,
	setupClamp | setupSubmitAll | setupCoopTaskrun,
	setupClamp,
}

// openQueues makes a ring. It must be called on the thread that will use it.
func openQueues(entries int) (*queues, error) {
	var p params
	fd, err := setup(entries, &p)
	if err != nil {
		return nil, err
	}
	q := &queues{fd: fd, call: enter}
	if p.features&featuresNeeded != featuresNeeded {
		q.close()
		return nil, fmt.Errorf("kernel features %#x lack some of %#x", p.features, featuresNeeded)
	}
	if err := q.mapMemory(&p); err != nil {
		q.close()
		return nil, err
	}
	return q, nil
}

func setup(entries int, p *params) (int, error) {
	for _, flags := range setupFlags {
		*p = params{flags: flags}
		fd, _, errno := unix.Syscall(unix.SYS_IO_URING_SETUP,
			uintptr(entries), uintptr(unsafe.Pointer(p)), 0)
		if errno == 0 {
			unix.CloseOnExec(int(fd))
			return int(fd), nil
		}
		if errno != unix.EINVAL {
			return -1, fmt.Errorf("io_uring_setup: %w", errno)
		}
	}
	return -1, fmt.Errorf("io_uring_setup: %w", unix.EINVAL)
}

func (q *queues) mapMemory(p *params) error {
	const prot, flags = unix.PROT_READ | unix.PROT_WRITE, unix.MAP_SHARED | unix.MAP_POPULATE
	sqEnd := int(p.sqOff.array) + int(p.sqEntries)*4
	cqEnd := int(p.cqOff.cqes) + int(p.cqEntries)*cqeBytes
	var err error
	if q.shared, err = unix.Mmap(q.fd, mapRings, max(sqEnd, cqEnd), prot, flags); err != nil {
		return fmt.Errorf("mapping the rings: %w", err)
	}
	q.rawSQEs, err = unix.Mmap(q.fd, mapSQEs, int(p.sqEntries)*sqeBytes, prot, flags)
	if err != nil {
		return fmt.Errorf("mapping the requests: %w", err)
	}
	q.sqHead, q.sqTail = q.word(p.sqOff.head), q.word(p.sqOff.tail)
	q.cqHead, q.cqTail = q.word(p.cqOff.head), q.word(p.cqOff.tail)
	q.sqMask, q.cqMask = p.sqEntries-1, p.cqEntries-1
	q.sqNext = q.sqTail.Load()
	q.sqes = unsafe.Slice((*sqe)(unsafe.Pointer(unsafe.SliceData(q.rawSQEs))), p.sqEntries)
	q.cqes = unsafe.Slice((*cqe)(unsafe.Pointer(&q.shared[p.cqOff.cqes])), p.cqEntries)
	// Place i of the queue is request i, for good.
	for i := range p.sqEntries {
		q.word(p.sqOff.array + 4*i).Store(i)
	}
	return nil
}

func (q *queues) word(offset uint32) *atomic.Uint32 {
	return (*atomic.Uint32)(unsafe.Pointer(&q.shared[offset]))
}

// next returns a cleared request to fill in. There is always room: see the invariants.
func (q *queues) next() *sqe {
	if q.sqNext-q.sqHead.Load() > q.sqMask {
		panic("uring: the submission queue is full")
	}
	s := &q.sqes[q.sqNext&q.sqMask]
	*s = sqe{}
	q.sqNext++
	return s
}

// unsubmitted is the number of requests that the kernel has not taken.
func (q *queues) unsubmitted() int { return int(q.sqNext - q.sqHead.Load()) }

// enter publishes what next gave out and waits for at least wait completions, unless the
// kernel takes only a part: the rest, and everything after an error, stays queued.
func (q *queues) enter(wait int) error {
	q.sqTail.Store(q.sqNext)
	if errno := q.call(q.fd, q.unsubmitted(), wait); errno != 0 {
		return errno
	}
	return nil
}

// reap calls handle for every completion there is and says how many there were. handle may
// call next.
func (q *queues) reap(handle func(userData uint64, res int32)) int {
	head, tail := q.cqHead.Load(), q.cqTail.Load()
	count := int(tail - head)
	for ; head != tail; head++ {
		c := q.cqes[head&q.cqMask]
		q.cqHead.Store(head + 1) // c is a copy; the kernel may have the place
		handle(c.userData, c.res)
	}
	return count
}

// close gives the ring back to the kernel, which cancels what is in flight.
func (q *queues) close() {
	errs := []error{nil, nil, unix.Close(q.fd)}
	if q.shared != nil {
		errs[0] = unix.Munmap(q.shared)
	}
	if q.rawSQEs != nil {
		errs[1] = unix.Munmap(q.rawSQEs)
	}
	if err := errors.Join(errs...); err != nil {
		panic(fmt.Sprintf("uring: closing a ring: %v", err)) // our bookkeeping is wrong
	}
}
