package drivetest

import (
	"bytes"
	"fmt"
	"sync"
)

// testGroup: commits that queue while a batch is written share the next one.
func testGroup(h *harness) {
	const writers, each = 64, 20
	before := h.Info().Counters
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for i := range each {
				n := uint64(w*each + i + 1)
				if err := h.commit(put(fmt.Sprint("k", n), n, pattern(int(n), 2000))); err != nil {
					h.Error(err)
				}
			}
		})
	}
	wg.Wait()
	after := h.Info().Counters
	commits, batches := after.Commits-before.Commits, after.Batches-before.Batches
	if commits != writers*each || batches*4 > commits {
		h.Fatalf("%d commits in %d batches", commits, batches)
	}
	for n := uint64(1); n <= writers*each; n += 97 {
		s := h.chain(key(fmt.Sprint("k", n)), n)
		if !bytes.Equal(s.Entries[0].Inline, pattern(int(n), 2000)) {
			h.Fatalf("shard of %d differs", n)
		}
	}
}
