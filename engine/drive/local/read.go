package local

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"

	"flashstore/engine/drive"
	"flashstore/ioengine"
)

var errShardSum = errors.New("a checksum does not match")

// source is a shard that can be read: its length, where its bytes are, and its checksums.
type source struct {
	class      ioengine.Class
	shardBytes int64
	// locate cuts a range into places, in order.
	locate func(offsetBytes, lengthBytes int64, f func(at extent))
	// file returns the buffered file of a segment until release.
	file      func(segment uint64) (ioengine.File, func(), error)
	name      func(segment uint64) string
	algorithm algorithm
	sums      []byte
	at        location      // of an inline shard
	place     drive.BulkRef // of a bulk shard
	ref       *bulkRef      // set if the checksum table is external
	dataEnd   int64         // where the external table begins
}

// Read fills dst from the shard of e; see package drive.
func (d *Drive) Read(ctx context.Context, e *drive.Entry, dst [][]byte, offsetBytes int64) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := d.enter(); err != nil {
		return err
	}
	defer d.leave()
	for {
		src, err := d.source(e)
		if err != nil {
			return err
		}
		src.class = classOf(ctx)
		err = d.readShard(src, dst, offsetBytes)
		if err == nil {
			return nil
		}
		now, gone := d.find(e)
		if errors.Is(gone, drive.ErrNotHere) {
			return gone // released and given back meanwhile
		}
		if errors.Is(err, drive.ErrNotHere) && gone == nil && src.holds(now) {
			return fmt.Errorf("%w: a register refers to a file that is missing, bring it back: %v",
				drive.ErrCorrupt, err)
		}
		if gone != nil || src.holds(now) {
			return err
		}
		// Compaction moved it meanwhile.
		e = &drive.Entry{Record: now.Record, Settled: now.settled}
	}
}

// source finds the shard of an entry: a bulk shard by its reference, an inline one by the
// index, which knows its place in the log.
func (d *Drive) source(e *drive.Entry) (*source, error) {
	if len(e.Bulk) == 0 {
		have, err := d.find(e)
		if err != nil {
			return nil, err
		}
		return d.inlineSource(have), nil
	}
	ref, err := parseBulkRef(e.Bulk)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", drive.ErrCorrupt, err)
	}
	s := &source{shardBytes: ref.shardBytes, locate: ref.locate,
		algorithm: ref.algorithm, sums: ref.sums,
		name: d.bulk.name, place: e.Bulk}
	s.file = func(segment uint64) (ioengine.File, func(), error) {
		g, err := d.bulk.acquire(segment)
		if err != nil {
			return nil, nil, err
		}
		return g.read, func() { d.bulk.done(g) }, nil
	}
	if ref.external {
		s.ref = &ref
		s.dataEnd, _ = bulkLayout(ref.shardBytes, ref.algorithm)
	}
	return s, nil
}

func (d *Drive) inlineSource(e *entry) *source {
	return &source{shardBytes: e.ShardBytes, algorithm: e.algorithm, sums: e.sums, name: d.log.name,
		at: e.at,
		locate: func(offset, length int64, f func(extent)) {
			f(extent{e.at.segment, e.at.offsetBytes + offset, length})
		},
		file: func(segment uint64) (ioengine.File, func(), error) {
			r, err := d.log.acquire(segment)
			if err != nil {
				return nil, nil, err
			}
			return r.file, r.release, nil
		}}
}

// holds reports whether the shard is where e says.
func (s *source) holds(e *entry) bool {
	if e.shard == shardBulk {
		return bytes.Equal(s.place, e.Bulk)
	}
	return s.at == e.at
}

// find returns e as the index has it now, or drive.ErrNotHere.
func (d *Drive) find(e *drive.Entry) (*entry, error) {
	value, err := d.row(&e.Key, false, nil)
	if err != nil {
		return nil, err
	}
	if value != nil {
		c, err := parseChain(&e.Key, value, nil)
		if err != nil {
			return nil, d.corrupt(&e.Key, err)
		}
		if i := c.find(e.WriteID); i >= 0 {
			return &c.entries[i], nil
		}
	}
	return nil, fmt.Errorf("%w: the write was released", drive.ErrNotHere)
}

// readShard fills dst and verifies it: through the page cache first, and once more from the
// device before it calls a chunk corrupt.
func (d *Drive) readShard(s *source, dst [][]byte, offsetBytes int64) error {
	total := int64(0)
	for _, b := range dst {
		total += int64(len(b))
	}
	end := offsetBytes + total
	if offsetBytes < 0 || offsetBytes%drive.ChunkBytes != 0 || end > s.shardBytes ||
		end < s.shardBytes && end%drive.ChunkBytes != 0 {
		return fmt.Errorf("local: read of %d+%d in a shard of %d bytes", offsetBytes, total,
			s.shardBytes)
	}
	if total == 0 {
		return nil
	}
	d.counters.reads.Add(1)
	sums, err := d.sumsOf(s, offsetBytes, end)
	if err != nil {
		return err
	}
	return d.readChecked(s, dst, offsetBytes, func() int { return s.badChunks(sums, dst) })
}

