package bench

import (
	"bytes"
	"os"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"
)

// Every row of the findings is what `flashbench report SESSION` says of the records.
func TestFindingsAreOfTheRecords(t *testing.T) {
	for _, name := range []string{"findings.md", "findings-avx2.md"} {
		t.Run(name, func(t *testing.T) { checkFindings(t, "../docs/"+name) })
	}
}

func checkFindings(t *testing.T, path string) {
	t.Helper()
	page, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	sessions := map[string]string{}
	for _, m := range regexp.MustCompile(`(?m)^\| ([A-Z]) \| (\d{8}T\d{6}Z-\w{4}):`).
		FindAllStringSubmatch(string(page), -1) {
		sessions[m[1]] = m[2]
	}
	reported := map[string][][]string{}
	for letter, id := range sessions {
		reported[letter] = reportedCells(t, id)
	}
	checked := 0
	for line := range strings.Lines(string(page)) {
		cells := strings.Split(strings.Trim(line, "| \n"), " | ")
		if len(cells) != 8 || cells[0] == "scenario" {
			continue
		}
		checked++
		if problem := differs(cells, reported[cells[7]]); problem != "" {
			t.Errorf("%s%s", line, problem)
		}
	}
	if len(sessions) < 3 || checked < 40 {
		t.Errorf("%d sessions and %d rows found", len(sessions), checked)
	}
}

// reportedCells are the cells of the report's table.
func reportedCells(t *testing.T, session string) (out [][]string) {
	t.Helper()
	var text, messages bytes.Buffer
	if code := Main(t.Context(), []string{"report", session, "--record", "../results/index.ndjson"},
		&text, &messages); code != exitOK {
		t.Fatalf("%s: code %d: %s", session, code, messages.String())
	}
	gap := regexp.MustCompile(`  +`)
	for line := range strings.Lines(text.String()) {
		if cells := gap.Split(strings.TrimSpace(line), -1); len(cells) == 10 {
			out = append(out, cells)
		}
	}
	return out
}

// differs compares a row of the page with the reported one of its scenario and levels; of two
// such, either will do.
func differs(row []string, reported [][]string) (problem string) {
	level := regexp.MustCompile(` [\d.]+%$`)
	problem = "no such row is reported"
	for _, r := range reported {
		if r[0] != row[0] || r[1] != row[1] {
			continue
		}
		interval := level.ReplaceAllString(r[5], "")
		figure := r[3] + " → " + r[4]
		switch {
		case !strings.HasPrefix(row[2], figure):
			problem = "figures: " + figure
		case utf8.RuneCountInString(r[5]) > 1 && row[3] != interval:
			problem = "ratio: " + interval
		case !strings.HasPrefix(row[4], r[6]):
			problem = "CPU: " + r[6]
		case row[6] != r[9]:
			problem = "verdict: " + r[9]
		default:
			return ""
		}
	}
	return problem
}
