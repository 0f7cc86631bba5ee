package bench

import (
	"errors"
	"flag"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"flashstore/bench/scenario"
)

// choice is which scenarios a command runs, and what of them is changed on its command line.
type choice struct {
	only, set list
	quick     bool
	pairs     int
}

func newChoice(flags *flag.FlagSet) *choice {
	c := &choice{only: list{split: true}}
	flags.Var(&c.only, "only", "run only scenarios of these `names`")
	flags.Var(&c.set, "set",
		"change a value: `key=value`, as in run.duration=8s or netloop=nethttp,epoll; "+
			"NAME:key=value for one scenario")
	flags.BoolVar(&c.quick, "quick", false, "two short pairs: a look, not a verdict")
	flags.IntVar(&c.pairs, "pairs", 0, "`number` of pairs, instead of the scenario's")
	return c
}

// assignments are the changes, in the order in which they are made.
func (c *choice) assignments() []string {
	var set []string
	if c.quick {
		set = append(set, "run.trim_head=1s", "run.trim_tail=500ms", "run.duration=5s", "run.pairs=2")
	}
	set = append(set, c.set.values...)
	if c.pairs != 0 {
		set = append(set, fmt.Sprintf("run.pairs=%d", c.pairs))
	}
	return set
}

// load reads the files, or all of the folder scenarios, keeps those named, changes them and expands
// sweeps.
func (c *choice) load(files []string) ([]*scenario.Scenario, error) {
	if len(files) == 0 {
		var err error
		if files, err = filepath.Glob("scenarios/*.yaml"); err != nil {
			return nil, err
		}
	}
	only := c.only.values
	var scenarios []*scenario.Scenario
	var names []string
	for _, file := range files {
		s, err := scenario.Load(file)
		if err != nil {
			return nil, err
		}
		names = append(names, s.Name)
		if len(only) > 0 && !slices.Contains(only, s.Name) {
			continue
		}
		if err := c.change(s); err != nil {
			return nil, err
		}
		points, err := s.Expand()
		if err != nil {
			return nil, err
		}
		scenarios = append(scenarios, points...)
	}
	for _, name := range slices.Concat(only, c.setNames()) {
		if !slices.Contains(names, name) {
			return nil, fmt.Errorf("no scenario %q; there are: %s", name, strings.Join(names, ", "))
		}
	}
	if len(scenarios) == 0 {
		return nil, errors.New("no scenario files; start in the repository or name some")
	}
	return scenarios, nil
}

// forOne splits NAME:key=value; name is empty where a change is for all scenarios.
func forOne(assignment string) (name, rest string) {
	key, _, _ := strings.Cut(assignment, "=")
	if name, _, named := strings.Cut(key, ":"); named {
		return name, assignment[len(name)+1:]
	}
	return "", assignment
}

// setNames are the scenarios that single changes are for.
func (c *choice) setNames() (names []string) {
	for _, assignment := range c.set.values {
		if name, _ := forOne(assignment); name != "" {
			names = append(names, name)
		}
	}
	return names
}

// change makes the assignments that concern s.
func (c *choice) change(s *scenario.Scenario) error {
	var set []string
	for _, assignment := range c.assignments() {
		if name, rest := forOne(assignment); name == "" || name == s.Name {
			set = append(set, rest)
		}
	}
	if err := s.Set(set...); err != nil {
		return fmt.Errorf("--set for %s: %w", s.Name, err)
	}
	return nil
}
