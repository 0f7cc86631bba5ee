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

// allocation is what Alloc returned: zoned[begin:end]. The rest of zoned is red.
type allocation struct {
	zoned      []byte
	begin, end int
	site       site
}

var _ arena.Arena = (*scratch)(nil)

// Alloc returns n bytes of 0xDB between red zones; see arena.Arena.
func (s *scratch) Alloc(n int) []byte {
	if n < 0 {
		panic("guarded: Alloc of a negative size")
	}
	s.allocations++
	zoned, begin := s.room(n)
	end := begin + n
	paint(zoned[:begin])
	paint(zoned[end:])
	fill(zoned[begin:end])
	if len(s.taken) == 0 {
		s.allocator.note(s, true)
	}
	s.allocator.mu.Lock() // Leaks may look
	s.taken = append(s.taken, allocation{zoned, begin, end, caller()})
	s.allocator.mu.Unlock()
	return zoned[begin:end:end]
}

// room finds space for n bytes, from begin on, and their red zones. Where those do not fit, an
// allocation has a block of its own: the guard before it and the rest behind it do their work, and
// then the guard.
func (s *scratch) room(n int) (zoned []byte, begin int) {
	need := (n+alignBytes-1)&^(alignBytes-1) + 2*redZoneBytes
	if need > len(s.free) {
		b := s.block(n)
		switch {
		case b == nil:
			s.fallbacks++
			return arena.MakeBytes(need), redZoneBytes
		case need > len(b.Bytes):
			return b.Bytes, 0
		}
		s.free = b.Bytes
	}
	zoned, s.free = s.free[:need:need], s.free[need:]
	return zoned, redZoneBytes
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
	where := ""
	notRed := func(c byte) bool { return c != red }
	if i := slices.IndexFunc(t.zoned[:t.begin], notRed); i >= 0 {
		where = fmt.Sprintf("%d bytes before its beginning", t.begin-i)
	} else if i := slices.IndexFunc(t.zoned[t.end:], notRed); i >= 0 {
		where = fmt.Sprintf("%d bytes behind its end", i)
	}
	if where != "" {
		panic(fmt.Sprintf("guarded: written %s of the %d bytes taken by %s in request %d", where,
			t.end-t.begin, t.site, request))
	}
}

// paint marks a red zone.
func paint(zone []byte) {
	for i := range zone {
		zone[i] = red
	}
}
