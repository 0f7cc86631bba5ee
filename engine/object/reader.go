package object

import "context"

// NewReader reads what h yields: the range chosen by Select, or all. Errors are those of Next.
func NewReader(ctx context.Context, h Handle) *Reader { return &Reader{ctx: ctx, handle: h} }

// Reader reads what a Handle yields; one goroutine uses it. The handle stays the caller's.
type Reader struct {
	ctx    context.Context
	handle Handle
	bufs   [][]byte // not read yet
}

// Read reads what is there, or else the next piece.
func (r *Reader) Read(p []byte) (n int, err error) {
	for len(r.bufs) == 0 {
		if r.bufs, err = r.handle.Next(r.ctx); err != nil {
			return 0, err
		}
	}
	n = copy(p, r.bufs[0])
	if r.bufs[0] = r.bufs[0][n:]; len(r.bufs[0]) == 0 {
		r.bufs = r.bufs[1:]
	}
	return n, nil
}
