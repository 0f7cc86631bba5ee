package local

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"

	"flashstore/engine/drive"
	"flashstore/engine/drive/local/indexfs"
	"flashstore/ioengine"
)

// RebuildIndex makes the index of a drive that no process uses anew from the log. It refuses
// where the index that is there knows of more than the log holds: that would be forgotten.
// progress, which may be nil, is called often. If ctx ends meanwhile, the index reflects a part
// of the log, and the next start goes on from there.
func RebuildIndex(ctx context.Context, e ioengine.Engine, path string,
	progress func(Progress)) error {
	format, err := readFormat(e, path)
	if err != nil {
		return err
	}
	held, err := lock(e.Files(), path)
	if err != nil {
		return err
	}
	d := newDrive(Config{Path: path, Engine: e}.withDefaults(), format.Identity, held)
	if progress == nil {
		progress = func(Progress) {}
	}
	return errors.Join(d.rebuildIndex(ctx, &format, progress), d.closeFiles())
}

func (d *Drive) rebuildIndex(ctx context.Context, format *formatFile,
	progress func(Progress)) error {
	fresh, segments, err := d.openLog(format)
	if err != nil {
		return err
	}
	if err := d.checkLog(segments); err != nil {
		return err
	}
	mark, _, err := d.log.cleanStop(segments) // one in doubt counts for nothing
	if err != nil {
		return err
	}
	err = d.checkIndex(fresh, segments, mark)
	if err == nil {
		err = d.checkNothingLost(ctx, fresh, segments, mark)
	}
	if err != nil && !errors.Is(err, errOtherIndex) {
		return err
	}
	path := filepath.Join(d.config.Path, indexDir)
	if err := indexfs.Clear(d.config.Engine.Files(), path); err != nil {
		return err
	}
	if err := d.loadMachine(fresh); err != nil {
		return err
	}
	tell, err := d.log.progress(segments, "rebuilding the index", progress)
	if err != nil {
		return err
	}
	_, err = replay(d.machine, d.log, segments, func(h *batchHeader, _ *stored, _ int) error {
		tell(h)
		return ctx.Err()
	})
	return err
}

// checkNothingLost refuses to give up an index that refers to batches which the log has lost: what
// was in them, nothing else says. One that cannot be read refers to nothing.
func (d *Drive) checkNothingLost(ctx context.Context, fresh position, segments []uint64,
	mark stopMark) error {
	pos, err := d.indexPosition(fresh)
	if err != nil {
		return err
	}
	scan := newScan(&machine{pos: fresh}, d.log)
	err = scan.run(segments, func(*batchHeader, []byte) error { return ctx.Err() })
	if err != nil {
		return err
	}
	scan.reached(max(pos.number, mark.number))
	if len(scan.damage) == 0 || d.loadMachine(fresh) != nil {
		return d.closeMachine()
	}
	err = d.machine.index.eachBelow(firstOwnSpace, func(_, value []byte) error {
		c, err := parseChain(&drive.Key{}, value, nil)
		if err != nil {
			return nil
		}
		for i := range c.entries {
			if at := c.entries[i].at; slices.ContainsFunc(scan.damage, func(g logDamage) bool {
				return g.holds(at)
			}) {
				return damaged(fmt.Sprintf("drive: batches of %s are damaged, and only %s knows what they "+
					"held: keep it, or remove it to do without", d.log.name(at.segment),
					filepath.Join(d.config.Path, indexDir)))
			}
		}
		return nil
	})
	if _, lost := errors.AsType[damaged](err); !lost {
		err = nil // a damaged index, which is about to be made anew
	}
	return errors.Join(err, d.closeMachine())
}

// closeMachine closes the index, if it is open.
func (d *Drive) closeMachine() error {
	m := d.machine
	if d.machine = nil; m == nil {
		return nil
	}
	return m.close()
}
