package local

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"flashstore/engine/drive"
	"flashstore/ioengine"
	"flashstore/ioengine/crashsim"
)

// scanned is a log segment on a simulated disk, batch by batch.
type scanned struct {
	disk  *crashsim.Disk
	log   *segmentLog
	heads []batchHeader
}

// newScanned writes batches of one and of several blocks, and zeros behind them.
func newScanned(t *testing.T) *scanned {
	disk, err := crashsim.New(crashsim.Config{})
	if err == nil {
		err = makeDirs(disk, "/d", "/d/"+logDir)
	}
	if err != nil {
		t.Fatal(err)
	}
	c := Config{Path: "/d", Engine: disk.Engine()}.withDefaults()
	s := &scanned{disk: disk, log: newSegmentLog(&c, [16]byte{}, func(error) {})}
	var text []byte
	for i, inline := range []int{300, 4200, 10, 0, 200} {
		r := sampleRecord(i)
		r.Inline, r.ShardBytes = make([]byte, inline), int64(inline)
		e, err := store(r, hashXXH3, nil)
		if err != nil {
			t.Fatal(err)
		}
		used := batchHeadBytes + e.bytes(formLog)
		b := alignedBytes(int(blocks(int64(used))))
		e.appendTo(b[:batchHeadBytes], formLog)
		h := batchHeader{layout: 1, epoch: 5 << 16, segment: 1, offsetBytes: int64(len(text)),
			number: uint64(i + 1), records: 1, lengthBytes: len(b), usedBytes: used,
			incarnation: [16]byte{5}}
		h.seal(b)
		text, s.heads = append(text, b...), append(s.heads, h)
	}
	f, err := disk.Open(s.log.name(1), ioengine.OpenFlags{Create: true, Write: true})
	if err == nil {
		err = ioengine.Run(c.Engine, ioengine.Foreground, ioengine.Op{Kind: ioengine.Write, File: f,
			Bufs: [][]byte{append(text, make([]byte, blockBytes)...)}})
	}
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// read scans the segment as a start without an index does, and a census.
func (s *scanned) read() (numbers []uint64, scan *logScan, err error) {
	scan = &logScan{engine: s.log.engine, log: s.log, incarnation: [16]byte{5}, number: 1,
		end: location{segment: 1}}
	err = scan.run([]uint64{1}, func(h *batchHeader, b []byte) error {
		numbers = append(numbers, h.number)
		return eachRecord(h, b, func(*stored, int) error { return nil })
	})
	return numbers, scan, err
}

// TestEveryByteOfALog flips a random bit of each byte of a log, block padding and the zeros
// behind it included: exactly the batch it is in is lost, and the scan says where, as damage or
// as a torn tail.
func TestEveryByteOfALog(t *testing.T) {
	t.Parallel()
	seed := uint64(time.Now().UnixNano())
	random := rand.New(rand.NewPCG(seed, 0))
	s := newScanned(t)
	if numbers, scan, err := s.read(); err != nil || len(numbers) != 5 || !scan.clean {
		t.Fatalf("%d batches, %v", len(numbers), err)
	}
	last := s.heads[len(s.heads)-1]
	end := last.offsetBytes + int64(last.lengthBytes)
	for at := range end + blockBytes {
		mask := byte(1) << random.IntN(8)
		err := s.disk.Flip(s.log.name(1), at, mask)
		if err == nil {
			err = s.check(at)
		}
		if err != nil {
			t.Fatalf("byte %d, mask %#x, seed %d: %v", at, mask, seed, err)
		}
		if err := s.disk.Flip(s.log.name(1), at, mask); err != nil {
			t.Fatal(err)
		}
	}
}

// TestNewerIsNotDamaged: with a good checksum, what this version does not know is of a newer one.
func TestNewerIsNotDamaged(t *testing.T) {
	t.Parallel()
	for what, change := range map[string]func(b []byte){
		"layout":              func(b []byte) { b[24] = layoutVersion + 1 },
		"checksum algorithm":  func(b []byte) { b[26] = byte(hashXXH3) + 1 },
		"flag":                func(b []byte) { b[27] |= 0x80 },
		"type of record":      func(b []byte) { b[batchHeadBytes+4] = byte(drive.TypeForget) + 1 },
		"algorithm of record": func(b []byte) { b[batchHeadBytes+7] = byte(hashHighway) + 1 },
	} {
		b, h := sampleBatch(t)
		change(b)
		if _, err := readBatch(b, func(*stored, int) error { return nil }); !errors.Is(err, errBatch) {
			t.Errorf("%s, with a bad checksum: %v", what, err)
		}
		putSum(b[8:], b[batchSummedAt:h.lengthBytes])
		if _, err := readBatch(b, func(*stored, int) error { return nil }); !errors.Is(err,
			drive.ErrNewer) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// check is the scan of a log whose byte at is flipped.
func (s *scanned) check(at int64) error {
	want, hit := []uint64(nil), batchHeader{offsetBytes: at / blockBytes * blockBytes}
	for _, h := range s.heads {
		if h.offsetBytes <= at && at < h.offsetBytes+int64(h.lengthBytes) {
			hit = h
		} else {
			want = append(want, h.number)
		}
	}
	numbers, scan, err := s.read()
	if err != nil || !slices.Equal(numbers, want) {
		return fmt.Errorf("batches %d, want %d, %v", numbers, want, err)
	}
	place := logDamage{Segment: 1, OffsetBytes: hit.offsetBytes}
	if hit.number != 0 && hit.number != 5 {
		place.Lost, place.from = 1, location{1, hit.offsetBytes}
		place.to = location{1, hit.offsetBytes + int64(hit.lengthBytes)}
		if len(scan.damage) != 1 || scan.damage[0] != place || !scan.clean {
			return fmt.Errorf("damage %+v, want %+v", scan.damage, place)
		}
		return nil
	}
	if scan.junk == nil || *scan.junk != place || scan.clean || len(scan.damage) > 0 {
		return fmt.Errorf("torn tail %+v, want %+v", scan.junk, place)
	}
	return nil
}
