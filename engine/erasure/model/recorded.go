package model

import (
	_ "embed"
	"fmt"
	"slices"
	"strings"
)

// Recorded is the counterexample of a Need as counterexamples.txt has it, so that whoever plays it
// need not look for it first.
type Recorded struct {
	Need
	Script []Event
	Broken string
}

// counterexamples is what TestRules finds, and compares.
//
//go:embed counterexamples.txt
var counterexamples string

// AllRecorded are the counterexamples of Needs, in their order.
func AllRecorded() ([]Recorded, error) {
	var all []Recorded
	for line := range strings.Lines(counterexamples) {
		line = strings.TrimSpace(line)
		at := len(all) - 1
		switch {
		case line == "" || strings.HasPrefix(line, "#"):
		case strings.HasPrefix(line, "== "):
			rule, world, _ := strings.Cut(strings.TrimPrefix(line, "== "), ": ")
			all = append(all, Recorded{Need: Need{ruleNamed(rule), world}})
		case at < 0:
			return nil, fmt.Errorf("%q belongs to no rule", line)
		case strings.HasPrefix(line, "=> "):
			all[at].Broken = strings.TrimPrefix(line, "=> ")
		default:
			e, err := parseEvent(line)
			if err != nil {
				return nil, err
			}
			all[at].Script = append(all[at].Script, e)
		}
	}
	return all, nil
}

// text is the form of counterexamples.txt.
func (r *Recorded) text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "== %s: %s\n", r.Rule, r.World)
	for _, e := range r.Script {
		fmt.Fprintln(&b, e)
	}
	fmt.Fprintf(&b, "=> %s\n", r.Broken)
	return b.String()
}

func ruleNamed(name string) Rule {
	for r, known := range ruleNames {
		if known == name {
			return Rule(r)
		}
	}
	return None
}

// Drives is how many drives the set has.
func (r *Recorded) Drives() int { return Worlds()[r.World].Drives }

// Has reports whether the script has an event of a kind.
func (r *Recorded) Has(what What) bool {
	return slices.ContainsFunc(r.Script, func(e Event) bool { return e.What == what })
}

// GivesUp reports whether a write of the script is given up.
func (r *Recorded) GivesUp(write int) bool {
	return slices.ContainsFunc(r.Script, func(e Event) bool {
		return e.What == GiveUp && e.Write == write
	})
}
