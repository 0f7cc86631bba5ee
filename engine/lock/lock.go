package lock

import "context"

// ID names a register. It is comparable and costs no allocation to pass.
type ID struct {
	Space  uint8
	Bucket [16]byte
	Name   string
}

// Token orders the holders of locks.
type Token struct{ Term, Sequence uint64 }

// Grant is a lock held.
type Grant struct {
	Token   Token
	Release func() // called exactly once
}

// Locker grants locks. All methods are safe for concurrent use.
type Locker interface {
	// Lock waits for id in order of arrival, or returns ctx's error.
	Lock(ctx context.Context, id ID) (Grant, error)
	// Token returns a fresh token without a lock, for acts that need an order only.
	Token() Token
	// SetTerm begins a term; called before its first Lock.
	SetTerm(term uint64)
}
