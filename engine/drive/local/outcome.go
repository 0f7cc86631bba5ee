package local

import (
	"errors"
	"fmt"

	"github.com/cockroachdb/pebble/v2"

	"flashstore/engine/drive"
)

// outcome is what a batch brings about: complete, and later shown.
type outcome struct {
	pos   position // behind the batch
	rows  map[string]rowChange
	index *pebble.Batch
	freed []freeItem
}

// rowChange is what becomes of a row: its new value, nil if it is gone.
type rowChange struct {
	value     []byte
	unsettled bool
}

// seal makes of what is under work the outcome of a batch. m.pos must say where the next batch
// will be. Outcomes are shown in their order, each before the second next is sealed.
func (m *machine) seal() (*outcome, error) {
	o := m.spare
	if m.spare = nil; o == nil {
		o = &outcome{rows: make(map[string]rowChange)}
	}
	o.pos, o.freed, o.index = m.pos, m.freed, m.index.db.NewBatch()
	if err := m.encode(o); err != nil {
		return nil, errors.Join(err, o.index.Close())
	}
	m.freed, m.erased = nil, m.erased[:0]
	m.endWork()
	m.live.sealed()
	m.logLive.sealed()
	m.pending = o
	return o, nil
}

// encode fills in the rows of an outcome.
func (m *machine) encode(o *outcome) error {
	b := o.index
	for row, g := range m.work {
		if !g.changed {
			continue
		}
		change, err := m.put(b, row, g)
		if err != nil {
			return err
		}
		o.rows[row] = change
	}
	if err := errors.Join(m.live.put(b), m.logLive.put(b)); err != nil {
		return err
	}
	for i := range o.freed {
		if err := b.Set(numberedRow(rowFree, o.freed[i].number),
			encodeExtents(o.freed[i].extents), nil); err != nil {
			return err
		}
	}
	return b.Set([]byte{rowPosition}, o.pos.encode(), nil)
}

// show makes an outcome visible and returns the space that became free.
func (m *machine) show(o *outcome) ([]freeItem, error) {
	if err := m.endRead(); err != nil {
		return nil, fmt.Errorf("index: %w", err)
	}
	if err := m.publish(o); err != nil {
		return nil, err
	}
	freed := o.freed
	if m.pending == o {
		m.pending = nil
	}
	err := o.index.Close()
	clear(o.rows)
	*o = outcome{rows: o.rows}
	m.spare = o
	return freed, err
}

// flush seals and shows what is under work.
func (m *machine) flush() error {
	o, err := m.seal()
	if err == nil {
		_, err = m.show(o)
	}
	return err
}

// put adds a register to an index batch.
func (m *machine) put(b *pebble.Batch, row string, g *register) (c rowChange, err error) {
	if g.fence.Term < m.pos.term {
		g.fence = drive.Order{} // the term refuses whatever it would
	}
	c.unsettled = g.unsettled()
	if c.unsettled != m.waits(row) {
		m.marker = append(append(m.marker[:0], rowUnsettled), row...)
		if c.unsettled {
			err = b.Set(m.marker, nil, nil)
		} else {
			err = b.SingleDelete(m.marker, nil) // it was Set once: the pair ends when they meet
		}
		if err != nil {
			return c, err
		}
	}
	m.row = append(m.row[:0], row...)
	if g.empty(m.pos.term) {
		return c, b.Delete(m.row, nil)
	}
	c.value = g.chain.appendTo(nil)
	return c, b.Set(m.row, c.value, nil)
}

// waits reports whether a register waits for a settle, before the present batch.
func (m *machine) waits(row string) bool {
	if m.pending != nil {
		if c, ok := m.pending.rows[row]; ok {
			return c.unsettled
		}
	}
	return m.unsettled[row] != nil
}

// publish applies an outcome to the index and to the rows in memory, in one step for readers.
func (m *machine) publish(o *outcome) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.index.db.Apply(o.index, pebble.NoSync); err != nil {
		return fmt.Errorf("index: %w", err)
	}
	for row, c := range o.rows {
		if c.unsettled {
			m.unsettled[row] = c.value
			continue
		}
		delete(m.unsettled, row)
		m.row = append(m.row[:0], row...)
		m.table.put(m.row, c.value)
	}
	return nil
}
