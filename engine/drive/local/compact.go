package local

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"flashstore/engine/drive"
	"flashstore/ioengine"
)

const (
	// compactShare and compactShareFull are the live share of a log segment from which on it is
	// left alone: as a rule, and where space is short. At a half, a byte is written for each
	// byte that is gained.
	compactShare     = 0.5
	compactShareFull = 0.9
	// compactGroupBytes of records are under way at a time: half a batch, so that commits of
	// clients find room beside them.
	compactGroupBytes = batchBytesMax / 2
)

// compactor gives back the space of segments in which little lives. What is still needed of a
// log segment is written again at the log's end, and then the segment is removed;
// ARCHITECTURE.md says why nothing is lost or comes back.
type compactor struct {
	drive *Drive
	wake  chan struct{}
	stop  context.CancelFunc
	ended chan struct{}

	mu sync.Mutex // one round at a time
	// poor are segments that were read in vain, with their live bytes then.
	poor map[uint64]int64
	// Memory for the look into the index that each record takes.
	row  []byte
	room []entry
}

func newCompactor(d *Drive) *compactor {
	return &compactor{drive: d, wake: make(chan struct{}, 1), ended: make(chan struct{}),
		poor: make(map[uint64]int64)}
}

func (c *compactor) run(ctx context.Context) {
	defer close(c.ended)
	for {
		select {
		case <-c.wake:
		case <-ctx.Done():
			return
		}
		err := c.round(ctx)
		if err != nil && ctx.Err() == nil && c.drive.failure() == nil {
			c.drive.config.Logger.Warn("log compaction stopped, it will be tried again",
				"path", c.drive.config.Path, "error", err)
		}
	}
}

func (c *compactor) start() {
	ctx, stop := context.WithCancel(context.Background())
	c.stop = stop
	go c.run(ctx)
	c.signal()
}

func (c *compactor) signal() {
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

func (c *compactor) close() {
	c.stop()
	<-c.ended
}

// Compact does now what the drive otherwise does in the background: it gives back the space
// of segments in which little lives, and what a crash left behind. It returns when nothing is
// left to do.
func (d *Drive) Compact(ctx context.Context) error {
	if err := d.enterWrite(); err != nil {
		return err
	}
	defer d.leave()
	return errors.Join(d.reclaimer.wait(ctx), d.compactor.round(ctx))
}

// round empties what is worth it, of the log and of bulk storage.
func (c *compactor) round(ctx context.Context) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return errors.Join(c.logRound(ctx), c.bulkRound(ctx))
}

func (c *compactor) logRound(ctx context.Context) error {
	for {
		share := compactShare
		if c.drive.roomFor(c.drive.log.target) != nil {
			share = compactShareFull
		}
		victim, filledBytes, found := c.pick(share)
		if !found {
			return ctx.Err()
		}
		if err := c.segment(ctx, victim, int64(share*float64(filledBytes))); err != nil {
			return fmt.Errorf("%s: %w", c.drive.log.name(victim), err)
		}
	}
}

// pick chooses the segment with the lowest live share below the given one. Only segments
// before the one that holds the last batch are chosen, so that the log never loses its end. The
// share is one of what batches are sure to fill of a segment: of the file, a short segment in
// which all lives would have a low one, and so would the one that it was copied to, for ever.
func (c *compactor) pick(share float64) (victim uint64, filledBytes int64, found bool) {
	d := c.drive
	written := d.log.written.Load()
	for segment, size := range d.log.sizes() {
		live := d.machine.logLive.of(segment)
		if before, poor := c.poor[segment]; segment >= written || size == 0 ||
			poor && before-live < size/8 {
			continue
		}
		filled := size - batchBytesMax // see segmentLog.room
		if filled <= 0 {
			filled = size // cut short by somebody
		}
		if s := float64(live) / float64(filled); s < share {
			share, victim, filledBytes, found = s, segment, filled, true
		}
	}
	return victim, filledBytes, found
}

