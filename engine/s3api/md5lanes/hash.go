package md5lanes

import (
	"crypto/md5"
	"encoding"
	"encoding/binary"
	"hash"
)

// joinBytesMin is the least Write that looks for company. Alone it takes 10 µs; where four streams
// meet for less, to park and wake goroutines costs more than is saved.
const joinBytesMin = 8 << 10

// Hash is the MD5 of one stream. One goroutine may use it at a time.
type Hash struct {
	group     *Group
	plain     digest // the state between Writes
	sizeBytes uint64
	open      bool // counted in Group.open

	// What is left of a Write and the state before it, while it is with the Group: of who leads.
	rest   []byte
	words  [4]uint32
	queued bool      // in Group.queue; guarded by its mu
	turn   chan turn // with room for each value once

	saved [savedBytes]byte // plain as bytes
}

var _ hash.Hash = (*Hash)(nil)

// digest is what crypto/md5 returns.
type digest interface {
	hash.Hash
	encoding.BinaryAppender
	encoding.BinaryUnmarshaler
}

// Where the bytes of a state of crypto/md5 have its words and its length, big endian. Between them
// is what is kept of an unfinished block.
const (
	wordsAt    = len("md5\x01")
	lengthAt   = wordsAt + md5.Size + md5.BlockSize
	savedBytes = lengthAt + 8
)

// turn is what one who waits is told.
type turn uint8

const (
	done   turn = iota // all is hashed
	gather             // nobody looks into the queue any more
)

// New returns a Hash of g.
func (g *Group) New() *Hash {
	return &Hash{group: g, plain: md5.New().(digest), turn: make(chan turn, 2)}
}

// Write hashes p, beside what others write if it is long. p belongs to the caller again on return.
// The error is always nil.
func (h *Hash) Write(p []byte) (int, error) {
	n := len(p)
	if n >= joinBytesMin && h.company() {
		if part := h.sizeBytes % md5.BlockSize; part > 0 {
			h.write(p[:md5.BlockSize-part])
			p = p[md5.BlockSize-part:]
		}
		whole := len(p) &^ (md5.BlockSize - 1)
		h.join(p[:whole])
		p = p[whole:]
	}
	h.write(p)
	return n, nil
}

// company reports whether others may be under way. The first Write of a stream looks for them in
// any case: until somebody lets them run, they may not have come to theirs.
func (h *Hash) company() bool {
	if !h.group.lanes {
		return false
	}
	if !h.open {
		h.open = true
		h.group.open.Add(1)
		return true
	}
	return h.group.open.Load() >= streamsMin
}

func (h *Hash) write(p []byte) {
	h.sizeBytes += uint64(len(p))
	_, _ = h.plain.Write(p)
}

// join hashes p, which is whole blocks behind whole blocks.
func (h *Hash) join(p []byte) {
	h.save()
	h.rest = p
	h.group.hash(h)
	h.rest = nil
	h.sizeBytes += uint64(len(p))
	h.restore()
}

// save moves the state from plain to words.
func (h *Hash) save() {
	b, err := h.plain.AppendBinary(h.saved[:0])
	if err != nil || len(b) != savedBytes {
		panic("md5lanes: crypto/md5 has another state than of old")
	}
	for i := range h.words {
		h.words[i] = binary.BigEndian.Uint32(b[wordsAt+4*i:])
	}
}

// restore moves it back.
func (h *Hash) restore() {
	for i, w := range h.words {
		binary.BigEndian.PutUint32(h.saved[wordsAt+4*i:], w)
	}
	binary.BigEndian.PutUint64(h.saved[lengthAt:], h.sizeBytes)
	if err := h.plain.UnmarshalBinary(h.saved[:]); err != nil {
		panic("md5lanes: " + err.Error())
	}
}

// Sum appends the MD5 of what was written. Writing may go on, but others do not wait for it.
func (h *Hash) Sum(b []byte) []byte {
	h.close()
	return h.plain.Sum(b)
}

// Reset forgets what was written. Who gives up a Hash before Sum calls it, since others count on
// streams that are under way.
func (h *Hash) Reset() {
	h.close()
	h.plain.Reset()
	h.sizeBytes = 0
}

func (h *Hash) close() {
	if h.open {
		h.open = false
		h.group.open.Add(-1)
	}
}

// Size is that of a sum in bytes.
func (h *Hash) Size() int { return md5.Size }

// BlockSize is that of MD5 in bytes.
func (h *Hash) BlockSize() int { return md5.BlockSize }
