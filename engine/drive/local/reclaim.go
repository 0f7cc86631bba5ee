package local

import (
	"context"
	"errors"
	"slices"

	"github.com/cockroachdb/pebble/v2"
)

// reclaimer gives back, in the background, what a crash left in bulk segments: shards that
// were written but never committed. It works on a view of the index from before the first
// commit of this life, so whatever is released later still counts as live here.
type reclaimer struct {
	drive *Drive
	view  *pebble.Iterator
	old   []*bulkSegment
	stop  chan struct{}
	ended chan struct{}
	all   bool // every old segment is done
}

// newReclaimer returns nil if the last stop was clean. From here on it no longer counts.
func newReclaimer(d *Drive) (*reclaimer, error) {
	var old []*bulkSegment
	for _, g := range d.bulk.segments { // nobody else is there yet
		if g.number >= d.machine.pos.reclaimed {
			old = append(old, g)
		}
	}
	d.machine.pos.reclaimed = 0
	if len(old) == 0 {
		return nil, nil
	}
	view, err := d.machine.index.newIter(&pebble.IterOptions{UpperBound: []byte{firstOwnSpace}})
	if err != nil {
		return nil, err
	}
	return &reclaimer{drive: d, view: view, old: old, stop: make(chan struct{}),
		ended: make(chan struct{})}, nil
}

func (r *reclaimer) run() {
	defer close(r.ended)
	live, err := liveExtents(r.view, r.stop)
	if err = errors.Join(err, r.view.Close()); err != nil || live == nil {
		return // the next start tries again
	}
	for _, g := range r.old {
		r.punchGaps(g, live[g.number])
	}
	r.all = true
}

// liveExtents collects the extents of all entries by segment, in order; nil if it was
// stopped or a row could not be read.
func liveExtents(it *pebble.Iterator, stop <-chan struct{}) (map[uint64][]extent, error) {
	live := make(map[uint64][]extent)
	for ok := it.First(); ok; ok = it.Next() {
		select {
		case <-stop:
			return nil, nil
		default:
		}
		key, err := parseRowKey(it.Key())
		if err != nil {
			return nil, err
		}
		c, err := parseChain(&key, it.Value(), nil)
		if err != nil {
			return nil, err
		}
		for i := range c.entries {
			if c.entries[i].shard != shardBulk {
				continue
			}
			ref, err := parseBulkRef(c.entries[i].Bulk)
			if err != nil {
				return nil, err
			}
			for _, x := range ref.extents {
				live[x.segment] = append(live[x.segment], x)
			}
		}
	}
	for _, list := range live {
		slices.SortFunc(list, func(a, b extent) int {
			return int(min(1, max(-1, a.offsetBytes-b.offsetBytes)))
		})
	}
	return live, it.Error()
}

// punchGaps gives back everything of a segment between its live extents.
func (r *reclaimer) punchGaps(g *bulkSegment, live []extent) {
	size, err := r.drive.bulk.sizeOf(g.number)
	if err != nil {
		return // removed meanwhile
	}
	at := int64(0)
	for _, x := range append(live, extent{offsetBytes: blocks(size)}) {
		if x.offsetBytes > at {
			r.drive.bulk.punch(g, freeRun{at, x.offsetBytes - at})
		}
		at = max(at, x.offsetBytes+x.lengthBytes)
	}
}

// wait returns when the work is done, or could not be. r may be nil.
func (r *reclaimer) wait(ctx context.Context) error {
	if r == nil {
		return nil
	}
	select {
	case <-r.ended:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// close stops the work and reports whether nothing is left to do. r may be nil.
func (r *reclaimer) close() (all bool) {
	if r == nil {
		return true
	}
	close(r.stop)
	<-r.ended
	return r.all
}
