package local

import (
	"fmt"
	"slices"

	"flashstore/ioengine"
)

// freeRun is a run of a segment that is free but not punched.
type freeRun struct{ offsetBytes, lengthBytes int64 }

// free gives extents back that nothing refers to and nobody reads. Neighbouring runs are
// punched together once they reach punchBytesMin; a dead segment is removed whole.
func (s *bulkStore) free(list []extent) {
	for _, x := range list {
		g, runs := s.collect(x)
		if g == nil {
			continue
		}
		for _, r := range runs {
			s.punch(g, r)
		}
		s.removeIfDead(g)
	}
}

// collect merges x into its segment's free runs and takes out those worth punching.
func (s *bulkStore) collect(x extent) (*bulkSegment, []freeRun) {
	s.mu.Lock()
	defer s.mu.Unlock()
	g := s.segments[x.segment]
	if g == nil {
		return nil, nil // removed whole before
	}
	g.used -= x.lengthBytes
	at, _ := slices.BinarySearchFunc(g.runs, x.offsetBytes, func(r freeRun, off int64) int {
		return int(min(1, max(-1, r.offsetBytes-off)))
	})
	g.runs = slices.Insert(g.runs, at, freeRun{x.offsetBytes, x.lengthBytes})
	if at+1 < len(g.runs) && x.offsetBytes+x.lengthBytes == g.runs[at+1].offsetBytes {
		g.runs[at].lengthBytes += g.runs[at+1].lengthBytes
		g.runs = slices.Delete(g.runs, at+1, at+2)
	}
	if at > 0 && g.runs[at-1].offsetBytes+g.runs[at-1].lengthBytes == x.offsetBytes {
		g.runs[at-1].lengthBytes += g.runs[at].lengthBytes
		g.runs = slices.Delete(g.runs, at, at+1)
	}
	var worth []freeRun
	g.runs = slices.DeleteFunc(g.runs, func(r freeRun) bool {
		if r.lengthBytes >= punchBytesMin {
			worth = append(worth, r)
		}
		return r.lengthBytes >= punchBytesMin
	})
	return g, worth
}

// punch gives a run back. A failure costs space only, and a segment that dies later takes
// the run along; so it is not an error of the drive.
func (s *bulkStore) punch(g *bulkSegment, r freeRun) {
	_ = s.change(g, func(f ioengine.File) error {
		if err := f.Punch(r.offsetBytes, r.lengthBytes); err != nil {
			return err
		}
		s.punched.Add(uint64(r.lengthBytes))
		s.mu.Lock()
		g.holes = true
		s.mu.Unlock()
		return nil
	})
}

// change calls f with a segment's file for writing.
func (s *bulkStore) change(g *bulkSegment, f func(ioengine.File) error) error {
	s.mu.RLock()
	file := g.write
	s.mu.RUnlock()
	if file == nil {
		var err error
		file, err = s.engine.Files().Open(s.name(g.number), ioengine.OpenFlags{Write: true})
		if err != nil {
			return err
		}
		defer file.Close()
	}
	return f(file)
}

// syncHoles makes what was punched durable: without it, nobody may remember that all was.
func (s *bulkStore) syncHoles() error {
	for _, g := range s.segments {
		if !g.holes {
			continue
		}
		err := s.change(g, func(f ioengine.File) error {
			return ioengine.Run(s.engine, ioengine.Foreground,
				ioengine.Op{Kind: ioengine.DataSync, File: f})
		})
		if err != nil {
			return fmt.Errorf("sync of %s: %w", s.name(g.number), err)
		}
	}
	return nil
}

// removeIfDead removes a full segment that nothing lives in. The one of the highest number
// stays, so that no number is ever used twice.
func (s *bulkStore) removeIfDead(g *bulkSegment) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if g.active || g.used != 0 || g.number == s.highest || g.gone {
		return
	}
	g.gone = true
	delete(s.segments, g.number)
	if g.write != nil {
		_ = g.write.Close()
		g.write = nil
	}
	if g.read != nil && g.users == 0 {
		_ = g.read.Close()
		g.read = nil
	}
	_ = s.engine.Files().Remove(s.name(g.number)) // the next start tries again
}

// removeDead removes the segments of an earlier life that nothing lives in.
func (s *bulkStore) removeDead() {
	s.mu.RLock()
	list := make([]*bulkSegment, 0, len(s.segments))
	for _, g := range s.segments {
		list = append(list, g)
	}
	s.mu.RUnlock()
	for _, g := range list {
		s.removeIfDead(g)
	}
}
