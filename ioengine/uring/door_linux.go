//go:build amd64 || arm64

package uring

import (
	"fmt"
	"unsafe"

	"golang.org/x/sys/unix"

	"flashstore/ioengine"
)

// This file is the way to a ring's owner from other goroutines.

// submit puts b in line; false: the ring is closed. Any goroutine.
func (r *ring) submit(b *ioengine.Batch) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return false
	}
	r.line.Push(b)
	if r.asleep { // else the owner is about to look, or has no slot to spare
		r.asleep = false
		r.wake()
	}
	return true
}

// post lets the owner run command, soon, on its thread; false: the ring is closed and command
// will not run. Registering is the thread's own (IORING_SETUP_SINGLE_ISSUER).
func (r *ring) post(command func()) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.gone {
		return false
	}
	r.commands = append(r.commands, command)
	r.wake()
	return true
}

// do is post, and waits until command has run. Not for the owner itself.
func (r *ring) do(command func()) bool {
	done := make(chan struct{})
	if !r.post(func() { command(); close(done) }) {
		return false
	}
	<-done
	return true
}

// close lets the owner end when everything in line is done; with cancel, when everything in
// flight is cancelled.
func (r *ring) close(cancel bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.gone {
		return
	}
	r.closed = true
	r.cancelling = r.cancelling || cancel
	r.wake()
}

// wake is called with mu held and gone false, so that the owner cannot close the eventfd
// meanwhile. The write cannot sleep, hence the raw call.
func (r *ring) wake() {
	one := uint64(1)
	_, _, errno := unix.RawSyscall(unix.SYS_WRITE,
		uintptr(r.eventFD), uintptr(unsafe.Pointer(&one)), unsafe.Sizeof(one))
	if errno != 0 {
		panic(fmt.Sprintf("uring: waking the ring: %v", errno))
	}
}

// addStats adds what each class took from the line.
func (r *ring) addStats(s *ioengine.Stats) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for class, c := range r.line.ClassStats() {
		s.Classes[class].Add(c)
	}
}

// takeCommands is the owner's, with mu held. Commands change the tables, which requests name
// places of: they wait until the kernel has taken every request.
func (r *ring) takeCommands() []func() {
	if len(r.commands) == 0 {
		return nil
	}
	r.hurry = true // to look again: at the commands, or at whether that was all
	if r.queues.unsubmitted() > 0 {
		return nil
	}
	commands := r.commands
	r.commands = nil
	return commands
}

// awake spares submitters the wake-up while the owner is at work.
func (r *ring) awake() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.asleep = false
}

// cancelAll is the owner's: it ends what stands in line and asks the kernel, once it has
// taken every request, to end what is in flight, the read of the eventfd included.
func (r *ring) cancelAll() {
	for ref, ok := r.abandoned(); ok; ref, ok = r.abandoned() {
		err := ioengine.ErrClosed
		if ref.Op().Err != nil {
			err = ref.Op().Err
		}
		r.report(ref, err)
		r.hurry = true
	}
	if r.cancelled || len(r.free) == len(r.slots) {
		return
	}
	if r.queues.unsubmitted() > 0 {
		r.hurry = true
		return
	}
	r.cancelled = true
	s := r.queues.next()
	s.opcode, s.fd, s.opFlags = opAsyncCancel, -1, cancelAll|cancelAny
	s.userData = uint64(cancelSlot)
}

func (r *ring) abandoned() (ioengine.Ref, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.line.Abandon()
}
