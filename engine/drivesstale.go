package engine

import (
	"errors"
	"fmt"

	"flashstore/engine/erasure"
)

// errStale is the reason of drives that are of an earlier time than others of their set.
var errStale = errors.New("drive: of an earlier time")

// dropStale takes drives of a set away that are of an earlier time, if they cannot be outvoted.
func dropStale(members []*slot, parity int) {
	seen := make([]erasure.Memory, len(members))
	for i := range members {
		if d := members[i].drive; d != nil {
			seen[i] = erasure.MemoryOf(d)
		}
	}
	stale, term := erasure.Stale(seen, parity)
	for _, i := range stale {
		s := members[i]
		s.away = errors.Join(staleError(s.path, seen[i].Term, term, len(stale)), s.drive.Close())
		s.drive = nil
	}
}

// staleError says why a drive counts for nothing that is sound in itself.
func staleError(path string, term, newest uint64, count int) error {
	return fmt.Errorf("%w, with %d of its set: %s (its term is %d, "+
		"and others hold writes of term %d): what was overwritten or deleted since would be served. "+
		"Bring back the drives that were in use last; until then the set serves what the others "+
		"hold, read-only", errStale, count, path, term, newest)
}
