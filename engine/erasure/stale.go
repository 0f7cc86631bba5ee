package erasure

import "flashstore/engine/drive"

// Memory is what a drive remembers of the times of its set. A drive that is away, or that never
// took part, remembers none.
type Memory struct {
	Term    uint64
	MaxSeen drive.Order
}

// Stale finds the drives of a set, by position, that are of an earlier time: copies, or restored
// from a backup. Nobody writes in a term before it is durable on w drives, so no more than n - w
// may lack the highest one that was written in. As many may have been away, which the protocol
// bears: then there are no stale ones. If more lack it, a read might ask them alone, and serve what
// was overwritten or deleted. Copies that were made while a server ran, and put back after the same
// one, have its term: they are not told from what they should be.
func Stale(drives []Memory, parity int) (stale []int, term uint64) {
	for _, m := range drives {
		if m.MaxSeen.Sequence > 0 { // what raises a term has none, and may be on fewer
			term = max(term, m.MaxSeen.Term)
		}
	}
	for i, m := range drives {
		if m.Term > 0 && m.Term < term {
			stale = append(stale, i)
		}
	}
	n := len(drives)
	if len(stale) <= n-WriteQuorum(n-parity, parity) {
		return nil, term
	}
	return stale, term
}
