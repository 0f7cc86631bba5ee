package erasure

import (
	"context"

	"flashstore/arena"
	"flashstore/engine/drive"
	"flashstore/engine/object"
)

var _ object.Nearby = (*Store)(nil)

// OpenNow opens an object whose newest state and data shards are in memory on the k drives that
// are asked first; see object.Nearby. Everything else takes the long way.
func (s *Store) OpenNow(name object.BucketName, key object.Key) (object.Handle, bool) {
	crc := slot(string(name), string(key))
	h := &handle{store: s, scratch: s.cfg.Allocator.NewArena(int(crc))}
	w := s.resolveNow(name, key, rotation(crc, s.n),
		drive.LookupOptions{Inline: true, NoWait: true, Alloc: h.scratch.Alloc})
	if w == nil || w.sample.Type == drive.TypeManifest || !h.use(w, key) {
		h.Close()
		return nil, false
	}
	return h, true
}

// use takes w as the version of the handle, if all of its data shards came with the lookup.
func (h *handle) use(w *write, key object.Key) bool {
	if _, err := readInfo(&w.sample.Record, w.sample.Meta, &h.info); err != nil {
		return false
	}
	h.info.Key, h.to = key, h.info.SizeBytes
	h.parts = []part{{size: h.info.SizeBytes, source: newShardSource(h.store, w)}}
	if w.whole() {
		return true
	}
	for j := range h.store.k {
		src := h.parts[0].source
		if src.byShard[j] < 0 || src.entry(j).Inline == nil {
			return false
		}
	}
	return w.sample.ShardBytes <= arena.BlockBytes // one stripe of one column
}

// StatNow describes an object whose newest state is in memory; see object.Nearby.
func (s *Store) StatNow(name object.BucketName, key object.Key) (object.Info, bool) {
	rot := rotation(slot(string(name), string(key)), s.n)
	w := s.resolveNow(name, key, rot, drive.LookupOptions{NoWait: true})
	if w == nil {
		return object.Info{}, false
	}
	info, err := recordInfo(&w.sample.Record)
	info.Key = key
	return info, err == nil
}

// resolveNow is the first step of resolve, from memory only. nil: ask the long way.
func (s *Store) resolveNow(name object.BucketName, key object.Key, rot int,
	opt drive.LookupOptions) *write {
	if !s.buckets.mu.TryRLock() {
		return nil
	}
	b := s.buckets.known[name]
	s.buckets.mu.RUnlock()
	if b == nil {
		return nil
	}
	register := objectKey(b, key)
	answers := make([]answer, s.n)
	entries := make([]drive.Entry, s.k)
	for i := range s.k {
		at := position(rot, i, s.n)
		if s.cfg.Drives[at] == nil {
			return nil
		}
		opt.Entries = entries[i : i : i+1]
		s.askOne(context.Background(), register, at, &answers[at], opt)
		if !answers[at].answered {
			return nil
		}
	}
	if v := judge(answers, s.k, s.w); v.final() {
		return v.live()
	}
	return nil
}
