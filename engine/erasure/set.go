package erasure

import (
	"context"
	"fmt"
	"log/slog"
	"math"
	"sync"
	"sync/atomic"
	"time"

	"flashstore/arena"
	"flashstore/engine/drive"
	"flashstore/engine/lock"
	"flashstore/engine/object"
)

var errReadOnly = fmt.Errorf("%w: the set is read-only below its write quorum",
	object.ErrUnavailable)

// set is the quorum of one erasure set: what all registers of its drives have in common.
type set struct {
	number int // from 0, for messages
	// slots hold the drives by position; a slot's drive may be replaced while the set serves.
	slots  []atomic.Pointer[drive.Drive]
	codecs codecs
	// k and w are those of the set's default parity. Shards of other storage classes say in their
	// geometry how they were cut; they never need fewer drives.
	k, n, w int

	memory arena.Allocator
	reads  *arena.Share
	locks  lock.Locker
	log    *slog.Logger

	// term is the one this store writes in; writable is set once it is durable on the write quorum
	// (rule 1).
	term     atomic.Uint64
	writable atomic.Bool
	raised   atomic.Int64 // when, by now
	now      func() time.Time
	lag      lag
	patience patience
	clients  presence
	// repairs wait for the healer. hadData: the drives had seen writes before this store; lagged:
	// one of them had not seen the last start, or is not there.
	repairs         *repairs
	hadData, lagged bool
	// commitTimeout is how long a commit waits for the write quorum.
	commitTimeout time.Duration
	counters      *counters // of the store
	// gate is held for reading while a commit is handed to the drives, so that close comes
	// before all of them or behind all.
	gate   sync.RWMutex
	closed bool
	tried  uint64 // the last term that was to be raised; guarded by gate
}

// newSet makes a set of its drives, nil where one is missing.
func newSet(number int, cfg *Config, drives []drive.Drive, c *counters) (*set, error) {
	n := len(drives)
	layout, err := LayoutOf(n, cfg.Parity)
	if err != nil {
		return nil, err
	}
	s := &set{number: number, slots: make([]atomic.Pointer[drive.Drive], n), k: layout.Data, n: n,
		w: WriteQuorum(layout.Data, layout.Parity), memory: cfg.Allocator, reads: cfg.Reads,
		locks: cfg.Locks, log: cfg.Logger, commitTimeout: commitTimeoutDefault, counters: c,
		now: cfg.Now, repairs: newRepairs(),
		patience: newPatience(hangAfterDefault)}
	for i, d := range drives {
		if d != nil {
			s.slots[i].Store(&d)
		}
	}
	if err = s.codecs.start(n, layout.Parity, cfg.SIMD); err != nil {
		return nil, err
	}
	return s, nil
}

// drive returns the drive at a position, nil where there is none.
func (s *set) drive(i int) drive.Drive {
	if d := s.slots[i].Load(); d != nil {
		return *d
	}
	return nil
}

// raise makes the next term durable on the write quorum, after which the set takes writes. Below
// the quorum the set stays read-only, which is no error. What is written meanwhile waits for the
// term, and is of it: nobody writes in a term that is not raised.
func (s *set) raise() error {
	s.gate.Lock()
	defer s.gate.Unlock()
	term := max(s.highestTerm(), s.term.Load(), s.tried) + 1
	s.tried = term
	r := &drive.Record{Type: drive.TypeTerm, Token: drive.Order{Term: term}}
	r.Order, r.WriteID = r.Token, newWriteID()
	f := s.newFanout(s.everywhere(r), 0, s.w, nil, nil)
	began := time.Now()
	err := f.hand()
	if err == nil {
		err = f.wait(began)
	}
	switch {
	case err == nil:
		s.term.Store(term)
		s.raised.Store(s.now().UnixNano())
		s.writable.Store(true)
		return nil
	case isUnavailable(err):
		s.writable.Store(false)
		s.log.Warn("the set is below its write quorum: read-only", "set", s.number,
			"drives", s.online(), "quorum", s.w)
		return nil
	default:
		return fmt.Errorf("erasure: raising the term of set %d to %d: %w", s.number, term, err)
	}
}

