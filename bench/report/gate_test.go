package report

import (
	"encoding/xml"
	"strings"
	"testing"

	"flashstore/bench/gate"
	"flashstore/bench/record"
)

// gateRow is a scenario of six pairs whose candidate has so many times the throughput and the p99.
func gateRow(throughput, tail float64) GateRow {
	r := GateRow{Scenario: "get-4k"}
	for i := range 12 {
		noise := 1 + 0.001*float64(i%5)
		leg := record.Leg{Pair: i/2 + 1, Side: []string{"base", "candidate"}[i%2], Outcome: record.OK,
			Primary: "ops_per_s", Metrics: map[string]float64{"ops_per_s": 1000 * noise, "p99": 500 * noise}}
		if i%2 == 1 {
			leg.Metrics["ops_per_s"] *= throughput
			leg.Metrics["p99"] *= tail
		}
		r.Legs = append(r.Legs, leg)
	}
	trial := gate.Trial{Rule: gate.NewRule(0, 6, 0), Margin: func(string) float64 { return 0.03 }}
	trial.First(r.Legs)
	r.Judgement, r.Warning = trial.Decisive(), gate.TailWarning(r.Legs)
	return r
}

// What was not counted is not called equal, and a warning is in every form.
func TestGateForms(t *testing.T) {
	worse := gate.CountFinding{Request: "PUT 4 KiB", Count: "synced_writes", Base: 4, Candidate: 5,
		Worse: true}
	for _, c := range []struct {
		name     string
		gate     Gate
		verdict  gate.Verdict
		cases    int
		failures int
		want     string
		not      string
	}{
		{"timing alone", Gate{Rows: []GateRow{gateRow(1, 1.5)}}, gate.Pass, 1, 0,
			"p99 is worse by 50%", "counts per request"},
		{"counts alone", Gate{Counted: true}, gate.Pass, 1, 0, "counts per request", "warning"},
		{"worse counts", Gate{Counted: true, Counts: []gate.CountFinding{worse, worse},
			Rows: []GateRow{gateRow(1, 1)}}, gate.Fail, 2, 1, "5.00, was 4.00", "warning"},
		{"nothing", Gate{}, gate.Invalid, 0, 0, "", "counts per request"},
	} {
		var markdown, junit strings.Builder
		if err := c.gate.Markdown(&markdown); err != nil {
			t.Fatal(err)
		}
		if err := c.gate.JUnit(&junit); err != nil {
			t.Fatal(err)
		}
		var suite struct {
			Tests    int `xml:"tests,attr"`
			Failures int `xml:"failures,attr"`
		}
		if err := xml.Unmarshal([]byte(junit.String()), &suite); err != nil {
			t.Fatal(err)
		}
		if v := c.gate.Verdict(); v != c.verdict || suite.Tests != c.cases || suite.Failures != c.failures {
			t.Errorf("%s: %s, suite %+v", c.name, v, suite)
		}
		for _, text := range []string{markdown.String(), junit.String()} {
			if !strings.Contains(text, c.want) || strings.Contains(text, c.not) {
				t.Errorf("%s: want %q and not %q in:\n%s", c.name, c.want, c.not, text)
			}
		}
	}
}

// What could not be compared is in every form, in the same words: a count that is gone makes no
// verdict, a gate that broke is INVALID, whatever it had found before but a regression.
func TestGateFormsOfWhatIsMissing(t *testing.T) {
	worse := gate.CountFinding{Request: "PUT 4 KiB", Count: "synced_writes", Worse: true}
	gone := gate.CountFinding{Request: "PUT 4 KiB", Count: "copied_bytes", NotCompared: true}
	for _, c := range []struct {
		name    string
		gate    Gate
		verdict gate.Verdict
		errors  int
		want    string
	}{
		{"a count is gone", Gate{Counted: true, Counts: []gate.CountFinding{gone}}, gate.Pass, 0,
			"not compared: PUT 4 KiB: copied_bytes per request: only the base counts it"},
		{"counting broke", Gate{Broken: "counts: base: no answer"}, gate.Invalid, 1, "counts: base: no answer"},
		{"broken later", Gate{Counted: true, Rows: []GateRow{gateRow(1, 1)}, Broken: "a full disk"},
			gate.Invalid, 1, "a full disk"},
		{"worse, then broken", Gate{Counted: true, Counts: []gate.CountFinding{worse}, Broken: "a full disk"},
			gate.Fail, 1, "a full disk"},
	} {
		if v := c.gate.Verdict(); v != c.verdict {
			t.Errorf("%s: %s, want %s", c.name, v, c.verdict)
		}
		var terminal, markdown, junit, ndjson strings.Builder
		c.gate.Print(&terminal)
		for form, err := range map[string]error{"Markdown": c.gate.Markdown(&markdown),
			"JUnit": c.gate.JUnit(&junit), "NDJSON": c.gate.NDJSON(&ndjson)} {
			if err != nil {
				t.Fatalf("%s: %s: %v", c.name, form, err)
			}
		}
		for form, text := range map[string]string{"the terminal": terminal.String(),
			"Markdown": markdown.String(), "JUnit": junit.String(), "NDJSON": ndjson.String()} {
			if !strings.Contains(text, c.want) {
				t.Errorf("%s: %s does not say %q:\n%s", c.name, form, c.want, text)
			}
		}
		var suite struct {
			Errors int `xml:"errors,attr"`
			Cases  []struct {
				Error *struct{} `xml:"error"`
			} `xml:"testcase"`
		}
		if err := xml.Unmarshal([]byte(junit.String()), &suite); err != nil {
			t.Fatal(err)
		}
		last := suite.Cases[len(suite.Cases)-1]
		if suite.Errors != c.errors || (last.Error != nil) != (c.errors > 0) {
			t.Errorf("%s: %d errors, want %d:\n%s", c.name, suite.Errors, c.errors, junit.String())
		}
		if !strings.Contains(markdown.String(), "no difference") && c.name == "a count is gone" {
			t.Errorf("%s: what was compared is the same, and is not said to be:\n%s", c.name, markdown.String())
		}
	}
}
