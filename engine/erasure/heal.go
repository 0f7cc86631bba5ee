package erasure

import (
	"context"
	"errors"
	"fmt"
	"time"

	"flashstore/arena"
	"flashstore/engine/drive"
	"flashstore/engine/lock"
	"flashstore/engine/object"
)

// health is how a register stands behind its healing.
type health uint8

const (
	whole     health = iota // every drive of the set holds its newest state, or nothing is to be held
	short                   // a drive is away, or did not take its copy
	undecided               // too few drives answer to tell what its newest state is
)

// healed is what the healing of a register came to.
type healed struct {
	health health
	// lacking are the drives, by bit, that may not hold the newest state.
	lacking uint32
	copied  int   // drives that were given their copy
	bytes   int64 // of shards and metadata, written
	// verified bytes of shards were read to look whether they are damaged.
	verified int64
}

// healing is how a register is to be healed.
type healing struct {
	// verify reads every shard, so that a damaged one is found and replaced.
	verify bool
	// inPlace replaces damaged shards, and gives none to a drive that lacks its own: it may have
	// dropped it with what owned it.
	inPlace bool
	// forgot are the drives, by bit, that dropped the tombstone which the register ends with.
	forgot uint32
}

// heal brings the newest state of a register to every drive that takes writes: tombstones and
// documents are copied, shards rebuilt from verified ones, under the old order and a current token.
// What it wrote is read back. Nothing is ever removed but by a discard round, for what can never be
// decided.
func (s *set) heal(ctx context.Context, key drive.Key, how healing) (h healed, err error) {
	grant, err := s.lock(ctx, key)
	if err != nil {
		return h, err
	}
	defer grant.Release()
	if err := s.mayWrite(); err != nil {
		return healed{health: undecided}, err
	}
	answers := make([]answer, s.n)
	s.ask(ctx, key, s.unanswered(answers), answers, drive.LookupOptions{})
	if answers, err = s.discardDead(ctx, key, answers, grant); err != nil {
		return healed{health: undecided}, err
	}
	switch v := judge(answers, s.quorum()); v.outcome {
	case absent:
		return h, nil
	case served, decideFirst:
		how.forgot = s.forgot(answers, v.write)
		if h, err = s.restore(ctx, v.write, how, grant); err == nil && h.health == whole {
			s.forget(ctx, v.write, grant)
		}
		return h, err
	default:
		return healed{health: undecided}, nil
	}
}

// restore brings w, which is served or to be decided, to all drives, and settles it. The caller
// holds the register's lock.
func (s *set) restore(ctx context.Context, w *write, how healing,
	grant lock.Grant) (healed, error) {
	h := healed{}
	if w.copies < w.quorum(s.quorum()).w && !w.settled && how.inPlace {
		return healed{health: short, lacking: ^uint32(0)}, nil
	}
	if w.copies < w.quorum(s.quorum()).w && !w.settled {
		if err := s.rollForward(ctx, w.sample.Key, w, grant); err != nil {
			return healed{health: undecided}, err
		}
		lacked := make([]bool, s.n)
		for i, e := range w.holders {
			lacked[i] = e == nil
		}
		err := s.checkCopies(ctx, w, lacked, &h)
		return h, err
	}
	damaged, unread := s.damagedOf(ctx, w, how, &h)
	records := s.copiesOf(w, damaged, how, grant)
	if countRecords(records) > 0 && !w.whole() {
		if err := s.rebuildShards(ctx, w, records); err != nil {
			return healed{health: short}, err
		}
	}
	s.settleHolders(w, grant)
	took, err := s.copy(ctx, w, records, grant, &h)
	if err != nil {
		h.health = short
		return h, err
	}
	if err = s.checkCopies(ctx, w, took, &h); err != nil || unread == nil {
		return h, err
	}
	h.health = short // nobody knows what the shards are that were not read
	return h, unread
}

// damagedOf lists the holders of w whose shard is damaged; the error is of those whose shard could
// not be looked at.
func (s *set) damagedOf(ctx context.Context, w *write, how healing,
	h *healed) (damaged []bool, unread error) {
	damaged = make([]bool, s.n)
	if !how.verify || w.whole() {
		return damaged, nil
	}
	for i, e := range w.holders {
		if e == nil {
			continue
		}
		switch err := s.readBack(ctx, i, e); {
		case err == nil:
			h.verified += e.ShardBytes
		case errors.Is(err, drive.ErrCorrupt):
			damaged[i] = true
			s.log.Warn("a damaged shard is replaced", "set", s.number, "drive", i,
				"key", w.sample.Key.Name, "error", err)
		default:
			unread = errors.Join(unread, fmt.Errorf("the shard of drive %d: %w", i, err))
			h.lacking |= 1 << i
		}
	}
	return damaged, unread
}

