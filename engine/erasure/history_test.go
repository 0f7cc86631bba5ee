package erasure

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"
)

// What an operation of a history did.
type deed uint8

const (
	deedSee    deed = iota // GET, HEAD, LIST; and a write whose condition did not hold
	deedWrite              // PUT, Complete
	deedRemove             // DELETE
)

// The states of a register: absent, or the number of the write whose object is there. Numbers are
// used once, so that whoever sees one knows which write it was.
const (
	absentState = 0
	anything    = -1 // no condition
)

// event is one operation on one key, with what its client was told.
type event struct {
	what string // as people read it
	deed deed
	// state: what was seen, or what is written.
	state int
	// only is the state that the write wants to find.
	only int
	// unknown: the client was not told whether it took effect. It may at any later time, or never.
	unknown   bool
	until     int64 // an unknown one takes no effect behind that; 0: at any time
	rank      int   // among the removals of a history whose outcome is unknown
	call, end int64 // of the clock
}

func (e event) String() string {
	text := fmt.Sprintf("%6d %6d  %s", e.call, e.end, e.what)
	if e.end == math.MaxInt64 {
		text = fmt.Sprintf("%6d     …   %s", e.call, e.what)
	}
	switch {
	case e.deed == deedSee:
		text += fmt.Sprint(" saw ", e.state)
	case e.deed == deedWrite:
		text += fmt.Sprint(" wrote ", e.state)
	default:
		text += " removed"
	}
	if e.deed != deedSee && e.only != anything {
		text += fmt.Sprint(" where it was ", e.only)
	}
	if e.unknown {
		text += ", unknown"
	}
	return text
}

// clock orders calls and answers: no two have the same time, and of two that are one behind the
// other the second has the higher.
type clock struct{ ticks atomic.Int64 }

func (c *clock) tick() int64 { return c.ticks.Add(1) }

// modelled is the state of the model.
type modelled struct {
	at   int
	used int // removals of unknown outcome that took effect
}

// registerModel is one object, or none. Removals that may take effect at any time are alike, so
// that nothing is lost if they take effect in the order of their calls; otherwise every set of
// them would be tried. One on a condition is taken for one without: more can be explained then,
// and never less.
func registerModel() porcupine.Model {
	return porcupine.Model{
		Init: func() any { return modelled{} },
		Step: func(state, input, _ any) (bool, any) {
			e, m := input.(event), state.(modelled)
			switch {
			case e.unknown:
				return e.rank == m.used, modelled{absentState, m.used + 1}
			case e.deed == deedSee:
				return e.state == m.at, m
			case e.only != anything && e.only != m.at:
				return false, m
			}
			return true, modelled{e.state, m.used}
		},
		Hash: func(state any) uint64 {
			m := state.(modelled)
			return uint64(m.at)<<16 ^ uint64(m.used)
		},
	}
}

// closed bounds what is unknown by what is known. A write that somebody saw took effect before
// that; a write that nobody saw is left out: it can explain nothing, since whatever looks at the
// state says what it saw. What is removed cannot be told apart, and stays open. Without this
// every unknown write is tried at every place.
func closed(history []event) []event {
	seen := make(map[int]int64) // end of the first that saw a write
	see := func(state int, end int64) bool {
		first, found := seen[state]
		if state <= absentState || found && first <= end {
			return false
		}
		seen[state] = end
		return true
	}
	for again := true; again; { // what saw only what is unknown may be known later
		again = false
		for _, e := range history {
			end := e.end
			if e.unknown {
				var found bool
				if end, found = seen[e.state]; !found || e.deed != deedWrite {
					continue
				}
			}
			switch {
			case e.deed == deedSee:
				again = see(e.state, end) || again
			case e.only > absentState:
				again = see(e.only, end) || again
			}
		}
	}
	var kept []event
	for _, e := range history {
		if e.unknown {
			end, found := seen[e.state]
			switch {
			case e.deed == deedRemove:
				e.end = math.MaxInt64
			case !found:
				continue
			default: // it did take effect, so that its condition held
				if e.until > 0 {
					end = min(end, e.until)
				}
				// Seen before it was called: let the model say so.
				e.end, e.unknown = max(e.call, end), false
			}
		}
		kept = append(kept, e)
	}
	slices.SortFunc(kept, func(a, b event) int { return cmp.Compare(a.call, b.call) })
	rank := 0
	for i := range kept {
		if kept[i].unknown {
			kept[i].rank = rank
			rank++
		}
	}
	return kept
}

