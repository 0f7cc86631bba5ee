package engine

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"

	"flashstore/engine/drive"
)

// advise adds to the reason why a directory cannot be used what to do about it, unless the reason
// says so itself.
func advise(path string, err error) error {
	switch {
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("drive %s is not writable: %w; run: chown -R %d:%d %s", path, err,
			os.Getuid(), os.Getgid(), path)
	case errors.Is(err, syscall.EROFS):
		return fmt.Errorf("drive %s is not writable: %w; remount its file system read-write",
			path, err)
	case errors.Is(err, syscall.ENOTDIR):
		return fmt.Errorf("%w: give a directory; if the file is in its place, move it away", err)
	case errors.Is(err, drive.ErrInUse):
		return fmt.Errorf("drive %s: %w: stop the other server first", path, err)
	case errors.Is(err, drive.ErrUnformatted) && path != "":
		return fmt.Errorf("%w: mount the drive that belongs there; it is not formatted beside "+
			"drives that hold data", err)
	case errors.Is(err, drive.ErrOffline):
		return fmt.Errorf("%w: see to the device and start again, or replace the drive", err)
	case faultOf(err) == faultOther:
		return fmt.Errorf("drive %s: %w", path, err)
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("drive %s is not whole: %w; bring it back, or replace the drive by an "+
			"empty directory and heal", path, err)
	}
	return err
}

// fault is a stable word for why a drive is away.
type fault string

// The faults.
const (
	faultMissing    fault = "missing"
	faultForeign    fault = "foreign"
	faultCopy       fault = "copy"
	faultStale      fault = "stale"
	faultDamaged    fault = "damaged"
	faultNewer      fault = "newer"
	faultPermission fault = "permission"
	faultDevice     fault = "device"
	// Of a check only: a server does not start then.
	faultInUse       fault = "in-use"
	faultInterrupted fault = "interrupted"
	faultNotReached  fault = "not-reached" // the check ended at a directory before
	faultOther       fault = "other"
)

// faultOf names the class of a reason.
func faultOf(err error) fault {
	for _, c := range []struct {
		class error
		fault fault
	}{
		{fs.ErrPermission, faultPermission}, {syscall.EROFS, faultPermission},
		{errTwins, faultCopy}, {errStale, faultStale}, {drive.ErrInUse, faultInUse},
		{context.Canceled, faultInterrupted},
		{drive.ErrUnformatted, faultMissing},
		{syscall.ENOTDIR, faultForeign},
		{drive.ErrForeign, faultForeign}, {drive.ErrNewer, faultNewer},
		{drive.ErrCorrupt, faultDamaged}, {drive.ErrOffline, faultDevice},
		{fs.ErrNotExist, faultDamaged},
	} {
		if errors.Is(err, c.class) {
			return c.fault
		}
	}
	return faultOther
}
