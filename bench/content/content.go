package content

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
)

// Key is the name of object i within its bucket. It needs no encoding in a URL.
func Key(i int) string { return fmt.Sprintf("load/%03d/%08d", i%100, i) }

// Fill writes the bytes of object i into p; its length is the object's.
func Fill(p []byte, seed uint64, i int) {
	var key [32]byte
	binary.LittleEndian.PutUint64(key[:], seed)
	binary.LittleEndian.PutUint64(key[8:], uint64(i))
	rand.NewChaCha8(key).Read(p) // never fails
}
