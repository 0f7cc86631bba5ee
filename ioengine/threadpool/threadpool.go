package threadpool

import (
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"flashstore/ioengine"
	"flashstore/ioengine/osfile"
)

const (
	// workersDefault: 16 requests of 4 shards would like 64, but half of that already
	// saturates one disk, and each worker may own a thread.
	workersDefault = 32
	workersMax     = 1024

	drainMaxDefault = 10 * time.Second
)

// Config of an Engine. The zero value is the default.
type Config struct {
	// Workers is the number of operations that run at once; 0: 32.
	Workers int
	// Limits bound what the background classes have in flight; zeros: ioengine's defaults, but
	// no more than half of the workers.
	Limits ioengine.Limits
	// DrainMax is how long Close waits for the workers; 0: 10 s.
	DrainMax time.Duration
	// Files is the file system to hand out; nil: osfile with its defaults. Its files must
	// have descriptors.
	Files ioengine.FileSystem
}

// Validate says what is wrong with c.
func (c Config) Validate() error {
	if c.Workers < 0 || c.Workers > workersMax {
		return fmt.Errorf("threadpool: workers must be 0 to %d, not %d", workersMax, c.Workers)
	}
	if c.DrainMax < 0 {
		return fmt.Errorf("threadpool: DrainMax must not be negative: %v", c.DrainMax)
	}
	if c.Limits.Busy < 0 || c.Limits.Quiet < 0 {
		return fmt.Errorf("threadpool: limits must not be negative: %+v", c.Limits)
	}
	return nil
}

// Engine is a pool of workers.
type Engine struct {
	files    ioengine.FileSystem
	counters ioengine.Counters
	// noDSync is set for good once the kernel refused RWF_DSYNC.
	noDSync  atomic.Bool
	calls    calls
	drainMax time.Duration
	workers  sync.WaitGroup
	ended    chan struct{} // closed when no worker is left

	mu     sync.Mutex
	work   sync.Cond
	queue  ioengine.Queue
	closed bool
}

var _ ioengine.Engine = (*Engine)(nil)

// New starts the workers.
func New(c Config) (*Engine, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	if c.Workers == 0 {
		c.Workers = workersDefault
	}
	if c.DrainMax == 0 {
		c.DrainMax = drainMaxDefault
	}
	if c.Files == nil {
		files, err := osfile.New(osfile.Config{})
		if err != nil {
			return nil, err
		}
		c.Files = files
	}
	e := &Engine{
		files:    c.Files,
		calls:    systemCalls(),
		drainMax: c.DrainMax,
		ended:    make(chan struct{}),
	}
	e.queue.Limits = c.Limits.Within(c.Workers)
	e.work.L = &e.mu
	for range c.Workers {
		e.workers.Go(e.serve)
	}
	go func() {
		e.workers.Wait()
		close(e.ended)
	}()
	return e, nil
}

// Files returns the file system the engine works on.
func (e *Engine) Files() ioengine.FileSystem { return e.files }

// Submit puts the operations of b in line. After Close every one ends with ErrClosed.
func (e *Engine) Submit(b *ioengine.Batch) {
	b.Arm()
	ioengine.HoldFiles(b)
	e.mu.Lock()
	if e.closed {
		e.mu.Unlock()
		ioengine.ReleaseFiles(b)
		ioengine.Refuse(b, ioengine.ErrClosed)
		return
	}
	n := len(b.Ops)
	e.queue.Push(b)
	e.mu.Unlock()
	e.counters.Submissions.Add(1)
	for range n {
		e.work.Signal()
	}
}

// ReadCached fills p from the page cache, on the caller's goroutine.
func (e *Engine) ReadCached(f ioengine.File, p []byte, offsetBytes int64) (bool, error) {
	hit, err := osfile.ReadCached(f, p, offsetBytes)
	e.counters.CountCached(hit, len(p))
	return hit, err
}

// Stats counts since New.
func (e *Engine) Stats() ioengine.Stats {
	s := e.counters.Stats()
	e.mu.Lock()
	defer e.mu.Unlock()
	s.Classes = e.queue.ClassStats()
	return s
}

// Properties says what this engine is.
func (e *Engine) Properties() ioengine.Properties {
	return ioengine.Properties{Name: "threadpool", Durable: true}
}

// Close finishes what is in line and ends the workers. A system call cannot be cancelled: if
// one takes longer than Config.DrainMax, what still stands in line ends with ErrClosed, and
// Close returns ErrStuck. A second Close does the same again.
func (e *Engine) Close() error {
	e.mu.Lock()
	e.closed = true
	e.mu.Unlock()
	e.work.Broadcast()
	patience := time.NewTimer(e.drainMax)
	defer patience.Stop()
	select {
	case <-e.ended:
		return nil
	case <-patience.C:
	}
	for ref, ok := e.give(); ok; ref, ok = e.give() {
		e.finish(ref, ioengine.ErrClosed)
	}
	return fmt.Errorf("threadpool: after %v: %w", e.drainMax, ioengine.ErrStuck)
}

// give takes an operation from the line that no worker will have time for.
func (e *Engine) give() (ioengine.Ref, bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.queue.Abandon()
}

// finish reports an operation. The batch is the caller's again with the last of them.
func (e *Engine) finish(ref ioengine.Ref, err error) {
	op := ref.Op()
	ioengine.ReleaseFile(op)
	op.Err = err
	e.counters.Count(op)
	ref.Batch.Finish()
}

// serve is one worker: it takes operations until the engine is closed and the line empty.
func (e *Engine) serve() {
	var rest [][]byte // reused: what is left to move of the operation at hand
	ref, ok := e.next(0, 0)
	for ok {
		class, op := ref.Batch.Class, ref.Op()
		if op.Err != nil { // its file is closed
			e.finish(ref, op.Err)
		} else {
			rest = append(rest[:0], op.Bufs...)
			err := e.run(op, rest)
			clear(rest)
			e.counters.PoolOps.Add(1)
			e.finish(ref, err)
		}
		ref, ok = e.next(class, 1)
	}
}

// next ends count operations of class and takes the next one, once there is one.
func (e *Engine) next(class ioengine.Class, count int) (ioengine.Ref, bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.queue.Finished(class, count)
	for {
		ref, ok := e.queue.Pop()
		if ok && e.queue.Freed() {
			e.work.Signal() // it was told to wait when it was pushed
		}
		if ok || e.closed {
			// What the queue holds back after Close is left to the workers that are still at
			// work: there is at least one.
			return ref, ok
		}
		e.work.Wait()
	}
}
