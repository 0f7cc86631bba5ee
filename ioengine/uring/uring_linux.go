//go:build amd64 || arm64

package uring

import (
	"fmt"
	"sync/atomic"
	"time"

	"flashstore/ioengine"
	"flashstore/ioengine/osfile"
)

// Engine is a set of rings.
type Engine struct {
	files    ioengine.FileSystem
	counters ioengine.Counters
	rings    []*ring
	next     atomic.Uint32
	drainMax time.Duration

	registrar registrar
}

var _ ioengine.Engine = (*Engine)(nil)

// New opens the rings and proves, with a real write, sync and read in Config.ProbeDir, that
// they work. Every failure but a wrong Config is ErrUnavailable.
func New(c Config) (*Engine, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	c, err := c.withDefaults()
	if err != nil {
		return nil, err
	}
	e := &Engine{files: c.Files, drainMax: c.DrainMax}
	for number := range c.Rings {
		r, err := newRing(e, number, c)
		if err != nil {
			_ = e.Close()
			return nil, fmt.Errorf("%w: %w", ErrUnavailable, err)
		}
		e.rings = append(e.rings, r)
	}
	if err := probe(e, c.ProbeDir); err != nil {
		_ = e.Close()
		return nil, fmt.Errorf("%w: probe in %s: %w", ErrUnavailable, c.ProbeDir, err)
	}
	for _, p := range c.Buffers {
		_ = e.RegisterBuffers(p)
	}
	return e, nil
}

// Files returns the file system the engine works on.
func (e *Engine) Files() ioengine.FileSystem { return e.files }

// Submit puts b in the line of one ring. After Close every operation ends with ErrClosed.
func (e *Engine) Submit(b *ioengine.Batch) {
	b.Arm()
	ioengine.HoldFiles(b)
	r := e.rings[0]
	if len(e.rings) > 1 {
		r = e.rings[e.next.Add(1)%uint32(len(e.rings))]
	}
	if !r.submit(b) {
		ioengine.ReleaseFiles(b)
		ioengine.Refuse(b, ioengine.ErrClosed)
		return
	}
	e.counters.Submissions.Add(1)
}

// ReadCached fills p from the page cache, on the caller's goroutine.
func (e *Engine) ReadCached(f ioengine.File, p []byte, offsetBytes int64) (bool, error) {
	hit, err := osfile.ReadCached(f, p, offsetBytes)
	e.counters.CountCached(hit, len(p))
	return hit, err
}

// Stats counts since New, the probe included.
func (e *Engine) Stats() ioengine.Stats {
	s := e.counters.Stats()
	for _, r := range e.rings {
		r.addStats(&s)
	}
	return s
}

// Properties says what this engine is.
func (e *Engine) Properties() ioengine.Properties {
	return ioengine.Properties{Name: "uring", Durable: true, Detail: e.detail()}
}

// detail says what the kernel has registered.
func (e *Engine) detail() string {
	files := "files registered"
	for _, r := range e.rings {
		if r.files.total == 0 {
			files = "files not registered"
		}
	}
	return files + ", " + e.registrar.detail()
}

// Close finishes what was submitted and closes the rings. What is not done within
// Config.DrainMax is cancelled: what stands in line, and what the kernel can take back (reads
// of pipes, not of disks), ends with ErrClosed. If even then something is in flight, Close
// returns ErrStuck and its ring lives on. A second Close does the same again.
func (e *Engine) Close() error {
	for _, r := range e.rings {
		r.close(false)
	}
	if e.ended(e.drainMax) {
		return nil
	}
	for _, r := range e.rings {
		r.close(true)
	}
	if e.ended(min(e.drainMax, cancelMax)) {
		return nil
	}
	return fmt.Errorf("uring: after %v: %w", e.drainMax, ioengine.ErrStuck)
}

// ended waits for the end of all rings.
func (e *Engine) ended(patience time.Duration) bool {
	timer := time.NewTimer(patience)
	defer timer.Stop()
	for _, r := range e.rings {
		select {
		case <-r.ended:
		case <-timer.C:
			return false
		}
	}
	return true
}
