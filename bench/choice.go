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
	pairs     pairsFlag
	// own are changes that the command itself makes of a scenario as it is wanted; --set may take
	// them back.
	own   func(wanted *scenario.Scenario) []string
	fixed fixed
}

// fixed is what changes nothing where a command sees to it itself: keys of --set, and what the user
// can do instead.
type fixed struct {
	keys    []string
	instead string
}

// newChoice is that of a command that measures pairs.
func newChoice(flags *flag.FlagSet) *choice {
	c := newScenarioChoice(flags)
	flags.BoolVar(&c.quick, "quick", false, "two short pairs: a look, not a verdict")
	flags.Var(&c.pairs, "pairs", "`number` of pairs, instead of the scenario's")
	return c
}

// newScenarioChoice is that of any command that runs scenarios.
func newScenarioChoice(flags *flag.FlagSet) *choice {
	c := &choice{only: list{split: true}}
	flags.Var(&c.only, "only", "run only scenarios of these `names`, or points of a sweep")
	flags.Var(&c.set, "set",
		"change a value: `key=value`, as in run.duration=8s or netloop=nethttp,epoll; "+
			"NAME:key=value for one scenario")
	return c
}

// load reads the files, or all of the folder scenarios, keeps those named, changes them and expands
// sweeps.
func (c *choice) load(files []string) ([]*scenario.Scenario, error) {
	if err := c.checkFixed(); err != nil {
		return nil, err
	}
	if len(files) == 0 {
		var err error
		if files, err = filepath.Glob("scenarios/*.yaml"); err != nil {
			return nil, err
		}
	}
	if len(files) == 0 {
		return nil, errors.New("no scenario files; start in the repository or name some")
	}
	var scenarios []*scenario.Scenario
	var names, points []string
	for _, file := range files {
		s, err := scenario.Load(file)
		if err != nil {
			return nil, err
		}
		all, err := s.Expand()
		if err != nil {
			return nil, err
		}
		names = append(names, s.Name)
		for _, point := range all {
			points = append(points, point.Name)
		}
		kept, err := c.keep(s, all)
		if err != nil {
			return nil, err
		}
		scenarios = append(scenarios, kept...)
	}
	if err := c.checkNames(names, points); err != nil {
		return nil, err
	}
	return scenarios, nil
}

// keep changes a scenario if it, or any of its points, is to run, and returns what is.
func (c *choice) keep(
	s *scenario.Scenario, points []*scenario.Scenario,
) (kept []*scenario.Scenario, err error) {
	only := c.only.values
	isOut := func(point *scenario.Scenario) bool {
		return len(only) > 0 && !slices.Contains(only, s.Name) && !slices.Contains(only, point.Name)
	}
	if len(slices.DeleteFunc(points, isOut)) == 0 {
		return nil, nil // what is changed need not be valid of others
	}
	if err := c.change(s); err != nil {
		return nil, err
	}
	kept, err = s.Expand()
	return slices.DeleteFunc(kept, isOut), err
}

// checkNames refuses names that nothing bears.
func (c *choice) checkNames(names, points []string) error {
	for _, name := range c.only.values {
		if !slices.Contains(names, name) && !slices.Contains(points, name) {
			return noScenario(name, names)
		}
	}
	for _, assignment := range c.set.values {
		if name, _ := forOne(assignment); name != "" && !slices.Contains(names, name) {
			return noScenario(name, names)
		}
	}
	return nil
}

func noScenario(name string, names []string) error {
	return fmt.Errorf("no scenario %q; there are: %s", name, strings.Join(names, ", "))
}

// checkFixed refuses what would change nothing.
func (c *choice) checkFixed() error {
	for _, assignment := range c.set.values {
		_, assignment = forOne(assignment)
		if key, _, _ := strings.Cut(assignment, "="); slices.Contains(c.fixed.keys, key) {
			return fmt.Errorf("--set %s changes nothing here: %s", key, c.fixed.instead)
		}
	}
	return nil
}

// forOne splits NAME:key=value; name is empty where a change is for all scenarios.
func forOne(assignment string) (name, rest string) {
	key, _, _ := strings.Cut(assignment, "=")
	if name, _, named := strings.Cut(key, ":"); named {
		return name, assignment[len(name)+1:]
	}
	return "", assignment
}

// change makes the changes that concern s: those of a look, those of the command, then the user's.
func (c *choice) change(s *scenario.Scenario) error {
	if c.quick {
		s.Run.Quicken()
	}
	var set []string
	for _, assignment := range c.set.values {
		if name, rest := forOne(assignment); name == "" || name == s.Name {
			set = append(set, rest)
		}
	}
	if c.pairs != 0 {
		set = append(set, fmt.Sprintf("run.pairs=%d", c.pairs))
	}
	wanted, err := s.With(set...)
	if err != nil {
		return fmt.Errorf("--set for %s: %w", s.Name, err)
	}
	var own []string
	if c.own != nil {
		own = c.own(wanted)
	}
	err = s.Set(slices.Concat(own, set)...)
	if err != nil && wanted.Validate() == nil {
		return fmt.Errorf("%s is nothing for this command: %w", s.Name, err)
	}
	if err != nil {
		return fmt.Errorf("--set for %s: %w", s.Name, err)
	}
	return nil
}
