package bench

import (
	"bytes"
	"errors"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"flashstore/bench/figure"
	"flashstore/bench/gate"
	"flashstore/bench/host"
	"flashstore/bench/pair"
	"flashstore/bench/record"
	"flashstore/bench/scenario"
	"flashstore/bench/target"
)

// unstarted is a comparison that starts nothing and records into a file.
func unstarted(t *testing.T) *comparison {
	t.Helper()
	x, err := record.Open(filepath.Join(t.TempDir(), "index.ndjson"))
	if err != nil {
		t.Fatal(err)
	}
	return &comparison{session: &session{index: x, messages: io.Discard, now: time.Now},
		scenario: &scenario.Scenario{Workload: scenario.Workload{Op: "get"}},
		sides:    [2]contender{{label: "a"}, {label: "b"}}, hash: "h"}
}

// at is a leg of a pair, the base first.
func (m *comparison) at(number, position, attempt int, outcome record.Outcome) record.Leg {
	leg := m.newLeg(pair.Side(position-1), number, attempt)
	leg.Position, leg.Outcome = position, outcome
	return leg
}

// result is a pair of good legs after one attempt that was given up.
func (m *comparison) result(given record.Outcome) pair.Result[host.Calibration, record.Leg] {
	return pair.Result[host.Calibration, record.Leg]{Attempts: 2,
		Discarded: []record.Leg{m.at(1, 1, 1, given)},
		Legs:      [2]record.Leg{m.at(1, 1, 2, record.OK), m.at(1, 2, 2, record.OK)}}
}

// A leg says what is to corroborate its verdict, and that is shown as well.
func TestLegSaysWhatCorroborates(t *testing.T) {
	m := unstarted(t)
	m.scenario.Metrics = scenario.Metrics{Primary: "ops_per_s",
		Corroborate: []string{"server_cpu_us_per_op"}, Report: []string{"p99"}}
	leg := m.newLeg(pair.Base, 1, 1)
	if !slices.Equal(leg.Corroborate, []string{"server_cpu_us_per_op"}) ||
		!slices.Equal(leg.Report, []string{"server_cpu_us_per_op", "p99"}) {
		t.Errorf("corroborate %q, report %q", leg.Corroborate, leg.Report)
	}
}

// Drift discards a leg whose figures it may have spoiled, and never one that failed: trying again
// until it does not would select for an answer.
func TestDriftDoesNotExcuse(t *testing.T) {
	for given, want := range map[record.Outcome]record.Outcome{record.OK: record.Discarded,
		record.Invalid: record.Invalid, record.Skipped: record.Skipped} {
		m := unstarted(t)
		legs, err := m.keep(m.result(given), [2]pair.Side{pair.Base, pair.Candidate})
		if err != nil || len(legs) != 3 || legs[0].Outcome != want {
			t.Fatalf("%s: %+v, error %v", given, legs, err)
		}
		problem := gate.StageOf(legs, 0, 1, "ops_per_s").Problem
		if (problem == "") != (want == record.Discarded) {
			t.Errorf("%s: problem %q", given, problem)
		}
		lines, _, err := m.index.Read()
		if err != nil || len(lines) != 3 || lines[0].Leg.Outcome != want {
			t.Errorf("%s: recorded %+v, error %v", given, lines, err)
		}
	}
}

// What others took of the machine in one leg and not in the other makes both noisy.
func TestOthersMakeNoisy(t *testing.T) {
	for candidate, noisy := range map[float64]bool{0.10: false, 0.12: false, 0.13: true, 0.07: true} {
		m := unstarted(t)
		r := m.result(record.OK)
		r.Legs[pair.Base].OtherCPU, r.Legs[pair.Candidate].OtherCPU = 0.10, candidate
		legs, err := m.keep(r, [2]pair.Side{pair.Candidate, pair.Base})
		if err != nil || legs[1].Noisy != noisy || legs[2].Noisy != noisy {
			t.Errorf("10%% and %.0f%%: %v and %v, error %v", 100*candidate, legs[1].Noisy, legs[2].Noisy,
				err)
		}
	}
}

