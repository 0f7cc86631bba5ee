package drivetest

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"

	"flashstore/engine/drive"
)

// Run checks an implementation against the rules of package drive.
func Run(t *testing.T, newDrive New) {
	for name, f := range map[string]func(*harness){
		"order":           testOrder,
		"settle":          testSettle,
		"settled-again":   testSettledAgain,
		"below-settled":   testBelowSettled,
		"same-write-id":   testSameWriteID,
		"discard":         testDiscard,
		"term":            testTerm,
		"fence":           testFence,
		"inline":          testInline,
		"reused-memory":   testReusedMemory,
		"bulk":            testBulk,
		"bulk-refused":    testBulkRefused,
		"sums":            testSums,
		"sums-ahead":      testSumsAhead,
		"sums-other":      testSumsOfOtherBytes,
		"sums-no-place":   testSumsWithoutPlace,
		"abort":           testAbort,
		"read-arguments":  testReadArguments,
		"scan":            testScan,
		"scan-unsettled":  testScanUnsettled,
		"restart":         testRestart,
		"lazy-settle":     testLazySettle,
		"parts-complete":  testPartsOfManifest,
		"parts-recommit":  testPartsOfRepeatedComplete,
		"parts-abort":     testPartsOfAbort,
		"pin":             testPin,
		"group":           testGroup,
		"closed":          testClosed,
		"close-at-work":   testCloseAtWork,
		"malformed":       testMalformed,
		"no-wait":         testNoWait,
		"spaces-separate": testSpaces,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f(newHarness(t, newDrive))
		})
	}
}

func testOrder(h *harness) {
	for _, n := range []uint64{20, 10, 30, 25} { // arrival is not order
		h.must(h.commit(put("k", n, nil)))
	}
	s := h.chain(key("k"), 30, 25, 20, 10)
	if s.Newest().Settled || s.Newest().Key != key("k") || string(s.Newest().Meta) != "meta of k" {
		h.Fatalf("newest entry %+v", s.Newest())
	}
	if h.Info().MaxSeen != (drive.Order{Term: Term, Sequence: 30}) {
		h.Fatalf("MaxSeen %v", h.Info().MaxSeen)
	}
	h.chain(key("other"))
}

func testSettle(h *harness) {
	var r [4]*drive.Record
	for n := range r {
		r[n] = put("k", uint64(n+1), nil)
		h.must(h.commit(r[n]))
	}
	h.settle(r[1])
	s := h.chain(key("k"), 4, 3, 2)
	if s.Entries[0].Settled || !s.Entries[2].Settled {
		h.Fatal("the wrong entry is settled")
	}
	h.settle(r[0]) // released before: says nothing
	h.settle(put("k", 99, nil))
	h.chain(key("k"), 4, 3, 2)
	h.settle(r[3])
	if s := h.chain(key("k"), 4); !s.Entries[0].Settled {
		h.Fatal("not settled")
	}
	h.settle(r[3])
}

// testSettledAgain: what a lookup may have left in a cache does not outlive the next settle.
func testSettledAgain(h *harness) {
	for n := uint64(1); n <= 3; n++ {
		r := put("k", n, nil)
		h.must(h.commit(r))
		h.settle(r)
		for range 2 {
			if s := h.chain(key("k"), n); !s.Entries[0].Settled {
				h.Fatal("not settled")
			}
		}
	}
	end := about(put("k", 9, nil), drive.TypePurge)
	h.must(h.commit(end))
	h.settle(end)
	h.chain(key("k"), 9)
}

func testBelowSettled(h *harness) {
	r := put("k", 10, nil)
	h.must(h.commit(r))
	h.settle(r)
	h.must(h.commit(put("k", 5, []byte("late"))))
	h.chain(key("k"), 10)
	h.reopen()
	h.chain(key("k"), 10)
}

func testSameWriteID(h *harness) {
	r := put("k", 10, []byte("first"))
	h.must(h.commit(r))
	again := put("k", 10, []byte("other"))
	h.must(h.commit(again))
	if s := h.chain(key("k"), 10); string(s.Entries[0].Inline) != "first" {
		h.Fatalf("shard %q", s.Entries[0].Inline)
	}
	h.settle(r)
	h.must(h.commit(again))
	if s := h.chain(key("k"), 10); !s.Entries[0].Settled {
		h.Fatal("a repeated commit undid the settle")
	}
}

func testDiscard(h *harness) {
	a, b := put("k", 10, nil), put("k", 20, nil)
	h.must(h.commit(a))
	h.must(h.commit(b))
	h.must(h.commit(about(b, drive.TypeDiscard)))
	h.chain(key("k"), 10)
	h.want(h.commit(b), drive.ErrFenced)
	h.must(h.commit(about(put("k", 30, nil), drive.TypeDiscard))) // not here: remembered
	h.want(h.commit(put("k", 30, nil)), drive.ErrFenced)
	h.reopen()
	h.want(h.commit(b), drive.ErrFenced)
	h.chain(key("k"), 10)
	h.settle(a)
	h.want(h.commit(about(a, drive.TypeDiscard)), drive.ErrFenced) // it was acknowledged
	h.chain(key("k"), 10)
}

