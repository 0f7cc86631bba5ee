package bench

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"slices"

	"flashstore/bench/gate"
	"flashstore/bench/record"
	"flashstore/bench/report"
	"flashstore/bench/scenario"
)

// errRegression and errInconclusive are how a gate ends; see the exit codes.
var (
	errRegression   = errors.New("regression")
	errInconclusive = errors.New("inconclusive")
)

// gateScenarios are those that a gate runs unless told otherwise.
func gateScenarios() []string { return []string{"get-4k-sliced", "put-4k"} }

// gateOptions are flags of the gate command that are not a session's.
type gateOptions struct {
	options
	base, candidate                    string
	env                                list // of the candidate
	counts, timing                     bool
	requests                           []countRequest // counted: all, but in tests
	junit, markdown, ndjson, benchmark string
}

func gateCommand(ctx context.Context, args []string, out, messages io.Writer) error {
	o, scenarios, err := parseGate(args, out, messages)
	if err != nil {
		return err
	}
	return asVerdict(o.run(ctx, scenarios, out, messages))
}

// parseGate is the gate that a command line asks for.
func parseGate(
	args []string, out, messages io.Writer,
) (*gateOptions, []*scenario.Scenario, error) {
	o := gateOptions{options: options{purpose: "gate", args: withoutResume(args)},
		requests: countRequests()}
	flags := flag.NewFlagSet("gate", flag.ContinueOnError)
	chosen := newChoice(flags)
	chosen.fixed = fixed{slices.DeleteFunc(scenario.MatrixKeys(), func(key string) bool {
		return key == "durability"
	}), "a gate runs both programs with their own defaults; flashbench run compares levels"}
	o.options.flags(flags)
	flags.StringVar(&o.base, "base", "", "server `binary` before the change")
	flags.StringVar(&o.candidate, "candidate", "bin/flashstore", "server `binary` with the change")
	flags.Var(&o.env, "candidate-env", "`NAME=VALUE` in the candidate's environment; repeatable")
	flags.BoolVar(&o.counts, "counts", true, "compare what a request costs in exact counts")
	flags.BoolVar(&o.timing, "timing", true, "compare how fast they are")
	flags.StringVar(&o.junit, "junit", "", "JUnit `file` to write")
	flags.StringVar(&o.markdown, "markdown", "", "`file` that a summary in Markdown is added to")
	flags.StringVar(&o.ndjson, "ndjson", "", "`file` of findings, one JSON object a line")
	flags.StringVar(&o.benchmark, "benchfmt", "", "`file` in Go's benchmark format, for benchstat")
	files, err := parse(flags, args, out, messages)
	if err != nil {
		return nil, nil, err
	}
	if o.base == "" || !o.counts && !o.timing {
		return nil, nil, fmt.Errorf("%w: --base BINARY is missing, or nothing is to be compared; make "+
			"gate BASE=REVISION builds one", errUsage)
	}
	if err := checkBase(o.base); err != nil {
		return nil, nil, err
	}
	if len(chosen.only.values) == 0 && len(files) == 0 {
		chosen.only.values = gateScenarios()
	}
	scenarios, err := chosen.load(files)
	if err != nil {
		return nil, nil, fmt.Errorf("%w: %w", errUsage, err)
	}
	o.server, o.others = o.candidate, map[string]string{"base": o.base}
	o.withoutWarp = !o.timing || !needWarp(scenarios)
	return &o, scenarios, checkOutputs(o.junit, o.markdown, o.ndjson, o.benchmark)
}

// checkBase refuses what is no program with advice for what it most often is instead: a revision.
func checkBase(path string) error {
	err := isProgram(path)
	if err == nil {
		return nil
	}
	return fmt.Errorf("%w: %w; --base takes a program, and a revision is compared by make gate "+
		"BASE=HEAD~1", errUsage, err)
}

// asVerdict keeps what else may end a gate, such as a full disk, from being taken for a regression:
// nothing was compared, or nobody is told.
func asVerdict(err error) error {
	if err == nil {
		return nil
	}
	for _, said := range []error{errRegression, errInconclusive, errInvalid, errUsage} {
		if errors.Is(err, said) {
			return err
		}
	}
	return fmt.Errorf("%w: %w", errInvalid, err)
}

// run compares, and says and writes what it has found: also why it could not compare.
func (o *gateOptions) run(
	ctx context.Context, scenarios []*scenario.Scenario, out, messages io.Writer,
) (err error) {
	var results report.Gate
	s, broken := openSession(o.options, messages)
	if broken == nil {
		defer func() { err = errors.Join(err, s.close()) }()
		results.Session = s.id
		broken = s.gateAll(ctx, o, scenarios, &results)
	}
	if errors.Is(broken, errUsage) { // nothing was begun
		return broken
	}
	if broken != nil {
		results.Broken = broken.Error()
	}
	results.Print(out)
	err = errors.Join(gateError(results.Verdict()), broken)
	if lost := o.write(&results); lost != nil || broken != nil { // a resume goes on, and writes it
		return errors.Join(err, lost)
	}
	return errors.Join(err, s.end())
}

