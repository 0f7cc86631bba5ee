package erasure

import (
	"sync"

	"flashstore/engine/drive"
	"flashstore/engine/erasure/codec"
)

// codecs are those of a set: one for each parity that its objects were written with. All but the
// default one are made when they are first needed.
type codecs struct {
	drives, parity int // of the set, and its default
	simd           string
	mu             sync.Mutex
	byParity       map[int]*codec.Codec
	standard       *codec.Codec
}

// start makes the codec of the default parity.
func (c *codecs) start(drives, parity int, simd string) (err error) {
	c.drives, c.parity, c.simd = drives, parity, simd
	c.byParity = make(map[int]*codec.Codec)
	c.standard, err = c.of(parity)
	return err
}

// of returns the codec of a parity.
func (c *codecs) of(parity int) (*codec.Codec, error) {
	if c.standard != nil && parity == c.parity {
		return c.standard, nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if made := c.byParity[parity]; made != nil {
		return made, nil
	}
	made, err := codec.New(codec.Layout{Data: c.drives - parity, Parity: parity}, c.simd)
	if err == nil {
		c.byParity[parity] = made
	}
	return made, err
}

// ofRecord returns the codec that the shards of r were made with.
func (c *codecs) ofRecord(r *drive.Record) (*codec.Codec, error) {
	return c.of(int(r.Geometry.Parity))
}

// stats sums up what all of them did.
func (c *codecs) stats() codec.Stats {
	c.mu.Lock()
	defer c.mu.Unlock()
	sum := codec.Stats{Path: c.standard.Stats().Path}
	for _, one := range c.byParity {
		s := one.Stats()
		sum.Encodes, sum.Rebuilds = sum.Encodes+s.Encodes, sum.Rebuilds+s.Rebuilds
	}
	return sum
}