// readChecked reads buffered, then direct, until bad finds nothing wrong.
func (d *Drive) readChecked(s *source, dst [][]byte, offsetBytes int64, bad func() int) error {
	err := d.fill(s, dst, offsetBytes)
	if err == nil && bad() == 0 || errors.Is(err, drive.ErrNotHere) {
		return err
	}
	var at extent
	s.locate(offsetBytes, 1, func(x extent) { at = x })
	if err := d.fillDirect(s, dst, offsetBytes); err != nil {
		if errors.Is(err, io.ErrUnexpectedEOF) {
			err = errors.New("the file is cut short")
		}
		return fmt.Errorf("%w: %s, from %d on: %w", drive.ErrCorrupt, s.name(at.segment),
			at.offsetBytes, err)
	}
	if n := bad(); n > 0 {
		d.counters.corruptChunks.Add(uint64(n))
		return fmt.Errorf("%w: %w: %d chunks at %s, from %d on", drive.ErrCorrupt, errShardSum,
			n, s.name(at.segment), at.offsetBytes)
	}
	return nil
}

// sumsOf returns the checksums of the chunks in [offsetBytes, end), read from behind the data
// if the shard is long.
func (d *Drive) sumsOf(s *source, offsetBytes, end int64) ([]byte, error) {
	first, last := offsetBytes/drive.ChunkBytes, (end+drive.ChunkBytes-1)/drive.ChunkBytes
	perSum, chunksPerBlock := s.algorithm.sumBytes(), s.algorithm.chunksPerBlock()
	if s.ref == nil {
		return s.sums[first*perSum : last*perSum], nil
	}
	from, to := first/chunksPerBlock, (last+chunksPerBlock-1)/chunksPerBlock
	table := make([]byte, (to-from)*tableBlockBytes)
	dst := [][]byte{table}
	err := d.readChecked(s, dst, s.dataEnd+from*tableBlockBytes, func() (bad int) {
		for i := from; i < to; i++ {
			block := table[(i-from)*tableBlockBytes:][:tableBlockBytes]
			if !s.algorithm.matches(s.ref.sums[i*perSum:][:perSum], block) {
				bad++
			}
		}
		return bad
	})
	first -= from * chunksPerBlock
	last -= from * chunksPerBlock
	return table[first*perSum : last*perSum], err
}

func (s *source) badChunks(sums []byte, dst [][]byte) (bad int) {
	have := summer{algorithm: s.algorithm, sums: make([]byte, 0, len(sums))}
	for _, b := range dst {
		have.write(b)
	}
	have.finish()
	n := int(s.algorithm.sumBytes())
	for i := 0; i < len(sums); i += n {
		if !bytes.Equal(sums[i:i+n], have.sums[i:i+n]) {
			bad++
		}
	}
	return bad
}

// fill reads dst buffered: what the page cache has is copied here, the rest is one batch.
func (d *Drive) fill(s *source, dst [][]byte, at int64) (err error) {
	var ops []ioengine.Op
	var release []func()
	defer func() {
		for _, f := range release {
			f()
		}
	}()
	var file ioengine.File
	segment, cached := uint64(0), true
	for _, b := range dst {
		s.locate(at, int64(len(b)), func(x extent) {
			at += x.lengthBytes
			p := b[:x.lengthBytes]
			b = b[x.lengthBytes:]
			if err != nil {
				return
			}
			if file == nil || segment != x.segment {
				var f func()
				if file, f, err = s.file(x.segment); err != nil {
					return
				}
				segment, release = x.segment, append(release, f)
			}
			if cached {
				if cached, err = d.config.Engine.ReadCached(file, p, x.offsetBytes); cached || err != nil {
					return
				}
			}
			ops = joinRead(ops, file, p, x.offsetBytes)
		})
	}
	if err != nil || len(ops) == 0 {
		return err
	}
	return ioengine.Run(d.config.Engine, s.class, ops...)
}

// joinRead appends a read to ops, or to the last of them if it goes on where that ends.
func joinRead(ops []ioengine.Op, f ioengine.File, p []byte, offsetBytes int64) []ioengine.Op {
	if len(ops) > 0 {
		last := &ops[len(ops)-1]
		have := int64(0)
		for _, b := range last.Bufs {
			have += int64(len(b))
		}
		if last.File == f && last.OffsetBytes+have == offsetBytes &&
			have+int64(len(p)) <= opBytesMax {
			last.Bufs = append(last.Bufs, p)
			return ops
		}
	}
	return append(ops, ioengine.Op{Kind: ioengine.Read, File: f, Bufs: [][]byte{p},
		OffsetBytes: offsetBytes})
}

// fillDirect reads dst past the page cache.
func (d *Drive) fillDirect(s *source, dst [][]byte, at int64) (err error) {
	for _, b := range dst {
		s.locate(at, int64(len(b)), func(x extent) {
			if err == nil {
				err = d.readDirect(s, s.name(x.segment), b[:x.lengthBytes], x.offsetBytes)
			}
			b = b[x.lengthBytes:]
			at += x.lengthBytes
		})
	}
	return err
}

// readDirect reads p from a place of any alignment with O_DIRECT.
func (d *Drive) readDirect(s *source, path string, p []byte, offsetBytes int64) error {
	e := d.config.Engine
	f, err := e.Files().Open(path, ioengine.OpenFlags{Direct: true})
	if err != nil {
		return err
	}
	defer f.Close()
	begin := offsetBytes / blockBytes * blockBytes
	whole := alignedBytes(int(blocks(offsetBytes + int64(len(p)) - begin)))
	if err := ioengine.Run(e, s.class, ioengine.Op{Kind: ioengine.Read, File: f,
		Bufs: [][]byte{whole}, OffsetBytes: begin}); err != nil {
		return err
	}
	copy(p, whole[offsetBytes-begin:])
	return nil
}
