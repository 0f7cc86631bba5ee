package crashsim

import (
	"math/bits"
	"slices"
)

const (
	pageBytes   = 4 << 10
	sectorBytes = 512 // what a device writes whole or not at all
	pageSectors = pageBytes / sectorBytes
	chunkPages  = 64 // bits of a uint64
)

type page [pageBytes]byte

// chunk is 64 pages. Bits tell holes, reserved pages and written ones; a written page
// without bytes is all zeros, so that pre-written files cost no memory.
type chunk struct {
	pages     [chunkPages]*page
	allocated uint64
	written   uint64
}

// content is what a file holds. It is a value that never changes: what looks like a change
// returns a new one that shares all untouched chunks and pages with the old, and so a
// snapshot costs nothing.
type content struct {
	sizeBytes int64
	chunks    []*chunk
}

// part is a piece of a write that lies within one page.
type part struct {
	page  int
	at    int // in the page
	data  []byte
	zeros bool // a whole page of zeros, without data
}

// cut copies bufs into parts.
func cut(bufs [][]byte, offsetBytes int64, lengthBytes int) []part {
	all := make([]byte, 0, lengthBytes)
	for _, b := range bufs {
		all = append(all, b[:min(len(b), lengthBytes-len(all))]...)
	}
	parts := make([]part, 0, lengthBytes/pageBytes+2)
	for len(all) > 0 {
		at := int(offsetBytes % pageBytes)
		n := min(len(all), pageBytes-at)
		p := part{page: int(offsetBytes / pageBytes), at: at, data: all[:n:n]}
		if n == pageBytes && zero(p.data) {
			p.data, p.zeros = nil, true
		}
		parts = append(parts, p)
		all, offsetBytes = all[n:], offsetBytes+int64(n)
	}
	return parts
}

// zero compares p with itself, one byte further.
func zero(p []byte) bool {
	return len(p) == 0 || p[0] == 0 && string(p[1:]) == string(p[:len(p)-1])
}

// read fills p from offsetBytes on; what is not there is zeros.
func (c content) read(p []byte, offsetBytes int64) {
	for len(p) > 0 {
		at := int(offsetBytes % pageBytes)
		n := min(len(p), pageBytes-at)
		if from := c.page(int(offsetBytes / pageBytes)); from != nil {
			copy(p[:n], from[at:])
		} else {
			clear(p[:n])
		}
		p, offsetBytes = p[n:], offsetBytes+int64(n)
	}
}

// page is nil for zeros.
func (c content) page(index int) *page {
	k := index / chunkPages
	if k >= len(c.chunks) || c.chunks[k] == nil {
		return nil
	}
	return c.chunks[k].pages[index%chunkPages]
}

// bits says whether a page has disk space, and whether that was written.
func (c content) bits(index int) (allocated, written bool) {
	k, bit := index/chunkPages, uint64(1)<<(index%chunkPages)
	if k >= len(c.chunks) || c.chunks[k] == nil {
		return false, false
	}
	return c.chunks[k].allocated&bit != 0, c.chunks[k].written&bit != 0
}

// allocatedPages is the disk space that c takes.
func (c content) allocatedPages() int {
	n := 0
	for _, k := range c.chunks {
		if k != nil {
			n += bits.OnesCount64(k.allocated)
		}
	}
	return n
}

// missing counts the pages of a range that have no disk space yet.
func (c content) missing(from, to int64) int {
	n := 0
	for i := pageOf(from); i < pagesUpTo(to); i++ {
		if allocated, _ := c.bits(i); !allocated {
			n++
		}
	}
	return n
}

// ranges calls f for the written ranges, ascending.
func (c content) ranges(f func(from, to int64)) {
	from := int64(-1)
	last := min(len(c.chunks)*chunkPages, pagesUpTo(c.sizeBytes))
	for i := 0; i <= last; i++ {
		written := false
		if i < last {
			_, written = c.bits(i)
		}
		switch at := min(int64(i)*pageBytes, c.sizeBytes); {
		case written && from < 0:
			from = at
		case !written && from >= 0:
			f(from, at)
			from = -1
		}
	}
}

// trimmed is c without what lies behind its end.
func (c content) trimmed() content {
	e := c.edit()
	e.truncate(c.sizeBytes)
	return e.content
}

