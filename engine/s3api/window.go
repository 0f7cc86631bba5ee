package s3api

import (
	"bytes"
	"io"
	"sync"
	"sync/atomic"

	"flashstore/engine/object"
	"flashstore/engine/s3err"
)

const (
	// windowBytes is the least size of a part, so that what follows a window may be one.
	windowBytes = object.PartBytesMin
	// windowBlockBytes is what a window grows by: a small file takes little.
	windowBlockBytes = 64 << 10
	// windowBlocksMax bounds all windows of a Handler to 64 MiB, 12 of full size, on the heap. Who
	// finds no room is told to come back. Only who may upload gets as far as a window.
	windowBlocksMax = 64 << 20 / windowBlockBytes
	// formHeadsMax bounds the forms that are read as far as their file, 20 KiB each: anybody may send
	// one, as slowly as a body may come, before it says who sends it.
	formHeadsMax = 1024
)

// window holds up to windowBytes.
type window struct {
	blocks []*windowBlock
	size   int64 // in bytes
}

type windowBlock [windowBlockBytes]byte

// windowPool lends the blocks of windows. Safe for concurrent use.
type windowPool struct {
	free  sync.Pool // of *windowBlock
	lent  atomic.Int64
	heads atomic.Int64 // forms whose fields are being read
}

// enter makes room for the fields of a form; leave is to be called once they are read. Error:
// SlowDown.
func (p *windowPool) enter() (leave func(), err error) {
	leave = func() { p.heads.Add(-1) }
	if p.heads.Add(1) > formHeadsMax {
		leave()
		return nil, s3err.SlowDown
	}
	return leave, nil
}

// room returns what comes behind the bytes of w, not empty. Error: SlowDown.
func (p *windowPool) room(w *window) ([]byte, error) {
	n := int(w.size / windowBlockBytes)
	if n == len(w.blocks) {
		if p.lent.Add(1) > windowBlocksMax {
			p.lent.Add(-1)
			return nil, s3err.SlowDown
		}
		b, _ := p.free.Get().(*windowBlock)
		if b == nil {
			b = new(windowBlock)
		}
		w.blocks = append(w.blocks, b)
	}
	return w.blocks[n][w.size%windowBlockBytes:], nil
}

// release gives the blocks of w back.
func (p *windowPool) release(w *window) {
	for _, b := range w.blocks {
		p.free.Put(b)
	}
	p.lent.Add(-int64(len(w.blocks)))
	*w = window{}
}

// reset empties w, which keeps its blocks.
func (w *window) reset() { w.size = 0 }

// reader reads what w holds.
func (w *window) reader() io.Reader {
	var readers []io.Reader
	for i, rest := 0, w.size; rest > 0; i++ {
		n := min(rest, windowBlockBytes)
		readers = append(readers, bytes.NewReader(w.blocks[i][:n]))
		rest -= n
	}
	return io.MultiReader(readers...)
}
