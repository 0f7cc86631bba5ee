package local

import (
	"errors"
	"fmt"
)

// committer writes batches, one at a time: all that queued while the last one was written. While
// one is written the next is planned, on top of what that one will bring about, and follows it
// at once; only then is shown what the first one brought, and its commits are answered. So the
// device does not wait for the CPU, nor the CPU for the device.
type committer struct {
	drive *Drive
	queue *queue
	ended chan struct{}

	taken  []request // not planned yet: they did not fit
	next   *flight   // being planned
	flying *flight   // being written; nil: none is
	spare  *flight
	full   error  // drive.ErrFull if the next batch may not hold new data
	logged uint64 // bytes since the index was flushed
}

// flight is a batch on its way, with what it brings about.
type flight struct {
	batch   []byte // aligned, batchBytesMax
	sums    []byte // of the inline shards of its records
	used    int    // bytes of batch; 0: not begun
	records int
	// copiedBytes of shards are in batch.
	copiedBytes uint64
	// synced in any mode: it raises the term, and the set builds on that.
	synced  bool
	waiting []request
	orphans [][]extent // shards of repeated commits
	outcome *outcome   // once it is complete
}

// flightSumsBytes hold the checksums of a batch of the shortest inline shards.
const flightSumsBytes = 32 << 10

func newFlight() *flight {
	return &flight{batch: alignedBytes(batchBytesMax), sums: make([]byte, 0, flightSumsBytes)}
}

func newCommitter(d *Drive) *committer {
	return &committer{drive: d, queue: newQueue(), ended: make(chan struct{})}
}

func (c *committer) run() {
	defer close(c.ended)
	c.next, c.spare = newFlight(), newFlight()
	for {
		if c.flying != nil {
			c.await()
			continue
		}
		if !c.gather(takeWaiting) {
			return
		}
		c.launch()
	}
}

// gather takes what is queued and plans it, as far as it fits. It takes all and does not wait if
// there is a batch to ride in. false: the queue is closed, and nothing is left to do.
func (c *committer) gather(how takeHow) (open bool) {
	begun := len(c.taken) > 0 || c.next.used > 0
	if begun {
		how = takeAll
	}
	c.taken, open = c.queue.take(c.taken, how)
	n := c.fill(c.taken)
	rest := copy(c.taken, c.taken[n:])
	clear(c.taken[rest:])
	c.taken = c.taken[:rest]
	return open || begun
}

// await plans the next batch until the one in flight is written, lets it follow, and shows what
// the first one brought.
func (c *committer) await() {
	for flies := true; flies; {
		more := c.queue.wake
		if len(c.taken) > 0 {
			more = nil // the next batch is full
		}
		select {
		case <-c.drive.log.landed():
			flies = false
		case <-more:
		}
		c.gather(takeUrgent)
	}
	f := c.flying
	c.flying = nil
	err := c.drive.log.end()
	if err != nil {
		err = c.drive.fail(err)
	}
	if c.next.records > 0 {
		c.launch()
	}
	c.land(f, err)
}

// fill plans the first requests into the next batch, or finishes them; it returns how many. The
// others have to wait for the batch behind it.
func (c *committer) fill(list []request) (count int) {
	d := c.drive
	if err := d.failure(); err != nil {
		finishAll(list, err)
		return len(list)
	}
	if c.next.used == 0 && len(list) > 0 {
		if c.flying != nil && !d.log.hasRoom() {
			return 0 // the log goes on in another segment, behind what is in flight
		}
		if err := d.log.room(); err != nil {
			d.compactor.signal()
			if !isLack(err) {
				d.fail(fmt.Errorf("new log segment: %w", err))
				err = d.failure()
			}
			finishAll(list, err)
			return len(list)
		}
		c.full = d.roomFor(0)
		c.next.used = batchHeadBytes
	}
	for count < len(list) {
		if err := c.plan(&list[count]); errors.Is(err, errNoRoom) {
			break
		}
		count++
		if d.failure() != nil {
			break
		}
	}
	return count
}

// launch begins to write the next batch. One without records is over at once; then nothing that
// it builds on may be in flight.
func (c *committer) launch() {
	f := c.next
	err := c.drive.failure()
	switch {
	case err == nil && f.records > 0:
		c.send(f)
		c.flying, c.next, c.spare = f, c.spare, nil
		return
	case err == nil:
		err = c.drive.machine.forget()
	}
	c.finish(f, err)
}

// send seals a batch, with all that it brings about, and begins to write it.
func (c *committer) send(f *flight) {
	d := c.drive
	m := d.machine
	length := int(blocks(int64(f.used)))
	h := batchHeader{layout: int(d.layout.Load()), epoch: d.epoch, segment: d.log.next.segment,
		offsetBytes: d.log.next.offsetBytes, number: m.pos.number, lengthBytes: length,
		usedBytes: f.used, records: f.records, incomplete: m.pos.incomplete,
		damaged: m.pos.damaged, completeFrom: m.pos.completeFrom,
		incarnation: m.pos.incarnation, maxSeen: m.pos.maxSeen, term: m.pos.term}
	h.seal(f.batch[:length])
	m.pos.number++
	m.pos.epoch = d.epoch
	m.pos.next.segment, m.pos.next.offsetBytes = h.segment, h.offsetBytes+int64(length)
	f.outcome = m.seal()
	d.log.begin(f.batch[:length], f.synced)
}

// land shows what a batch brought, once it is durable, and answers those who wait for it. err is
// how its write ended; an error is the drive's end.
func (c *committer) land(f *flight, err error) {
	d := c.drive
	if err == nil {
		err = d.failure() // the batch before may not have been shown, so this one must not be
	}
	if err == nil {
		pos := f.outcome.pos
		var freed []freeItem
		if freed, err = d.machine.show(f.outcome); err == nil {
			d.publish(&pos)
			d.reaper.add(freed)
		} else {
			err = d.fail(err)
		}
	}
	if err == nil {
		d.counters.batches.Add(1)
		d.counters.copiedBytes.Add(f.copiedBytes)
		d.counters.batchBytes.Add(uint64(blocks(int64(f.used))))
		c.handOver()
	}
	c.finish(f, err)
}

// handOver does what may follow a batch: space is gained, and the index is flushed when too much
// of the log would have to be replayed.
func (c *committer) handOver() {
	d := c.drive
	if released := d.machine.released; released >= d.log.target/4 {
		d.machine.released = 0
		d.compactor.signal()
	}
	written := d.replayedBytes + d.counters.batchBytes.Load()
	if written-c.logged >= indexReplayBytes {
		c.logged = written
		if err := d.machine.index.beginFlush(); err != nil {
			d.fail(fmt.Errorf("index flush: %w", err))
		}
	}
}

// finish answers all that wait for a batch, and empties it.
func (c *committer) finish(f *flight, err error) {
	if err == nil {
		c.drive.counters.commits.Add(uint64(len(f.waiting)))
		for _, list := range f.orphans {
			c.drive.bulk.abandon(list)
		}
	}
	finishAll(f.waiting, err)
	clear(f.waiting)
	*f = flight{batch: f.batch, sums: f.sums[:0], waiting: f.waiting[:0], orphans: f.orphans[:0]}
	switch c.next {
	case f:
	case nil:
		c.next = f
	default:
		c.spare = f
	}
}

func finishAll(list []request, err error) {
	for i := range list {
		list[i].finish(err)
	}
}
