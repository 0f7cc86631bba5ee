package erasure

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"flashstore/engine/drive"
	"flashstore/engine/lock"
	"flashstore/engine/object"
)

// resolve finds the newest state of a register, asking as few drives as can decide it: those of
// the k data shards first. Any k drives meet every write quorum (k + w > n), so a newer
// acknowledged write cannot hide. nil: absent (or a tombstone, or a delete marker).
func (a address) resolve(ctx context.Context, opt drive.LookupOptions) (*write, error) {
	w, err := a.newest(ctx, opt)
	return content(w), err
}

// newest is resolve that shows tombstones and delete markers too.
func (a address) newest(ctx context.Context, opt drive.LookupOptions) (*write, error) {
	s, key := a.set, a.key
	answers := make([]answer, s.n)
	first := make([]int, s.k)
	for i := range first {
		first[i] = position(a.rotation, i, s.n)
	}
	s.askWithin(ctx, key, first, answers, opt, s.patience.first)
	if v := judge(answers, s.quorum()); v.final() {
		return v.write, nil
	}
	s.ask(ctx, key, s.unanswered(answers), answers, drive.LookupOptions{Inline: opt.Inline})
	if v := judge(answers, s.quorum()); v.final() {
		return v.write, nil
	}
	grant, err := s.lock(ctx, key)
	if err != nil {
		return nil, err
	}
	defer grant.Release()
	return s.newestHeld(ctx, key, grant)
}

// final reports a verdict that holds without the register's lock.
func (v *verdict) final() bool {
	return !v.ignored && (v.outcome == served || v.outcome == absent)
}

// content is w if a client sees something in it: nil for nothing, a tombstone and a delete marker.
func content(w *write) *write {
	if w == nil || w.sample.Type == drive.TypePurge || w.sample.Type == drive.TypeMarker {
		return nil
	}
	return w
}

// resolveHeld decides a register under its lock, on fresh answers of all drives.
func (s *set) resolveHeld(ctx context.Context, key drive.Key,
	grant lock.Grant) (*write, error) {
	w, err := s.newestHeld(ctx, key, grant)
	return content(w), err
}

// newestHeld is resolveHeld that shows tombstones and delete markers too.
func (s *set) newestHeld(ctx context.Context, key drive.Key,
	grant lock.Grant) (*write, error) {
	answers := make([]answer, s.n)
	s.ask(ctx, key, s.unanswered(answers), answers, drive.LookupOptions{Inline: true})
	switch v := judge(answers, s.quorum()); v.outcome {
	case absent:
		return nil, nil
	case served:
		if v.settle {
			s.settleHolders(v.write, grant)
		}
		return v.write, nil
	case decideFirst:
		if err := s.rollForward(ctx, key, v.write, grant); err != nil {
			s.counters.undecided.Add(1)
			return nil, err
		}
		return v.write, nil
	default:
		s.counters.undecided.Add(1)
		return nil, fmt.Errorf("%w: %s", object.ErrUnavailable, silence(answers))
	}
}

// silence says who did not answer.
func silence(answers []answer) string {
	text := ""
	for i := range answers {
		if !answers[i].answered {
			text += fmt.Sprintf("drive %d: %v; ", i, answers[i].err)
		}
	}
	if text == "" {
		return "too few shards of the newest write are left"
	}
	return text
}

// unanswered lists the positions that have not answered, without those that were waited for in
// vain.
func (s *set) unanswered(answers []answer) (positions []int) {
	hang := false
	for i := range answers {
		switch {
		case answers[i].answered:
		case errors.Is(answers[i].err, errHangs):
			hang = true
		default:
			positions = append(positions, i)
		}
	}
	if hang {
		s.patience.hedged()
	}
	return positions
}

// errMissing is the answer of a drive that is not there.
var errMissing = errors.New("missing")

// ask looks the register up on some drives. What is in memory is answered on this goroutine, the
// rest in parallel; a drive that hangs does not answer.
func (s *set) ask(ctx context.Context, key drive.Key, positions []int, answers []answer,
	opt drive.LookupOptions) {
	s.askWithin(ctx, key, positions, answers, opt, s.patience.last)
}

// askWithin is ask in such haste.
func (s *set) askWithin(ctx context.Context, key drive.Key, positions []int, answers []answer,
	opt drive.LookupOptions, how func() haste) {
	var waiting []int
	opt.NoWait = true
	for _, i := range positions {
		if s.drive(i) == nil {
			answers[i].err = errMissing
			continue
		}
		if s.askOne(ctx, key, i, &answers[i], opt); errors.Is(answers[i].err,
			drive.ErrWouldBlock) {
			waiting = append(waiting, i)
		}
	}
	// The arena behind opt.Alloc is for one goroutine: memory from the heap here.
	slow := drive.LookupOptions{Inline: opt.Inline}
	if len(waiting) == 0 {
		return
	}
	waits := how()
	waiting = slices.DeleteFunc(waiting, func(i int) bool {
		skipped := waits.skips(&s.patience, i)
		if skipped {
			answers[i].err = errHangs
		}
		return skipped
	})
	together(&s.patience, waiting, waits.limit, func(i int) (a answer) {
		s.askOne(ctx, key, i, &a, slow)
		return a
	}, func(i int, a answer) { answers[i] = a }, func(i int) { answers[i].err = errHangs })
}

// askOne asks drive i.
func (s *set) askOne(ctx context.Context, key drive.Key, i int, a *answer,
	opt drive.LookupOptions) {
	a.state, a.err = s.drive(i).Lookup(ctx, key, opt)
	a.answered = a.err == nil
	a.mark = s.mark(i)
	if errors.Is(a.err, drive.ErrCorrupt) {
		s.repairs.add(key, true)
	}
}
