package local

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/zeebo/xxh3"

	"flashstore/engine/drive"
	"flashstore/ioengine"
)

// The layout of a batch; ARCHITECTURE.md has the table.
const (
	layoutFirst    = 1
	layoutHighway  = 2              // chunks may have checksums of HighwayHash
	layoutVersion  = layoutVersions // the last one that is known
	batchHeadBytes = 128
	batchBytesMax  = 512 << 10
	blockBytes     = ioengine.AlignBytes
	batchMagic     = "FSLOGB01"
	batchSummedAt  = 24 // the checksum covers everything from here to the end

	// flagIncomplete: records may have been lost; the drive's "not here" counts for nothing
	// until the next term.
	flagIncomplete = 1
	// flagDamaged: what was lost is more than torn tails.
	flagDamaged = 2
	// flagLost, in the index only: the log before this place has a hole that no batch behind it
	// knows of. Only a term that is raised after it was found ends that.
	flagLost = 4
)

var errBatch = errors.New("the batch is damaged")

// batchHeader says where a batch belongs, so that a block that was copied, recycled or left
// over from an earlier life is never taken for the next batch.
type batchHeader struct {
	layout       int // of the drive when the batch was written
	epoch        uint64
	segment      uint64
	offsetBytes  int64
	number       uint64
	lengthBytes  int // whole blocks
	usedBytes    int // header and records
	records      int
	incomplete   bool
	damaged      bool
	completeFrom drive.Order
	incarnation  [16]byte
	// What the drive had seen when the batch was complete, so that no older record is needed
	// to know.
	maxSeen drive.Order
	term    uint64
}

// seal writes the header into b[:batchHeadBytes], clears the padding behind the records and
// checksums the whole of b, which has lengthBytes bytes.
func (h *batchHeader) seal(b []byte) {
	le := binary.LittleEndian
	head := append(b[:0], batchMagic...)
	head = append(head, make([]byte, sumBytes)...)
	head = le.AppendUint16(head, uint16(h.layout))
	flags := byte(0)
	if h.incomplete {
		flags |= flagIncomplete
	}
	if h.damaged {
		flags |= flagDamaged
	}
	head = append(head, byte(hashXXH3), flags)
	head = le.AppendUint32(head, uint32(h.records))
	head = le.AppendUint64(head, h.epoch)
	head = le.AppendUint64(head, h.segment)
	head = le.AppendUint64(head, uint64(h.offsetBytes))
	head = le.AppendUint64(head, h.number)
	head = le.AppendUint32(head, uint32(h.lengthBytes))
	head = le.AppendUint32(head, uint32(h.usedBytes))
	head = appendOrder(head, h.completeFrom)
	head = append(head, h.incarnation[:]...)
	head = appendOrder(head, h.maxSeen)
	_ = le.AppendUint64(head, h.term) // ends at batchHeadBytes
	clear(b[h.usedBytes:h.lengthBytes])
	putSum(b[8:], b[batchSummedAt:h.lengthBytes])
}

func putSum(dst, p []byte) {
	h := xxh3.Hash128(p)
	binary.LittleEndian.PutUint64(dst, h.Lo)
	binary.LittleEndian.PutUint64(dst[8:], h.Hi)
}

// parseBatchHeader decodes the header of the batch that b begins with, without its checksum.
// Errors wrap errBatch or drive.ErrNewer.
func parseBatchHeader(b []byte) (h batchHeader, err error) {
	if len(b) < batchHeadBytes || string(b[:8]) != batchMagic {
		return h, fmt.Errorf("%w: no header", errBatch)
	}
	le := binary.LittleEndian
	h.layout = int(le.Uint16(b[24:]))
	h.epoch, h.segment = le.Uint64(b[32:]), le.Uint64(b[40:])
	h.offsetBytes, h.number = int64(le.Uint64(b[48:])), le.Uint64(b[56:])
	h.lengthBytes, h.usedBytes = int(le.Uint32(b[64:])), int(le.Uint32(b[68:]))
	h.records = int(le.Uint32(b[28:]))
	h.incomplete, h.damaged = b[27]&flagIncomplete != 0, b[27]&flagDamaged != 0
	h.completeFrom = orderAt(b[72:])
	copy(h.incarnation[:], b[88:])
	h.maxSeen, h.term = orderAt(b[104:]), le.Uint64(b[120:])
	if h.lengthBytes%blockBytes != 0 || h.lengthBytes > batchBytesMax ||
		h.usedBytes < batchHeadBytes || h.usedBytes > h.lengthBytes ||
		h.lengthBytes-h.usedBytes >= blockBytes {
		return h, fmt.Errorf("%w: lengths %d, %d", errBatch, h.lengthBytes, h.usedBytes)
	}
	return h, nil
}

// parseBatch verifies the batch in b, which is as long as its header h says.
func parseBatch(h *batchHeader, b []byte) error {
	var sum [sumBytes]byte
	putSum(sum[:], b[batchSummedAt:h.lengthBytes])
	if !bytes.Equal(sum[:], b[8:batchSummedAt]) {
		return fmt.Errorf("%w: checksum", errBatch)
	}
	if h.layout < layoutFirst || h.layout > layoutVersion || b[26] != byte(hashXXH3) ||
		b[27]&^(flagIncomplete|flagDamaged) != 0 {
		return fmt.Errorf("%w: layout %d, checksum algorithm %d, flags %#x",
			drive.ErrNewer, h.layout, b[26], b[27])
	}
	return nil
}

// eachRecord calls f for every record of a verified batch with the record's offset in b; s is valid
// during the call.
// It ends at the first error.
func eachRecord(h *batchHeader, b []byte, f func(s *stored, at int) error) error {
	at := batchHeadBytes
	var s stored // one for all: f keeps none
	for i := range h.records {
		var n int
		var err error
		if s, n, err = parseRecord(b[at:h.usedBytes]); err != nil {
			return fmt.Errorf("record %d of batch %d: %w", i, h.number, err)
		}
		if err := f(&s, at); err != nil {
			return err
		}
		at += n
	}
	if at != h.usedBytes {
		return fmt.Errorf("batch %d: %w: %d bytes behind the last record", h.number, errRecord,
			h.usedBytes-at)
	}
	return nil
}

// blocks rounds up to whole blocks.
func blocks(n int64) int64 { return (n + blockBytes - 1) / blockBytes * blockBytes }
