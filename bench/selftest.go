package bench

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"strings"

	"flashstore/bench/gate"
	"flashstore/bench/stat"
)

// poolFile holds pairs of a server against itself.
const poolFile = "results/aa.ndjson"

// Marks in docs/gate.md between which the self-test writes.
const (
	selftestBegin = "<!-- gate-selftest: begin -->"
	selftestEnd   = "<!-- gate-selftest: end -->"
)

// selftestSeed draws all runs; it is printed with the rates.
const selftestSeed = 20260701

// Runs that rates are made of, unless told otherwise, and the least of them.
const (
	selftestRuns    = 4000
	selftestRunsMin = 100
)

// selftestRule is that of the gate's scenarios.
func selftestRule() gate.Rule { return gate.NewRule(0.03, 6, 12) }

// plantedChanges are those whose detection is shown.
func plantedChanges() []float64 {
	return []float64{0, -0.01, -0.03, -0.05, -0.07, -0.10, -0.20, 0.05}
}

func selftestCommand(_ context.Context, args []string, out, messages io.Writer) error {
	flags := flag.NewFlagSet("gate-selftest", flag.ContinueOnError)
	pool := flags.String("pool", poolFile, "`file` of pairs that flashbench aa has recorded")
	doc := flags.String("doc", "docs/gate.md", "`file` whose rates are replaced")
	runs := flags.Int("runs", selftestRuns, "`number` of runs drawn for each figure")
	if _, err := parse(flags, args, out, messages); err != nil {
		return err
	}
	if *runs < selftestRunsMin {
		return fmt.Errorf("%w: --runs %d; want %d or more", errUsage, *runs, selftestRunsMin)
	}
	text, err := selftest(*pool, *runs)
	if err != nil {
		return err
	}
	fmt.Fprint(out, text)
	return replaceBetween(*doc, text)
}

// selftest simulates the gate on recorded pools and on noise and writes tables in Markdown.
func selftest(path string, runs int) (string, error) {
	var b strings.Builder
	rule := selftestRule()
	fmt.Fprintf(&b, "Margin %.0f%%, %d pairs, then %d new ones. %d runs for each line, seed %d; "+
		"intervals are Wilson's at 95%%.\n", 100*rule.Margin, rule.Pairs, rule.Confirm, runs,
		selftestSeed)
	pools, err := readPools(path)
	if err != nil {
		return "", err
	}
	fails, apart := 0, 0
	for _, p := range pools {
		if p.write(&b, rule, runs) {
			f, n := p.falseFails(rule)
			fails, apart = fails+f, apart+n
		}
	}
	if apart > 0 {
		lo, hi := stat.Wilson(fails, apart)
		fmt.Fprintf(&b, "\nIn all pools: %d of %d runs that share no pair FAIL without a change, "+
			"%.1f%% to %.1f%%.\n", fails, apart, 100*lo, 100*hi)
	} else {
		fmt.Fprintf(&b, "\nNo pool of %d quiet pairs is recorded yet in %s (`flashbench aa`), so only "+
			"simulated noise:\n", poolPairsMin, poolFile)
	}
	for _, noise := range []float64{0.01, 0.03, 0.05} {
		fmt.Fprintf(&b, "\n**Simulated**, normal noise of %.0f%% per pair:\n\n", 100*noise)
		curve(&b, rule, gate.Normal(noise), runs)
	}
	return b.String(), nil
}

// centre says where differences lie.
func centre(differences []float64) string {
	e := stat.Paired(differences, selftestSeed)
	return fmt.Sprintf("%+.1f%% (%+.1f%% to %+.1f%% at %.0f%%)", 100*math.Expm1(e.Center),
		100*math.Expm1(e.Lo), 100*math.Expm1(e.Hi), 100*e.Level)
}

// curve writes how often each verdict comes, by planted change, in runs that share nothing.
func curve(b *strings.Builder, rule gate.Rule, source gate.Source, runs int) {
	fmt.Fprintln(b, "| planted | FAIL | interval | INCONCLUSIVE | PASS |\n|---|---|---|---|---|")
	for _, change := range plantedChanges() {
		r := rule.Simulate(source, change, runs, selftestSeed)
		lo, hi := stat.Wilson(r.Verdict[gate.Fail], runs)
		fmt.Fprintf(b, "| %+.0f%% | %.2f%% | %.2f%% to %.2f%% | %.1f%% | %.1f%% |\n", 100*change,
			percent(r, gate.Fail), 100*lo, 100*hi, percent(r, gate.Inconclusive), percent(r, gate.Pass))
	}
}

// recordedCurve does so for runs drawn from recorded pairs. These have pairs in common, so that no
// number of them narrows an interval: it is of runs that share none.
func recordedCurve(b *strings.Builder, rule gate.Rule, sessions gate.Recorded, runs int) {
	fmt.Fprintln(b, "| planted | FAIL | INCONCLUSIVE | PASS | FAIL where no two share a pair "+
		"| interval |\n|---|---|---|---|---|---|")
	for _, change := range plantedChanges() {
		r := rule.Simulate(sessions.Drawn(), change, runs, selftestSeed)
		source, n := sessions.Apart(rule.Pairs + rule.Confirm)
		apart := rule.Simulate(source, change, n, selftestSeed).Verdict[gate.Fail]
		lo, hi := stat.Wilson(apart, n)
		fmt.Fprintf(b, "| %+.0f%% | %.2f%% | %.1f%% | %.1f%% | %d of %d | %.1f%% to %.1f%% |\n",
			100*change, percent(r, gate.Fail), percent(r, gate.Inconclusive), percent(r, gate.Pass),
			apart, n, 100*lo, 100*hi)
	}
}

func percent(r gate.Rates, v gate.Verdict) float64 {
	return 100 * float64(r.Verdict[v]) / float64(r.Runs)
}

// replaceBetween puts text between the marks of a file, and appends it with marks where there are
// none.
func replaceBetween(path, text string) error {
	content, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	before, rest, ok := strings.Cut(string(content), selftestBegin)
	_, after, closed := strings.Cut(rest, selftestEnd)
	if !ok || !closed {
		before, after = string(content), "\n"
	}
	return os.WriteFile(path,
		[]byte(before+selftestBegin+"\n\n"+text+"\n"+selftestEnd+after), 0o644)
}
