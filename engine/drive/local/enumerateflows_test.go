package local_test

import (
	"context"
	"fmt"
	"sync"

	"flashstore/engine/drive"
	"flashstore/engine/drive/local"
)

// flows are what a drive does, each with the operations that a power cut is tried at.
func flows() []flow {
	return append(append(writeFlows(), uploadFlows()...), spaceFlows()...)
}

func nothing(*simulated) {}

func relaxed(c *local.Config) { c.Durability = local.Relaxed }

func smallMemtables(c *local.Config) { c.IndexMemtableBytes = 64 << 10 }

func writeFlows() []flow {
	old := func(s *simulated) {
		s.settleNow(s.put("a", 3000))
		s.settleNow(s.bulk("b", 200_000))
	}
	return []flow{
		{name: "put", prepare: nothing, act: func(s *simulated) {
			s.commitStep(s.put("a", 3000))
			s.commitStep(s.put("empty", 0))
			s.commitStep(s.put("b", 70_000))
		}},
		{name: "bulk", prepare: nothing, act: func(s *simulated) {
			s.commitStep(s.bulk("a", 200_000))
			s.commitStep(s.bulk("b", 1_500_000)) // longer than a segment
		}},
		{name: "overwrite", prepare: old, act: func(s *simulated) {
			a, b := s.commitStep(s.put("a", 10)), s.commitStep(s.bulk("b", 300_000))
			s.settleStep(a)
			s.settleStep(b)
		}},
		{name: "versions", prepare: old, act: func(s *simulated) {
			for n := range byte(3) {
				r := s.put(fmt.Sprint("a\x00", n), 500)
				r.Version = [16]byte{n + 1}
				r.Key.Space = drive.SpaceVersion // the first one raises the layout
				s.settleNow(r)
				s.settleNow(s.record(drive.TypeDocument, drive.Key{Space: drive.SpaceHead,
					Bucket: r.Key.Bucket, Name: "a"}))
			}
		}},
		{name: "marker", prepare: old, act: func(s *simulated) {
			marker := s.record(drive.TypeMarker, s.put("a", 0).Key)
			s.settleNow(marker)
		}},
		{name: "purge", prepare: old, act: func(s *simulated) {
			for _, name := range []string{"a", "b"} {
				s.settleNow(s.record(drive.TypePurge, s.put(name, 0).Key))
			}
		}},
		{name: "discard-fence-term", prepare: old, act: func(s *simulated) {
			undecided := s.commitStep(s.bulk("b", 250_000))
			s.commitStep(s.record(drive.TypeFence, undecided.Key))
			discard := s.record(drive.TypeDiscard, undecided.Key)
			discard.Order, discard.WriteID = undecided.Order, undecided.WriteID
			s.commitStep(discard)
			s.term++
			s.commitStep(&drive.Record{Type: drive.TypeTerm, Token: drive.Order{Term: s.term}})
			s.commitStep(s.put("a", 20))
		}},
		{name: "forget", prepare: old, act: func(s *simulated) {
			tomb := s.record(drive.TypePurge, s.put("b", 0).Key)
			s.settleNow(tomb)
			s.term++
			s.commitStep(&drive.Record{Type: drive.TypeTerm, Token: drive.Order{Term: s.term}})
			s.commitStep(forgetOf(tomb, s.term))
			s.commitStep(s.put("b", 10))
		}},
		{name: "together", prepare: old, act: func(s *simulated) { s.race(24) }},
		{name: "relaxed", config: relaxed, prepare: old, act: func(s *simulated) {
			s.settleNow(s.put("a", 10))
			s.settleNow(s.bulk("b", 300_000))
			s.race(8)
		}},
	}
}

func uploadFlows() []flow {
	return []flow{
		{name: "part", prepare: nothing, act: func(s *simulated) {
			_, id := s.upload("a")
			s.settleNow(s.part(id, 1, 5000))
			s.settleNow(s.part(id, 2, 200_000))
			s.settleNow(s.part(id, 1, 150_000)) // again
		}},
		{name: "complete", prepare: func(s *simulated) { s.settleNow(s.put("a", 100)) },
			act: func(s *simulated) {
				upload, id := s.upload("a")
				s.settleNow(s.part(id, 1, 200_000))
				s.settleNow(s.part(id, 2, 5000))
				manifest := s.record(drive.TypeManifest, s.put("a", 0).Key)
				manifest.Meta = []byte(id + "names its parts")
				s.settleNow(manifest)
				done := s.record(drive.TypePurge, upload)
				done.Meta = []byte("C")
				s.settleNow(done)
				s.settleNow(s.put("a", 10)) // the parts go with the manifest
			}},
		{name: "abort", prepare: nothing, act: func(s *simulated) {
			upload, id := s.upload("a")
			s.settleNow(s.part(id, 1, 200_000))
			s.settleNow(s.part(id, 2, 5000))
			s.settleNow(s.record(drive.TypePurge, upload))
		}},
	}
}