// gateAll compares all that is asked for, as far as it comes.
func (s *session) gateAll(
	ctx context.Context, o *gateOptions, scenarios []*scenario.Scenario, results *report.Gate,
) (err error) {
	if o.timing {
		s.plan(scenarios, func(*scenario.Scenario) int { return 1 })
	}
	if o.counts {
		if results.Counts, results.Ledgers, err = s.gateCounts(ctx, o); err != nil {
			return err
		}
		results.Counted = true
	}
	for _, sc := range scenarios {
		if !o.timing {
			break
		}
		fmt.Fprintf(s.messages, "\n%s: %s\n", sc.Name, sc.Question)
		row, err := s.gateOne(ctx, sc, o.sides())
		if err != nil {
			return fmt.Errorf("%s: %w", sc.Name, err)
		}
		results.Rows = append(results.Rows, row)
	}
	return nil
}

// sides are what a gate compares.
func (o *gateOptions) sides() [2]contender {
	return [2]contender{
		{label: "base", binary: o.base},
		{label: "candidate", binary: o.candidate, env: o.env.values},
	}
}

// gateError is how a verdict ends the program.
func gateError(v gate.Verdict) error {
	switch v {
	case gate.Pass:
		return nil
	case gate.Fail:
		return errRegression
	case gate.Inconclusive:
		return errInconclusive
	}
	return errInvalid
}

// gateOne runs the stages of one scenario and judges them.
func (s *session) gateOne(
	ctx context.Context, sc *scenario.Scenario, sides [2]contender,
) (row report.GateRow, err error) {
	axes := slices.DeleteFunc(slices.Clone(sc.Base()), func(c scenario.Choice) bool {
		return c.Axis != "durability" // what is deployed: the server's own defaults
	})
	sides[0].axes, sides[1].axes = axes, axes
	m, err := s.newComparison(sc, sides)
	if err != nil {
		return row, err
	}
	trial := gate.Trial{Rule: gate.NewRule(0, sc.Run.Pairs, sc.Run.ConfirmPairs),
		Margin: sc.Gate.Margin, TailFails: sc.Gate.P99 == "fail"}
	legs, err := m.try(ctx, &trial)
	if err != nil {
		return row, err
	}
	row = report.GateRow{Scenario: sc.Name, Judgement: trial.Decisive(), Legs: legs,
		Warning: gate.TailWarning(legs)}
	return row, s.index.Append(record.Line{Verdict: s.verdictOf(sc.Name, row.Finding)})
}

// verdictOf is a finding for the record.
func (s *session) verdictOf(scenario string, f gate.Finding) *record.Verdict {
	v := &record.Verdict{Session: s.id, Scenario: scenario, Verdict: string(f.Verdict),
		Reason: f.Reason, Pairs: f.Pairs}
	if f.Figures != nil {
		v.Change, v.P = &f.Change, &f.P
	}
	return v
}

// try runs the first stage of a trial, and the second where that is to confirm something. What
// keeps a stage from being run to its end is in its legs, of which the trial makes INVALID.
func (m *comparison) try(ctx context.Context, t *gate.Trial) (legs []record.Leg, err error) {
	defer func() { err = errors.Join(err, m.cleanUp()) }()
	run := m.scenario.Run
	legs, err = m.stage(ctx, stage{pairs: run.Pairs, seed: run.Seed})
	if err != nil {
		return legs, err
	}
	toConfirm := t.First(legs)
	if toConfirm == "" {
		return legs, nil
	}
	fmt.Fprintf(m.messages, "  %s: %d new pairs\n", toConfirm, run.ConfirmPairs)
	m.legsPlanned += 2 * run.ConfirmPairs
	more, err := m.stage(ctx, stage{first: run.Pairs, pairs: run.ConfirmPairs, seed: run.Seed + 1})
	legs = append(legs, more...)
	if err == nil {
		t.Second(legs)
	}
	return legs, err
}

// write puts the results into the files that were asked for.
func (o *gateOptions) write(g *report.Gate) error {
	for _, f := range []struct {
		path  string
		how   func(path string, write func(io.Writer) error) error
		write func(io.Writer) error
	}{
		{o.junit, writeFile, g.JUnit}, {o.markdown, appendFile, g.Markdown},
		{o.ndjson, appendFile, g.NDJSON}, {o.benchmark, writeFile, g.Benchfmt},
	} {
		if f.path == "" {
			continue
		}
		if err := f.how(f.path, f.write); err != nil {
			return err
		}
	}
	return nil
}
