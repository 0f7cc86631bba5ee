package bench

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"flashstore/bench/record"
	"flashstore/bench/report"
	"flashstore/bench/scenario"
)

// options of the run command.
type options struct {
	server, warp string // binaries
	dir          string // for drives
	index        string // file of records
	budget       time.Duration
	pin          bool
	args         []string
}

func runCommand(ctx context.Context, args []string, out, messages io.Writer) error {
	o := options{args: args}
	only, set := list{split: true}, list{}
	flags := flag.NewFlagSet("run", flag.ContinueOnError)
	flags.Var(&only, "only", "run only scenarios of these `names`")
	flags.Var(&set, "set",
		"change a value: `key=value`, as in run.duration=8s or netloop=nethttp,epoll")
	quick := flags.Bool("quick", false, "two short pairs: a look, not a verdict")
	pairs := flags.Int("pairs", 0, "`number` of pairs, instead of the scenario's")
	flags.StringVar(&o.server, "server", "bin/flashstore", "server `binary`")
	flags.StringVar(&o.warp, "warp", "bin/warp", "warp `binary`")
	flags.StringVar(&o.dir, "dir", orDefault("BENCH_DIR", ".data/bench"),
		"`folder` for drives, also BENCH_DIR")
	flags.StringVar(&o.index, "record", "results/index.ndjson", "`file` that results are added to")
	flags.DurationVar(&o.budget, "budget", 0, "do not repeat noisy pairs once this `time` is short")
	flags.BoolVar(&o.pin, "pin", true, "give server and client cores of their own")
	files, err := parse(flags, args, out, messages)
	if err != nil {
		return err
	}
	if *quick {
		set.values = append([]string{
			"run.trim_head=1s", "run.trim_tail=500ms", "run.duration=5s", "run.pairs=2",
		}, set.values...)
	}
	if *pairs != 0 {
		set.values = append(set.values, fmt.Sprintf("run.pairs=%d", *pairs))
	}
	scenarios, err := loadScenarios(files, only.values, set.values)
	if err != nil {
		return fmt.Errorf("%w: %w", errUsage, err)
	}
	return measureAll(ctx, o, scenarios, out, messages)
}

// loadScenarios reads the files, or all of the folder scenarios, keeps those named and changes
// them.
func loadScenarios(files, only, set []string) ([]*scenario.Scenario, error) {
	if len(files) == 0 {
		var err error
		if files, err = filepath.Glob("scenarios/*.yaml"); err != nil {
			return nil, err
		}
	}
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
		for _, assignment := range set {
			if err := s.Set(assignment); err != nil {
				return nil, fmt.Errorf("--set for %s: %w", s.Name, err)
			}
		}
		scenarios = append(scenarios, s)
	}
	for _, name := range only {
		if !slices.Contains(names, name) {
			return nil, fmt.Errorf("no scenario %q; there are: %s", name, strings.Join(names, ", "))
		}
	}
	if len(scenarios) == 0 {
		return nil, errors.New("no scenario files; start in the repository or name some")
	}
	return scenarios, nil
}

func measureAll(
	ctx context.Context, o options, scenarios []*scenario.Scenario, out, messages io.Writer,
) (err error) {
	s, err := openSession(o, messages)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	s.plan(scenarios)
	var legs []record.Leg
	for _, sc := range scenarios {
		fmt.Fprintf(messages, "\n%s: %s\n", sc.Name, sc.Question)
		for _, c := range sc.Comparisons() {
			measured, err := s.compare(ctx, sc, c)
			legs = append(legs, measured...)
			if err != nil {
				return err
			}
		}
	}
	rows := report.Rows(legs)
	fmt.Fprintln(out)
	report.Table(out, rows)
	fmt.Fprintln(out)
	report.Conclude(out, rows)
	fmt.Fprintf(out, "Record: %s, session %s.\n", s.index.Path(), s.id)
	fmt.Fprintln(out, "Next: "+next(rows, s.id))
	return verdict(rows)
}

// verdict is an error if anything was measured that does not count.
func verdict(rows []report.Row) error {
	for _, r := range rows {
		if len(r.Problems) > 0 || r.Pairs == 0 {
			return fmt.Errorf("%w: %s: see above", errInvalid, r.Scenario)
		}
	}
	return nil
}

// next is what to type to know more.
func next(rows []report.Row, id string) string {
	for _, r := range rows {
		if r.Verdict == report.TooFew || r.Verdict == report.NoDifference || r.Noisy > 0 {
			return fmt.Sprintf("bin/flashbench run --only %s --pairs %d   # more pairs, narrower interval",
				r.Scenario, max(8, 2*r.Pairs))
		}
	}
	return "bin/flashbench compare " + id + "   # prints this table again"
}
