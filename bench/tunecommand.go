package bench

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"flashstore/bench/gate"
	"flashstore/bench/record"
	"flashstore/bench/scenario"
	"flashstore/bench/target"
	"flashstore/bench/tune"
	"flashstore/machine"
)

// tuneScenarios are those that a level must help in, or not hurt.
func tuneScenarios() []string { return []string{"get-4k", "put-4k", "get-1m", "put-1m"} }

// tuneRun tries levels against the defaults of a server.
type tuneRun struct {
	*session
	scenarios []*scenario.Scenario
	defaults  map[string]string
	only      []string // axes; empty: all
}

// tuneOptions are flags of the tune command that are not a session's.
type tuneOptions struct {
	options
	axes  list
	path  string // of the file that is written
	quick bool
}

func tuneCommand(ctx context.Context, args []string, out, messages io.Writer) error {
	o, scenarios, err := parseTune(args, out, messages)
	if err != nil {
		return err
	}
	return o.run(ctx, scenarios, out, messages)
}

// parseTune is what a command line asks for, refused where that is wrong before anything is run.
func parseTune(
	args []string, out, messages io.Writer,
) (*tuneOptions, []*scenario.Scenario, error) {
	o := tuneOptions{options: options{purpose: "tune", args: withoutResume(args)},
		axes: list{split: true}}
	flags := flag.NewFlagSet("tune", flag.ContinueOnError)
	chosen := newChoice(flags)
	chosen.fixed = fixed{scenario.MatrixKeys(), "tune tries all levels; --axes chooses the axes"}
	flags.StringVar(&o.server, "server", "bin/flashstore", "server `binary`")
	flags.Var(&o.axes, "axes", "tune only these `axes`")
	flags.StringVar(&o.path, "out", "tuned.yaml", "`file` to write")
	o.flags(flags)
	files, err := parse(flags, args, out, messages)
	if err != nil {
		return nil, nil, err
	}
	if len(chosen.only.values) == 0 && len(files) == 0 {
		chosen.only.values = tuneScenarios()
	}
	scenarios, err := chosen.load(files)
	if err != nil {
		return nil, nil, fmt.Errorf("%w: %w", errUsage, err)
	}
	for _, axis := range o.axes.values {
		if !slices.Contains(tune.Axes(), axis) {
			return nil, nil, fmt.Errorf("%w: --axes %s; can be tuned: %s", errUsage, axis,
				strings.Join(tune.Axes(), ", "))
		}
	}
	if err := enoughPairs(scenarios, chosen.quick); err != nil {
		return nil, nil, err
	}
	o.quick, o.withoutWarp = chosen.quick, !needWarp(scenarios)
	return &o, scenarios, checkOutputs(o.path)
}

// run measures, and writes what it has found.
func (o *tuneOptions) run(
	ctx context.Context, scenarios []*scenario.Scenario, out, messages io.Writer,
) (err error) {
	s, err := openSession(o.options, messages)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	t := &tuneRun{session: s, scenarios: scenarios, only: o.axes.values}
	f, err := t.run(ctx)
	if err != nil {
		return err
	}
	return finishTune(o.path, f, o.quick, out, s.end)
}

// enoughPairs refuses, before anything is measured, what could not be judged however quiet it is.
func enoughPairs(scenarios []*scenario.Scenario, quick bool) error {
	for _, sc := range scenarios {
		if !quick && sc.Run.Pairs < tune.PairsMin {
			return fmt.Errorf("%w: %s: %d pairs; a level is judged by %d quiet ones or more, a look "+
				"takes --quick", errUsage, sc.Name, sc.Run.Pairs, tune.PairsMin)
		}
	}
	return nil
}

// finishTune writes what was found into a file, unless nothing was or it was but a look; end says
// that there is nothing to resume.
func finishTune(path string, f *tune.File, quick bool, out io.Writer, end func() error) error {
	outcome := f.Outcome()
	if outcome != tune.Unknown && !quick {
		if err := writeTuned(path, f, out); err != nil {
			return fmt.Errorf("%w; --resume writes it without measuring again", err)
		}
		return end()
	}
	if err := errors.Join(f.Write(out), end()); err != nil {
		return err
	}
	const nothing = "nothing is written"
	switch {
	case outcome == tune.Unknown && !f.Noisy():
		return fmt.Errorf("%w: no level could be judged: %s", errInvalid, nothing)
	case quick:
		fmt.Fprintf(out, "\n--quick is a look, not a verdict: %s\n", nothing)
		return nil
	}
	return fmt.Errorf("%w: no level could be judged: %s; the machine has to be quieter",
		errInconclusive, nothing)
}

func writeTuned(path string, f *tune.File, out io.Writer) error {
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	if err := errors.Join(f.Write(io.MultiWriter(file, out)), file.Close()); err != nil {
		return err
	}
	fmt.Fprintf(out, "\nwritten: %s; flashstore server --config %s\n", path, path)
	return nil
}

