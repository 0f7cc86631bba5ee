package peer

import "fmt"

// Measured is a contract and how it was found.
type Measured struct {
	Contract    Contract
	SyncsPerPut float64
	How         string // or why it is unknown
}

func (m Measured) String() string {
	if m.Contract == Unknown {
		return "unknown: " + m.How
	}
	return fmt.Sprintf("%s: %.1f syncs per PUT (%s)", m.Contract, m.SyncsPerPut, m.How)
}

// syncsMin per PUT of one client that waits for each answer: it shares a sync with nobody.
const syncsMin = 1

// Of judges a number of syncs.
func Of(syncs float64, puts int, how string) Measured {
	m := Measured{Contract: Relaxed, SyncsPerPut: syncs / float64(puts), How: how}
	if m.SyncsPerPut >= syncsMin {
		m.Contract = Strict
	}
	return m
}

// NotLikeForLike begins what Unlike says.
const NotLikeForLike = "NOT LIKE FOR LIKE"

// Differ says whether figures of two servers are of different promises. What is unknown differs
// from everything: nothing says that it is the same.
func Differ(a, b Measured) bool {
	return a.Contract != b.Contract || a.Contract == Unknown
}

// Unlike says why figures of theirs beside ours are not of one promise; empty where they are.
func Unlike(theirs, ours Measured) string {
	switch {
	case !Differ(theirs, ours):
		return ""
	case theirs.Contract == Unknown || ours.Contract == Unknown:
		return fmt.Sprintf("%s: nobody knows whether a 200 of a PUT is worth the same (theirs %s; ours "+
			"%s)", NotLikeForLike, theirs, ours)
	}
	return fmt.Sprintf("%s: a 200 of a PUT is not worth the same (theirs %s; ours %s)", NotLikeForLike,
		theirs, ours)
}
