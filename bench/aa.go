package bench

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"

	"flashstore/bench/gate"
	"flashstore/bench/record"
	"flashstore/bench/report"
	"flashstore/bench/scenario"
)

// poolPairs are recorded unless told otherwise; some will be noisy. From fewer than poolPairsMin
// quiet ones no rates are made: they would be of these pairs more than of the gate.
const (
	poolPairs    = 160
	poolPairsMin = 150
)

// aaCommand records pairs of one binary under two names: what differs is noise.
func aaCommand(ctx context.Context, args []string, out, messages io.Writer) (err error) {
	o := options{purpose: "aa", args: withoutResume(args)}
	flags := flag.NewFlagSet("aa", flag.ContinueOnError)
	chosen := newChoice(flags)
	chosen.fixed = fixed{scenario.MatrixKeys(), "a server's own defaults are compared with themselves"}
	flags.StringVar(&o.server, "server", "bin/flashstore", "server `binary`")
	o.flags(flags)
	flags.Lookup("record").DefValue = poolFile
	o.index = poolFile
	files, err := parse(flags, args, out, messages)
	if err != nil {
		return err
	}
	if len(chosen.only.values) == 0 && len(files) == 0 {
		chosen.only.values = gateScenarios()
	}
	if chosen.pairs == 0 {
		chosen.pairs = poolPairs
	}
	scenarios, err := chosen.load(files)
	if err != nil {
		return fmt.Errorf("%w: %w", errUsage, err)
	}
	o.withoutWarp = !needWarp(scenarios)
	s, err := openSession(o, messages)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	s.plan(scenarios, func(*scenario.Scenario) int { return 1 })
	var all []record.Leg
	for _, sc := range scenarios {
		fmt.Fprintf(messages, "\n%s against itself\n", sc.Name)
		axes := scenario.Configuration{{Axis: "durability", Value: sc.Server.Durability}}
		legs, err := s.compare(ctx, sc, [2]contender{
			{label: "A", binary: o.server, axes: axes}, {label: "B", binary: o.server, axes: axes},
		})
		if err != nil {
			return err
		}
		all = append(all, legs...)
		quiet := gate.Quiet(gate.PairsOf(legs, sc.Metrics.Primary))
		fmt.Fprintf(out, "%s: %d quiet pairs of %d\n", sc.Name, len(quiet), sc.Run.Pairs)
	}
	if err := s.end(); err != nil {
		return err
	}
	return verdict(report.Rows(all))
}
