package erasure

import "flashstore/engine/drive"

// Memory is what a drive remembers of the times of its set. A drive that is away, or that never
// took part, remembers none.
type Memory struct {
	Term    uint64
	MaxSeen drive.Order
	Forgot  uint64 // the highest term whose tombstones it may have forgotten
}

// MemoryOf is what a drive that is open remembers.
func MemoryOf(d drive.Drive) Memory {
	info := d.Info()
	return Memory{Term: info.Term, MaxSeen: info.MaxSeen, Forgot: info.Forgot}
}

// Stale finds the drives of a set, by position, that are of an earlier time: copies, or restored
// from a backup. Nobody writes in a term before it is durable on w drives, so no more than n - w
// may lack the highest one that was written in. As many may have been away, which the protocol
// bears: then there are no stale ones. If more lack it, a read might ask them alone, and serve what
// was overwritten or deleted. Copies that were made while a server ran, and put back after the same
// one, have its term: they are not told from what they should be.
//
// A drive that has seen no term behind one whose tombstones others have forgotten is stale however
// few there are: all drives of the set were there then, so it was none of them, and nobody is left
// to say what was deleted.
func Stale(drives []Memory, parity int) (stale []int, term uint64) {
	forgot := uint64(0)
	for _, m := range drives {
		if m.MaxSeen.Sequence > 0 { // what raises a term has none, and may be on fewer
			term = max(term, m.MaxSeen.Term)
		}
		forgot = max(forgot, m.Forgot)
	}
	var early []int
	for i, m := range drives {
		if m.Term > 0 && m.Term < term {
			stale = append(stale, i)
		}
		if m.Term > 0 && m.Term <= forgot {
			early = append(early, i)
		}
	}
	n := len(drives)
	if len(stale) <= n-WriteQuorum(n-parity, parity) {
		return early, max(term, forgot)
	}
	return stale, max(term, forgot)
}
