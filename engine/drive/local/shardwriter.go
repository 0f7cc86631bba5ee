package local

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"flashstore/engine/drive"
	"flashstore/ioengine"
)

const opBytesMax = 512 << 10 // larger operations leave io_uring's fast path

// shardWriter streams one shard into its extents.
type shardWriter struct {
	drive *Drive
	class ioengine.Class // of its writes
	ref   bulkRef
	taken int64 // bytes of the shard passed to Write
	told  int64 // bytes of the shard passed to Sum or Write; Sum may be ahead of Write
	sums  summer

	mu      sync.Mutex
	idle    sync.Cond
	pending int // writes the engine works on
	err     error
	state   writerState
}

type writerState uint8

const (
	writing writerState = iota
	sealed
	over
)

var _ drive.ShardWriter = (*shardWriter)(nil)

// classOf is the class of I/O that serves the purpose of ctx.
func classOf(ctx context.Context) ioengine.Class {
	switch drive.PurposeOf(ctx) {
	case drive.Repair:
		return ioengine.Repair
	case drive.Scrub:
		return ioengine.Scrub
	}
	return ioengine.Foreground
}

// Create reserves space for a shard and opens its writer.
func (d *Drive) Create(ctx context.Context, shardBytes int64) (drive.ShardWriter, error) {
	if err := d.enterWrite(); err != nil {
		return nil, err
	}
	defer d.leave()
	if shardBytes <= 0 || shardBytes > shardBytesMax {
		return nil, fmt.Errorf("local: a bulk shard of %d bytes", shardBytes)
	}
	data, table := bulkLayout(shardBytes, d.algorithm)
	if err := d.roomFor(0); err != nil { // of a segment's space some is reserved already
		return nil, err
	}
	list, err := d.bulk.reserve(data + table)
	if err != nil {
		return nil, d.wrote(err)
	}
	w := &shardWriter{drive: d, class: classOf(ctx), ref: bulkRef{shardBytes: shardBytes,
		algorithm: d.algorithm, extents: list, external: table > 0}}
	w.sums = summer{algorithm: d.algorithm,
		sums: make([]byte, 0, d.algorithm.tableBytes(shardBytes))}
	w.idle.L = &w.mu
	return w, nil
}

// Sum computes the checksum of the next chunk, or leaves it to Write.
func (w *shardWriter) Sum(chunk []byte) {
	end := w.told + int64(len(chunk))
	if end > w.ref.shardBytes || len(chunk) > drive.ChunkBytes ||
		len(chunk) != drive.ChunkBytes && end != w.ref.shardBytes {
		w.mu.Lock()
		if w.err == nil {
			w.err = fmt.Errorf("local: a checksum of %d bytes from %d on of a shard of %d", len(chunk),
				w.told, w.ref.shardBytes)
		}
		w.mu.Unlock()
		return
	}
	if w.ref.algorithm.early() {
		w.sums.write(chunk)
		w.sums.finish()
	}
	w.told = end
}

// Write computes the checksums that are missing on the caller's goroutine and starts the writes.
func (w *shardWriter) Write(bufs [][]byte, done func(error)) {
	total := int64(0)
	for _, b := range bufs {
		total += int64(len(b))
	}
	if err := w.begin(total); err != nil {
		done(err)
		return
	}
	at := w.taken
	w.taken += total
	w.sumRest(bufs, at)
	whole, copied := padded(bufs)
	w.drive.counters.copiedBytes.Add(uint64(copied))
	ops, err := w.ops(nil, whole, at)
	if err != nil || len(ops) == 0 {
		w.end(err)
		done(err)
		return
	}
	written := func(b *ioengine.Batch) {
		err := w.drive.wrote(b.Err())
		w.drive.counters.bulkBytes.Add(uint64(total))
		w.end(err)
		done(err)
	}
	w.drive.config.Engine.Submit(&ioengine.Batch{Ops: ops, Class: w.class, Done: written})
}

// sumRest computes the checksums that Sum did not. bufs are [at, taken) of the shard: whole chunks
// together, or the last ones.
func (w *shardWriter) sumRest(bufs [][]byte, at int64) {
	ahead := int64(0)
	if w.ref.algorithm.early() {
		ahead = w.told - at
	}
	for _, b := range bufs {
		n := min(ahead, int64(len(b)))
		w.sums.write(b[n:])
		ahead -= n
	}
	w.sums.finish()
	w.told = max(w.told, w.taken)
}

