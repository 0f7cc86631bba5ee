package erasure

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync/atomic"
	"time"

	"flashstore/arena"
	"flashstore/engine/drive"
	"flashstore/engine/erasure/codec"
	"flashstore/engine/object"
)

// stripesInFlight bounds the memory of one upload: while a stripe is on its way to the drives
// the next is read and encoded.
const stripesInFlight = 2

// uploadBytes is the memory that one large upload takes, all of it at times.
func (s *set) uploadBytes() int64 {
	unit := s.codecs.standard.UnitBytes()
	return stripesInFlight * int64(s.n*columnsOf(unit)) * arena.BlockBytes
}

// staged is a body cut into shards that are in memory (small) or in bulk storage, not yet
// committed. One goroutine uses it.
type staged struct {
	set        *set
	code       *codec.Codec
	quorum     quorum
	size       int64
	shardBytes int64
	rotation   int
	memory     *lease   // of inline shards
	inline     [][]byte // by shard index; nil when in bulk
	writers    []drive.ShardWriter
	refs       []drive.BulkRef
	usable     []bool         // by position
	pending    []atomic.Int32 // stripes that a drive has not taken yet, by position
}

// stage reads all of body, encodes it and brings the shards to where a record can name them.
// Small shards stay in memory. On an error nothing is left behind.
func (s *set) stage(ctx context.Context, p *object.Put, class object.Class,
	rot int) (*staged, error) {
	if p.SizeBytes < 0 || p.SizeBytes > object.PutBytesMax {
		return nil, object.ErrTooLarge
	}
	code, err := s.codecs.of(s.parityOf(class))
	if err != nil {
		return nil, err
	}
	g := &staged{set: s, code: code, quorum: quorumOf(code.Data, code.Parity), size: p.SizeBytes,
		shardBytes: code.ShardBytes(p.SizeBytes), rotation: rot, usable: make([]bool, s.n),
		pending: make([]atomic.Int32, s.n)}
	usable := 0
	for i := range g.usable {
		if g.usable[i] = s.usable(i); g.usable[i] {
			usable++
		}
	}
	if usable < g.quorum.w || !s.writable.Load() {
		return nil, fmt.Errorf("%w: %d of the %d drives of the write quorum take writes",
			object.ErrUnavailable, usable, g.quorum.w)
	}
	if g.shardBytes <= s.inlineMax() {
		err = g.readInline(p.Body)
	} else {
		err = g.readBulk(ctx, p.Body)
	}
	if err == nil {
		err = expectEOF(p.Body)
	}
	if err != nil {
		g.abort()
		return nil, err
	}
	return g, nil
}

// inlineMax is the longest shard that fits every drive's record and one block.
func (s *set) inlineMax() int64 {
	limit := int64(arena.BlockBytes)
	for i := range s.slots {
		if d := s.drive(i); d != nil {
			limit = min(limit, d.Info().Properties.InlineMax)
		}
	}
	return limit
}

// readInline fills one block per shard, or one for all where they fit.
func (g *staged) readInline(body io.Reader) error {
	s, each := g.set, int(g.shardBytes)
	if each == 0 {
		g.inline = make([][]byte, s.n)
		return nil
	}
	perBlock := arena.BlockBytes / each
	memory, err := borrow(s.memory, (s.n+perBlock-1)/perBlock, g.rotation)
	if err != nil {
		return err
	}
	g.memory, g.inline = memory, make([][]byte, s.n)
	for i := range g.inline {
		at := i % perBlock * each
		g.inline[i] = memory.blocks[i/perBlock].Bytes[at : at+each : at+each]
	}
	rest := g.size
	for i := range g.code.Data {
		if rest, err = fill(body, g.inline[i], rest); err != nil {
			return err
		}
	}
	return g.code.Encode(g.inline)
}

