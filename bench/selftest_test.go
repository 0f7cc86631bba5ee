package bench

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"flashstore/bench/gate"
	"flashstore/bench/host"
	"flashstore/bench/record"
)

// falseFailMax bounds the rate of false FAILs in runs drawn from a pool. Chance alone passes two
// stages, at 5% and at 1%, once in 2000 runs; where both see the same lean of the machine, the
// second alone says no more than that it is none of its 1%.
const falseFailMax = 0.01

// The page says what the self-test gives on the pools of this repository, and none of them makes
// the gate fail a server against itself more often than chance does.
func TestSelftestPage(t *testing.T) {
	t.Parallel()
	text, err := selftest("../"+poolFile, selftestRuns)
	if err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile("../docs/gate.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(page), selftestBegin)
	if said, _, _ := strings.Cut(rest, selftestEnd); strings.TrimSpace(said) != strings.TrimSpace(text) {
		t.Errorf("docs/gate.md is not of this gate or of these pools: make gate-selftest\n%s\nit says:\n%s",
			text, said)
	}
	pools, err := readPools("../" + poolFile)
	if err != nil || len(pools) == 0 {
		t.Fatalf("%d pools, error %v", len(pools), err)
	}
	for _, p := range pools {
		rule, sessions := selftestRule().Of(p.metric), p.recorded(false)
		r := rule.Simulate(sessions.Drawn(), 0, selftestRuns, selftestSeed)
		if percent(r, gate.Fail) > 100*falseFailMax {
			t.Errorf("seed %d: %s: %d of %d runs without a change FAIL", selftestSeed, p.scenario,
				r.Verdict[gate.Fail], selftestRuns)
		}
		if fails, n := p.falseFails(selftestRule()); fails > 0 || n == 0 {
			t.Errorf("%s: %d of %d runs that share no pair FAIL", p.scenario, fails, n)
		}
	}
}

// Each scenario, each way to run it, is a pool of its own, and pairs of two sessions are not mixed
// although they have the same numbers.
func TestPools(t *testing.T) {
	var lines []record.Line
	add := func(session, hash string, pairs int, calibration host.Calibration) {
		lines = append(lines, record.Line{Session: &record.Session{ID: session, Revision: "r"}})
		for i := range 2 * pairs {
			leg := record.Leg{Session: session, Scenario: "get-4k", ScenarioHash: hash, Pair: i/2 + 1,
				Outcome: record.OK, Side: []string{"base", "candidate"}[i%2], Position: i%2 + 1,
				Primary: "ops_per_s", Metrics: map[string]float64{"ops_per_s": 1000}}
			if i%2 == 1 {
				leg.Calibration = calibration
			}
			lines = append(lines, record.Line{Leg: &leg})
		}
	}
	add("one", "a", 3, host.Calibration{})
	add("two", "b", 4, host.Calibration{Hash: 1})
	add("three", "a", 5, host.Calibration{})
	pools := poolsOf(lines)
	if len(pools) != 2 || len(pools[0].runs) != 2 || lengths(pools[0], false) != "3 5" ||
		lengths(pools[0], true) != "3 5" || lengths(pools[1], false) != "4" {
		t.Fatalf("%d pools: %+v", len(pools), pools)
	}
	if pools[0].design() != "sliced" || pools[1].design() != "paired" {
		t.Errorf("%s and %s", pools[0].design(), pools[1].design())
	}
	var small strings.Builder
	if pools[0].write(&small, selftestRule(), selftestRunsMin) ||
		!strings.Contains(small.String(), "get-4k**, sliced, by ops_per_s: 8 pairs") ||
		!strings.Contains(small.String(), "Session three, revision r: ") ||
		!strings.Contains(small.String(), "no rates of it") {
		t.Errorf("rates of 8 pairs:\n%s", small.String())
	}
	for n, enough := range map[int]bool{poolPairsMin - 1: false, poolPairsMin: true} {
		lines = nil
		add("one", "a", n, host.Calibration{})
		var b strings.Builder
		if poolsOf(lines)[0].write(&b, selftestRule(), selftestRunsMin) != enough ||
			strings.Contains(b.String(), "150 quiet pairs are needed") == enough {
			t.Errorf("%d pairs:\n%s", n, b.String())
		}
	}
}

// lengths says how many pairs of each session there are.
func lengths(p *pool, byPosition bool) string {
	var words []string
	for _, session := range p.recorded(byPosition) {
		words = append(words, strconv.Itoa(len(session)))
	}
	return strings.Join(words, " ")
}

// The self-test writes rates between its marks and leaves the rest of the page alone.
func TestSelftest(t *testing.T) {
	dir := t.TempDir()
	pool, doc := filepath.Join(dir, "aa.ndjson"), filepath.Join(dir, "gate.md")
	x, err := record.Open(pool)
	if err != nil {
		t.Fatal(err)
	}
	if err := x.Append(record.Line{Session: &record.Session{ID: "s", Revision: "r",
		Args: []string{"--server", "/somewhere/flashstore", "--pairs", "150"}}}); err != nil {
		t.Fatal(err)
	}
	for i := range 2 * (poolPairsMin + 2) {
		leg := record.Leg{Session: "s", Scenario: "get-4k", Pair: i/2 + 1, Outcome: record.OK,
			Side: []string{"base", "candidate"}[i%2], Primary: "ops_per_s", Position: 1 + (i+i/2)%2, Noisy: i < 4,
			Metrics: map[string]float64{"ops_per_s": float64(1000 + i*7919%13)}}
		if leg.Position == 2 {
			leg.Metrics["ops_per_s"] *= 1.025
		}
		if err := x.Append(record.Line{Leg: &leg}); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(doc, []byte("before\n"+selftestBegin+"old"+selftestEnd+"\nafter\n"),
		0o600); err != nil {
		t.Fatal(err)
	}
	for range 2 { // twice: what it wrote is replaced
		var out bytes.Buffer
		if code := Main(t.Context(), []string{"gate-selftest", "--pool", pool, "--doc", doc, "--runs",
			"200"}, &out, &out); code != exitOK {
			t.Fatalf("code %d: %s", code, out.String())
		}
	}
	text, err := os.ReadFile(doc)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"before\n", "\nafter\n",
		"**get-4k**, sliced, by ops_per_s: 152 pairs of a server against itself, 2 of them noisy.\n",
		"Session s, revision r: `flashbench aa --server flashstore --pairs 150`.\nOf the quiet ones",
		"| -20% | 100.00% |", "| +5% | 0.00% |", "one name against the other: ", "against the first: +2.",
		"In all pools: 0 of 16 runs that share no pair FAIL without a change, 0.0% to 19.4%."} {
		if !strings.Contains(string(text), want) {
			t.Errorf("no %q in:\n%s", want, text)
		}
	}
	if strings.Contains(string(text), "old") || strings.Count(string(text), selftestBegin) != 1 {
		t.Errorf("not replaced:\n%s", text)
	}
}

// Rates of nothing replace nothing.
func TestGateSelftestUsage(t *testing.T) {
	doc := filepath.Join(t.TempDir(), "gate.md")
	for _, more := range [][]string{{"--runs", "0"}, {"extra"}} {
		var out bytes.Buffer
		args := append([]string{"gate-selftest", "--doc", doc}, more...)
		if code := Main(t.Context(), args, &out, &out); code != exitUsage {
			t.Errorf("%v: code %d: %s", more, code, out.String())
		}
	}
	if _, err := os.Stat(doc); err == nil {
		t.Error("a page was written")
	}
}
