package gate

import (
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"flashstore/bench/record"
	"flashstore/bench/stat"
)

// seed of all simulations here; it is printed with what fails.
const seed = 20260701

func TestDecide(t *testing.T) {
	rule := NewRule(0.03, 6, 12)
	flat := func(change float64, n int) []float64 {
		out := make([]float64, n)
		for i := range out {
			out[i] = math.Log1p(change) + 0.001*float64(i%3-1)
		}
		return out
	}
	twoFold := append(slices.Repeat([]float64{-0.0306}, 9), slices.Repeat([]float64{0.0694}, 3)...)
	for name, c := range map[string]struct {
		first, second Stage
		want          Verdict
		confirm       bool
	}{
		"equal":        {first: Stage{Differences: flat(0, 6), Planned: 6}, want: Pass},
		"better":       {first: Stage{Differences: flat(0.5, 6), Planned: 6}, want: Pass},
		"within":       {first: Stage{Differences: flat(-0.02, 6), Planned: 6}, want: Pass},
		"at margin":    {first: Stage{Differences: flat(-0.03, 6), Planned: 6}, want: Inconclusive},
		"worse":        {Stage{Differences: flat(-0.1, 6), Planned: 6}, Stage{Differences: flat(-0.1, 12), Planned: 12}, Fail, true},
		"not again":    {Stage{Differences: flat(-0.1, 6), Planned: 6}, Stage{Differences: flat(0, 12), Planned: 12}, Pass, true},
		"noisy again":  {Stage{Differences: flat(-0.1, 6), Planned: 6}, Stage{Differences: flat(-0.1, 7), Planned: 12, Noisy: 5}, Inconclusive, true},
		"failed again": {Stage{Differences: flat(-0.1, 6), Planned: 6}, Stage{Differences: flat(-0.1, 11), Planned: 12, Problem: "x"}, Invalid, true},
		"noisy":        {first: Stage{Differences: flat(-0.1, 3), Planned: 6, Noisy: 3}, want: Inconclusive},
		"nothing":      {first: Stage{Planned: 6, Noisy: 6}, want: Inconclusive},
		"two pairs":    {first: Stage{Differences: flat(0.5, 2), Planned: 2}, want: Inconclusive},
		// The mean of these excludes the margin, and the median does not.
		"beyond the margin": {first: Stage{Differences: twoFold, Planned: 12}, want: Inconclusive},
		"an error":          {first: Stage{Differences: flat(0.5, 5), Planned: 6, Problem: "x"}, want: Invalid},
	} {
		f, confirm := rule.First(c.first)
		if confirm != c.confirm {
			t.Errorf("%s: confirm is %v", name, confirm)
		}
		if confirm {
			f = rule.Second(c.second)
		}
		if f.Verdict != c.want {
			t.Errorf("%s: %+v, want %s", name, f, c.want)
		}
	}
}

// The rates that the design promises, and the Wilson interval of each.
func TestRates(t *testing.T) {
	rule := NewRule(0.03, 6, 12)
	const runs = 4000
	for _, noise := range []float64{0.005, 0.01, 0.02, 0.03} {
		got := rule.Simulate(Normal(noise), 0, runs, seed)
		_, hi := stat.Wilson(got.Verdict[Fail], runs)
		t.Logf("seed %d, noise %.1f%%: %v, false FAIL below %.4f", seed, 100*noise, got.Verdict, hi)
		if got.Verdict[Fail] != 0 {
			t.Errorf("seed %d, noise %g: %d false FAILs in %d", seed, noise, got.Verdict[Fail], runs)
		}
		better := rule.Simulate(Normal(noise), 0.05, runs, seed)
		if better.Verdict[Fail] != 0 {
			t.Errorf("seed %d, noise %g: an improvement failed", seed, noise)
		}
	}
	for _, c := range []struct{ noise, change, least float64 }{
		{0.01, -0.05, 0.97}, {0.03, -0.07, 0.999}, {0.03, -0.10, 0.999}, {0.05, -0.10, 0.995},
		{0.05, -0.20, 0.999},
	} {
		got := rule.Simulate(Normal(c.noise), c.change, runs, seed)
		share := float64(got.Verdict[Fail]) / runs
		t.Logf("seed %d, noise %.0f%%, planted %.0f%%: %v", seed, 100*c.noise, 100*c.change, got.Verdict)
		if share < c.least {
			t.Errorf("seed %d, noise %g: %g found in %.4f, want %.3f", seed, c.noise, c.change, share,
				c.least)
		}
	}
	// What is just the margin is not often called a regression, and what is far below never.
	if got := rule.Simulate(Normal(0.02), -0.01, runs, seed); got.Verdict[Fail] > runs/1000 {
		t.Errorf("seed %d: -1%% failed %d times", seed, got.Verdict[Fail])
	}
}

