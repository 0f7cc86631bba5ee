package local_test

import (
	"bytes"
	"path/filepath"
	"testing"

	"flashstore/engine/drive"
	"flashstore/engine/drive/local"
)

// TestShardCache: what was read once is served from memory, whatever becomes of the file; what was
// written anew, moved by compaction or removed is not confused with it; and a cache that is too
// small for all keeps serving what is right.
func TestShardCache(t *testing.T) {
	t.Parallel()
	for name, size := range map[string]int64{"roomy": 8 << 20, "small": 64 << 10} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := newEngine(t)
			c := config(e, filepath.Join(t.TempDir(), "d"))
			c.ShardCacheBytes = size
			must(t, local.Format(e, c.Path, identity))
			checkShardCache(t, open(t, c), name == "roomy")
		})
	}
}

func checkShardCache(t *testing.T, d *local.Drive, roomy bool) {
	const names = 200
	opt := drive.LookupOptions{Inline: true}
	last := make(map[uint64]*drive.Record)
	for round := range uint64(3) {
		for n := range uint64(names) {
			r := object(round*names+n+1, 500+int(n)*20)
			r.Key.Name = object(n, 1).Key.Name
			settled(t, d, r)
			last[n] = r
		}
		must(t, d.Compact(t.Context()))
		for range 2 {
			for n := range uint64(names) {
				s, err := d.Lookup(t.Context(), last[n].Key, opt)
				must(t, err)
				if !bytes.Equal(s.Entries[0].Inline, last[n].Inline) {
					t.Fatalf("round %d: another shard of name %d", round, n)
				}
			}
		}
	}
	log, err := filepath.Glob(filepath.Join(d.Info().Path, "log/*.log"))
	must(t, err)
	for _, file := range log {
		damage(t, file, 0, bytes.Repeat([]byte{0xEE}, 4<<20)...)
	}
	served := 0
	for n := range uint64(names) {
		s, err := d.Lookup(t.Context(), last[n].Key, opt)
		if err != nil {
			continue
		}
		served++
		if !bytes.Equal(s.Entries[0].Inline, last[n].Inline) {
			t.Fatalf("damaged shard of name %d was served", n)
		}
	}
	if roomy && served < names {
		t.Errorf("%d of %d shards were served from memory", served, names)
	}
}
