package block64k

import (
	"fmt"

	"flashstore/arena"
)

const (
	kib = int64(1) << 10
	mib = int64(1) << 20
	gib = int64(1) << 30
)

// BudgetDefaultBytes is the sum of what a node holds at its peak, one line per term.
const BudgetDefaultBytes = 0 +
	1024*64*kib + // 64 MiB: 1024 requests in flight, one block each for header and scratch
	32*8*mib + // 256 MiB: 32 large transfers, each a stripe read and one written ahead,
	//            1 MiB of data and up to as much parity, twice over for stragglers
	16*2*mib + // 32 MiB: 16 stripes under repair
	8*4*mib // 32 MiB: group commits of 8 drives, two buffers of 2 MiB each

const (
	budgetMaxBytes = 1 << 10 * gib
	homesMax       = 1 << 10
)

// Config of an Allocator. The zero value is the default.
type Config struct {
	// BudgetBytes bounds the memory, rounded up to 2 MiB; 0: BudgetDefaultBytes.
	BudgetBytes int64
	// Homes is the number of free lists, one per loop; 0: GOMAXPROCS.
	Homes int
}

// Validate says what is wrong with c.
func (c Config) Validate() error {
	if c.BudgetBytes != 0 && (c.BudgetBytes < arena.BlockBytes || c.BudgetBytes > budgetMaxBytes) {
		return fmt.Errorf("block64k: budget must be %d to %d bytes, not %d",
			arena.BlockBytes, int64(budgetMaxBytes), c.BudgetBytes)
	}
	if c.Homes < 0 || c.Homes > homesMax {
		return fmt.Errorf("block64k: homes must be 0 to %d, not %d", homesMax, c.Homes)
	}
	return nil
}
