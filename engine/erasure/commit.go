package erasure

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"flashstore/engine/drive"
	"flashstore/engine/lock"
	"flashstore/engine/object"
)

// fanout is one commit on its way to the drives of a set.
type fanout struct {
	set     *set
	records []*drive.Record   // by position; nil: not to this one
	held    int               // drives that hold the write already
	heldOn  []drive.Drive     // which of them, by position, where that is known
	need    int               // acknowledgements that make the quorum, beside those
	settle  *drive.Record     // sent to each holder once the quorum is reached; nil: none
	done    func(failed bool) // called when no drive uses the records any more

	mu      sync.Mutex
	sent    int
	acks    int
	fails   int
	first   error
	acked   []bool
	drives  []drive.Drive // that were sent it, by position
	decided bool          // quorum is closed
	reached bool          // the answer has been given with the write quorum
	gaveUp  bool          // the answer has been given without it
	quorum  chan struct{} // closed when need drives have it, or cannot any more
	all     chan struct{} // closed when every drive has answered
}

// everywhere gives every usable drive the same record.
func (s *set) everywhere(r *drive.Record) []*drive.Record {
	r.Geometry = geometryOf(s.codecs.standard.Layout)
	records := make([]*drive.Record, s.n)
	for i := range records {
		if s.usable(i) {
			records[i] = r
		}
	}
	return records
}

// send sends records[i] to drive i (nil: not to this one), of a write whose quorum is w and that
// held drives hold already; it waits for the quorum, and then a little for the rest. On success
// each holder gets settle, now or when its commit ends. done, if not nil, is called once no drive
// uses the records any more, which may be long after send returned, and must not block; failed says
// that a drive did not commit. Errors: object.ErrUnavailable, object.ErrFull; the outcome of a
// failed commit is unknown.
func (s *set) send(records []*drive.Record, held, w int, settle *drive.Record,
	done func(failed bool)) error {
	s.gate.RLock()
	return s.newFanout(records, held, w, settle, done).run()
}

// publish makes r the newest write of its register, under a grant the caller holds, with the
// records that spread makes of it for the drives; w is its quorum. It is stamped behind the gate,
// so that it is of the term that the drives are in.
func (s *set) publish(r *drive.Record, grant lock.Grant,
	spread func(*drive.Record) []*drive.Record, w int, done func(failed bool)) error {
	s.gate.RLock()
	if err := s.mayWrite(); err != nil {
		s.gate.RUnlock()
		if done != nil {
			done(true)
		}
		return err
	}
	s.stamp(r, grant)
	return s.newFanout(spread(r), 0, w, settleRecord(r), done).run()
}

// run hands the records over, leaves the gate, which the caller has entered, and waits.
func (f *fanout) run() error {
	began := time.Now()
	err := f.hand()
	f.set.gate.RUnlock()
	if err != nil {
		return err
	}
	return f.wait(began)
}

func (s *set) newFanout(records []*drive.Record, held, w int, settle *drive.Record,
	done func(failed bool)) *fanout {
	f := &fanout{set: s, records: records, held: held, need: max(w-held, 0), settle: settle,
		done: done, acked: make([]bool, s.n), drives: make([]drive.Drive, s.n),
		quorum: make(chan struct{}), all: make(chan struct{})}
	for _, r := range records {
		if r != nil {
			f.sent++
		}
	}
	return f
}

// hand gives all records to their drives, or none if they are too few or the set is closed: a stop
// leaves no write on some drives only. The caller holds the gate.
func (f *fanout) hand() error {
	s := f.set
	var err error
	switch {
	case f.sent < f.need:
		s.counters.quorumMiss.Add(1)
		err = fmt.Errorf("%w: %d drives take the write, %d are needed", object.ErrUnavailable,
			f.sent, f.need)
	case s.closed:
		err = fmt.Errorf("%w: the server stops", object.ErrUnavailable)
	}
	if err != nil {
		if f.done != nil {
			f.done(true)
		}
		return err
	}
	for i, r := range f.records { // all of them are known before the first one answers
		if r != nil {
			f.drives[i] = s.drive(i)
		}
	}
	for i, r := range f.records {
		if r != nil {
			f.drives[i].Commit(r, func(err error) { f.answer(i, err) })
		}
	}
	return nil
}

// holders counts the drives that took the record and are still in their place: what one held that
// was replaced since counts for nothing (rule 2), be it before this commit. The caller holds mu.
func (f *fanout) holders() (n int) {
	for i, d := range f.heldOn {
		if d != nil && f.set.drive(i) != d {
			n--
		}
	}
	for i, ok := range f.acked {
		if ok && f.set.drive(i) == f.drives[i] {
			n++
		}
	}
	return n
}