// legsOf are n pairs of legs whose candidate has change, with some noise drawn from random.
func legsOf(random *rand.Rand, n int, change, noise float64) []record.Leg {
	var legs []record.Leg
	for i := range n {
		base := 1000 * math.Exp(noise*random.NormFloat64())
		for side, value := range []float64{base, base * (1 + change) * math.Exp(noise*random.NormFloat64())} {
			legs = append(legs, record.Leg{Pair: i + 1, Outcome: record.OK, Primary: "ops_per_s",
				Side:    []string{"base", "candidate"}[side],
				Metrics: map[string]float64{"ops_per_s": value, "server_cpu_us_per_op": 1e6 / value}})
		}
	}
	return legs
}

// Load during one side only: every such pair is noisy, and what is left decides nothing, whatever
// the figures say.
func TestLoadOnOneSideNeverDecides(t *testing.T) {
	random := rand.New(rand.NewPCG(seed, 1))
	rule := NewRule(0.03, 6, 12)
	for spoiled := 3; spoiled <= 6; spoiled++ {
		for _, slow := range []string{"base", "candidate"} {
			legs := legsOf(random, 6, 0, 0.01)
			for i := range legs {
				if legs[i].Pair <= spoiled && legs[i].Side == slow {
					legs[i].Metrics["ops_per_s"] /= 2
				}
				legs[i].Noisy = legs[i].Pair <= spoiled
			}
			f, confirm := rule.First(StageOf(legs, 0, 6, "ops_per_s"))
			if confirm || f.Verdict != Inconclusive {
				t.Errorf("seed %d: %d pairs spoiled on %s: %+v, confirm %v", seed, spoiled, slow, f, confirm)
			}
		}
	}
}

// A disk that is slower before the legs of one side never lets them decide; one that moves as much
// without a side does.
func TestDiskLeans(t *testing.T) {
	random := rand.New(rand.NewPCG(seed, 2))
	rule := NewRule(0.03, 6, 12)
	for _, c := range []struct {
		name   string
		moves  []float64 // of the synced writes, base → candidate
		writes bool
		leans  bool
	}{
		{"candidate", []float64{1.3, 1.1, 1.4, 1.2, 1.45, 1.25}, true, true},
		{"base", []float64{0.8, 0.9, 0.7, 0.95, 0.75, 0.8}, true, true},
		{"nobody reads the disk", []float64{1.3, 1.1, 1.4, 1.2, 1.45, 1.25}, false, false},
		{"to and fro", []float64{1.4, 0.75, 1.5, 0.8, 1.45, 0.8}, true, false},
		{"hardly", []float64{1.01, 1.02, 1.03, 1.01, 1.02, 1.03}, true, false},
		{"not calibrated", []float64{0, 0, 0, 0, 0, 0}, true, false},
	} {
		legs := legsOf(random, 6, 0, 0.01)
		for i := range legs {
			legs[i].Writes, legs[i].Calibration.Sync = c.writes, 200_000
			if legs[i].Side == "candidate" {
				move := c.moves[legs[i].Pair-1]
				legs[i].Calibration.Sync = time.Duration(200_000 * move)
			}
		}
		f, confirm := rule.First(StageOf(legs, 0, 6, "ops_per_s"))
		if confirm || (f.Verdict == Inconclusive) != c.leans {
			t.Errorf("seed %d: %s: %+v, confirm %v", seed, c.name, f, confirm)
		}
	}
}

// A disk that moves without a side is taken for one that leans as often as is said: in a tenth of
// all cases, a twentieth for each side.
func TestDiskLeansByChance(t *testing.T) {
	random := rand.New(rand.NewPCG(seed, 7))
	for _, pairs := range []int{4, 6, 12} {
		const runs = 4000
		leant := 0
		for range runs {
			moves := make([]float64, pairs)
			for i := range moves {
				moves[i] = 0.3 * random.NormFloat64()
			}
			if leans(moves) {
				leant++
			}
		}
		if lo, _ := stat.Wilson(leant, runs); lo > 0.1 {
			t.Errorf("seed %d: %d of %d disks lean in %d pairs", seed, leant, runs, pairs)
		}
	}
}