// run tries one axis at a time, then the winners together on fresh data.
func (t *tuneRun) run(ctx context.Context) (*tune.File, error) {
	err := t.suited()
	if err != nil {
		return nil, err
	}
	if t.defaults, err = t.findDefaults(ctx); err != nil {
		return nil, err
	}
	candidates := t.candidates()
	t.plan(t.scenarios, func(*scenario.Scenario) int { return len(candidates) + 1 })
	f := &tune.File{Machine: machine.Identify(t.workspace.Path()).String(), At: time.Now(),
		Session: t.id, Defaults: t.defaults}
	f.Revision, _ = gitRevision(".")
	for _, c := range candidates {
		trials, err := t.trial(ctx, []tune.Choice{c}, 0)
		if err != nil {
			return nil, err
		}
		f.Trials = append(f.Trials, trials...)
	}
	if f.Chosen = tune.Choose(f.Trials); len(f.Chosen) == 0 {
		return f, nil
	}
	fmt.Fprintf(t.messages, "\nto be confirmed on fresh data: %s\n", label(f.Chosen))
	if f.Combined, err = t.trial(ctx, f.Chosen, 1); err != nil {
		return nil, err
	}
	return f, nil
}

// suited refuses scenarios that this machine cannot run: where one is not judged no level is
// adopted, and that is better known now than after an hour.
func (t *tuneRun) suited() error {
	var lacks []string
	for _, sc := range t.scenarios {
		lack := coresLack(sc.Requires)
		if lack == "" {
			var err error
			if lack, err = t.diskLack(sc.Requires); err != nil {
				return err
			}
		}
		if lack != "" {
			lacks = append(lacks, sc.Name+" "+lack)
		}
	}
	if len(lacks) == 0 {
		return nil
	}
	return fmt.Errorf("%w: no level could be adopted: %s; --only leaves scenarios out, --dir is "+
		"where the disk is", errInvalid, strings.Join(lacks, "; "))
}

// findDefaults asks a server that was told nothing what it runs.
func (t *tuneRun) findDefaults(ctx context.Context) (map[string]string, error) {
	dir, err := t.workspace.Fresh("defaults")
	if err != nil {
		return nil, err
	}
	server, err := target.Start(ctx, target.Config{Binary: t.options.server, Dir: dir, Drives: 1})
	if err != nil {
		return nil, err
	}
	defer server.Kill()
	status, err := server.Status(ctx)
	if err != nil {
		return nil, err
	}
	out := map[string]string{}
	for name, axis := range status.Axes {
		out[name] = axis.Active
	}
	return out, server.Stop()
}

// candidates are all levels that are not the default.
func (t *tuneRun) candidates() (out []tune.Choice) {
	for _, axis := range scenario.Axes() {
		if !slices.Contains(tune.Axes(), axis.Name) ||
			len(t.only) > 0 && !slices.Contains(t.only, axis.Name) {
			continue
		}
		for _, value := range axis.Values {
			// kqueue is of other systems, and would be skipped here each time.
			if value != t.defaults[axis.Name] && value != "kqueue" {
				out = append(out, tune.Choice{Axis: axis.Name, Level: value})
			}
		}
	}
	return out
}

// trial measures levels against the defaults in every scenario. Another round has other seeds, so
// that pairs, keys and bytes are fresh.
func (t *tuneRun) trial(
	ctx context.Context, choices []tune.Choice, round uint64,
) ([]tune.Trial, error) {
	var out []tune.Trial
	for _, sc := range t.scenarios {
		fresh := *sc
		fresh.Run.Seed += 1000 * round
		sides := [2]contender{
			{label: "default", binary: t.options.server, axes: t.axes(sc, nil)},
			{label: label(choices), binary: t.options.server, axes: t.axes(sc, choices)},
		}
		fmt.Fprintf(t.messages, "\n%s: %s\n", sc.Name, sides[1].label)
		legs, err := t.compare(ctx, &fresh, sides)
		if err != nil {
			return nil, err
		}
		out = append(out, trialOf(&fresh, choices, legs))
	}
	return out, nil
}

// trialOf is what legs say of levels: nothing, where too few of them were quiet.
func trialOf(sc *scenario.Scenario, choices []tune.Choice, legs []record.Leg) tune.Trial {
	out := tune.Trial{Scenario: sc.Name, Level: "combined", Metric: gate.Metric(legs)}
	if len(choices) == 1 {
		out.Axis, out.Level = choices[0].Axis, choices[0].Level
	}
	stage := gate.StageOf(legs, 0, sc.Run.Pairs, out.Metric)
	out.Differences, out.Problem, out.Failed = stage.Differences, stage.Problem, stage.Problem != ""
	quiet := len(stage.Differences)
	least := gate.NewRule(0, stage.Planned, 0).GoodShare * float64(stage.Planned)
	switch {
	case out.Failed:
	case stage.Planned < tune.PairsMin:
		out.Problem = fmt.Sprintf("%d pairs, %d are needed", stage.Planned, tune.PairsMin)
	case quiet < tune.PairsMin || float64(quiet) < least:
		out.Problem = fmt.Sprintf("the machine was not quiet: %d of %d pairs count", quiet,
			stage.Planned)
	case stage.DiskLeans:
		out.Problem = "the disk was slower before the legs of one side"
	}
	return out
}

// label writes "netloop=epoll ioengine=uring".
func label(choices []tune.Choice) string {
	var words []string
	for _, c := range choices {
		words = append(words, c.Axis+"="+c.Level)
	}
	return strings.Join(words, " ")
}

// axes are the defaults, spelt out, but for what is chosen.
func (t *tuneRun) axes(sc *scenario.Scenario, choices []tune.Choice) scenario.Configuration {
	out := scenario.Configuration{{Axis: "durability", Value: sc.Server.Durability}}
	for _, axis := range tune.Axes() {
		value := t.defaults[axis]
		for _, c := range choices {
			if c.Axis == axis {
				value = c.Level
			}
		}
		if value != "" {
			out = append(out, scenario.Choice{Axis: axis, Value: value})
		}
	}
	return out
}
