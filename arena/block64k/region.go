package block64k

import (
	"fmt"
	"sync"
	"unsafe"

	"golang.org/x/sys/unix"

	"flashstore/arena"
)

const (
	// stepBytes is the unit of commitment: one huge page where the system has them.
	stepBytes  = 2 << 20
	stepBlocks = stepBytes / arena.BlockBytes
)

// region is the reserved address space and the frontier of what was carved from it.
type region struct {
	mapping []byte
	usable  []byte // mapping from its first multiple of stepBytes

	mu             sync.Mutex
	committedBytes int
	carved         int // blocks
}

// reserve maps bytes, a multiple of stepBytes, without access: it costs address space only.
func reserve(bytes int) (*region, error) {
	const flags = unix.MAP_ANON | unix.MAP_PRIVATE
	mapping, err := unix.Mmap(-1, 0, bytes+stepBytes, unix.PROT_NONE, flags)
	if err != nil {
		return nil, fmt.Errorf("block64k: reserving %d bytes: %w", bytes, err)
	}
	skip := -int(uintptr(unsafe.Pointer(unsafe.SliceData(mapping)))) & (stepBytes - 1)
	return &region{mapping: mapping, usable: mapping[skip : skip+bytes]}, nil
}

// carve returns the slot of a block that was never used. ok is false when there is none;
// mayCommit allows another step. An error is the system refusing memory within the budget.
func (r *region) carve(mayCommit bool) (slot uint32, ok bool, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	end := (r.carved + 1) * arena.BlockBytes
	if end > r.committedBytes {
		if !mayCommit || end > len(r.usable) {
			return 0, false, nil
		}
		step := r.usable[r.committedBytes : r.committedBytes+stepBytes]
		if err := unix.Mprotect(step, unix.PROT_READ|unix.PROT_WRITE); err != nil {
			return 0, false, fmt.Errorf("block64k: committing 2 MiB: %w", err)
		}
		r.committedBytes += stepBytes
	}
	slot = uint32(r.carved)
	r.carved++
	return slot, true, nil
}

// bytes is the memory of a slot.
func (r *region) bytes(slot uint32) []byte {
	at := int(slot) * arena.BlockBytes
	return r.usable[at : at+arena.BlockBytes : at+arena.BlockBytes]
}

func (r *region) committed() int64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return int64(r.committedBytes)
}

func (r *region) release() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.mapping == nil {
		return nil
	}
	err := unix.Munmap(r.mapping)
	r.mapping, r.usable, r.committedBytes = nil, nil, 0
	return err
}
