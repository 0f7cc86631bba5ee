package local

import (
	"bytes"

	"flashstore/engine/drive"
)

// supersede releases an entry for good, and with a manifest its parts, unless a manifest of
// the same upload is still in the chain (a repeated Complete).
func (m *machine) supersede(g *register, e *entry) error {
	m.release(e)
	if e.Type != drive.TypeManifest || len(e.Meta) < uploadIDBytes {
		return nil
	}
	upload := e.Meta[:uploadIDBytes]
	for i := range g.entries {
		o := &g.entries[i]
		if o.Type == drive.TypeManifest && bytes.HasPrefix(o.Meta, upload) {
			return nil
		}
	}
	return m.releaseParts(e.Key.Bucket, string(upload))
}

// releaseParts drops all parts of an upload.
func (m *machine) releaseParts(bucket drive.BucketID, upload string) error {
	prefix := appendRowKey(nil, &drive.Key{Space: drive.SpacePart, Bucket: bucket, Name: upload})
	// Rows of the present batch are not in the index yet: bring all into work first.
	err := m.index.each(prefix, func(row, value []byte) error {
		if m.work[string(row)] != nil {
			return nil
		}
		key, err := parseRowKey(row)
		if err != nil {
			return err
		}
		_, err = m.decode(&key, row, bytes.Clone(value))
		return err
	})
	if err != nil {
		return err
	}
	for row, g := range m.work {
		if !bytes.HasPrefix([]byte(row), prefix) {
			continue
		}
		for i := range g.entries {
			m.release(&g.entries[i])
		}
		*g = register{changed: true}
	}
	return nil
}

// release notes the bulk space of an entry that left its register.
func (m *machine) release(e *entry) {
	if e.shard != shardBulk {
		return
	}
	m.count(e, -1)
	ref, err := parseBulkRef(e.Bulk)
	if err != nil {
		return // it was checked when it was committed; census finds the space
	}
	m.freed = append(m.freed, freeItem{number: m.pos.frees, extents: ref.extents})
	m.pos.frees++
}

// count adds an entry's extents to the live bytes of their segments, or takes them off.
func (m *machine) count(e *entry, sign int64) {
	if e.shard != shardBulk {
		return
	}
	ref, err := parseBulkRef(e.Bulk)
	if err != nil {
		return
	}
	for _, x := range ref.extents {
		m.live[x.segment] += sign * x.lengthBytes
		m.liveMoved[x.segment] = struct{}{}
	}
}
