package ioenginetest

import "flashstore/ioengine"

// Unsynced wraps an engine for tests of what is above it: nothing is made durable, and nobody
// waits for a device. While the system lives, a file reads the same whether it was synced or not,
// so only a test that ends the system, or counts syncs, sees the difference; crashsim is for
// those. All else takes its way through the engine that is wrapped.
func Unsynced(e ioengine.Engine) ioengine.Engine {
	return &unsynced{e, unsyncedFiles{e.Files()}}
}

type unsynced struct {
	ioengine.Engine
	files unsyncedFiles
}

// Files returns the file system of the engine, whose directories are not synced.
func (e *unsynced) Files() ioengine.FileSystem { return e.files }

// Submit passes a batch on; a sync takes its place in line, and is a read of nothing.
func (e *unsynced) Submit(b *ioengine.Batch) {
	for i := range b.Ops {
		op := &b.Ops[i]
		if op.DSync = false; op.Kind == ioengine.DataSync {
			op.Kind, op.Bufs = ioengine.Read, nil
		}
	}
	e.Engine.Submit(b)
}

// Properties says that nothing is durable.
func (e *unsynced) Properties() ioengine.Properties {
	p := e.Engine.Properties()
	p.Durable = false
	return p
}

type unsyncedFiles struct{ ioengine.FileSystem }

// SyncDir only wants the directory to be there, like a sync of it.
func (f unsyncedFiles) SyncDir(path string) error {
	_, err := f.List(path)
	return err
}

// Space is that of the file system below.
func (f unsyncedFiles) Space(path string) (totalBytes, freeBytes int64, err error) {
	if r, ok := f.FileSystem.(ioengine.SpaceReporter); ok {
		return r.Space(path)
	}
	return 0, 0, ioengine.ErrUnsupported
}
