package erasure

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"flashstore/arena"
	"flashstore/engine/drive"
	"flashstore/engine/erasure/codec"
	"flashstore/engine/object"
)

// span is a range of columns of one shard, [from, to); empty: not wanted. Column c of a stripe's
// shard is its c-th chunk of 64 KiB.
type span struct{ from, to int }

func (s span) empty() bool { return s.from >= s.to }

func columnsOf(shardBytes int64) int {
	return int((shardBytes + arena.BlockBytes - 1) / arena.BlockBytes)
}

// fetched is chunks of a stripe: chunks[shard][column - span.from]. They live in memory (or in
// the entries' own) until memory is dropped.
type fetched struct {
	chunks [][][]byte
	memory *lease
}

// shardSource reads the shards of one write, from its holders while they deliver and from
// parity where they do not. One goroutine uses it.
type shardSource struct {
	set       *set
	code      *codec.Codec // that the shards were made with
	write     *write
	byShard   []int // position of the holder of shard i; -1: none
	refreshed bool  // all drives were asked for the write
	// slow are holders that others were asked instead of, by shard; patient: there are too few
	// others, so that they are waited for.
	slow    []int
	patient bool
	fault   error // the last error of a drive
	corrupt int   // shards that are
}

func newShardSource(s *set, w *write) (*shardSource, error) {
	code, err := s.codecs.ofRecord(&w.sample.Record)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", object.ErrDamaged, err)
	}
	src := &shardSource{set: s, code: code, write: w, byShard: make([]int, s.n)}
	src.begin()
	return src, nil
}

// begin notes who has which shard of the write, as far as that is known.
func (src *shardSource) begin() {
	for i := range src.byShard {
		src.byShard[i] = -1
	}
	src.adopt(src.write.holders)
}

// leaveOut takes the shard of a drive for one that nobody holds.
func (src *shardSource) leaveOut(position int) {
	for shard, holder := range src.byShard {
		if holder == position {
			src.byShard[shard] = -1
		}
	}
	src.refreshed = true
}

// adopt notes which drive has which shard.
func (src *shardSource) adopt(holders []*drive.Entry) {
	for pos, e := range holders {
		if e != nil && int(e.Geometry.Index) < len(src.byShard) {
			src.byShard[e.Geometry.Index] = pos
		}
	}
}

// fetch returns the wanted spans of stripe, whose shards are shardBytes long. It degrades to
// parity as drives fail. Errors: object.ErrDamaged, object.ErrUnavailable, object.ErrBusy.
func (src *shardSource) fetch(ctx context.Context, stripe, shardBytes int64,
	want []span) (*fetched, error) {
	for {
		plan, rebuild, err := src.plan(ctx, want)
		if err != nil {
			return nil, err
		}
		got, err := src.read(ctx, stripe, shardBytes, plan)
		if err != nil {
			return nil, err
		}
		if got == nil {
			continue // a drive failed: plan again without it
		}
		if !rebuild {
			return got, nil
		}
		src.set.counters.degraded.Add(1)
		src.set.repairs.add(src.write.sample.Key, false)
		if err := src.rebuild(got, shardBytes, want, plan); err != nil {
			got.memory.drop()
			return nil, err
		}
		return got, nil
	}
}

// plan chooses what to read: the wanted spans where their holders are good, otherwise k shards
// over the union of the spans.
func (src *shardSource) plan(ctx context.Context, want []span) (plan []span, rebuild bool,
	err error) {
	union := span{}
	for i, w := range want {
		if w.empty() {
			continue
		}
		rebuild = rebuild || src.byShard[i] < 0
		if union.empty() {
			union = w
		}
		union = span{min(union.from, w.from), max(union.to, w.to)}
	}
	if !rebuild {
		return want, false, nil
	}
	src.refresh(ctx)
	plan = make([]span, len(want))
	chosen := 0
	for pass := range 2 { // wanted shards first, then any
		for i := range want {
			if chosen < src.code.Data && src.byShard[i] >= 0 && plan[i].empty() &&
				(pass == 1 || !want[i].empty()) {
				plan[i] = union
				chosen++
			}
		}
	}
	if chosen < src.code.Data && src.recall() {
		return src.plan(ctx, want)
	}
	if chosen < src.code.Data {
		return nil, false, src.lost(chosen)
	}
	return plan, src.anyMissing(want), nil
}

