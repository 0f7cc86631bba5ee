package local

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"

	"flashstore/engine/drive"
)

const (
	bulkRefVersion  = 1
	bulkRefHead     = 16
	extentBytes     = 24
	bulkRefBytesMax = math.MaxUint16
	shardBytesMax   = 1 << 40
	// tableInlineMax is the longest checksum table inside a reference: 256 chunks of xxh3, a shard
	// of 16 MiB, or 128 of HighwayHash. A longer one stands behind the data, in blocks of
	// tableBlockBytes, and the reference holds one checksum per block.
	tableInlineMax  = 4 << 10
	tableBlockBytes = 4 << 10
)

var errBulkRef = errors.New("the bulk reference is malformed")

// extent is a run of a bulk segment, in whole blocks.
type extent struct {
	segment     uint64
	offsetBytes int64
	lengthBytes int64
}

// bulkRef is a decoded drive.BulkRef: a shard's extents, in order, and its checksums.
type bulkRef struct {
	shardBytes int64
	algorithm  algorithm
	extents    []extent
	// sums is the table itself, or the checksums of its blocks if external.
	sums     []byte
	external bool
}

// bulkLayout is how much of the extents a shard's data and checksum table take.
func bulkLayout(shardBytes int64, a algorithm) (dataBytes, tableBytes int64) {
	table := a.tableBytes(shardBytes)
	if table <= tableInlineMax {
		return blocks(shardBytes), 0
	}
	return blocks(shardBytes), blocks(table)
}

func (r *bulkRef) encode() drive.BulkRef {
	le := binary.LittleEndian
	b := make([]byte, 0, bulkRefHead+len(r.extents)*extentBytes+len(r.sums))
	external := byte(0)
	if r.external {
		external = 1
	}
	b = append(b, bulkRefVersion, byte(r.algorithm), external, 0)
	b = le.AppendUint32(b, uint32(len(r.extents)))
	b = le.AppendUint64(b, uint64(r.shardBytes))
	for _, x := range r.extents {
		b = appendExtent(b, x)
	}
	return append(b, r.sums...)
}

// parseBulkRef decodes b; sums aliases it. Errors wrap errBulkRef.
func parseBulkRef(b drive.BulkRef) (r bulkRef, err error) {
	if len(b) < bulkRefHead || b[0] != bulkRefVersion || !algorithm(b[1]).known() || b[2] > 1 {
		return r, fmt.Errorf("%w: %d bytes", errBulkRef, len(b))
	}
	le := binary.LittleEndian
	count := int64(le.Uint32(b[4:]))
	r.algorithm = algorithm(b[1])
	r.shardBytes, r.external = int64(le.Uint64(b[8:])), b[2] == 1
	if r.shardBytes < 0 || r.shardBytes > shardBytesMax ||
		int64(len(b)) < bulkRefHead+count*extentBytes {
		return r, fmt.Errorf("%w: %d extents in %d bytes", errBulkRef, count, len(b))
	}
	data, table := bulkLayout(r.shardBytes, r.algorithm)
	room := int64(0)
	r.extents = make([]extent, count)
	for i := range r.extents {
		e := extentAt(b[bulkRefHead+i*extentBytes:])
		if e.offsetBytes < 0 || e.lengthBytes <= 0 || e.lengthBytes > 2*shardBytesMax ||
			(e.offsetBytes|e.lengthBytes)%blockBytes != 0 {
			return r, fmt.Errorf("%w: extent %d+%d", errBulkRef, e.offsetBytes, e.lengthBytes)
		}
		r.extents[i] = e
		room += e.lengthBytes
	}
	r.sums = b[bulkRefHead+count*extentBytes:]
	want := r.algorithm.tableBytes(r.shardBytes)
	if r.external {
		want = table / tableBlockBytes * r.algorithm.sumBytes()
	}
	if room != data+table || r.external != (table > 0) || int64(len(r.sums)) != want {
		return r, fmt.Errorf("%w: %d bytes of extents and %d of checksums for a shard of %d",
			errBulkRef, room, len(r.sums), r.shardBytes)
	}
	return r, nil
}

// locate cuts [offsetBytes, offsetBytes+lengthBytes) of the extents into places on disk and
// calls f for each, in order. Past the last extent it panics: lengths were checked.
func (r *bulkRef) locate(offsetBytes, lengthBytes int64, f func(at extent)) {
	for _, x := range r.extents {
		if offsetBytes >= x.lengthBytes {
			offsetBytes -= x.lengthBytes
			continue
		}
		n := min(x.lengthBytes-offsetBytes, lengthBytes)
		f(extent{x.segment, x.offsetBytes + offsetBytes, n})
		offsetBytes, lengthBytes = 0, lengthBytes-n
		if lengthBytes == 0 {
			return
		}
	}
	if lengthBytes > 0 {
		panic("local: a place past the shard's extents")
	}
}
