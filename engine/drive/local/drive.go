package local

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"sync"
	"sync/atomic"

	"flashstore/engine/drive"
	"flashstore/ioengine"
)

// Drive is a directory with a log, bulk segments and an index.
type Drive struct {
	config   Config
	identity drive.Identity // without its layout
	layout   atomic.Int32
	forgot   atomic.Uint64 // as in format.json
	// algorithm of the checksums that are written.
	algorithm algorithm
	lock      ioengine.File
	epoch     uint64
	tornTail  bool
	// replayedBytes of the log were replayed at the start: the index has not flushed them.
	replayedBytes uint64

	log       *segmentLog
	shards    *shardCache
	machine   *machine
	bulk      *bulkStore
	reaper    *reaper
	reclaimer *reclaimer // nil after a clean stop
	syncer    *syncer
	committer *committer
	compactor *compactor
	space     space

	gate   sync.RWMutex // held for reading by whatever uses files
	closed bool

	state    atomic.Pointer[levels]
	broken   atomic.Pointer[brokenError]
	counters counters
}

// levels are the parts of Info that the committer publishes.
type levels struct {
	term                  uint64
	maxSeen, completeFrom drive.Order
	damaged               bool
	unsettled             int64
}

type counters struct {
	commits, batches, batchBytes, bulkBytes, bulkSyncs atomic.Uint64
	reads, corruptChunks, compacted, movedBytes        atomic.Uint64
	copiedBytes, summedChunks                          atomic.Uint64
}

// brokenError is why a drive takes no more writes.
type brokenError struct{ error }

var (
	_ drive.Drive  = (*Drive)(nil)
	_ drive.Pinner = (*Drive)(nil)
)

// Open opens a formatted drive for this process alone. Errors: those of package drive that
// are reasons not to open a directory, drive.ErrCorrupt, drive.ErrOffline.
func Open(c Config) (*Drive, error) {
	c = c.withDefaults()
	if err := c.Validate(); err != nil {
		return nil, err
	}
	format, err := readFormat(c.Engine, c.Path)
	if err != nil {
		return nil, err
	}
	if err := checkExpect(c.Path, format.Identity, c.Expect); err != nil {
		return nil, err
	}
	held, err := lock(c.Engine.Files(), c.Path)
	if err != nil {
		return nil, err
	}
	d := newDrive(c, format.Identity, held)
	if err := d.start(&format); err != nil {
		return nil, errors.Join(err, d.closeFiles())
	}
	return d, nil
}

// newDrive returns a drive that takes commits, whose goroutines do not run yet.
func newDrive(c Config, id drive.Identity, held ioengine.File) *Drive {
	a, _ := algorithmOf(c.Checksum) // Validate asked already
	d := &Drive{config: c, algorithm: a, identity: id, lock: held,
		shards: newShardCache(c.ShardCacheBytes)}
	d.committer = newCommitter(d)
	d.syncer = &syncer{drive: d, queue: newQueue(), ended: make(chan struct{})}
	return d
}

// start recovers the state of the drive and starts its goroutines.
func (d *Drive) start(format *formatFile) (err error) {
	if err = d.recover(format); err != nil {
		return err
	}
	if err = format.raise(d.config.Engine, d.config.Path, d.algorithm.layout()); err != nil {
		return err
	}
	d.layout.Store(int32(format.Layout))
	d.forgot.Store(format.Forgot)
	if d.bulk, err = openBulk(&d.config, d.machine.live); err != nil {
		return err
	}
	d.bulk.reportMissing(d.machine.live, d.config.Logger)
	frees, err := d.machine.index.frees()
	if err != nil {
		return err
	}
	if d.reclaimer, err = newReclaimer(d); err != nil {
		return err
	}
	d.publish(&d.machine.pos)
	d.reaper = newReaper(d)
	for i := range frees { // released, but not given back before the last stop
		d.bulk.adopt(frees[i].extents)
	}
	d.reaper.add(frees)
	d.bulk.removeDead()
	go d.reaper.run()
	go d.committer.run()
	go d.syncer.run()
	if d.reclaimer != nil {
		go d.reclaimer.run()
	}
	d.compactor = newCompactor(d)
	d.compactor.start()
	return nil
}

// Info returns the present state.
func (d *Drive) Info() drive.Info {
	s := d.state.Load()
	room := d.space.of(d.config.Engine.Files(), d.config.Path)
	id := d.identity
	id.Layout = int(d.layout.Load())
	i := drive.Info{Identity: id, Path: d.config.Path, Term: s.term, MaxSeen: s.maxSeen,
		Forgot: d.forgot.Load(), CompleteFrom: s.completeFrom, TornTail: d.tornTail, TornOnly: !s.damaged,
		TotalBytes: room.totalBytes, FreeBytes: room.freeBytes,
		Properties: drive.Properties{InlineMax: d.config.InlineMax,
			Durability: d.config.Durability, Checksum: d.config.Checksum},
		Counters: drive.Counters{
			Commits: d.counters.commits.Load(), Batches: d.counters.batches.Load(),
			BatchBytes: d.counters.batchBytes.Load(), BulkBytes: d.counters.bulkBytes.Load(),
			BulkSyncs: d.counters.bulkSyncs.Load(), Reads: d.counters.reads.Load(),
			CorruptChunks: d.counters.corruptChunks.Load(), Unsettled: s.unsettled,
			PunchedBytes: d.bulk.punched.Load(), CompactedSegments: d.counters.compacted.Load(),
			MovedBytes:  d.counters.movedBytes.Load(),
			CopiedBytes: d.counters.copiedBytes.Load(), SummedChunks: d.counters.summedChunks.Load()}}
	if d.tornTail {
		i.Counters.TornTails = 1
	}
	if b := d.broken.Load(); b != nil {
		i.Health, i.Reason = drive.ReadOnly, b.Error()
	}
	return i
}