// readBulk streams the body stripe by stripe into a shard writer per drive.
func (g *staged) readBulk(ctx context.Context, body io.Reader) error {
	if err := g.createWriters(ctx); err != nil {
		return err
	}
	slots := make(chan struct{}, stripesInFlight)
	for i := range g.code.Stripes(g.size) {
		stalled, err := g.acquire(ctx, slots)
		if err != nil {
			return err
		}
		if stalled { // the stripes under way are left to the drives that hang
			slots = make(chan struct{}, stripesInFlight)
			slots <- struct{}{}
		}
		mine := slots
		if err := g.writeStripe(body, i, func() { <-mine }); err != nil {
			return err
		}
	}
	return g.seal()
}

// acquire waits for a place among the stripes in flight. Drives that take longer than hangAfter for
// theirs, while others are done, are left behind, which is stalled; too many of them fail the
// upload.
func (g *staged) acquire(ctx context.Context, slots chan struct{}) (stalled bool, err error) {
	select {
	case slots <- struct{}{}:
		return false, nil
	default:
	}
	limit := time.NewTimer(g.set.patience.hangAfter)
	defer limit.Stop()
	select {
	case slots <- struct{}{}:
		return false, nil
	case <-limit.C:
		return true, g.leaveBehind()
	case <-ctx.Done():
		return false, ctx.Err()
	}
}

// leaveBehind goes on without the drives that have not taken what they were sent.
func (g *staged) leaveBehind() error {
	for pos, w := range g.writers {
		if w != nil && g.usable[pos] && g.pending[pos].Load() > 0 {
			g.set.log.Warn("a drive takes data too slowly, an upload goes on without it",
				"set", g.set.number, "drive", pos)
			g.drop(pos)
		}
	}
	return g.enough(errHangs)
}

// drop gives up the shard of a drive, once it answers.
func (g *staged) drop(pos int) {
	w := g.writers[pos]
	g.writers[pos], g.usable[pos] = nil, false
	go w.Abort()
}

func (g *staged) createWriters(ctx context.Context) error {
	writers, faults := g.set.openWriters(ctx, g.usable, g.shardBytes)
	g.writers = writers
	return g.without(faults)
}

// without goes on without the drives that failed.
func (g *staged) without(faults []error) error {
	for i, err := range faults {
		g.usable[i] = g.usable[i] && err == nil
	}
	return g.enough(errors.Join(faults...))
}

// enough reports an error when fewer drives than the write quorum are left.
func (g *staged) enough(faults error) error {
	left := 0
	for _, ok := range g.usable {
		if ok {
			left++
		}
	}
	switch {
	case left >= g.quorum.w:
		return nil
	case errors.Is(faults, drive.ErrFull):
		return fmt.Errorf("%w: %w", object.ErrFull, faults)
	case errors.Is(faults, drive.ErrScarce):
		return fmt.Errorf("%w: %w", object.ErrBusy, faults)
	default:
		return fmt.Errorf("%w: %w", object.ErrUnavailable, faults)
	}
}

// writeStripe reads stripe i from body, encodes it column by column (a column is one chunk of
// each shard, so it stays in cache) and hands each drive its chunks. Memory is borrowed as the
// body arrives, so that a slow client holds no more than it has sent.
func (g *staged) writeStripe(body io.Reader, i int64, returned func()) error {
	s, home := g.set, g.rotation+int(i)
	rest, shardBytes := g.code.StripeAt(g.size, i)
	columns := columnsOf(shardBytes)
	memory, err := borrow(s.memory, 0, home)
	if err != nil {
		returned()
		return err
	}
	memory.onReturn = returned
	defer memory.drop()
	chunks := make([][]byte, 0, columns*s.n) // shard-major: shard × columns + column
	for range g.code.Data * columns {
		blocks, err := memory.grow(1, home)
		if err != nil {
			return err
		}
		chunks = append(chunks, chunkOf(blocks[0], len(chunks)%columns, shardBytes))
		if rest, err = fill(body, chunks[len(chunks)-1], rest); err != nil {
			return err
		}
	}
	parity, err := memory.grow(g.code.Parity*columns, home)
	if err != nil {
		return err
	}
	for _, b := range parity {
		chunks = append(chunks, chunkOf(b, len(chunks)%columns, shardBytes))
	}
	if err := g.encode(chunks, columns); err != nil {
		return err
	}
	g.sendStripe(chunks, columns, memory)
	return nil
}