// checkPatience is how long one history may take; one that takes longer is counted as a failure.
const checkPatience = 2 * time.Minute

// linearizable reports whether a history of one key can be put in a line.
func linearizable(history []event) porcupine.CheckResult {
	operations := make([]porcupine.Operation, 0, len(history))
	for _, e := range closed(history) {
		operations = append(operations, porcupine.Operation{Input: e, Call: e.call, Return: e.end})
	}
	return porcupine.CheckOperationsTimeout(registerModel(), operations, checkPatience)
}

// shortened returns the shortest beginning of a history that cannot be put in a line, without
// what can be left out of it one by one.
func shortened(history []event) []event {
	bad := func(h []event) bool { return linearizable(h) == porcupine.Illegal }
	ended := slices.Clone(history)
	slices.SortFunc(ended, func(a, b event) int { return cmp.Compare(a.end, b.end) })
	n, _ := slices.BinarySearchFunc(ended, true, func(e event, _ bool) int {
		i := slices.IndexFunc(ended, func(o event) bool { return o.end == e.end && o.call == e.call })
		if bad(begun(ended, ended[i].end)) {
			return 0
		}
		return -1
	})
	if n < len(ended) {
		history = begun(ended, ended[n].end)
	}
	for size := len(history) / 2; size > 0; size /= 2 {
		for i := 0; i < len(history); {
			less := slices.Delete(slices.Clone(history), i, min(i+size, len(history)))
			if !sawAny(less, history[i:min(i+size, len(history))]) && bad(less) {
				history = less
				continue
			}
			i += size
		}
	}
	slices.SortFunc(history, func(a, b event) int { return cmp.Compare(a.call, b.call) })
	return history
}

// begun is what is known of a history at a time: what had not ended is unknown, or not yet seen.
func begun(history []event, at int64) (known []event) {
	for _, e := range history {
		switch {
		case e.end <= at:
		case e.call > at || e.deed == deedSee:
			continue
		default:
			e.unknown, e.end = true, math.MaxInt64
		}
		known = append(known, e)
	}
	return known
}

// sawAny reports whether an operation of history saw what one of others brought about. Without
// those it could not be explained, but that would be no fault.
func sawAny(history, others []event) bool {
	brought := make(map[int]bool)
	for _, e := range others {
		if e.deed != deedSee {
			brought[e.state] = true
		}
	}
	return slices.ContainsFunc(history, func(e event) bool {
		return e.deed == deedSee && brought[e.state] || e.deed != deedSee && brought[e.only]
	})
}

