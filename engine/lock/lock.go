package lock

import "context"

// ID names a register. It is comparable and costs no allocation to pass.
type ID struct {
	Space  uint8
	Bucket [16]byte
	Name   string
}

// Grant is a lock held.
type Grant struct {
	// Sequence is higher than that of every grant before, of any register.
	Sequence uint64
	Release  func() // called exactly once
}

// Locker grants locks. All methods are safe for concurrent use.
type Locker interface {
	// Lock waits for id in order of arrival, or returns ctx's error.
	Lock(ctx context.Context, id ID) (Grant, error)
}
