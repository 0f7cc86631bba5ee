//go:build arenadebug

package engine

import (
	"cmp"

	"flashstore/arena"
	"flashstore/arena/block64k"
	"flashstore/arena/guarded"
	"flashstore/engine/config"
)

// newArena is the allocator that notices whoever breaks the rules of package arena.
func newArena(c *config.Config) (arena.Allocator, error) {
	return guarded.New(guarded.Config{
		BudgetBytes: cmp.Or(c.MemoryBudget, block64k.BudgetDefaultBytes)})
}
