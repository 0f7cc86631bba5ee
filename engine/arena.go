//go:build !arenadebug

package engine

import (
	"flashstore/arena"
	"flashstore/arena/block64k"
	"flashstore/engine/config"
)

func newArena(c *config.Config) (arena.Allocator, error) {
	return block64k.New(block64k.Config{BudgetBytes: c.MemoryBudget, Homes: c.Loops})
}