// close refuses what would be written from now on; what is on its way to the drives reaches all
// of them.
func (s *set) close() {
	s.gate.Lock()
	s.closed = true
	s.gate.Unlock()
}

// remember notes what the drives knew before the first term of this store.
func (s *set) remember() {
	terms := make(map[uint64]struct{})
	for i := range s.slots {
		d := s.drive(i)
		if d == nil {
			s.lagged = true
			continue
		}
		info := d.Info()
		terms[info.Term] = struct{}{}
		s.hadData = s.hadData || info.MaxSeen.Sequence > 0
	}
	s.lagged = s.lagged || len(terms) > 1
}

// join puts a drive into a slot, in place of whatever was there. One that was away takes the
// present term before its answers count. One that is fresh becomes part of the set with the next
// term, behind which its "not here" counts.
func (s *set) join(position int, d drive.Drive) error {
	fresh := d.Info().CompleteFrom.Term == math.MaxUint64
	if !fresh && s.writable.Load() { // else it takes the next one, with the others
		term := drive.Order{Term: s.term.Load()}
		r := &drive.Record{Type: drive.TypeTerm, Order: term, Token: term, WriteID: newWriteID()}
		if err := s.tell(d, r); err != nil {
			return fmt.Errorf("erasure: drive %d does not take the term: %w", position, err)
		}
	}
	s.slots[position].Store(&d)
	if fresh || !s.writable.Load() {
		return s.raise()
	}
	return nil
}

// tell commits r on one drive, and waits for it as long as for a quorum.
func (s *set) tell(d drive.Drive, r *drive.Record) error {
	took := make(chan error, 1)
	d.Commit(r, func(err error) { took <- err })
	limit := time.NewTimer(s.commitTimeout)
	defer limit.Stop()
	select {
	case err := <-took:
		return err
	case <-limit.C:
		return errHangs
	}
}

// highestTerm is the highest that a drive of the set remembers.
func (s *set) highestTerm() (term uint64) {
	for i := range s.slots {
		if d := s.drive(i); d != nil {
			info := d.Info()
			term = max(term, info.Term, info.MaxSeen.Term)
		}
	}
	return term
}

// online counts the drives that take part at all.
func (s *set) online() (n int) {
	for i := range s.slots {
		if s.usable(i) {
			n++
		}
	}
	return n
}

func (s *set) usable(i int) bool {
	d := s.drive(i)
	return d != nil && d.Info().Health == drive.Online
}

// hasWriteQuorum reports whether writes are possible now.
func (s *set) hasWriteQuorum() bool { return s.writable.Load() && s.online() >= s.w }

// parityOf is the parity of new objects of a storage class.
func (s *set) parityOf(class object.Class) int {
	if class == object.ReducedRedundancy && s.n > 1 {
		return max((s.n-s.k)/2, min(s.n-s.k, 1))
	}
	return s.n - s.k
}

func (s *set) mayWrite() error {
	if !s.writable.Load() {
		return errReadOnly
	}
	return nil
}

// lock takes the lock of a register.
func (s *set) lock(ctx context.Context, key drive.Key) (lock.Grant, error) {
	return s.locks.Lock(ctx, lockID(key))
}

// publishWhole commits r, which every drive holds whole, under a grant the caller holds.
func (s *set) publishWhole(r *drive.Record, grant lock.Grant) error {
	return s.publish(r, grant, s.everywhere, s.w, nil)
}

// stamp gives r its identity and its place in the register's order.
func (s *set) stamp(r *drive.Record, grant lock.Grant) {
	r.Order = s.token(grant)
	r.Token, r.WriteID = r.Order, newWriteID()
}

// token is what whoever holds a grant acts by.
func (s *set) token(grant lock.Grant) drive.Order {
	return drive.Order{Term: s.term.Load(), Sequence: grant.Sequence}
}
