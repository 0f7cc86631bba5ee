package erasure

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"flashstore/arena"
	"flashstore/engine/drive"
	"flashstore/engine/erasure/codec"
	"flashstore/engine/lock"
	"flashstore/engine/object"
)

// Limits of waiting for drives.
const (
	commitTimeoutDefault = 30 * time.Second      // for the write quorum; then 503, outcome unknown
	stragglerMax         = 50 * time.Millisecond // for the rest, once the quorum has committed
)

// Config says what a Store works on.
type Config struct {
	// Sets are the drives of each erasure set by position; nil where a drive is missing.
	Sets [][]drive.Drive
	// Parity of all sets, of objects that ask for nothing else.
	Parity    int
	SIMD      string
	Allocator arena.Allocator
	// Reads lends what bodies are read into; nil: Allocator does. While it is crowded, bodies are
	// read in smaller pieces.
	Reads  *arena.Share
	Locks  lock.Locker
	Logger *slog.Logger
	Heal   HealConfig
	// Now is the clock that people read: of ModTime, and of when a set was last healed. It may go
	// back. nil: time.Now.
	Now func() time.Time
}

// Store implements object.Store over erasure sets.
type Store struct {
	cfg      Config
	sets     []*set
	healers  []*healer // of the sets
	log      *slog.Logger
	buckets  bucketTable
	doubts   doubts
	late     late
	attempts attempts
	uploads  [256]sync.RWMutex // by upload id: parts share, Complete and Abort exclude
	counters counters
	nearbys  sync.Pool // of *nearby
	stop     context.CancelFunc
	// background ends with stop; nil before Start.
	background context.Context
	work       sync.WaitGroup // background decisions
	healing    sync.WaitGroup
}

var _ object.Store = (*Store)(nil)

type counters struct {
	belowFull  atomic.Uint64
	decided    atomic.Uint64
	settled    atomic.Uint64
	degraded   atomic.Uint64
	undecided  atomic.Uint64
	quorumMiss atomic.Uint64
	lost       atomic.Uint64
	forgotten  atomic.Uint64
}

// Stats count since the store was made.
type Stats struct {
	Codec          codec.Stats
	Sets           []SetStats
	AckedBelowFull uint64 // writes acknowledged on fewer than all drives
	Decided        uint64 // writes rolled forward to the quorum before they were shown
	Settled        uint64
	DegradedReads  uint64 // stripes that needed parity
	Undecided      uint64 // reads answered 503 because the newest write cannot be decided
	QuorumMissed   uint64 // commits that did not reach the write quorum
	LostUndecided  uint64 // writes below the quorum that no drive could bring back, discarded
	Forgotten      uint64 // tombstones that every drive had, dropped
}

// SetStats is the present state of one set.
type SetStats struct {
	Layout       codec.Layout
	WriteQuorum  int
	DrivesOnline int
	Writable     bool // it has its write quorum
}

// New makes a store over cfg.Sets. It serves reads at once; writes need Start.
func New(cfg Config) (*Store, error) {
	if len(cfg.Sets) == 0 {
		return nil, errors.New("erasure: no set of drives")
	}
	if cfg.Reads == nil {
		cfg.Reads = arena.NewShare(cfg.Allocator, 0)
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	s := &Store{cfg: cfg, log: cfg.Logger, stop: func() {}}
	for i, drives := range cfg.Sets {
		n := len(drives)
		if n < 1 || n > codec.TotalMax {
			return nil, fmt.Errorf("erasure: %d drives: a set has 1 to %d", n, codec.TotalMax)
		}
		one, err := newSet(i, &cfg, drives, &s.counters)
		if err != nil {
			return nil, err
		}
		one.remember()
		s.sets = append(s.sets, one)
		s.healers = append(s.healers, newHealer(s, one, cfg.Heal))
	}
	s.buckets.known = make(map[object.BucketName]*bucket)
	return s, nil
}

// Start raises the term of each set on its write quorum, after which it accepts writes, and begins
// to decide and settle what an earlier process left open. A set below its quorum stays read-only
// and Start returns nil: reads are served.
func (s *Store) Start(ctx context.Context) error {
	raised := make([]error, len(s.sets))
	var wg sync.WaitGroup
	for i, one := range s.sets {
		wg.Go(func() { raised[i] = one.raise() })
	}
	wg.Wait()
	if err := errors.Join(raised...); err != nil {
		return err
	}
	background, stop := context.WithCancel(context.WithoutCancel(ctx))
	s.stop = stop
	s.background = background
	for i, one := range s.sets {
		if one.writable.Load() {
			s.work.Go(func() { one.decideLeftovers(background) })
		}
		s.healing.Go(func() { s.healers[i].run(background) })
	}
	return nil
}

// Join puts a drive, by its set and position there, into its place, where one was missing or has
// been replaced; it is healed in the background. Whatever was there before is not used any more,
// and belongs to the caller. Errors: object.ErrUnavailable and those of the drive.
func (s *Store) Join(set, position int, d drive.Drive) error {
	one := s.sets[set]
	if err := one.join(position, d); err != nil {
		return err
	}
	if one.writable.Load() {
		s.work.Go(func() { one.decideLeftovers(s.background) })
	}
	s.healers[set].order()
	return nil
}

// reopen tries to make a set writable that has its drives and missed its quorum when its term was
// raised.
func (s *Store) reopen(ctx context.Context, one *set) {
	err := one.raise()
	switch {
	case err != nil:
		one.log.Warn("the set stays read-only", "set", one.number, "error", err)
	case one.writable.Load():
		s.work.Go(func() { one.decideLeftovers(ctx) })
	}
}

// Close ends background work and refuses what would be written from now on; what is on its way
// to the drives reaches all of them. The drives belong to the caller and stay open.
func (s *Store) Close() {
	s.stop()
	s.work.Wait()
	s.healing.Wait()
	for _, one := range s.sets {
		one.close()
	}
}

// HasWriteQuorum reports whether writes of any key are possible now.
func (s *Store) HasWriteQuorum() bool {
	for _, one := range s.sets {
		if !one.hasWriteQuorum() {
			return false
		}
	}
	return true
}

// Stats returns the counters.
func (s *Store) Stats() Stats {
	c := &s.counters
	all := Stats{AckedBelowFull: c.belowFull.Load(), Decided: c.decided.Load(),
		Settled: c.settled.Load(), DegradedReads: c.degraded.Load(),
		Undecided: c.undecided.Load(), QuorumMissed: c.quorumMiss.Load(),
		LostUndecided: c.lost.Load(), Forgotten: c.forgotten.Load()}
	for _, one := range s.sets {
		did := one.codecs.stats()
		all.Codec.Path = did.Path
		all.Codec.Encodes += did.Encodes
		all.Codec.Rebuilds += did.Rebuilds
		all.Sets = append(all.Sets, SetStats{Layout: one.codecs.standard.Layout, WriteQuorum: one.w,
			DrivesOnline: one.online(), Writable: one.hasWriteQuorum()})
	}
	return all
}

// UploadBytes is the memory that one large upload takes, all of it at times.
func (s *Store) UploadBytes() (most int64) {
	for _, one := range s.sets {
		most = max(most, one.uploadBytes())
	}
	return most
}

func newWriteID() (id drive.WriteID) {
	_, _ = rand.Read(id[:]) // never fails (crypto/rand)
	return id
}

func isUnavailable(err error) bool { return errors.Is(err, object.ErrUnavailable) }
