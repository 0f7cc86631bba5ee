package content

import (
	"bytes"
	"testing"
)

func TestFill(t *testing.T) {
	seen := map[string]bool{}
	for seed := range uint64(3) {
		for i := range 100 {
			a, b := make([]byte, 64), make([]byte, 64)
			Fill(a, seed, i)
			Fill(b, seed, i)
			if !bytes.Equal(a, b) || seen[string(a)] {
				t.Fatalf("seed %d, object %d: not the same twice, or as another object", seed, i)
			}
			seen[string(a)] = true
		}
	}
}

func TestKey(t *testing.T) {
	seen := map[string]bool{}
	for i := range 1000 {
		if seen[Key(i)] {
			t.Fatalf("%s twice", Key(i))
		}
		seen[Key(i)] = true
	}
	if Key(12345) != "load/045/00012345" {
		t.Error(Key(12345))
	}
}
