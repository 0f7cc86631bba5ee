package local

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"flashstore/engine/drive"
)

const (
	chainVersion   = 1
	chainHeadBytes = 24
	entryHeadBytes = 24
	discardedBytes = 32
	entrySettled   = 1
	entryRecorded  = 2
	// chainEntriesMax undecided writes of a register, and as many discarded ones, are more than any
	// protocol leaves; further ones are refused. What settling them brings about fits into a batch.
	chainEntriesMax = 1 << 10
)

var errChain = errors.New("the index row is malformed")

// location is a place in the log.
type location struct {
	segment     uint64
	offsetBytes int64
}

func (l location) less(m location) bool {
	return l.segment < m.segment || l.segment == m.segment && l.offsetBytes < m.offsetBytes
}

// entry is one record of a register. at is where its inline shard begins, or without one
// where the record does. recorded: the record there says itself that the entry is settled.
type entry struct {
	stored
	settled, recorded bool
	at                location
}

// discarded is a write id that must not come back.
type discarded struct {
	id    drive.WriteID
	order drive.Order
}

// chain is a register: what the index holds under one name. Its rules are pure; chains that
// were decoded alias the bytes they came from.
type chain struct {
	fence     drive.Order
	discarded []discarded
	entries   []entry // newest first
}

// verdict is what a chain makes of a commit.
type verdict uint8

const (
	accepted   verdict = iota
	repeated           // this write id is here already
	superseded         // something newer is settled
	refused            // the write id was discarded, or is settled and cannot be
)

// add takes a new entry in; see the rules of package drive.
func (c *chain) add(e entry) verdict {
	at := len(c.entries)
	for i := range c.entries {
		have := &c.entries[i]
		if have.WriteID == e.WriteID {
			return repeated
		}
		if at == len(c.entries) && have.Order.Less(e.Order) {
			at = i
		}
	}
	if c.isDiscarded(e.WriteID) {
		return refused
	}
	for i := range c.entries {
		if c.entries[i].settled && e.Order.Less(c.entries[i].Order) {
			return superseded
		}
	}
	c.entries = append(c.entries, entry{})
	copy(c.entries[at+1:], c.entries[at:])
	c.entries[at] = e
	return accepted
}

// settle marks id and returns the entries below it, which are no longer part of the chain; they are
// valid until it changes again. changed is false if nothing needs to be written.
func (c *chain) settle(id drive.WriteID) (released []entry, changed bool) {
	i := c.find(id)
	if i < 0 {
		return nil, false
	}
	e := &c.entries[i]
	if e.settled && i == len(c.entries)-1 {
		return nil, false
	}
	e.settled = true
	c.entries, released = c.entries[:i+1], c.entries[i+1:]
	kept := c.discarded[:0:0]
	for _, d := range c.discarded {
		if !d.order.Less(e.Order) { // lower ones are superseded whenever they come
			kept = append(kept, d)
		}
	}
	c.discarded = kept
	return released, true
}

// discard removes id for good and returns its entry, if it was here. One that is settled stays:
// it was acknowledged.
func (c *chain) discard(id drive.WriteID, order drive.Order) (released []entry, v verdict) {
	if i := c.find(id); i >= 0 {
		if c.entries[i].settled {
			return nil, refused
		}
		released = append(released, c.entries[i])
		order = c.entries[i].Order
		c.entries = append(c.entries[:i:i], c.entries[i+1:]...)
	}
	if c.isDiscarded(id) {
		return released, repeated
	}
	c.discarded = append(c.discarded[:len(c.discarded):len(c.discarded)], discarded{id, order})
	return released, accepted
}

func (c *chain) isDiscarded(id drive.WriteID) bool {
	return slices.ContainsFunc(c.discarded, func(d discarded) bool { return d.id == id })
}

// find returns the index of id, or -1.
func (c *chain) find(id drive.WriteID) int {
	for i := range c.entries {
		if c.entries[i].WriteID == id {
			return i
		}
	}
	return -1
}

// unsettled reports whether the newest entry waits for a settle.
func (c *chain) unsettled() bool { return len(c.entries) > 0 && !c.entries[0].settled }

// empty reports whether nothing of the chain needs to be remembered at this term: a fence
// of an earlier term refuses nothing that the term does not refuse.
func (c *chain) empty(term uint64) bool {
	return len(c.entries) == 0 && len(c.discarded) == 0 &&
		(c.fence.Term < term || c.fence == drive.Order{})
}

