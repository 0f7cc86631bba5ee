package local

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"flashstore/engine/drive"
	"flashstore/ioengine"
)

// settleDelayMax is how long a settle waits for a batch to ride in.
const settleDelayMax = 100 * time.Millisecond

// request is a queued commit.
type request struct {
	record *drive.Record
	done   func(error) // may be nil for a settle
}

func (q *request) finish(err error) {
	if q.done != nil {
		q.done(err)
	}
}

// queue is where commits wait for a goroutine of the drive.
type queue struct {
	mu     sync.Mutex
	list   []request
	urgent bool // something in list does not wait
	timed  bool // the settle timer runs
	closed error
	wake   chan struct{}
}

func newQueue() *queue { return &queue{wake: make(chan struct{}, 1)} }

// put queues q; a lazy one waits for others, at most settleDelayMax.
func (u *queue) put(q request, lazy bool) {
	u.mu.Lock()
	if u.closed != nil {
		err := u.closed
		u.mu.Unlock()
		q.finish(err)
		return
	}
	u.list = append(u.list, q)
	wake := false
	switch {
	case !lazy && !u.urgent:
		u.urgent, wake = true, true
	case lazy && !u.urgent && !u.timed:
		u.timed = true
		time.AfterFunc(settleDelayMax, u.due)
	}
	u.mu.Unlock()
	if wake {
		u.signal()
	}
}

func (u *queue) due() {
	u.mu.Lock()
	u.timed = false
	u.urgent = len(u.list) > 0
	u.mu.Unlock()
	u.signal()
}

func (u *queue) signal() {
	select {
	case u.wake <- struct{}{}:
	default:
	}
}

// take appends all that is queued to dst. With wait it sleeps until something is urgent; it
// returns false when the queue is closed and empty.
func (u *queue) take(dst []request, wait bool) ([]request, bool) {
	for {
		u.mu.Lock()
		if u.urgent || u.closed != nil || !wait {
			dst = append(dst, u.list...)
			clear(u.list)
			u.list = u.list[:0]
			u.urgent = false
			ended := u.closed != nil && len(dst) == 0
			u.mu.Unlock()
			return dst, !ended
		}
		u.mu.Unlock()
		<-u.wake
	}
}

// close refuses further commits with err; what is queued is still taken.
func (u *queue) close(err error) {
	u.mu.Lock()
	if u.closed == nil {
		u.closed = err
	}
	u.mu.Unlock()
	u.signal()
}

// Commit queues r; see package drive. Records with bulk shards pass through the syncer.
func (d *Drive) Commit(r *drive.Record, done func(error)) {
	q := request{r, done}
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
		if d.config.Durability == Full {
			for i := range list {
				if ref, err := parseBulkRef(list[i].record.Bulk); err == nil {
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
	taken   []request
	waiting []request // of the batch under way
	full    error     // drive.ErrFull if this batch may not hold new data
	claims  [][]extent
	orphans [][]extent
	logged  uint64 // bytes since the index was flushed
}

func newCommitter(d *Drive) *committer {
	return &committer{drive: d, queue: newQueue(), ended: make(chan struct{}),
		batch: alignedBytes(batchBytesMax)}
}

func (c *committer) run() {
	defer close(c.ended)
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
		if !errors.Is(err, drive.ErrFull) {
			d.fail(fmt.Errorf("new log segment: %w", err))
			err = d.failure()
		}
		finishAll(list, err)
		return len(list)
	}
	c.waiting, c.claims, c.orphans = c.waiting[:0], c.claims[:0], c.orphans[:0]
	c.full = d.roomFor(0)
	used, records := batchHeadBytes, 0
	for count < len(list) {
		n, err := c.plan(&list[count], used)
		if errors.Is(err, errNoRoom) {
			break
		}
		count++
		if n > 0 {
			used += n
			records++
		}
		if d.failure() != nil {
			break
		}
	}
	err := d.failure()
	switch {
	case err == nil && records > 0:
		err = c.write(used, records)
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

// plan lets a request take effect under work and encodes its record at c.batch[used:], or
// finishes it with an error. It returns the record's length, 0 if it says nothing new.
// errNoRoom: it has to wait for the next batch.
func (c *committer) plan(q *request, used int) (int, error) {
	d := c.drive
	s, err := store(q.record, nil)
	if err != nil {
		q.finish(fmt.Errorf("local: %w", err))
		return 0, nil
	}
	n := s.bytes(formLog)
	if used+n > batchBytesMax {
		return 0, errNoRoom
	}
	var ref bulkRef
	if c.full != nil && addsData(s.Type) {
		q.finish(c.full)
		return 0, nil
	}
	if err = d.machine.admit(q.record); err == nil && s.shard == shardBulk {
		ref, err = c.checkRef(&s)
	}
	if err != nil {
		if errors.Is(err, drive.ErrCorrupt) {
			d.fail(err)
		}
		q.finish(err)
		return 0, nil
	}
	at := location{d.log.next.segment, d.log.next.offsetBytes + int64(used)}
	if s.shard == shardInline {
		at.offsetBytes += int64(n - len(s.Inline))
	}
	changed, err := d.machine.apply(&s, at)
	if err != nil {
		if !errors.Is(err, drive.ErrFenced) {
			d.fail(err) // the registers under work are no longer to be trusted
		}
		q.finish(err)
		return 0, nil
	}
	c.waiting = append(c.waiting, *q)
	if !changed {
		if s.shard == shardBulk {
			c.orphans = append(c.orphans, ref.extents)
		}
		return 0, nil
	}
	if s.shard == shardBulk {
		c.claims = append(c.claims, ref.extents)
	}
	s.appendTo(c.batch[:used], formLog)
	return n, nil
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
func (c *committer) write(used, records int) error {
	d := c.drive
	m := d.machine
	length := int(blocks(int64(used)))
	h := batchHeader{epoch: d.epoch, segment: d.log.next.segment,
		offsetBytes: d.log.next.offsetBytes, number: m.pos.number, lengthBytes: length,
		usedBytes: used, records: records, incomplete: m.pos.incomplete, damaged: m.pos.damaged,
		completeFrom: m.pos.completeFrom, incarnation: m.pos.incarnation}
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
	written := d.counters.batchBytes.Load()
	if written-c.logged >= indexReplayBytes {
		c.logged = written
		if _, err := d.machine.index.db.AsyncFlush(); err != nil {
			d.fail(fmt.Errorf("index flush: %w", err))
		}
	}
}