func testTerm(h *harness) {
	h.must(h.commit(put("k", 1, nil)))
	h.must(h.commit(&drive.Record{Type: drive.TypeTerm, Token: drive.Order{Term: Term + 2}}))
	if h.Info().Term != Term+2 {
		h.Fatalf("term %d", h.Info().Term)
	}
	r := put("k", 2, nil)
	h.want(h.commit(r), drive.ErrStaleTerm)
	h.want(h.commit(about(r, drive.TypeSettle)), drive.ErrStaleTerm)
	h.want(h.commit(&drive.Record{Type: drive.TypeTerm, Token: drive.Order{Term: Term}}),
		drive.ErrStaleTerm)
	r.Token = drive.Order{Term: Term + 2, Sequence: 1} // an old order under a new token
	h.must(h.commit(r))
	h.chain(key("k"), 2, 1)
	h.reopen()
	if h.Info().Term != Term+2 {
		h.Fatalf("term %d after a restart", h.Info().Term)
	}
}

func testFence(h *harness) {
	fence := about(put("k", 50, nil), drive.TypeFence)
	h.must(h.commit(fence))
	h.chain(key("k"))
	h.want(h.commit(put("k", 49, nil)), drive.ErrFenced)
	h.must(h.commit(put("other", 49, nil)))
	h.reopen()
	h.want(h.commit(put("k", 49, nil)), drive.ErrFenced)
	h.want(h.commit(about(put("k", 40, nil), drive.TypeFence)), drive.ErrFenced)
	h.must(h.commit(put("k", 50, nil)))
	if names := h.scan(objects(10)); !slices.Equal(names, []string{"k", "other"}) {
		h.Fatalf("scan %q", names)
	}
}

func objects(max int) drive.ScanQuery {
	return drive.ScanQuery{Space: drive.SpaceObject, Bucket: bucket, Max: max}
}

func testInline(h *harness) {
	inlineMax := int(h.Info().Properties.InlineMax)
	for i, n := range []int{0, 1, 4096, drive.ChunkBytes - 1, drive.ChunkBytes,
		drive.ChunkBytes + 1, inlineMax} {
		name, shard := fmt.Sprint("k", n), pattern(i, n)
		h.must(h.commit(put(name, uint64(i+1), shard)))
		s := h.chain(key(name), uint64(i+1))
		if !bytes.Equal(s.Entries[0].Inline, shard) {
			h.Fatalf("inline shard of %d bytes differs", n)
		}
		plain, err := h.Lookup(context.Background(), key(name), drive.LookupOptions{})
		h.must(err)
		if plain.Entries[0].Inline != nil || plain.Entries[0].ShardBytes != int64(n) {
			h.Fatal("a shard that was not asked for")
		}
		h.read(&plain.Entries[0], shard, 0)
		if n > drive.ChunkBytes {
			h.read(&plain.Entries[0], shard[drive.ChunkBytes:], drive.ChunkBytes)
		}
	}
}

func testBulk(h *harness) {
	for i, n := range []int{1, 4095, 4097, drive.ChunkBytes, 5*drive.ChunkBytes + 64, 1 << 20,
		3<<20 + 320, 17<<20 + 128} {
		name, shard := fmt.Sprint("b", n), pattern(i, n)
		h.must(h.commit(h.bulk(name, uint64(i+1), shard)))
		e := h.newest(key(name), uint64(i+1))
		h.read(e, shard, 0)
		if n > drive.ChunkBytes {
			at := (n - 1) / drive.ChunkBytes * drive.ChunkBytes
			h.read(e, shard[at:], at)
			h.read(e, shard[:drive.ChunkBytes], 0)
		}
	}
	h.reopen()
	h.read(h.newest(key("b1048576"), 6), pattern(5, 1<<20), 0)
	h.read(h.newest(key("b17825920"), 8), pattern(7, 17<<20+128), 0)
	h.must(h.commit(h.bulk("after", 20, pattern(20, 1<<20))))
	h.read(h.newest(key("after"), 20), pattern(20, 1<<20), 0)
}

func testBulkRefused(h *harness) {
	a := h.bulk("a", 1, pattern(1, 1<<18))
	h.must(h.commit(a))
	b := put("b", 2, nil)
	b.ShardBytes, b.Bulk = a.ShardBytes, a.Bulk
	if h.commit(b) == nil {
		h.Fatal("two records share a shard")
	}
	b.Bulk = []byte("nonsense that is longer than a head")
	if h.commit(b) == nil {
		h.Fatal("a malformed reference was taken")
	}
	h.must(h.commit(a)) // but the same write may come again
	h.chain(key("b"))
}