// essence is an encoding that is equal for chains that behave alike in a term; nil for an
// empty one.
func (c *chain) essence(term uint64) []byte {
	if c.empty(term) {
		return nil
	}
	e := *c
	if e.fence.Term < term {
		e.fence = drive.Order{}
	}
	e.discarded = slices.Clone(e.discarded)
	slices.SortFunc(e.discarded, func(a, b discarded) int { return slices.Compare(a.id[:], b.id[:]) })
	return e.appendTo(nil)
}

// bytes is the length of the chain's encoding.
func (c *chain) bytes() int {
	n := chainHeadBytes + discardedBytes*len(c.discarded)
	for i := range c.entries {
		n += entryHeadBytes + c.entries[i].bytes(formIndex)
	}
	return n
}

// appendTo encodes the chain behind dst.
func (c *chain) appendTo(dst []byte) []byte {
	le := binary.LittleEndian
	dst = slices.Grow(dst, c.bytes())
	dst = append(dst, chainVersion, 0)
	dst = le.AppendUint16(dst, uint16(len(c.entries)))
	dst = le.AppendUint16(dst, uint16(len(c.discarded)))
	dst = append(dst, 0, 0)
	dst = appendOrder(dst, c.fence)
	for i := range c.discarded {
		dst = append(dst, c.discarded[i].id[:]...)
		dst = appendOrder(dst, c.discarded[i].order)
	}
	for i := range c.entries {
		e := &c.entries[i]
		flags := pick[byte](e.settled, entrySettled, 0) | pick[byte](e.recorded, entryRecorded, 0)
		dst = le.AppendUint32(dst, uint32(entryHeadBytes+e.bytes(formIndex)))
		dst = append(dst, flags, 0, 0, 0)
		dst = le.AppendUint64(dst, e.at.segment)
		dst = le.AppendUint64(dst, uint64(e.at.offsetBytes))
		dst = e.stored.appendTo(dst, formIndex)
	}
	return dst
}

// parseChain decodes an index row of key. The chain aliases b; its entries take room, which may be
// nil, if that has some to spare.
func parseChain(key *drive.Key, b []byte, room []entry) (c chain, err error) {
	count, at, err := parseChainHead(&c, b)
	if err != nil {
		return c, err
	}
	switch {
	case cap(room) > count:
		c.entries = room[:count]
	case count > 0:
		c.entries = make([]entry, count, count+1)
	}
	for i := range c.entries {
		n, err := parseEntry(&c.entries[i], b[at:])
		if err != nil {
			return c, fmt.Errorf("entry %d: %w", i, err)
		}
		c.entries[i].Key = *key
		at += n
	}
	return c, nil
}

// parseChainHead fills in all but the entries; it returns their number and offset.
func parseChainHead(c *chain, b []byte) (count, at int, err error) {
	if len(b) < chainHeadBytes {
		return 0, 0, fmt.Errorf("%w: %d bytes", errChain, len(b))
	}
	if b[0] != chainVersion {
		return 0, 0, fmt.Errorf("%w: index row version %d", drive.ErrNewer, b[0])
	}
	le := binary.LittleEndian
	count = int(le.Uint16(b[2:]))
	gone := int(le.Uint16(b[4:]))
	c.fence = orderAt(b[8:])
	at = chainHeadBytes
	if len(b) < at+gone*discardedBytes+count*(entryHeadBytes+recordHeadBytes) {
		return 0, 0, fmt.Errorf("%w: %d bytes for %d entries", errChain, len(b), count)
	}
	for range gone {
		d := discarded{order: orderAt(b[at+16:])}
		copy(d.id[:], b[at:])
		c.discarded = append(c.discarded, d)
		at += discardedBytes
	}
	return count, at, nil
}

// parseEntry decodes the entry that b begins with, all but its key, and returns its length.
func parseEntry(e *entry, b []byte) (int, error) {
	if len(b) < entryHeadBytes {
		return 0, fmt.Errorf("%w: %d bytes left", errChain, len(b))
	}
	le := binary.LittleEndian
	n := int(le.Uint32(b))
	if n < entryHeadBytes || n > len(b) {
		return 0, fmt.Errorf("%w: an entry of %d bytes", errChain, n)
	}
	e.settled, e.recorded = b[4]&entrySettled != 0, b[4]&entryRecorded != 0
	e.at = location{le.Uint64(b[8:]), int64(le.Uint64(b[16:]))}
	s, used, err := parseRecord(b[entryHeadBytes:n])
	if err == nil && used != n-entryHeadBytes {
		err = fmt.Errorf("%w: an entry of %d bytes holds %d", errChain, n, used)
	}
	e.stored = s
	return n, err
}
