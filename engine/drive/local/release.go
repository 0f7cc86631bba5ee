package local

import (
	"bytes"
	"strings"

	"flashstore/engine/drive"
)

// supersede releases an entry for good, and with a manifest its parts, unless a manifest of
// the same upload is still in the chain (a repeated Complete). In a replay the erase record that
// was written then does that: a manifest that was discarded, and with it nothing else, comes back
// in the replay of a log whose discard is no longer there, to be superseded.
func (m *machine) supersede(g *register, e *entry) error {
	m.release(e)
	if e.Type != drive.TypeManifest || len(e.Meta) < uploadIDBytes || m.replaying {
		return nil
	}
	upload := e.Meta[:uploadIDBytes]
	for i := range g.entries {
		o := &g.entries[i]
		if o.Type == drive.TypeManifest && bytes.HasPrefix(o.Meta, upload) {
			return nil
		}
	}
	dropped, err := m.releaseParts(e.Key.Bucket, string(upload))
	if dropped {
		m.erased = append(m.erased, drive.Key{Space: drive.SpacePart, Bucket: e.Key.Bucket,
			Name: string(upload)})
	}
	return err
}

// releaseParts drops all parts of an upload and reports whether there were any.
func (m *machine) releaseParts(bucket drive.BucketID, upload string) (dropped bool, err error) {
	prefix := appendRowKey(nil, &drive.Key{Space: drive.SpacePart, Bucket: bucket, Name: upload})
	// Rows of the present batch, and of one that is pending, are not in the index yet: bring all
	// into work first.
	bring := func(row, value []byte) error {
		if m.work[string(row)] != nil {
			return nil
		}
		key, err := parseRowKey(row)
		if err != nil {
			return err
		}
		_, err = m.decode(&key, row, bytes.Clone(value))
		return err
	}
	if m.pending != nil {
		for row, c := range m.pending.rows {
			if strings.HasPrefix(row, string(prefix)) {
				if err := bring([]byte(row), c.value); err != nil {
					return false, err
				}
			}
		}
	}
	if err := m.index.each(prefix, bring); err != nil {
		return false, err
	}
	for row, g := range m.work {
		if !strings.HasPrefix(row, string(prefix)) {
			continue
		}
		dropped = true
		for i := range g.entries {
			m.release(&g.entries[i])
		}
		*g = register{changed: true}
	}
	return dropped, nil
}

// release takes an entry that left its register off the books and notes its bulk space.
func (m *machine) release(e *entry) {
	m.count(e, -1)
	m.released += e.logBytes()
	if e.shard != shardBulk {
		return
	}
	ref, err := parseBulkRef(e.Bulk)
	if err != nil {
		return // it was checked when it was committed; census finds the space
	}
	m.freed = append(m.freed, freeItem{number: m.pos.frees, extents: ref.extents})
	m.pos.frees++
}

// count adds an entry to the live bytes of its segments, or takes it off.
func (m *machine) count(e *entry, sign int64) {
	m.logLive.add(e.at.segment, sign*e.logBytes())
	if e.shard != shardBulk {
		return
	}
	ref, err := parseBulkRef(e.Bulk)
	if err != nil {
		return
	}
	for _, x := range ref.extents {
		m.live.add(x.segment, sign*x.lengthBytes)
	}
}