func TestStageOf(t *testing.T) {
	random := rand.New(rand.NewPCG(seed, 2))
	legs := legsOf(random, 6, -0.1, 0)
	s := StageOf(legs, 2, 3, "ops_per_s")
	if len(s.Differences) != 3 || math.Abs(s.Differences[0]-math.Log(0.9)) > 1e-9 {
		t.Errorf("pairs 3 to 5: %+v", s)
	}
	if cpu := StageOf(legs, 0, 6, "server_cpu_us_per_op"); math.Abs(cpu.Differences[0]-math.Log(0.9)) > 1e-9 {
		t.Errorf("more CPU is worse: %+v", cpu)
	}
	shuffled := slices.Clone(legs)
	random.Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
	if got, want := fmt.Sprint(StageOf(shuffled, 0, 6, "ops_per_s")), fmt.Sprint(StageOf(legs, 0, 6, "ops_per_s")); got != want {
		t.Errorf("the order of legs matters: %s, %s", got, want)
	}
	for _, outcome := range []record.Outcome{record.Invalid, record.Skipped} {
		bad := slices.Clone(legs)
		bad[3].Outcome, bad[3].Reason, bad[3].Metrics = outcome, "why", nil
		if s := StageOf(bad, 0, 6, "ops_per_s"); s.Problem == "" || len(s.Differences) != 5 {
			t.Errorf("%s: %+v", outcome, s)
		}
	}
	discarded := append(slices.Clone(legs), record.Leg{Pair: 1, Side: "base", Outcome: record.Discarded})
	if s := StageOf(discarded, 0, 6, "ops_per_s"); s.Problem != "" || len(s.Differences) != 6 {
		t.Errorf("a discarded leg: %+v", s)
	}
}

func TestMetric(t *testing.T) {
	legs := legsOf(rand.New(rand.NewPCG(seed, 3)), 2, 0, 0)
	if m := Metric(legs); m != "ops_per_s" {
		t.Errorf("metric %s", m)
	}
	for i := range legs {
		legs[i].Metrics["client_cpu_us_per_op"] = 1e9
	}
	if m := Metric(legs); m != "server_cpu_us_per_op" {
		t.Errorf("client-bound: metric %s", m)
	}
	// The client was bound beside the base; the candidate burns so much that it no longer is.
	for i := range legs {
		legs[i].Metrics["client_cpu_us_per_op"] = 60
		legs[i].Metrics["server_cpu_us_per_op"] = map[string]float64{"base": 40, "candidate": 90}[legs[i].Side]
	}
	if m := Metric(legs); m != "server_cpu_us_per_op" {
		t.Errorf("a candidate that burns CPU is judged by %s", m)
	}
}

func TestCompareCounts(t *testing.T) {
	of := func(synced ...float64) (out []Counts) {
		for _, v := range synced {
			out = append(out, Counts{"synced_writes": v, "heap_objects": 3})
		}
		return out
	}
	for name, c := range map[string]struct {
		base, candidate []Counts
		want            int
		worse           bool
	}{
		"same":                {of(4, 4, 4), of(4, 4, 4), 0, false},
		"one sync more":       {of(4, 4, 4), of(5, 5, 5), 1, true},
		"one sync less":       {of(4, 4, 4), of(3, 3, 3), 1, false},
		"differs by itself":   {of(4, 6, 5), of(6, 5.5, 7), 0, false},
		"all beyond, by luck": {of(4, 4.5, 4.2), of(4.9, 5.1, 4.8), 0, false},
		"a status in between": {of(4, 4, 4), of(4.01, 4.01, 4.01), 0, false},
		"a twentieth of one":  {of(1, 1, 1), of(1.05, 1.05, 1.05), 1, true},
	} {
		got := CompareCounts("PUT", c.base, c.candidate)
		if len(got) != c.want || len(got) > 0 && got[0].Worse != c.worse {
			t.Errorf("%s: %v", name, got)
		}
	}
}

