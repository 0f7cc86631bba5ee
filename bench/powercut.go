package bench

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"flashstore/bench/target"
)

const (
	powerDiskBytes = 16 << 30 // sparse
	unmountMax     = 20 * time.Second
	unmountAgain   = 20 * time.Millisecond
	loopMajor      = 7 // Linux, Documentation/admin-guide/devices.txt

	// Linux, fs/ext4/ext4.h.
	ext4Shutdown   = 0x8004587d // _IOR('X', 125, __u32)
	ext4NoLogFlush = 2          // EXT4_GOING_FLAGS_NOLOGFLUSH
)

// powerCut is an ext4 in a file on a loop device. It is cut as power is: what is neither on the
// device nor in the journal there is lost. It wants root and a mount namespace of its own.
type powerCut struct{ image, mount string }

func (*powerCut) name() string { return "power cut" }

func (p *powerCut) begin() (string, error) {
	if os.Getenv(ownNamespace) == "" {
		return "", errors.New("no mount namespace of its own: unshare is missing or " +
			"not allowed here")
	}
	if err := os.MkdirAll(p.mount, 0o700); err != nil {
		return "", err
	}
	f, err := os.Create(p.image)
	if err != nil {
		return "", err
	}
	if err := errors.Join(f.Truncate(powerDiskBytes), f.Close()); err != nil {
		return "", err
	}
	// A small journal, nothing written now: it takes 20 ms.
	if err := system("mkfs.ext4", "-q", "-F", "-m", "0", "-N", "65536", "-J", "size=16",
		"-E", "lazy_itable_init=1,lazy_journal_init=1,nodiscard", p.image); err != nil {
		return "", err
	}
	if err := p.attach(); err != nil {
		return "", err
	}
	dir := filepath.Join(p.mount, "crash")
	return dir, os.Mkdir(dir, 0o700)
}

// attach mounts the image, which replays its journal. mount(8) frees the loop device with it.
func (p *powerCut) attach() error {
	return system("mount", "-o", "loop", p.image, p.mount)
}

// system runs a program of the system in a process group of its own: a Ctrl-C goes to ours, and
// half a mount would be there for good.
func system(name string, args ...string) error {
	cmd := exec.Command(name, args...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w: %.500s", name, err, out)
	}
	return nil
}

// crash cuts the power below a running server and then ends it.
func (p *powerCut) crash(server *target.Server) error {
	defer server.Kill()
	dir, err := os.Open(p.mount)
	if err != nil {
		return err
	}
	defer dir.Close()
	var at unix.Stat_t
	var fs unix.Statfs_t
	if err := errors.Join(unix.Fstat(int(dir.Fd()), &at),
		unix.Fstatfs(int(dir.Fd()), &fs)); err != nil {
		return err
	}
	// Nothing but a loop device of ours is ever shut down.
	if fs.Type != unix.EXT4_SUPER_MAGIC || unix.Major(at.Dev) != loopMajor {
		return fmt.Errorf("%s is not an ext4 on a loop device: not shut down", p.mount)
	}
	how := uint32(ext4NoLogFlush)
	if _, _, errno := unix.Syscall(unix.SYS_IOCTL, dir.Fd(), ext4Shutdown,
		uintptr(unsafe.Pointer(&how))); errno != 0 {
		return fmt.Errorf("EXT4_IOC_SHUTDOWN %s: %w", p.mount, errno)
	}
	return nil
}

func (p *powerCut) recover() error {
	if err := p.detach(); err != nil {
		return err
	}
	return p.attach()
}

// detach waits for the kernel to close what a killed server gave to a ring.
func (p *powerCut) detach() error {
	for deadline := time.Now().Add(unmountMax); ; time.Sleep(unmountAgain) {
		err := system("umount", p.mount)
		if err == nil || time.Now().After(deadline) {
			return err
		}
	}
}

func (p *powerCut) end() error {
	return errors.Join(p.detach(), os.Remove(p.image))
}
