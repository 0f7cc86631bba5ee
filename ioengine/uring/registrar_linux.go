//go:build amd64 || arm64

package uring

import (
	"fmt"
	"slices"
	"sync"
	"syscall"

	"flashstore/ioengine"
)

var _ ioengine.BufferRegistrar = (*Engine)(nil)

// registrar knows what memory was given to the rings.
type registrar struct {
	mu   sync.Mutex
	list []*registration
}

// registration is one call of RegisterBuffers. It refers to the memory, so that the heap does
// not get it back while the kernel has it pinned.
type registration struct {
	memory []byte
	bytes  uint64  // registered in every ring
	why    error   // it is not all
	rings  [][]int // indexes by ring
}

// RegisterBuffers pins p in every ring, as far as the kernel allows; Properties.Detail says
// how far. The release may be called once or more, from any goroutine but one in Done.
func (e *Engine) RegisterBuffers(p []byte) (release func()) {
	if len(p) == 0 {
		return func() {}
	}
	g := &registration{memory: p, bytes: uint64(len(p)), rings: make([][]int, len(e.rings))}
	for i, r := range e.rings {
		if !r.do(func() { g.addTo(r, i) }) {
			g.bytes, g.why = 0, ioengine.ErrClosed
		}
	}
	e.registrar.mu.Lock()
	defer e.registrar.mu.Unlock()
	e.registrar.list = append(e.registrar.list, g)
	return sync.OnceFunc(func() { e.unregister(g) })
}

// addTo runs on the owner of r.
func (g *registration) addTo(r *ring, i int) {
	start := address(g.memory)
	indexes, err := r.buffers.add(start, start+uint64(len(g.memory)))
	if err != nil {
		g.why = err
	}
	bytes := uint64(0)
	for _, index := range indexes {
		bytes += r.buffers.regions[index].bytes()
	}
	g.bytes, g.rings[i] = min(g.bytes, bytes), indexes
}

func (e *Engine) unregister(g *registration) {
	for i, r := range e.rings {
		r.do(func() { // a ring that is closed has let go already
			for _, index := range g.rings[i] {
				r.buffers.remove(index)
			}
		})
	}
	e.registrar.mu.Lock()
	defer e.registrar.mu.Unlock()
	e.registrar.list = slices.DeleteFunc(e.registrar.list,
		func(other *registration) bool { return other == g })
}

// detail says in words how much the kernel has pinned.
func (r *registrar) detail() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var asked, got uint64
	var why error
	for _, g := range r.list {
		asked += uint64(len(g.memory))
		got += g.bytes
		if g.why != nil {
			why = g.why
		}
	}
	text := fmt.Sprintf("buffers %s of %s", mebibytes(got), mebibytes(asked))
	switch {
	case asked == 0:
		return "no buffers registered"
	case why == syscall.ENOMEM:
		return text + " (RLIMIT_MEMLOCK)"
	case why != nil:
		return text + " (" + why.Error() + ")"
	}
	return text
}

func mebibytes(n uint64) string {
	const mib = 1 << 20
	if n%mib == 0 {
		return fmt.Sprintf("%d MiB", n/mib)
	}
	return fmt.Sprintf("%.1f MiB", float64(n)/mib)
}
