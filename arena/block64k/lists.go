package block64k

import (
	"sync"
	"sync/atomic"
)

// Links between slots: slot+1 of the next block of a list, or one of these.
const (
	linkEnd  = uint32(0)
	linkLent = ^uint32(0)
)

// links is the table of all lists: one word per slot, outside the blocks, so that a stray
// write into a block cannot break a list.
type links []atomic.Uint32

// home is one loop's share. The padding keeps two homes off one cache line (and its
// neighbour, which the prefetcher brings along).
type home struct {
	mu   sync.Mutex
	free uint32 // head link of the private list, under mu

	_ [128 - 12]byte

	// returned is the head link of the return list: pushed by anybody, taken whole under mu.
	returned atomic.Uint32

	_ [128 - 4]byte
}

// take pops up to len(dst) slots and says how many.
func (h *home) take(l links, dst []uint32) int {
	h.mu.Lock()
	defer h.mu.Unlock()
	for i := range dst {
		if h.free == linkEnd {
			if h.returned.Load() == linkEnd {
				return i
			}
			h.free = h.returned.Swap(linkEnd)
		}
		slot := h.free - 1
		h.free = l[slot].Swap(linkLent)
		dst[i] = slot
	}
	return len(dst)
}

// give puts a chain of slots, linked from first to last, on the return list.
func (h *home) give(l links, first, last uint32) {
	for {
		head := h.returned.Load()
		l[last].Store(head)
		if h.returned.CompareAndSwap(head, first+1) {
			return
		}
	}
}
