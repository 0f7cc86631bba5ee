package local

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"

	"github.com/cockroachdb/pebble/v2"

	"flashstore/engine/drive"
	"flashstore/engine/drive/local/indexfs"
)

// errOtherIndex is an index that belongs to another drive: the log knows all that it should say.
var errOtherIndex = fmt.Errorf("%w: the index belongs to another drive", drive.ErrForeign)

func otherIndex(path string) error {
	return fmt.Errorf("%w: remove %s, it is rebuilt from the log", errOtherIndex, path)
}

// openLog finds the segments of a drive at rest, and the state of one with an empty log. It only
// reads.
func (d *Drive) openLog(format *formatFile) (fresh position, segments []uint64, err error) {
	if fresh, err = freshPosition(format); err != nil {
		return fresh, nil, err
	}
	d.log = newSegmentLog(&d.config, fresh.incarnation, d.partFailed)
	if err := d.log.loadRetired(); err != nil {
		return fresh, nil, err
	}
	if segments, err = d.log.segments(); err != nil {
		return fresh, nil, err
	}
	return fresh, segments, d.log.measure(segments)
}

// freshPosition is the state of a drive with an empty log.
func freshPosition(format *formatFile) (position, error) {
	incarnation, err := format.incarnation()
	return position{incarnation: incarnation, next: location{segment: 1}, number: 1,
		incomplete: format.Joining, damaged: format.Joining}, err
}

// checkLog refuses a drive for what files of it say that its log lacks.
func (d *Drive) checkLog(segments []uint64) error {
	if n := d.log.retired.Load().gap(segments); n != 0 {
		return lost(d.log.name(n), "later segments are there")
	}
	if err := d.log.checkNewest(); err != nil {
		return err
	}
	path := filepath.Join(d.config.Path, bulkDir)
	bulk, _, err := listSegments(d.config.Engine.Files(), path, bulkSuffix)
	if err == nil && len(segments) == 0 && len(bulk) > 0 {
		err = lost(d.log.name(1), fmt.Sprintf("and %s holds data that it refers to", path))
	}
	return err
}

// checkIndex refuses a drive for what its index and its log say of each other. It only reads, so
// that a drive that is refused is left as it was found. Errors: errOtherIndex and others.
func (d *Drive) checkIndex(fresh position, segments []uint64, mark stopMark) error {
	pos, err := d.indexPosition(fresh)
	if err != nil {
		return err
	}
	return d.checkPosition(pos, segments, mark)
}

// indexPosition is what the index reflects; one that is not there or cannot be read is made anew,
// and reflects nothing. Errors: drive.ErrNewer, errOtherIndex.
func (d *Drive) indexPosition(fresh position) (position, error) {
	path := filepath.Join(d.config.Path, indexDir)
	pos, found, err := peekIndex(&d.config, path)
	if errors.Is(err, drive.ErrNewer) {
		return fresh, err
	}
	if err != nil || !found {
		return fresh, nil
	}
	if pos.incarnation != fresh.incarnation {
		return fresh, otherIndex(path)
	}
	return pos, nil
}

// stoppedPosition is what the index reflects by a clean stop's mark, which spares opening it once
// more; the position is checked again when it is open.
func (d *Drive) stoppedPosition(fresh position, mark stopMark) (position, error) {
	if !mark.clean || !d.config.owns(filepath.Join(d.config.Path, indexDir), fresh.incarnation) {
		return d.indexPosition(fresh)
	}
	pos := fresh
	pos.next, pos.number = mark.next, mark.number
	return pos, nil
}

// checkPosition refuses a drive whose log lacks what its index reflects.
func (d *Drive) checkPosition(pos position, segments []uint64, mark stopMark) error {
	if mark.clean && pos.number > mark.number {
		return lost("the end of "+d.log.name(pos.next.segment), "which the index knows; the log "+
			"ended before it when it was stopped")
	}
	if mark != markOf(&pos) { // otherwise it was looked for with the mark
		err := d.log.checkReached(segments, pos.next, pos.number, "which the index knows")
		if err != nil {
			return err
		}
	}
	return d.checkReflected(pos, segments)
}

// lastOf is the number of the last segment, 0 if there is none.
func lastOf(segments []uint64) uint64 {
	if len(segments) == 0 {
		return 0
	}
	return segments[len(segments)-1]
}

// checkReflected looks at the beginning of each segment that the index reflects: one that was
// exchanged is not read by a replay.
func (d *Drive) checkReflected(pos position, segments []uint64) error {
	if d.log.retired.Load().has(pos.next.segment) {
		return nil // an old index, which is made anew
	}
	count, _ := slices.BinarySearch(segments, pos.next.segment+1)
	return d.log.firstBlocks(segments[:count], func(n uint64, block []byte) error {
		h, err := parseBatchHeader(block)
		switch foreign := h.incarnation != pos.incarnation || h.segment != n; {
		case err == nil && foreign:
			return fmt.Errorf("%w: %s belongs to another drive or place: bring back the file that "+
				"was there, or %s", drive.ErrForeign, d.log.name(n), replaceAdvice)
		case err != nil && n == pos.next.segment && pos.next.offsetBytes > 0:
			return lost(fmt.Sprintf("the beginning of %s", d.log.name(n)), "which the index knows")
		}
		return nil
	})
}

// peekIndex reads what the index in the folder path reflects, without writing anything there.
func peekIndex(c *Config, path string) (pos position, found bool, err error) {
	files := indexfs.New(c.Engine, indexfs.Hooks{})
	if err := checkManifest(files, path); err != nil {
		return pos, false, err
	}
	db, err := pebble.Open(path, &pebble.Options{FS: files, ReadOnly: true, DisableWAL: true,
		FormatMajorVersion: pebble.FormatNewest, Logger: pebbleLogger{c.Logger},
		EventListener: indexEvents(c.Logger, path),
		CacheSize:     c.IndexCacheBytes, MaxOpenFiles: indexFilesOpen})
	if err != nil {
		return pos, false, fmt.Errorf("index %s: %w", path, err)
	}
	x := &index{db: db}
	pos, found, err = x.position()
	return pos, found, errors.Join(err, db.Close())
}
