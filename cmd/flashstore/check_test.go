package main

import (
	"strings"
	"testing"

	"flashstore/engine"
	"flashstore/engine/drive/local"
)

// TestFindingText: what is not known of a place is not said.
func TestFindingText(t *testing.T) {
	for want, f := range map[string]engine.CheckFinding{
		`log-damage: /d/log/1.log, at 4096: 2 batches are lost`: {Kind: "log-damage",
			File: "/d/log/1.log", OffsetBytes: 4096, Detail: "2 batches are lost"},
		`log-damage: /d/log/1.log: the segment is missing`: {Kind: "log-damage",
			File: "/d/log/1.log", Detail: "the segment is missing"},
		`index: key "b/k": a row is missing`: {Kind: "index", Key: `"b/k"`,
			Detail: "a row is missing"},
		`unreferenced: 7 bytes`: {Kind: "unreferenced", Detail: "7 bytes"},
	} {
		if got := findingText(&f); got != want {
			t.Errorf("%s\nwant %s", got, want)
		}
	}
	for want, f := range map[string]engine.SetFinding{
		`short: bucket b, key "k": on 3`: {Kind: "short", Bucket: "b", Key: `"k"`, Detail: "on 3"},
		`absent-drive: number 2`:         {Kind: "absent-drive", Detail: "number 2"},
	} {
		if got := setFindingText(&f); got != want {
			t.Errorf("%s\nwant %s", got, want)
		}
	}
}

// TestReportText: what is listed, what is not, and the sum.
func TestReportText(t *testing.T) {
	r := engine.CheckReport{Findings: 12, Drives: []engine.CheckDrive{
		{Report: local.Report{Path: "/d1", Findings: []local.Finding{{Kind: "index", Detail: "x"}},
			FindingsTotal: 10, BulkBytes: 3 << 19}},
		{Report: local.Report{Path: "/d2", FindingsTotal: 1}, Refused: "it is a file"},
	}, Sets: []engine.CheckSet{{Deployment: "D", Drives: 4, Parity: 2, FindingsTotal: 1,
		Findings: []engine.SetFinding{{Kind: "short", Detail: "y"}}}}}
	var text strings.Builder
	writeReport(&text, &r)
	for _, want := range []string{"1.5 MiB", "\n/d1:\n  index: x\n  and 9 more\n/d2:\n  not " +
		"examined: it is a file\ndeployment D, 2+2 drives", "1 findings\n  short: y\n12 findings\n"} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("no %q in\n%s", want, &text)
		}
	}
}

func TestProgressText(t *testing.T) {
	for want, p := range map[string]engine.CheckProgress{
		"/d1: log: 25% of 2.0 KiB": {Path: "/d1", What: "log", Done: 512, Total: 2048},
		"/d1: index":               {Path: "/d1", What: "index"},
		"comparing: 50%, 4 of about 8 registers": {What: "comparing", Done: 4,
			Total: 8},
	} {
		if got := progressText(&p); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
