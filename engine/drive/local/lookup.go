package local

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"

	"flashstore/engine/drive"
)

// Lookup returns what the drive holds of a register; see package drive. A register in memory
// with its inline shard in the page cache makes no heap object, if opt brings memory for it.
func (d *Drive) Lookup(ctx context.Context, key drive.Key, opt drive.LookupOptions) (
	drive.State, error) {
	if err := ctx.Err(); err != nil {
		return drive.State{}, err
	}
	if err := d.enter(); err != nil {
		return drive.State{}, err
	}
	defer d.leave()
	var seen location
	for {
		value, err := d.row(&key, opt.NoWait, opt.Alloc)
		if err != nil || value == nil {
			return drive.State{}, err
		}
		state, newest, err := decodeState(opt.Entries, &key, value)
		if err != nil {
			return drive.State{}, d.corrupt(&key, err)
		}
		if !opt.Inline || newest.shard != shardInline {
			return state, nil
		}
		state.Entries[0].Inline, err = d.readInline(&newest, &opt)
		if err == nil {
			return state, nil
		}
		if !errors.Is(err, drive.ErrNotHere) {
			return drive.State{}, err
		}
		if newest.at == seen { // the index has nothing newer to say
			return drive.State{}, d.corrupt(&key, err)
		}
		seen = newest.at // compaction moved it meanwhile
	}
}

// row returns a register's index row, or nil; see machine.lookup.
func (d *Drive) row(key *drive.Key, noWait bool, alloc func(int) []byte) ([]byte, error) {
	var buf [rowHeadBytes + nameBytesMax]byte
	return d.machine.lookup(appendRowKey(buf[:0], key), noWait, alloc)
}

// lookup returns a register's row as it is visible now, nil if there is none; it is never
// written again, or lies in memory from alloc. With noWait it answers from memory or
// drive.ErrWouldBlock.
func (m *machine) lookup(row []byte, noWait bool, alloc func(int) []byte) ([]byte, error) {
	if noWait {
		if !m.mu.TryRLock() {
			return nil, drive.ErrWouldBlock
		}
	} else {
		m.mu.RLock()
	}
	defer m.mu.RUnlock()
	if v := m.unsettled[string(row)]; v != nil {
		return v, nil
	}
	if v := m.table.get(row, alloc); v != nil {
		return v, nil
	}
	if noWait {
		return nil, drive.ErrWouldBlock
	}
	// A copy, since what Pebble gets goes to the heap, and the caller's row need not.
	v, err := m.index.get(bytes.Clone(row))
	if v != nil {
		m.table.put(row, v)
	}
	return v, err
}

// corrupt classes an unreadable row: never "not here".
func (d *Drive) corrupt(key *drive.Key, err error) error {
	return fmt.Errorf("%w: index row of %x in %s: %w", drive.ErrCorrupt, key.Name,
		d.config.Path, err)
}

// decodeState decodes a row for a caller, into memory where it is enough, and its newest entry
// for ourselves. The entries alias value.
func decodeState(memory []drive.Entry, key *drive.Key, value []byte) (s drive.State, newest entry,
	err error) {
	var c chain
	count, at, err := parseChainHead(&c, value)
	if err != nil || count == 0 {
		return s, newest, err
	}
	s.Entries = slices.Grow(memory[:0], count)
	for i := range count {
		var e entry
		n, err := parseEntry(&e, value[at:])
		if err != nil {
			return drive.State{}, newest, err
		}
		e.Key = *key
		s.Entries = append(s.Entries, drive.Entry{Record: e.Record, Settled: e.settled})
		if i == 0 {
			newest = e
		}
		at += n
	}
	return s, newest, nil
}

// readInline reads an inline shard from the log and verifies it.
func (d *Drive) readInline(e *entry, opt *drive.LookupOptions) ([]byte, error) {
	var p []byte
	if opt.Alloc != nil {
		p = opt.Alloc(int(e.ShardBytes))
	} else {
		p = make([]byte, e.ShardBytes)
	}
	if d.shards.get(e.at, p) {
		d.counters.copiedBytes.Add(uint64(len(p)))
		if e.algorithm.allMatch(e.sums, p) {
			d.counters.reads.Add(1)
			return p, nil
		}
		d.shards.drop(e.at) // the memory is at fault
	}
	r, err := d.log.acquire(e.at.segment)
	if err != nil {
		return nil, err
	}
	hit, err := d.config.Engine.ReadCached(r.file, p, e.at.offsetBytes)
	r.release()
	if err == nil && hit && e.algorithm.allMatch(e.sums, p) {
		d.counters.reads.Add(1)
		d.keep(e.at, p)
		return p, nil
	}
	if opt.NoWait {
		return nil, drive.ErrWouldBlock
	}
	return d.readInlineSlowly(*e, p)
}

// readInlineSlowly reads from the device. It has the entry for itself: its closures would send
// the caller's to the heap.
func (d *Drive) readInlineSlowly(e entry, p []byte) ([]byte, error) {
	if err := d.readShard(d.inlineSource(&e), [][]byte{p}, 0); err != nil {
		return nil, err
	}
	d.keep(e.at, p)
	return p, nil
}

// keep lets later readers find a shard in memory.
func (d *Drive) keep(at location, p []byte) {
	if d.shards.put(at, p) {
		d.counters.copiedBytes.Add(uint64(len(p)))
	}
}
