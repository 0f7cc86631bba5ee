package pair

import "math/rand/v2"

// Side of a comparison.
type Side int

// The sides.
const (
	Base Side = iota
	Candidate
)

// String is the word that records use.
func (s Side) String() string {
	if s == Candidate {
		return "candidate"
	}
	return "base"
}

// Order says which side goes first in each pair: balanced (for an odd number, but for one) and
// shuffled by seed.
func Order(pairs int, seed uint64) [][2]Side {
	out := make([][2]Side, pairs)
	random := rand.New(rand.NewPCG(seed, uint64(pairs)))
	// Which side leads more often in an odd number of pairs is drawn too.
	offset := random.IntN(2)
	for i := range out {
		out[i] = [2]Side{Base, Candidate}
		if (i+offset)%2 == 1 {
			out[i] = [2]Side{Candidate, Base}
		}
	}
	random.Shuffle(pairs, func(i, j int) { out[i], out[j] = out[j], out[i] })
	return out
}
