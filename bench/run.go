package bench

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
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
	resumable    bool              // whoever is cut off can go on
	resume       bool              // what was cut off
	dir          string            // for drives
	index        string            // file of records
	budget       time.Duration
	pin          bool
	args         []string
	peer         string // hash of the file of one, empty without
	gauge        gauge  // nil: this machine's
}

// recordFile is where results go unless told otherwise.
const recordFile = "results/index.ndjson"

func runCommand(ctx context.Context, args []string, out, messages io.Writer) error {
	o := options{args: withoutResume(args)}
	flags := flag.NewFlagSet("run", flag.ContinueOnError)
	chosen := newChoice(flags)
	flags.StringVar(&o.server, "server", "bin/flashstore", "server `binary`")
	o.flags(flags)
	files, err := parse(flags, args, out, messages)
	if err != nil {
		return err
	}
	scenarios, err := chosen.load(files)
	if err != nil {
		return fmt.Errorf("%w: %w", errUsage, err)
	}
	o.withoutWarp = !needWarp(scenarios)
	return measureAll(ctx, o, scenarios, typed{flags, files}, out, messages)
}

// withoutResume are the arguments by which a session is found again.
func withoutResume(args []string) []string {
	return slices.DeleteFunc(slices.Clone(args), func(arg string) bool {
		name, _, _ := strings.Cut(arg, "=")
		return name == "--resume" || name == "-resume"
	})
}

func needWarp(scenarios []*scenario.Scenario) bool {
	return slices.ContainsFunc(scenarios, func(s *scenario.Scenario) bool {
		return s.Workload.Driver == "warp"
	})
}

// placeFlags are those of every command that runs legs.
func (o *options) placeFlags(flags *flag.FlagSet) {
	flags.StringVar(&o.dir, "dir", orDefault("BENCH_DIR", ".data/bench"),
		"`folder` for drives, also BENCH_DIR")
	flags.StringVar(&o.index, "record", recordFile, "`file` that results are added to")
	flags.BoolVar(&o.pin, "pin", true, "give server and client cores of their own")
}

// flags are those of commands that measure pairs, which may be noisy, and so many that they are cut
// off.
func (o *options) flags(flags *flag.FlagSet) {
	o.placeFlags(flags)
	o.resumable = true
	flags.StringVar(&o.warp, "warp", "bin/warp", "warp `binary`")
	flags.Var((*budgetFlag)(&o.budget), "budget",
		"do not repeat noisy pairs once this `time` is short")
	flags.BoolVar(&o.resume, "resume", false, "go on with the last session of these arguments that "+
		"was interrupted; start anew without one")
}

func measureAll(
	ctx context.Context, o options, scenarios []*scenario.Scenario, again typed,
	out, messages io.Writer,
) (err error) {
	s, err := openSession(o, messages)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	legs, err := s.compareAll(ctx, scenarios)
	if err == nil {
		err = s.end()
	}
	if err != nil && len(legs) == 0 {
		return err
	}
	rows := report.Rows(legs) // of what there is, even where the rest was cut off
	fmt.Fprintln(out)
	report.Table(out, rows)
	fmt.Fprintln(out)
	report.Conclude(out, rows)
	fmt.Fprintf(out, "Record: %s, session %s.\n", s.index.Path(), s.id)
	if err != nil {
		return err
	}
	fmt.Fprintln(out, "Next: "+next(rows, again, s))
	return verdict(rows)
}

// compareAll runs every comparison of every scenario. With an error come the pairs until then.
func (s *session) compareAll(
	ctx context.Context, scenarios []*scenario.Scenario,
) (legs []record.Leg, err error) {
	s.plan(scenarios, func(sc *scenario.Scenario) int { return len(sc.Comparisons()) })
	for _, sc := range scenarios {
		fmt.Fprintf(s.messages, "\n%s: %s\n", sc.Name, sc.Question)
		for _, c := range sc.Comparisons() {
			measured, err := s.compare(ctx, sc, s.contenders(c))
			legs = append(legs, measured...)
			if err != nil {
				return legs, err
			}
		}
	}
	return legs, nil
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
func next(rows []report.Row, again typed, s *session) string {
	for _, r := range rows {
		if r.Verdict == report.TooFew || r.Verdict == report.NoDifference || r.Noisy > 0 {
			pairs := min(max(8, 2*r.Pairs), scenario.PairsMax)
			return again.but(map[string]string{"only": r.Scenario, "pairs": strconv.Itoa(pairs),
				"quick": "", "resume": ""}) + "   # more pairs, narrower interval"
		}
	}
	compare := []string{"compare", s.id}
	if path := s.index.Path(); path != recordFile {
		compare = append(compare, "--record", path)
	}
	return toType(compare) + "   # prints this table again"
}
