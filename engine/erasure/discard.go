package erasure

import (
	"context"
	"fmt"

	"flashstore/engine/drive"
	"flashstore/engine/lock"
	"flashstore/engine/object"
)

// discardLost discards the writes of a register that can never be decided: those that every drive
// which might hold them has lost (rule 8). That is so where all drives answer, those that count as
// silent being fresh or healing, and fewer than k hold the write and none its settle: had it been
// acknowledged, more would, as long as losses stayed within the promise. gone says that one was
// discarded. The caller holds the register's lock; answers were gathered under it.
func (s *set) discardLost(ctx context.Context, key drive.Key, answers []answer,
	grant lock.Grant) (gone bool, err error) {
	for range s.n { // at most one write of each drive is left behind
		w := s.lostIn(answers)
		if w == nil {
			return gone, nil
		}
		if err := s.discard(ctx, key, w.id, grant); err != nil {
			return gone, err
		}
		gone = true
		answers = make([]answer, s.n)
		s.ask(ctx, key, s.unanswered(answers), answers, drive.LookupOptions{})
	}
	return gone, nil
}

// lostIn is the newest write that answers tell to be lost for good, nil if there is none.
func (s *set) lostIn(answers []answer) *write {
	for i := range answers {
		if !answers[i].answered {
			return nil // a drive that is away may hold it
		}
	}
	for _, w := range writes(answers) {
		q := w.quorum(s.quorum())
		silent := s.n - w.copies
		for i := range answers {
			if answers[i].denies(w, i) {
				silent--
			}
		}
		switch {
		case w.settled || w.copies >= q.k:
			return nil
		case w.copies+silent >= q.w:
			return w
		}
	}
	return nil
}

// discard is the round of rule 5: each drive takes a fence first, so that no commit of an earlier
// actor can follow; only what they say behind that counts, and only then is anything discarded.
func (s *set) discard(ctx context.Context, key drive.Key, id drive.WriteID,
	grant lock.Grant) error {
	token := s.token(grant)
	fence := &drive.Record{Type: drive.TypeFence, Key: key, Token: token}
	if err := s.everyDrive(fence); err != nil {
		return fmt.Errorf("fencing a write that is lost: %w", err)
	}
	answers := make([]answer, s.n)
	s.ask(ctx, key, s.unanswered(answers), answers, drive.LookupOptions{})
	w := s.lostIn(answers)
	if w == nil || w.id != id {
		return fmt.Errorf("%w: the register changed while it was fenced", object.ErrUnavailable)
	}
	s.log.Warn("a write that was never acknowledged is lost and is discarded", "set", s.number,
		"key", key.Name, "space", key.Space, "write", fmt.Sprintf("%x", id), "copies", w.copies)
	r := &drive.Record{Type: drive.TypeDiscard, Key: key, Order: w.order, Token: token, WriteID: id}
	if err := s.everyDrive(r); err != nil {
		return fmt.Errorf("discarding a write that is lost: %w", err)
	}
	s.counters.lost.Add(1)
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