// A count that depends on time is shown where it differs, and is never worse; the same one of
// another kind of request is.
func TestCompareCountsThatDependOnTime(t *testing.T) {
	four, five := []Counts{{"synced_writes": 4, "heap_objects": 4}}, []Counts{{"synced_writes": 5, "heap_objects": 5}}
	for request, worse := range map[string]string{"PUT 4 KiB": "synced_writes", "PUT 1 MiB": ""} {
		for _, turned := range []bool{false, true} {
			base, candidate, word := four, five, "more"
			if turned {
				base, candidate, word = five, four, "less"
			}
			got := CompareCounts(request, base, candidate)
			if len(got) != 2 {
				t.Fatalf("%s: %v", request, got)
			}
			for _, f := range got {
				decides := f.Count == worse
				if f.Worse != (decides && !turned) || !strings.Contains(f.String(), word+" than before") ||
					strings.Contains(f.String(), "decides nothing: ") == decides {
					t.Errorf("%s: %+v: %s", request, f, f)
				}
			}
		}
	}
	for count, decides := range map[string]bool{"synced_writes": false, "cached_reads": true} {
		if (Counts{count: 1, "epoll_waits": 1}).Decide("PUT 1 MiB") != decides {
			t.Errorf("of a PUT of 1 MiB %s decides: %v", count, !decides)
		}
	}
}

// A count that only one of two servers keeps says nothing of either; one that a change takes away is
// missed, and one that it adds is not.
func TestCompareCountsOfOne(t *testing.T) {
	few, more := []Counts{{"synced_writes": 4}}, []Counts{{"synced_writes": 4, "copied_bytes": 4096}}
	if got := CompareCounts("PUT", few, more); len(got) > 0 {
		t.Errorf("added: %v", got)
	}
	got := CompareCounts("PUT", more, few)
	if want := "[not compared: PUT: copied_bytes per request: only the base counts it]"; fmt.
		Sprint(got) != want || got[0].Worse {
		t.Errorf("taken away: %v, want %s", got, want)
	}
}

func TestWorst(t *testing.T) {
	if v := Worst(Pass, Inconclusive, Fail, Invalid); v != Fail {
		t.Error(v)
	}
	if v := Worst(); v != Invalid {
		t.Error("nothing measured: ", v)
	}
	if v := Worst(Pass, Pass); v != Pass {
		t.Error(v)
	}
}

func TestRecorded(t *testing.T) {
	random := rand.New(rand.NewPCG(seed, 4))
	legs := legsOf(random, 40, 0, 0.01)
	rule := NewRule(0.03, 6, 12)
	for _, metric := range []string{"ops_per_s", "server_cpu_us_per_op"} {
		pool := PairsOf(legs, metric)
		if len(pool) != 40 || len(PairsOf(legs, "p99")) != 0 {
			t.Fatalf("%d pairs", len(pool))
		}
		a := rule.Of(metric).Simulate(Recorded{pool}.Drawn(), -0.2, 200, seed)
		b := rule.Of(metric).Simulate(Recorded{pool}.Drawn(), -0.2, 200, seed)
		if fmt.Sprint(a) != fmt.Sprint(b) || a.Verdict[Fail] != 200 {
			t.Errorf("seed %d: %s: %v, %v", seed, metric, a, b)
		}
	}
}

// numbered are pairs that bear their place.
func numbered(first, n int) (pairs []Pair) {
	for i := range n {
		pairs = append(pairs, Pair{Difference: float64(first + i)})
	}
	return pairs
}

// A run is of neighbours of one session, turned as a whole or not at all.
func TestDrawnAreNeighbours(t *testing.T) {
	random := rand.New(rand.NewPCG(seed, 7))
	draw := Recorded{numbered(100, 17), numbered(200, 19), nil, numbered(300, 18)}.Drawn()
	seen := map[float64]bool{}
	for range 200 {
		run := make([]Pair, 18)
		draw(random, run)
		for i := range run[1:] {
			if step := run[i+1].Difference - run[i].Difference; step != math.Copysign(1, run[0].Difference) {
				t.Fatalf("seed %d: a step of %g in %v", seed, step, run)
			}
		}
		seen[run[0].Difference] = true
	}
	if want := map[float64]bool{200: true, -200: true, 201: true, -201: true, 300: true, -300: true}; !maps.Equal(
		seen, want) {
		t.Errorf("seed %d: runs begin at %v, want %v", seed, seen, want)
	}
	run := make([]Pair, 20)
	if draw(random, run); len(Quiet(run)) != 0 {
		t.Errorf("a run longer than any session: %v", run)
	}
}

