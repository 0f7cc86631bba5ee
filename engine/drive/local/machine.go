package local

import (
	"bytes"
	"fmt"
	"sync"

	"github.com/cockroachdb/pebble/v2"

	"flashstore/engine/drive"
)

const (
	uploadIDBytes   = 16
	completedUpload = 'C' // first byte of the Meta of a purge that ends a completed upload
)

// machine applies records to registers: the same code decides live commits and replays the
// log, so both come to the same end. One goroutine uses it, except for the fields that mu
// guards. Records are applied to registers under work; flush makes them visible, all at once.
type machine struct {
	index *index
	pos   position
	live  map[uint64]int64 // bytes that registers refer to, by bulk segment

	// mu is held while a batch becomes visible, so that readers see all or nothing of it.
	mu        sync.RWMutex
	unsettled map[string][]byte // index rows of registers that wait for a settle

	work      map[string]*register
	liveMoved map[uint64]struct{}
	freed     []freeItem
	row       []byte
}

// register is a chain that the present batch has touched.
type register struct {
	chain
	changed bool
}

// freeItem is space that nothing refers to any more.
type freeItem struct {
	number     uint64 // of its row in the index
	extents    []extent
	generation uint64 // see reaper
}

func newMachine(x *index, pos position) *machine {
	return &machine{index: x, pos: pos, live: make(map[uint64]int64),
		unsettled: make(map[string][]byte), work: make(map[string]*register),
		liveMoved: make(map[uint64]struct{})}
}

// admit reports whether the actor of r may write now: drive.ErrStaleTerm, drive.ErrFenced.
func (m *machine) admit(r *drive.Record) error {
	if r.Token.Term < m.pos.term {
		return fmt.Errorf("%w: token of term %d, the drive is at %d", drive.ErrStaleTerm,
			r.Token.Term, m.pos.term)
	}
	if r.Type == drive.TypeTerm {
		return nil
	}
	g, err := m.load(&r.Key)
	if err != nil {
		return err
	}
	if r.Token.Less(g.fence) {
		return fmt.Errorf("%w: token %v, fence %v", drive.ErrFenced, r.Token, g.fence)
	}
	return nil
}

// apply lets a record take effect on the registers under work; at is its place in the log.
// changed is false if it says nothing new and need not be logged.
func (m *machine) apply(s *stored, at location) (changed bool, err error) {
	if m.pos.maxSeen.Less(s.Order) {
		m.pos.maxSeen = s.Order
	}
	if m.pos.maxSeen.Less(s.Token) {
		m.pos.maxSeen = s.Token
	}
	if s.Type == drive.TypeTerm {
		return m.raiseTerm(s.Token.Term), nil
	}
	g, err := m.load(&s.Key)
	if err != nil {
		return false, err
	}
	switch s.Type {
	case drive.TypeFence:
		changed = g.fence.Less(s.Token)
		if changed {
			g.fence = s.Token
		}
	case drive.TypeSettle:
		changed, err = m.settle(g, s)
	case drive.TypeDiscard:
		changed = true
		for _, e := range g.discard(s.WriteID, s.Order) {
			m.release(&e)
		}
	default:
		changed, err = m.add(g, entry{stored: *s, at: at})
	}
	g.changed = g.changed || changed
	return changed, err
}

func (m *machine) raiseTerm(term uint64) (changed bool) {
	if term <= m.pos.term {
		return false
	}
	m.pos.term = term
	if m.pos.incomplete {
		m.pos.incomplete = false
		m.pos.completeFrom = drive.Order{Term: term}
	}
	return true
}

func (m *machine) add(g *register, e entry) (changed bool, err error) {
	switch g.add(e) {
	case repeated:
		return false, nil
	case refused:
		return false, fmt.Errorf("%w: the write was discarded", drive.ErrFenced)
	case superseded:
		m.count(&e, 1)
		return true, m.supersede(g, &e)
	}
	m.count(&e, 1)
	return true, nil
}

func (m *machine) settle(g *register, s *stored) (changed bool, err error) {
	released, changed := g.settle(s.WriteID)
	if !changed {
		return false, nil
	}
	for i := range released {
		if err := m.supersede(g, &released[i]); err != nil {
			return false, err
		}
	}
	e := &g.entries[g.find(s.WriteID)]
	aborted := e.Type == drive.TypePurge && s.Key.Space == drive.SpaceUpload &&
		len(s.Key.Name) >= uploadIDBytes && (len(e.Meta) == 0 || e.Meta[0] != completedUpload)
	if aborted {
		err = m.releaseParts(s.Key.Bucket, s.Key.Name[len(s.Key.Name)-uploadIDBytes:])
	}
	return true, err
}

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

