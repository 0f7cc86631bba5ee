package local

import (
	"encoding/binary"
	"sync"

	"github.com/zeebo/xxh3"
	"golang.org/x/sys/unix"
)

const (
	tableShards     = 16
	tableHeadBytes  = 16  // value length 4, key length 2, flags 1, zero 1, hash 8
	tableUnitBytes  = 16  // rows begin at multiples of it
	tableRowBytes   = 256 // expected of a row, to size the slots
	tableValueShare = 16  // a row longer than a ring / 16 is not kept
	bucketBytes     = 64  // 8 slots, one cache line
	slotBytes       = 8
	positionBits    = 48 // of a slot: place in the ring, in units; above it: bits of the hash
	chancesMax      = 8  // rows that a put lets live longer because they were asked for
)

// table keeps the rows of registers that were settled or looked up last, so that a hot lookup
// does not reach Pebble. It is bounded, in shards, and outside the Go heap: the garbage
// collector neither follows nor counts it, and pages that were never used cost nothing.
//
// It is no source of truth and never holds an old row: the committer changes a row here in the
// same step as in the index, both under machine.mu, and readers add what they read from the
// index under the same lock. So nothing has to be dropped when the term changes, as a table
// would that lives with the quorum: a row says what the drive holds, whatever the term.
type table struct {
	memory []byte // of all shards, to be unmapped; nil: on the heap
	shards [tableShards]tableShard
}

// tableShard is a ring of rows and buckets of slots that say where in it the row of a hash may
// be. Positions count bytes since the beginning, so that a slot whose row was overwritten is
// seen to be stale. A row that was asked for since it was written is not overwritten when its
// turn comes but written once more (second chance): registers that are only written do not
// drive out those that are read.
//
// Note: a mutex, since a reader marks its row. A seqlock would have to copy first and check
// afterwards, which the race detector cannot follow.
type tableShard struct {
	mu         sync.Mutex
	ring       []byte
	slots      []byte // buckets of little-endian slots; 0: none
	head, tail uint64 // the ring holds the rows in [tail, head)
}

func newTable(bytes int64) *table {
	t := &table{}
	memory, err := unix.Mmap(-1, 0, int(bytes), unix.PROT_READ|unix.PROT_WRITE,
		unix.MAP_ANON|unix.MAP_PRIVATE)
	if t.memory = memory; err != nil {
		memory = make([]byte, bytes) // as good, but for the garbage collector
	}
	share := int(bytes) / tableShards / bucketBytes * bucketBytes
	slots := bucketBytes
	for slots*tableRowBytes/slotBytes < share {
		slots *= 2
	}
	for i := range t.shards {
		s := &t.shards[i]
		part := memory[i*share : (i+1)*share]
		s.slots, s.ring = part[:slots:slots], part[slots:]
		s.head = uint64(len(s.ring)) // no row is at position 0: that is an empty slot
		s.tail = s.head
	}
	return t
}

// close gives the memory back; afterwards the table is empty and stays so.
func (t *table) close() error {
	for i := range t.shards {
		s := &t.shards[i]
		s.mu.Lock()
		s.ring, s.slots = nil, nil
		s.mu.Unlock()
	}
	if t.memory == nil {
		return nil
	}
	memory := t.memory
	t.memory = nil
	return unix.Munmap(memory)
}

func (t *table) shard(row []byte) (*tableShard, uint64) {
	h := xxh3.Hash(row)
	return &t.shards[h%tableShards], h
}

// get returns a copy of the row's value in memory from alloc (nil: the heap), or nil if the
// row is not here. alloc is called under a lock.
func (t *table) get(row []byte, alloc func(int) []byte) []byte {
	s, h := t.shard(row)
	s.mu.Lock()
	defer s.mu.Unlock()
	_, at := s.find(row, h)
	if at < 0 {
		return nil
	}
	s.ring[at+6] = 1
	value := s.value(at)
	if alloc == nil {
		return append(make([]byte, 0, len(value)), value...)
	}
	p := alloc(len(value))[:len(value):len(value)]
	copy(p, value)
	return p
}

// fill copies a value of just the length of p to it, and reports whether that is here.
func (t *table) fill(row, p []byte) bool {
	s, h := t.shard(row)
	s.mu.Lock()
	defer s.mu.Unlock()
	_, at := s.find(row, h)
	if at < 0 || len(s.value(at)) != len(p) {
		return false
	}
	s.ring[at+6] = 1
	copy(p, s.value(at))
	return true
}

// put keeps a copy of a row, or makes sure that an older value of it is not found.
func (t *table) put(row, value []byte) {
	s, h := t.shard(row)
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.ring) == 0 {
		return // closed
	}
	slot, at := s.find(row, h)
	n := tableRow(len(row), len(value))
	switch {
	case len(value) == 0 || n > len(s.ring)/tableValueShare:
		if at >= 0 {
			clear(slot)
		}
		return
	case at >= 0 && n == tableRow(len(row), len(s.value(at))):
		s.write(at, row, value, h, s.ring[at+6])
		return
	case at >= 0:
		clear(slot) // its old row is dead, and must not move
	}
	s.makeRoom(n)
	s.write(s.place(s.head), row, value, h, 0)
	binary.LittleEndian.PutUint64(s.free(h), slotOf(h, s.head))
	s.head += uint64(n)
}

