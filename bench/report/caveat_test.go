package report

import (
	"bytes"
	"strings"
	"testing"

	"flashstore/bench/record"
)

// unlike are legs of a comparison whose figures are not of one promise.
func unlike() []record.Leg {
	all := legs(6, 1.27)
	for i := range all {
		all[i].Caveat = "NOT LIKE FOR LIKE: a 200 is not worth the same"
	}
	return all
}

// views are all forms in which legs of the session s, and what gates said of them, are shown.
func views(t *testing.T, all []record.Leg, gates ...record.Verdict) map[string]string {
	t.Helper()
	head := record.Session{ID: "s"}
	lines := []record.Line{{Session: &head}}
	for i := range all {
		lines = append(lines, record.Line{Leg: &all[i]})
	}
	for i := range gates {
		lines = append(lines, record.Line{Verdict: &gates[i]})
	}
	past := Histories(lines)
	page := Page{Sessions: []record.Session{head}, Legs: all, Gates: gates}
	shown := map[string]string{}
	for name, write := range map[string]func(*bytes.Buffer) error{
		"table":      func(b *bytes.Buffer) error { Table(b, Rows(all, gates...)); return nil },
		"conclusion": func(b *bytes.Buffer) error { Conclude(b, Rows(all, gates...)); return nil },
		"history":    func(b *bytes.Buffer) error { PrintHistory(b, past); return nil },
		"index": func(b *bytes.Buffer) error {
			return Index(b, lines, func(string) bool { return false })
		},
		"page": func(b *bytes.Buffer) error { return page.Write(b) },
	} {
		var b bytes.Buffer
		if err := write(&b); err != nil {
			t.Fatal(name, err)
		}
		shown[name] = b.String()
	}
	return shown
}

// Wherever a verdict stands, what must not be read without it stands too.
func TestCaveatIsEverywhere(t *testing.T) {
	for name, text := range views(t, unlike()) {
		if !strings.Contains(text, "NOT LIKE FOR LIKE") {
			t.Errorf("%s:\n%s", name, text)
		}
	}
}

// What is withdrawn has its reason in every form, and neither figures nor a verdict.
func TestWithdrawnIsEverywhere(t *testing.T) {
	all := legs(6, 1.27)
	for i := range all {
		all[i].Outcome, all[i].Reason, all[i].Metrics = record.Withdrawn, "of uploads", nil
	}
	said := record.Verdict{Session: "s", Scenario: "get-4k", Verdict: "PASS", Reason: "quick"}
	for name, text := range views(t, all, said) {
		if !strings.Contains(text, "withdrawn: of uploads") {
			t.Errorf("%s does not say it:\n%s", name, text)
		}
		for _, not := range []string{"1.27", "12,7", "beats", "better<", "better |", "PASS"} {
			if strings.Contains(text, not) {
				t.Errorf("%s says %q:\n%s", name, not, text)
			}
		}
	}
	more := append(legs(6, 1.27), all[0]) // of what a session goes on with nothing counts either
	if r := one(t, more); r.Pairs > 0 || r.Verdict != NoResult || r.said() != "withdrawn: of uploads" {
		t.Errorf("row %+v", r)
	}
}

// What a gate has decided is shown as it was decided, wherever its legs are.
func TestGateSaysItsOwnVerdict(t *testing.T) {
	head := record.Session{ID: "s", Purpose: "gate"}
	all := legs(6, 1.27)
	for i := range all {
		all[i].Session = "s"
	}
	said := record.Verdict{Session: "s", Scenario: "get-4k", Verdict: "INCONCLUSIVE", Reason: "too loud"}
	lines := []record.Line{{Session: &head}, {Verdict: &said}}
	for i := range all {
		lines = append(lines, record.Line{Leg: &all[i]})
	}
	var index, history, page, text bytes.Buffer
	if err := Index(&index, lines, func(string) bool { return false }); err != nil {
		t.Fatal(err)
	}
	PrintHistory(&history, Histories(lines))
	if err := (&Page{Legs: all, Gates: []record.Verdict{said}}).Write(&page); err != nil {
		t.Fatal(err)
	}
	rows := Rows(all, said, record.Verdict{Session: "other", Scenario: "get-4k", Verdict: "FAIL"})
	Table(&text, rows)
	Conclude(&text, rows)
	for _, view := range []string{index.String(), history.String(), page.String(), text.String()} {
		if !strings.Contains(view, "gate: INCONCLUSIVE") || strings.Contains(view, "better |") ||
			strings.Contains(view, "beats") {
			t.Errorf("what is said:\n%s", view)
		}
	}
}

// A comparison without a single valid pair is in the index and in the history, as what it is.
func TestNothingIsLeftOut(t *testing.T) {
	head := record.Session{ID: "s"}
	leg := legs(1, 1)[0]
	leg.Outcome, leg.Reason, leg.Metrics = record.Invalid, "PUT failed\n| more", nil
	lines := []record.Line{{Session: &head}, {Leg: &leg}}
	var index, history bytes.Buffer
	if err := Index(&index, lines, func(string) bool { return false }); err != nil {
		t.Fatal(err)
	}
	PrintHistory(&history, Histories(lines))
	for _, text := range []string{index.String(), history.String()} {
		if !strings.Contains(text, "no result, 1 problem") || strings.Contains(text, "NaN") {
			t.Errorf("what is said:\n%s", text)
		}
	}
	if charts := historyCharts(append(Histories(lines), Histories(lines)...)); len(charts) > 0 {
		t.Errorf("%d charts of nothing", len(charts))
	}
}

func TestLossesFirst(t *testing.T) {
	rows := LossesFirst([]Row{{Scenario: "a", Verdict: Better}, {Scenario: "b", Verdict: TooSmall},
		{Scenario: "c", Verdict: Worse}, {Scenario: "d", Verdict: NoResult}, {Scenario: "e", Verdict: Worse}})
	got := ""
	for i := range rows {
		got += rows[i].Scenario
	}
	if got != "cebda" {
		t.Errorf("order %s", got)
	}
}
