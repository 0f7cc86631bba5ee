package arena

import "errors"

// BlockBytes is the size of every block; AlignBytes the alignment of its first byte.
const (
	BlockBytes = 64 << 10
	AlignBytes = 4 << 10
)

// ErrExhausted says that the allocator's budget is in use. The request that meets it is
// answered 503 SlowDown; memory comes back when requests in flight end.
var ErrExhausted = errors.New("arena: the memory budget is exhausted")

// Block is BlockBytes of memory lent by an Allocator to one borrower at a time.
type Block struct {
	// Bytes is the whole block; its length and capacity are BlockBytes.
	Bytes []byte
	// Slot is the implementation's own bookkeeping; borrowers leave it alone.
	Slot uint32
	// Home is the free list (one per loop) the block came from; left alone as well.
	Home uint32
}

// Allocator hands out blocks and arenas. All methods are safe for concurrent use.
type Allocator interface {
	// Borrow fills all of dst with blocks, or returns ErrExhausted and lends none. home
	// names the caller's free list and may be any number; it is taken modulo the lists.
	Borrow(dst []*Block, home int) error
	// Return gives blocks back, from any goroutine. The caller must not touch them again.
	Return(blocks []*Block)
	// NewArena returns an empty arena that takes its blocks from list home.
	// It holds no block until its first Alloc.
	NewArena(home int) Arena
	// Stats counts since the allocator was made.
	Stats() Stats
	// Properties says what this allocator is.
	Properties() Properties
	// Close releases the memory. Every block must have been returned; Close says how many
	// were not.
	Close() error
}

// Arena is the scratch memory of one request: allocations by moving a pointer, freed all at
// once. It is used by one goroutine at a time.
type Arena interface {
	// Alloc returns bytes of zeroed or dirty memory (the caller writes before it reads),
	// aligned to 8, valid until Reset. A request over BlockBytes, or one the budget cannot
	// serve, is answered from the Go heap and counted in Stats.HeapFallbacks: never nil.
	Alloc(bytes int) []byte
	// Reset frees every allocation at once and returns the blocks it holds to the allocator.
	// Its cost does not depend on the number of allocations.
	Reset()
}

// Properties are facts about an allocator that callers may rely on.
type Properties struct {
	Name    string // the axis value: arena, syncpool, heap
	OffHeap bool   // memory is outside the Go heap and may be registered with the kernel
}

// Stats are counters; those that end in InUse or Bytes are levels.
type Stats struct {
	BlocksBorrowed uint64 // blocks handed out, by Borrow or to arenas
	BlocksReturned uint64
	BlocksInUse    int64
	ReservedBytes  int64  // memory held by the allocator, free lists included
	BudgetBytes    int64  // 0: without limit
	Allocations    uint64 // Arena.Alloc calls; exact on a quiet server
	Resets         uint64
	HeapFallbacks  uint64
	Exhausted      uint64 // Borrow calls refused
}