// The model finds what it should: each history is one that clients could have had, and one is bad.
func TestHistories(t *testing.T) {
	see := func(state int, at ...int64) event {
		return event{what: "GET", deed: deedSee, state: state, only: anything, call: at[0], end: at[1]}
	}
	put := func(state, only int, at ...int64) event {
		return event{what: "PUT", deed: deedWrite, state: state, only: only, call: at[0], end: at[1]}
	}
	del := func(only int, at ...int64) event {
		return event{what: "DELETE", deed: deedRemove, only: only, call: at[0], end: at[1]}
	}
	perhaps := func(e event) event { e.unknown, e.end = true, math.MaxInt64; return e }
	before := func(until int64, e event) event { e = perhaps(e); e.until = until; return e }
	const none = anything
	for name, c := range map[string]struct {
		history []event
		good    bool
	}{
		"nothing":              {nil, true},
		"one after the other":  {[]event{put(1, none, 1, 2), see(1, 3, 4), del(1, 5, 6), see(0, 7, 8)}, true},
		"lost":                 {[]event{put(1, none, 1, 2), see(0, 3, 4)}, false},
		"stale":                {[]event{put(1, none, 1, 2), put(2, none, 3, 4), see(1, 5, 6)}, false},
		"back in time":         {[]event{put(1, none, 1, 2), put(2, none, 3, 9), see(2, 4, 5), see(1, 6, 7)}, false},
		"at the same time":     {[]event{put(1, none, 1, 9), see(0, 2, 3), see(1, 4, 5)}, true},
		"from nowhere":         {[]event{see(7, 1, 2)}, false},
		"before it was called": {[]event{see(1, 1, 2), put(1, none, 3, 4)}, false},
		"unknown, then seen":   {[]event{perhaps(put(1, none, 1, 0)), see(0, 3, 4), see(1, 5, 6)}, true},
		"unknown, never seen":  {[]event{perhaps(put(1, none, 1, 0)), see(0, 3, 4), see(0, 5, 6)}, true},
		"unknown, seen and gone": {[]event{perhaps(put(1, none, 1, 0)), see(1, 3, 4), see(0, 5, 6)},
			false},
		"unknown before its call": {[]event{see(1, 1, 2), perhaps(put(1, none, 3, 0))}, false},
		"unknown removal":         {[]event{put(1, none, 1, 2), perhaps(del(none, 3, 0)), see(1, 4, 5), see(0, 6, 7)}, true},
		"unknown removal undone": {[]event{put(1, none, 1, 2), perhaps(del(none, 3, 0)), see(0, 4, 5),
			see(1, 6, 7)}, false},
		"removed twice at once": {[]event{put(1, none, 1, 2), del(1, 3, 6), del(1, 4, 7)}, false},
		"two winners":           {[]event{put(1, 0, 1, 9), put(2, 0, 2, 8)}, false},
		"one winner":            {[]event{put(1, 0, 1, 9), see(1, 2, 8), put(3, 1, 10, 11), see(3, 12, 13)}, true},
		"a condition on an unknown one": {[]event{perhaps(put(1, none, 1, 0)), put(2, 1, 3, 4),
			see(2, 5, 6)}, true},
		"seen behind the time it had": {[]event{before(4, put(1, none, 1, 0)), see(0, 5, 6), see(1, 7, 8)},
			false},
		"seen before that, and overwritten": {[]event{before(9, put(1, none, 1, 0)), see(1, 3, 4),
			put(2, none, 5, 6), see(2, 10, 11)}, true},
		"its writer is seen later": {[]event{perhaps(put(1, none, 1, 0)), perhaps(put(2, 1, 3, 0)),
			see(2, 5, 6), see(1, 7, 8)}, false},
		"a condition that did not hold": {[]event{put(1, none, 1, 2), put(2, none, 3, 4), put(3, 1, 5, 6)},
			false},
		"an unknown removal on a condition": {[]event{put(1, none, 1, 2), perhaps(del(1, 3, 0)),
			see(0, 5, 6), put(2, none, 7, 8), see(2, 9, 10), see(0, 11, 12)}, false},
		"unknown removals out of order": {[]event{put(1, none, 1, 2), perhaps(del(none, 3, 0)),
			perhaps(del(none, 5, 0)), see(0, 7, 8), put(2, none, 9, 10), see(0, 11, 12)}, true},
	} {
		got := linearizable(c.history)
		if got != map[bool]porcupine.CheckResult{true: porcupine.Ok, false: porcupine.Illegal}[c.good] {
			t.Errorf("%s: %s", name, got)
		}
		if !c.good && linearizable(shortened(c.history)) != porcupine.Illegal {
			t.Errorf("%s: shortened to %v", name, shortened(c.history))
		}
	}
}
