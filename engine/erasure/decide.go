package erasure

import (
	"context"
	"fmt"

	"flashstore/engine/drive"
	"flashstore/engine/lock"
	"flashstore/engine/object"
)

const decidePage = 256 // registers per page of leftovers

// decideLeftovers goes through the registers an earlier process left without a settle and
// decides each under its lock. Reads decide what they meet themselves; this is for the rest.
func (s *set) decideLeftovers(ctx context.Context) {
	for i := range s.slots {
		d := s.drive(i)
		if d == nil {
			continue
		}
		for after, more := "", true; more && ctx.Err() == nil; {
			page, err := d.Scan(ctx, drive.ScanQuery{Unsettled: true, After: after,
				Max: decidePage})
			if err != nil {
				s.log.Warn("cannot list what is undecided", "drive", i, "error", err)
				break
			}
			for _, r := range page.Registers {
				if r.Key.Space != drive.SpacePart { // a pass does, which knows what owns it
					s.decide(ctx, r.Key)
				}
			}
			after, more = page.Next, page.Next != ""
		}
	}
}

func (s *set) decide(ctx context.Context, key drive.Key) {
	grant, err := s.lock(ctx, key)
	if err != nil {
		return
	}
	defer grant.Release()
	if _, err := s.newestHeld(ctx, key, grant); err != nil && ctx.Err() == nil {
		s.log.Info("left undecided until more drives answer", "key", key.Name, "error", err)
	}
}

// settleHolders tells the holders of w that it is on the write quorum. A set that may not write
// leaves that to the next one: its term may be on fewer drives than the quorum.
func (s *set) settleHolders(w *write, grant lock.Grant) {
	if s.mayWrite() != nil {
		return
	}
	r := settleRecord(&w.sample.Record)
	r.Token = s.token(grant)
	for i, e := range w.holders {
		if e != nil && !e.Settled && s.usable(i) {
			s.counters.settled.Add(1)
			s.drive(i).Commit(r, nil)
		}
	}
}

// rollForward brings w, which k to w-1 drives hold, to every drive that takes writes, under its
// old order and a current token, and settles it. The caller holds the register's lock.
// object.ErrUnavailable where the write quorum cannot be reached now.
func (s *set) rollForward(ctx context.Context, key drive.Key, w *write,
	grant lock.Grant) error {
	if err := s.mayWrite(); err != nil {
		return err
	}
	records, holders := make([]*drive.Record, s.n), make([]drive.Drive, s.n)
	rot := shardRotation(w, s.n)
	for i, e := range w.holders {
		switch {
		case e != nil:
			holders[i] = s.drive(i)
		case s.usable(i):
			r := w.sample.Record
			r.Token = s.token(grant)
			r.Inline, r.Bulk = nil, nil
			r.Geometry.Index = uint8(shardIndex(rot, i, s.n))
			records[i] = &r
		}
	}
	if !w.whole() {
		if err := s.rebuildShards(ctx, w, records); err != nil {
			return err
		}
	}
	return s.commitMore(w, records, holders, grant)
}

// shardRotation finds the rotation of a write from where one of its shards lies.
func shardRotation(w *write, n int) int {
	for i, e := range w.holders {
		if e != nil {
			return (i - int(e.Geometry.Index) + n) % n
		}
	}
	return 0
}

// commitMore commits records beside the drives that hold w already and settles it everywhere.
func (s *set) commitMore(w *write, records []*drive.Record, holders []drive.Drive,
	grant lock.Grant) error {
	settle := settleRecord(&w.sample.Record)
	settle.Token = s.token(grant)
	f := s.newFanout(records, w.copies, w.quorum(s.quorum()).w, settle, nil)
	f.heldOn = holders
	s.gate.RLock()
	if err := f.run(); err != nil {
		// Whoever reads is told to come again, whatever the drives lack.
		return fmt.Errorf("%w: deciding a write that %d drives hold: %w", object.ErrUnavailable,
			w.copies, err)
	}
	s.counters.decided.Add(1)
	for i, e := range w.holders {
		if e != nil && s.usable(i) {
			s.counters.settled.Add(1)
			s.drive(i).Commit(settle, nil)
		}
	}
	return nil
}

// rebuildShards fills in the shard of each record from the holders of w, a stripe at a time. A
// drive that does not take its shard drops out.
func (s *set) rebuildShards(ctx context.Context, w *write, records []*drive.Record) error {
	src, err := newShardSource(s, w)
	if err != nil {
		return err
	}
	for i, r := range records { // what is to be replaced is no source
		if r != nil {
			src.leaveOut(i)
		}
	}
	size, inline := w.sample.SizeBytes, w.sample.ShardBytes <= s.inlineMax()
	writers := s.shardWriters(ctx, records, inline)
	for stripe := range src.code.Stripes(size) {
		_, shardBytes := src.code.StripeAt(size, stripe)
		want := make([]span, s.n)
		for _, r := range records {
			if r != nil {
				want[r.Geometry.Index] = span{0, columnsOf(shardBytes)}
			}
		}
		got, err := src.fetch(ctx, stripe, shardBytes, want)
		if err != nil {
			abortAll(writers)
			return err
		}
		for i, r := range records {
			switch {
			case r == nil:
			case inline:
				r.Inline = append(r.Inline, got.chunks[r.Geometry.Index][0]...)
			case writers[i] != nil:
				got.memory.hold()
				writers[i].Write(got.chunks[r.Geometry.Index], func(error) { got.memory.drop() })
			}
		}
		got.memory.drop()
	}
	s.sealShards(records, writers)
	return nil
}

// shardWriters opens a writer for each record that does not carry its shard inline. A drive that
// has none drops out.
func (s *set) shardWriters(ctx context.Context, records []*drive.Record,
	inline bool) []drive.ShardWriter {
	wanted, shardBytes := make([]bool, s.n), int64(0)
	for i, r := range records {
		if r != nil && !inline {
			wanted[i], shardBytes = true, r.ShardBytes
		}
	}
	writers, faults := s.openWriters(ctx, wanted, shardBytes)
	s.dropFailed(records, faults)
	return writers
}

func (s *set) sealShards(records []*drive.Record, writers []drive.ShardWriter) {
	refs, faults := s.sealWriters(writers)
	s.dropFailed(records, faults)
	for i, w := range writers {
		if w != nil {
			records[i].Bulk = refs[i]
		}
	}
}

// dropFailed goes on without the drives that do not take their shard.
func (s *set) dropFailed(records []*drive.Record, faults []error) {
	for i, err := range faults {
		if err != nil {
			s.log.Warn("a shard cannot be written", "set", s.number, "drive", i, "error", err)
			records[i] = nil
		}
	}
}
