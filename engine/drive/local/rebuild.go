package local

import (
	"context"
	"errors"
	"path/filepath"

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
	mark, _, err := d.log.cleanStop(segments)
	if err != nil {
		return err
	}
	err = d.checkIndex(fresh, segments, mark)
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
