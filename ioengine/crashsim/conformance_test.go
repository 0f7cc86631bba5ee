package crashsim_test

import (
	"errors"
	"io/fs"
	"path"
	"testing"

	"flashstore/ioengine"
	"flashstore/ioengine/crashsim"
	"flashstore/ioengine/ioenginetest"
)

// TestConformance runs the suite for engines on real file systems, but for what needs files
// of the machine.
func TestConformance(t *testing.T) {
	ioenginetest.Run(t, func(t testing.TB) ioengine.Engine {
		return hosted{newDisk(t, crashsim.Config{}).Engine()}
	})
}

// hosted is an engine for a suite that takes its paths from the machine it runs on.
type hosted struct{ *crashsim.Engine }

func (h hosted) Files() ioengine.FileSystem {
	return hostedFiles{h.Engine.Files().(*crashsim.Disk)}
}

type hostedFiles struct{ *crashsim.Disk }

// Open makes the directories that the machine has, and fills the disk for /dev/full.
func (h hostedFiles) Open(name string, flags ioengine.OpenFlags) (ioengine.File, error) {
	if name == "/dev/full" {
		h.SetCapacity(1)
		flags.Create = true
	}
	if err := h.makeDirs(path.Dir(name)); err != nil {
		return nil, err
	}
	return h.Disk.Open(name, flags)
}

func (h hostedFiles) Lock(name string) (ioengine.File, error) {
	if err := h.makeDirs(path.Dir(name)); err != nil {
		return nil, err
	}
	return h.Disk.Lock(name)
}

func (h hostedFiles) makeDirs(name string) error {
	if name == "/" {
		return nil
	}
	if err := h.makeDirs(path.Dir(name)); err != nil {
		return err
	}
	if err := h.MakeDir(name); !errors.Is(err, fs.ErrExist) {
		return err
	}
	return nil
}

func newDisk(t testing.TB, c crashsim.Config) *crashsim.Disk {
	t.Helper()
	d, err := crashsim.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return d
}
