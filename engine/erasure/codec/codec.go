package codec

import (
	"fmt"
	"sync/atomic"

	"github.com/klauspost/reedsolomon"
)

// Codec encodes and rebuilds shards of one layout on one SIMD path. Safe for concurrent use.
type Codec struct {
	Layout
	path     string
	encoder  reedsolomon.Encoder // nil without parity
	encodes  atomic.Uint64
	rebuilds atomic.Uint64
}

// Stats count the calls that did Reed-Solomon arithmetic.
type Stats struct {
	Path              string
	Encodes, Rebuilds uint64
}

// New makes a codec for layout on the SIMD path named simd: auto, or one of Supported.
func New(layout Layout, simd string) (*Codec, error) {
	if err := layout.Validate(); err != nil {
		return nil, err
	}
	p, err := choose(simd)
	if err != nil {
		return nil, err
	}
	c := &Codec{Layout: layout, path: p.name}
	if layout.Parity == 0 {
		return c, nil
	}
	options := append([]reedsolomon.Option{reedsolomon.WithMaxGoroutines(1)}, p.options...)
	c.encoder, err = reedsolomon.New(layout.Data, layout.Parity, options...)
	if err != nil {
		return nil, fmt.Errorf("codec: %d+%d: %w", layout.Data, layout.Parity, err)
	}
	return c, nil
}

// Encode computes the parity of shards: k filled and m to be written, all of one length.
func (c *Codec) Encode(shards [][]byte) error {
	if c.Parity == 0 || len(shards[0]) == 0 {
		return nil
	}
	c.encodes.Add(1)
	return c.encoder.Encode(shards)
}

// Rebuild fills every shard of length 0 whose capacity is that of the others' length and whose
// index is wanted, from at least k full ones. Unwanted ones stay empty.
func (c *Codec) Rebuild(shards [][]byte, wanted []bool) error {
	c.rebuilds.Add(1)
	if c.Parity == 0 {
		return reedsolomon.ErrTooFewShards
	}
	return c.encoder.ReconstructSome(shards, wanted)
}

// Stats returns the path in use and how often it ran.
func (c *Codec) Stats() Stats {
	return Stats{Path: c.path, Encodes: c.encodes.Load(), Rebuilds: c.rebuilds.Load()}
}
