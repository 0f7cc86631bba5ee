package indexfs

import (
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"sync"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"flashstore/ioengine"
)

// memory is what became of a file after the disk failed.
type memory struct {
	mu    sync.RWMutex
	bytes []byte
}

func (m *memory) readAt(p []byte, offsetBytes int64) (int, error) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	if offsetBytes >= int64(len(m.bytes)) {
		return 0, io.EOF
	}
	n := copy(p, m.bytes[offsetBytes:])
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

func (m *memory) writeAt(p []byte, offsetBytes int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if end := offsetBytes + int64(len(p)); end > int64(len(m.bytes)) {
		m.bytes = append(m.bytes, make([]byte, end-int64(len(m.bytes)))...)
	}
	copy(m.bytes[offsetBytes:], p)
}

func (m *memory) size() int64 {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return int64(len(m.bytes))
}

// file is an open file: on the disk, or since the freeze in memory.
type file struct {
	fs          *FS
	path        string
	class       ioengine.Class
	writable    bool
	disk        ioengine.File // nil if it never was there
	memory      *memory       // nil: on the disk
	offsetBytes int64         // of the next Read or Write
}

var _ vfs.File = (*file)(nil)

// opened returns f, in memory if it is not on the disk.
func (f *file) opened() (vfs.File, error) {
	if f.disk == nil {
		if err := f.toMemory(); err != nil {
			return nil, err
		}
	}
	return f, nil
}

// toMemory goes on in memory, with what can be read of what was written. Note: what cannot is
// zeros there, which Pebble's checksums tell from a table.
func (f *file) toMemory() error {
	if f.class == ioengine.Compaction {
		return errFrozen
	}
	m := &memory{}
	if f.disk != nil {
		if size, err := f.disk.Size(); err == nil {
			m.bytes = make([]byte, size)
			_, _ = f.readDisk(m.bytes, 0)
		}
	}
	f.memory = m
	f.fs.mu.Lock()
	defer f.fs.mu.Unlock()
	f.fs.memory[f.path] = m
	return nil
}

// frozen reports that the disk is out of bounds; f is in memory then, or refused.
func (f *file) frozen() (bool, error) {
	if f.memory != nil {
		return true, nil
	}
	if f.fs.Err() == nil {
		return false, nil
	}
	return true, f.toMemory()
}

// Write appends.
func (f *file) Write(p []byte) (int, error) {
	n, err := f.WriteAt(p, f.offsetBytes)
	f.offsetBytes += int64(n)
	return n, err
}

// WriteAt writes p. What the disk refuses is kept in memory.
func (f *file) WriteAt(p []byte, offsetBytes int64) (int, error) {
	if !f.writable {
		return 0, fmt.Errorf("index: %s: %w", f.path, fs.ErrPermission)
	}
	if len(p) == 0 {
		return 0, nil
	}
	frozen, err := f.frozen()
	if err == nil && !frozen {
		err = ioengine.Run(f.fs.engine, f.class, ioengine.Op{Kind: ioengine.Write, File: f.disk,
			Bufs: [][]byte{p}, OffsetBytes: offsetBytes})
		if err == nil {
			return len(p), nil
		}
		f.fs.freeze(fmt.Errorf("index: write %s at %d: %w", f.path, offsetBytes, err))
		err = f.toMemory()
	}
	if err != nil {
		return 0, err
	}
	f.memory.writeAt(p, offsetBytes)
	return len(p), nil
}

// Read reads on from the last Read.
func (f *file) Read(p []byte) (int, error) {
	n, err := f.ReadAt(p, f.offsetBytes)
	f.offsetBytes += int64(n)
	if n > 0 && err == io.EOF {
		err = nil
	}
	return n, err
}

// ReadAt fills p, or returns io.EOF with what there is.
func (f *file) ReadAt(p []byte, offsetBytes int64) (int, error) {
	if f.memory != nil {
		return f.memory.readAt(p, offsetBytes)
	}
	return f.readDisk(p, offsetBytes)
}

