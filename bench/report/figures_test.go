package report

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"flashstore/bench/gate"
	"flashstore/bench/record"
)

// spoiled is a row of a gate whose legs are changed before they are judged.
func spoiled(change func(*record.Leg)) GateRow {
	r := gateRow(0.5, 1)
	for i := range r.Legs {
		change(&r.Legs[i])
	}
	trial := gate.Trial{Rule: gate.NewRule(0, 6, 0), Margin: func(string) float64 { return 0.03 }}
	trial.First(r.Legs)
	r.Judgement = trial.Decisive()
	return r
}

// Where nothing was computed no form has a figure, least of all p = 0.
func TestNoFiguresOfNothing(t *testing.T) {
	for name, c := range map[string]struct {
		row      GateRow
		verdict  gate.Verdict
		cells    string // change, not below, p and pairs
		computed bool
	}{
		"half as fast": {spoiled(func(*record.Leg) {}), gate.Inconclusive, "-50.0% -50.1% 0.0000 6", true},
		"a leg failed": {spoiled(func(l *record.Leg) {
			if l.Pair == 2 && l.Side == "candidate" {
				l.Outcome, l.Reason, l.Metrics = record.Invalid, "status 500", nil
			}
		}), gate.Invalid, "- - - 0", false},
		"not quiet": {spoiled(func(l *record.Leg) { l.Noisy = l.Pair > 2 }), gate.Inconclusive, "- - - 2", false},
		"the disk leans": {spoiled(func(l *record.Leg) {
			l.Writes, l.Calibration.Sync = true, time.Duration(100_000*(1+gate.Side(l))+l.Pair*1000)
		}), gate.Inconclusive, "- - - 6", false},
	} {
		g := Gate{Session: "s", Rows: []GateRow{c.row}}
		if v := g.Verdict(); v != c.verdict {
			t.Fatalf("%s: %s", name, v)
		}
		var terminal, markdown, junit, ndjson strings.Builder
		g.Print(&terminal)
		for form, err := range map[string]error{"Markdown": g.Markdown(&markdown),
			"JUnit": g.JUnit(&junit), "NDJSON": g.NDJSON(&ndjson)} {
			if err != nil {
				t.Fatalf("%s: %s: %v", name, form, err)
			}
		}
		row := strings.Fields(strings.Split(terminal.String(), "\n")[2]) // behind a blank line and headings
		if got, want := strings.Join(row, " "), "get-4k ops_per_s "+c.cells+" 1 "+string(c.verdict); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
		want := "| get-4k | ops_per_s | " + strings.ReplaceAll(c.cells, " ", " | ") + " | **" +
			string(c.verdict) + "** |\n"
		if !strings.Contains(markdown.String(), want) {
			t.Errorf("%s: no %q in:\n%s", name, want, markdown.String())
		}
		if !c.computed {
			for form, text := range map[string]string{"the terminal": terminal.String(),
				"Markdown": markdown.String(), "JUnit": junit.String(), "NDJSON": ndjson.String()} {
				if strings.Contains(text, "0.0000") || strings.Contains(text, "0.0%") {
					t.Errorf("%s: %s has a figure:\n%s", name, form, text)
				}
			}
		}
		lines := objects(t, ndjson.String())
		finding, _ := lines[0]["finding"].(map[string]any)
		for _, key := range []string{"change", "lower", "p"} {
			if _, has := finding[key]; has != c.computed || finding["verdict"] != string(c.verdict) {
				t.Errorf("%s: %q is there: %v: %v", name, key, has, finding)
			}
		}
	}
}

// objects are those of a text with one a line.
func objects(t *testing.T, text string) (out []map[string]any) {
	t.Helper()
	for line := range strings.Lines(text) {
		var object map[string]any
		if err := json.Unmarshal([]byte(line), &object); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		out = append(out, object)
	}
	return out
}

// countedGate is a gate by counts of two kinds of request, of which PUTs sync so often.
func countedGate(syncs float64) *Gate {
	base := []gate.Counts{{"synced_writes": 4, "copied_bytes": 12288}, {"synced_writes": 4,
		"copied_bytes": 12290}}
	candidate := []gate.Counts{{"synced_writes": syncs, "copied_bytes": 12400}}
	reads := []gate.Counts{{"socket_reads": 1, "synced_writes": 0}}
	g := &Gate{Session: "s", Counted: true, Counts: gate.CompareCounts("PUT 4 KiB", base, candidate)}
	g.Ledgers = []gate.Ledger{gate.LedgerOf("PUT 4 KiB", base, candidate),
		gate.LedgerOf("GET 4 KiB", reads, reads)}
	return g
}

