package threadpool

import (
	"fmt"
	"sync"
	"sync/atomic"

	"flashstore/ioengine"
	"flashstore/ioengine/osfile"
)

const (
	// workersDefault: 16 requests of 4 shards would like 64, but half of that already
	// saturates one disk, and each worker may own a thread.
	workersDefault = 32
	workersMax     = 1024
)

// Config of an Engine. The zero value is the default.
type Config struct {
	// Workers is the number of operations that run at once; 0: 32.
	Workers int
	// Files is the file system to hand out; nil: osfile with its defaults. Its files must
	// have descriptors.
	Files ioengine.FileSystem
}

// Validate says what is wrong with c.
func (c Config) Validate() error {
	if c.Workers < 0 || c.Workers > workersMax {
		return fmt.Errorf("threadpool: workers must be 0 to %d, not %d", workersMax, c.Workers)
	}
	return nil
}

// Engine is a pool of workers.
type Engine struct {
	files    ioengine.FileSystem
	counters ioengine.Counters
	// noDSync is set for good once the kernel refused RWF_DSYNC.
	noDSync atomic.Bool
	workers sync.WaitGroup

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
	if c.Files == nil {
		files, err := osfile.New(osfile.Config{})
		if err != nil {
			return nil, err
		}
		c.Files = files
	}
	e := &Engine{files: c.Files}
	e.work.L = &e.mu
	for range c.Workers {
		e.workers.Go(e.serve)
	}
	return e, nil
}

// Files returns the file system the engine works on.
func (e *Engine) Files() ioengine.FileSystem { return e.files }

// Submit puts the operations of b in line. After Close every one ends with ErrClosed.
func (e *Engine) Submit(b *ioengine.Batch) {
	b.Arm()
	e.mu.Lock()
	if e.closed {
		e.mu.Unlock()
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
func (e *Engine) Stats() ioengine.Stats { return e.counters.Stats() }

// Properties says what this engine is.
func (e *Engine) Properties() ioengine.Properties {
	return ioengine.Properties{Name: "threadpool", Durable: true}
}

// Close finishes what is in line and ends the workers. A second Close does nothing.
func (e *Engine) Close() error {
	e.mu.Lock()
	e.closed = true
	e.mu.Unlock()
	e.work.Broadcast()
	e.workers.Wait()
	return nil
}

// serve is one worker: it takes operations until the engine is closed and the line empty.
func (e *Engine) serve() {
	var rest [][]byte // reused: what is left to move of the operation at hand
	for {
		ref, ok := e.next()
		if !ok {
			return
		}
		op := ref.Op()
		rest = append(rest[:0], op.Bufs...)
		op.Err = e.run(op, rest)
		clear(rest)
		e.counters.PoolOps.Add(1)
		e.counters.Count(op)
		ref.Batch.Finish() // the batch is the caller's again
	}
}

func (e *Engine) next() (ioengine.Ref, bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for {
		if ref, ok := e.queue.Pop(); ok {
			return ref, true
		}
		if e.closed {
			return ioengine.Ref{}, false
		}
		e.work.Wait()
	}
}
