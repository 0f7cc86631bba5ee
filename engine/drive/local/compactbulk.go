package local

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"flashstore/engine/drive"
)

const (
	// bulkCompactShare is the live share below which a bulk segment is worth emptying. Its dead
	// space was punched long ago: what is gained is the file, and whole runs of the device.
	bulkCompactShare = 0.25
	// bulkCompactMin segments are emptied together, because finding what lives in them takes a
	// walk over the whole index.
	bulkCompactMin  = 8
	bulkCopyBytes   = 16 * drive.ChunkBytes
	bulkVictimsWalk = 64 // at most, in one walk
)

// bulkRound empties bulk segments in which little lives: shards are copied, and their records
// written again with the new place. Old extents are given back like any released ones.
func (c *compactor) bulkRound(ctx context.Context) error {
	b := c.drive.bulk
	if c.drive.roomFor(b.segmentBytes) != nil {
		b.punchShort()
	}
	victims := b.sparse(bulkCompactShare, bulkVictimsWalk)
	if len(victims) < bulkCompactMin {
		return ctx.Err()
	}
	buf := alignedBytes(bulkCopyBytes)
	var failed error
	err := c.drive.machine.index.eachBelow(firstOwnSpace, func(row, value []byte) error {
		key, err := parseRowKey(row)
		if err != nil {
			return err
		}
		held, err := parseChain(&key, value, nil)
		if err != nil {
			return c.drive.corrupt(&key, err)
		}
		for i := range held.entries {
			err := c.relocate(ctx, &held.entries[i], victims, buf)
			if errors.Is(err, drive.ErrCorrupt) { // it stays where it is, for healing to find
				failed, err = err, nil
			}
			if err = errors.Join(err, ctx.Err()); err != nil {
				return err
			}
		}
		return nil
	})
	return errors.Join(err, failed)
}

// relocate copies the shard of an entry that lies in one of the segments.
func (c *compactor) relocate(ctx context.Context, e *entry, victims map[uint64]bool,
	buf []byte) error {
	if e.shard != shardBulk {
		return nil
	}
	ref, err := parseBulkRef(e.Bulk)
	if err != nil {
		return fmt.Errorf("%w: %w", drive.ErrCorrupt, err)
	}
	if !slices.ContainsFunc(ref.extents, func(x extent) bool { return victims[x.segment] }) {
		return nil
	}
	d := c.drive
	again := e.stored.clone()
	again.Bulk, err = d.copyShard(ctx, e, buf)
	if errors.Is(err, drive.ErrNotHere) {
		return nil // released meanwhile
	}
	if err != nil {
		return err
	}
	again.moved = &move{from: e.at}
	done := make(chan error, 1)
	d.syncer.queue.put(request{again: &again, done: func(err error) { done <- err }}, false)
	if err := <-done; err != nil {
		return err
	}
	d.counters.movedBytes.Add(uint64(e.ShardBytes))
	return d.pace(ctx, int(e.ShardBytes))
}

// copyShard writes a shard once more, verified on the way, and returns its new reference.
func (d *Drive) copyShard(ctx context.Context, e *entry, buf []byte) (drive.BulkRef, error) {
	w, err := d.Create(ctx, e.ShardBytes)
	if err != nil {
		return nil, err
	}
	from := drive.Entry{Record: e.Record, Settled: e.settled}
	done := make(chan error, 1)
	for at := int64(0); at < e.ShardBytes; at += bulkCopyBytes {
		p := buf[:min(bulkCopyBytes, e.ShardBytes-at)]
		if err = d.Read(ctx, &from, [][]byte{p}, at); err == nil {
			w.Write([][]byte{p}, func(err error) { done <- err })
			err = <-done
		}
		if err != nil {
			w.Abort()
			return nil, err
		}
	}
	return w.Seal()
}

// sparse returns full segments whose live share is below the given one, at most so many.
func (s *bulkStore) sparse(share float64, most int) map[uint64]bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	victims := make(map[uint64]bool)
	for _, g := range s.segments {
		if g.active || g.number == s.highest || len(victims) == most {
			continue
		}
		if float64(g.used) < share*float64(g.sizeBytes) {
			victims[g.number] = true
		}
	}
	return victims
}

// punchShort gives back all runs that wait for neighbours.
func (s *bulkStore) punchShort() {
	s.mu.Lock()
	var segments []*bulkSegment
	var runs []freeRun
	for _, g := range s.segments {
		for _, r := range g.runs {
			segments, runs = append(segments, g), append(runs, r)
		}
		g.runs = nil
	}
	s.mu.Unlock()
	for i, g := range segments {
		s.punch(g, runs[i])
	}
}
