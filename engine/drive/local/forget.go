package local

import (
	"fmt"

	"flashstore/engine/drive"
)

// layoutForget is the first layout whose log may say that a tombstone was forgotten. A drive is
// raised to it with the first one.
const layoutForget = 3

// mayForget refuses to forget what is no settled tombstone, or one of the present term: a commit of
// its own time could still come, which only the term keeps out once the tombstone is gone.
func (m *machine) mayForget(g *register, r *drive.Record) error {
	i := g.find(r.WriteID)
	if i < 0 {
		return nil // it is forgotten
	}
	if e := &g.entries[i]; e.Type != drive.TypePurge || !e.settled || e.Order.Term >= m.pos.term {
		return fmt.Errorf("%w: not a settled tombstone of an earlier term than %d", drive.ErrFenced,
			m.pos.term)
	}
	return nil
}

// forgetTombstone drops a tombstone, and in a replay what it had released: the records of that may
// stand in segments that are older than this one, after those of the tombstone went with theirs.
func (m *machine) forgetTombstone(g *register, s *stored) (changed bool, err error) {
	released := g.forget(s.Order)
	for i := range released {
		m.release(&released[i])
	}
	if len(released) == 0 && !m.replaying {
		return false, nil
	}
	tombstone := entry{stored: *s}
	tombstone.Type = drive.TypePurge
	return true, m.settled(&tombstone)
}

// forget removes all up to an order, and returns the entries that were among it; they are valid
// until the chain changes again.
func (c *chain) forget(order drive.Order) (released []entry) {
	n := 0
	for n < len(c.entries) && order.Less(c.entries[n].Order) {
		n++
	}
	c.entries, released = c.entries[:n], c.entries[n:]
	kept := c.discarded[:0:0]
	for _, d := range c.discarded {
		if order.Less(d.order) {
			kept = append(kept, d)
		}
	}
	c.discarded = kept
	return released
}

// noteForgetting notes, durably, that tombstones of a term are about to be forgotten, before the
// first of them is.
func (d *Drive) noteForgetting(term uint64) error {
	if d.forgot.Load() >= term {
		return nil
	}
	format, err := readFormat(d.config.Engine, d.config.Path)
	if err == nil {
		format.Layout, format.Forgot = max(format.Layout, layoutForget), term
		err = format.write(d.config.Engine, d.config.Path)
	}
	if err != nil {
		return fmt.Errorf("noting that tombstones of term %d are forgotten: %w", term, err)
	}
	d.layout.Store(int32(format.Layout))
	d.forgot.Store(term)
	return nil
}
