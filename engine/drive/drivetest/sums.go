package drivetest

import (
	"bytes"
	"context"

	"flashstore/engine/drive"
)

// chunksOf cuts a shard into chunks.
func chunksOf(shard []byte) (chunks [][]byte) {
	for len(shard) > 0 {
		n := min(len(shard), drive.ChunkBytes)
		chunks, shard = append(chunks, shard[:n]), shard[n:]
	}
	return chunks
}

// summed writes a shard in pieces of 2 chunks. sum is called before each with the chunks of it.
func (h *harness) summed(name string, n uint64, shard []byte,
	sum func(w drive.ShardWriter, chunks [][]byte)) *drive.Record {
	h.Helper()
	w, err := h.Create(h.Context(), int64(len(shard)))
	h.must(err)
	chunks := chunksOf(shard)
	done := make(chan error, len(chunks))
	writes := 0
	for ; len(chunks) > 0; writes++ {
		piece := chunks[:min(2, len(chunks))]
		chunks = chunks[len(piece):]
		sum(w, piece)
		w.Write(piece, func(err error) { done <- err })
	}
	for range writes {
		h.must(<-done)
	}
	ref, err := w.Seal()
	h.must(err)
	r := put(name, n, nil)
	r.ShardBytes, r.Bulk = int64(len(shard)), ref
	return r
}

// testSums: checksums may be computed before a write, of all its chunks or of the first.
func testSums(h *harness) {
	for i, n := range []int{1, drive.ChunkBytes, 2*drive.ChunkBytes + 64, 5 * drive.ChunkBytes} {
		shard := pattern(i, n)
		for j, sum := range []func(drive.ShardWriter, [][]byte){
			func(w drive.ShardWriter, chunks [][]byte) { w.Sum(chunks[0]) },
			func(w drive.ShardWriter, chunks [][]byte) {
				for _, c := range chunks {
					w.Sum(c)
				}
			},
		} {
			name, order := string(rune('a'+2*i+j)), uint64(2*i+j+1)
			h.must(h.commit(h.summed(name, order, shard, sum)))
			h.read(h.newest(key(name), order), shard, 0)
		}
	}
}

// testSumsAhead: all of a shard may be summed before any of it is written.
func testSumsAhead(h *harness) {
	shard, begun := pattern(1, 5*drive.ChunkBytes+100), false
	h.must(h.commit(h.summed("k", 1, shard, func(w drive.ShardWriter, _ [][]byte) {
		if begun {
			return
		}
		begun = true
		for _, c := range chunksOf(shard) {
			w.Sum(c)
		}
	})))
	h.read(h.newest(key("k"), 1), shard, 0)
}

// testSumsOfOtherBytes: where Sum was told other bytes than were written, these are read or found
// damaged, as the drive computes checksums then or later; the chunks beside them are sound.
func testSumsOfOtherBytes(h *harness) {
	shard, calls := pattern(1, 4*drive.ChunkBytes), 0
	h.must(h.commit(h.summed("k", 1, shard, func(w drive.ShardWriter, chunks [][]byte) {
		if calls++; calls == 2 {
			w.Sum(pattern(2, drive.ChunkBytes))
		}
	})))
	e := h.newest(key("k"), 1)
	chunk := make([]byte, drive.ChunkBytes)
	err := h.Read(context.Background(), e, [][]byte{chunk}, 2*drive.ChunkBytes)
	if err == nil && !bytes.Equal(chunk, shard[2*drive.ChunkBytes:3*drive.ChunkBytes]) {
		h.Error("bytes that were never written are read")
	} else if err != nil {
		h.want(err, drive.ErrCorrupt)
	}
	h.read(e, shard[drive.ChunkBytes:2*drive.ChunkBytes], drive.ChunkBytes)
	h.read(e, shard[3*drive.ChunkBytes:], 3*drive.ChunkBytes)
}

// testSumsWithoutPlace: what is no chunk of the shard fails its seal.
func testSumsWithoutPlace(h *harness) {
	shard := pattern(1, 2*drive.ChunkBytes)
	for _, chunks := range [][]int{{100}, {drive.ChunkBytes, drive.ChunkBytes, 1},
		{drive.ChunkBytes, drive.ChunkBytes, drive.ChunkBytes},
		{drive.ChunkBytes, drive.ChunkBytes - 1}, {2 * drive.ChunkBytes}} {
		w, err := h.Create(h.Context(), int64(len(shard)))
		h.must(err)
		for _, n := range chunks {
			w.Sum(pattern(1, n))
		}
		done := make(chan error, 1)
		w.Write([][]byte{shard}, func(err error) { done <- err })
		h.must(<-done)
		if _, err := w.Seal(); err == nil {
			h.Errorf("sealed after checksums of %v bytes", chunks)
		}
	}
}
