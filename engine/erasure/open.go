package erasure

import (
	"context"
	"fmt"
	"io"

	"flashstore/arena"
	"flashstore/engine/drive"
	"flashstore/engine/object"
)

// handle is an open version. Its arena holds inline shards; its pins keep the bulk shards of a
// version that is overwritten or deleted meanwhile.
type handle struct {
	store   *Store
	info    object.Info
	scratch arena.Arena
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
	source      *shardSource // nil until reached
	key         drive.Key    // register of a multipart part
	id          drive.WriteID
}

var _ object.Handle = (*handle)(nil)

// Open opens the newest version of key; see object.Objects.
func (s *Store) Open(ctx context.Context, name object.BucketName,
	key object.Key) (object.Handle, error) {
	b, err := s.bucket(ctx, name)
	if err != nil {
		return nil, err
	}
	h := &handle{store: s}
	if err := h.open(ctx, b, name, key); err != nil {
		h.Close()
		return nil, err
	}
	h.info.Key = key
	h.to = h.info.SizeBytes
	return h, nil
}

func (h *handle) open(ctx context.Context, b *bucket, name object.BucketName,
	key object.Key) error {
	s := h.store
	crc := slot(string(name), string(key))
	rot := rotation(crc, s.n)
	h.scratch = s.cfg.Allocator.NewArena(int(crc))
	opt := drive.LookupOptions{Inline: true, Alloc: h.scratch.Alloc}
	w, err := s.resolve(ctx, objectKey(b, key), rot, opt)
	if err == nil && w != nil && !w.whole() && w.sample.Inline == nil ||
		err == nil && w != nil && w.sample.Type == drive.TypeManifest {
		// Bulk shards: pin first, then look again, so that nothing found can go away.
		h.pin()
		w, err = s.resolve(ctx, objectKey(b, key), rot, drive.LookupOptions{})
	}
	switch {
	case err != nil:
		return err
	case w == nil:
		return fmt.Errorf("%w: %s", object.ErrNoSuchKey, key)
	case w.sample.Type == drive.TypeManifest:
		return h.useManifest(b, &w.sample.Record)
	}
	_, err = readInfo(&w.sample.Record, w.sample.Meta, &h.info)
	h.parts = []part{{size: h.info.SizeBytes, source: newShardSource(s, w)}}
	return err
}

func (h *handle) pin() {
	for _, d := range h.store.cfg.Drives {
		if p, ok := d.(drive.Pinner); ok {
			h.pins = append(h.pins, p.Pin())
		}
	}
}

func (h *handle) useManifest(b *bucket, r *drive.Record) error {
	parts, err := readManifest(r, &h.info)
	if err != nil {
		return err
	}
	upload, _ := manifestUpload(r)
	begin := int64(0)
	for _, p := range parts {
		h.parts = append(h.parts, part{begin: begin, size: p.size, id: p.id,
			key: partKey(b, upload, p.number)})
		begin += p.size
	}
	return nil
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

// Next returns the next stripe of the range, or what of it lies inside.
func (h *handle) Next(ctx context.Context) ([][]byte, error) {
	h.release()
	if h.from >= h.to {
		return nil, io.EOF
	}
	p, err := h.partAt(ctx, h.from)
	if err != nil {
		return nil, err
	}
	layout := h.store.codec.Layout
	at := h.from - p.begin
	stripe := at / layout.StripeBytes()
	dataBytes, shardBytes := layout.StripeAt(p.size, stripe)
	begin := stripe * layout.StripeBytes() // of the stripe, within the part
	lo, hi := at-begin, min(dataBytes, h.to-p.begin-begin)
	if h.cutInline(p.source, lo, hi, shardBytes) {
		h.from += hi - lo
		return h.bufs, nil
	}
	want := h.wanted(lo, hi, shardBytes)
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
	want := make([]span, h.store.n)
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

// partAt finds the part that holds byte at of the object, and looks it up when first reached.
func (h *handle) partAt(ctx context.Context, at int64) (*part, error) {
	for len(h.parts) > 1 && at >= h.parts[0].begin+h.parts[0].size {
		h.parts = h.parts[1:]
	}
	p := &h.parts[0]
	if p.source != nil {
		return p, nil
	}
	w, err := h.store.resolve(ctx, p.key, partRotation(p.key, h.store.n),
		drive.LookupOptions{Inline: true})
	if err != nil {
		return nil, err
	}
	if w == nil || w.id != p.id {
		return nil, fmt.Errorf("%w: part %x of the manifest is not there", object.ErrDamaged,
			p.id)
	}
	p.source = newShardSource(h.store, w)
	return p, nil
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
}
