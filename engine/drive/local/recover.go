package local

import (
	"errors"
	"fmt"
	"path/filepath"

	"flashstore/engine/drive"
	"flashstore/engine/drive/local/indexfs"
)

// recover opens the index, replays the log that it does not reflect, and prepares the log
// for writing.
func (d *Drive) recover(format *formatFile) error {
	fresh, segments, err := d.openLog(format)
	if err != nil {
		return err
	}
	if err := d.checkLog(segments); err != nil {
		return err
	}
	mark, doubt, err := d.log.cleanStop(segments)
	if err != nil {
		return err
	}
	if doubt != nil {
		d.config.Logger.Warn("log is read to its end", "path", d.config.Path, "error", doubt)
	}
	checked, err := d.stoppedPosition(fresh, mark)
	if err != nil {
		return err
	}
	if err := d.checkPosition(checked, segments, mark); err != nil {
		return err
	}
	if err := d.log.removeLeftovers(); err != nil {
		return err
	}
	if err := d.openMachine(fresh); err != nil {
		return err
	}
	if opened := &d.machine.pos; opened.next != checked.next || opened.number != checked.number {
		if err := d.checkPosition(*opened, segments, mark); err != nil {
			return err // the index was exchanged since the clean stop
		}
	}
	scan, err := d.readRest(segments, mark)
	if err != nil {
		return err
	}
	d.replayedBytes = scan.readBytes
	if err := d.log.writeStopMark(stopMark{}); err != nil {
		return fmt.Errorf("%w: %s: %w", drive.ErrOffline, d.log.stopMark, err)
	}
	return d.resume(scan, lastOf(segments))
}

// readRest replays what the index does not reflect. After a clean stop that is nothing.
func (d *Drive) readRest(segments []uint64, mark stopMark) (*logScan, error) {
	if scan := newScan(d.machine, d.log); mark == markOf(&d.machine.pos) {
		scan.clean = true
		return scan, nil
	}
	if err := d.makeDurable(segments); err != nil {
		return nil, err
	}
	pos := &d.machine.pos
	number := pos.number
	scan, err := replay(d.machine, d.log, segments, nil)
	if pos.number != number {
		pos.reclaimed = 0 // the last stop was not clean
	}
	scan.reached(mark.number)
	pos.number = max(pos.number, scan.number) // a gap, for whoever reads the log later
	return scan, err
}

// makeDurable syncs what a start is about to build on: a process that died between a write and
// its sync, or a rename and the sync of its folder, left something that is readable and may yet
// be lost.
func (d *Drive) makeDurable(segments []uint64) error {
	files, path := d.config.Engine.Files(), d.config.Path
	for _, dir := range []string{filepath.Dir(path), path, d.log.path, filepath.Join(path, bulkDir)} {
		if err := files.SyncDir(dir); err != nil {
			return fmt.Errorf("%w: %w", drive.ErrOffline, err)
		}
	}
	for _, n := range segments {
		if n < d.machine.pos.next.segment {
			continue
		}
		if err := d.log.syncSegment(n); err != nil {
			return fmt.Errorf("%w: sync of %s: %w", drive.ErrOffline, d.log.name(n), err)
		}
	}
	return d.rewriteLast(segments)
}

// rewriteLast writes the last batch of the log again, in place, if the index does not reflect it:
// its write may have failed when the last process ended, and then the system keeps bytes that
// no sync will ever write (it calls them clean). Every sector has the same bytes before and
// after, so a power cut meanwhile does no harm.
func (d *Drive) rewriteLast(segments []uint64) error {
	scan := newScan(d.machine, d.log)
	err := scan.run(segments, func(*batchHeader, []byte) error { return nil })
	if err != nil || scan.lastBytes == 0 {
		return err
	}
	at := location{scan.end.segment, scan.end.offsetBytes - int64(scan.lastBytes)}
	if err := d.log.rewrite(at, scan.lastBytes); err != nil {
		return fmt.Errorf("%w: writing the last batch of %s again: %w", drive.ErrOffline,
			d.log.name(at.segment), err)
	}
	return nil
}

// openMachine opens the index and loads its state; one that cannot be read is made anew, to
// be filled from the log. The index of another drive is refused.
func (d *Drive) openMachine(fresh position) error {
	c := &d.config
	err := d.loadMachine(fresh)
	if err == nil || errors.Is(err, drive.ErrForeign) || errors.Is(err, drive.ErrNewer) ||
		errors.Is(err, drive.ErrOffline) {
		return err
	}
	c.Logger.Warn("index is unreadable, rebuilding it from the log", "path", c.Path, "error", err)
	_ = d.closeMachine() // it is removed next
	if err := indexfs.Clear(c.Engine.Files(), filepath.Join(c.Path, indexDir)); err != nil {
		return err
	}
	return d.loadMachine(fresh)
}

