package arena

// Share is an Allocator that lends from another, up to a budget of its own: so that one kind of
// borrower, such as bodies that clients do not take, leaves something for the others. Its arenas,
// which live as long as a request, are not counted. Safe for concurrent use.
type Share struct {
	Allocator
	ledger *Ledger
}

var _ Allocator = (*Share)(nil)

// NewShare returns a share of budgetBytes, at least one block; 0: as much as a has.
func NewShare(a Allocator, budgetBytes int64) *Share {
	if budgetBytes > 0 {
		budgetBytes = max(budgetBytes, BlockBytes)
	}
	return &Share{Allocator: a, ledger: NewLedger(budgetBytes)}
}

// Borrow fills dst with blocks, or returns ErrExhausted, of the share or of the whole, and lends
// none.
func (s *Share) Borrow(dst []*Block, home int) error {
	if err := s.ledger.Take(len(dst)); err != nil {
		return err
	}
	if err := s.Allocator.Borrow(dst, home); err != nil {
		s.ledger.Cancel(len(dst))
		return err
	}
	return nil
}

// Return gives blocks back.
func (s *Share) Return(blocks []*Block) {
	s.Allocator.Return(blocks)
	s.ledger.Give(len(blocks))
}

// Exhausted counts the calls of Borrow that the share refused.
func (s *Share) Exhausted() uint64 { return s.ledger.Stats().Exhausted }

// Crowded reports whether more than half of the share is out; never without a budget.
func (s *Share) Crowded() bool { return s.ledger.crowded() }

// Close ends the share, not what it lends from; it says how many blocks were not returned.
func (s *Share) Close() error { return s.ledger.Close() }
