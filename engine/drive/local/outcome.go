package local

import (
	"fmt"

	"flashstore/engine/drive"
)

// outcome is what a batch brings about: complete, and later shown.
type outcome struct {
	pos   position // behind the batch
	rows  map[string]rowChange
	index []indexChange
	freed []freeItem
}

// rowChange is what becomes of a row: its new value, nil if it is gone.
type rowChange struct {
	value     []byte
	unsettled bool
}

// seal makes of what is under work the outcome of a batch. m.pos must say where the next batch
// will be. Outcomes are shown in their order, each before the second next is sealed.
func (m *machine) seal() *outcome {
	o := m.spare
	if m.spare = nil; o == nil {
		o = &outcome{rows: make(map[string]rowChange)}
	}
	o.pos, o.freed = m.pos, m.freed
	m.encode(o)
	m.freed, m.erased = nil, m.erased[:0]
	m.endWork()
	m.live.sealed()
	m.logLive.sealed()
	m.pending = o
	return o
}

// encode fills in the rows of an outcome.
func (m *machine) encode(o *outcome) {
	for row, g := range m.work {
		if g.changed {
			m.put(o, row, g)
		}
	}
	o.index = m.logLive.appendTo(m.live.appendTo(o.index))
	for i := range o.freed {
		f := &o.freed[i]
		o.index = append(o.index, indexChange{string(numberedRow(rowFree, f.number)),
			rowOp{rowAdd, encodeExtents(f.extents)}})
	}
	o.index = append(o.index, positionChange(&o.pos))
}

func positionChange(p *position) indexChange {
	return indexChange{string([]byte{rowPosition}), rowOp{rowSet, p.encode()}}
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
	clear(o.rows)
	clear(o.index)
	*o = outcome{rows: o.rows, index: o.index[:0]}
	m.spare = o
	return freed, nil
}

// flush seals and shows what is under work.
func (m *machine) flush() error {
	_, err := m.show(m.seal())
	return err
}

// put adds a register to an outcome.
func (m *machine) put(o *outcome, row string, g *register) {
	if g.fence.Term < m.pos.term {
		g.fence = drive.Order{} // the term refuses whatever it would
	}
	c := rowChange{unsettled: g.unsettled()}
	if c.unsettled != m.waits(row) {
		o.index = append(o.index, indexChange{row, rowOp{kind: pick(c.unsettled, rowMark, rowUnmark)}})
	}
	op := rowOp{kind: rowDelete}
	if !g.empty(m.pos.term) {
		c.value = g.chain.appendTo(nil)
		op = rowOp{rowSet, c.value}
	}
	o.rows[row] = c
	o.index = append(o.index, indexChange{row, op})
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
	if err := m.index.apply(o.index); err != nil {
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
