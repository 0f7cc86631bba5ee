package drivetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"reflect"

	"flashstore/engine/drive"
)

// memory is a caller's memory for lookups, used again and again: full of foreign bytes.
type memory struct {
	bytes   []byte
	used    int
	entries []drive.Entry
}

// options are for the next lookup; what the last one answered is overwritten.
func (m *memory) options() drive.LookupOptions {
	for i := range m.bytes {
		m.bytes[i] = 0xA5
	}
	foreign := bytes.Repeat([]byte{0x5A}, 9)
	for i := range m.entries[:cap(m.entries)] {
		m.entries[:cap(m.entries)][i] = drive.Entry{Settled: true, Record: drive.Record{Meta: foreign,
			Inline: foreign, Bulk: foreign, SizeBytes: -1, Key: key("foreign"), Version: id(99)}}
	}
	m.used = 0
	return drive.LookupOptions{Inline: true, Entries: m.entries, Alloc: m.alloc}
}

func (m *memory) alloc(n int) []byte {
	p := m.bytes[m.used : m.used+n]
	m.used += n
	return p
}

// testReusedMemory: an answer in memory of the caller is the answer on the heap, whatever was
// there before, and the drive keeps nothing of that memory.
func testReusedMemory(h *harness) {
	names := []string{"absent", "bulk", "three", "large", "empty", "settled"}
	large, settled := put("large", 6, pattern(6, 100<<10)), put("settled", 8, pattern(8, 2048))
	large.Meta = pattern(7, 3000)
	empty := put("empty", 7, nil)
	empty.Meta = nil
	for _, r := range []*drive.Record{h.bulk("bulk", 1, pattern(1, 200<<10)),
		put("three", 2, pattern(2, 10)), put("three", 5, pattern(5, 5000)), put("three", 3, nil),
		large, empty, settled, about(settled, drive.TypeSettle)} {
		h.must(h.commit(r))
	}
	for _, entries := range []int{0, 1, 4} {
		m := &memory{bytes: make([]byte, 1<<20), entries: make([]drive.Entry, 0, entries)}
		for round := range 4 * len(names) {
			name := names[round*5%len(names)]
			want := h.lookup(key(name))
			opt := m.options()
			opt.NoWait = round%2 == 1
			have, err := h.Lookup(context.Background(), key(name), opt)
			if opt.NoWait && errors.Is(err, drive.ErrWouldBlock) {
				continue
			}
			h.must(err)
			what := fmt.Sprintf("%q with room for %d entries", name, entries)
			if len(have.Entries) != len(want.Entries) || len(want.Entries) > 0 &&
				!reflect.DeepEqual(have, want) {
				h.Fatalf("%s is\n%+v, want\n%+v", what, have, want)
			}
			if e := have.Newest(); e != nil && len(e.Inline) > 0 && m.used < len(e.Inline) {
				h.Fatalf("%s: Alloc was not used", what)
			}
			if e := have.Newest(); e != nil && entries >= len(have.Entries) &&
				e != &m.entries[:1][0] {
				h.Fatalf("%s: Entries was not used", what)
			}
			m.options()
			if now := h.lookup(key(name)); !reflect.DeepEqual(now, want) {
				h.Fatalf("%s: the drive kept memory of the caller", what)
			}
		}
	}
}
