package report

import (
	"math"
	"strings"
	"testing"

	"flashstore/bench/record"
)

// legs makes pairs in which the candidate is gain times as fast, give or take a known scatter.
func legs(pairs int, gain float64) []record.Leg {
	scatter := []float64{1, 1.01, 0.99, 1.005, 0.995, 1.002, 0.998, 1}
	var out []record.Leg
	for i := range pairs {
		for side, name := range []string{"base", "candidate"} {
			ops, cpu := 10000.0, 50.0
			if side == 1 {
				ops *= gain * scatter[i%len(scatter)]
				cpu /= gain
			}
			out = append(out, record.Leg{
				Session: "s", Scenario: "get-4k", Base: "nethttp", Candidate: "epoll",
				Primary: "ops_per_s", MinEffect: 0.03, Pair: i + 1, Side: name, Outcome: record.OK,
				Metrics: map[string]float64{
					"ops_per_s": ops, "server_cpu_us_per_op": cpu, "client_cpu_us_per_op": 30,
					"rss_mb": 40,
				},
			})
		}
	}
	return out
}

func one(t *testing.T, legs []record.Leg) Row {
	t.Helper()
	rows := Rows(legs)
	if len(rows) != 1 {
		t.Fatalf("%d rows", len(rows))
	}
	return rows[0]
}

