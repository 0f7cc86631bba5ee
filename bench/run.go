package bench

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"slices"
	"time"

	"flashstore/bench/record"
	"flashstore/bench/report"
	"flashstore/bench/scenario"
)

// options of a session.
type options struct {
	purpose      string            // empty: run
	server, warp string            // binaries
	others       map[string]string // name → path of further programs whose hashes are recorded
	withoutWarp  bool              // no scenario uses it
	resume       bool              // what was killed
	dir          string            // for drives
	index        string            // file of records
	budget       time.Duration
	pin          bool
	args         []string
}

func runCommand(ctx context.Context, args []string, out, messages io.Writer) error {
	o := options{}
	flags := flag.NewFlagSet("run", flag.ContinueOnError)
	chosen := newChoice(flags)
	flags.StringVar(&o.server, "server", "bin/flashstore", "server `binary`")
	o.flags(flags)
	files, err := parse(flags, args, out, messages)
	if err != nil {
		return err
	}
	o.args = withoutResume(args)
	scenarios, err := chosen.load(files)
	if err != nil {
		return fmt.Errorf("%w: %w", errUsage, err)
	}
	o.withoutWarp = !needWarp(scenarios)
	return measureAll(ctx, o, scenarios, out, messages)
}

// withoutResume are the arguments by which a session is found again.
func withoutResume(args []string) []string {
	return slices.DeleteFunc(slices.Clone(args), func(a string) bool {
		return a == "--resume" || a == "-resume"
	})
}

func needWarp(scenarios []*scenario.Scenario) bool {
	return slices.ContainsFunc(scenarios, func(s *scenario.Scenario) bool {
		return s.Workload.Driver == "warp"
	})
}

// flags that all commands that measure have.
func (o *options) flags(flags *flag.FlagSet) {
	flags.StringVar(&o.warp, "warp", "bin/warp", "warp `binary`")
	flags.StringVar(&o.dir, "dir", orDefault("BENCH_DIR", ".data/bench"),
		"`folder` for drives, also BENCH_DIR")
	flags.StringVar(&o.index, "record", "results/index.ndjson", "`file` that results are added to")
	flags.DurationVar(&o.budget, "budget", 0, "do not repeat noisy pairs once this `time` is short")
	flags.BoolVar(&o.pin, "pin", true, "give server and client cores of their own")
	flags.BoolVar(&o.resume, "resume", false, "go on with the last session of these arguments that "+
		"was interrupted; start anew without one")
}

func measureAll(
	ctx context.Context, o options, scenarios []*scenario.Scenario, out, messages io.Writer,
) (err error) {
	s, err := openSession(o, messages)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	s.plan(scenarios, func(sc *scenario.Scenario) int { return len(sc.Comparisons()) })
	var legs []record.Leg
	for _, sc := range scenarios {
		fmt.Fprintf(messages, "\n%s: %s\n", sc.Name, sc.Question)
		for _, c := range sc.Comparisons() {
			measured, err := s.compare(ctx, sc, s.contenders(c))
			legs = append(legs, measured...)
			if err != nil {
				return err
			}
		}
	}
	if err := s.end(); err != nil {
		return err
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
		if !r.Unsuited && (len(r.Problems) > 0 || r.Pairs == 0) {
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