// publish shows the committer's position in Info.
func (d *Drive) publish(p *position) {
	s := &levels{term: p.term, maxSeen: p.maxSeen, completeFrom: p.completeFrom, damaged: p.damaged,
		unsettled: int64(len(d.machine.unsettled))}
	if p.incomplete { // counts for no order before the next term is known
		s.completeFrom = drive.Order{Term: math.MaxUint64, Sequence: math.MaxUint64}
	}
	d.state.Store(s)
}

// fail takes the drive out of service for writing, for good; it returns the error that
// commits get from now on.
func (d *Drive) fail(err error) error {
	b := &brokenError{fmt.Errorf("%w: %w; restart once the device is sound, or replace it",
		drive.ErrOffline, err)}
	if d.broken.CompareAndSwap(nil, b) {
		d.config.Logger.Error("drive takes no more writes", "path", d.config.Path, "error", err)
		d.committer.queue.close(b)
		d.syncer.queue.close(b)
	}
	return d.failure()
}

// partFailed is told by the index and by the log of a device that fails behind everybody's back.
func (d *Drive) partFailed(err error) { _ = d.fail(err) }

// failure returns why the drive takes no writes, or nil.
func (d *Drive) failure() error {
	if b := d.broken.Load(); b != nil {
		return b
	}
	return nil
}

func (b *brokenError) Unwrap() error { return b.error }

// enter begins a use of the drive's files; leave ends it, on any goroutine.
func (d *Drive) enter() error {
	d.gate.RLock()
	if d.closed {
		d.gate.RUnlock()
		return fmt.Errorf("%w: %s", drive.ErrClosed, d.config.Path)
	}
	return nil
}

func (d *Drive) enterWrite() error {
	if err := d.failure(); err != nil {
		return err
	}
	return d.enter()
}

// roomFor refuses new data that would take the file system's reserve.
func (d *Drive) roomFor(bytes int64) error {
	needed := d.config.ReserveBytes + bytes
	if d.space.of(d.config.Engine.Files(), d.config.Path).freeBytes >= needed+spaceAgeBytes {
		return nil
	}
	total, free := spaceOf(d.config.Engine.Files(), d.config.Path)
	if total == 0 || free >= needed {
		return nil
	}
	return fmt.Errorf("%w: %d bytes free on %s, %d of them kept for deletions", drive.ErrFull,
		free, d.config.Path, d.config.ReserveBytes)
}

func (d *Drive) leave() { d.gate.RUnlock() }

// Close commits what is queued, flushes the index and releases the directory. It waits for
// reads and writes under way. A second Close is drive.ErrClosed.
func (d *Drive) Close() error {
	closed := fmt.Errorf("%w: %s", drive.ErrClosed, d.config.Path)
	d.compactor.close()
	d.syncer.queue.close(closed)
	<-d.syncer.ended
	d.committer.queue.close(closed)
	<-d.committer.ended
	d.gate.Lock()
	was := d.closed
	d.closed = true
	d.gate.Unlock()
	if was {
		return closed
	}
	reclaimed := d.reclaimer.close()
	d.reaper.close()
	if d.failure() != nil {
		// It has said why, and leaves all as it is: a batch that failed may be in the log all the
		// same, so nothing that it refers to is given back.
		_ = d.closeFiles()
		return nil
	}
	d.bulk.close()
	err := d.finish(reclaimed)
	return errors.Join(err, d.closeFiles())
}

// finish makes all durable and records that, and that no bulk segment holds extents that nobody
// refers to, if that is so.
func (d *Drive) finish(reclaimed bool) error {
	err := d.bulk.syncHoles()
	if err == nil {
		below := uint64(0)
		if reclaimed {
			below = d.bulk.highest + 1
		}
		err = d.machine.setReclaimed(below)
	}
	if err == nil {
		err = errors.Join(d.log.flush(), d.machine.index.flush())
	}
	// Behind a torn tail the log goes on elsewhere, with the first batch that is written: until then
	// each start has to see what stands behind the last good one.
	if err == nil && d.log.next == d.machine.pos.next {
		err = d.log.writeStopMark(markOf(&d.machine.pos))
	}
	return err
}

// closeFiles closes whatever is open.
func (d *Drive) closeFiles() (err error) {
	if d.bulk != nil {
		err = errors.Join(err, d.bulk.closeFiles())
	}
	if d.machine != nil {
		err = errors.Join(err, d.machine.close())
	}
	if d.log != nil {
		err = errors.Join(err, d.log.close())
	}
	err = errors.Join(err, d.shards.close())
	return errors.Join(err, d.lock.Close())
}

// newEpoch returns an epoch above last; it is random in its low bits, so that what an
// interrupted start may have written under the same number is not taken for this one's.
func newEpoch(last uint64) uint64 {
	var random [8]byte
	_, _ = rand.Read(random[:2]) // never fails, crypto/rand
	return (last>>16+1)<<16 | binary.LittleEndian.Uint64(random[:])
}
