package crashsim

import (
	"io/fs"
	"syscall"

	"flashstore/ioengine"
)

// File is an open file. It outlives the file's name.
type File struct {
	disk      *Disk
	id        int
	path      string
	flags     ioengine.OpenFlags
	holdsLock bool
	closed    bool // under disk.mu, as is holds
	holds     int
}

var (
	_ ioengine.File          = (*File)(nil)
	_ ioengine.RangeReporter = (*File)(nil)
	_ ioengine.Holder        = (*File)(nil)
)

// Fd is always ^uintptr(0): there is no descriptor.
func (*File) Fd() uintptr { return ^uintptr(0) }

// Direct is what the file was opened with.
func (f *File) Direct() bool { return f.flags.Direct }

// begin admits a request on the file and takes the lock, unless the request fails at once.
// The caller unlocks if there is no error.
func (f *File) begin(kind Kinds, what string) (request, error) {
	r, err := f.disk.begin(kind, what, f.path)
	if err != nil {
		return r, err
	}
	if err := f.usable(kind); err != nil {
		f.disk.mu.Unlock()
		return r, failed(what, f.path, err)
	}
	return r, nil
}

func (f *File) usable(kind Kinds) error {
	if f.closed && f.holds == 0 || kind&(Mutations&^Syncs|DSyncWrite) != 0 && !f.flags.Write {
		return syscall.EBADF
	}
	return nil
}

// Size is the file's length, synced or not.
func (f *File) Size() (int64, error) {
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	switch {
	case f.disk.dark:
		return 0, failed("stat", f.path, ErrPowerLost)
	case f.closed:
		return 0, failed("stat", f.path, syscall.EBADF)
	}
	return f.content().sizeBytes, nil
}

// Preallocate reserves disk space and grows the file.
func (f *File) Preallocate(offsetBytes, lengthBytes int64) error {
	if _, err := f.begin(Preallocate, "fallocate"); err != nil {
		return err
	}
	defer f.disk.mu.Unlock()
	if offsetBytes < 0 || lengthBytes <= 0 {
		return failed("fallocate", f.path, syscall.EINVAL)
	}
	to := offsetBytes + lengthBytes
	if f.content().missing(offsetBytes, to) > f.disk.freePages() {
		return failed("fallocate", f.path, syscall.ENOSPC)
	}
	f.disk.do(&op{action: preallocate, path: f.path, file: f.id, from: offsetBytes, to: to})
	return nil
}

// Punch gives the disk space of whole pages back; the range reads as zeros.
func (f *File) Punch(offsetBytes, lengthBytes int64) error {
	if _, err := f.begin(Punch, "punch"); err != nil {
		return err
	}
	defer f.disk.mu.Unlock()
	if offsetBytes < 0 || lengthBytes <= 0 {
		return failed("punch", f.path, syscall.EINVAL)
	}
	f.disk.do(&op{action: punch, path: f.path, file: f.id, from: offsetBytes,
		to: offsetBytes + lengthBytes})
	return nil
}

// Truncate sets the file's length.
func (f *File) Truncate(sizeBytes int64) error {
	if _, err := f.begin(Truncate, "truncate"); err != nil {
		return err
	}
	defer f.disk.mu.Unlock()
	if sizeBytes < 0 {
		return failed("truncate", f.path, syscall.EINVAL)
	}
	f.disk.do(&op{action: truncate, path: f.path, file: f.id, to: sizeBytes})
	return nil
}

// DataRanges calls found for the ranges that were written and not punched, in whole pages.
func (f *File) DataRanges(found func(from, to int64)) error {
	f.disk.mu.Lock()
	c, dark, closed := f.content(), f.disk.dark, f.closed
	f.disk.mu.Unlock()
	switch {
	case dark:
		return failed("seek data", f.path, ErrPowerLost)
	case closed:
		return failed("seek data", f.path, syscall.EBADF)
	}
	c.ranges(found)
	return nil
}

// Close ends the handle and its lock, without power too. A second Close is fs.ErrClosed.
func (f *File) Close() error {
	d := f.disk
	d.mu.Lock()
	defer d.mu.Unlock()
	if f.closed {
		return failed("close", f.path, fs.ErrClosed)
	}
	f.closed = true
	if f.holdsLock {
		delete(d.locked, f.id)
	}
	if f.holds == 0 {
		f.letGo()
	}
	return nil
}

// Hold lets operations that were submitted before a Close go on.
func (f *File) Hold() bool {
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	if f.closed {
		return false
	}
	f.holds++
	return true
}

// Release ends one Hold.
func (f *File) Release() {
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	f.holds--
	if f.closed && f.holds == 0 {
		f.letGo()
	}
}

// letGo frees the pages of a file without a name, if this was the last handle.
func (f *File) letGo() {
	d := f.disk
	d.opens[f.id]--
	if d.opens[f.id] == 0 && !d.state.files[f.id].linked {
		d.usedPages -= f.content().allocatedPages()
	}
}

func (f *File) content() content { return f.disk.state.files[f.id].live }

// freePages is what may still be allocated.
func (d *Disk) freePages() int {
	if d.capacityBytes == 0 {
		return 1 << 40
	}
	return max(0, int(d.capacityBytes/pageBytes)-d.usedPages)
}
