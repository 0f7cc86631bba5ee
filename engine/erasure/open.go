package erasure

import (
	"context"
	"errors"
	"fmt"
	"io"

	"flashstore/arena"
	"flashstore/engine/drive"
	"flashstore/engine/object"
)

// handle is an open version. Its arena holds inline shards; its pins keep the bulk shards of a
// version that is overwritten or deleted meanwhile.
type handle struct {
	set     *set
	info    object.Info
	id      drive.WriteID
	scratch arena.Arena
	nearby  *nearby // that the handle is part of, if it is
	pins    []func()
	// parts are the shards in order: one source for an object, one per part for a manifest.
	parts   []part
	from    int64 // of the range not yet returned
	to      int64
	current *fetched
	bufs    [][]byte
}

// part is one run of an object's bytes with a stripe layout of its own.
type part struct {
	begin, size int64
	number      int // of a part of an upload
	source      *shardSource
}

var _ object.Handle = (*handle)(nil)

// Open opens a version; see object.Objects.
func (s *Store) Open(ctx context.Context, ref object.Ref) (object.Handle, error) {
	b, err := s.bucket(ctx, ref.Bucket)
	if err != nil {
		return nil, err
	}
	if b.plain() && (ref.Version == object.Newest || ref.Version == object.NullVersion) {
		return s.openRegister(ctx, b, ref.Key, s.objectAt(b, ref.Key))
	}
	for range findTries {
		t, err := s.find(ctx, b, ref)
		if err == nil {
			err = t.missing(ref)
		}
		if err != nil {
			return nil, err
		}
		h, err := s.openRegister(ctx, b, ref.Key, s.versionAt(b, ref.Key, t.version))
		switch {
		case err == nil && h.id == t.id:
			h.info = t.info
			return h, nil
		case err == nil:
			h.Close()
		case !errors.Is(err, object.ErrNoSuchKey):
			return nil, err
		}
	}
	return nil, fmt.Errorf("%w: %s changes faster than it can be opened", object.ErrUnavailable,
		ref.Key)
}

// openRegister opens what is in the register of a version of key. Errors: object.ErrNoSuchKey if
// that is nothing.
func (s *Store) openRegister(ctx context.Context, b *bucket, key object.Key,
	at address) (*handle, error) {
	h := &handle{set: at.set}
	if err := h.open(ctx, s, b, key, at); err != nil {
		h.Close()
		return nil, err
	}
	h.info.Key = key
	h.to = h.info.SizeBytes
	return h, nil
}

// openTries is how often an object may change under a GET that looks for its parts.
const openTries = 5

func (h *handle) open(ctx context.Context, s *Store, b *bucket, key object.Key,
	at address) error {
	h.scratch = h.set.memory.NewArena(at.rotation)
	w, err := at.resolve(ctx, drive.LookupOptions{Inline: true, Alloc: h.scratch.Alloc})
	switch {
	case err != nil:
		return err
	case w == nil:
		return fmt.Errorf("%w: %s", object.ErrNoSuchKey, key)
	case w.inMemory():
		return h.useObject(w)
	}
	// Shards on the drives: pin first, then look, so that nothing found can go away.
	h.pin()
	for range openTries {
		w, err = at.resolve(ctx, drive.LookupOptions{Inline: true})
		switch {
		case err != nil:
			return err
		case w == nil:
			return fmt.Errorf("%w: %s", object.ErrNoSuchKey, key)
		case w.sample.Type != drive.TypeManifest:
			return h.useObject(w)
		}
		if whole, err := h.useManifest(ctx, s, b, key, &w.sample.Record); err != nil || whole {
			return err
		}
	}
	return fmt.Errorf("%w: %s changes faster than it can be opened", object.ErrUnavailable, key)
}

// inMemory reports whether the lookup brought everything.
func (w *write) inMemory() bool {
	return w.sample.Type != drive.TypeManifest && (w.whole() || w.sample.Inline != nil)
}

func (h *handle) useObject(w *write) error {
	h.id = w.id
	_, err := readInfo(&w.sample.Record, w.sample.Meta, &h.info)
	if err != nil {
		return err
	}
	src, err := newShardSource(h.set, w)
	h.parts = []part{{size: h.info.SizeBytes, source: src}}
	return err
}

func (h *handle) pin() {
	for i := range h.set.slots {
		if p, ok := h.set.drive(i).(drive.Pinner); ok {
			h.pins = append(h.pins, p.Pin())
		}
	}
}

// useManifest finds all parts of a manifest. false: some are gone, so the manifest is no longer
// the newest state. Parts are looked up now, since the drives drop their registers, though not
// their pinned shards, as soon as the object is overwritten or deleted.
func (h *handle) useManifest(ctx context.Context, s *Store, b *bucket, key object.Key,
	r *drive.Record) (bool, error) {
	h.info, h.id = object.Info{}, r.WriteID
	parts, err := readManifest(r, &h.info)
	if err != nil {
		return false, err
	}
	upload, _ := manifestUpload(r)
	stored := make(map[string]*write, len(parts))
	q := walkQuery{space: drive.SpacePart, bucket: b.id, prefix: string(upload[:]),
		hint: len(parts)}
	err = walkSets(ctx, []*set{h.set}, q, func(name string, w *write) (string, bool, error) {
		stored[name] = w.clone()
		return "", true, nil
	})
	if err != nil {
		return false, err
	}
	begin := int64(0)
	h.parts = make([]part, 0, len(parts))
	for _, p := range parts {
		where := s.partAt(b, key, upload, p.number)
		w := stored[where.key.Name]
		if w != nil && !w.whole() && len(w.sample.Bulk) == 0 {
			// Small enough to travel in the record, so it goes with the register.
			w, err = where.resolve(ctx, drive.LookupOptions{Inline: true})
		}
		if err != nil || w == nil || w.id != p.id {
			return false, err
		}
		src, err := newShardSource(h.set, w)
		if err != nil {
			return false, err
		}
		h.parts = append(h.parts, part{begin: begin, size: p.size, number: p.number, source: src})
		begin += p.size
	}
	return true, nil
}

