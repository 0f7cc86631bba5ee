package local

import (
	"fmt"

	"flashstore/engine/drive"
)

// replacing makes of a record that replaces a damaged shard a move from where that is: whatever
// holds for a shard that compaction moved holds for it, in a replay too.
func (m *machine) replacing(s *stored) error {
	if !s.Replace || !isEntry(s.Type) {
		return nil
	}
	g, err := m.load(&s.Key)
	if err != nil {
		return err
	}
	if i := g.find(s.WriteID); i >= 0 {
		s.moved = &move{from: g.entries[i].at, settled: g.entries[i].settled}
	}
	return nil
}

// planHealed lifts the mark below which the drive's "not here" counts for nothing. The batch's
// header says so; since no batch is written without a record, it says the term once more.
func (c *committer) planHealed(q *request) error {
	if recordHeadBytes > batchBytesMax-c.next.used {
		return errNoRoom
	}
	m := c.drive.machine
	err := m.admit(&drive.Record{Type: drive.TypeTerm, Token: q.record.Token})
	switch {
	case err != nil:
	case m.pos.incomplete || m.pos.completeFrom != q.record.Order:
		err = fmt.Errorf("%w: the drive is complete from %v on, not from %v: look again",
			drive.ErrFenced, m.pos.completeFrom, q.record.Order)
	default:
		term := drive.Order{Term: m.pos.term}
		m.pos.completeFrom, m.pos.damaged = drive.Order{}, false
		c.next.encode(&stored{Record: drive.Record{Type: drive.TypeTerm, Order: term, Token: term}})
		c.next.waiting = append(c.next.waiting, *q)
		return nil
	}
	q.finish(err)
	return nil
}
