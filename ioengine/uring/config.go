package uring

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"time"

	"flashstore/ioengine"
	"flashstore/ioengine/osfile"
)

// ErrUnavailable says that io_uring cannot be used here; it wraps why: ENOSYS (kernel),
// EPERM (sysctl kernel.io_uring_disabled, seccomp), ENOMEM (RLIMIT_MEMLOCK), or the failed
// probe. The thread pool is the engine to fall back to.
var ErrUnavailable = errors.New("uring: io_uring is not available")

const (
	ringsMax       = 64
	entriesDefault = 256 // 16 requests of 16 shard operations
	entriesMin     = 2   // one operation and the wake-up
	entriesMax     = 4096

	filesDefault = 1024 // segments of 16 drives, and to spare
	filesMax     = 32 << 10

	drainMaxDefault = 10 * time.Second
	// cancelMax is how long Close waits after it has cancelled.
	cancelMax = time.Second
)

// Config of an Engine. The zero value is the default.
type Config struct {
	// Rings is the number of rings, each with a thread; 0: one for 4 CPUs, at most 4.
	Rings int
	// Entries is the length of a ring's submission queue; operations in flight in a ring are
	// one fewer. A power of two; 0: 256.
	Entries int
	// Limits bound what the background classes have in flight in all rings; zeros: ioengine's
	// defaults. Every ring has an equal part of them, at least 1.
	Limits ioengine.Limits
	// ProbeDir is a directory on the file system that will be used; New writes, reads and
	// removes a small file there. "": the system's temporary directory.
	ProbeDir string
	// Buffers are regions of memory to register: see RegisterBuffers. Nobody releases them.
	Buffers [][]byte
	// RegisteredFiles is the number of files that a ring knows by number, where the kernel
	// and RLIMIT_NOFILE allow; 0: 1024, -1: none.
	RegisteredFiles int
	// DrainMax is how long Close waits before it cancels what is in flight; 0: 10 s.
	DrainMax time.Duration
	// Files is the file system to hand out; nil: osfile with its defaults. Its files must
	// have descriptors.
	Files ioengine.FileSystem
}

// Validate says what is wrong with c.
func (c Config) Validate() error {
	if c.Rings < 0 || c.Rings > ringsMax {
		return fmt.Errorf("uring: rings must be 0 to %d, not %d", ringsMax, c.Rings)
	}
	if c.Limits.Busy < 0 || c.Limits.Quiet < 0 {
		return fmt.Errorf("uring: limits must not be negative: %+v", c.Limits)
	}
	if c.RegisteredFiles < -1 || c.RegisteredFiles > filesMax {
		return fmt.Errorf("uring: registered files must be -1 to %d, not %d",
			filesMax, c.RegisteredFiles)
	}
	if c.DrainMax < 0 {
		return fmt.Errorf("uring: DrainMax must not be negative: %v", c.DrainMax)
	}
	if c.Entries == 0 {
		return nil
	}
	if c.Entries < entriesMin || c.Entries > entriesMax || c.Entries&(c.Entries-1) != 0 {
		return fmt.Errorf("uring: entries must be a power of two from %d to %d, not %d",
			entriesMin, entriesMax, c.Entries)
	}
	return nil
}

// withDefaults replaces zeros.
func (c Config) withDefaults() (Config, error) {
	if c.Rings == 0 {
		c.Rings = min(4, max(1, runtime.GOMAXPROCS(0)/4))
	}
	if c.Entries == 0 {
		c.Entries = entriesDefault
	}
	if c.RegisteredFiles == 0 {
		c.RegisteredFiles = filesDefault
	}
	if c.DrainMax == 0 {
		c.DrainMax = drainMaxDefault
	}
	if c.ProbeDir == "" {
		c.ProbeDir = os.TempDir()
	}
	if c.Files != nil {
		return c, nil
	}
	files, err := osfile.New(osfile.Config{})
	c.Files = files
	return c, err
}

// limitsOfRing is the part of Limits that one ring has.
func (c Config) limitsOfRing() ioengine.Limits {
	l := c.Limits.Within(c.Rings * c.Entries)
	return ioengine.Limits{Busy: max(1, l.Busy/c.Rings), Quiet: max(1, l.Quiet/c.Rings)}
}
