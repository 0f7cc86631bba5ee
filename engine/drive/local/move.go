package local

import (
	"bytes"

	"flashstore/engine/drive"
)

// needs reports whether a record of the log that stands at a place would be missed: if the
// index were rebuilt without it, the register would not come out as it is now.
func (c *chain) needs(s *stored, at location) bool {
	i := c.find(s.WriteID)
	switch {
	case isEntry(s.Type):
		return i >= 0 && c.entries[i].at == at
	case s.Type == drive.TypeSettle:
		return i >= 0 && c.entries[i].settled && !c.entries[i].recorded
	case s.Type == drive.TypeDiscard:
		return c.isDiscarded(s.WriteID)
	case s.Type == drive.TypeFence:
		return c.fence == s.Token
	}
	return false // terms are in every batch header
}

// rewrite lets a record that compaction writes again take effect. changed is false if it is no
// longer needed and must not be written.
func (m *machine) rewrite(s *stored, at location) (changed bool, err error) {
	if s.Type == drive.TypeErase || s.Type == drive.TypeForget {
		_, err := m.apply(s, at) // as a replay will
		return true, err
	}
	g, err := m.load(&s.Key)
	if err != nil {
		return false, err
	}
	from := location{}
	if s.moved != nil {
		from = s.moved.from
	}
	if !g.needs(s, from) {
		return false, nil
	}
	if s.moved == nil {
		if s.Type == drive.TypeSettle { // whatever a replay will do here is done now
			return true, m.settled(&g.entries[g.find(s.WriteID)])
		}
		return true, nil
	}
	e := &g.entries[g.find(s.WriteID)]
	s.moved.settled = e.settled
	return true, m.move(g, s, at)
}

// move puts an entry at its new place. In a replay the entry is absent if the segment it was
// moved from is gone.
func (m *machine) move(g *register, s *stored, at location) error {
	settled := s.moved.settled
	e := entry{stored: *s, at: at}
	e.moved = nil
	i := g.find(s.WriteID)
	if i < 0 {
		if _, err := m.add(g, e); err != nil {
			return err
		}
		if i = g.find(s.WriteID); i < 0 {
			return nil // superseded
		}
	} else {
		m.replace(g, i, e)
	}
	g.changed = true
	g.entries[i].recorded = settled
	if !settled {
		return nil
	}
	if changed, err := m.settle(g, s); err != nil || changed {
		return err
	}
	return m.settled(&g.entries[i]) // what a replay of the move will do is done now
}

// replace gives entry i of a chain another place, and its old bulk space back.
func (m *machine) replace(g *register, i int, e entry) {
	old := g.entries[i]
	e.settled = old.settled
	g.entries[i] = e
	m.count(&e, 1)
	if bytes.Equal(old.Bulk, e.Bulk) {
		m.count(&old, -1)
		return
	}
	m.release(&old)
}
