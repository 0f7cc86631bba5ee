package target

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
)

// lockName marks a folder as a workspace; whoever holds its lock is alive.
const lockName = ".flashbench-lock"

// Workspace is a folder for drives and logs that lives as long as one run.
type Workspace struct {
	dir  string
	lock *os.File
}

// OpenWorkspace creates a new workspace below root and removes those of runs that are no more. It
// waits while another one does: who is not locked yet would be taken for one that is no more.
func OpenWorkspace(root string) (w *Workspace, err error) {
	if err := os.MkdirAll(root, 0o700); err != nil {
		return nil, err
	}
	if root, err = filepath.Abs(root); err != nil {
		return nil, err
	}
	turn, err := os.Open(root)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, turn.Close()) }() // and whoever waits goes on
	if err := syscall.Flock(int(turn.Fd()), syscall.LOCK_EX); err != nil {
		return nil, fmt.Errorf("lock %s: %w", root, err)
	}
	if err := sweep(root); err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp(root, "run-")
	if err != nil {
		return nil, err
	}
	lock, err := os.OpenFile(filepath.Join(dir, lockName), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return nil, errors.Join(fmt.Errorf("lock %s: %w", dir, err), lock.Close())
	}
	return &Workspace{dir: dir, lock: lock}, nil
}

// Path is the folder itself.
func (w *Workspace) Path() string { return w.dir }

// Fresh returns an empty folder called name, removing what was there before.
func (w *Workspace) Fresh(name string) (string, error) {
	dir := filepath.Join(w.dir, name)
	if err := os.RemoveAll(dir); err != nil {
		return "", err
	}
	return dir, os.Mkdir(dir, 0o700)
}

// Remove deletes the folder called name.
func (w *Workspace) Remove(name string) error { return os.RemoveAll(filepath.Join(w.dir, name)) }

// LoseDrives removes the first n drives in a folder that a server has used, which must be stopped:
// the next one finds empty folders in their place and goes without.
func LoseDrives(dir string, n int) error {
	for i := range n {
		if err := os.RemoveAll(filepath.Join(dir, "d"+strconv.Itoa(i+1))); err != nil {
			return err
		}
	}
	return nil
}

// Close removes the workspace.
func (w *Workspace) Close() error {
	return errors.Join(os.RemoveAll(w.dir), w.lock.Close())
}

// sweep removes workspaces whose owner is gone. The lock is taken first: it is free only then.
func sweep(root string) error {
	locks, err := filepath.Glob(filepath.Join(root, "run-*", lockName))
	if err != nil {
		return err
	}
	for _, path := range locks {
		lock, err := os.OpenFile(path, os.O_RDWR, 0)
		if err != nil {
			continue // removed by its owner in this moment
		}
		if syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) == nil {
			err = os.RemoveAll(filepath.Dir(path))
		}
		if err := errors.Join(err, lock.Close()); err != nil {
			return fmt.Errorf("sweep: %w", err)
		}
	}
	return nil
}
