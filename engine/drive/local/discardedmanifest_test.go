package local_test

import (
	"os"
	"path/filepath"
	"testing"

	"flashstore/engine/drive"
)

// TestPartsOutliveADiscardedManifest: a manifest that was discarded takes no parts with it, not
// even in an index that is made anew from a log in which the manifest is still there, and
// compaction has dropped its discard.
func TestPartsOutliveADiscardedManifest(t *testing.T) {
	t.Parallel()
	_, c := newDriveClosed(t)
	c = smallSegments(c)
	d := open(t, c)
	h := newHistory(t, newSeed(t), d)
	const id = "0123456789abcdef"
	key := drive.Key{Space: drive.SpaceObject, Bucket: drive.BucketID{7}, Name: "object"}
	part := h.record(drive.TypePart, drive.Key{Space: drive.SpacePart, Bucket: key.Bucket,
		Name: id + "\x00\x01"})
	part.Inline, part.ShardBytes = shardOf(h.next, 1000), 1000
	h.commit(part)
	manifest := h.record(drive.TypeManifest, key)
	manifest.Meta = []byte(id)
	h.commit(manifest)
	fill := func(from, to uint64, settle bool) {
		for n := from; n < to; n++ {
			r := object(n, 200_000)
			r.Order.Term, r.Token.Term = h.term, h.term
			h.commit(r)
			if settle {
				h.commit(settleOf(r))
			}
		}
	}
	fill(100, 120, true)  // the rest of the first segment, of 4 MiB, is alive
	fill(200, 206, false) // dead soon, and the discard among them
	h.commit(&drive.Record{Type: drive.TypeDiscard, Key: key, Order: manifest.Order,
		Token: manifest.Token, WriteID: manifest.WriteID})
	fill(206, 212, false)
	newer := h.record(drive.TypePut, key)
	h.commit(newer)
	h.commit(settleOf(newer))
	for n := uint64(200); n < 212; n++ {
		p := purge(object(n, 0), 1000+n)
		p.Order.Term, p.Token.Term = h.term, h.term
		h.commit(p)
		h.commit(settleOf(p))
	}
	fill(300, 306, true)
	must(t, d.Compact(t.Context()))
	if d.Info().Counters.CompactedSegments == 0 {
		t.Fatal("nothing was compacted")
	}
	before := contents(t, d)
	must(t, d.Close())
	census(t, c)
	must(t, os.RemoveAll(filepath.Join(c.Path, "index")))
	if after := contents(t, open(t, c)); after != before {
		t.Error(firstDifference(before, after))
	}
}