// segment compacts one segment unless more than worthBytes of it are needed.
func (c *compactor) segment(ctx context.Context, victim uint64, worthBytes int64) error {
	d := c.drive
	live := d.machine.logLive.of(victim)
	needed := int64(0)
	span, err := c.scan(ctx, victim, func(s *stored, _ location) error {
		needed += int64(s.bytes(formLog))
		return nil
	})
	if errors.Is(err, errBatch) || err == nil && needed > worthBytes {
		c.poor[victim] = live
		return nil
	}
	if err != nil {
		return err
	}
	g := group{drive: d}
	_, err = c.scan(ctx, victim, func(s *stored, at location) error {
		return g.add(ctx, s, at)
	})
	if err = errors.Join(err, g.wait()); err != nil {
		return err
	}
	if left := d.machine.logLive.of(victim); left != 0 {
		c.poor[victim] = left
		return fmt.Errorf("%w: %d bytes are said to live there and are not found",
			drive.ErrCorrupt, left)
	}
	if err := errors.Join(d.log.flush(), d.machine.index.flush()); err != nil {
		return d.fail(fmt.Errorf("flush before a log segment is removed: %w", err))
	}
	if err := lack(d.log.retire(span)); err != nil {
		if !isLack(err) {
			err = d.fail(err)
		}
		return err
	}
	delete(c.poor, victim)
	d.counters.compacted.Add(1)
	d.counters.movedBytes.Add(uint64(g.movedBytes))
	return d.log.remove(victim)
}

// errEnough ends a scan behind the segment.
var errEnough = errors.New("the segment is read")

// scan calls f for the records of a segment that are needed, with their location, and returns
// which batches the segment holds. errBatch if some of them are lost.
func (c *compactor) scan(ctx context.Context, victim uint64, f func(*stored, location) error) (
	retiredRange, error) {
	d := c.drive
	span := retiredRange{first: victim, last: victim}
	scan := &logScan{engine: d.config.Engine, log: d.log, class: ioengine.Compaction,
		incarnation: d.machine.pos.incarnation, anyNumber: true, end: location{segment: victim}}
	older := d.log.hasBefore(victim)
	err := scan.run(d.log.from(victim), func(h *batchHeader, b []byte) error {
		if h.segment != victim {
			return errEnough
		}
		if span.next == 0 {
			span.number = h.number
		}
		span.next = h.number + 1
		return eachRecord(h, b, func(s *stored, at int) error {
			place := placeOf(s, location{h.segment, h.offsetBytes + int64(at)})
			needed, err := c.needed(s, place, older)
			if err == nil && needed {
				err = f(s, place)
			}
			return errors.Join(err, ctx.Err())
		})
	})
	switch {
	case err != nil && !errors.Is(err, errEnough):
		return span, err
	case len(scan.damage) > 0:
		return span, fmt.Errorf("%w: batches of segment %d are lost", errBatch, victim)
	}
	return span, nil
}

// needed asks the index; the committer will decide again. What erases or forgets is
// needed while there are older segments that may hold what it removed.
func (c *compactor) needed(s *stored, at location, older bool) (bool, error) {
	switch s.Type {
	case drive.TypeTerm:
		return false, nil
	case drive.TypeErase, drive.TypeForget:
		return older, nil
	}
	c.row = appendRowKey(c.row[:0], &s.Key)
	needed := false
	err := c.drive.machine.index.view(c.row, func(value []byte) error {
		chain, err := parseChain(&s.Key, value, c.room)
		if err != nil {
			return c.drive.corrupt(&s.Key, err)
		}
		needed = chain.needs(s, at)
		clear(chain.entries) // of what is valid during this call only
		c.room = chain.entries[:0]
		return nil
	})
	return needed, err
}

// group is the records that are being written again together.
type group struct {
	drive      *Drive
	bytes      int
	movedBytes int
	pending    sync.WaitGroup
	mu         sync.Mutex
	err        error
}

// add writes a record again; with a full group it waits for all before.
func (g *group) add(ctx context.Context, s *stored, at location) error {
	n := s.bytes(formLog)
	if g.bytes+n > compactGroupBytes {
		if err := g.wait(); err != nil {
			return err
		}
		if err := g.drive.pace(ctx, g.bytes); err != nil {
			return err
		}
		g.bytes = 0
	}
	again := s.clone()
	if isEntry(s.Type) {
		again.moved = &move{from: at}
	}
	g.bytes += n
	g.movedBytes += n
	g.pending.Add(1)
	g.drive.committer.queue.put(request{again: &again, done: g.done}, false)
	return nil
}

func (g *group) done(err error) {
	if err != nil {
		g.mu.Lock()
		g.err = errors.Join(g.err, err)
		g.mu.Unlock()
	}
	g.pending.Done()
}

func (g *group) wait() error {
	g.pending.Wait()
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.err
}

// pace keeps compaction within its budget, unless space is short.
func (d *Drive) pace(ctx context.Context, bytes int) error {
	if d.roomFor(d.log.target) != nil {
		return ctx.Err()
	}
	t := time.NewTimer(time.Duration(float64(bytes) / float64(d.config.CompactBytesPerSecond) *
		float64(time.Second)))
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
