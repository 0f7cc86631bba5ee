package indexfs

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"strings"
	"sync"

	"github.com/cockroachdb/pebble/v2/vfs"

	"flashstore/ioengine"
)

// errFrozen is what a compaction gets.
var errFrozen = errors.New("indexfs: nothing is written any more")

// Hooks are what the owner of the index wants to do meanwhile. Both may be nil.
type Hooks struct {
	// BeforeSync is called before any file is made durable: what the index speaks of must not
	// be less durable than the index. Its error counts as one of the sync.
	BeforeSync func() error
	// Failed is called with the first failure, on the goroutine that met it.
	Failed func(error)
}

// FS is safe for concurrent use, as far as vfs.FS asks for it.
type FS struct {
	engine ioengine.Engine
	files  ioengine.FileSystem
	hooks  Hooks

	mu     sync.Mutex
	err    error
	memory map[string]*memory // files that are, since err, in memory only
}

var _ vfs.FS = (*FS)(nil)

// New returns a file system on e's.
func New(e ioengine.Engine, h Hooks) *FS {
	return &FS{engine: e, files: e.Files(), hooks: h, memory: make(map[string]*memory)}
}

// Err is the failure since which nothing is written, or nil.
func (s *FS) Err() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err
}

// Clear removes a folder of index files, if it is there. A power cut meanwhile leaves nothing
// that Pebble would take for an index: the tables go last.
func Clear(files ioengine.FileSystem, dir string) error {
	names, err := files.List(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	for _, tables := range []bool{false, true} {
		for _, name := range names {
			if err == nil && strings.HasSuffix(name, ".sst") == tables {
				err = files.Remove(filepath.Join(dir, name))
			}
		}
		if err == nil {
			err = files.SyncDir(dir)
		}
	}
	if err == nil {
		err = files.Remove(dir)
	}
	return err
}

// freeze ends writing, unless that has ended already.
func (s *FS) freeze(err error) {
	s.mu.Lock()
	first := s.err == nil
	if first {
		s.err = err
	}
	s.mu.Unlock()
	if first && s.hooks.Failed != nil {
		s.hooks.Failed(err)
	}
}

// change makes a change to names, unless nothing changes any more. What fails, freezes.
func (s *FS) change(what func() error) (done bool) {
	if s.Err() != nil {
		return false
	}
	if err := what(); err != nil {
		s.freeze(fmt.Errorf("index: %w", err))
		return false
	}
	return true
}

// Create makes a new file in place of one of that name.
func (s *FS) Create(name string, category vfs.DiskWriteCategory) (vfs.File, error) {
	f := &file{fs: s, path: name, class: classOf(category), writable: true}
	s.change(func() (err error) {
		if err = s.files.Remove(name); err == nil || errors.Is(err, fs.ErrNotExist) {
			f.disk, err = s.files.Open(name, ioengine.OpenFlags{Create: true, Exclusive: true,
				Write: true})
		}
		return err
	})
	return f.opened()
}

// classOf is the I/O class of what Pebble writes in a category. Memtables are flushed for the
// log's sake: the foreground waits for them in the end.
func classOf(c vfs.DiskWriteCategory) ioengine.Class {
	if strings.Contains(string(c), "compaction") {
		return ioengine.Compaction
	}
	return ioengine.Foreground
}

// Link is not needed: nothing is ingested, and checkpoints are not made.
func (s *FS) Link(_, newName string) error {
	return fmt.Errorf("index: link %s: %w", newName, errors.ErrUnsupported)
}

// Open opens a file for reading.
func (s *FS) Open(name string, options ...vfs.OpenOption) (vfs.File, error) {
	f := &file{fs: s, path: name, memory: s.inMemory(name)}
	if f.memory == nil {
		var err error
		if f.disk, err = s.files.Open(name, ioengine.OpenFlags{}); err != nil {
			return nil, err
		}
	}
	for _, o := range options {
		o.Apply(f)
	}
	return f, nil
}

// OpenReadWrite opens a file, creating it if need be.
func (s *FS) OpenReadWrite(name string, category vfs.DiskWriteCategory,
	_ ...vfs.OpenOption) (vfs.File, error) {
	f := &file{fs: s, path: name, class: classOf(category), writable: true}
	s.change(func() (err error) {
		f.disk, err = s.files.Open(name, ioengine.OpenFlags{Create: true, Write: true})
		return err
	})
	return f.opened()
}

// OpenDir opens a folder to sync it.
func (s *FS) OpenDir(name string) (vfs.File, error) { return dir{s, name}, nil }

// Remove removes a file or an empty folder.
func (s *FS) Remove(name string) error {
	var err error
	s.change(func() error {
		err = s.files.Remove(name)
		if errors.Is(err, fs.ErrNotExist) {
			return nil // nothing is wrong with the device
		}
		return err
	})
	if errors.Is(err, fs.ErrNotExist) {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.memory, name)
	return nil
}

// RemoveAll removes a folder of files.
func (s *FS) RemoveAll(name string) error {
	s.change(func() error { return Clear(s.files, name) })
	return nil
}

// Rename replaces newName.
func (s *FS) Rename(oldName, newName string) error {
	if s.change(func() error { return s.files.Rename(oldName, newName) }) {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if m := s.memory[oldName]; m != nil {
		delete(s.memory, oldName)
		s.memory[newName] = m
	}
	return nil
}

// ReuseForWrite opens a file under a new name.
func (s *FS) ReuseForWrite(oldName, newName string, category vfs.DiskWriteCategory) (
	vfs.File, error) {
	if err := s.Rename(oldName, newName); err != nil {
		return nil, err
	}
	return s.OpenReadWrite(newName, category)
}

// MkdirAll makes a folder and those above it.
func (s *FS) MkdirAll(name string, mode fs.FileMode) error {
	err := s.files.MakeDir(name)
	if errors.Is(err, fs.ErrNotExist) && filepath.Dir(name) != name {
		if err = s.MkdirAll(filepath.Dir(name), mode); err == nil {
			err = s.files.MakeDir(name)
		}
	}
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	return err
}

// Lock takes the lock that keeps other processes out.
func (s *FS) Lock(name string) (io.Closer, error) {
	f, err := s.files.Lock(name)
	if err != nil {
		return nil, err
	}
	return f, nil
}

// List returns the names in a folder on the disk.
func (s *FS) List(name string) ([]string, error) { return s.files.List(name) }

// Stat tells the size of a file, and what is a folder.
func (s *FS) Stat(name string) (vfs.FileInfo, error) {
	if _, err := s.files.List(name); err == nil {
		return info{name: filepath.Base(name), isDir: true}, nil
	}
	f, err := s.Open(name)
	if err != nil {
		return nil, err
	}
	i, err := f.Stat()
	return i, errors.Join(err, f.Close())
}

// PathBase is filepath.Base.
func (s *FS) PathBase(path string) string { return filepath.Base(path) }

// PathJoin is filepath.Join.
func (s *FS) PathJoin(elem ...string) string { return filepath.Join(elem...) }

// PathDir is filepath.Dir.
func (s *FS) PathDir(path string) string { return filepath.Dir(path) }

// GetDiskUsage tells how full the file system is, where it knows.
func (s *FS) GetDiskUsage(path string) (vfs.DiskUsage, error) {
	r, ok := s.files.(ioengine.SpaceReporter)
	if !ok {
		return vfs.DiskUsage{}, vfs.ErrUnsupported
	}
	total, free, err := r.Space(path)
	if err != nil || total <= 0 {
		return vfs.DiskUsage{}, errors.Join(err, vfs.ErrUnsupported)
	}
	return vfs.DiskUsage{AvailBytes: uint64(free), TotalBytes: uint64(total),
		UsedBytes: uint64(total - free)}, nil
}

// Unwrap returns nil: there is no other vfs.FS below.
func (s *FS) Unwrap() vfs.FS { return nil }

func (s *FS) inMemory(name string) *memory {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.memory[name]
}
