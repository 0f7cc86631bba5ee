//go:build arenadebug

package arena_test

import (
	"testing"

	"flashstore/arena"
)

func TestPoison(t *testing.T) {
	b := arena.MakeBlock()
	arena.Poison(b)
	if b.Bytes[0] != 0xDB || b.Bytes[arena.BlockBytes-1] != 0xDB {
		t.Fatal("not poisoned")
	}
	arena.CheckPoison(b)
	b.Bytes[77] = 0
	defer func() {
		if recover() == nil {
			t.Fatal("a write after return goes unnoticed")
		}
	}()
	arena.CheckPoison(b)
}