func TestVerdicts(t *testing.T) {
	for _, c := range []struct {
		name  string
		pairs int
		gain  float64
		want  Verdict
	}{
		{"clear gain", 4, 1.27, Better},
		{"clear loss", 6, 0.8, Worse},
		{"none", 6, 1, NoDifference},
		{"small", 6, 1.02, TooSmall},
		{"three pairs", 3, 2, TooFew},
		{"one pair", 1, 2, TooFew},
	} {
		if got := one(t, legs(c.pairs, c.gain)).Verdict; got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

func TestLowerIsBetter(t *testing.T) {
	all := legs(6, 1.5)
	for i := range all {
		all[i].Primary = "server_cpu_us_per_op"
	}
	if got := one(t, all).Verdict; got != Better {
		t.Errorf("less CPU: %q", got)
	}
}

func TestOnlyGoodPairsCount(t *testing.T) {
	all := legs(6, 1.27)
	all[0].Outcome, all[0].Reason, all[0].Metrics = record.Invalid, "GET failed", nil
	all[4].Noisy = true
	discarded := all[2]
	discarded.Outcome = record.Discarded
	discarded.Metrics = map[string]float64{"ops_per_s": 1}
	r := one(t, append(all, discarded))
	if r.Pairs != 5 || r.Noisy != 1 || r.Retried != 1 {
		t.Errorf("row %+v", r)
	}
	if len(r.Problems) != 1 || r.Problems[0] != "invalid (base): GET failed" {
		t.Errorf("problems %q", r.Problems)
	}
	if r.Medians[0]["ops_per_s"] != 10000 {
		t.Errorf("medians %v", r.Medians)
	}
}

func TestNothingGood(t *testing.T) {
	all := legs(2, 1)
	for i := range all {
		all[i].Outcome, all[i].Reason = record.Skipped, "ioengine: asked for uring"
	}
	r := one(t, all)
	var b strings.Builder
	Table(&b, []Row{r})
	Conclude(&b, []Row{r})
	for _, want := range []string{"no result", "skipped (base): ioengine: asked for uring"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("no %q in:\n%s", want, b.String())
		}
	}
}

func TestText(t *testing.T) {
	rows := Rows(legs(4, 1.27))
	var b strings.Builder
	Table(&b, rows)
	Conclude(&b, rows)
	want := `scenario  base → candidate  metric     base    candidate  ratio [interval]` +
		`            server CPU µs/op  RSS MiB      n  verdict
get-4k    nethttp → epoll   ops_per_s  10,000  12,732     1.272 [1.257, 1.283] 87.5%` +
		`  50.0 → 39.4       40.0 → 40.0  4  better
get-4k: epoll beats nethttp: +27.2% operations per second (+25.7% to +28.3% at 87.5%), ` +
		`-21.3% server CPU per operation (-21.3% to -21.3% at 87.5%); 4 pairs.
`
	if b.String() != want {
		t.Errorf("got:\n%s\nwant:\n%s", b.String(), want)
	}
}

// What a scenario asks to see is shown, and nothing that was not measured.
func TestFigures(t *testing.T) {
	all := legs(4, 1)
	for i := range all {
		all[i].Report = []string{"server_cpu_us_per_op", "rss_mb", "ttfb_p50"}
	}
	var b strings.Builder
	Conclude(&b, Rows(all))
	want := "get-4k, nethttp → epoll: server_cpu_us_per_op 50.0 → 50.0 µs, rss_mb 40.0 → 40.0 MiB.\n"
	if !strings.HasSuffix(b.String(), want) {
		t.Errorf("got:\n%s\nwant at its end:\n%s", b.String(), want)
	}
}

func TestClientBound(t *testing.T) {
	all := legs(4, 1)
	for i := range all {
		all[i].Metrics["client_cpu_us_per_op"] = 80
	}
	var b strings.Builder
	Conclude(&b, Rows(all))
	if !strings.Contains(b.String(), "client-bound: the client took 62% of the CPU") {
		t.Error(b.String())
	}
}

// Where the client was the limit, the server's CPU per operation decides, and the verdict says so.
func TestClientBoundIsDecidedByCPU(t *testing.T) {
	for _, c := range []struct {
		client, cpu float64 // of the client; of the candidate, as a share
		want        string
	}{{10, 0.5, "no difference shown"}, {80, 0.5, "better by server CPU"},
		{80, 2, "worse by server CPU"}, {80, 1, "no difference shown by server CPU"}} {
		all := legs(6, 1)
		for i := range all {
			all[i].Metrics["client_cpu_us_per_op"] = c.client
			if all[i].Side == "candidate" {
				all[i].Metrics[cpuMetric] *= c.cpu
			}
		}
		rows := Rows(all)
		if got := rows[0].said(); got != c.want {
			t.Errorf("%+v: %q", c, got)
		}
		if by := strings.Contains(rows[0].Sentence(), " by server CPU: "); by != (c.client > 50) {
			t.Errorf("%+v: %s", c, rows[0].Sentence())
		}
	}
}

// The margin is that of what decides; older records have one for both.
func TestMarginOfWhatDecides(t *testing.T) {
	margin := func(v float64) *float64 { return &v }
	for _, c := range []struct {
		client float64 // µs per operation
		ops    *float64
		cpu    *float64
		want   Verdict
	}{
		{80, margin(0.03), margin(0.15), TooSmall}, {80, margin(0.30), margin(0.05), Better},
		{80, margin(0.30), margin(0), Better}, {80, margin(0.15), nil, TooSmall},
		{80, margin(0.03), nil, Better}, {10, margin(0.03), margin(0.15), Better},
		{10, margin(0.15), margin(0.03), TooSmall},
	} {
		all := legs(6, 1.1)
		for i := range all {
			all[i].Metrics["client_cpu_us_per_op"] = c.client
			all[i].MinEffect, all[i].CPUMinEffect = *c.ops, c.cpu
		}
		if got := one(t, all).Verdict; got != c.want {
			t.Errorf("%g µs, %g and %v: %q, want %q", c.client, *c.ops, c.cpu, got, c.want)
		}
	}
}

// What others take of the machine all the time spoils no pair, and is said.
func TestOthersAreSaid(t *testing.T) {
	for share, want := range map[float64]bool{0.15: false, 0.6: true} {
		all := legs(4, 1)
		for i := range all {
			all[i].OtherCPU = share
		}
		var b strings.Builder
		Conclude(&b, Rows(all))
		if got := strings.Contains(b.String(), "others took 60% of the machine all the time"); got != want {
			t.Errorf("%v:\n%s", share, b.String())
		}
	}
}

func TestNumber(t *testing.T) {
	for v, want := range map[float64]string{
		0: "0.00", 1.234: "1.23", 12.34: "12.3", 123.4: "123", 1234567.8: "1,234,568", -1234: "-1,234",
		math.Inf(1): "-",
	} {
		if got := Number(v); got != want {
			t.Errorf("%v: %s, want %s", v, got, want)
		}
	}
}
