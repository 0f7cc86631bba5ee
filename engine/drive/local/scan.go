package local

import (
	"bytes"
	"context"
	"fmt"

	"github.com/cockroachdb/pebble/v2"

	"flashstore/engine/drive"
)

// A page of a scan takes memory for so many bytes of rows, and so many entries, at a time.
const (
	slabBytes   = 16 << 10
	slabEntries = 32
)

// Scan returns a page of registers as they were at one moment; see package drive.
func (d *Drive) Scan(ctx context.Context, q drive.ScanQuery) (drive.ScanPage, error) {
	if err := d.enter(); err != nil {
		return drive.ScanPage{}, err
	}
	defer d.leave()
	if q.Max < 1 {
		return drive.ScanPage{}, fmt.Errorf("local: a page of %d registers", q.Max)
	}
	if q.Unsettled {
		return d.scanUnsettled(ctx, q)
	}
	prefix := appendRowKey(nil, &drive.Key{Space: q.Space, Bucket: q.Bucket, Name: q.Prefix})
	from := prefix
	if q.After != "" {
		after := appendRowKey(nil, &drive.Key{Space: q.Space, Bucket: q.Bucket, Name: q.After})
		if after = append(after, 0); bytes.Compare(after, from) > 0 {
			from = after
		}
	}
	p := pager{max: q.Max}
	err := d.scanRows(ctx, from, prefixEnd(prefix), func(row, value []byte) (bool, error) {
		return p.add(row, value)
	})
	if err != nil {
		return drive.ScanPage{}, err
	}
	if p.full {
		p.page.Next = p.page.Registers[len(p.page.Registers)-1].Key.Name
	}
	return p.page, nil
}

// scanUnsettled pages through the registers that wait for a settle. The cursor is a row key.
func (d *Drive) scanUnsettled(ctx context.Context, q drive.ScanQuery) (drive.ScanPage, error) {
	from := []byte{rowUnsettled}
	if q.After != "" {
		from = append(append(from, q.After...), 0)
	}
	p := pager{max: q.Max}
	last := ""
	err := d.scanRows(ctx, from, []byte{rowUnsettled + 1}, func(row, _ []byte) (bool, error) {
		row = row[1:]
		value, err := d.machine.lookup(row, false, nil)
		if err != nil || value == nil { // settled since the iterator was made
			return err == nil, err
		}
		more, err := p.add(row, value)
		if more {
			last = string(row)
		}
		return more, err
	})
	if err != nil {
		return drive.ScanPage{}, err
	}
	if p.full {
		p.page.Next = last
	}
	return p.page, nil
}

// scanRows calls f for index rows in [from, end) until it returns false.
func (d *Drive) scanRows(ctx context.Context, from, end []byte,
	f func(row, value []byte) (more bool, err error)) error {
	it, err := d.machine.iterator(&pebble.IterOptions{LowerBound: from, UpperBound: end})
	if err != nil {
		return damagedIndex(err)
	}
	defer it.Close()
	for ok := it.First(); ok; ok = it.Next() {
		if err := ctx.Err(); err != nil {
			return err
		}
		value, err := it.ValueAndErr()
		if err != nil {
			return damagedIndex(err)
		}
		if more, err := f(it.Key(), value); err != nil || !more {
			return err
		}
	}
	if err := it.Error(); err != nil {
		return damagedIndex(err)
	}
	return nil
}

// iterator sees whole batches only.
func (m *machine) iterator(o *pebble.IterOptions) (*pebble.Iterator, error) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return m.index.newIter(o)
}

// pager collects registers; their names, values and entries lie in slabs.
type pager struct {
	max     int
	page    drive.ScanPage
	full    bool // there is at least one more
	slab    []byte
	entries []drive.Entry
}

// add takes a row in; false once the page is full. Registers without entries (a fence is
// all they have) are left out.
func (p *pager) add(row, value []byte) (bool, error) {
	if len(p.page.Registers) == p.max {
		p.full = true
		return false, nil
	}
	key, err := parseRowKey(row)
	if err != nil {
		return false, err
	}
	if len(p.entries) == 0 {
		p.entries = make([]drive.Entry, min(slabEntries, p.max))
	}
	state, _, err := decodeState(p.entries[:0:1], &key, p.keep(value))
	if err != nil {
		return false, fmt.Errorf("%w: index row of %x: %w", drive.ErrCorrupt, key.Name, err)
	}
	if len(state.Entries) > 0 {
		p.page.Registers = append(p.page.Registers, drive.Register{Key: key, State: state})
	}
	if len(state.Entries) == 1 {
		p.entries = p.entries[1:]
	}
	return true, nil
}

// keep copies b into memory that lives as long as the page.
func (p *pager) keep(b []byte) []byte {
	if cap(p.slab)-len(p.slab) < len(b) {
		p.slab = make([]byte, 0, max(slabBytes, len(b)))
	}
	at := len(p.slab)
	p.slab = append(p.slab, b...)
	return p.slab[at:len(p.slab):len(p.slab)]
}
