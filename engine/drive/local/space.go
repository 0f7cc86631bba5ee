package local

import (
	"errors"
	"fmt"
	"sync/atomic"
	"syscall"
	"time"

	"flashstore/engine/drive"
	"flashstore/ioengine"
)

// spaceAge is how old an answer about free space may be: Info is asked several times a request,
// and statfs(2) sums counters over all CPUs.
const spaceAge = time.Second

// spaceAgeBytes is more than a device takes within spaceAge: with as much free, an old answer
// is as good as a new one.
const spaceAgeBytes = 8 << 30

// space is the size of a file system and what is free of it, asked for now and then.
type space struct{ last atomic.Pointer[spaceAnswer] }

type spaceAnswer struct {
	totalBytes, freeBytes int64
	at                    time.Time
}

func (s *space) of(files ioengine.FileSystem, path string) *spaceAnswer {
	if a := s.last.Load(); a != nil && time.Since(a.at) < spaceAge {
		return a
	}
	a := &spaceAnswer{at: time.Now()}
	a.totalBytes, a.freeBytes = spaceOf(files, path)
	s.last.Store(a)
	return a
}

// spaceOf returns the size of the file system that holds path and what is free for us, or
// zeros where that is not known.
func spaceOf(files ioengine.FileSystem, path string) (totalBytes, freeBytes int64) {
	r, ok := files.(ioengine.SpaceReporter)
	if !ok {
		return 0, 0
	}
	totalBytes, freeBytes, err := r.Space(path)
	if err != nil {
		return 0, 0
	}
	return totalBytes, freeBytes
}

// lack names what says nothing about a device: there is no space on it, or the process has no file
// descriptors.
func lack(err error) error {
	switch {
	case isLack(err):
		return err
	case errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT):
		return fmt.Errorf("%w: %w", drive.ErrFull, err)
	case errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE):
		return fmt.Errorf("%w: %w", drive.ErrScarce, err)
	}
	return err
}

// isLack reports whether err is one that lack names.
func isLack(err error) bool {
	return errors.Is(err, drive.ErrFull) || errors.Is(err, drive.ErrScarce)
}
