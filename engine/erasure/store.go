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
	// Drives by position in the set; nil where a drive is missing.
	Drives    []drive.Drive
	Parity    int
	SIMD      string
	Allocator arena.Allocator
	// Reads lends what bodies are read into; nil: Allocator does. While it is crowded, bodies are
	// read in smaller pieces.
	Reads  *arena.Share
	Locks  lock.Locker
	Logger *slog.Logger
}

// Store implements object.Store over one erasure set.
type Store struct {
	cfg     Config
	codec   *codec.Codec
	k, n, w int
	log     *slog.Logger
	// writable is set once this store's term is durable on the write quorum (rule 1).
	writable atomic.Bool
	buckets  bucketTable
	doubts   doubts
	uploads  [256]sync.RWMutex // by upload id: parts share, Complete and Abort exclude
	lag      lag
	// commitTimeout is how long a commit waits for the write quorum.
	commitTimeout time.Duration
	counters      counters
	nearbys       sync.Pool // of *nearby
	// gate is held for reading while a commit is handed to the drives, so that Close comes
	// before all of them or behind all.
	gate   sync.RWMutex
	closed bool
	stop   context.CancelFunc
	work   sync.WaitGroup // background decisions
}

var _ object.Store = (*Store)(nil)

type counters struct {
	belowFull  atomic.Uint64
	decided    atomic.Uint64
	settled    atomic.Uint64
	degraded   atomic.Uint64
	undecided  atomic.Uint64
	quorumMiss atomic.Uint64
}

// Stats count since the store was made.
type Stats struct {
	Codec          codec.Stats
	Layout         codec.Layout
	WriteQuorum    int
	DrivesOnline   int
	Writable       bool
	AckedBelowFull uint64 // writes acknowledged on fewer than all drives
	Decided        uint64 // writes rolled forward to the quorum before they were shown
	Settled        uint64
	DegradedReads  uint64 // stripes that needed parity
	Undecided      uint64 // reads answered 503 because the newest write cannot be decided
	QuorumMissed   uint64 // commits that did not reach the write quorum
}

// New makes a store over cfg.Drives. It serves reads at once; writes need Start.
func New(cfg Config) (*Store, error) {
	n := len(cfg.Drives)
	if n < 1 || n > codec.TotalMax {
		return nil, fmt.Errorf("erasure: %d drives: a set has 1 to %d", n, codec.TotalMax)
	}
	layout := codec.Layout{Data: n - cfg.Parity, Parity: cfg.Parity}
	c, err := codec.New(layout, cfg.SIMD)
	if err != nil {
		return nil, err
	}
	if cfg.Reads == nil {
		cfg.Reads = arena.NewShare(cfg.Allocator, 0)
	}
	s := &Store{cfg: cfg, codec: c, k: layout.Data, n: n,
		w: WriteQuorum(layout.Data, layout.Parity), log: cfg.Logger, stop: func() {},
		commitTimeout: commitTimeoutDefault}
	s.buckets.known = make(map[object.BucketName]*bucket)
	return s, nil
}

// Start raises the set's term on the write quorum, after which writes are accepted, and begins
// to decide and settle what an earlier process left open. Below the quorum the store stays
// read-only and Start returns nil: reads are served.
func (s *Store) Start(ctx context.Context) error {
	term := uint64(0)
	for _, d := range s.cfg.Drives {
		if d != nil {
			term = max(term, d.Info().Term, d.Info().MaxSeen.Term)
		}
	}
	term++
	s.cfg.Locks.SetTerm(term)
	r := &drive.Record{Type: drive.TypeTerm, Token: drive.Order{Term: term}}
	r.Order, r.WriteID = r.Token, newWriteID()
	if err := s.commit(s.everywhere(r), nil, nil); err != nil {
		if !errors.Is(err, object.ErrUnavailable) {
			return fmt.Errorf("erasure: raising the term to %d: %w", term, err)
		}
		s.log.Warn("the set is below its write quorum: read-only", "drives", s.online(),
			"quorum", s.w)
		return nil
	}
	s.writable.Store(true)
	background, stop := context.WithCancel(context.WithoutCancel(ctx))
	s.stop = stop
	s.work.Go(func() { s.decideLeftovers(background) })
	return nil
}

// Close ends background work and refuses what would be written from now on; what is on its way
// to the drives reaches all of them. The drives belong to the caller and stay open.
func (s *Store) Close() {
	s.stop()
	s.work.Wait()
	s.gate.Lock()
	s.closed = true
	s.gate.Unlock()
}

// online counts the drives that take part at all.
func (s *Store) online() (n int) {
	for i := range s.cfg.Drives {
		if s.usable(i) {
			n++
		}
	}
	return n
}

func (s *Store) usable(i int) bool {
	d := s.cfg.Drives[i]
	return d != nil && d.Info().Health == drive.Online
}

// HasWriteQuorum reports whether writes are possible now.
func (s *Store) HasWriteQuorum() bool { return s.writable.Load() && s.online() >= s.w }

// Stats returns the counters.
func (s *Store) Stats() Stats {
	c := &s.counters
	return Stats{Codec: s.codec.Stats(), Layout: s.codec.Layout, WriteQuorum: s.w,
		DrivesOnline: s.online(), Writable: s.writable.Load(),
		AckedBelowFull: c.belowFull.Load(), Decided: c.decided.Load(),
		Settled: c.settled.Load(), DegradedReads: c.degraded.Load(),
		Undecided: c.undecided.Load(), QuorumMissed: c.quorumMiss.Load()}
}

func newWriteID() (id drive.WriteID) {
	_, _ = rand.Read(id[:]) // never fails (crypto/rand)
	return id
}