// anyMissing reports whether a wanted shard still has no holder.
func (src *shardSource) anyMissing(want []span) bool {
	for i, w := range want {
		if !w.empty() && src.byShard[i] < 0 {
			return true
		}
	}
	return false
}

func (src *shardSource) lost(left int) error {
	class := object.ErrUnavailable // what is away, or has not got its shard yet, may come
	if src.corrupt > src.code.Parity {
		class = object.ErrDamaged
	}
	return fmt.Errorf("%w: %d of the %d shards it takes: %w", class, left, src.code.Data,
		src.fault)
}

// refresh asks the drives that were not asked yet for the same write.
func (src *shardSource) refresh(ctx context.Context) {
	if src.refreshed {
		return
	}
	src.refreshed = true
	s := src.set
	answers := make([]answer, s.n)
	var positions []int
	for pos, e := range src.write.holders {
		if e == nil {
			positions = append(positions, pos)
		}
	}
	s.ask(ctx, src.write.sample.Key, positions, answers, drive.LookupOptions{Inline: true})
	for _, w := range writes(answers) {
		if w.id == src.write.id {
			for pos, e := range w.holders {
				if e != nil {
					src.write.holders[pos] = e
				}
			}
			src.adopt(w.holders)
		}
	}
}

// read reads plan, all shards at once. nil without an error: a drive failed and is out.
func (src *shardSource) read(ctx context.Context, stripe, shardBytes int64,
	plan []span) (*fetched, error) {
	blocks, shards := 0, 0
	for i, p := range plan {
		if !p.empty() && src.entry(i).Inline == nil {
			blocks += p.to - p.from
			shards++
		}
	}
	memory, err := borrow(src.set.reads, blocks, int(stripe)+src.byShard[firstOf(plan)])
	if err != nil {
		return nil, err
	}
	got := &fetched{chunks: make([][][]byte, len(plan)), memory: memory}
	faults := make([]error, len(plan))
	free := memory.blocks
	var shardOn [setDrivesMax]int
	drives := make([]int, 0, shards)
	var waits haste
	if shards > 0 {
		waits = src.haste()
	}
	for i, p := range plan {
		if p.empty() {
			continue
		}
		if inline := src.entry(i).Inline; inline != nil {
			got.chunks[i] = [][]byte{inline}
			continue
		}
		got.chunks[i] = chunksOver(free[:p.to-p.from], p, shardBytes)
		free = free[p.to-p.from:]
		if at := src.byShard[i]; waits.skips(&src.set.patience, at) {
			faults[i] = errHangs
		} else {
			drives, shardOn[at] = append(drives, at), i
		}
	}
	src.load(ctx, stripe, plan, got, drives, &shardOn, faults, waits.limit)
	if src.strike(faults) {
		memory.drop()
		return nil, ctx.Err()
	}
	return got, nil
}

// load reads the planned spans from drives, all at once. One that hangs keeps the memory until it
// has answered, whoever else is done with it.
func (src *shardSource) load(ctx context.Context, stripe int64, plan []span, got *fetched,
	drives []int, shardOn *[setDrivesMax]int, faults []error, limit time.Duration) {
	if len(drives) == 0 {
		return
	}
	s := src.set
	entries := make([]*drive.Entry, s.n)
	for _, i := range drives {
		entries[i] = src.entry(shardOn[i])
		got.memory.hold()
	}
	together(&s.patience, drives, limit, func(i int) error {
		defer got.memory.drop()
		shard := shardOn[i]
		offset := stripe*src.code.UnitBytes() + int64(plan[shard].from)*arena.BlockBytes
		return s.drive(i).Read(ctx, entries[i], got.chunks[shard], offset)
	}, func(i int, err error) { faults[shardOn[i]] = err }, func(i int) {
		faults[shardOn[i]] = errHangs
		s.patience.hedged()
	})
}