func spaceFlows() []flow {
	small := func(c *local.Config) { c.BulkStreams = 1 }
	return []flow{
		{name: "new-segments", prepare: nothing, act: func(s *simulated) {
			for n := range 18 { // of 1 MiB each, half of it used: into the third
				s.commitStep(s.put(fmt.Sprint("a", n%3), 60_000))
			}
		}},
		{name: "compaction", prepare: func(s *simulated) {
			s.compaction = local.HoldCompaction(s.drive)
			s.fillLog(44)
		}, act: func(s *simulated) {
			s.compact()
			if n := s.drive.Info().Counters; n.CompactedSegments < 3 || n.MovedBytes == 0 {
				s.t.Errorf("%d bytes moved of %d segments", n.MovedBytes, n.CompactedSegments)
			}
		}},
		{name: "bulk-compaction", config: small, prepare: func(s *simulated) {
			s.compaction = local.HoldCompaction(s.drive)
			s.fillBulk(14)
		}, act: func(s *simulated) {
			s.compaction()
			s.compaction = func() {}
			s.step(s.reopen) // no segment is being filled now
			s.compact()
			if n := s.drive.Info().Counters; n.CopiedBytes == 0 {
				s.t.Error("nothing was copied")
			}
		}},
		{name: "punch", config: small, prepare: func(s *simulated) {
			s.settleNow(s.bulk("stays", 70_000))
		}, act: func(s *simulated) {
			r := s.bulk("goes", 1_500_000)
			s.settleNow(r)
			s.settleNow(s.record(drive.TypePurge, r.Key))
		}},
		{name: "index-flush", config: smallMemtables, prepare: nothing, act: func(s *simulated) {
			for n := range 12 { // more than two memtables, with metadata
				r := s.put(fmt.Sprint("a", n%5), 10)
				r.Meta = shardOf(s.next, 15_000)
				s.commitStep(r)
			}
			for range 3 { // enough tables for a compaction
				s.step(s.reopen)
				s.commitStep(s.put("a", 5))
			}
		}},
		{name: "restart", prepare: func(s *simulated) {
			s.settleNow(s.put("a", 3000))
			s.commit(s.bulk("b", 200_000))
		}, act: func(s *simulated) {
			s.step(s.reopen)
			s.commitStep(s.put("a", 40))
			s.step(s.reopen)
		}},
		{name: "index-flush-relaxed", config: func(c *local.Config) {
			relaxed(c)
			smallMemtables(c)
		}, prepare: nothing, act: func(s *simulated) {
			for n := range 9 {
				r := s.put(fmt.Sprint("a", n%5), 10)
				r.Meta = shardOf(s.next, 15_000)
				s.commitStep(r)
			}
		}},
		{name: "other-checksum", prepare: func(s *simulated) {
			s.settleNow(s.put("a", 3000))
			s.settleNow(s.bulk("b", 100_000))
		}, act: func(s *simulated) {
			s.config.Checksum = local.HighwayHash
			s.step(s.reopen) // the drive becomes one of layout 2
			s.settleNow(s.put("a", 40))
			s.commitStep(s.bulk("c", 200_000))
		}},
		{name: "restart-relaxed", config: relaxed, prepare: func(s *simulated) {
			s.settleNow(s.put("a", 3000))
		}, act: func(s *simulated) {
			s.commitStep(s.bulk("b", 200_000))
			s.step(s.reopen)
			s.commitStep(s.put("a", 40))
		}},
	}
}

// compact ends the holding back of compaction, and does it.
func (s *simulated) compact() {
	s.step(func() {
		s.compaction()
		must(s.t, s.drive.Compact(context.Background()))
	})
}

// settleNow is two steps.
func (s *simulated) settleNow(r *drive.Record) { s.settleStep(s.commitStep(r)) }

// settleSoon commits r and has it settled with the next batch: alone a settle waits for one.
func (s *simulated) settleSoon(r *drive.Record) { s.drive.Commit(settleOf(s.commitStep(r)), nil) }

// race commits writes of different names together.
func (s *simulated) race(writes int) {
	s.racing = make([]mark, writes)
	for i := range s.racing {
		bytes := 2000
		if i%3 == 0 {
			bytes = 100_000
		}
		r := s.put(fmt.Sprint("race-", i), bytes)
		r.Key.Bucket = drive.BucketID{8} // not in contents
		s.racing[i].record = r
	}
	var wg sync.WaitGroup
	for i := range s.racing {
		m := &s.racing[i]
		wg.Go(func() {
			m.begun = s.disk.Ops()
			if err := commit(s.drive, m.record); err != nil {
				s.t.Error(err)
			}
			m.acked = s.disk.Ops()
		})
	}
	wg.Wait()
}

// fillLog overwrites a few names until segments are worth compacting; some writes stay unsettled,
// discarded, or are parts of a dead upload.
func (s *simulated) fillLog(writes int) {
	upload, id := s.upload("m")
	s.settleNow(s.part(id, 1, 3000))
	for n := range writes {
		r := s.put(fmt.Sprint("a", n%5), 60_000)
		s.commit(r)
		switch n % 11 {
		case 3:
		case 7:
			s.about(r, drive.TypeDiscard)
		default:
			s.about(r, drive.TypeSettle)
		}
		if n == writes/2 {
			manifest := s.record(drive.TypeManifest, s.put("m", 0).Key)
			manifest.Meta = []byte(id + "names its parts")
			s.settleNow(manifest)
			s.purgeUpload(upload, "C")
			s.settleNow(s.put("m", 10))
		}
	}
	s.pending.Wait()
}

// fillBulk fills segments, and purges all but one shard in five.
func (s *simulated) fillBulk(segments int) {
	for n := range segments * 5 {
		r := s.bulk(fmt.Sprint("b", n), 200_000)
		s.commit(r)
		s.about(r, drive.TypeSettle)
		if n%5 != 1 {
			purge := s.record(drive.TypePurge, r.Key)
			s.commit(purge)
			s.about(purge, drive.TypeSettle)
		}
	}
	s.pending.Wait()
}
