package bench

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"flashstore/bench/gate"
	"flashstore/bench/target"
)

// someRequests are of every kind, and few of them.
func someRequests() []countRequest {
	requests := countRequests()
	for i := range requests {
		requests[i].requests /= 2
	}
	return requests
}

// By counts a real server is no worse than itself, nor if it is only slower: it burns as much CPU
// again as it uses. What has to be synced now, and was not before, is found.
func TestGateCountsOfRealServer(t *testing.T) {
	t.Parallel()
	server, planted := realServer(t), filepath.Join(t.TempDir(), "flashstore-planted")
	buildServer(t, planted, "-tags", "planted")
	started := func(env, program string) string { return env + " exec " + program + ` "$@"; ` }
	for name, c := range map[string]struct {
		base, candidate string
		code            int
		want            string
	}{
		"itself": {started("", server), started("", server), exitOK, "verdict: PASS"},
		"slower": {started("", planted), started("FLASHPLANTED=burn=100%", planted), exitOK, "verdict: PASS"},
		"syncs more": {started("FLASHSTORE_DURABILITY=relaxed", server), started("", server), exitFailure,
			"PUT 4 KiB: synced_writes per request: more than before: "},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPlace(t, "", "exit 1")
			code, text := p.gateCounts(t, c.base, c.candidate, someRequests(), gateFiles{}, false)
			if code != c.code || !strings.Contains(text, c.want) || strings.Contains(text, "not compared") {
				t.Errorf("code %d, want %d with %q:\n%s", code, c.code, c.want, text)
			}
			p.mustHaveCounted(t)
			p.mustBeEmpty(t)
		})
	}
}

// mustHaveCounted: both sides are recorded, each as often as is said, with counts of every kind of
// request that are those of one request.
func (p place) mustHaveCounted(t *testing.T) {
	t.Helper()
	sides := map[string]int{}
	for _, line := range p.lines(t) {
		if line.Counts == nil {
			continue
		}
		sides[line.Counts.Side]++
		for _, r := range countRequests() {
			// One of each to the client, and the status between.
			if n := line.Counts.PerRequest[r.name]["socket_writes"]; n < 0.9 || n > 1.1 {
				t.Errorf("%s: %s: %v", line.Counts.Side, r.name, line.Counts.PerRequest[r.name])
			}
		}
	}
	if sides["base"] != countRepetitions || sides["candidate"] != countRepetitions {
		t.Errorf("counted %v times", sides)
	}
}

// What decides is what docs/request-cost.md calls exact, and nothing else that a server counts.
func TestExactCountsOfDocs(t *testing.T) {
	columns := map[string]string{"socket_reads": "socket reads", "socket_writes": "socket writes",
		"cached_reads": "cached reads", "synced_writes": "synced writes", "copied_bytes": "KiB copied",
		"drive_bytes_written": "KiB to drives", "drive_bytes_read": "KiB from drives"}
	page, err := os.ReadFile("../docs/request-cost.md")
	if err != nil {
		t.Fatal(err)
	}
	table := countsOfPage(string(page))
	all := (&target.Cost{Requests: 1}).PerRequest(&target.Cost{})
	inexact := 0
	for _, r := range countRequests() {
		row := table[r.name]
		if r.method == http.MethodHead {
			row = table["HEAD"] // of whatever size
		}
		for name := range all {
			why, cell := gate.Inexact(r.name, name), row[columns[name]]
			if cell == "" { // then it must not decide
				cell = "~"
			} else if strings.HasPrefix(cell, "~") {
				inexact++
			}
			if strings.HasPrefix(cell, "~") != (why != "") {
				t.Errorf("%s: %s: the table has %q, and the gate says %q", r.name, name, cell, why)
			}
		}
	}
	if inexact == 0 || inexact != strings.Count(string(page), "| ~") {
		t.Errorf("%d cells with ~ are known, of %d", inexact, strings.Count(string(page), "| ~"))
	}
}

// countsOfPage are the cells of the table of counts: request, column, text.
func countsOfPage(page string) map[string]map[string]string {
	_, page, _ = strings.Cut(page, "\n| request ")
	page, _, _ = strings.Cut("| request "+page, "\n\n")
	table := map[string]map[string]string{}
	var columns []string
	for line := range strings.Lines(page) {
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
		row := map[string]string{}
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
			if i < len(columns) {
				row[columns[i]] = cells[i]
			}
		}
		if columns == nil {
			columns = cells
			continue
		}
		table[cells[0]] = row
	}
	return table
}