// begin checks a Write and counts it as pending. The drive's gate comes before w.mu: a
// completion takes w.mu, and Close waits for completions.
func (w *shardWriter) begin(bytes int64) error {
	if err := w.drive.enterWrite(); err != nil {
		return err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := w.check(bytes); err != nil {
		w.drive.leave()
		return err
	}
	w.pending++
	return nil
}

func (w *shardWriter) check(bytes int64) error {
	last := w.taken+bytes == w.ref.shardBytes
	switch {
	case w.state != writing:
		return errors.New("local: the shard writer is over")
	case w.taken+bytes > w.ref.shardBytes:
		return fmt.Errorf("local: %d bytes more than the shard of %d has",
			w.taken+bytes-w.ref.shardBytes, w.ref.shardBytes)
	case bytes%drive.ChunkBytes != 0 && !last:
		return fmt.Errorf("local: a write of %d bytes within a shard", bytes)
	}
	return nil
}

func (w *shardWriter) end(err error) {
	w.mu.Lock()
	w.pending--
	if w.err == nil {
		w.err = err
	}
	if w.pending == 0 {
		w.idle.Broadcast()
	}
	w.mu.Unlock()
	w.drive.leave()
}

// padded returns bufs in whole aligned blocks: as they are but for the shard's tail, which
// is copied and filled up with zeros; or one copy if they are not aligned. copied counts bytes.
func padded(bufs [][]byte) (whole [][]byte, copied int) {
	total := 0
	direct := true
	for i, b := range bufs {
		total += len(b)
		direct = direct && aligned(b) && (len(b)%blockBytes == 0 || i == len(bufs)-1)
	}
	if !direct {
		whole := alignedBytes(int(blocks(int64(total))))
		n := 0
		for _, b := range bufs {
			n += copy(whole[n:], b)
		}
		return [][]byte{whole}, total
	}
	tail := total % blockBytes
	if tail == 0 {
		return bufs, 0
	}
	last := bufs[len(bufs)-1]
	out := append(make([][]byte, 0, len(bufs)+1), bufs[:len(bufs)-1]...)
	block := alignedBytes(blockBytes)
	copy(block, last[len(last)-tail:])
	return append(out, last[:len(last)-tail], block), tail
}

// ops appends the writes of bufs, whole blocks, at an offset of the shard's extents.
func (w *shardWriter) ops(ops []ioengine.Op, bufs [][]byte, at int64) ([]ioengine.Op, error) {
	var failed error
	opBytes := int64(0)
	end := extent{} // where the last op ends
	for _, b := range bufs {
		if len(b) == 0 {
			continue
		}
		w.ref.locate(at, int64(len(b)), func(x extent) {
			p := b[:x.lengthBytes]
			b = b[x.lengthBytes:]
			joins := x.segment == end.segment && x.offsetBytes == end.offsetBytes &&
				opBytes+x.lengthBytes <= opBytesMax
			at += x.lengthBytes
			end = extent{segment: x.segment, offsetBytes: x.offsetBytes + x.lengthBytes}
			if joins {
				last := &ops[len(ops)-1]
				last.Bufs = append(last.Bufs, p)
				opBytes += x.lengthBytes
				return
			}
			f, err := w.drive.bulk.writer(x.segment)
			if err != nil {
				failed = err
				return
			}
			ops = append(ops, ioengine.Op{Kind: ioengine.Write, File: f, Bufs: [][]byte{p},
				OffsetBytes: x.offsetBytes})
			opBytes = x.lengthBytes
		})
		if failed != nil {
			return nil, failed
		}
	}
	return ops, nil
}

// Seal waits for the writes. An error gives the space back.
func (w *shardWriter) Seal() (drive.BulkRef, error) {
	w.mu.Lock()
	for w.pending > 0 {
		w.idle.Wait()
	}
	err, state := w.err, w.state
	if state == writing {
		w.state = sealed
	}
	w.mu.Unlock()
	if state != writing {
		return nil, errors.New("local: the shard writer is over")
	}
	if err == nil && w.taken != w.ref.shardBytes {
		err = fmt.Errorf("local: sealed after %d of %d bytes", w.taken, w.ref.shardBytes)
	}
	w.ref.sums = w.sums.sums
	w.drive.counters.summedChunks.Add(w.ref.algorithm.sumsIn(w.ref.sums))
	if err == nil && w.ref.external {
		err = w.writeTable()
	}
	if err != nil {
		w.Abort()
		return nil, err
	}
	w.drive.bulk.sealed(w.ref.extents)
	return w.ref.encode(), nil
}

// writeTable puts the checksum table behind the data, and checksums of its blocks into the
// reference.
func (w *shardWriter) writeTable() error {
	if err := w.drive.enterWrite(); err != nil {
		return err
	}
	defer w.drive.leave()
	data, tableBytes := bulkLayout(w.ref.shardBytes, w.ref.algorithm)
	table := alignedBytes(int(tableBytes))
	copy(table, w.sums.sums)
	w.ref.sums = nil
	for at := 0; at < len(table); at += tableBlockBytes {
		w.ref.sums = w.ref.algorithm.appendSum(w.ref.sums, table[at:at+tableBlockBytes])
	}
	ops, err := w.ops(nil, [][]byte{table}, data)
	if err != nil {
		return err
	}
	return w.drive.wrote(ioengine.Run(w.drive.config.Engine, w.class, ops...))
}

// Abort gives the space back, also after Seal if no commit of the reference succeeded; but on a
// drive out of service nothing is (see Close). It waits for writes under way.
func (w *shardWriter) Abort() {
	w.mu.Lock()
	for w.pending > 0 {
		w.idle.Wait()
	}
	first := w.state != over
	w.state = over
	w.mu.Unlock()
	if first && w.drive.failure() == nil {
		w.drive.bulk.abandon(w.ref.extents)
	}
}
