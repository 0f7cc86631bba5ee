package arena

import (
	"fmt"
	"unsafe"
)

// MakeBlock returns a new block on the Go heap, aligned to AlignBytes.
func MakeBlock() *Block {
	p := make([]byte, BlockBytes)
	if misaligned(p) != 0 {
		// The runtime gives objects of this size whole pages, but does not promise it.
		p = make([]byte, BlockBytes+AlignBytes)
		p = p[AlignBytes-misaligned(p):]
	}
	return &Block{Bytes: p[:BlockBytes:BlockBytes]}
}

func misaligned(p []byte) int {
	return int(uintptr(unsafe.Pointer(unsafe.SliceData(p))) % AlignBytes)
}

// poison is what returned memory is filled with under the build tag arenadebug.
const poison = 0xDB

// Poison fills a returned block, so that late readers notice, and does nothing unless Debug.
func Poison(b *Block) {
	if !Debug {
		return
	}
	for i := range b.Bytes {
		b.Bytes[i] = poison
	}
}

// CheckPoison panics if somebody wrote to a block after returning it; nothing unless Debug.
func CheckPoison(b *Block) {
	if !Debug {
		return
	}
	for i, c := range b.Bytes {
		if c != poison {
			panic(fmt.Sprintf("arena: block written to after its return, at byte %d", i))
		}
	}
}
