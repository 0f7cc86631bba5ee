package main

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

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
		"examined: it is a file\ndeployment D, 2+2 drives", "d: 1 finding\n  short: y\n12 findings; "} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("no %q in\n%s", want, &text)
		}
	}
}

// said passes on each thing that is written.
type said chan string

func (s said) Write(p []byte) (int, error) {
	s <- string(p)
	return len(p), nil
}

// TestTeller: a line of its own on a terminal, cleared before the report; elsewhere lines that
// stay.
func TestTeller(t *testing.T) {
	const clear = "\r\x1b[K"
	for terminal, want := range map[bool][]string{
		true:  {clear + "/d1: log", clear + "/d1: shards: 50% of 2.0 KiB", clear},
		false: {"/d1: log\n", "/d1: shards: 50% of 2.0 KiB\n"},
	} {
		text, tick := make(said, 1), make(chan time.Time)
		teller := startTeller(text, terminal, tick)
		var got []string
		for _, p := range []engine.CheckProgress{{Path: "/d1", What: "log"},
			{Path: "/d1", What: "shards", Done: 1024, Total: 2048}} {
			teller.progress(p)
			tick <- time.Time{}
			got = append(got, <-text)
		}
		teller.close()
		close(text)
		for s := range text {
			got = append(got, s)
		}
		if !slices.Equal(got, want) {
			t.Errorf("terminal %v: %q, want %q", terminal, got, want)
		}
	}
	text := make(said, 1)
	startTeller(text, true, nil).close()
	if len(text) > 0 {
		t.Errorf("a check that was over at once said %q", <-text)
	}
}

// TestIsTerminal: a pseudo-terminal is one, a file is not.
func TestIsTerminal(t *testing.T) {
	file, err := os.Create(filepath.Join(t.TempDir(), "log"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	terminal, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Skipf("no pseudo-terminals here: %v", err)
	}
	defer terminal.Close()
	if isTerminal(file) || !isTerminal(terminal) {
		t.Errorf("file %v, terminal %v", isTerminal(file), isTerminal(terminal))
	}
}

// TestErrorText: what is logged of an error is its text, without what %+v adds.
func TestErrorText(t *testing.T) {
	var text strings.Builder
	log := slog.New(slog.NewTextHandler(&text, &slog.HandlerOptions{ReplaceAttr: errorText}))
	log.Error("damage", "error", verbose{}, "count", 3)
	if s := text.String(); !strings.Contains(s, "error=short count=3") {
		t.Error(s)
	}
}

// verbose is an error as some libraries have them.
type verbose struct{}

func (verbose) Error() string { return "short" }

func (verbose) Format(f fmt.State, _ rune) { fmt.Fprint(f, "a stack trace") }

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