// Progress stands in columns, whatever the sides are called and however many legs there are, and
// says why a pair is run again.
func TestProgress(t *testing.T) {
	m := unstarted(t)
	var out bytes.Buffer
	m.messages, m.legsDone, m.legsPlanned = &out, 9, 16
	m.sides[pair.Candidate].label = "nethttp+heap+threadpool"
	leg := record.Leg{Pair: 5, Outcome: record.OK,
		Metrics: map[string]float64{"ops_per_s": 1000, "server_cpu_us_per_op": 10}}
	m.progress(leg, pair.Base)
	m.legsDone++
	m.progress(leg, pair.Candidate)
	first, second, _ := strings.Cut(out.String(), "\n")
	if column := strings.Index(first, " ops/s"); column < 0 || strings.Index(second, " ops/s") != column {
		t.Errorf("two lines in other columns:\n%s", out.String())
	}
	out.Reset()
	m.sayAgain(5, host.Calibration{Hash: time.Second}, host.Calibration{Hash: 1100 * time.Millisecond})
	if want := "  pair 5 again: the calibrator moved by 10.0%\n"; out.String() != want {
		t.Errorf("%q, want %q", out.String(), want)
	}
}

// What a killed session has recorded is not run again; what was cut off is, as if it never was.
func TestRecorded(t *testing.T) {
	const ok, invalid = record.OK, record.Invalid
	m := unstarted(t)
	whole := func(number int, outcome record.Outcome) []record.Leg {
		return []record.Leg{m.at(number, 1, 1, ok), m.at(number, 2, 1, outcome)}
	}
	legs := func(all ...[]record.Leg) (out []record.Leg) {
		for _, some := range all {
			out = append(out, some...)
		}
		return out
	}
	one := func(number, position, attempt int, outcome record.Outcome) []record.Leg {
		return []record.Leg{m.at(number, position, attempt, outcome)}
	}
	both := func(attempt int, outcome record.Outcome) []record.Leg {
		return legs(one(1, 1, attempt, outcome), one(1, 2, attempt, outcome))
	}
	other := m.at(1, 1, 1, ok)
	other.Candidate = "another"
	for name, c := range map[string]struct {
		before []record.Leg
		legs   int
		whole  bool
	}{
		"nothing":              {nil, 0, false},
		"a pair of three":      {whole(1, ok), 2, false},
		"all":                  {legs(whole(1, ok), whole(2, ok), whole(3, ok)), 6, true},
		"another comparison":   {[]record.Leg{other, other}, 0, false},
		"cut off in a pair":    {legs(whole(1, ok), one(2, 1, 1, ok)), 2, false},
		"cut off, then run":    {legs(one(1, 1, 1, invalid), whole(1, ok)), 2, false},
		"retried":              {legs(one(1, 1, 1, record.Discarded), one(1, 1, 2, ok), one(1, 2, 2, ok)), 3, false},
		"one pair failed":      {whole(1, invalid), 2, false},
		"gave up":              {legs(whole(1, invalid), whole(2, invalid)), 4, true},
		"both cut off":         {both(1, record.Discarded), 0, false},
		"both retried":         {legs(both(1, record.Discarded), both(2, ok)), 4, false},
		"both failed":          {legs(one(1, 1, 1, invalid), one(1, 2, 1, record.Discarded)), 2, false},
		"nothing could be run": {legs(whole(1, ok), one(0, 1, 0, record.Skipped)), 1, true},
	} {
		m.before = c.before
		got, whole := m.recorded(stage{pairs: 3})
		if len(got) != c.legs || whole != c.whole {
			t.Errorf("%s: %d legs, whole %v; want %d, %v", name, len(got), whole, c.legs, c.whole)
		}
	}
}

// Hot and cold are proven by what came from the device, or not counted.
func TestProveCache(t *testing.T) {
	f := figure.Figures{BytesPerSecond: 1000}
	for _, c := range []struct {
		cache string
		w     host.Window
		ok    bool
	}{
		{"any", host.Window{Read: 1000}, true},
		{"hot", host.Window{Read: 40, IOKnown: true}, true},
		{"hot", host.Window{Read: 60, IOKnown: true}, false},
		{"hot", host.Window{}, false},
		{"cold", host.Window{Read: 600, IOKnown: true}, true},
		{"cold", host.Window{Read: 400, IOKnown: true}, false},
		{"cold", host.Window{Read: 600}, false},
	} {
		m := unstarted(t)
		m.scenario.Workload.Cache = c.cache
		c.w.Time = time.Second
		if err := m.proveCache(applied{figures: f, window: c.w}); (err == nil) != c.ok ||
			err != nil && !errors.Is(err, target.ErrNotEngaged) {
			t.Errorf("%s, %+v: %v", c.cache, c.w, err)
		}
	}
}
