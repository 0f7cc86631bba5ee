package local

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"

	"flashstore/engine/drive"
	"flashstore/ioengine"
)

// Identify is Inspect that does not take what is left of a drive for an empty directory: one that
// has lost its format.json is drive.ErrCorrupt.
func Identify(e ioengine.Engine, path string) (drive.Identity, error) {
	id, err := Inspect(e, path)
	if !errors.Is(err, drive.ErrUnformatted) {
		return id, err
	}
	for _, dir := range []string{logDir, bulkDir, indexDir} {
		names, listErr := e.Files().List(filepath.Join(path, dir))
		if listErr == nil && len(names) > 0 {
			return id, fmt.Errorf("%w: %s has no %s but holds %s: restore the file", drive.ErrCorrupt,
				path, formatName, filepath.Join(dir, names[0]))
		}
	}
	return id, err
}

// Claim is the first half of formatting several directories: it makes this process the only one
// that may format path, an existing directory, until release is called, and leaves a durable
// mark there that Format replaces. So a set that was cut off between two of its drives is told
// from one whose other drives are merely not mounted: an empty mount point has no mark. Errors:
// drive.ErrInUse, and those of Identify if path is not, or no longer, drive.ErrUnformatted.
func Claim(e ioengine.Engine, path string) (release func() error, err error) {
	if err := unformatted(e, path); err != nil { // no lock for what is not ours
		return nil, err
	}
	held, err := lock(e.Files(), path)
	if err != nil {
		return nil, err
	}
	if err := mark(e, path); err != nil {
		return nil, errors.Join(err, held.Close())
	}
	return held.Close, nil
}

// mark leaves the mark of Claim, under the lock.
func mark(e ioengine.Engine, path string) error {
	if err := unformatted(e, path); err != nil { // now that nobody else can format it
		return err
	}
	f, err := e.Files().Open(filepath.Join(path, formatName+newSuffix),
		ioengine.OpenFlags{Create: true, Write: true})
	if err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	return e.Files().SyncDir(path)
}

// unformatted is nil for a directory that Format would take.
func unformatted(e ioengine.Engine, path string) error {
	switch _, err := Identify(e, path); {
	case errors.Is(err, drive.ErrUnformatted):
		return nil
	case err != nil:
		return err
	}
	return fmt.Errorf("%w: %s was formatted just now", drive.ErrInUse, path)
}

// Claimed reports whether a format of path was begun by Claim and never finished.
func Claimed(e ioengine.Engine, path string) bool {
	if unformatted(e, path) != nil {
		return false
	}
	names, err := e.Files().List(path)
	return err == nil && slices.Contains(names, formatName+newSuffix)
}

// Blank reports whether the drive in path was formatted and, by what is left of it, never opened:
// there is neither a segment nor an index.
func Blank(e ioengine.Engine, path string) bool {
	names, err := e.Files().List(path)
	if err != nil || !slices.Contains(names, formatName) || slices.Contains(names, indexDir) ||
		slices.Contains(names, newestName) {
		return false
	}
	for _, dir := range []string{logDir, bulkDir} {
		if names, err = e.Files().List(filepath.Join(path, dir)); err != nil || len(names) > 0 {
			return false
		}
	}
	return true
}
