package e2e

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

const (
	// The image is sparse. It is larger than what is ever in use, since four drives with two
	// bulk segments of 256 MiB each reserve 2 GiB, and those of the life before may still be
	// there.
	loopDiskBytes = 16 << 30
	memoryFreeMin = cutDisks * 6 << 30 // to put images into memory, all of which are empty when asked
	loopTries     = 10
	unmountMax    = 10 * time.Second
	loopMajor     = 7 // Linux, Documentation/admin-guide/devices.txt

	// Linux, fs/ext4/ext4.h.
	ext4Shutdown      = 0x8004587d // _IOR('X', 125, __u32)
	ext4LogFlushFirst = 1          // EXT4_GOING_FLAGS_LOGFLUSH
	ext4NoLogFlush    = 2          // EXT4_GOING_FLAGS_NOLOGFLUSH
)

// loopDisk is an ext4 file system in a file, on a loop device, whose power can be cut. It must
// be made in a mount namespace of the tests' own (see inOwnNamespace). Nothing has to be cleaned
// up: the image has no name any more, and the kernel unmounts it and frees the device when the
// last process of the namespace is gone, however that comes.
type loopDisk struct {
	t      testing.TB
	device *os.File // keeps the device between two mounts
	dir    string   // where it is mounted
}

// newLoopDisk makes an empty file system, not mounted yet, or skips the test.
func newLoopDisk(t testing.TB) *loopDisk {
	t.Helper()
	if _, err := exec.LookPath("mkfs.ext4"); err != nil {
		t.Skipf("no file system to cut off: %v", err)
	}
	image, err := os.CreateTemp(imageDir(), "flashstore-powercut-*.img")
	if err != nil {
		t.Fatal(err)
	}
	defer image.Close()
	defer os.Remove(image.Name())
	if err := image.Truncate(loopDiskBytes); err != nil {
		t.Fatal(err)
	}
	// Few inodes and a small journal, none of it written now: it takes 20 ms.
	mkfs := exec.Command("mkfs.ext4", "-q", "-F", "-m", "0", "-N", "4096", "-J", "size=16",
		"-E", "lazy_itable_init=1,lazy_journal_init=1,nodiscard", image.Name())
	if text, err := mkfs.CombinedOutput(); err != nil {
		t.Fatalf("mkfs.ext4: %v\n%s", err, text)
	}
	device, err := attachLoop(image)
	if err != nil {
		t.Skipf("no loop device for a file system to cut off: %v", err)
	}
	t.Cleanup(func() { device.Close() })
	d := &loopDisk{t: t, device: device, dir: t.TempDir()}
	t.Cleanup(func() { _ = unix.Unmount(d.dir, 0) }) // so that the folder can go
	return d
}

// imageDir is in memory where there is room: the loop device answers a flush at once then, so
// that a cycle takes a tenth of the time and other tests keep the disk to themselves.
func imageDir() string {
	const memory = "/dev/shm"
	var fs unix.Statfs_t
	if err := unix.Statfs(memory, &fs); err == nil && fs.Type == unix.TMPFS_MAGIC &&
		int64(fs.Bavail)*fs.Bsize >= memoryFreeMin {
		return memory
	}
	return os.TempDir()
}

// attachLoop binds the image to a free loop device, which frees itself at its last close.
func attachLoop(image *os.File) (*os.File, error) {
	control, err := os.OpenFile("/dev/loop-control", os.O_RDWR, 0)
	if err != nil {
		return nil, err
	}
	defer control.Close()
	for range loopTries { // another process may take the same free one
		var n int
		if n, err = unix.IoctlRetInt(int(control.Fd()), unix.LOOP_CTL_GET_FREE); err != nil {
			return nil, fmt.Errorf("LOOP_CTL_GET_FREE: %w", err)
		}
		var device *os.File
		if device, err = os.OpenFile(fmt.Sprintf("/dev/loop%d", n), os.O_RDWR, 0); err != nil {
			return nil, err
		}
		err = unix.IoctlLoopConfigure(int(device.Fd()), &unix.LoopConfig{Fd: uint32(image.Fd()),
			Info: unix.LoopInfo64{Flags: unix.LO_FLAGS_AUTOCLEAR}})
		if err == nil {
			return device, nil
		}
		device.Close()
		if !errors.Is(err, unix.EBUSY) {
			break
		}
	}
	return nil, fmt.Errorf("LOOP_CONFIGURE: %w", err)
}

// mount mounts it, which replays the journal; options are ext4's own.
func (d *loopDisk) mount(options string) {
	d.t.Helper()
	if err := unix.Mount(d.device.Name(), d.dir, "ext4", 0, options); err != nil {
		d.t.Fatalf("mount %s (%s): %v", d.device.Name(), options, err)
	}
}

// unmount waits for whoever still has files open: the kernel closes those that a killed process
// gave to io_uring a little later.
func (d *loopDisk) unmount() {
	d.t.Helper()
	deadline := time.Now().Add(unmountMax)
	for {
		err := unix.Unmount(d.dir, 0)
		if err == nil {
			return
		}
		if !errors.Is(err, unix.EBUSY) || time.Now().After(deadline) {
			d.t.Fatalf("unmount %s: %v", d.dir, err)
		}
		time.Sleep(pollWait)
	}
}

// cut ends the file system as a power cut would: what is neither on the device nor in the
// journal there is lost, and every later operation fails.
func (d *loopDisk) cut(how uint32) error {
	dir, err := os.Open(d.dir)
	if err != nil {
		return err
	}
	defer dir.Close()
	if err := d.mine(dir); err != nil {
		return err
	}
	if _, _, errno := unix.Syscall(unix.SYS_IOCTL, dir.Fd(), ext4Shutdown,
		uintptr(unsafe.Pointer(&how))); errno != 0 {
		return fmt.Errorf("EXT4_IOC_SHUTDOWN %s: %w", d.dir, errno)
	}
	return nil
}

// mine makes sure that dir is on our loop device, before its file system is shut down.
func (d *loopDisk) mine(dir *os.File) error {
	var fs unix.Statfs_t
	var at, device unix.Stat_t
	if err := errors.Join(unix.Fstatfs(int(dir.Fd()), &fs), unix.Fstat(int(dir.Fd()), &at),
		unix.Fstat(int(d.device.Fd()), &device)); err != nil {
		return err
	}
	if fs.Type != unix.EXT4_SUPER_MAGIC {
		return fmt.Errorf("%s is of type %#x, not ext4: not shut down", dir.Name(), fs.Type)
	}
	if at.Dev != device.Rdev || unix.Major(at.Dev) != loopMajor {
		return fmt.Errorf("%s is on device %d:%d, not on %s: not shut down", dir.Name(),
			unix.Major(at.Dev), unix.Minor(at.Dev), d.device.Name())
	}
	return nil
}

// used is how many bytes are allocated.
func (d *loopDisk) used() int64 {
	var fs unix.Statfs_t
	if err := unix.Statfs(d.dir, &fs); err != nil {
		d.t.Fatal(err)
	}
	return int64(fs.Blocks-fs.Bfree) * fs.Bsize
}

// path is a place on the disk.
func (d *loopDisk) path(name string) string { return filepath.Join(d.dir, name) }
