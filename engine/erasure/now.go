package erasure

import (
	"context"

	"flashstore/arena"
	"flashstore/engine/drive"
	"flashstore/engine/object"
)

var _ object.Nearby = (*Store)(nil)

// nowHeadersMax is how many stored headers an object may have to be described without the heap.
const nowHeadersMax = 16

// nearby is the memory of one OpenNow, used again by others. What is found is in memory
// that the caller gave and may be kept as long as that; what describes it is here, until done.
type nearby struct {
	store   *Store
	at      address
	memory  object.Memory
	alloc   func(bytes int) []byte // of memory
	answers []answer
	entries []drive.Entry
	writes  writeSet
	headers [nowHeadersMax]object.Pair

	handle handle
	part   [1]part
	source shardSource
	shards []int
}

// nearby returns memory for a lookup.
func (s *Store) nearby(memory object.Memory) *nearby {
	m, _ := s.nearbys.Get().(*nearby)
	if m == nil {
		m = &nearby{store: s, answers: make([]answer, setDrivesMax),
			entries: make([]drive.Entry, setDrivesMax), shards: make([]int, setDrivesMax)}
		m.alloc = func(bytes int) []byte { return m.memory.Alloc(bytes) }
	}
	m.memory = memory
	return m
}

// done gives m back. Nothing in it may be used any more.
func (m *nearby) done() {
	clear(m.answers)
	clear(m.entries)
	m.memory, m.at = nil, address{}
	m.writes.reset()
	m.handle = handle{bufs: m.handle.bufs[:0]}
	m.part, m.source = [1]part{}, shardSource{}
	m.store.nearbys.Put(m)
}

// OpenNow opens an object whose newest state, and with body its data shards, are in memory on the k
// drives that are asked first; see object.Nearby. Everything else takes the long way.
func (s *Store) OpenNow(name object.BucketName, key object.Key, body bool,
	memory object.Memory) (object.Handle, bool) {
	m := s.nearby(memory)
	w, version := m.resolve(name, key, body)
	if w == nil || !m.describe(w, key) || body && !m.open(w) {
		m.done()
		return nil, false
	}
	m.handle.info.Version = version
	return &m.handle, true
}

// describe makes w the version of the handle; false if its metadata cannot be read.
func (m *nearby) describe(w *write, key object.Key) bool {
	h := &m.handle
	h.set, h.nearby = m.at.set, m
	h.info.Headers = m.headers[:0]
	d := decoder{rest: w.sample.Meta, shared: true}
	if w.sample.Type == drive.TypeManifest {
		d.bytes(uint64(len(uploadID{})))
	}
	err := d.info(&w.sample.Record, &h.info)
	h.info.Key, h.to = key, h.info.SizeBytes
	return err == nil
}

// open finds the body of w; false if not all of its data shards came with the lookup.
func (m *nearby) open(w *write) bool {
	if w.sample.Type == drive.TypeManifest {
		return false
	}
	h, s := &m.handle, m.at.set
	if w.sample.Geometry.Parity != uint8(s.n-s.k) && !w.whole() {
		return false
	}
	m.source = shardSource{set: s, code: s.codecs.standard, write: w, byShard: m.shards[:s.n]}
	m.source.begin()
	m.part[0] = part{size: h.info.SizeBytes, source: &m.source}
	h.parts = m.part[:]
	if w.whole() {
		return true
	}
	for j := range s.k {
		if m.source.byShard[j] < 0 || m.source.entry(j).Inline == nil {
			return false
		}
	}
	return w.sample.ShardBytes <= arena.BlockBytes // one stripe of one column
}

// bucket is one that is known; nil: ask the long way.
func (m *nearby) bucket(name object.BucketName) *bucket {
	s := m.store
	if !s.buckets.mu.TryRLock() {
		return nil
	}
	defer s.buckets.mu.RUnlock()
	return s.buckets.known[name]
}

// resolve finds the write that has the newest version of a key, and its id; nil: ask the long way.
func (m *nearby) resolve(name object.BucketName, key object.Key, inline bool) (*write,
	object.VersionID) {
	b := m.bucket(name)
	switch {
	case b == nil || b.settings.Load().attributed:
		return nil, ""
	case !b.versioned():
		return m.lookUp(m.store.objectAt(b, key), inline), object.Newest
	}
	// That a key has no head is never in memory.
	head := m.lookUp(m.store.headAt(b, key), false)
	if head == nil {
		return nil, ""
	}
	t, err := headTarget(&head.sample.Record)
	if err != nil {
		return nil, ""
	}
	m.next()
	w := m.lookUp(m.store.versionAt(b, key, t.version), inline)
	if w == nil || w.id != t.id {
		return nil, ""
	}
	return w, t.version.String()
}

// next makes room for the next lookup; what the one before found is gone.
func (m *nearby) next() {
	clear(m.answers)
	m.writes.reset()
}

// lookUp is the first step of address.resolve, from memory only; nil: ask the long way.
func (m *nearby) lookUp(at address, inline bool) *write {
	m.at = at
	one, answers := at.set, m.answers[:at.set.n]
	opt := drive.LookupOptions{Inline: inline, NoWait: true, Alloc: m.alloc}
	for i := range one.k {
		at := position(m.at.rotation, i, one.n)
		if one.drive(at) == nil {
			return nil
		}
		opt.Entries = m.entries[i : i : i+1]
		one.askOne(context.Background(), m.at.key, at, &answers[at], opt)
		if !answers[at].answered {
			return nil
		}
	}
	if v := judgeWrites(m.writes.of(answers), answers, one.quorum()); v.final() {
		return content(v.write)
	}
	return nil
}
