package null

import (
	"sync"

	"flashstore/ioengine"
	"flashstore/ioengine/osfile"
)

// Config of an Engine. The zero value is the default.
type Config struct {
	// Files is the file system to hand out; nil: osfile with its defaults.
	Files ioengine.FileSystem
}

// Validate accepts every Config; it is here because each part's Config has one.
func (Config) Validate() error { return nil }

// Engine completes what it is given.
type Engine struct {
	files    ioengine.FileSystem
	counters ioengine.Counters
	server   sync.WaitGroup

	mu     sync.Mutex
	work   sync.Cond
	line   []*ioengine.Batch
	closed bool
}

var _ ioengine.Engine = (*Engine)(nil)

// New starts the engine's goroutine.
func New(c Config) (*Engine, error) {
	if err := c.Validate(); err != nil {
		return nil, err
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
	e.server.Go(e.serve)
	return e, nil
}

// Files returns the file system; its operations are real.
func (e *Engine) Files() ioengine.FileSystem { return e.files }

// Submit completes b soon. After Close every operation ends with ErrClosed.
func (e *Engine) Submit(b *ioengine.Batch) {
	b.Arm()
	e.mu.Lock()
	closed := e.closed
	if !closed {
		e.line = append(e.line, b)
	}
	e.mu.Unlock()
	if closed {
		ioengine.Refuse(b, ioengine.ErrClosed)
		return
	}
	e.counters.Submissions.Add(1)
	e.work.Signal()
}

// ReadCached claims a hit and leaves p as it is.
func (e *Engine) ReadCached(_ ioengine.File, p []byte, _ int64) (bool, error) {
	e.counters.CountCached(true, len(p))
	return true, nil
}

// Stats counts since New, as if bytes had moved.
func (e *Engine) Stats() ioengine.Stats { return e.counters.Stats() }

// Properties says what this engine is.
func (e *Engine) Properties() ioengine.Properties {
	return ioengine.Properties{Name: "null", Durable: false}
}

// Close completes what is in line. A second Close does nothing.
func (e *Engine) Close() error {
	e.mu.Lock()
	e.closed = true
	e.mu.Unlock()
	e.work.Signal()
	e.server.Wait()
	return nil
}

// serve takes the whole line at a time.
func (e *Engine) serve() {
	var taken []*ioengine.Batch
	for {
		e.mu.Lock()
		for len(e.line) == 0 && !e.closed {
			e.work.Wait()
		}
		taken, e.line = e.line, taken[:0]
		e.mu.Unlock()
		if len(taken) == 0 {
			return
		}
		for i, b := range taken {
			taken[i] = nil
			e.complete(b)
		}
	}
}

func (e *Engine) complete(b *ioengine.Batch) {
	for i, n := 0, len(b.Ops); i < n; i++ {
		b.Ops[i].Err = nil
		e.counters.Count(&b.Ops[i])
		b.Finish() // the last one gives the batch back to the caller
	}
}