// Counts are in every form with their figures, whatever they come to, and a verdict is last.
func TestCountsAreShown(t *testing.T) {
	for _, c := range []struct {
		syncs          float64
		verdict, equal string
		lines          int // of NDJSON
		terminal       string
	}{
		{4, "PASS", "no difference", 3, `
per request  socket reads  synced writes  KiB copied
PUT 4 KiB    -             4.00           ~12.1
GET 4 KiB    1.00          0.00           -
counts per request: 4 compared, no difference
verdict: PASS
`},
		{5, "FAIL", "3 equal", 4, `
per request  socket reads  synced writes  KiB copied
PUT 4 KiB    -             4.00 → 5.00    ~12.1
GET 4 KiB    1.00          0.00           -
counts per request: 4 compared, 3 equal
PUT 4 KiB: synced_writes per request: more than before: 5.00, was 4.00
verdict: FAIL
`},
	} {
		g := countedGate(c.syncs)
		var terminal, markdown, junit, ndjson strings.Builder
		g.Print(&terminal)
		for form, err := range map[string]error{"Markdown": g.Markdown(&markdown),
			"JUnit": g.JUnit(&junit), "NDJSON": g.NDJSON(&ndjson)} {
			if err != nil {
				t.Fatalf("%s: %s: %v", c.verdict, form, err)
			}
		}
		if terminal.String() != c.terminal {
			t.Errorf("the terminal has:\n%swant:\n%s", terminal.String(), c.terminal)
		}
		for form, text := range map[string]string{"Markdown": markdown.String(), "JUnit": junit.String()} {
			if !strings.Contains(text, "counts per request: 4 compared, "+c.equal) {
				t.Errorf("%s does not say how many:\n%s", form, text)
			}
		}
		figures := map[float64]string{4: "| PUT 4 KiB | - | 4.00 | ~12.1 |\n",
			5: "| PUT 4 KiB | - | 4.00 → 5.00 | ~12.1 |\n"}[c.syncs]
		if !strings.Contains(markdown.String(), "\n|---|---|---|---|\n"+figures) {
			t.Errorf("no %q in:\n%s", figures, markdown.String())
		}
		lines := objects(t, ndjson.String())
		last, put := lines[len(lines)-1], lines[0]
		ledger, _ := put["ledger"].(map[string]any)
		synced, _ := ledger["candidate"].(map[string]any)
		if ledger["request"] != "PUT 4 KiB" || synced["synced_writes"] != c.syncs || put["compared"] != 2.0 {
			t.Errorf("the first line is %v", put)
		}
		equal := map[float64]float64{4: 4, 5: 3}[c.syncs]
		if last["verdict"] != c.verdict || last["counts_compared"] != 4.0 || last["counts_equal"] != equal ||
			len(lines) != c.lines {
			t.Errorf("%d lines, the last is %v", len(lines), last)
		}
	}
}

// What depends on time has a ~ in the table, and is not among what was compared, whether it differs or
// not.
func TestInexactCountsAreNotCompared(t *testing.T) {
	base := []gate.Counts{{"synced_writes": 8, "io_enters": 2, "heap_objects": 300, "cached_reads": 1}}
	candidate := []gate.Counts{{"synced_writes": 9, "io_enters": 2, "cached_reads": 1}}
	g := Gate{Counted: true, Counts: gate.CompareCounts("PUT 1 MiB", base, candidate),
		Ledgers: []gate.Ledger{gate.LedgerOf("PUT 1 MiB", base, candidate)}}
	var terminal strings.Builder
	g.Print(&terminal)
	want := `
per request  I/O calls  cached reads  synced writes  heap objects
PUT 1 MiB    ~2.00      1.00          ~8.00 → 9.00   ~300 → -
counts per request: 1 compared, no difference
`
	if !strings.HasPrefix(terminal.String(), want) || g.Verdict() != gate.Pass {
		t.Errorf("%s:\n%swant:\n%s", g.Verdict(), terminal.String(), want)
	}
}

// A gate that compared nothing says no more than that in its last line.
func TestVerdictOfNothing(t *testing.T) {
	var ndjson strings.Builder
	if err := (&Gate{Session: "s", Broken: "no base"}).NDJSON(&ndjson); err != nil {
		t.Fatal(err)
	}
	if want := `{"broken":"no base","session":"s","verdict":"INVALID"}` + "\n"; ndjson.String() != want {
		t.Errorf("got %s, want %s", ndjson.String(), want)
	}
}
