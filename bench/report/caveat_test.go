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

// Wherever a verdict stands, what must not be read without it stands too.
func TestCaveatIsEverywhere(t *testing.T) {
	head := record.Session{ID: "s"}
	lines := []record.Line{{Session: &head}}
	all := unlike()
	for i := range all {
		lines = append(lines, record.Line{Leg: &all[i]})
	}
	past := Histories(lines)
	page := Page{Sessions: []record.Session{head}, Legs: all}
	views := map[string]func(*bytes.Buffer) error{
		"table":      func(b *bytes.Buffer) error { Table(b, Rows(all)); return nil },
		"conclusion": func(b *bytes.Buffer) error { Conclude(b, Rows(all)); return nil },
		"history":    func(b *bytes.Buffer) error { PrintHistory(b, past); return nil },
		"index": func(b *bytes.Buffer) error {
			return Index(b, lines, func(string) bool { return false })
		},
		"page": func(b *bytes.Buffer) error { return page.Write(b) },
	}
	for name, write := range views {
		var b bytes.Buffer
		if err := write(&b); err != nil || !strings.Contains(b.String(), "NOT LIKE FOR LIKE") {
			t.Errorf("%s: error %v:\n%s", name, err, b.String())
		}
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
