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

// take pops up to len(dst) slots and says how many. What was returned last goes out first: it
// is warm, and blocks that only a burst needed stay untouched.
func (h *home) take(l links, dst []uint32) int {
	h.mu.Lock()
	defer h.mu.Unlock()
	n := 0
	if h.returned.Load() != linkEnd {
		var rest uint32
		n, rest = l.pop(h.returned.Swap(linkEnd), dst)
		h.free = l.join(rest, h.free)
	}
	more, rest := l.pop(h.free, dst[n:])
	h.free = rest
	return n + more
}

// pop fills dst from the front of a list that is the caller's, and returns how many slots it
// got and the head of the rest.
func (l links) pop(head uint32, dst []uint32) (n int, rest uint32) {
	for n < len(dst) && head != linkEnd {
		dst[n] = head - 1
		head = l[dst[n]].Swap(linkLent)
		n++
	}
	return n, head
}

// join puts one list in front of another; both are the caller's. It walks the first, so a
// block costs one step for each time it was returned and not taken at once.
func (l links) join(front, back uint32) uint32 {
	switch linkEnd {
	case front:
		return back
	case back:
		return front
	}
	last := front - 1
	for next := l[last].Load(); next != linkEnd; next = l[last].Load() {
		last = next - 1
	}
	l[last].Store(back)
	return front
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