// tableRow is the length of a row in the ring.
func tableRow(key, value int) int {
	return (tableHeadBytes + key + value + tableUnitBytes - 1) &^ (tableUnitBytes - 1)
}

func slotOf(h, position uint64) uint64 {
	return h>>positionBits<<positionBits | position/tableUnitBytes
}

func (s *tableShard) place(position uint64) int { return int(position % uint64(len(s.ring))) }

// bucket is the slots where a hash may be.
func (s *tableShard) bucket(h uint64) []byte {
	if len(s.slots) == 0 {
		return nil // closed
	}
	at := h / tableShards % uint64(len(s.slots)/bucketBytes) * bucketBytes
	return s.slots[at:][:bucketBytes]
}

// position is where a slot points, if that is still there.
func (s *tableShard) position(slot uint64) (uint64, bool) {
	p := slot & (1<<positionBits - 1) * tableUnitBytes
	return p, p >= s.tail && p < s.head
}

// find returns the slot of a row and its place in the ring, or -1.
func (s *tableShard) find(row []byte, h uint64) (slot []byte, at int) {
	for b := s.bucket(h); len(b) > 0; b = b[slotBytes:] {
		v := binary.LittleEndian.Uint64(b)
		if v>>positionBits != h>>positionBits {
			continue
		}
		if p, ok := s.position(v); ok {
			if at := s.place(p); string(s.key(at)) == string(row) {
				return b[:slotBytes], at
			}
		}
	}
	return nil, -1
}

// free returns a slot for a hash that has none: one that points nowhere, or that of the oldest
// row, of those that nobody asked for if there are any.
func (s *tableShard) free(h uint64) (slot []byte) {
	const asked = 1 << 63
	oldest := uint64(1<<64 - 1)
	for b := s.bucket(h); len(b) > 0; b = b[slotBytes:] {
		p, ok := s.position(binary.LittleEndian.Uint64(b))
		if !ok {
			return b
		}
		if s.ring[s.place(p)+6] != 0 {
			p |= asked
		}
		if p < oldest {
			oldest, slot = p, b
		}
	}
	return slot
}

func (s *tableShard) key(at int) []byte {
	n := int(binary.LittleEndian.Uint16(s.ring[at+4:]))
	return s.ring[at+tableHeadBytes:][:n]
}

func (s *tableShard) value(at int) []byte {
	n := int(binary.LittleEndian.Uint32(s.ring[at:]))
	return s.ring[at+tableHeadBytes+len(s.key(at)):][:n:n]
}

func (s *tableShard) write(at int, row, value []byte, h uint64, asked byte) {
	le := binary.LittleEndian
	le.PutUint32(s.ring[at:], uint32(len(value)))
	le.PutUint16(s.ring[at+4:], uint16(len(row)))
	s.ring[at+6] = asked
	le.PutUint64(s.ring[at+8:], h)
	copy(s.ring[at+tableHeadBytes:], row)
	copy(s.ring[at+tableHeadBytes+len(row):], value)
}

// makeRoom makes the n bytes behind head free and contiguous.
func (s *tableShard) makeRoom(n int) {
	size := len(s.ring)
	for chances := chancesMax; ; {
		need, rest := n, size-s.place(s.head)
		if n > rest {
			need += rest
		}
		if need <= size-int(s.head-s.tail) {
			s.fit(n)
			return
		}
		if s.drop(chances > 0) {
			chances--
		}
	}
}

// fit moves head so that n bytes behind it are contiguous: rows do not wrap.
func (s *tableShard) fit(n int) {
	if at := s.place(s.head); at+n > len(s.ring) {
		clear(s.ring[at:][:tableHeadBytes]) // no key: padding to the ring's end
		s.head += uint64(len(s.ring) - at)
	}
}

// drop takes the oldest row out of the ring. If it may and the row was asked for, it is put
// in again behind the youngest, and drop returns true.
func (s *tableShard) drop(mayKeep bool) bool {
	at := s.place(s.tail)
	key := s.key(at)
	if len(key) == 0 {
		s.tail += uint64(len(s.ring) - at)
		return false
	}
	n := tableRow(len(key), len(s.value(at)))
	h := binary.LittleEndian.Uint64(s.ring[at+8:])
	was := s.tail
	s.tail += uint64(n)
	if !mayKeep || s.ring[at+6] == 0 {
		return false
	}
	slot := s.slotAt(h, was)
	if slot == nil {
		return false
	}
	s.ring[at+6] = 0
	s.fit(n) // what it skips is free: the oldest row is at the ring's beginning then
	copy(s.ring[s.place(s.head):][:n], s.ring[at:][:n])
	binary.LittleEndian.PutUint64(slot, slotOf(h, s.head))
	s.head += uint64(n)
	return true
}

// slotAt returns the slot that points to a position, or nil: the row there is dead.
func (s *tableShard) slotAt(h, position uint64) []byte {
	for b := s.bucket(h); len(b) > 0; b = b[slotBytes:] {
		if binary.LittleEndian.Uint64(b) == slotOf(h, position) {
			return b[:slotBytes]
		}
	}
	return nil
}
