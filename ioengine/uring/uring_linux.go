//go:build amd64 || arm64

package uring

import (
	"fmt"
	"sync/atomic"

	"flashstore/ioengine"
	"flashstore/ioengine/osfile"
)

// Engine is a set of rings.
type Engine struct {
	files    ioengine.FileSystem
	counters ioengine.Counters
	rings    []*ring
	next     atomic.Uint32
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
	e := &Engine{files: c.Files}
	for range c.Rings {
		r, err := newRing(c.Entries, &e.counters)
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
	return e, nil
}

// Files returns the file system the engine works on.
func (e *Engine) Files() ioengine.FileSystem { return e.files }

// Submit puts b in the line of one ring. After Close every operation ends with ErrClosed.
func (e *Engine) Submit(b *ioengine.Batch) {
	b.Arm()
	r := e.rings[0]
	if len(e.rings) > 1 {
		r = e.rings[e.next.Add(1)%uint32(len(e.rings))]
	}
	if !r.submit(b) {
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
func (e *Engine) Stats() ioengine.Stats { return e.counters.Stats() }

// Properties says what this engine is.
func (e *Engine) Properties() ioengine.Properties {
	return ioengine.Properties{Name: "uring", Durable: true}
}

// Close finishes what was submitted and closes the rings. A second Close does nothing.
func (e *Engine) Close() error {
	for _, r := range e.rings {
		r.close()
	}
	for _, r := range e.rings {
		<-r.ended
	}
	return nil
}
