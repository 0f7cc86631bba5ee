package local

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"

	"flashstore/engine/drive"
)

// The layout of a record; ARCHITECTURE.md has the table.
const (
	recordHeadBytes = 128
	nameBytesMax    = 1100
	// A moved record has a second head behind the first: type of what was moved, flags, where
	// it was.
	moveHeadBytes = 24
	moveSettled   = 1
	eraseBytes    = recordHeadBytes + uploadIDBytes
	// recordBytesMax lets one record of any legal content fit into a batch, moved too.
	recordBytesMax = batchBytesMax - batchHeadBytes - moveHeadBytes
)

// Where the shard of a record is.
const (
	shardNone   = 0
	shardInline = 1
	shardBulk   = 2
)

// A record is written in two forms.
const (
	formLog   = 0 // with name and inline shard
	formIndex = 1 // without: the row key has the name, the log has the shard
)

var errRecord = errors.New("the record is malformed")

// stored is a record as the log and the index hold it. Its slices alias the bytes it was
// decoded from.
type stored struct {
	drive.Record
	shard     uint8     // shardNone, shardInline, shardBulk
	sums      []byte    // one per chunk of an inline shard, by algorithm
	algorithm algorithm // of sums; any without
	moved     *move     // in the log: compaction wrote it again
}

// move is what a moved record says besides the entry.
type move struct {
	from    location // where it was
	settled bool     // the entry was settled when it was moved
}

// store prepares r for encoding; sums of the inline shard, by a, are appended to dst.
func store(r *drive.Record, a algorithm, dst []byte) (stored, error) {
	s := stored{Record: *r, algorithm: a}
	switch {
	case r.Type < drive.TypePut || r.Type >= drive.TypeMove && r.Type != drive.TypeForget:
		return s, fmt.Errorf("%w: type %d cannot be committed", errRecord, r.Type)
	case len(r.Key.Name) > nameBytesMax:
		return s, fmt.Errorf("%w: name of %d bytes", errRecord, len(r.Key.Name))
	case len(r.Inline) > 0 && len(r.Bulk) > 0:
		return s, fmt.Errorf("%w: both an inline and a bulk shard", errRecord)
	case len(r.Inline) > 0 && int64(len(r.Inline)) != r.ShardBytes:
		return s, fmt.Errorf("%w: %d inline bytes of a shard of %d", errRecord,
			len(r.Inline), r.ShardBytes)
	case len(r.Bulk) > bulkRefBytesMax:
		return s, fmt.Errorf("%w: a bulk reference of %d bytes", errRecord, len(r.Bulk))
	}
	switch {
	case len(r.Inline) > 0:
		s.shard = shardInline
		s.sums = a.appendSums(dst, r.Inline)
	case len(r.Bulk) > 0:
		s.shard = shardBulk
	case r.ShardBytes != 0:
		return s, fmt.Errorf("%w: a shard of %d bytes is missing", errRecord, r.ShardBytes)
	}
	if s.bytes(formLog) > recordBytesMax {
		return s, fmt.Errorf("%w: %d bytes, more than a batch holds", errRecord,
			s.bytes(formLog))
	}
	return s, nil
}

// bytes is the length of the encoded record.
func (s *stored) bytes(form uint8) int {
	n := recordHeadBytes + len(s.Meta) + len(s.Bulk) + len(s.sums)
	if form == formLog {
		n += len(s.Key.Name) + len(s.Inline)
		if s.moved != nil {
			n += moveHeadBytes
		}
	}
	return n
}

// logBytes is the length of the record in the log, also where the inline shard is not at hand.
func (s *stored) logBytes() int64 {
	n := int64(s.bytes(formLog) - len(s.Inline))
	if s.shard == shardInline {
		n += s.ShardBytes
	}
	return n
}

// clone returns a copy that aliases nothing.
func (s *stored) clone() stored {
	c := *s
	c.Meta, c.Bulk = bytes.Clone(s.Meta), bytes.Clone(s.Bulk)
	c.sums, c.Inline = bytes.Clone(s.sums), bytes.Clone(s.Inline)
	return c
}

// appendTo encodes the record behind dst. In the log form the inline shard comes last.
func (s *stored) appendTo(dst []byte, form uint8) []byte {
	name, inline, typ, moved := s.Key.Name, s.Inline, s.Type, s.moved
	if form == formIndex {
		name, inline, moved = "", nil, nil
	}
	if moved != nil {
		typ = drive.TypeMove
	}
	le := binary.LittleEndian
	dst = le.AppendUint32(dst, uint32(s.bytes(form)))
	dst = append(dst, byte(typ), byte(s.Key.Space), s.shard,
		byte(pick(s.shard == shardInline, s.algorithm, hashXXH3)),
		s.Geometry.Data, s.Geometry.Parity, s.Geometry.Index, form)
	dst = le.AppendUint16(dst, uint16(len(name)))
	dst = le.AppendUint16(dst, uint16(len(s.Bulk)))
	dst = le.AppendUint32(dst, uint32(len(s.Meta)))
	dst = le.AppendUint32(dst, uint32(len(s.sums)))
	dst = append(dst, s.Key.Bucket[:]...)
	dst = append(dst, s.Version[:]...)
	dst = appendOrder(dst, s.Order)
	dst = appendOrder(dst, s.Token)
	dst = append(dst, s.WriteID[:]...)
	dst = le.AppendUint64(dst, uint64(s.SizeBytes))
	dst = le.AppendUint64(dst, uint64(s.ShardBytes))
	dst = le.AppendUint64(dst, uint64(s.ModTimeNanos))
	if moved != nil {
		dst = append(dst, byte(s.Type), pick[byte](moved.settled, moveSettled, 0), 0, 0, 0, 0, 0, 0)
		dst = le.AppendUint64(dst, moved.from.segment)
		dst = le.AppendUint64(dst, uint64(moved.from.offsetBytes))
	}
	dst = append(dst, name...)
	dst = append(dst, s.Meta...)
	dst = append(dst, s.Bulk...)
	dst = append(dst, s.sums...)
	return append(dst, inline...)
}

