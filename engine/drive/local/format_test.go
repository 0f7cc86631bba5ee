package local

import (
	"bytes"
	"reflect"
	"testing"

	"flashstore/engine/drive"
)

func sampleRecord(n int) *drive.Record {
	o := drive.Order{Term: 2, Sequence: uint64(n)}
	return &drive.Record{Type: drive.TypePut, Key: drive.Key{Space: drive.SpaceObject,
		Bucket: drive.BucketID{1}, Name: "a/b"}, Version: [16]byte{9}, Order: o, Token: o,
		WriteID: drive.WriteID{byte(n), 7}, Geometry: drive.Geometry{Data: 2, Parity: 1, Index: 2},
		SizeBytes: 600, ShardBytes: 300, ModTimeNanos: 1e18, Meta: []byte("meta"),
		Inline: bytes.Repeat([]byte{byte(n)}, 300)}
}

// sampleBatch is a sealed batch of two records.
func sampleBatch(t testing.TB) ([]byte, batchHeader) {
	b := alignedBytes(2 * blockBytes)
	used := batchHeadBytes
	for n := range 2 {
		s, err := store(sampleRecord(n), algorithm(1+n%2), nil)
		if err != nil {
			t.Fatal(err)
		}
		used = len(s.appendTo(b[:used], formLog))
	}
	h := batchHeader{layout: 2, epoch: 3 << 16, segment: 1, offsetBytes: 8192, number: 77,
		records: 2, lengthBytes: int(blocks(int64(used))), usedBytes: used, incarnation: [16]byte{5},
		completeFrom: drive.Order{Term: 1}}
	h.seal(b)
	return b[:h.lengthBytes], h
}

// readBatch is what recovery does with the bytes at a place.
func readBatch(b []byte, f func(*stored, int) error) (batchHeader, error) {
	h, err := parseBatchHeader(b)
	if err == nil && h.lengthBytes > len(b) {
		err = errBatch
	}
	if err == nil {
		err = parseBatch(&h, b)
	}
	if err == nil {
		err = eachRecord(&h, b, f)
	}
	return h, err
}

func TestBatchRoundTrip(t *testing.T) {
	b, want := sampleBatch(t)
	n := 0
	h, err := readBatch(b, func(s *stored, at int) error {
		if !reflect.DeepEqual(s.Record, *sampleRecord(n)) {
			t.Errorf("record %d: %+v", n, s.Record)
		}
		n++
		return nil
	})
	if err != nil || n != 2 || h != want {
		t.Fatalf("%d records, %v, %+v", n, err, h)
	}
}

// TestEveryByteOfABatch: no byte of a batch can change unseen, padding included.
func TestEveryByteOfABatch(t *testing.T) {
	b, _ := sampleBatch(t)
	for i := range b {
		b[i] ^= 0x40
		if _, err := readBatch(b, func(*stored, int) error { return nil }); err == nil {
			t.Fatalf("byte %d changed unseen", i)
		}
		b[i] ^= 0x40
	}
}

// FuzzBatch: whatever is found on a disk, decoding it ends without a panic, and a record
// that was accepted is encoded to the same bytes again.
func FuzzBatch(f *testing.F) {
	b, _ := sampleBatch(f)
	f.Add(b[batchHeadBytes:])
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, p []byte) {
		if len(p) > batchBytesMax-batchHeadBytes {
			return
		}
		whole := alignedBytes(int(blocks(int64(batchHeadBytes + len(p)))))
		copy(whole[batchHeadBytes:], p)
		h := batchHeader{layout: 1, records: 3, lengthBytes: len(whole),
			usedBytes: batchHeadBytes + len(p)}
		h.seal(whole)
		_, _ = readBatch(p, func(*stored, int) error { return nil })
		_, _ = readBatch(whole, func(s *stored, at int) error {
			form := whole[at+11]
			if again := s.appendTo(nil, form); !bytes.Equal(again, whole[at:at+len(again)]) {
				t.Fatalf("record at %d is encoded differently", at)
			}
			return nil
		})
	})
}

// FuzzIndexRow: a chain or reference that was accepted is encoded to the same bytes again.
func FuzzIndexRow(f *testing.F) {
	c := chain{fence: drive.Order{Term: 1, Sequence: 2},
		discarded: []discarded{{order: drive.Order{Term: 9}}}}
	for n := range 3 {
		s, err := store(sampleRecord(n), algorithm(1+n%2), nil)
		if err != nil {
			f.Fatal(err)
		}
		c.add(entry{stored: s, at: location{1, 4096}})
	}
	f.Add(c.appendTo(nil))
	for _, a := range []algorithm{hashXXH3, hashHighway} {
		f.Add([]byte((&bulkRef{shardBytes: 5000, algorithm: a, extents: []extent{{1, 4096, 8192}},
			sums: make([]byte, a.sumBytes())}).encode()))
	}
	f.Fuzz(func(t *testing.T, p []byte) {
		key := drive.Key{Space: drive.SpaceObject, Name: "a/b"}
		if c, err := parseChain(&key, p, nil); err == nil {
			again, err := parseChain(&key, c.appendTo(nil), nil)
			if err != nil || !reflect.DeepEqual(c, again) {
				t.Fatalf("%v\n%+v\n%+v", err, c, again)
			}
		}
		if r, err := parseBulkRef(p); err == nil {
			again, err := parseBulkRef(r.encode())
			if err != nil || !reflect.DeepEqual(r, again) {
				t.Fatalf("%v\n%+v\n%+v", err, r, again)
			}
		}
	})
}