// copiesOf are the records for the drives that lack w, or hold a damaged shard of it.
func (s *set) copiesOf(w *write, damaged []bool, how healing,
	grant lock.Grant) []*drive.Record {
	records := make([]*drive.Record, s.n)
	rot := shardRotation(w, s.n)
	for i, e := range w.holders {
		if !s.usable(i) || e != nil && !damaged[i] ||
			e == nil && (how.inPlace || how.forgot>>i&1 != 0) {
			continue
		}
		r := w.sample.Record
		r.Token = s.token(grant)
		r.Inline, r.Bulk, r.Replace = nil, nil, e != nil
		r.Geometry.Index = uint8(shardIndex(rot, i, s.n))
		records[i] = &r
	}
	return records
}

func countRecords(records []*drive.Record) (n int) {
	for _, r := range records {
		if r != nil {
			n++
		}
	}
	return n
}

// copy commits records, settles w on each drive that took its own, and says which did.
func (s *set) copy(ctx context.Context, w *write, records []*drive.Record, grant lock.Grant,
	h *healed) (took []bool, err error) {
	settle := settleRecord(&w.sample.Record)
	settle.Token = s.token(grant)
	// Those that get none hold it, or are away, which checkCopies tells.
	f := s.newFanout(records, s.n-countRecords(records), 0, nil, nil)
	if f.sent == 0 {
		return f.acked, nil
	}
	s.gate.RLock()
	err = f.hand()
	s.gate.RUnlock()
	if err != nil {
		return nil, err
	}
	patience := time.NewTimer(s.commitTimeout)
	defer patience.Stop()
	select {
	case <-f.all:
	case <-patience.C:
		return nil, fmt.Errorf("%w: a drive does not take its copy", object.ErrUnavailable)
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	for i, ok := range f.acked {
		if ok {
			h.copied++
			h.bytes += w.sample.ShardBytes + int64(len(w.sample.Meta))
			s.drive(i).Commit(settle, nil)
		}
	}
	return f.acked, f.first
}

// checkCopies looks whether every drive of the set now holds w, and reads back what was copied.
func (s *set) checkCopies(ctx context.Context, w *write, copied []bool, h *healed) error {
	answers := make([]answer, s.n)
	s.ask(ctx, w.sample.Key, s.unanswered(answers), answers, drive.LookupOptions{})
	forgot := s.forgot(answers, w)
	for i := range answers {
		held := holderOf(&answers[i].state, w.id)
		if held == nil && forgot>>i&1 != 0 {
			continue
		}
		if held == nil {
			h.health, h.lacking = short, h.lacking|1<<i
			continue
		}
		if !copied[i] || w.whole() {
			continue
		}
		if err := s.readBack(ctx, i, held); err != nil {
			h.health, h.lacking = short, h.lacking|1<<i
			return fmt.Errorf("what was healed cannot be read: drive %d: %w", i, err)
		}
	}
	return nil
}

// holderOf is the entry of a write in what a drive says.
func holderOf(state *drive.State, id drive.WriteID) *drive.Entry {
	for i := range state.Entries {
		if state.Entries[i].WriteID == id {
			return &state.Entries[i]
		}
	}
	return nil
}

// readBlocks are read at a time when a shard is looked at.
const readBlocks = 8

// readBack reads the whole shard of e on a drive, which verifies it.
func (s *set) readBack(ctx context.Context, i int, e *drive.Entry) error {
	memory, err := borrow(s.reads, readBlocks, i)
	if err != nil {
		return err
	}
	defer memory.drop()
	if s.patience.hangs(i) {
		return errHangs
	}
	const step = readBlocks * arena.BlockBytes
	for at := int64(0); at < e.ShardBytes; at += step {
		bytes := min(step, e.ShardBytes-at)
		columns := span{0, columnsOf(bytes)}
		chunks := chunksOver(memory.blocks[:columns.to], columns, bytes)
		memory.hold()
		together(&s.patience, []int{i}, s.patience.hangAfter, func(int) error {
			defer memory.drop()
			return s.drive(i).Read(ctx, e, chunks, at)
		}, func(_ int, got error) { err = got }, func(int) { err = errHangs })
		if err != nil {
			return err
		}
	}
	return nil
}