// parseRecord decodes the record b begins with and returns its length in bytes. Key.Name is
// a copy, everything else aliases b. Errors wrap errRecord or drive.ErrNewer.
func parseRecord(b []byte) (s stored, lengthBytes int, err error) {
	if len(b) < recordHeadBytes {
		return s, 0, fmt.Errorf("%w: %d bytes left", errRecord, len(b))
	}
	le := binary.LittleEndian
	total := int64(le.Uint32(b))
	s.Type, s.Key.Space, s.shard = drive.Type(b[4]), drive.Space(b[5]), b[6]
	s.algorithm = algorithm(b[7])
	form := b[11]
	nameLen, bulkLen := int64(le.Uint16(b[12:])), int64(le.Uint16(b[14:]))
	metaLen, sumsLen := int64(le.Uint32(b[16:])), int64(le.Uint32(b[20:]))
	s.ShardBytes = int64(le.Uint64(b[112:]))
	moveLen, inlineLen := int64(0), int64(0)
	if s.Type == drive.TypeMove && form == formLog {
		if moveLen = moveHeadBytes; len(b) < recordHeadBytes+moveHeadBytes {
			return s, 0, fmt.Errorf("%w: %d bytes left of a move", errRecord, len(b))
		}
		s.Type, s.moved = drive.Type(b[recordHeadBytes]), parseMove(b[recordHeadBytes:])
	}
	if s.shard == shardInline && form == formLog {
		inlineLen = s.ShardBytes
	}
	switch {
	case s.Type == 0 || s.Type == drive.TypeMove || s.Type > drive.TypeForget ||
		s.moved != nil && !isEntry(s.Type):
		return s, 0, fmt.Errorf("%w: record type %d", drive.ErrNewer, s.Type)
	case !s.algorithm.known() || s.algorithm != hashXXH3 && s.shard != shardInline:
		return s, 0, fmt.Errorf("%w: checksum algorithm %d", drive.ErrNewer, b[7])
	case s.shard > shardBulk || form > formIndex:
		return s, 0, fmt.Errorf("%w: shard kind %d, form %d", errRecord, s.shard, form)
	case inlineLen < 0 || inlineLen > recordBytesMax || total > int64(len(b)) ||
		total != recordHeadBytes+moveLen+nameLen+metaLen+bulkLen+sumsLen+inlineLen:
		return s, 0, fmt.Errorf("%w: its lengths do not add up", errRecord)
	case s.shard == shardInline && sumsLen != s.algorithm.tableBytes(s.ShardBytes):
		return s, 0, fmt.Errorf("%w: %d bytes of checksums", errRecord, sumsLen)
	case (s.shard == shardBulk) != (bulkLen > 0) || s.shard != shardInline && sumsLen > 0 ||
		s.shard == shardNone && s.ShardBytes != 0:
		return s, 0, fmt.Errorf("%w: shard kind %d does not fit its lengths", errRecord, s.shard)
	}
	s.Geometry = drive.Geometry{Data: b[8], Parity: b[9], Index: b[10]}
	copy(s.Key.Bucket[:], b[24:])
	copy(s.Version[:], b[40:])
	s.Order, s.Token = orderAt(b[56:]), orderAt(b[72:])
	copy(s.WriteID[:], b[88:])
	s.SizeBytes = int64(le.Uint64(b[104:]))
	s.ModTimeNanos = int64(le.Uint64(b[120:]))
	rest := b[recordHeadBytes+moveLen : total]
	take := func(n int64) []byte {
		p := rest[:n:n]
		rest = rest[n:]
		return p
	}
	s.Key.Name = string(take(nameLen))
	s.Meta = nilIfEmpty(take(metaLen))
	s.Bulk = nilIfEmpty(take(bulkLen))
	s.sums = take(sumsLen)
	s.Inline = nilIfEmpty(take(inlineLen))
	return s, int(total), nil
}

func parseMove(b []byte) *move {
	le := binary.LittleEndian
	return &move{settled: b[1]&moveSettled != 0,
		from: location{le.Uint64(b[8:]), int64(le.Uint64(b[16:]))}}
}

// isEntry: records of these types become entries of their register.
func isEntry(t drive.Type) bool { return t >= drive.TypePut && t <= drive.TypeDocument }

func pick[T any](first bool, a, b T) T {
	if first {
		return a
	}
	return b
}

func nilIfEmpty(b []byte) []byte {
	if len(b) == 0 {
		return nil
	}
	return b
}

func appendOrder(dst []byte, o drive.Order) []byte {
	dst = binary.LittleEndian.AppendUint64(dst, o.Term)
	return binary.LittleEndian.AppendUint64(dst, o.Sequence)
}

func orderAt(b []byte) drive.Order {
	return drive.Order{
		Term:     binary.LittleEndian.Uint64(b),
		Sequence: binary.LittleEndian.Uint64(b[8:]),
	}
}
