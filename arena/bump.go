package arena

// allocAlignBytes is the alignment of every allocation.
const allocAlignBytes = 8

// heldMax is the longest list of blocks that an idle arena keeps, empty, for its next request.
const heldMax = 32

// Lender is the part of an Allocator that a Bump needs.
type Lender interface {
	Borrow(dst []*Block, home int) error
	Return(blocks []*Block)
}

// Bump is an Arena over borrowed blocks. Allocating moves an offset; Reset gives the blocks
// back.
type Bump struct {
	lender Lender
	ledger *Ledger
	home   int

	free []byte   // what is left of the newest block
	held []*Block // newest last
	// first backs held, so that a request of up to 256 KiB needs no slice of its own.
	first [4]*Block

	allocations   uint64
	heapFallbacks uint64
}

var _ Arena = (*Bump)(nil)

// NewBump returns an empty arena that borrows from list home of lender.
func NewBump(lender Lender, ledger *Ledger, home int) *Bump {
	b := &Bump{lender: lender, ledger: ledger, home: home}
	b.held = b.first[:0]
	return b
}

// Alloc returns n bytes, aligned to 8, valid until Reset; see Arena.
func (b *Bump) Alloc(n int) []byte {
	b.allocations++
	if n < 0 {
		panic("arena: Alloc of a negative size")
	}
	if n > len(b.free) && !b.grow(n) {
		b.heapFallbacks++
		return MakeBytes(n)
	}
	if n == 0 {
		return []byte{}
	}
	// The rest stays aligned, because a block's size is a multiple of the alignment.
	step := min((n+allocAlignBytes-1)&^(allocAlignBytes-1), len(b.free))
	p := b.free[:n:n]
	b.free = b.free[step:]
	return p
}

// MakeBytes is Alloc from the Go heap. The runtime aligns an object to 8 only if its size is a
// multiple of 8.
func MakeBytes(n int) []byte {
	return make([]byte, (n+allocAlignBytes-1)&^(allocAlignBytes-1))[:n:n]
}

// grow borrows one block; false: the heap must serve.
func (b *Bump) grow(n int) bool {
	if n > BlockBytes {
		return false
	}
	at := len(b.held)
	b.held = append(b.held, nil)
	if err := b.lender.Borrow(b.held[at:], b.home); err != nil {
		b.held = b.held[:at]
		return false
	}
	b.free = b.held[at].Bytes
	return true
}

// Reset frees everything and returns the blocks.
func (b *Bump) Reset() {
	if len(b.held) > 0 {
		b.lender.Return(b.held)
		clear(b.held)
	}
	b.free, b.held = nil, b.held[:0]
	if cap(b.held) > heldMax {
		b.held = b.first[:0]
	}
	b.ledger.CountReset(b.allocations, b.heapFallbacks)
	b.allocations, b.heapFallbacks = 0, 0
}
