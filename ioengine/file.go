package ioengine

// OpenFlags choose how a file is opened.
type OpenFlags struct {
	Create bool // create if absent; the caller syncs the directory (SyncDir)
	// Exclusive refuses an existing file (with Create).
	Exclusive bool
	Write     bool // read and write; otherwise read only
	// Direct bypasses the page cache (O_DIRECT). Where the file system refuses it the file
	// is opened buffered and File.Direct reports false; writes stay durable through DSync.
	Direct bool
	// Random advises the kernel not to read ahead (POSIX_FADV_RANDOM).
	Random bool
}

// FileSystem is the part of a file system that a drive uses. Paths are absolute. Calls block
// and are made outside the request path.
type FileSystem interface {
	Open(path string, flags OpenFlags) (File, error)
	// MakeDir creates one directory, mode 0700; an existing one is fs.ErrExist.
	MakeDir(path string) error
	Remove(path string) error
	// Rename replaces newPath atomically; durable only after SyncDir of the parent.
	Rename(oldPath, newPath string) error
	// SyncDir makes the directory's entries durable.
	SyncDir(path string) error
	// List returns the names in a directory, sorted.
	List(path string) ([]string, error)
	// Lock takes an exclusive advisory lock on path, creating the file, and holds it until
	// the returned File is closed. A lock held by somebody else is an error at once that
	// wraps syscall.EWOULDBLOCK.
	Lock(path string) (File, error)
}

// File is an open file. Its methods block; hot reads and writes go through Engine.
type File interface {
	// Fd is the descriptor, or ^uintptr(0) where there is none (simulations).
	Fd() uintptr
	Direct() bool
	Size() (int64, error)
	// Preallocate reserves disk space for [offsetBytes, offsetBytes+lengthBytes) and grows
	// the file to cover it (fallocate(2)); ErrUnsupported where it cannot.
	Preallocate(offsetBytes, lengthBytes int64) error
	// Punch gives the range's disk space back; it reads as zeros afterwards
	// (FALLOC_FL_PUNCH_HOLE); ErrUnsupported where it cannot.
	Punch(offsetBytes, lengthBytes int64) error
	Truncate(sizeBytes int64) error
	Close() error
}

// SpaceReporter is implemented by file systems that know how full they are.
type SpaceReporter interface {
	// Space is the size of the file system that holds path, and what is free for us.
	Space(path string) (totalBytes, freeBytes int64, err error)
}

// RangeReporter is implemented by files that know which of their ranges hold data.
type RangeReporter interface {
	// DataRanges calls f for the ranges that were written and not punched, ascending
	// (SEEK_DATA of lseek(2)). ErrUnsupported where the system cannot tell.
	DataRanges(f func(from, to int64)) error
}

// Holder is implemented by files whose descriptor outlives Close while an engine works on
// them, so that an operation never meets a stranger's file under a number that was reused.
type Holder interface {
	// Hold keeps the descriptor until Release; false: the file is closed.
	Hold() bool
	// Release ends one Hold. The last one closes the descriptor of a closed file.
	Release()
}