// chunkOf is what column c of a shard uses of its block.
func chunkOf(b *arena.Block, c int, shardBytes int64) []byte {
	return b.Bytes[:min(arena.BlockBytes, shardBytes-int64(c)*arena.BlockBytes)]
}

// encode computes parity, column by column, and tells the writers of each while it is in the cache,
// which is when some checksums are best computed.
func (g *staged) encode(chunks [][]byte, columns int) error {
	column := make([][]byte, g.set.n)
	for c := range columns {
		for j := range column {
			column[j] = chunks[j*columns+c]
		}
		if err := g.code.Encode(column); err != nil {
			return err
		}
		for pos, w := range g.writers {
			if w != nil && g.usable[pos] {
				w.Sum(column[shardIndex(g.rotation, pos, g.set.n)])
			}
		}
	}
	return nil
}

// sendStripe hands each drive the chunks of its shard; memory is held until it is done.
func (g *staged) sendStripe(chunks [][]byte, columns int, memory *lease) {
	for pos, w := range g.writers {
		if w != nil && g.usable[pos] {
			at := shardIndex(g.rotation, pos, g.set.n) * columns
			memory.hold()
			g.pending[pos].Add(1)
			w.Write(chunks[at:at+columns], func(error) {
				g.pending[pos].Add(-1)
				memory.drop()
			})
		}
	}
}

// seal waits for the writes of every drive; those that failed any, or hang, drop out.
func (g *staged) seal() error {
	refs, faults := g.set.sealWriters(g.writers)
	g.refs = refs
	return g.without(faults)
}

// abort gives everything back.
func (g *staged) abort() {
	abortAll(g.writers)
	g.release()
}

// give gives back the shards of a write that is not to be; nil has none.
func (g *staged) give() {
	if g != nil {
		g.abort()
	}
}

// committed is called when every drive has answered the commit of the shards. Drives that
// refused it get their space back; for the others Abort does nothing. It must not block.
func (g *staged) committed(failed bool) {
	g.release()
	if failed && g.writers != nil {
		go abortAll(g.writers)
	}
}

func (g *staged) release() {
	if g.memory != nil {
		g.memory.drop()
		g.memory = nil
	}
}

// records fills in the shard of each drive into copies of r.
func (g *staged) records(r *drive.Record) []*drive.Record {
	s := g.set
	r.SizeBytes, r.ShardBytes = g.size, g.shardBytes
	r.Geometry = geometryOf(g.code.Layout)
	all, records := make([]drive.Record, s.n), make([]*drive.Record, s.n)
	for pos, ok := range g.usable {
		if !ok {
			continue
		}
		index := shardIndex(g.rotation, pos, s.n)
		all[pos] = *r
		all[pos].Geometry.Index = uint8(index)
		if g.inline != nil {
			all[pos].Inline = g.inline[index]
		} else {
			all[pos].Bulk = g.refs[pos]
		}
		records[pos] = &all[pos]
	}
	return records
}

// fill reads the next bytes of a body into p, as many as rest allows, and zeros what is left of
// p. It returns the new rest.
func fill(body io.Reader, p []byte, rest int64) (int64, error) {
	n := int(min(int64(len(p)), rest))
	if n > 0 {
		if _, err := io.ReadFull(body, p[:n]); err != nil {
			if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
				err = object.ErrBodyShort
			}
			return rest, err
		}
	}
	clear(p[n:])
	return rest - int64(n), nil
}

// expectEOF reads once past the declared size: what checks the whole body (hashes, signatures
// of trailers) speaks there.
func expectEOF(body io.Reader) error {
	var one [1]byte
	for {
		switch n, err := body.Read(one[:]); {
		case n > 0:
			return fmt.Errorf("%w: more bytes than declared", object.ErrTooLarge)
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		}
	}
}

// geometryOf is how a layout stands in records.
func geometryOf(l codec.Layout) drive.Geometry {
	return drive.Geometry{Data: uint8(l.Data), Parity: uint8(l.Parity)}
}
