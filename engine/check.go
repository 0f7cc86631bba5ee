package engine

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"flashstore/engine/drive"
	"flashstore/engine/drive/local"
	"flashstore/ioengine/threadpool"
)

// CheckReport is what an examination of a drive found.
type CheckReport = local.Report

// Finding is one thing that is wrong on a drive.
type Finding = local.Finding

// Check examines drives whose server is stopped, one after the other, whatever is found on the
// ones before; with rebuildIndex each index is made anew from its log first. report gets each
// result, progress what is being done. The error says which drives could not be examined.
func Check(ctx context.Context, dirs []string, rebuildIndex bool, report func(*CheckReport),
	progress func(drive, what string)) error {
	io, err := threadpool.New(threadpool.Config{})
	if err != nil {
		return err
	}
	var faults error
	for _, dir := range dirs {
		path, err := filepath.Abs(dir)
		if err == nil && rebuildIndex {
			err = local.RebuildIndex(io, path)
		}
		if err == nil {
			var r CheckReport
			r, err = local.Census(ctx, io, path, func(what string) { progress(path, what) })
			if err == nil {
				report(&r)
			}
		}
		faults = errors.Join(faults, notDrive(err))
	}
	return errors.Join(faults, io.Close())
}

// notDrive adds to an error about a directory that was never a drive what to do.
func notDrive(err error) error {
	if errors.Is(err, drive.ErrUnformatted) {
		return fmt.Errorf("%w: name the directories that the server has in --drives", err)
	}
	return notDirectory(err)
}
