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
		if list, open = s.queue.take(list[:0], true); !open {
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

// committer writes batches: all that queued while the last one was written.
type committer struct {
	drive *Drive
	queue *queue
	ended chan struct{}

	batch   []byte // aligned, batchBytesMax
	used    int    // bytes of batch
	records int
	taken   []request
	waiting []request // of the batch under way
	full    error     // drive.ErrFull if this batch may not hold new data
	claims  [][]extent
	orphans [][]extent
	logged  uint64 // bytes since the index was flushed
}

func newCommitter(d *Drive) *committer {
	return &committer{drive: d, queue: newQueue(), ended: make(chan struct{})}
}

func (c *committer) run() {
	defer close(c.ended)
	c.batch = alignedBytes(batchBytesMax)
	for {
		var open bool
		c.taken, open = c.queue.take(c.taken, len(c.taken) == 0)
		if !open {
			return
		}
		n := c.commit(c.taken)
		rest := copy(c.taken, c.taken[n:])
		clear(c.taken[rest:])
		c.taken = c.taken[:rest]
	}
}

// commit writes one batch of the first requests and finishes them; it returns how many.
func (c *committer) commit(list []request) (count int) {
	d := c.drive
	if err := d.failure(); err != nil {
		finishAll(list, err)
		return len(list)
	}
	if err := d.log.room(); err != nil {
		d.compactor.signal()
		if !errors.Is(err, drive.ErrFull) {
			d.fail(fmt.Errorf("new log segment: %w", err))
			err = d.failure()
		}
		finishAll(list, err)
		return len(list)
	}
	c.waiting, c.claims, c.orphans = c.waiting[:0], c.claims[:0], c.orphans[:0]
	c.full = d.roomFor(0)
	c.used, c.records = batchHeadBytes, 0
	for count < len(list) {
		if err := c.plan(&list[count]); errors.Is(err, errNoRoom) {
			break
		}
		count++
		if d.failure() != nil {
			break
		}
	}
	err := d.failure()
	switch {
	case err == nil && c.records > 0:
		err = c.write()
	case err == nil:
		err = d.machine.forget()
	}
	if err == nil {
		d.counters.commits.Add(uint64(len(c.waiting)))
		c.handOver()
	}
	finishAll(c.waiting, err)
	clear(c.waiting)
	return count
}

func finishAll(list []request, err error) {
	for i := range list {
		list[i].finish(err)
	}
}

var errNoRoom = errors.New("the batch is full")

// plan lets a request take effect under work and puts its record into the batch, or finishes
// it with an error. errNoRoom: it has to wait for the next batch.
func (c *committer) plan(q *request) error {
	s, err := q.stored()
	if err != nil {
		q.finish(fmt.Errorf("local: %w", err))
		return nil
	}
	room, err := c.roomFor(&s)
	if err == nil && room > batchBytesMax-c.used && c.records > 0 {
		return errNoRoom
	}
	if err == nil {
		err = c.take(q, &s)
	}
	if err != nil {
		if !errors.Is(err, drive.ErrFenced) && !errors.Is(err, drive.ErrStaleTerm) &&
			!errors.Is(err, drive.ErrFull) && !errors.Is(err, errBulkRef) {
			c.drive.fail(err) // the registers under work are no longer to be trusted
		}
		q.finish(err)
	}
	return nil
}

// stored is what the request wants to be written.
func (q *request) stored() (stored, error) {
	if q.again != nil {
		return *q.again, nil
	}
	return store(q.record, nil)
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

// take lets a record take effect and encodes it, if it says anything new.
func (c *committer) take(q *request, s *stored) error {
	d := c.drive
	if c.full != nil && q.again == nil && addsData(s.Type) {
		return c.full
	}
	var ref bulkRef
	var err error
	if q.again == nil {
		err = d.machine.admit(q.record)
	}
	if err == nil && s.shard == shardBulk {
		ref, err = c.checkRef(s)
	}
	if err != nil {
		return err
	}
	at := d.log.place(s, int64(c.used))
	changed := false
	if q.again == nil {
		changed, err = d.machine.apply(s, at)
	} else {
		changed, err = d.machine.rewrite(s, at)
	}
	if err != nil {
		return err
	}
	c.waiting = append(c.waiting, *q)
	switch {
	case len(ref.extents) > 0 && changed:
		c.claims = append(c.claims, ref.extents)
	case len(ref.extents) > 0:
		c.orphans = append(c.orphans, ref.extents)
	}
	if changed {
		c.encode(s)
	}
	for _, upload := range d.machine.erased {
		c.encode(&stored{Record: drive.Record{Type: drive.TypeErase, Key: upload}})
	}
	d.machine.erased = d.machine.erased[:0]
	return nil
}

func (c *committer) encode(s *stored) {
	c.used = len(s.appendTo(c.batch[:c.used], formLog))
	c.records++
}

// addsData: the types that a drive short of space refuses. Deletions and what frees space
// go on.
func addsData(t drive.Type) bool {
	switch t {
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

// write seals and appends the batch and makes it visible. An error is the drive's end.
func (c *committer) write() error {
	d := c.drive
	m := d.machine
	length := int(blocks(int64(c.used)))
	h := batchHeader{epoch: d.epoch, segment: d.log.next.segment,
		offsetBytes: d.log.next.offsetBytes, number: m.pos.number, lengthBytes: length,
		usedBytes: c.used, records: c.records, incomplete: m.pos.incomplete,
		damaged: m.pos.damaged, completeFrom: m.pos.completeFrom,
		incarnation: m.pos.incarnation, maxSeen: m.pos.maxSeen, term: m.pos.term}
	h.seal(c.batch[:length])
	if err := d.log.append(c.batch[:length]); err != nil {
		return d.fail(err)
	}
	m.pos.number++
	m.pos.epoch = d.epoch
	m.pos.next = d.log.next
	freed, err := m.flush()
	if err != nil {
		return d.fail(err)
	}
	d.counters.batches.Add(1)
	d.counters.batchBytes.Add(uint64(length))
	d.publish(&m.pos)
	for _, list := range c.claims {
		d.bulk.claim(list)
	}
	d.reaper.add(freed)
	return nil
}

// handOver does what may follow a batch: shards of repeated commits go back, and the index
// is flushed when too much of the log would have to be replayed.
func (c *committer) handOver() {
	d := c.drive
	for _, list := range c.orphans {
		d.bulk.abandon(list)
	}
	if released := d.machine.released; released >= d.log.target/4 {
		d.machine.released = 0
		d.compactor.signal()
	}
	written := d.counters.batchBytes.Load()
	if written-c.logged >= indexReplayBytes {
		c.logged = written
		if _, err := d.machine.index.db.AsyncFlush(); err != nil {
			d.fail(fmt.Errorf("index flush: %w", err))
		}
	}
}
