package guarded

import (
	"fmt"

	"golang.org/x/sys/unix"

	"flashstore/arena"
)

const (
	poison    = 0xDB
	slotBytes = arena.BlockBytes + arena.AlignBytes // a block and the guard behind it
)

// region is the address space: a guard, then blocks with a guard behind each.
type region struct {
	mapping []byte
	idle    []*arena.Block // lent next from the front, returned to the back
}

func reserve(count int) (*region, error) {
	bytes := arena.AlignBytes + count*slotBytes
	mapping, err := unix.Mmap(-1, 0, bytes, unix.PROT_NONE, unix.MAP_ANON|unix.MAP_PRIVATE)
	if err != nil {
		return nil, fmt.Errorf("guarded: reserving %d bytes: %w", bytes, err)
	}
	r := &region{mapping: mapping}
	for i := range count {
		at := arena.AlignBytes + i*slotBytes
		end := at + arena.BlockBytes
		r.idle = append(r.idle, &arena.Block{Bytes: mapping[at:end:end], Slot: uint32(i)})
	}
	return r, nil
}

// open makes the block that was returned longest ago usable.
func (r *region) open() (*arena.Block, error) {
	b := r.idle[0]
	if err := unix.Mprotect(b.Bytes, unix.PROT_READ|unix.PROT_WRITE); err != nil {
		return nil, fmt.Errorf("guarded: opening a block: %w (vm.max_map_count bounds the blocks "+
			"that are lent at a time)", err)
	}
	r.idle = r.idle[1:]
	fill(b.Bytes)
	return b, nil
}

// shut takes the memory of a block out of reach and gives it back to the system.
func (r *region) shut(b *arena.Block) {
	err := unix.Madvise(b.Bytes, unix.MADV_DONTNEED)
	if err == nil {
		err = unix.Mprotect(b.Bytes, unix.PROT_NONE)
	}
	if err != nil {
		panic(fmt.Sprintf("guarded: closing a block: %v", err)) // it would hide what we look for
	}
	r.idle = append(r.idle, b)
}

func (r *region) release() error {
	if r.mapping == nil {
		return nil
	}
	err := unix.Munmap(r.mapping)
	r.mapping, r.idle = nil, nil
	return err
}

// fill writes what nobody has written: a reader of that shall not meet zeros.
func fill(p []byte) {
	if len(p) == 0 {
		return
	}
	p[0] = poison
	for n := 1; n < len(p); n *= 2 {
		copy(p[n:], p[:n])
	}
}