// What a session does to one of two servers, both stages see: it fails the gate as often as the
// slower one is the candidate.
func TestDrawnKeepWhatStagesShare(t *testing.T) {
	leaning := slices.Repeat([]Pair{{Difference: 0.05}, {Difference: 0.052}, {Difference: 0.048}}, 12)
	got := NewRule(0.03, 6, 12).Simulate(Recorded{leaning}.Drawn(), 0, 400, seed).Verdict[Fail]
	if got < 160 || got > 240 {
		t.Errorf("seed %d: %d of 400 runs FAIL, want about a half", seed, got)
	}
}

// Runs apart share no pair, and there are two of each: as it is, and turned.
func TestApart(t *testing.T) {
	source, n := Recorded{numbered(100, 40), numbered(200, 17), numbered(300, 18)}.Apart(18)
	if n != 6 {
		t.Fatalf("%d runs, want 6", n)
	}
	var begins []float64
	seen := map[float64]bool{}
	run := make([]Pair, 18)
	for range n {
		source(nil, run)
		begins = append(begins, run[0].Difference)
		for _, p := range run {
			if seen[p.Difference] {
				t.Errorf("%g twice", p.Difference)
			}
			seen[p.Difference] = true
		}
	}
	if want := []float64{100, -100, 118, -118, 300, -300}; !slices.Equal(begins, want) || len(seen) != 6*18 {
		t.Errorf("runs begin at %v, want %v; %d pairs", begins, want, len(seen))
	}
	if source(nil, run); len(Quiet(run)) != 0 {
		t.Errorf("after the last run: %v", run)
	}
}

// Noisy pairs are drawn as often as they were recorded: the rates are those of the gate, which
// leaves them out and may then have too few.
func TestRecordedNoisyPairs(t *testing.T) {
	legs := legsOf(rand.New(rand.NewPCG(seed, 5)), 40, 0, 0.001)
	for _, c := range []struct{ noisy, least, most int }{{0, 0, 0}, {20, 135, 175}, {40, 200, 200}} {
		for i := range legs {
			legs[i].Noisy = legs[i].Pair <= c.noisy && legs[i].Side == "candidate"
		}
		pool := PairsOf(legs, "ops_per_s")
		got := NewRule(0.03, 6, 12).Simulate(Recorded{pool}.Drawn(), 0, 200, seed).Verdict[Inconclusive]
		if got < c.least || got > c.most || len(pool) != 40 || len(Quiet(pool)) != 40-c.noisy {
			t.Errorf("seed %d: %d of 40 pairs noisy, %d quiet: %d of 200 runs INCONCLUSIVE, want %d to %d",
				seed, c.noisy, len(Quiet(pool)), got, c.least, c.most)
		}
	}
}

// A cost is lost by what it grows, a rate by what it falls; half as fast is not twice the cost.
func TestCostsAndRates(t *testing.T) {
	for metric, change := range map[string]float64{"ops_per_s": -0.5, "server_cpu_us_per_op": -1} {
		legs := legsOf(rand.New(rand.NewPCG(seed, 6)), 6, -0.5, 0)
		f, _ := NewRule(0.03, 6, 12).Of(metric).First(StageOf(legs, 0, 6, metric))
		if math.Abs(f.Change-change) > 1e-9 {
			t.Errorf("%s: %+v, want a change of %g", metric, f, change)
		}
	}
}

// A pair is whole with a good leg of each side; of two of one side the first was cut off.
func TestWholePairs(t *testing.T) {
	leg := func(pair int, side string, operations int, outcome record.Outcome) record.Leg {
		return record.Leg{Pair: pair, Side: side, Operations: operations, Outcome: outcome}
	}
	got := WholePairs([]record.Leg{leg(2, "candidate", 1, record.OK), leg(2, "base", 2, record.OK),
		leg(1, "candidate", 3, record.OK), leg(1, "candidate", 4, record.OK), leg(1, "base", 5, record.OK),
		leg(3, "base", 6, record.OK), leg(4, "base", 7, record.OK), leg(4, "candidate", 8, record.Invalid)})
	var order []int
	for _, pair := range got {
		order = append(order, pair[0].Operations, pair[1].Operations)
	}
	if want := []int{5, 4, 2, 1}; !slices.Equal(order, want) {
		t.Errorf("legs %v, want %v", order, want)
	}
}