var errReplaced = fmt.Errorf("%w: a drive was replaced meanwhile", drive.ErrOffline)

// answer takes drive i's result; called from a goroutine of the drive.
func (f *fanout) answer(i int, err error) {
	f.mu.Lock()
	if err == nil {
		f.acks++
		f.acked[i] = true
	} else {
		f.fails++
		f.first = errors.Join(f.first, fmt.Errorf("drive %d: %w", i, err))
	}
	holders := f.holders()
	open := f.sent - f.acks - f.fails // drives that have not answered
	if !f.decided && (holders >= f.need || holders+open < f.need) {
		f.decided = true
		close(f.quorum)
	}
	late := err == nil && f.reached
	last := f.acks+f.fails == f.sent
	f.mu.Unlock()
	if late {
		f.settleOn(i)
	}
	if last {
		close(f.all)
		if f.done != nil {
			f.done(f.fails > 0)
		}
		f.noteShort()
	}
}

// noteShort lists a write for repair that is not on every drive, or that came to its quorum when
// nobody waited for it any more: then it has no settle.
func (f *fanout) noteShort() {
	f.mu.Lock()
	fine := f.acks == 0 || f.acks+f.held == f.set.n && !f.gaveUp
	f.mu.Unlock()
	if fine {
		return
	}
	for _, r := range f.records {
		if r != nil && r.Type <= drive.TypeDocument {
			f.set.repairs.add(r.Key, false)
			return
		}
	}
}

// wait blocks until the outcome is known or commitTimeout is over.
func (f *fanout) wait(began time.Time) error {
	deadline := time.NewTimer(f.set.commitTimeout)
	defer deadline.Stop()
	select {
	case <-f.quorum:
	case <-deadline.C:
	}
	if f.quorate() {
		f.awaitStragglers(began)
	}
	f.mu.Lock()
	holders := f.holders()
	f.reached = holders >= f.need
	f.gaveUp = !f.reached
	acked, answers, reason := append([]bool(nil), f.acked...), f.acks+f.fails, f.first
	if holders < f.acks {
		reason = errors.Join(reason, errReplaced)
	}
	full := holders == f.sent && f.set.n-f.sent == f.held
	f.mu.Unlock()
	if !f.reached {
		f.set.counters.quorumMiss.Add(1)
		return f.set.missed(reason, f.sent-answers)
	}
	if !full {
		f.set.counters.belowFull.Add(1)
	}
	for i, ok := range acked {
		if ok {
			f.settleOn(i)
		}
	}
	return nil
}

// missed is the error of a commit that did not reach its quorum.
func (s *set) missed(reason error, silent int) error {
	class := object.ErrUnavailable
	switch {
	case errors.Is(reason, drive.ErrFull):
		class = object.ErrFull
	case errors.Is(reason, drive.ErrScarce):
		class = object.ErrBusy
	}
	if reason == nil {
		return fmt.Errorf("%w: no answer from %d drives within %s", class, silent,
			s.commitTimeout)
	}
	return fmt.Errorf("%w: %w", class, reason)
}

func (f *fanout) quorate() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.holders() >= f.need
}

// awaitStragglers waits for the drives past the quorum: twice the usual time of a commit, at
// most stragglerMax. Acknowledged on all drives a write survives more.
func (f *fanout) awaitStragglers(began time.Time) {
	select {
	case <-f.all:
	default:
		timer := time.NewTimer(f.set.lag.patience())
		defer timer.Stop()
		select {
		case <-f.all:
		case <-timer.C:
			return
		}
	}
	f.set.lag.observe(time.Since(began))
}

func (f *fanout) settleOn(i int) {
	if f.settle == nil {
		return
	}
	f.set.counters.settled.Add(1)
	f.set.drive(i).Commit(f.settle, nil)
}

// settleRecord says that the write r is on the write quorum.
func settleRecord(r *drive.Record) *drive.Record {
	return &drive.Record{Type: drive.TypeSettle, Key: r.Key, Version: r.Version, Order: r.Order,
		Token: r.Token, WriteID: r.WriteID}
}

// lag is a running mean of the time a commit takes on all drives.
type lag struct{ meanNanos atomic.Int64 }

func (l *lag) observe(took time.Duration) {
	old := l.meanNanos.Load()
	l.meanNanos.Store(old + (int64(took)-old)/8)
}

func (l *lag) patience() time.Duration {
	if mean := time.Duration(l.meanNanos.Load()); mean > 0 {
		return min(2*mean, stragglerMax)
	}
	return stragglerMax
}
