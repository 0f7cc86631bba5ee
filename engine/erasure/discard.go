package erasure

import (
	"context"
	"fmt"

	"flashstore/engine/drive"
	"flashstore/engine/lock"
	"flashstore/engine/object"
)

// discardDead discards the newest writes of a register that can never be decided, where every drive
// answers: fewer than k hold one and none its settle, and no drive that may have had it is away.
// Either it was never acknowledged, or all that could bring it back is lost on fresh drives, which
// is more than the promise covers (rule 8). answers were gathered under the register's lock, which
// the caller holds; it returns answers that are as fresh.
func (s *set) discardDead(ctx context.Context, key drive.Key, answers []answer,
	grant lock.Grant) ([]answer, error) {
	for range s.n { // at most one write of each drive is left behind
		w, _ := s.dead(answers)
		if w == nil {
			return answers, nil
		}
		if err := s.discard(ctx, key, w.id, grant); err != nil {
			return answers, err
		}
		answers = make([]answer, s.n)
		s.ask(ctx, key, s.unanswered(answers), answers, drive.LookupOptions{})
	}
	return answers, nil
}

// dead is the newest write of a register if it can never be decided. lost: it may have been
// acknowledged, had fresh drives held it before.
func (s *set) dead(answers []answer) (w *write, lost bool) {
	for i := range answers {
		if !answers[i].answered {
			return nil, false // a drive that is away may hold it
		}
	}
	all := writes(answers)
	if len(all) == 0 || all[0].settled || all[0].copies >= all[0].quorum(s.quorum()).k {
		return nil, false
	}
	w = all[0]
	silent := s.n - w.copies
	for i := range answers {
		if answers[i].denies(w, i) {
			silent--
		}
	}
	return w, w.copies+silent >= w.quorum(s.quorum()).w
}

// discard is the round of rule 5: each drive takes a fence first, so that no commit of an earlier
// actor can follow; only what they say behind that counts, and only then is anything discarded.
func (s *set) discard(ctx context.Context, key drive.Key, id drive.WriteID,
	grant lock.Grant) error {
	token := s.token(grant)
	fence := &drive.Record{Type: drive.TypeFence, Key: key, Token: token}
	if err := s.everyDrive(fence); err != nil {
		return fmt.Errorf("fencing a write that cannot be decided: %w", err)
	}
	answers := make([]answer, s.n)
	s.ask(ctx, key, s.unanswered(answers), answers, drive.LookupOptions{})
	w, lost := s.dead(answers)
	if w == nil || w.id != id {
		return fmt.Errorf("%w: the register changed while it was fenced", object.ErrUnavailable)
	}
	if lost {
		s.log.Warn("a write that was never acknowledged is lost and is discarded", "set", s.number,
			"key", key.Name, "space", key.Space, "write", fmt.Sprintf("%x", id), "copies", w.copies)
	}
	r := &drive.Record{Type: drive.TypeDiscard, Key: key, Order: w.order, Token: token, WriteID: id}
	if err := s.everyDrive(r); err != nil {
		return fmt.Errorf("discarding a write that cannot be decided: %w", err)
	}
	if lost {
		s.counters.lost.Add(1)
	}
	return nil
}

// everyDrive commits r on every drive of the set, and fails unless all took it.
func (s *set) everyDrive(r *drive.Record) error {
	records := make([]*drive.Record, s.n)
	for i := range records {
		if !s.usable(i) {
			return fmt.Errorf("%w: drive %d is away", object.ErrUnavailable, i)
		}
		records[i] = r
	}
	return s.send(records, 0, s.n, nil, nil)
}