func (d *Drive) loadMachine(fresh position) error {
	path := filepath.Join(d.config.Path, indexDir)
	x, err := openIndex(&d.config, path, indexfs.Hooks{BeforeSync: d.log.flush,
		Failed: d.partFailed})
	if err != nil {
		return err
	}
	d.machine = newMachine(x, fresh, d.config.TableBytes)
	pos, found, err := x.position()
	if err == nil && !found {
		err = x.own(path, fresh.incarnation)
	}
	if err != nil || !found {
		return err
	}
	if pos.incarnation != fresh.incarnation {
		return otherIndex(path)
	}
	if pos.next != fresh.next && d.log.retired.Load().next() > pos.number {
		return fmt.Errorf("%w: %s is older than the log's compaction", drive.ErrCorrupt, path)
	}
	d.machine.pos = pos
	return x.load(d.machine)
}

// newScan reads what the machine does not reflect.
func newScan(m *machine, l *segmentLog) *logScan {
	return &logScan{engine: l.engine, log: l, incarnation: m.pos.incarnation,
		number: m.pos.number, epoch: m.pos.epoch, end: m.pos.next}
}

// replay applies the log from the machine's position on; each, if not nil, is called for
// every record before.
func replay(m *machine, l *segmentLog, segments []uint64,
	each func(h *batchHeader, s *stored, at int) error) (*logScan, error) {
	m.replaying = true
	defer func() { m.replaying = false }()
	scan := newScan(m, l)
	return scan, scan.run(segments, func(h *batchHeader, b []byte) error {
		m.pos.lost = m.pos.lost || len(scan.damage) > 0 // before the index moves past the hole
		return m.replayBatch(h, b, each)
	})
}

// replayBatch applies a batch that was accepted in an earlier life. What it releases is
// given back when its rows are read.
func (m *machine) replayBatch(h *batchHeader, b []byte,
	each func(h *batchHeader, s *stored, at int) error) error {
	err := eachRecord(h, b, func(s *stored, at int) error {
		if each != nil {
			if err := each(h, s, at); err != nil {
				return err
			}
		}
		_, err := m.apply(s, placeOf(s, location{h.segment, h.offsetBytes + int64(at)}))
		if errors.Is(err, drive.ErrFenced) {
			err = nil // only behind damage: the fence's reason is lost, the record is not
		}
		return err
	})
	if err != nil {
		return err
	}
	m.pos.number, m.pos.epoch = h.number+1, h.epoch
	m.pos.incomplete, m.pos.damaged = h.incomplete || m.pos.lost, h.damaged || m.pos.lost
	m.pos.completeFrom = h.completeFrom
	m.pos.next = location{h.segment, h.offsetBytes + int64(h.lengthBytes)}
	m.pos.term = max(m.pos.term, h.term)
	if m.pos.maxSeen.Less(h.maxSeen) {
		m.pos.maxSeen = h.maxSeen
	}
	return m.flush()
}

// resume decides where writing goes on, and reports what the scan found.
func (d *Drive) resume(scan *logScan, last uint64) error {
	c := &d.config
	pos := &d.machine.pos
	if pos.lost && len(scan.damage) == 0 {
		c.Logger.Error("batches of the log were lost before its index was made; heal this drive",
			"path", c.Path)
	}
	for _, g := range scan.damage {
		pos.incomplete, pos.damaged, pos.lost = true, true, true
		c.Logger.Error("log is damaged, batches are lost; heal this drive", "file",
			d.log.name(g.Segment), "offset", g.OffsetBytes, "batches", g.Lost)
	}
	if scan.junk != nil {
		d.tornTail = true
		pos.incomplete = true
		c.Logger.Warn("incomplete batch at the end of the log dropped", "file",
			d.log.name(scan.junk.Segment), "offset", scan.junk.OffsetBytes)
	}
	d.epoch = newEpoch(pos.epoch)
	if last > 0 && scan.clean {
		return d.log.resume(scan.end)
	}
	// Behind a torn tail nothing is written: a fresh segment, so that no old block can ever
	// be taken for a new one.
	d.log.next = location{segment: last}
	if err := d.log.room(); err != nil && !errors.Is(err, drive.ErrFull) {
		return err
	}
	return nil
}

// setReclaimed is the last write of a clean stop, with all that the position says: bulk segments
// below the number hold nothing that nobody refers to; 0: that is not known.
func (m *machine) setReclaimed(number uint64) error {
	m.pos.reclaimed = number
	return m.index.apply([]indexChange{positionChange(&m.pos)})
}
