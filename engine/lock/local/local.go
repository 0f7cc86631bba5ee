package local

import (
	"context"
	"hash/maphash"
	"sync"
	"sync/atomic"

	"flashstore/engine/lock"
)

const shardCount = 256 // power of two; far above the number of concurrent requests per core

// Locker is an in-process lock.Locker.
type Locker struct {
	seed     maphash.Seed
	sequence atomic.Uint64
	shards   [shardCount]shard
}

type shard struct {
	mu   sync.Mutex
	held map[lock.ID]*entry
}

// entry is a lock in use: the token in turn passes from holder to holder.
type entry struct {
	users int // holder and waiters, guarded by shard.mu
	turn  chan struct{}
}

var _ lock.Locker = (*Locker)(nil)

// New returns a Locker whose first grant has sequence 1.
func New() *Locker {
	l := &Locker{seed: maphash.MakeSeed()}
	for i := range l.shards {
		l.shards[i].held = make(map[lock.ID]*entry)
	}
	return l
}

// Lock waits for id.
func (l *Locker) Lock(ctx context.Context, id lock.ID) (lock.Grant, error) {
	s := &l.shards[maphash.Comparable(l.seed, id)%shardCount]
	s.mu.Lock()
	e := s.held[id]
	if e == nil {
		e = &entry{turn: make(chan struct{}, 1)}
		e.turn <- struct{}{}
		s.held[id] = e
	}
	e.users++
	s.mu.Unlock()
	select {
	case <-e.turn:
	case <-ctx.Done():
		s.leave(id, e)
		return lock.Grant{}, ctx.Err()
	}
	return lock.Grant{Sequence: l.sequence.Add(1), Release: func() {
		e.turn <- struct{}{}
		s.leave(id, e)
	}}, nil
}

func (s *shard) leave(id lock.ID, e *entry) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if e.users--; e.users == 0 {
		delete(s.held, id)
	}
}
