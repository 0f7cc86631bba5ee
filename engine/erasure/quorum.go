package erasure

import (
	"cmp"
	"fmt"
	"slices"

	"flashstore/engine/drive"
	"flashstore/engine/erasure/codec"
)

// DefaultParity is the parity of a set of n drives unless told otherwise.
func DefaultParity(n int) int {
	switch {
	case n <= 1:
		return 0
	case n <= 3:
		return 1
	case n <= 5:
		return 2
	case n <= 7:
		return 3
	default:
		return 4
	}
}

// WriteQuorum is how many of k+m drives must hold a write before it is acknowledged. With k+1 a
// reader that meets a lost drive still finds k copies of everything acknowledged.
func WriteQuorum(k, m int) int {
	if m >= 2 || k == m {
		return k + 1
	}
	return k
}

// quorum is how many drives a read and a write of some shards need: k and w.
type quorum struct{ k, w int }

func quorumOf(k, m int) quorum { return quorum{k, WriteQuorum(k, m)} }

// quorum is that of the set's default parity.
func (s *set) quorum() quorum { return quorum{s.k, s.w} }

// LayoutOf is the layout of a set of n drives. More parity than data can be coded, but not kept: a
// read of the k data shards' drives would not meet every acknowledged write, since k + w > n no
// longer holds.
func LayoutOf(n, parity int) (codec.Layout, error) {
	l := codec.Layout{Data: n - parity, Parity: parity}
	if err := l.Validate(); err != nil {
		return l, err
	}
	if l.Parity > l.Data {
		return l, fmt.Errorf("erasure: %d+%d: a set has at most as many parity shards as data shards",
			l.Data, l.Parity)
	}
	return l, nil
}

// answer is what one drive said of a register. A drive that was not asked, is away or failed
// did not answer.
type answer struct {
	answered bool
	state    drive.State
	err      error
	// mark: what the drive does not report of orders below it says nothing (rule 6).
	mark drive.Order
}

// denies reports whether the answer counts as "w is not here".
func (a *answer) denies(w *write, i int) bool {
	return a.answered && w.holders[i] == nil && !w.order.Less(a.mark)
}

// outcome is the result of rule 4.
type outcome uint8

const (
	absent      outcome = iota // nothing is there, and that is certain
	served                     // write is the newest acknowledged or settled state
	decideFirst                // write must be brought to the write quorum before it is shown
	unavailable                // not enough drives answer to tell
)

// write is one write id as the drives report it.
type write struct {
	id      drive.WriteID
	order   drive.Order
	settled bool
	copies  int
	sample  *drive.Entry   // any holder's entry
	holders []*drive.Entry // by drive position; nil where not held
}

// clone is w in memory of its own, beside what the drives said.
func (w *write) clone() *write {
	c := *w
	c.holders = slices.Clone(w.holders)
	return &c
}

// whole says that each holder has all of the write: documents, manifests, tombstones and empty
// objects, as opposed to shards.
func (w *write) whole() bool { return w.sample.ShardBytes == 0 }

// quorum is what w needs in a set whose own quorum is q: shards say how they were cut.
func (w *write) quorum(q quorum) quorum {
	if g := w.sample.Geometry; !w.whole() && g.Data > 0 {
		return quorumOf(int(g.Data), int(g.Parity))
	}
	return q
}

// verdict is an outcome with what it is about.
type verdict struct {
	outcome outcome
	write   *write // of served and decideFirst
	// ignored: a newer write was passed over as never acknowledged. Only final under the
	// register's lock.
	ignored bool
	// settle: the served write has no settle yet.
	settle bool
}

// judge applies rule 4 to the answers of a set whose default quorum is q: no write needs less. It
// is a pure function; answers is indexed by drive position and covers the whole set.
func judge(answers []answer, q quorum) verdict {
	return judgeWrites(writes(answers), answers, q)
}

// judgeWrites is judge with what writes returns for the answers.
func judgeWrites(all []*write, answers []answer, q quorum) verdict {
	v := verdict{}
	for _, wr := range all {
		silent := len(answers) - wr.copies
		for i := range answers {
			if answers[i].denies(wr, i) {
				silent--
			}
		}
		own := wr.quorum(q)
		need := own.k
		if wr.settled && wr.whole() {
			need = 1
		}
		switch {
		case wr.copies >= own.w || wr.settled && wr.copies >= need && silent < q.w:
			v.outcome, v.write, v.settle = served, wr, !wr.settled
			return v
		case wr.settled:
			// Acknowledged, and too few of its shards answer; or a tombstone that few drives have,
			// while a newer write could be acknowledged on the silent ones alone.
			v.outcome = unavailable
			return v
		case wr.copies >= own.k:
			v.outcome, v.write = decideFirst, wr
			return v
		case wr.copies+silent < own.w:
			v.ignored = true // it never reached the quorum
		default:
			v.outcome = unavailable
			return v
		}
	}
	silent := 0
	for i := range answers {
		if !answers[i].answered || answers[i].mark != (drive.Order{}) {
			silent++
		}
	}
	if silent >= q.w {
		v.outcome = unavailable // an acknowledged write could hide on the silent drives alone
	}
	return v
}

// writes collects the write ids in answers by descending order.
func writes(answers []answer) []*write {
	var set writeSet
	return set.of(answers)
}

// writeSet collects writes in memory that is used again after reset.
type writeSet struct {
	list   []*write
	used   int      // of memory
	memory []*write // with their holders
}

func (s *writeSet) reset() {
	for _, w := range s.list {
		clear(w.holders)
		*w = write{holders: w.holders}
	}
	s.list, s.used = s.list[:0], 0
}

// of returns the write ids in answers by descending order. They are valid until reset.
func (s *writeSet) of(answers []answer) []*write {
	for i := range answers {
		if !answers[i].answered {
			continue
		}
		for j := range answers[i].state.Entries {
			e := &answers[i].state.Entries[j]
			w := s.find(e.WriteID)
			if w == nil {
				w = s.add(e, len(answers))
			}
			w.copies++
			w.settled = w.settled || e.Settled
			w.holders[i] = e
		}
	}
	slices.SortFunc(s.list, func(a, b *write) int { return compareOrder(b.order, a.order) })
	return s.list
}

func (s *writeSet) find(id drive.WriteID) *write {
	for _, w := range s.list {
		if w.id == id {
			return w
		}
	}
	return nil
}

// add takes the first entry of a write in, in a set of n drives.
func (s *writeSet) add(e *drive.Entry, n int) *write {
	if s.used == len(s.memory) {
		s.memory = append(s.memory, &write{holders: make([]*drive.Entry, n)})
	}
	w := s.memory[s.used]
	s.used++
	w.id, w.order, w.sample = e.WriteID, e.Order, e
	s.list = append(s.list, w)
	return w
}

func compareOrder(a, b drive.Order) int {
	return cmp.Or(cmp.Compare(a.Term, b.Term), cmp.Compare(a.Sequence, b.Sequence))
}
