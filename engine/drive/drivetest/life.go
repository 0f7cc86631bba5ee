package drivetest

import (
	"context"
	"encoding/binary"
	"fmt"
	"slices"
	"time"

	"flashstore/engine/drive"
)

func testScan(h *harness) {
	var want []string
	for n := range 50 {
		name := fmt.Sprintf("a/%02d", n)
		want = append(want, name)
		h.must(h.commit(put(name, uint64(n+1), nil)))
	}
	h.must(h.commit(put("b", 100, nil)))
	h.must(h.commit(put("A", 101, nil)))
	h.must(h.commit(put("a\xff\xff", 102, nil)))
	q := objects(7)
	q.Prefix = "a/"
	if names := h.scan(q); !slices.Equal(names, want) {
		h.Fatalf("scan %q", names)
	}
	q.After = "a/41"
	if names := h.scan(q); !slices.Equal(names, want[42:]) {
		h.Fatalf("scan behind a/41: %q", names)
	}
	q = objects(100)
	want = append(append([]string{"A"}, want...), "a\xff\xff", "b")
	if names := h.scan(q); !slices.Equal(names, want) {
		h.Fatalf("whole scan %q", names)
	}
	page, err := h.Scan(context.Background(), objects(1))
	h.must(err)
	e := page.Registers[0].State.Newest()
	if e.WriteID != id(101) || string(e.Meta) != "meta of A" || e.Inline != nil || page.Next != "A" {
		h.Fatalf("first page %+v", page)
	}
}

func testScanUnsettled(h *harness) {
	var all []*drive.Record
	for n := range 20 {
		r := put(fmt.Sprintf("k%02d", n), uint64(n+1), nil)
		r.Key.Space = drive.Space(n%4 + 1)
		all = append(all, r)
		h.must(h.commit(r))
	}
	for _, r := range all[:15] {
		h.settle(r)
	}
	again := put("k03", 50, nil)
	again.Key = all[3].Key
	h.must(h.commit(again))
	check := func() {
		h.Helper()
		names := h.scan(drive.ScanQuery{Unsettled: true, Max: 2})
		slices.Sort(names)
		if want := []string{"k03", "k15", "k16", "k17", "k18", "k19"}; !slices.Equal(names, want) {
			h.Fatalf("unsettled %q", names)
		}
		if n := h.Info().Counters.Unsettled; n != 6 {
			h.Fatalf("%d unsettled", n)
		}
	}
	check()
	h.reopen()
	check()
	h.must(h.commit(about(again, drive.TypeDiscard))) // the settled one is the newest again
	if names := h.scan(drive.ScanQuery{Unsettled: true, Max: 100}); len(names) != 5 {
		h.Fatalf("unsettled %q", names)
	}
}

func testRestart(h *harness) {
	a, b := put("k", 1, pattern(1, 5000)), put("k", 2, pattern(2, 6000))
	h.must(h.commit(a))
	h.must(h.commit(b))
	h.settle(a)
	for round := range 3 {
		h.reopen()
		s := h.chain(key("k"), 2, 1)
		h.read(&s.Entries[0], b.Inline, 0)
		h.read(&s.Entries[1], a.Inline, 0)
		if s.Entries[0].Settled || !s.Entries[1].Settled {
			h.Fatal("settled flags are lost")
		}
		have := s.Entries[1].Record
		have.Inline = a.Inline
		if fmt.Sprint(have) != fmt.Sprint(*a) {
			h.Fatalf("record %+v, want %+v", have, *a)
		}
		i := h.Info()
		if i.TornTail || i.CompleteFrom != (drive.Order{}) || i.Health != drive.Online {
			h.Fatalf("after a clean stop: %+v", i)
		}
		h.must(h.commit(put(fmt.Sprint("round", round), uint64(10+round), nil)))
	}
	h.chain(key("round0"), 10)
}

func testLazySettle(h *harness) {
	r := put("k", 1, nil)
	h.must(h.commit(r))
	batches := h.Info().Counters.Batches
	h.Commit(about(r, drive.TypeSettle), nil) // done may be nil
	h.must(h.commit(put("other", 2, nil)))
	if n := h.Info().Counters.Batches - batches; n != 1 {
		h.Fatalf("the settle did not ride along: %d batches", n)
	}
	if s := h.chain(key("k"), 1); !s.Entries[0].Settled {
		h.Fatal("not settled")
	}
	begin := time.Now()
	h.settle(put("other", 2, nil)) // alone: within 100 ms, and some for a slow machine
	if took := time.Since(begin); took > 5*time.Second {
		h.Fatalf("a lone settle took %v", took)
	}
	last := put("last", 3, nil)
	h.must(h.commit(last))
	h.Commit(about(last, drive.TypeSettle), nil)
	h.reopen() // Close flushes settles
	if s := h.chain(key("last"), 3); !s.Entries[0].Settled {
		h.Fatal("a settle was lost in Close")
	}
}

