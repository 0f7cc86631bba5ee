package local

import (
	"context"
	"fmt"

	"flashstore/engine/drive"
)

// Lookup returns what the drive holds of a register; see package drive. The Meta and Bulk
// slices of the entries are never written again and belong to nobody.
func (d *Drive) Lookup(ctx context.Context, key drive.Key, opt drive.LookupOptions) (
	drive.State, error) {
	if err := ctx.Err(); err != nil {
		return drive.State{}, err
	}
	if err := d.enter(); err != nil {
		return drive.State{}, err
	}
	defer d.leave()
	value, err := d.row(&key, opt.NoWait)
	if err != nil || value == nil {
		return drive.State{}, err
	}
	state, newest, err := decodeState(&key, value)
	if err != nil {
		return drive.State{}, d.corrupt(&key, err)
	}
	if !opt.Inline || newest.shard != shardInline {
		return state, nil
	}
	state.Entries[0].Inline, err = d.readInline(&newest, opt)
	return state, err
}

// row returns a register's index row, or nil.
func (d *Drive) row(key *drive.Key, noWait bool) ([]byte, error) {
	buf := d.scratch.Get().(*[]byte)
	defer d.scratch.Put(buf)
	*buf = appendRowKey((*buf)[:0], key)
	return d.machine.lookup(*buf, noWait)
}

// corrupt classes an unreadable row: never "not here".
func (d *Drive) corrupt(key *drive.Key, err error) error {
	return fmt.Errorf("%w: index row of %x in %s: %w", drive.ErrCorrupt, key.Name,
		d.config.Path, err)
}

// decodeState decodes a row for a caller, and its newest entry for ourselves.
func decodeState(key *drive.Key, value []byte) (s drive.State, newest entry, err error) {
	var c chain
	count, at, err := parseChainHead(&c, value)
	if err != nil || count == 0 {
		return s, newest, err
	}
	s.Entries = make([]drive.Entry, count)
	for i := range s.Entries {
		var e entry
		n, err := parseEntry(&e, value[at:])
		if err != nil {
			return drive.State{}, newest, err
		}
		e.Key = *key
		s.Entries[i] = drive.Entry{Record: e.Record, Settled: e.settled}
		if i == 0 {
			newest = e
		}
		at += n
	}
	return s, newest, nil
}

// readInline reads an inline shard from the log and verifies it.
func (d *Drive) readInline(e *entry, opt drive.LookupOptions) ([]byte, error) {
	var p []byte
	if opt.Alloc != nil {
		p = opt.Alloc(int(e.ShardBytes))
	} else {
		p = make([]byte, e.ShardBytes)
	}
	f, err := d.log.reader(e.at.segment)
	if err != nil {
		return nil, err
	}
	hit, err := d.config.Engine.ReadCached(f, p, e.at.offsetBytes)
	if err == nil && hit && sumsMatch(e.sums, p) {
		d.counters.reads.Add(1)
		return p, nil
	}
	if opt.NoWait {
		return nil, drive.ErrWouldBlock
	}
	if err := d.readShard(d.inlineSource(e), [][]byte{p}, 0); err != nil {
		return nil, err
	}
	return p, nil
}

func sumsMatch(sums, p []byte) bool {
	for len(p) > drive.ChunkBytes {
		if !sumMatches(sums[:sumBytes], p[:drive.ChunkBytes]) {
			return false
		}
		p, sums = p[drive.ChunkBytes:], sums[sumBytes:]
	}
	return sumMatches(sums[:sumBytes], p)
}
