package local

import (
	"bytes"
	"errors"
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
// guards. Records are applied to registers under work; seal makes an outcome of that, and show
// makes it visible, all at once.
type machine struct {
	index *index
	pos   position
	// What registers refer to, by bulk segment and by segment of the log.
	live, logLive *liveBytes

	// mu is held while a batch becomes visible, so that readers see all or nothing of it.
	mu        sync.RWMutex
	unsettled map[string][]byte // index rows of registers that wait for a settle
	table     *table            // rows of others

	// reader is an iterator over what Pebble had behind a number of drains; made when needed.
	reader  *pebble.Iterator
	drained uint64
	// pending is the batch before the present one, if it is complete but not shown yet.
	pending *outcome
	spare   *outcome
	work    map[string]*register
	done    []*register // of earlier batches, to be used again
	freed   []freeItem
	erased  []drive.Key // uploads whose parts went, not noted in the log yet
	row     []byte

	// replaying: batches of the log are applied, in which erase records say whose parts went.
	replaying bool

	released int64 // bytes of the log that nothing refers to any more, since compaction was woken
}

// What is kept of the registers of a batch, for the next one: their number, and entries of each.
const (
	registersKept = 1024
	roomKept      = 4
)

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

func newMachine(x *index, pos position, tableBytes int64) *machine {
	return &machine{index: x, pos: pos, table: newTable(tableBytes),
		work: make(map[string]*register),
		live: newLiveBytes(rowLive), logLive: newLiveBytes(rowLogLive),
		unsettled: make(map[string][]byte)}
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
	if r.Type == drive.TypeForget {
		return m.mayForget(g, r)
	}
	if r.Type != drive.TypeSettle && max(len(g.entries), len(g.discarded)) >= chainEntriesMax &&
		g.find(r.WriteID) < 0 {
		return fmt.Errorf("%w: %d writes of one name are undecided: bring the missing drives back",
			drive.ErrFull, chainEntriesMax)
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
	switch s.Type {
	case drive.TypeTerm:
		return m.raiseTerm(s.Token.Term), nil
	case drive.TypeErase:
		_, err := m.releaseParts(s.Key.Bucket, s.Key.Name)
		return true, err
	}
	g, err := m.load(&s.Key)
	if err != nil {
		return false, err
	}
	switch {
	case s.moved != nil:
		return true, m.move(g, s, at)
	case s.Type == drive.TypeFence:
		changed = g.fence.Less(s.Token)
		if changed {
			g.fence = s.Token
		}
	case s.Type == drive.TypeSettle:
		changed, err = m.settle(g, s)
	case s.Type == drive.TypeDiscard:
		changed, err = m.discard(g, s)
	case s.Type == drive.TypeForget:
		changed, err = m.forgetTombstone(g, s)
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
	if !m.replaying {
		m.pos.lost = false
	}
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
	return true, m.settled(&g.entries[g.find(s.WriteID)])
}

// settled does what the settling of an entry means for other registers: the parts of an
// aborted upload go.
func (m *machine) settled(e *entry) (err error) {
	name := e.Key.Name
	if e.Type == drive.TypePurge && e.Key.Space == drive.SpaceUpload &&
		len(name) >= uploadIDBytes && (len(e.Meta) == 0 || e.Meta[0] != completedUpload) {
		_, err = m.releaseParts(e.Key.Bucket, name[len(name)-uploadIDBytes:])
	}
	return err
}

func (m *machine) discard(g *register, s *stored) (changed bool, err error) {
	released, v := g.discard(s.WriteID, s.Order)
	for i := range released {
		m.release(&released[i])
	}
	if v == refused {
		return false, fmt.Errorf("%w: the write is settled", drive.ErrFenced)
	}
	return v == accepted, nil
}

// load brings a register under work. Its chain aliases memory that is never changed.
func (m *machine) load(key *drive.Key) (*register, error) {
	m.row = appendRowKey(m.row[:0], key)
	if g := m.work[string(m.row)]; g != nil {
		return g, nil
	}
	if m.pending != nil {
		if c, ok := m.pending.rows[string(m.row)]; ok {
			return m.decode(key, m.row, c.value)
		}
	}
	value := m.unsettled[string(m.row)] // this goroutine alone writes it
	if value == nil {
		value = m.table.get(m.row, nil)
	}
	if value == nil {
		var err error
		if value, err = m.seek(m.row); err != nil {
			return nil, err
		}
	}
	return m.decode(key, m.row, value)
}

// seek reads a row of the index. One iterator serves a batch, as long as no rows of the buffer go
// to Pebble; unlike Get it asks the bloom filters of the last level too, where most rows are.
func (m *machine) seek(row []byte) ([]byte, error) {
	value, found, drained := m.index.buffer.get(row)
	if found {
		return value, nil
	}
	if m.reader != nil && m.drained != drained {
		if err := m.endRead(); err != nil {
			return nil, damagedIndex(err)
		}
	}
	if m.reader == nil {
		it, err := m.index.db.NewIter(&pebble.IterOptions{UseL6Filters: true})
		if err != nil {
			return nil, damagedIndex(err)
		}
		m.reader, m.drained = it, drained
	}
	if m.reader.SeekPrefixGE(row) && bytes.Equal(m.reader.Key(), row) {
		v, err := m.reader.ValueAndErr()
		if err != nil {
			return nil, damagedIndex(err)
		}
		return bytes.Clone(v), nil
	}
	if err := m.reader.Error(); err != nil {
		return nil, damagedIndex(err)
	}
	return nil, nil
}

// endRead lets go of the index as it was before the present batch.
func (m *machine) endRead() (err error) {
	if m.reader != nil {
		err = m.reader.Close()
		m.reader = nil
	}
	return err
}

// close makes the index durable and closes it.
func (m *machine) close() error {
	return errors.Join(m.endRead(), m.index.close(), m.table.close())
}

func (m *machine) decode(key *drive.Key, row, value []byte) (*register, error) {
	g := m.newRegister()
	if value != nil {
		c, err := parseChain(key, value, g.entries)
		if err != nil {
			return nil, fmt.Errorf("%w: index row %x: %w", drive.ErrCorrupt, row, err)
		}
		g.chain = c
	}
	m.work[string(row)] = g
	return g, nil
}

// newRegister takes one that an earlier batch is done with, with its memory.
func (m *machine) newRegister() *register {
	last := len(m.done) - 1
	if last < 0 {
		return &register{}
	}
	g := m.done[last]
	m.done = m.done[:last]
	return g
}

// endWork lets go of the registers that the present batch has touched.
func (m *machine) endWork() {
	for _, g := range m.work {
		if len(m.done) == registersKept {
			break
		}
		room := g.entries[:min(cap(g.entries), roomKept)]
		clear(room) // of what it refers to
		*g = register{chain: chain{entries: room[:0]}}
		m.done = append(m.done, g)
	}
	clear(m.work)
}

// forget drops what is under work; nothing of it was changed.
func (m *machine) forget() error {
	m.endWork()
	return m.endRead()
}