var upload = [16]byte{7, 7, 7}

// part is part n of an upload.
func part(h *harness, up [16]byte, n int) *drive.Record {
	r := h.bulk("", uint64(1000+n)+uint64(up[0])<<32, pattern(n, 1<<20))
	r.Type = drive.TypePart
	name := binary.BigEndian.AppendUint16(up[:], uint16(n))
	r.Key = drive.Key{Space: drive.SpacePart, Bucket: bucket, Name: string(name)}
	return r
}

func manifest(name string, n uint64, up [16]byte) *drive.Record {
	r := put(name, n, nil)
	r.Type = drive.TypeManifest
	r.Meta = append(up[:], "parts 1-3"...)
	return r
}

func (h *harness) parts(up [16]byte) int {
	h.Helper()
	return len(h.scan(drive.ScanQuery{Space: drive.SpacePart, Bucket: bucket,
		Prefix: string(up[:]), Max: 100}))
}

func (h *harness) uploadParts(up [16]byte) {
	h.Helper()
	for n := 1; n <= 3; n++ {
		r := part(h, up, n)
		h.must(h.commit(r))
		h.settle(r)
	}
}

func testPartsOfManifest(h *harness) {
	other := [16]byte{8}
	h.uploadParts(upload)
	h.uploadParts(other)
	m := manifest("k", 10, upload)
	h.must(h.commit(m))
	h.settle(m)
	// The purge that ends a completed upload leaves its parts alone.
	end := put("k\x00"+string(upload[:]), 11, nil)
	end.Key.Space, end.Type, end.Meta = drive.SpaceUpload, drive.TypePurge, []byte("Cetag")
	h.must(h.commit(end))
	h.settle(end)
	if h.parts(upload) != 3 {
		h.Fatal("parts of a completed upload are gone")
	}
	next := put("k", 20, nil)
	h.must(h.commit(next))
	if h.parts(upload) != 3 {
		h.Fatal("parts are gone before the settle")
	}
	h.settle(next)
	if h.parts(upload) != 0 || h.parts(other) != 3 {
		h.Fatalf("%d and %d parts after the overwrite", h.parts(upload), h.parts(other))
	}
	h.reopen()
	if h.parts(upload) != 0 || h.parts(other) != 3 {
		h.Fatal("parts are back after a restart")
	}
}

func testPartsOfRepeatedComplete(h *harness) {
	h.uploadParts(upload)
	first, second := manifest("k", 10, upload), manifest("k", 11, upload)
	h.must(h.commit(first))
	h.must(h.commit(second))
	h.settle(second)
	h.chain(key("k"), 11)
	if h.parts(upload) != 3 {
		h.Fatal("the second Complete lost its parts to the first")
	}
}

func testPartsOfAbort(h *harness) {
	h.uploadParts(upload)
	r := put("k\x00"+string(upload[:]), 10, nil)
	r.Key.Space, r.Type, r.Meta = drive.SpaceUpload, drive.TypePurge, nil
	h.must(h.commit(r))
	if h.parts(upload) != 3 {
		h.Fatal("parts are gone before the settle")
	}
	h.settle(r)
	if h.parts(upload) != 0 {
		h.Fatal("parts outlive the abort")
	}
	if s := h.chain(r.Key, 10); s.Entries[0].Type != drive.TypePurge || !s.Entries[0].Settled {
		h.Fatal("the tombstone is gone")
	}
}

func testPin(h *harness) {
	p, ok := h.Drive.(drive.Pinner)
	if !ok {
		h.Skip("this drive does not pin")
	}
	shard := pattern(1, 2<<20)
	old, fresh := h.bulk("k", 1, shard), h.bulk("k", 2, pattern(2, 2<<20))
	h.must(h.commit(old))
	unpin := p.Pin()
	e := h.newest(key("k"), 1)
	h.must(h.commit(fresh))
	h.settle(fresh)
	h.chain(key("k"), 2)
	for range 20 {
		h.read(e, shard, 0)
	}
	late := p.Pin() // taken after the release: does not hold it back
	unpin()
	deadline := time.Now().Add(10 * time.Second)
	for h.Info().Counters.PunchedBytes == 0 {
		if time.Now().After(deadline) {
			h.Fatal("the space does not come back")
		}
		time.Sleep(time.Millisecond)
	}
	late()
	dst := [][]byte{make([]byte, len(shard))}
	h.want(h.Read(context.Background(), e, dst, 0), drive.ErrNotHere)
}
