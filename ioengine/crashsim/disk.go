package crashsim

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"
	"sync"
	"syscall"

	"flashstore/ioengine"
)

// ErrPowerLost is what every request meets after CutPower.
var ErrPowerLost = errors.New("crashsim: the disk has no power")

// Config of a Disk. The zero value is the default.
type Config struct {
	// CapacityBytes is the disk space for file data; 0: without limit.
	CapacityBytes int64
	// Seed orders the operations within each batch.
	Seed uint64
	// ColdReads lets ReadCached miss always.
	ColdReads bool
}

// Validate says what is wrong with c.
func (c Config) Validate() error {
	if c.CapacityBytes < 0 {
		return fmt.Errorf("crashsim: a capacity of %d bytes", c.CapacityBytes)
	}
	return nil
}

// Disk is a file system on a simulated disk, and the record of all that was done to it. All
// methods are safe for concurrent use.
type Disk struct {
	config Config
	birth  int // the number before the first operation

	mu            sync.Mutex
	state         *state
	journal       []*op
	checkpoints   []*state
	capacityBytes int64
	usedPages     int
	opens         map[int]int  // file -> open handles
	locked        map[int]bool // file
	dark          bool         // no power
	script        []*armed
	faults        int
	engines       uint64

	cursor cursor
}

var (
	_ ioengine.FileSystem    = (*Disk)(nil)
	_ ioengine.SpaceReporter = (*Disk)(nil)
)

// New returns a disk with an empty directory "/".
func New(c Config) (*Disk, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	return newDisk(c, newState()), nil
}

func newDisk(c Config, s *state) *Disk {
	d := &Disk{
		config: c, birth: s.op, state: s, checkpoints: []*state{s.fork()},
		capacityBytes: c.CapacityBytes, opens: map[int]int{}, locked: map[int]bool{},
	}
	for _, f := range s.files {
		if f.linked {
			d.usedPages += f.live.allocatedPages()
		}
	}
	return d
}

// CutPower ends everything at once: from now on every request fails with ErrPowerLost. It
// returns Ops; After(that, ...) is what stands on the medium.
func (d *Disk) CutPower() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.dark = true
	return d.state.op - d.birth
}

// SetCapacity changes the disk space for file data, 0 for no limit. What is there stays.
func (d *Disk) SetCapacity(bytes int64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.capacityBytes = bytes
}

// Space is the capacity, 1 TiB if there is no limit, and what is not allocated.
func (d *Disk) Space(name string) (totalBytes, freeBytes int64, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.dark {
		return 0, 0, failed("statfs", name, ErrPowerLost)
	}
	if totalBytes = d.capacityBytes; totalBytes == 0 {
		totalBytes = 1 << 40
	}
	return totalBytes, max(0, totalBytes-int64(d.usedPages)*pageBytes), nil
}

// Peek is a copy of what a file holds for its users, synced or not; nil without such a file.
// It meets no faults and works without power.
func (d *Disk) Peek(name string) []byte {
	d.mu.Lock()
	defer d.mu.Unlock()
	e, err := d.lookup(name)
	if err != nil || e.isDir {
		return nil
	}
	c := d.state.files[e.id].live
	p := make([]byte, c.sizeBytes)
	c.read(p, 0)
	return p
}

// Flip changes the bits of mask in one byte of a file, in the cache and on the medium. It is
// an operation with a number, so that After knows it.
func (d *Disk) Flip(name string, offsetBytes int64, mask byte) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	e, err := d.lookup(name)
	switch {
	case err != nil:
		return failed("flip", name, err)
	case e.isDir:
		return failed("flip", name, syscall.EISDIR)
	case offsetBytes < 0 || offsetBytes >= d.state.files[e.id].live.sizeBytes:
		return failed("flip", name, fmt.Errorf("no byte %d: %w", offsetBytes, syscall.EINVAL))
	}
	d.do(&op{action: flip, path: name, file: e.id, from: offsetBytes, to: offsetBytes + 1,
		mask: mask})
	return nil
}

// lookup finds what a path names now; "/" is directory 0.
func (d *Disk) lookup(name string) (entry, error) {
	if !path.IsAbs(name) {
		return entry{}, syscall.EINVAL
	}
	at := entry{isDir: true}
	for element := range strings.SplitSeq(path.Clean(name)[1:], "/") {
		if element == "" {
			return at, nil // "/"
		}
		if !at.isDir {
			return entry{}, syscall.ENOTDIR
		}
		next, ok := d.state.dirs[at.id].live.find(element)
		if !ok {
			return entry{}, syscall.ENOENT
		}
		at = next
	}
	return at, nil
}

// place finds the directory in which a path names something, or could.
func (d *Disk) place(name string) (dirID int, base string, err error) {
	name = path.Clean(name)
	base = path.Base(name)
	if len(base) > 255 {
		return 0, "", syscall.ENAMETOOLONG
	}
	parent, err := d.lookup(path.Dir(name))
	if err == nil && !parent.isDir {
		err = syscall.ENOTDIR
	}
	return parent.id, base, err
}

func failed(what, name string, err error) error {
	return &fs.PathError{Op: what, Path: name, Err: err}
}
