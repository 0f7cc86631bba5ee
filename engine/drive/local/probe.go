package local

import (
	"errors"
	"fmt"
	"path/filepath"

	"github.com/cockroachdb/pebble/v2"

	"flashstore/engine/drive"
	"flashstore/engine/drive/local/indexfs"
)

// probe refuses a drive for what its index and its log say of each other. It only reads, so that
// a drive that is refused is left as it was found. An index that is not there or cannot be read
// is no reason: it is made anew.
func (d *Drive) probe(fresh position, segments []uint64) error {
	path := filepath.Join(d.config.Path, indexDir)
	pos, found, err := peekIndex(&d.config, path)
	if errors.Is(err, drive.ErrNewer) {
		return err
	}
	if err != nil || !found {
		return nil
	}
	if pos.incarnation != fresh.incarnation {
		return fmt.Errorf("%w: %s belongs to another drive: remove it, it is rebuilt from the log",
			drive.ErrForeign, path)
	}
	if pos.next == fresh.next {
		return nil // nothing was ever written, so no segment need be there
	}
	last := uint64(0)
	if len(segments) > 0 {
		last = segments[len(segments)-1]
	}
	name := d.log.name(pos.next.segment)
	if pos.next.segment > last {
		return lost(name, "which the index knows")
	}
	if d.log.retired.Load().has(pos.next.segment) {
		return nil // an old index, which is made anew
	}
	size, err := sizeOfFile(d.config.Engine.Files(), name)
	if err == nil && size < pos.next.offsetBytes {
		err = lost(fmt.Sprintf("the end of %s", name), fmt.Sprintf("which the index knows (%d bytes "+
			"are left of at least %d)", size, pos.next.offsetBytes))
	}
	if err == nil {
		err = d.probeSegments(pos, segments)
	}
	return err
}

// probeSegments looks at the beginning of each segment that the index reflects: one that was
// exchanged is not read by a replay.
func (d *Drive) probeSegments(pos position, segments []uint64) error {
	for _, n := range segments {
		if n > pos.next.segment {
			return nil
		}
		h, err := d.log.firstHeader(n)
		foreign := err == nil && (h.incarnation != pos.incarnation || h.segment != n)
		switch {
		case err != nil && !errors.Is(err, errBatch):
			return err
		case foreign:
			return fmt.Errorf("%w: %s belongs to another drive or place: bring back the file that "+
				"was there, or replace the drive by an empty directory and heal", drive.ErrForeign,
				d.log.name(n))
		case err != nil && n == pos.next.segment && pos.next.offsetBytes > 0:
			return lost(fmt.Sprintf("the beginning of %s", d.log.name(n)), "which the index knows")
		}
	}
	return nil
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
