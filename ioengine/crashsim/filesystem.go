package crashsim

import (
	"fmt"
	"path"
	"syscall"

	"flashstore/ioengine"
)

// begin admits a request on names and takes the lock, unless the request fails at once. The
// caller unlocks if there is no error.
func (d *Disk) begin(kind Kinds, what string, paths ...string) (request, error) {
	r := d.admit(kind, paths...)
	if r.Err != nil {
		return r, failed(what, paths[0], r.Err)
	}
	d.mu.Lock()
	if d.dark {
		d.mu.Unlock()
		return r, failed(what, paths[0], ErrPowerLost)
	}
	return r, nil
}

// Open opens a file. Direct is always possible.
func (d *Disk) Open(name string, flags ioengine.OpenFlags) (ioengine.File, error) {
	f, err := d.open(name, flags, Open)
	if err != nil {
		return nil, err
	}
	return f, nil
}

func (d *Disk) open(name string, flags ioengine.OpenFlags, kind Kinds) (*File, error) {
	if flags.Create && kind == Open && d.absent(name) {
		kind = Create
	}
	if _, err := d.begin(kind, "open", name); err != nil {
		return nil, err
	}
	defer d.mu.Unlock()
	e, err := d.lookup(name)
	switch {
	case err == syscall.ENOENT && flags.Create:
		e, err = d.create(name)
	case err == nil && flags.Create && flags.Exclusive:
		err = syscall.EEXIST
	case err == nil && e.isDir:
		err = syscall.EISDIR
	}
	if err != nil {
		return nil, failed("open", name, err)
	}
	d.opens[e.id]++
	return &File{disk: d, id: e.id, path: name, flags: flags}, nil
}

func (d *Disk) absent(name string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	_, err := d.lookup(name)
	return err != nil
}

func (d *Disk) create(name string) (entry, error) {
	dirID, base, err := d.place(name)
	if err != nil {
		return entry{}, err
	}
	e := entry{name: base, id: len(d.state.files)}
	d.do(&op{action: create, path: name, dir: dirID, entry: e})
	return e, nil
}

// MakeDir creates one directory.
func (d *Disk) MakeDir(name string) error {
	if _, err := d.begin(MakeDir, "mkdir", name); err != nil {
		return err
	}
	defer d.mu.Unlock()
	_, err := d.lookup(name)
	if err == nil {
		return failed("mkdir", name, syscall.EEXIST)
	}
	dirID, base, err := d.place(name)
	if err != nil {
		return failed("mkdir", name, err)
	}
	e := entry{name: base, isDir: true, id: len(d.state.dirs)}
	d.do(&op{action: makeDir, path: name, dir: dirID, entry: e})
	return nil
}

// Remove removes a file or an empty directory. Open files stay usable, and their disk space
// stays taken.
func (d *Disk) Remove(name string) error {
	if _, err := d.begin(Remove, "remove", name); err != nil {
		return err
	}
	defer d.mu.Unlock()
	e, err := d.lookup(name)
	switch {
	case err != nil:
	case e.name == "":
		err = syscall.EBUSY
	case e.isDir && len(d.state.dirs[e.id].live) > 0:
		err = syscall.ENOTEMPTY
	}
	if err != nil {
		return failed("remove", name, err)
	}
	dirID, _, _ := d.place(name)
	d.do(&op{action: remove, path: name, dir: dirID, entry: e})
	d.release(e)
	return nil
}

// Rename replaces newName atomically. From one directory to another it is EXDEV: what a
// power cut between the syncs of the two leaves differs between file systems.
func (d *Disk) Rename(oldName, newName string) error {
	if _, err := d.begin(Rename, "rename", oldName, newName); err != nil {
		return err
	}
	defer d.mu.Unlock()
	old, err := d.lookup(oldName)
	if err != nil {
		return failed("rename", oldName, err)
	}
	if path.Clean(oldName) == path.Clean(newName) {
		return nil
	}
	dirID, base, err := d.place(newName)
	oldDirID, _, _ := d.place(oldName)
	if err == nil && (oldDirID != dirID || old.name == "") {
		err = syscall.EXDEV
	}
	if err != nil {
		return failed("rename", newName, err)
	}
	replaced, exists := d.state.dirs[dirID].live.find(base)
	if exists {
		if err := d.replaceable(old, replaced); err != nil {
			return failed("rename", newName, err)
		}
	}
	d.do(&op{action: rename, path: oldName, dir: dirID, entry: old, newName: base})
	if exists {
		d.release(replaced)
	}
	return nil
}

// replaceable follows rename(2).
func (d *Disk) replaceable(old, replaced entry) error {
	switch {
	case old.isDir && !replaced.isDir:
		return syscall.ENOTDIR
	case !old.isDir && replaced.isDir:
		return syscall.EISDIR
	case replaced.isDir && len(d.state.dirs[replaced.id].live) > 0:
		return syscall.ENOTEMPTY
	}
	return nil
}

// release gives back the disk space of a file that has neither name nor handle.
func (d *Disk) release(e entry) {
	if !e.isDir && d.opens[e.id] == 0 {
		d.usedPages -= d.state.files[e.id].live.allocatedPages()
	}
}

// SyncDir makes durable the names that a directory had when the call began.
func (d *Disk) SyncDir(name string) error {
	r, err := d.begin(SyncDir, "fsync", name)
	if err != nil {
		return err
	}
	defer d.mu.Unlock()
	e, err := d.lookup(name)
	if err == nil && !e.isDir {
		err = syscall.ENOTDIR
	}
	if err != nil {
		return failed("fsync", name, err)
	}
	d.do(&op{action: syncDir, path: name, dir: e.id, upTo: r.begun})
	return nil
}

// List returns the names in a directory, sorted.
func (d *Disk) List(name string) ([]string, error) {
	if _, err := d.begin(List, "open", name); err != nil {
		return nil, err
	}
	defer d.mu.Unlock()
	e, err := d.lookup(name)
	if err == nil && !e.isDir {
		err = syscall.ENOTDIR
	}
	if err != nil {
		return nil, failed("open", name, err)
	}
	live := d.state.dirs[e.id].live
	list := make([]string, len(live))
	for i := range live {
		list[i] = live[i].name
	}
	return list, nil
}

// Lock locks a file, creating it. A power cut ends the lock.
func (d *Disk) Lock(name string) (ioengine.File, error) {
	f, err := d.open(name, ioengine.OpenFlags{Create: true, Write: true}, Lock)
	if err != nil {
		return nil, err
	}
	d.mu.Lock()
	taken := d.locked[f.id]
	if !taken {
		d.locked[f.id], f.holdsLock = true, true
	}
	d.mu.Unlock()
	if taken {
		_ = f.Close()
		return nil, fmt.Errorf("crashsim: %s is locked: %w", name, syscall.EWOULDBLOCK)
	}
	return f, nil
}
