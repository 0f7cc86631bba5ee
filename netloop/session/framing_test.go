package session

import (
	"math/rand/v2"
	"testing"
)

func TestFraming(t *testing.T) {
	seed := rand.Uint64()
	random := rand.New(rand.NewPCG(seed, 0))
	var f Framing
	for range 2000 {
		n := []int{0, 1, 5, 300, 16384}[random.IntN(5)]
		rest := make([]byte, RecordHeaderBytes+n)
		rest[3], rest[4] = byte(n>>8), byte(n)
		for len(rest) > 0 {
			m := 1 + random.IntN(min(len(rest), 1+random.IntN(7)*random.IntN(2000)))
			f.Pass(rest[:m])
			rest = rest[m:]
			if f.Mid() != (len(rest) > 0) {
				t.Fatalf("seed %d: %d bytes of a record of %d are to come, and mid is %v", seed,
					len(rest), n, f.Mid())
			}
		}
	}
	two := []byte{23, 3, 3, 0, 2, 'a', 'b', 23, 3, 3, 0, 1, 'c', 23, 3}
	if f.Pass(two); !f.Mid() || f.have != 2 {
		t.Errorf("%+v after two records and a half header", f)
	}
}
