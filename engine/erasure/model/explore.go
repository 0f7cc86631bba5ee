package model

import (
	"context"
	"fmt"
	"strings"
)

// Config is a world to explore.
type Config struct {
	Drives, Data, Quorum int // n, k and the write quorum
	Writes               uint8
	Terms                uint8 // that are handed out, the first one at the beginning
	Departures           uint8 // of drives
	Wipes                uint8
	Crashes              uint8
	Reads                uint8 // and heals, and fenced rounds
	Reader               bool  // somebody reads without the lock
	Prompt               bool  // terms, settles and forgetting arrive at once
	// Alone: there is one process at a time, and it takes the term above all that it sees.
	Alone     bool
	Without   Rule
	StatesMax int // then it ends without a result; 0: no limit
}

// Counterexample is a history that breaks the promise.
type Counterexample struct {
	Steps  []string
	Script []Event // the same for a test of the code
	Broken string
}

func (e *Counterexample) String() string {
	text := ""
	for i, s := range e.Steps {
		text += fmt.Sprintf("%2d. %s\n", i+1, s)
	}
	return text + "=> " + e.Broken
}

// Result is how far Explore came.
type Result struct {
	States   int
	Depth    int
	Complete bool // no state is left
}

// node is how a state was reached.
type node struct {
	parent uint32
	step   step
}

// Explore tries all histories, shortest first, until one breaks the promise. progress, if not nil,
// is called now and then. Interrupted, it returns how far it came and ctx's error.
func (c *Config) Explore(ctx context.Context, progress func(Result)) (Result, *Counterexample,
	error) {
	first := c.first()
	seen := map[state]struct{}{first: {}}
	nodes := []node{{}}
	type open struct {
		state state
		node  uint32
	}
	frontier := []open{{first, 0}}
	r := Result{States: 1}
	for ; len(frontier) > 0; r.Depth++ {
		if progress != nil {
			progress(r)
		}
		var next []open
		for i := range frontier {
			if i%1024 == 0 && ctx.Err() != nil {
				return r, nil, ctx.Err()
			}
			var found *Counterexample
			c.steps(&frontier[i].state, func(t step) {
				s := frontier[i].state
				broken := c.apply(&s, t)
				s.canonical(c.Drives)
				if broken == "" {
					broken = c.stuck(&s)
				}
				if broken != "" && found == nil {
					found = c.trace(append(nodes, node{frontier[i].node, t}), broken)
				}
				if _, known := seen[s]; known || found != nil {
					return
				}
				seen[s] = struct{}{}
				nodes = append(nodes, node{frontier[i].node, t})
				next = append(next, open{s, uint32(len(nodes) - 1)})
			})
			if r.States = len(seen); found != nil {
				return r, found, nil
			}
			if c.StatesMax > 0 && r.States >= c.StatesMax {
				return r, nil, nil
			}
		}
		frontier = next
	}
	r.Complete = true
	return r, nil, nil
}

// first is a set on which a holder has started.
func (c *Config) first() state {
	s := state{terms: 1, departures: c.Departures, wipes: c.Wipes, crashes: c.Crashes,
		reads: c.Reads}
	for i := range s.drives[:c.Drives] {
		s.drives[i].term = 1
	}
	if !c.Alone { // else the first process is yet to start
		s.actors[0] = actor{phase: idle, term: 1}
	}
	s.actors[reader].phase = idle
	return s
}

// trace tells the history that ends with the last node.
func (c *Config) trace(nodes []node, broken string) *Counterexample {
	var steps []step
	for at := uint32(len(nodes) - 1); at != 0; at = nodes[at].parent {
		steps = append(steps, nodes[at].step)
	}
	s := c.first()
	var names [drivesMax]uint8 // of the drives, which canonical moves about
	for i := range names {
		names[i] = uint8(i)
	}
	e := &Counterexample{Broken: broken}
	for i := len(steps) - 1; i >= 0; i-- {
		e.Script = append(e.Script, steps[i].event(&s, names[steps[i].at]))
		e.Steps = append(e.Steps, steps[i].text(&s, names[steps[i].at])+c.consequence(s, steps[i]))
		c.apply(&s, steps[i])
		from, old := s.canonical(c.Drives), names
		for j := range names[:c.Drives] {
			names[j] = old[from[j]]
		}
	}
	return e
}

// consequence names what a step leads to, where that is not in its text.
func (c *Config) consequence(s state, t step) string {
	before := s
	c.apply(&s, t)
	var text strings.Builder
	if t.action == put || t.action == purge {
		fmt.Fprintf(&text, ": write %d", before.begun)
	}
	if s.promise != before.promise {
		fmt.Fprintf(&text, "; write %d is promised", s.promise-1)
	}
	return text.String()
}