func (f *file) readDisk(p []byte, offsetBytes int64) (int, error) {
	if hit, err := f.fs.engine.ReadCached(f.disk, p, offsetBytes); err == nil && hit {
		return len(p), nil
	}
	size, err := f.disk.Size()
	if err != nil {
		return 0, fmt.Errorf("index: %w", err)
	}
	n := max(0, min(int64(len(p)), size-offsetBytes))
	if n > 0 {
		err = ioengine.Run(f.fs.engine, ioengine.Foreground, ioengine.Op{Kind: ioengine.Read,
			File: f.disk, Bufs: [][]byte{p[:n]}, OffsetBytes: offsetBytes})
	}
	switch {
	case err != nil:
		return 0, fmt.Errorf("index: read %s at %d: %w", f.path, offsetBytes, err)
	case n < int64(len(p)):
		return int(n), io.EOF
	}
	return int(n), nil
}

// Sync makes the file durable: its data, and its size as far as they need it.
func (f *file) Sync() error {
	frozen, err := f.frozen()
	if frozen || err != nil {
		return err
	}
	if f.fs.hooks.BeforeSync != nil {
		err = f.fs.hooks.BeforeSync()
	}
	if err == nil {
		err = ioengine.Run(f.fs.engine, f.class, ioengine.Op{Kind: ioengine.DataSync, File: f.disk})
	}
	if err == nil {
		return nil
	}
	f.fs.freeze(fmt.Errorf("index: sync %s: %w", f.path, err))
	return f.toMemory()
}

// SyncData is Sync.
func (f *file) SyncData() error { return f.Sync() }

// SyncTo promises nothing, as it may.
func (f *file) SyncTo(int64) (fullSync bool, err error) { return false, nil }

// Close closes the file. What was to be durable is.
func (f *file) Close() error {
	if f.disk == nil {
		return nil
	}
	return f.disk.Close()
}

// Stat tells the size.
func (f *file) Stat() (vfs.FileInfo, error) {
	i := info{name: filepath.Base(f.path)}
	if f.memory != nil {
		i.sizeBytes = f.memory.size()
		return i, nil
	}
	var err error
	i.sizeBytes, err = f.disk.Size()
	return i, err
}

// Preallocate does nothing: tables are small and written at once.
func (f *file) Preallocate(int64, int64) error { return nil }

// Prefetch does nothing: the kernel reads ahead.
func (f *file) Prefetch(int64, int64) error { return nil }

// Fd says that there is no descriptor to work with behind our back.
func (f *file) Fd() uintptr { return vfs.InvalidFd }

// dir is an open folder: it can be synced.
type dir struct {
	fs   *FS
	path string
}

var _ vfs.File = dir{}

// Sync makes the names in the folder durable.
func (d dir) Sync() error {
	d.fs.change(func() error { return d.fs.files.SyncDir(d.path) })
	return nil
}

func (d dir) SyncData() error                   { return d.Sync() }
func (d dir) Close() error                      { return nil }
func (d dir) SyncTo(int64) (bool, error)        { return false, nil }
func (d dir) Preallocate(int64, int64) error    { return nil }
func (d dir) Prefetch(int64, int64) error       { return nil }
func (d dir) Fd() uintptr                       { return vfs.InvalidFd }
func (d dir) Read([]byte) (int, error)          { return 0, d.noFile("read") }
func (d dir) Write([]byte) (int, error)         { return 0, d.noFile("write") }
func (d dir) ReadAt([]byte, int64) (int, error) { return 0, d.noFile("read") }
func (d dir) WriteAt([]byte, int64) (int, error) {
	return 0, d.noFile("write")
}

func (d dir) Stat() (vfs.FileInfo, error) {
	return info{name: filepath.Base(d.path), isDir: true}, nil
}

func (d dir) noFile(op string) error {
	return &fs.PathError{Op: op, Path: d.path, Err: fs.ErrInvalid}
}

// info is what Stat knows.
type info struct {
	name      string
	sizeBytes int64
	isDir     bool
}

func (i info) Name() string           { return i.name }
func (i info) Size() int64            { return i.sizeBytes }
func (i info) IsDir() bool            { return i.isDir }
func (i info) ModTime() time.Time     { return time.Time{} }
func (i info) Sys() any               { return nil }
func (i info) DeviceID() vfs.DeviceID { return vfs.DeviceID{} }

func (i info) Mode() fs.FileMode {
	if i.isDir {
		return fs.ModeDir | 0o700
	}
	return 0o600
}
