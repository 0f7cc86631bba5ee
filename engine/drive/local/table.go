package local

import (
	"encoding/binary"
	"sync"

	"github.com/zeebo/xxh3"
)

const (
	tableShards     = 16
	tableHeadBytes  = 8   // lengths of key and value
	tableRowBytes   = 256 // expected of key and value, to size the slots
	tableValueShare = 16  // a row longer than a shard / 16 is not kept
)

// table keeps the rows of registers that were settled or looked up last, so that a hot
// lookup does not reach Pebble. It has no pointers for the garbage collector to follow.
//
// It is no source of truth: the committer updates it in the same step as the index, and
// readers fill it under the same lock (machine.mu), so it never holds an old row.
type table struct{ shards [tableShards]tableShard }

// tableShard is a ring of rows, oldest overwritten first, with slots that say where the row
// of a hash is. Positions count bytes since the beginning, so that a slot whose row was
// overwritten is seen to be stale.
type tableShard struct {
	mu    sync.Mutex
	ring  []byte
	slots []uint64 // position + 1 of a row; 0: none
	next  uint64   // position of the next row
}

func newTable(bytes int64) *table {
	t := &table{}
	slots := 1
	for int64(slots)*tableRowBytes*tableShards < bytes {
		slots *= 2
	}
	for i := range t.shards {
		t.shards[i].ring = make([]byte, bytes/tableShards)
		t.shards[i].slots = make([]uint64, slots)
	}
	return t
}

func (t *table) shard(row []byte) (*tableShard, uint64) {
	h := xxh3.Hash(row)
	return &t.shards[h%tableShards], h / tableShards
}

// get returns a copy of the row's value, or nil.
func (t *table) get(row []byte) []byte {
	s, h := t.shard(row)
	s.mu.Lock()
	defer s.mu.Unlock()
	value := s.find(row, s.slots[h%uint64(len(s.slots))])
	if value == nil {
		return nil
	}
	return append(make([]byte, 0, len(value)), value...)
}

// find returns the value at a slot's position if it is that of row; it aliases the ring.
func (s *tableShard) find(row []byte, slot uint64) []byte {
	if slot == 0 || s.next-(slot-1) > uint64(len(s.ring)) {
		return nil
	}
	at := int((slot - 1) % uint64(len(s.ring)))
	key := int(binary.LittleEndian.Uint32(s.ring[at:]))
	value := int(binary.LittleEndian.Uint32(s.ring[at+4:]))
	at += tableHeadBytes
	if string(s.ring[at:at+key]) != string(row) {
		return nil
	}
	return s.ring[at+key : at+key+value]
}

// put keeps a copy of a row, or makes sure that an older value of it is not found.
func (t *table) put(row, value []byte) {
	s, h := t.shard(row)
	s.mu.Lock()
	defer s.mu.Unlock()
	slot := &s.slots[h%uint64(len(s.slots))]
	n := tableHeadBytes + len(row) + len(value)
	if len(value) == 0 || n > len(s.ring)/tableValueShare {
		if s.find(row, *slot) != nil {
			*slot = 0
		}
		return
	}
	size := uint64(len(s.ring))
	if at := s.next % size; at+uint64(n) > size { // rows do not wrap
		s.next += size - at
	}
	at := s.next % size
	p := s.ring[at : at+uint64(n)]
	binary.LittleEndian.PutUint32(p, uint32(len(row)))
	binary.LittleEndian.PutUint32(p[4:], uint32(len(value)))
	copy(p[tableHeadBytes:], row)
	copy(p[tableHeadBytes+len(row):], value)
	*slot = s.next + 1
	s.next += uint64(n)
}
