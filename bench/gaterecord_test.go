package bench

import (
	"bytes"
	"context"
	"flag"
	"strings"
	"testing"
	"time"

	"flashstore/bench/pair"
	"flashstore/bench/record"
)

// said is what the legs of a stage say of the candidate.
type said struct {
	throughput, tail float64 // of the base's
	noisy, failed    bool
}

// TestGateOfRecord: from what is recorded of two stages a gate that is resumed comes to its exit
// code without starting anything. Its programs do not even run.
func TestGateOfRecord(t *testing.T) {
	t.Parallel()
	same, slow, long := said{1, 1, false, false}, said{0.9, 1, false, false}, said{1, 1.5, false, false}
	noisy, failed := said{0.9, 1, true, false}, said{0.9, 1, false, true}
	tail := []string{"--set", "gate.p99=fail"}
	for name, c := range map[string]struct {
		stages []said
		flags  []string
		code   int
		want   string
	}{
		"the same":               {[]said{same}, nil, exitOK, "not worse than"},
		"slower":                 {[]said{slow, slow}, nil, exitFailure, "in both stages"},
		"slower once":            {[]said{slow, same}, nil, exitOK, "not worse than"},
		"noisy":                  {[]said{noisy}, nil, exitInconclusive, "0 of 6 pairs count"},
		"slower, then noisy":     {[]said{slow, noisy}, nil, exitInconclusive, "0 of 12 pairs count"},
		"failed":                 {[]said{failed}, nil, exitInvalid, "invalid (candidate): status 500"},
		"slower, then failed":    {[]said{slow, failed}, nil, exitInvalid, "invalid (candidate): status 500"},
		"a longer tail":          {[]said{long}, nil, exitOK, "warning: p99 is worse by 50%"},
		"a tail that fails":      {[]said{long, long}, tail, exitFailure, "p99: a loss of "},
		"a tail that fails once": {[]said{long, same}, tail, exitOK, "not worse than"},
		"a summary that is lost": {[]said{same}, []string{"--markdown", "/dev/full"}, exitInvalid, "no space left"},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPlace(t, "", "exit 1")
			f := filesIn(t.TempDir())
			flags := append(f.flags(), "--set", "workload.driver=load", "--set", "run.confirm_pairs=12")
			args := append(p.gateBetween(t, getFile, "exit 9;", "exit 9;"), append(flags, c.flags...)...)
			legs := p.cutOff(t, args, c.stages)
			var out bytes.Buffer
			code := Main(t.Context(), append(args, "--resume"), &out, &out)
			if code != c.code || !strings.Contains(out.String(), c.want) || len(p.legs(t)) != legs {
				t.Errorf("code %d, want %d with %q; %d legs, want %d:\n%s", code, c.code, c.want, len(p.legs(t)),
					legs, out.String())
			}
			switch {
			case strings.Contains(strings.Join(c.flags, " "), "/dev/full"):
			case c.code == exitOK: // why it is good is in no case of JUnit
				f.mustSay(t, c.code, "")
			default:
				f.mustSay(t, c.code, c.want)
			}
			p.mustBeEmpty(t)
		})
	}
}

// TestGateRecordsNoFigures: where nothing was computed, the record and the findings have neither a
// change nor a p, which would be 0.
func TestGateRecordsNoFigures(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		stage    said
		computed bool
		pairs    int
	}{
		"the same": {said{1, 1, false, false}, true, 6},
		"noisy":    {said{1, 1, true, false}, false, 0},
		"failed":   {said{1, 1, false, true}, false, 0},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPlace(t, "", "exit 1")
			f := filesIn(t.TempDir())
			args := append(p.gateBetween(t, getFile, "exit 9;", "exit 9;"),
				append(f.flags(), "--set", "workload.driver=load")...)
			p.cutOff(t, args, []said{c.stage})
			var out bytes.Buffer
			Main(t.Context(), append(args, "--resume"), &out, &out)
			found := 0
			for _, line := range p.lines(t) {
				if v := line.Verdict; v != nil {
					found++
					if (v.Change != nil) != c.computed || (v.P != nil) != c.computed || v.Pairs != c.pairs {
						t.Errorf("recorded: %+v, want figures: %v", v, c.computed)
					}
				}
			}
			if text := readText(t, f.ndjson); found != 1 || strings.Contains(text, `"change":`) != c.computed {
				t.Errorf("%d verdicts, findings:\n%s", found, text)
			}
			p.mustBeEmpty(t)
		})
	}
}

// getFile is the scenario of a gate of records: six pairs, and twelve.
const getFile = "../scenarios/get-4k.yaml"

// cutOff interrupts a gate before it has begun, and writes legs into its record as if it had been
// killed behind them. It returns how many.
func (p place) cutOff(t *testing.T, args []string, stages []said) (legs int) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var out bytes.Buffer
	if code := Main(ctx, args, &out, &out); code != exitInvalid {
		t.Fatalf("code %d:\n%s", code, out.String())
	}
	x, err := record.Open(p.index)
	if err != nil {
		t.Fatal(err)
	}
	lines, _, err := x.Read()
	if err != nil || len(lines) != 1 || lines[0].Session == nil {
		t.Fatalf("%d lines, error %v:\n%s", len(lines), err, out.String())
	}
	m := comparisonOf(t, lines[0].Session.ID, args)
	first := 0
	for i, s := range stages {
		pairs := []int{m.scenario.Run.Pairs, m.scenario.Run.ConfirmPairs}[i]
		for n := first + 1; n <= first+pairs; n++ {
			base, candidate := m.legsOf(n, s)
			if err := x.Append(record.Line{Leg: &base}, record.Line{Leg: &candidate}); err != nil {
				t.Fatal(err)
			}
			legs += 2
		}
		first += pairs
	}
	return legs
}

// comparisonOf is that of a gate with these arguments, in a session that has begun.
func comparisonOf(t *testing.T, id string, args []string) *comparison {
	t.Helper()
	chosen := newChoice(flag.NewFlagSet("gate", flag.ContinueOnError))
	for i, arg := range args {
		if arg == "--set" {
			chosen.set.values = append(chosen.set.values, args[i+1])
		}
	}
	scenarios, err := chosen.load([]string{getFile})
	if err != nil || len(scenarios) != 1 {
		t.Fatalf("%d scenarios, error %v", len(scenarios), err)
	}
	m, err := (&session{id: id, now: time.Now}).newComparison(scenarios[0],
		(&gateOptions{}).sides())
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// legsOf are those of a pair, whose noise is small and depends on nothing but its number.
func (m *comparison) legsOf(number int, s said) (base, candidate record.Leg) {
	leg := func(side pair.Side, noise int, throughput, tail float64) record.Leg {
		leg := m.newLeg(side, number, 1)
		leg.Position, leg.Outcome, leg.Noisy = int(side)+1, record.OK, s.noisy
		rate := 1000 * throughput * (1 + 0.001*float64(noise%3))
		leg.Metrics = map[string]float64{"ops_per_s": rate, "p99": 500 * tail * (1 + 0.001*float64(noise%3)),
			"server_cpu_us_per_op": 3e4 / rate, "client_cpu_us_per_op": 1e4 / rate}
		return leg
	}
	base, candidate = leg(pair.Base, number, 1, 1), leg(pair.Candidate, number+1, s.throughput, s.tail)
	if s.failed {
		candidate.Outcome, candidate.Reason, candidate.Metrics = record.Invalid, "status 500", nil
	}
	return base, candidate
}