// haste of a read: none where nobody can stand in.
func (src *shardSource) haste() haste {
	s := src.set
	if src.patient || src.refreshed && src.spare() < 1 || s.online() <= src.code.Data {
		return s.patience.last()
	}
	return s.patience.first()
}

func firstOf(plan []span) int {
	for i, p := range plan {
		if !p.empty() {
			return i
		}
	}
	return 0
}

// entry is the record of shard i on its holder.
func (src *shardSource) entry(i int) *drive.Entry {
	return src.write.holders[src.byShard[i]]
}

// spare counts the holders that are not needed for a read.
func (src *shardSource) spare() int {
	holders := 0
	for _, at := range src.byShard {
		if at >= 0 {
			holders++
		}
	}
	return holders - src.code.Data
}

// recall takes slow holders back, since the others do not suffice. false: there are none.
func (src *shardSource) recall() (any bool) {
	if src.patient {
		return false
	}
	for shard, at := range src.slow {
		if at >= 0 && src.byShard[shard] < 0 {
			src.byShard[shard], any = at, true
		}
	}
	src.patient = true
	return any
}

// strike takes the holders that failed out of the source and reports whether there were any.
func (src *shardSource) strike(faults []error) (any bool) {
	for i, err := range faults {
		if err == nil {
			continue
		}
		any, src.fault = true, err
		if errors.Is(err, drive.ErrCorrupt) {
			src.corrupt++
		}
		if errors.Is(err, errHangs) && !src.patient {
			if src.slow == nil {
				src.slow = slices.Repeat([]int{-1}, len(src.byShard))
			}
			src.slow[i], src.byShard[i] = src.byShard[i], -1
			continue
		}
		src.set.log.Warn("a shard cannot be read", "drive", src.byShard[i], "shard", i,
			"key", src.write.sample.Key.Name, "error", err)
		src.byShard[i] = -1
		src.set.repairs.add(src.write.sample.Key, !errors.Is(err, errHangs))
	}
	return any
}

// chunksOver lays the columns of p over blocks; only a shard's last chunk is shorter.
func chunksOver(blocks []*arena.Block, p span, shardBytes int64) [][]byte {
	chunks := make([][]byte, len(blocks))
	for i, b := range blocks {
		chunks[i] = chunkOf(b, p.from+i, shardBytes)
	}
	return chunks
}

// rebuild computes the wanted shards that plan did not read, column by column, and cuts the
// result down to the wanted spans.
func (src *shardSource) rebuild(got *fetched, shardBytes int64, want, plan []span) error {
	s := src.set
	union, missing := plan[firstOf(plan)], make([]bool, s.n)
	blocks := 0
	for i := range want {
		if !want[i].empty() && plan[i].empty() {
			missing[i] = true
			blocks += union.to - union.from
		}
	}
	extra := make([]*arena.Block, blocks)
	if err := s.reads.Borrow(extra, 0); err != nil {
		return fmt.Errorf("%w: %w", object.ErrBusy, err)
	}
	got.memory.blocks = append(got.memory.blocks, extra...)
	for i := range missing {
		if missing[i] {
			got.chunks[i] = chunksOver(extra[:union.to-union.from], union, shardBytes)
			extra = extra[union.to-union.from:]
		}
	}
	column := make([][]byte, s.n)
	for c := range union.to - union.from {
		for i := range column {
			column[i] = nil
			switch {
			case missing[i]:
				column[i] = got.chunks[i][c][:0]
			case !plan[i].empty():
				column[i] = got.chunks[i][c]
			}
		}
		if err := src.code.Rebuild(column, missing); err != nil {
			return fmt.Errorf("%w: %w", object.ErrDamaged, err)
		}
	}
	for i, w := range want {
		if w.empty() {
			got.chunks[i] = nil
			continue
		}
		got.chunks[i] = got.chunks[i][w.from-union.from : w.to-union.from]
	}
	return nil
}
