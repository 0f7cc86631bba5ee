package local_test

import (
	"context"
	"testing"
	"time"
)

// TestCompactionOfTheLivingEnds: short segments that batches fill by half, and in which all lives,
// are not copied to others like them for ever, not even where space is short.
func TestCompactionOfTheLivingEnds(t *testing.T) {
	t.Parallel()
	_, c := newDriveClosed(t)
	c = smallSegments(c)
	d := open(t, c)
	const writes = 40               // the first segment takes 20
	for n := range uint64(writes) { // three of them fill 504 KiB: no fourth is begun
		must(t, commit(d, object(n, 174_000)))
	}
	for _, reserveBytes := range []int64{0, 1 << 60} {
		must(t, d.Close())
		c.ReserveBytes = reserveBytes
		d = open(t, c)
		ctx, stop := context.WithTimeout(t.Context(), 20*time.Second)
		err := d.Compact(ctx)
		stop()
		if n := d.Info().Counters.CompactedSegments; err != nil || n > 0 {
			t.Errorf("%d bytes in reserve: %d segments compacted, %v", reserveBytes, n, err)
		}
	}
	for n := range uint64(writes) {
		holds(t, d, object(n, 174_000), n)
	}
}
