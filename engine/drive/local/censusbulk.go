package local

import (
	"errors"
	"fmt"
	"slices"

	"github.com/cockroachdb/pebble/v2"

	"flashstore/engine/drive"
	"flashstore/ioengine"
)

// censusReadBytes is how much of a shard is read at a time.
const censusReadBytes = 16 * drive.ChunkBytes

// registers counts what the rebuilt index holds and verifies every bulk shard.
func (c *census) registers() error {
	c.report.Unsettled = len(c.rebuilt.unsettled)
	progress := c.shardProgress()
	buf := make([]byte, censusReadBytes)
	return c.rebuilt.index.eachBelow(firstOwnSpace, func(row, value []byte) error {
		if err := c.ctx.Err(); err != nil {
			return err
		}
		key, err := parseRowKey(row)
		if err != nil {
			return err
		}
		state, _, err := decodeState(nil, &key, slices.Clone(value))
		if err != nil {
			return err
		}
		c.report.Registers++
		for i := range state.Entries {
			c.report.Entries++
			if e := &state.Entries[i]; len(e.Bulk) > 0 {
				c.shard(e, buf, progress)
			}
		}
		return nil
	})
}

// shard reads a bulk shard from end to end.
func (c *census) shard(e *drive.Entry, buf []byte, progress func()) {
	d := c.drive
	src, err := d.source(e)
	for at := int64(0); err == nil && at < e.ShardBytes; at += censusReadBytes {
		if c.ctx.Err() != nil {
			return // registers ends with it
		}
		progress()
		n := min(censusReadBytes, e.ShardBytes-at)
		err = d.readShard(src, [][]byte{buf[:n]}, at)
		c.report.BulkBytes += n
	}
	if err == nil {
		return
	}
	file, offset := "", int64(0)
	if src != nil {
		src.locate(0, 1, func(x extent) { file, offset = d.bulk.name(x.segment), x.offsetBytes })
	}
	c.findShard(FindBulk, file, offset, &e.Record, err)
}

// space looks for written bulk space that no entry refers to.
func (c *census) space() error {
	c.progress(Progress{What: "space"})
	it, err := c.rebuilt.index.newIter(&pebble.IterOptions{UpperBound: []byte{firstOwnSpace}})
	if err != nil {
		return err
	}
	live, err := liveExtents(it, nil)
	if err = errors.Join(err, it.Close()); err != nil {
		return err
	}
	b := c.drive.bulk
	c.report.BulkSegments = len(b.segments)
	for number := range b.segments {
		if err := c.segmentSpace(number, live[number]); err != nil {
			c.find(FindSegment, b.name(number), 0, "", err)
		}
	}
	return nil
}

// segmentSpace compares the written ranges of a segment with the live ones.
func (c *census) segmentSpace(number uint64, live []extent) error {
	b := c.drive.bulk
	g, err := b.acquire(number)
	if err != nil {
		return err
	}
	defer b.done(g)
	return rangesOf(g.read, func(from, to int64) {
		for _, x := range live {
			if end := x.offsetBytes + x.lengthBytes; end <= from || x.offsetBytes >= to {
				continue
			} else if x.offsetBytes > from {
				c.unreferenced(number, from, x.offsetBytes)
				from = end
			} else {
				from = end
			}
		}
		if from < to {
			c.unreferenced(number, from, to)
		}
	})
}

func (c *census) unreferenced(number uint64, from, to int64) {
	c.report.UnreferencedBytes += to - from
	if number >= c.reclaimed {
		return
	}
	c.find(FindUnreferenced, c.drive.bulk.name(number), from, "",
		fmt.Errorf("%d bytes that nothing refers to", to-from))
}

// rangesOf calls f for the ranges of a file that hold data; none where that is not known.
func rangesOf(file ioengine.File, f func(from, to int64)) error {
	r, ok := file.(ioengine.RangeReporter)
	if !ok {
		return nil
	}
	err := r.DataRanges(f)
	if errors.Is(err, ioengine.ErrUnsupported) {
		return nil
	}
	return err
}
