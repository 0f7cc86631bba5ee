package local_test

import (
	"bytes"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"testing"

	"flashstore/engine/drive/local"
	"flashstore/ioengine/crashsim"
)

// TestTornTailSurvivesStops: a drive whose last batch is torn says so at each start until it has
// written another one, behind clean stops and a rebuilt index too, and never writes in front of
// what is left of the torn one.
func TestTornTailSurvivesStops(t *testing.T) {
	t.Parallel()
	c := killedCopy(t)
	first := filepath.Join(c.Path, firstLog)
	text, err := os.ReadFile(first)
	must(t, err)
	end := (len(bytes.TrimRight(text, "\x00")) + 4095) / 4096 * 4096
	copy(text[end+4096:], bytes.Repeat([]byte{0xAB}, 8*4096)) // of nine blocks the first is lost
	must(t, os.WriteFile(first, text, 0o600))
	for start := range 4 {
		d := open(t, c)
		if i := d.Info(); !i.TornTail || i.CompleteFrom.Term != math.MaxUint64 {
			t.Errorf("start %d: torn %v, complete from %v", start, i.TornTail, i.CompleteFrom)
		}
		must(t, d.Close())
		if start == 1 {
			must(t, local.RebuildIndex(t.Context(), c.Engine, c.Path, nil))
		}
	}
	d := open(t, c)
	must(t, commit(d, object(9, 300)))
	must(t, d.Close())
	if text, err = os.ReadFile(first); err != nil || text[end] != 0 {
		t.Errorf("a batch was written before what is left of the torn one: %v", err)
	}
	d = open(t, c)
	if i := d.Info(); i.TornTail || i.CompleteFrom.Term != math.MaxUint64 {
		t.Errorf("after a commit: torn %v, complete from %v", i.TornTail, i.CompleteFrom)
	}
	holds(t, d, object(9, 300), 9)
}

// TestShorterSpareSegment: the segment ahead is made again by each start, and may be shorter than
// the one that is there and that log.newest tells of. Wherever the power goes meanwhile, the
// drive starts and has all it acknowledged.
func TestShorterSpareSegment(t *testing.T) {
	t.Parallel()
	seed := newSeed(t)
	s := newSimulated(t, &flow{}, seed)
	put := func(name string, bytes int) {
		r := s.put(name, 10)
		r.Meta = shardOf(s.next, bytes)
		s.commit(r)
	}
	s.config.LogSegmentBytes = 16 << 20
	s.reopen()
	for n := 0; ; n++ { // until a third segment is ahead
		if note := s.disk.Peek(drivePath + "/log.newest"); len(note) == 72 && note[56] == 3 {
			break
		}
		put(fmt.Sprint("filler-", n), 30_000)
	}
	s.config.LogSegmentBytes = 1 << 20
	s.reopen()
	from := s.disk.Ops()
	put("a", 10)
	put("b", 10)
	acked, state := s.disk.Ops(), contents(t, s.drive)
	must(t, s.drive.Close())
	for n := from; n <= s.disk.Ops(); n++ {
		for _, loss := range []crashsim.Loss{crashsim.LoseAll, crashsim.LoseHalf, crashsim.Torn} {
			c := s.config
			c.Engine = s.disk.After(n, loss, seed).Engine()
			d, err := local.Open(c)
			if err != nil {
				t.Fatalf("cut after %s, %s: %v", s.disk.Describe(n), loss, err)
			}
			if have := contents(t, d); n > acked && have != state {
				t.Errorf("cut after %s, %s: %s", s.disk.Describe(n), loss, firstDifference(state, have))
			}
			must(t, d.Close())
		}
	}
}