// edit is a content being made. It copies what it shares before it changes it.
type edit struct {
	content
	shared []*chunk
}

func (c content) edit() *edit {
	return &edit{content{c.sizeBytes, slices.Clone(c.chunks)}, c.chunks}
}

// chunk is the one that holds a page, ours alone.
func (e *edit) chunk(index int) *chunk {
	k := index / chunkPages
	for k >= len(e.chunks) {
		e.chunks = append(e.chunks, nil)
	}
	switch {
	case e.chunks[k] == nil:
		e.chunks[k] = new(chunk)
	case k < len(e.shared) && e.shared[k] == e.chunks[k]:
		own := *e.chunks[k]
		e.chunks[k] = &own
	}
	return e.chunks[k]
}

// set gives a page its bytes; nil for zeros.
func (e *edit) set(index int, p *page) {
	c, slot := e.chunk(index), index%chunkPages
	c.pages[slot] = p
	c.allocated |= 1 << slot
	c.written |= 1 << slot
}

// patch changes some bytes of a page that stay as they are elsewhere.
func (e *edit) patch(index, at int, data []byte) {
	own := new(page)
	if old := e.page(index); old != nil {
		*own = *old
	}
	copy(own[at:], data)
	e.set(index, own)
}

func (e *edit) write(parts []part) {
	for _, p := range parts {
		switch {
		case p.zeros:
			e.set(p.page, nil)
		case len(p.data) == pageBytes:
			e.set(p.page, (*page)(p.data))
		default:
			e.patch(p.page, p.at, p.data)
		}
	}
}

// land takes over from another content the sectors of a page that mask names.
func (e *edit) land(from content, index int, mask uint8) {
	if mask == 0 {
		return
	}
	_, written := from.bits(index)
	whole := mask == 1<<pageSectors-1
	switch source := from.page(index); {
	case whole && written:
		e.set(index, source)
	case whole:
		e.drop(index)
	default:
		var sectors page
		if old := e.page(index); old != nil {
			sectors = *old
		}
		for s := range pageSectors {
			if mask&(1<<s) != 0 {
				at := s * sectorBytes
				clear(sectors[at : at+sectorBytes])
				if source != nil {
					copy(sectors[at:at+sectorBytes], source[at:])
				}
			}
		}
		e.set(index, &sectors)
	}
}

func (e *edit) reserve(index int) { e.chunk(index).allocated |= 1 << (index % chunkPages) }

// drop gives a page's disk space back.
func (e *edit) drop(index int) {
	if allocated, _ := e.bits(index); !allocated {
		return
	}
	c, slot := e.chunk(index), index%chunkPages
	c.pages[slot] = nil
	c.allocated &^= 1 << slot
	c.written &^= 1 << slot
}

// punch makes a range zeros: whole pages are dropped, the edges cleared.
func (e *edit) punch(from, to int64) {
	to = min(to, int64(len(e.chunks))*chunkPages*pageBytes)
	for from < to {
		index, at := pageOf(from), int(from%pageBytes)
		n := int(min(to-from, int64(pageBytes-at)))
		if n == pageBytes {
			e.drop(index)
		} else if e.page(index) != nil {
			e.patch(index, at, make([]byte, n))
		}
		from += int64(n)
	}
}

func (e *edit) grow(sizeBytes int64) { e.sizeBytes = max(e.sizeBytes, sizeBytes) }

// truncate sets the size; nothing is left behind it.
func (e *edit) truncate(sizeBytes int64) {
	e.punch(sizeBytes, int64(len(e.chunks))*chunkPages*pageBytes)
	e.chunks = e.chunks[:min(len(e.chunks), (pagesUpTo(sizeBytes)+chunkPages-1)/chunkPages)]
	e.sizeBytes = sizeBytes
}

func (e *edit) preallocate(from, to int64) {
	for i := pageOf(from); i < pagesUpTo(to); i++ {
		if allocated, _ := e.bits(i); !allocated {
			e.reserve(i)
		}
	}
	e.grow(to)
}

// pageOf is the page that holds an offset, pagesUpTo the number of pages that hold all before.
func pageOf(offsetBytes int64) int { return int(offsetBytes / pageBytes) }

func pagesUpTo(offsetBytes int64) int { return int((offsetBytes + pageBytes - 1) / pageBytes) }
