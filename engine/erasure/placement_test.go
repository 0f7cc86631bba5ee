package erasure

import "testing"

// Golden vectors: a change of placement would lose every key of every deployment.
func TestPlacementIsPinned(t *testing.T) {
	for _, c := range []struct {
		bucket, key string
		slot        uint32
	}{
		{"", "", 0x79d3d2d4},
		{"bucket", "key", 0x829290d3},
		{"photos", "2026/11/ä b.jpg", 0x9674b9ea},
		{"a.b-c", "/", 0xcffddfea},
	} {
		if got := slot(c.bucket, c.key); got != c.slot {
			t.Errorf("slot(%q, %q) = %#x, want %#x", c.bucket, c.key, got, c.slot)
		}
	}
	for index := range 6 {
		if got := shardIndex(5, position(5, index, 6), 6); got != index {
			t.Errorf("shard %d of rotation 5 comes back as %d", index, got)
		}
	}
}
