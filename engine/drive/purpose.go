package drive

import "context"

// Purpose is whom work on a drive is for. Where the device has not enough for all, clients come
// first, then repair, then the search for damage.
type Purpose uint8

// The purposes.
const (
	Service Purpose = iota // of clients
	Repair
	Scrub
)

type purposeKey struct{}

// For returns a context under which a drive reads and writes shards for a purpose.
func For(ctx context.Context, p Purpose) context.Context {
	return context.WithValue(ctx, purposeKey{}, p)
}

// PurposeOf returns the purpose of a context; Service if For gave it none.
func PurposeOf(ctx context.Context) Purpose {
	p, _ := ctx.Value(purposeKey{}).(Purpose)
	return p
}