// load brings a register under work. Its chain aliases memory that is never changed.
func (m *machine) load(key *drive.Key) (*register, error) {
	m.row = appendRowKey(m.row[:0], key)
	if g := m.work[string(m.row)]; g != nil {
		return g, nil
	}
	value := m.unsettled[string(m.row)] // this goroutine alone writes it
	if value == nil {
		var err error
		if value, err = m.index.get(m.row); err != nil {
			return nil, err
		}
	}
	return m.decode(key, m.row, value)
}

func (m *machine) decode(key *drive.Key, row, value []byte) (*register, error) {
	g := &register{}
	if value != nil {
		c, err := parseChain(key, value)
		if err != nil {
			return nil, fmt.Errorf("%w: index row %x: %w", drive.ErrCorrupt, row, err)
		}
		g.chain = c
	}
	m.work[string(row)] = g
	return g, nil
}

// forget drops what is under work; nothing of it was changed.
func (m *machine) forget() { clear(m.work) }

// flush makes everything under work visible and returns the space that became free. m.pos
// must say where the next batch will be.
func (m *machine) flush() ([]freeItem, error) {
	b := m.index.db.NewBatch()
	defer b.Close()
	rows := make(map[string][]byte, len(m.work)) // nil: settled or gone
	for row, g := range m.work {
		if !g.changed {
			continue
		}
		value, err := m.put(b, row, g)
		if err != nil {
			return nil, err
		}
		rows[row] = value
	}
	for segment := range m.liveMoved {
		if err := putLive(b, segment, m.live[segment]); err != nil {
			return nil, err
		}
	}
	for i := range m.freed {
		if err := b.Set(numberedRow(rowFree, m.freed[i].number),
			encodeExtents(m.freed[i].extents), nil); err != nil {
			return nil, err
		}
	}
	if err := b.Set([]byte{rowPosition}, m.pos.encode(), nil); err != nil {
		return nil, err
	}
	if err := m.publish(b, rows); err != nil {
		return nil, err
	}
	freed := m.freed
	m.freed = nil
	clear(m.work)
	clear(m.liveMoved)
	return freed, nil
}

// put adds a register to an index batch; it returns its row if the register is unsettled.
func (m *machine) put(b *pebble.Batch, row string, g *register) ([]byte, error) {
	key := []byte(row)
	if g.fence.Term < m.pos.term {
		g.fence = drive.Order{} // the term refuses whatever it would
	}
	was, is := m.unsettled[row] != nil, g.unsettled()
	if was != is {
		marker := append([]byte{rowUnsettled}, row...)
		var err error
		if is {
			err = b.Set(marker, nil, nil)
		} else {
			err = b.Delete(marker, nil)
		}
		if err != nil {
			return nil, err
		}
	}
	if g.empty(m.pos.term) {
		return nil, b.Delete(key, nil)
	}
	value := g.chain.appendTo(nil)
	if err := b.Set(key, value, nil); err != nil {
		return nil, err
	}
	if !is {
		value = nil
	}
	return value, nil
}

func putLive(b *pebble.Batch, segment uint64, bytes int64) error {
	key := numberedRow(rowLive, segment)
	if bytes == 0 {
		return b.Delete(key, nil)
	}
	return b.Set(key, encodeLive(bytes), nil)
}

// publish applies a batch to the index and the unsettled rows, in one step for readers.
func (m *machine) publish(b *pebble.Batch, rows map[string][]byte) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.index.db.Apply(b, pebble.NoSync); err != nil {
		return fmt.Errorf("index: %w", err)
	}
	for row, value := range rows {
		if value == nil {
			delete(m.unsettled, row)
		} else {
			m.unsettled[row] = value
		}
	}
	return nil
}

// lookup returns a register's row as it is visible now, nil if there is none. With noWait
// it answers from memory or drive.ErrWouldBlock.
func (m *machine) lookup(row []byte, noWait bool) ([]byte, error) {
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
	return m.index.get(row)
}
