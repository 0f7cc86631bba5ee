package bench

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"flashstore/bench/record"
)

// withSessions records sessions of four pairs, in which y is half as fast again, and an empty one.
func (p place) withSessions(t *testing.T, ids ...string) {
	t.Helper()
	x, err := record.Open(p.index)
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range append(ids, "empty") {
		head := record.Session{ID: id, Machine: "m" + id}
		if err := x.Append(record.Line{Session: &head}); err != nil {
			t.Fatal(err)
		}
		for i := range 8 {
			leg := record.Leg{Session: id, Scenario: "get-4k", Base: "x" + id, Candidate: "y",
				Pair: i/2 + 1, Side: []string{"base", "candidate"}[i%2], Outcome: record.OK,
				Primary: "ops_per_s", Metrics: map[string]float64{"ops_per_s": float64(100 + i%2*50)}}
			if id == "empty" {
				continue
			}
			if err := x.Append(record.Line{Leg: &leg}); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func TestCompare(t *testing.T) {
	p := newPlace(t, "", "exit 1")
	p.withSessions(t, "a1", "b2", "b3")
	for args, want := range map[string]string{
		"":      "y beats xb3: +50.0%",
		"a":     "y beats xa1",
		"a b2":  "NOT COMPARABLE",
		"a1 a1": "carry no verdict",
		"b":     `2 sessions begin with "b", the last is b3: write more`,
		"c":     `no session begins with "c"; flashbench report --history lists them`,
	} {
		var out bytes.Buffer
		Main(t.Context(), append([]string{"compare", "--record", p.index}, strings.Fields(args)...),
			&out, &out)
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q: no %q in\n%s", args, want, out.String())
		}
	}
	var out bytes.Buffer
	code := Main(t.Context(), []string{"report", "--record", p.index, "--history", "get-4K"}, &out, &out)
	if code != exitUsage || !strings.Contains(out.String(), "there are: get-4k") {
		t.Errorf("history of nothing: code %d: %s", code, out.String())
	}
}

// What is withdrawn is shown as that from then on, and nothing else is; the record only grows.
func TestWithdraw(t *testing.T) {
	p := newPlace(t, "", "exit 1")
	p.withSessions(t, "a1", "b2")
	before, err := os.ReadFile(p.index)
	if err != nil {
		t.Fatal(err)
	}
	command := func(args ...string) (int, string) {
		var out bytes.Buffer
		code := Main(t.Context(), append(args, "--record", p.index), &out, &out)
		return code, out.String()
	}
	for scenario, want := range map[string]string{"put-4k": "there are: get-4k", "": "there are: get-4k"} {
		if code, text := command("withdraw", "a", scenario, "--reason", "x"); code != exitUsage ||
			!strings.Contains(text, want) {
			t.Errorf("%q: code %d: %s", scenario, code, text)
		}
	}
	if after, err := os.ReadFile(p.index); err != nil || !bytes.Equal(after, before) {
		t.Errorf("what is not there was withdrawn: error %v\n%s", err, after)
	}
	if code, text := command("withdraw", "a", "get-4k", "--reason", "of\n uploads"); code != exitOK ||
		!strings.Contains(text, "withdrawn: get-4k of session a1") {
		t.Errorf("code %d: %s", code, text)
	}
	if after, err := os.ReadFile(p.index); err != nil || !bytes.HasPrefix(after, before) {
		t.Errorf("the record has changed, error %v:\n%s", err, after)
	}
	for session, withdrawn := range map[string]bool{"a1": true, "b2": false} {
		_, text := command("report", session)
		if strings.Contains(text, "withdrawn: of uploads") != withdrawn ||
			strings.Contains(text, "beats") == withdrawn {
			t.Errorf("%s, withdrawn %v:\n%s", session, withdrawn, text)
		}
	}
}

// Whatever is asked for is written, and said: the history of scenarios as a page, and an index
// beside any of the others.
func TestReportWritesWhatIsAskedFor(t *testing.T) {
	p := newPlace(t, "", "exit 1")
	p.withSessions(t, "a1", "b2")
	dir := t.TempDir()
	page, index, table := filepath.Join(dir, "page.html"), filepath.Join(dir, "index.md"),
		filepath.Join(dir, "legs.txt")
	for args, want := range map[string]map[string]string{
		"--history get-4k --html " + page:                {page: "xa1 → y"},
		"--history --html " + page + " --index " + index: {page: "xb2 → y", index: "# Results"},
		"--index " + index + " --html " + page + " a1":   {page: "flashbench a1", index: "# Results"},
		"--index " + index:                               {index: "# Results"},
		"--benchfmt " + table + " --index " + index:      {table: "BenchmarkGet4k", index: "# Results"},
	} {
		var out bytes.Buffer
		code := Main(t.Context(), append([]string{"report", "--record", p.index},
			strings.Fields(args)...), &out, &out)
		if code != exitOK || strings.Count(out.String(), "written: ") != len(want) {
			t.Errorf("%s: code %d:\n%s", args, code, out.String())
		}
		for file, part := range want {
			text, err := os.ReadFile(file)
			if err != nil || !strings.Contains(string(text), part) ||
				!strings.Contains(out.String(), "written: "+file+"\n") {
				t.Errorf("%s: no %q in %s, error %v; said:\n%s", args, part, file, err, out.String())
			}
			if err := os.Remove(file); err != nil {
				t.Error(err)
			}
		}
	}
}

// Where a file cannot be written, or two are one, nothing is printed and no other file is written.
func TestReportChecksFirst(t *testing.T) {
	p := newPlace(t, "", "exit 1")
	p.withSessions(t, "a1")
	dir := t.TempDir()
	nowhere, page := filepath.Join(dir, "nowhere", "x"), filepath.Join(dir, "page")
	for args, want := range map[string]string{
		"--html " + nowhere:                             nowhere + ": no such file",
		"--benchfmt " + nowhere:                         nowhere + ": no such file",
		"--index " + nowhere:                            nowhere + ": no such file",
		"--history --html " + nowhere:                   nowhere + ": no such file",
		"--index " + page + " --html " + nowhere:        nowhere + ": no such file",
		"--index " + page + " --html " + page:           "are one file",
		"--benchfmt " + page + " --html " + page:        "are one file",
		"--benchfmt " + page + " --index " + page:       "are one file",
		"--history --index=" + page + " --html=" + page: "are one file",
		"--html " + p.index:                             "is the record",
		"--index " + p.index:                            "is the record",
		"--benchfmt " + p.index:                         "is the record",
	} {
		var out, messages bytes.Buffer
		code := Main(t.Context(), append([]string{"report", "--record", p.index},
			strings.Fields(args)...), &out, &messages)
		if code != exitUsage || out.Len() > 0 || !strings.Contains(messages.String(), want) {
			t.Errorf("%s: code %d, no %q:\n%s%s", args, code, want, messages.String(), out.String())
		}
		if made, err := os.ReadDir(dir); err != nil || len(made) != 0 {
			t.Errorf("%s: made %v, error %v", args, made, err)
			os.Remove(page)
		}
	}
}

// Whoever reads what is not there is told so, and makes nothing.
func TestReadingMakesNothing(t *testing.T) {
	dir := t.TempDir()
	for _, command := range []string{"report", "compare"} {
		var out bytes.Buffer
		code := Main(t.Context(), []string{command, "--record", filepath.Join(dir, "x", "index.ndjson")},
			&out, &out)
		if code != exitUsage || !strings.Contains(out.String(), "nothing is recorded") {
			t.Errorf("%s: code %d:\n%s", command, code, out.String())
		}
	}
	if made, err := os.ReadDir(dir); err != nil || len(made) != 0 {
		t.Errorf("made: %v, error %v", made, err)
	}
}
