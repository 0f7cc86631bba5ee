package crashsim

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"syscall"

	"flashstore/ioengine"
)

// Engine runs file operations on a Disk, each batch on a goroutine of its own. Several
// engines may share one disk.
type Engine struct {
	disk     *Disk
	counters ioengine.Counters
	running  sync.WaitGroup

	mu      sync.Mutex
	batches *rand.Rand // seeds for their shuffles
	closed  bool
}

var _ ioengine.Engine = (*Engine)(nil)

// Engine returns a new engine that works on d.
func (d *Disk) Engine() *Engine {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.engines++
	return &Engine{disk: d, batches: rand.New(rand.NewPCG(d.config.Seed, d.engines))}
}

// Files returns the Disk.
func (e *Engine) Files() ioengine.FileSystem { return e.disk }

// Submit starts b. After Close every operation ends with ErrClosed.
func (e *Engine) Submit(b *ioengine.Batch) {
	if len(b.Ops) == 0 {
		panic("crashsim: a batch without operations")
	}
	b.Arm()
	ioengine.HoldFiles(b)
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		ioengine.ReleaseFiles(b)
		ioengine.Refuse(b, ioengine.ErrClosed)
		return
	}
	e.counters.Submissions.Add(1)
	seed := e.batches.Uint64()
	e.running.Go(func() { e.run(b, seed) })
}

// run carries out a batch in an order of its own. Each operation has two turns, so that
// others come between a DSync write and its end.
func (e *Engine) run(b *ioengine.Batch, seed uint64) {
	turns := make([]int, 0, 2*len(b.Ops))
	for i := range b.Ops {
		turns = append(turns, i, i)
	}
	random := rand.New(rand.NewPCG(seed, 0))
	random.Shuffle(len(turns), func(i, j int) { turns[i], turns[j] = turns[j], turns[i] })
	begun := make([]bool, len(b.Ops))
	written, errs := make([]*op, len(b.Ops)), make([]error, len(b.Ops))
	for _, i := range turns {
		o := &b.Ops[i]
		if !begun[i] {
			begun[i] = true
			if o.Err == nil { // its file is open
				written[i], errs[i] = start(o, e.disk)
			}
			continue
		}
		if written[i] != nil {
			errs[i] = o.File.(*File).finish(written[i])
		}
		ioengine.ReleaseFile(o)
		if errs[i] != nil {
			o.Err = errs[i]
		}
		e.counters.PoolOps.Add(1)
		e.counters.Count(o)
		b.Finish() // the last one gives the batch back to the caller
	}
}

// ReadCached hits for every buffered file, unless Config.ColdReads or the script has a say in
// its reads: then they go through Submit, where each is counted once.
func (e *Engine) ReadCached(f ioengine.File, p []byte, offsetBytes int64) (bool, error) {
	hit, err := e.disk.readCached(f, p, offsetBytes)
	e.counters.CountCached(hit, len(p))
	return hit, err
}

func (d *Disk) readCached(file ioengine.File, p []byte, offsetBytes int64) (bool, error) {
	f, err := d.own(file)
	if err != nil {
		return false, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	c := f.content()
	switch {
	case d.dark:
		err = ErrPowerLost
	case f.closed:
		err = syscall.EBADF
	case offsetBytes < 0:
		err = syscall.EINVAL
	case d.config.ColdReads || f.flags.Direct || d.scripted(Read, f.path),
		offsetBytes+int64(len(p)) > c.sizeBytes:
		return false, nil
	}
	if err != nil {
		return false, failed("read", f.path, err)
	}
	c.read(p, offsetBytes)
	return true, nil
}

// own refuses files of other disks.
func (d *Disk) own(file ioengine.File) (*File, error) {
	f, ok := file.(*File)
	if !ok || f.disk != d {
		return nil, fmt.Errorf("crashsim: a file of another disk: %w", syscall.EBADF)
	}
	return f, nil
}

// Stats counts since the engine was made.
func (e *Engine) Stats() ioengine.Stats { return e.counters.Stats() }

// Properties says what this engine is.
func (e *Engine) Properties() ioengine.Properties {
	return ioengine.Properties{Name: "crashsim", Durable: true}
}

// Close waits for what is in flight. A second Close does nothing. The disk stays.
func (e *Engine) Close() error {
	e.mu.Lock()
	e.closed = true
	e.mu.Unlock()
	e.running.Wait()
	return nil
}
