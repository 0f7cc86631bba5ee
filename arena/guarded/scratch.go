package guarded

import (
	"fmt"
	"slices"

	"flashstore/arena"
)

const (
	redZoneBytes = 16 // on either side of an allocation; a multiple of the alignment
	alignBytes   = 8
	red          = 0xFD
)

// scratch is an Arena that remembers each allocation.
type scratch struct {
	allocator *Allocator

	held    []*arena.Block
	free    []byte // of the newest block that is shared
	taken   []allocation
	request uint64 // Resets so far

	allocations, fallbacks uint64
}

// allocation is what Alloc returned: within, with its red zones, in zoned.
type allocation struct {
	zoned []byte
	bytes int
	site  site
}

var _ arena.Arena = (*scratch)(nil)

// Alloc returns n bytes of 0xDB between red zones; see arena.Arena.
func (s *scratch) Alloc(n int) []byte {
	if n < 0 {
		panic("guarded: Alloc of a negative size")
	}
	s.allocations++
	zoned := s.room(n)
	p := zoned
	if len(zoned) != n { // not a block of its own
		p = zoned[redZoneBytes : redZoneBytes+n : redZoneBytes+n]
		paint(zoned, n)
	}
	fill(p)
	if len(s.taken) == 0 {
		s.allocator.note(s, true)
	}
	s.allocator.mu.Lock() // Leaks may look
	s.taken = append(s.taken, allocation{zoned, n, caller()})
	s.allocator.mu.Unlock()
	return p
}

// room finds space for n bytes and their red zones. Where those do not fit, an allocation has a
// block of its own, whose guards do their work.
func (s *scratch) room(n int) []byte {
	need := (n+alignBytes-1)&^(alignBytes-1) + 2*redZoneBytes
	if need > len(s.free) {
		b := s.block(n)
		switch {
		case b == nil:
			s.fallbacks++
			return arena.MakeBytes(need)
		case need > len(b.Bytes):
			return b.Bytes[:n:n]
		}
		s.free = b.Bytes
	}
	zoned := s.free[:need:need]
	s.free = s.free[need:]
	return zoned
}

// block borrows one for n bytes; nil: they do not fit, or the budget is in use.
func (s *scratch) block(n int) *arena.Block {
	if n > arena.BlockBytes {
		return nil
	}
	one := make([]*arena.Block, 1)
	if s.allocator.lend(one, loan{arena: s}) != nil {
		return nil
	}
	s.held = append(s.held, one[0])
	return one[0]
}

// Reset looks at every red zone, and takes all memory out of reach. It panics if somebody wrote
// outside an allocation.
func (s *scratch) Reset() {
	for i := range s.taken {
		s.taken[i].check(s.request)
	}
	if len(s.taken) > 0 {
		s.allocator.note(s, false)
	}
	s.allocator.returned(s.held, s)
	s.allocator.ledger.CountReset(s.allocations, s.fallbacks)
	*s = scratch{allocator: s.allocator, request: s.request + 1}
}

// check looks at the red zones.
func (t *allocation) check(request uint64) {
	if len(t.zoned) == t.bytes {
		return // a block of its own
	}
	before, after := t.zoned[:redZoneBytes], t.zoned[redZoneBytes+t.bytes:]
	for at, side := range [][]byte{before, after} {
		if i := slices.IndexFunc(side, func(c byte) bool { return c != red }); i >= 0 {
			where := fmt.Sprintf("%d bytes behind its end", i)
			if at == 0 {
				where = fmt.Sprintf("%d bytes before its beginning", redZoneBytes-i)
			}
			panic(fmt.Sprintf("guarded: written %s of the %d bytes taken by %s in request %d",
				where, t.bytes, t.site, request))
		}
	}
}

// paint marks the red zones around n bytes.
func paint(zoned []byte, n int) {
	for i := range zoned {
		if i < redZoneBytes || i >= redZoneBytes+n {
			zoned[i] = red
		}
	}
}
