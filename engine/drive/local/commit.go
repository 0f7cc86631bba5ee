package local

import (
	"errors"
	"fmt"

	"flashstore/engine/drive"
	"flashstore/ioengine"
)

// Commit queues r; see package drive. Records with bulk shards pass through the syncer.
func (d *Drive) Commit(r *drive.Record, done func(error)) {
	q := request{record: r, done: done}
	if len(r.Bulk) > 0 {
		d.syncer.queue.put(q, false)
		return
	}
	d.committer.queue.put(q, r.Type == drive.TypeSettle)
}

// syncer makes bulk shards durable before the records that refer to them are written. One
// sync serves all shards that were sealed before it began.
type syncer struct {
	drive *Drive
	queue *queue
	ended chan struct{}
}

func (s *syncer) run() {
	defer close(s.ended)
	d := s.drive
	var list []request
	var ops []ioengine.Op
	for {
		var open bool
		if list, open = s.queue.take(list[:0], takeWaiting); !open {
			return
		}
		ops = ops[:0]
		for i := range list {
			// Relaxed, too, for a shard that compaction copied: its old place is given back.
			if d.config.Durability == Full || list[i].again != nil {
				if ref, err := parseBulkRef(list[i].bulk()); err == nil {
					ops = d.bulk.syncOps(ops, ref.extents)
				} // a malformed one is refused by the committer
			}
		}
		if len(ops) > 0 {
			d.counters.bulkSyncs.Add(uint64(len(ops)))
			if err := ioengine.Run(d.config.Engine, ioengine.Foreground, ops...); err != nil {
				d.fail(fmt.Errorf("sync of bulk data: %w", err))
			}
		}
		for i := range list { // after a failure the committer's queue refuses them
			d.committer.queue.put(list[i], false)
		}
		clear(list)
	}
}

var errNoRoom = errors.New("the batch is full")

// plan lets a request take effect under work and puts its record into the batch, or finishes
// it with an error. errNoRoom: it has to wait for the next batch.
func (c *committer) plan(q *request) error {
	if q.again == nil && q.record.Type == drive.TypeHealed {
		return c.planHealed(q)
	}
	s, err := c.next.stored(q, c.drive.algorithm)
	if err == nil {
		err = c.drive.machine.replacing(&s)
	}
	if err != nil {
		q.finish(fmt.Errorf("local: %w", err))
		return nil
	}
	if q.again == nil {
		c.drive.counters.summedChunks.Add(s.algorithm.sumsIn(s.sums))
	}
	room, err := c.roomFor(&s)
	if err == nil && room > batchBytesMax-c.next.used && c.next.records > 0 {
		return errNoRoom
	}
	var ref bulkRef
	if err == nil {
		ref, err = c.admit(q, &s)
	}
	if err != nil { // nothing was changed: the request alone is refused
		q.finish(err)
		return nil
	}
	if err = c.take(q, &s, ref); err != nil {
		if !errors.Is(err, drive.ErrFenced) {
			c.drive.fail(err) // the registers under work are no longer to be trusted
		}
		q.finish(err)
	}
	return nil
}

// stored is what a request wants to be written.
func (f *flight) stored(q *request, a algorithm) (stored, error) {
	if q.again != nil {
		return *q.again, nil
	}
	used := len(f.sums)
	s, err := store(q.record, a, f.sums[used:])
	if used+len(s.sums) <= cap(f.sums) { // otherwise they have memory of their own
		f.sums = f.sums[:used+len(s.sums)]
	}
	return s, err
}

// roomFor returns how much of a batch a record needs, with the erase records that it may bring
// about: one for each manifest it may supersede.
func (c *committer) roomFor(s *stored) (int, error) {
	n := s.bytes(formLog)
	if s.Type != drive.TypeSettle && s.Type != drive.TypeManifest && s.moved == nil {
		return n, nil
	}
	g, err := c.drive.machine.load(&s.Key)
	if err != nil {
		return 0, err
	}
	for i := range g.entries {
		n += pick(g.entries[i].Type == drive.TypeManifest, eraseBytes, 0)
	}
	return n + eraseBytes, nil
}

// admit reports whether a record may take effect, and returns the reference to its bulk shard.
func (c *committer) admit(q *request, s *stored) (ref bulkRef, err error) {
	if q.again == nil {
		if c.full != nil && addsData(&s.Record) {
			return ref, c.full
		}
		err = c.drive.machine.admit(q.record)
		if err == nil && s.Type == drive.TypeForget {
			err = c.drive.noteForgetting(s.Order.Term)
		}
		if err == nil {
			err = c.drive.raiseFor(s.Key.Space)
		}
	}
	if err == nil && s.shard == shardBulk {
		ref, err = c.checkRef(s)
	}
	return ref, err
}

// take lets a record take effect and encodes it, if it says anything new.
func (c *committer) take(q *request, s *stored, ref bulkRef) (err error) {
	d, f := c.drive, c.next
	at := d.log.place(s, int64(f.used))
	changed := false
	if q.again == nil {
		changed, err = d.machine.apply(s, at)
	} else {
		changed, err = d.machine.rewrite(s, at)
	}
	if err != nil {
		return err
	}
	f.waiting = append(f.waiting, *q)
	switch {
	case len(ref.extents) > 0 && changed: // for good: if this batch fails, the drive does
		d.bulk.claim(ref.extents)
	case len(ref.extents) > 0:
		f.orphans = append(f.orphans, ref.extents)
	}
	if changed {
		f.encode(s)
	}
	for _, upload := range d.machine.erased {
		f.encode(&stored{Record: drive.Record{Type: drive.TypeErase, Key: upload}})
	}
	d.machine.erased = d.machine.erased[:0]
	return nil
}

func (f *flight) encode(s *stored) {
	f.used = len(s.appendTo(f.batch[:f.used], formLog))
	f.copiedBytes += uint64(len(s.Inline))
	f.records++
	f.synced = f.synced || s.Type == drive.TypeTerm
}

// addsData: the types that a drive short of space refuses. Deletions and what frees space
// go on.
func addsData(r *drive.Record) bool {
	if r.Key.Space == drive.SpaceHead { // it moves when a version is deleted
		return false
	}
	switch r.Type {
	case drive.TypePut, drive.TypePart, drive.TypeManifest, drive.TypeDocument:
		return true
	}
	return false
}

// checkRef refuses references that no writer of this drive handed out, or that a record
// used before.
func (c *committer) checkRef(s *stored) (bulkRef, error) {
	ref, err := parseBulkRef(s.Bulk)
	if err == nil && ref.shardBytes != s.ShardBytes {
		err = fmt.Errorf("%w: of %d bytes, the shard has %d", errBulkRef, ref.shardBytes,
			s.ShardBytes)
	}
	if err == nil && !c.drive.bulk.isLoose(ref.extents) {
		if s.moved != nil {
			return bulkRef{}, nil // its shard stays where it is
		}
		g, loadErr := c.drive.machine.load(&s.Key)
		if loadErr != nil {
			return ref, loadErr
		}
		if g.find(s.WriteID) < 0 {
			err = fmt.Errorf("%w: not from a writer of this drive, or used", errBulkRef)
		}
	}
	return ref, err
}
