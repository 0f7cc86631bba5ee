package report

import (
	"strings"
	"testing"

	"flashstore/bench/gate"
	"flashstore/bench/record"
)

// nasty is a reason as a server's log may make it.
const nasty = "exit status 2\r\n    | level=WARN msg=\"a|b\" <script>alert(1)</script>\n" +
	"# no heading **nor bold** _em_ `code` [link](http://127.0.0.1) ~~gone~~ $x$ &lt; C:\\dir <br>"

// What somebody else has written is shown as it is, on one line.
func TestMarkdown(t *testing.T) {
	text := markdown(nasty)
	var plain strings.Builder
	escaped := false
	for _, r := range strings.ReplaceAll(text, "<br>", "\n") {
		if r == '\\' && !escaped {
			escaped = true
			continue
		}
		if !escaped && strings.ContainsRune(markdownMeans, r) {
			t.Errorf("%q means something in %s", r, text)
		}
		escaped = false
		plain.WriteRune(r)
	}
	if want := strings.ReplaceAll(nasty, "\r", ""); plain.String() != want || strings.Contains(text, "\n") {
		t.Errorf("%q says %q, want %q", text, plain.String(), want)
	}
	if same := "nethttp+heap → epoll+arena, 12.5% (2+2)"; markdown(same) != same {
		t.Errorf("%q", markdown(same))
	}
}

// In no page does a reason, a name of a peer or of a CPU leave its cell or its item.
func TestMarkdownStaysInPlace(t *testing.T) {
	head := record.Session{ID: "s"}
	head.Fingerprint.CPU = nasty
	leg := legs(1, 1)[0]
	leg.Outcome, leg.Reason, leg.Metrics, leg.Candidate = record.Withdrawn, nasty, nil, nasty
	var index, summary strings.Builder
	if err := Index(&index, []record.Line{{Session: &head}, {Leg: &leg}},
		func(string) bool { return false }); err != nil {
		t.Fatal(err)
	}
	g := Gate{Session: "s", Broken: nasty, Rows: []GateRow{{Scenario: "get-4k",
		Judgement: gate.Judgement{Finding: gate.Finding{Verdict: gate.Invalid, Reason: nasty}}}}}
	if err := g.Markdown(&summary); err != nil {
		t.Fatal(err)
	}
	for text, times := range map[string]int{index.String(): 3, summary.String(): 2} {
		if strings.Count(text, markdown(nasty)) != times || strings.Contains(text, " <script") {
			t.Errorf("want it %d times:\n%s", times, text)
		}
		bars := 0
		for line := range strings.Lines(text) {
			n := strings.Count(line, "|") - strings.Count(line, `\|`)
			if n > 0 && bars > 0 && n != bars {
				t.Errorf("%d cells, not %d: %s", n, bars, line)
			}
			bars = n
		}
	}
}