func testAbort(h *harness) {
	w, err := h.Create(h.Context(), 1<<20)
	h.must(err)
	w.Write([][]byte{pattern(1, drive.ChunkBytes)}, func(error) {})
	w.Abort()
	if _, err := w.Seal(); err == nil {
		h.Fatal("sealed after Abort")
	}
	short, err := h.Create(h.Context(), 1<<20)
	h.must(err)
	if _, err := short.Seal(); err == nil {
		h.Fatal("a short shard was sealed")
	}
	long, err := h.Create(h.Context(), 100)
	h.must(err)
	done := make(chan error, 1)
	long.Write([][]byte{make([]byte, 101)}, func(err error) { done <- err })
	if <-done == nil {
		h.Fatal("a shard grew past its length")
	}
	long.Abort()
}

func testReadArguments(h *harness) {
	shard := pattern(1, 2*drive.ChunkBytes+100)
	h.must(h.commit(h.bulk("k", 1, shard)))
	e := h.newest(key("k"), 1)
	for _, c := range []struct{ offset, length int }{{1, 100}, {0, 100}, {0, len(shard) + 1},
		{2 * drive.ChunkBytes, 101}, {-drive.ChunkBytes, drive.ChunkBytes}} {
		dst := [][]byte{make([]byte, c.length)}
		if h.Read(context.Background(), e, dst, int64(c.offset)) == nil {
			h.Errorf("read %+v went through", c)
		}
	}
}

func testClosed(h *harness) {
	h.must(h.commit(h.bulk("k", 1, pattern(1, 1<<18))))
	e := h.newest(key("k"), 1)
	h.must(h.Close())
	h.want(h.commit(put("k", 2, nil)), drive.ErrClosed)
	_, err := h.Lookup(context.Background(), key("k"), drive.LookupOptions{})
	h.want(err, drive.ErrClosed)
	_, err = h.Create(h.Context(), 1<<20)
	h.want(err, drive.ErrClosed)
	_, err = h.Scan(context.Background(), objects(1))
	h.want(err, drive.ErrClosed)
	h.want(h.Read(context.Background(), e, [][]byte{make([]byte, 1<<18)}, 0), drive.ErrClosed)
	h.want(h.Close(), drive.ErrClosed)
}

// testCloseAtWork closes a drive that is being used: everybody gets an answer.
func testCloseAtWork(h *harness) {
	var wg sync.WaitGroup
	begun := make(chan struct{}, 1<<16)
	for w := range 4 {
		wg.Go(func() {
			for n := uint64(w + 1); ; n += 4 {
				begun <- struct{}{}
				sw, err := h.Create(h.Context(), 4*drive.ChunkBytes)
				if err != nil {
					return
				}
				for range 4 {
					sw.Write([][]byte{pattern(w, drive.ChunkBytes)}, func(error) {})
				}
				r := put(fmt.Sprint("k", n), n, nil)
				r.ShardBytes = 4 * drive.ChunkBytes
				if r.Bulk, err = sw.Seal(); err != nil || h.commit(r) != nil {
					return
				}
				if _, err := h.Lookup(context.Background(), r.Key, drive.LookupOptions{}); err != nil {
					return
				}
			}
		})
	}
	for range 40 {
		<-begun
	}
	h.must(h.Close())
	wg.Wait()
}

func testMalformed(h *harness) {
	long := put(string(make([]byte, 1101)), 1, nil)
	lying := put("k", 2, []byte("abc"))
	lying.ShardBytes = 4
	missing := put("k", 3, nil)
	missing.ShardBytes = 10
	move := put("k", 4, nil)
	move.Type = drive.TypeMove
	for _, r := range []*drive.Record{long, lying, missing, move} {
		if h.commit(r) == nil {
			h.Errorf("record of write %x was taken", r.WriteID)
		}
	}
	h.chain(key("k"))
}

func testNoWait(h *harness) {
	shard := pattern(1, 3000)
	h.must(h.commit(put("k", 1, shard)))
	h.lookup(key("k")) // now it is in memory, if anything ever is
	s, err := h.Lookup(context.Background(), key("k"),
		drive.LookupOptions{Inline: true, NoWait: true})
	if err != nil {
		h.want(err, drive.ErrWouldBlock)
		return
	}
	if !bytes.Equal(s.Entries[0].Inline, shard) {
		h.Fatal("shard differs")
	}
}

func testSpaces(h *harness) {
	a := put("k", 1, nil)
	b := put("k", 2, nil)
	b.Key.Space = drive.SpaceUpload
	c := put("k", 3, nil)
	c.Key.Bucket = drive.BucketID{0xFF, 0xFF}
	for _, r := range []*drive.Record{a, b, c} {
		h.must(h.commit(r))
	}
	h.chain(a.Key, 1)
	h.chain(b.Key, 2)
	h.chain(c.Key, 3)
	if names := h.scan(objects(10)); len(names) != 1 {
		h.Fatalf("scan %q", names)
	}
}