// Info describes the version.
func (h *handle) Info() object.Info { return h.info }

// Select chooses a range.
func (h *handle) Select(offsetBytes, lengthBytes int64) error {
	if offsetBytes < 0 || lengthBytes < 0 || offsetBytes > h.info.SizeBytes-lengthBytes {
		return fmt.Errorf("erasure: range %d+%d of %d bytes", offsetBytes, lengthBytes,
			h.info.SizeBytes)
	}
	h.from, h.to = offsetBytes, offsetBytes+lengthBytes
	return nil
}

// Part says where a part lies; see object.Handle.
func (h *handle) Part(number int) (offsetBytes, lengthBytes int64, ok bool) {
	for i := range h.parts {
		if p := &h.parts[i]; p.number == number && number > 0 {
			return p.begin, p.size, true
		}
	}
	return 0, 0, false
}

// crowdedBytes is how much of a body is in memory at a time where many clients are slow to take
// theirs.
const crowdedBytes = arena.BlockBytes

// Next returns the next stripe of the range, or what of it lies inside; less where memory is short.
func (h *handle) Next(ctx context.Context) ([][]byte, error) {
	h.release()
	if h.from >= h.to {
		return nil, io.EOF
	}
	p := h.partAt(h.from)
	layout := p.source.code.Layout
	at := h.from - p.begin
	stripe := at / layout.StripeBytes()
	dataBytes, shardBytes := layout.StripeAt(p.size, stripe)
	begin := stripe * layout.StripeBytes() // of the stripe, within the part
	lo, hi := at-begin, min(dataBytes, h.to-p.begin-begin)
	if h.set.reads.Crowded() {
		hi = min(hi, (lo/crowdedBytes+1)*crowdedBytes)
	}
	if h.cutInline(p.source, lo, hi, shardBytes) {
		h.from += hi - lo
		return h.bufs, nil
	}
	want := h.wanted(lo, hi, shardBytes)
	var err error
	if h.current, err = p.source.fetch(ctx, stripe, shardBytes, want); err != nil {
		return nil, err
	}
	h.cut(lo, hi, shardBytes, want)
	h.from += hi - lo
	return h.bufs, nil
}

// cutInline lines up bytes [lo, hi) of an object whose data shards came with the lookup, and
// reports whether they all did.
func (h *handle) cutInline(src *shardSource, lo, hi, shardBytes int64) bool {
	for j := lo / shardBytes; j <= (hi-1)/shardBytes; j++ {
		if src.byShard[j] < 0 || src.entry(int(j)).Inline == nil {
			h.bufs = h.bufs[:0]
			return false
		}
		shard := src.entry(int(j)).Inline
		h.bufs = append(h.bufs, shard[max(lo-j*shardBytes, 0):min(hi-j*shardBytes, shardBytes)])
	}
	return true
}

// wanted is the spans of the data shards that hold bytes [lo, hi) of a stripe.
func (h *handle) wanted(lo, hi, shardBytes int64) []span {
	want := make([]span, h.set.n)
	for j := lo / shardBytes; j <= (hi-1)/shardBytes; j++ {
		a, b := max(lo-j*shardBytes, 0), min(hi-j*shardBytes, shardBytes)
		want[j] = span{int(a / arena.BlockBytes), columnsOf(b)}
	}
	return want
}

// cut lines up the slices of bytes [lo, hi) of the fetched stripe.
func (h *handle) cut(lo, hi, shardBytes int64, want []span) {
	for j, w := range want {
		for c := w.from; c < w.to; c++ {
			chunk := h.current.chunks[j][c-w.from]
			begin := int64(j)*shardBytes + int64(c)*arena.BlockBytes
			a := min(max(lo-begin, 0), int64(len(chunk)))
			b := min(max(hi-begin, 0), int64(len(chunk)))
			if a < b {
				h.bufs = append(h.bufs, chunk[a:b])
			}
		}
	}
}

// partAt finds the part that holds byte at of the object.
func (h *handle) partAt(at int64) *part {
	for len(h.parts) > 1 && at >= h.parts[0].begin+h.parts[0].size {
		h.parts = h.parts[1:]
	}
	return &h.parts[0]
}

func (h *handle) release() {
	if h.current != nil {
		h.current.memory.drop()
		h.current = nil
	}
	clear(h.bufs)
	h.bufs = h.bufs[:0]
}

// Close gives back memory and pins.
func (h *handle) Close() {
	h.release()
	for _, unpin := range h.pins {
		unpin()
	}
	h.pins = nil
	if h.scratch != nil {
		h.scratch.Reset()
		h.scratch = nil
	}
	if m := h.nearby; m != nil {
		m.done()
	}
}
