package report

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"flashstore/bench/benchtest"
	"flashstore/bench/figure"
	"flashstore/bench/record"
)

// chromiumMax bounds one look at a page.
const chromiumMax = 60 * time.Second

// fullPage has every kind of chart, and words that must be escaped.
func fullPage() *Page {
	head := record.Session{ID: "s1", Start: time.Unix(1_790_000_000, 0).UTC(), Revision: "<b>rev</b>"}
	page := &Page{Title: "flashbench <s1>", Sessions: []record.Session{head}}
	for _, concurrent := range []int{1, 16, 64} {
		for i := range 8 {
			leg := record.Leg{Session: "s1", Scenario: fmt.Sprintf("sweep-c%d", concurrent),
				Family: "sweep", ScenarioHash: fmt.Sprint(concurrent), Base: "nethttp", Candidate: "epoll",
				Pair: i/2 + 1, Side: []string{"base", "candidate"}[i%2], Outcome: record.OK,
				Primary: "ops_per_s", Concurrent: concurrent, Start: head.Start.Add(time.Duration(i)),
				MinEffect: 0.03, Noisy: i == 7,
				Metrics: map[string]float64{"ops_per_s": float64(1000*concurrent + 10*i + i%2*500),
					"server_cpu_us_per_op": 30, "client_cpu_us_per_op": 10, "rss_mb": 80}}
			for part := range 20 {
				leg.Course = append(leg.Course, record.Moment{Seconds: float64(30 * (part + 1)),
					Metrics: map[string]float64{"ops_per_s": 1000, "p99": 500, "rss_mb": float64(60 + part)}})
			}
			for q := range figure.Percents() {
				leg.Quantiles = append(leg.Quantiles, float64(100+q*q*10))
			}
			page.Legs = append(page.Legs, leg)
		}
	}
	bad := page.Legs[0]
	bad.Pair, bad.Outcome, bad.Reason, bad.Metrics = 5, record.Invalid, "<script>alert(1)</script>", nil
	page.Legs = append(page.Legs, bad)
	lines := []record.Line{{Session: &head}}
	for i := range page.Legs {
		lines = append(lines, record.Line{Leg: &page.Legs[i]})
	}
	page.History = append(Histories(lines), Histories(lines)...)
	page.Extras = []Extra{{Title: "CPU", SVG: "<svg></svg>", Table: [][]string{{"call", "n"}, {"a", "1"}}}}
	return page
}

func writePage(t *testing.T, p *Page) string {
	t.Helper()
	var b bytes.Buffer
	if err := p.Write(&b); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "page.html")
	if err := os.WriteFile(file, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestPageStandsAlone(t *testing.T) {
	text, err := os.ReadFile(writePage(t, fullPage()))
	if err != nil {
		t.Fatal(err)
	}
	for _, outside := range []string{`src=`, `href=`, `url\(`, `@import`, `<script`, `<link`, `https?://`} {
		if found := regexp.MustCompile(outside).Find(text); found != nil {
			t.Errorf("the page has %q", found)
		}
	}
	for _, want := range []string{"Which won", "Legs in time order", "Latency distribution",
		"Within long legs", "epoll, memory<", "up to 600 s: 79.0 MiB",
		"Throughput against concurrency", "CPU per operation", "Memory", "History", "Profiles",
		"&lt;script&gt;alert(1)", "&lt;b&gt;rev", "epoll beats nethttp"} {
		if !strings.Contains(string(text), want) {
			t.Errorf("no %q", want)
		}
	}
	if strings.Contains(string(text), "epoll, p50<") {
		t.Error("a chart of what no leg has")
	}
}

// look opens a page in a browser without a screen and returns what became of it, what the browser
// complained of and what it asked others for.
func look(t *testing.T, file string) (page string, complaints, asked []string) {
	t.Helper()
	browser := benchtest.Program(t, "chromium", "chromium-browser", "google-chrome", "chrome")
	log := filepath.Join(t.TempDir(), "net.json")
	cmd := exec.Command("timeout", fmt.Sprint(int(chromiumMax.Seconds())), browser, "--headless",
		"--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
		"--disable-component-update", "--disable-sync", "--disable-extensions", "--enable-logging=stderr",
		"--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1", // what is asked for is not reached
		"--user-data-dir="+t.TempDir(), "--log-net-log="+log, "--virtual-time-budget=2000", "--dump-dom",
		"file://"+file)
	var dom, said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &dom, &said
	if err := cmd.Run(); err != nil || !strings.Contains(dom.String(), "</html>") {
		t.Fatalf("%s: %v\n%s", browser, err, said.String())
	}
	for line := range strings.Lines(said.String()) {
		if strings.Contains(line, ":CONSOLE") {
			complaints = append(complaints, line)
		}
	}
	return dom.String(), complaints, requests(t, log)
}

// ownInitiator is what the log says of requests that no page has made, such as those of the browser
// for an update of itself.
const ownInitiator = "not an origin"

// requests are the addresses in a log of the browser's network, but for its own.
func requests(t *testing.T, log string) (asked []string) {
	t.Helper()
	text, err := os.ReadFile(log)
	if err != nil {
		t.Fatal(err)
	}
	var doc struct {
		Events []struct {
			Params struct {
				URL       string `json:"url"`
				Initiator string `json:"initiator"`
			} `json:"params"`
		} `json:"events"`
	}
	if err := json.Unmarshal(text, &doc); err != nil || len(doc.Events) == 0 {
		t.Fatalf("log of the network: %v, %d events", err, len(doc.Events))
	}
	own := map[string]bool{} // only one of the events of a request has its initiator
	for _, event := range doc.Events {
		if event.Params.Initiator == ownInitiator {
			own[event.Params.URL] = true
		}
	}
	for _, event := range doc.Events {
		at, err := url.Parse(event.Params.URL)
		if err == nil && (at.Scheme == "http" || at.Scheme == "https") && !own[event.Params.URL] {
			asked = append(asked, event.Params.URL)
		}
	}
	return asked
}

func TestPageInBrowser(t *testing.T) {
	if _, complaints, asked := look(t, writePage(t, fullPage())); len(complaints)+len(asked) > 0 {
		t.Errorf("console: %q; asked for %q", complaints, asked)
	}
	// What the look can see at all: a page that loads, also from where browsers ask for themselves, and
	// complains.
	outside := []string{"http://127.0.0.1:9/x.png", "https://fonts.googleapis.com/x.png"}
	file := filepath.Join(t.TempDir(), "bad.html")
	if err := os.WriteFile(file, fmt.Appendf(nil, `<!doctype html><html><body>`+
		`<script>console.error("x")</script><img src=%q><img src=%q></body></html>`, outside[0],
		outside[1]), 0o600); err != nil {
		t.Fatal(err)
	}
	_, complaints, asked := look(t, file)
	for _, want := range outside {
		if len(complaints) == 0 || !slices.Contains(asked, want) {
			t.Errorf("the look sees nothing: console %q, asked for %q, not %q", complaints, asked, want)
		}
	}
}

// measureLayout notes in the title of a page, at two widths of it: how far it is wider than that,
// how many pixels of the widest part are off screen, how many parts show a shadow where they scroll,
// and the height of the smallest text in a drawing.
const measureLayout = `<script>
document.title = [1100, 420].map(width => {
	document.documentElement.style.width = width + "px";
	const parts = [...document.querySelectorAll(".wide")];
	const hidden = parts.map(part => part.scrollWidth - part.clientWidth);
	const shadows = parts.filter(part => getComputedStyle(part).backgroundImage.includes("gradient"));
	const texts = [...document.querySelectorAll("svg text")].map(t => t.getBoundingClientRect().height);
	const over = Math.max(document.body.getBoundingClientRect().right, ...[...document.querySelectorAll(
		"body > *")].map(e => e.getBoundingClientRect().right)) - width;
	return [Math.max(over, 0), Math.max(...hidden), parts.length - shadows.length, Math.min(...texts)].join(" ");
}).join(";");
</script>`

// On a laptop all of the table is on screen. On a telephone what does not fit scrolls, and says so;
// the page itself does not, and texts in drawings can be read.
func TestPageFitsScreens(t *testing.T) {
	page := fullPage()
	for i := range page.Legs {
		leg := &page.Legs[i]
		leg.Scenario, leg.Family = "degraded-get-simd", ""
		leg.Base, leg.Candidate = "nethttp+heap+threadpool", "epoll+arena+uring"
		leg.Caveat = "NOT LIKE FOR LIKE: x"
		leg.Corroborate = []string{cpuMetric}
		leg.Cost = map[string]float64{"socket_reads": float64(1 + i%2), "copied_bytes": 4096}
		if leg.Outcome == record.OK && leg.Side == "candidate" {
			leg.Metrics[cpuMetric] = 60 // against what throughput says
		}
	}
	file := writePage(t, page)
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	policy := regexp.MustCompile(`<meta http-equiv="Content-Security-Policy"[^>]*>`)
	text = append(policy.ReplaceAll(text, nil), measureLayout...)
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	dom, _, _ := look(t, file)
	found := regexp.MustCompile(`<title>(.*)</title>`).FindStringSubmatch(dom)
	if found == nil {
		t.Fatal("no title")
	}
	var laptop, phone [4]float64
	if _, err := fmt.Sscanf(found[1], "%f %f %f %f;%f %f %f %f", &laptop[0], &laptop[1], &laptop[2],
		&laptop[3], &phone[0], &phone[1], &phone[2], &phone[3]); err != nil {
		t.Fatalf("%q: %v", found[1], err)
	}
	const readable = 9 // pixels
	if laptop[0] > 0 || laptop[1] > 0 || laptop[3] < readable {
		t.Errorf("laptop: over %g, hidden %g, texts of %g", laptop[0], laptop[1], laptop[3])
	}
	if phone[0] > 0 || phone[1] == 0 || phone[2] > 0 || phone[3] < readable {
		t.Errorf("telephone: over %g, hidden %g, without a shadow %g, texts of %g", phone[0], phone[1],
			phone[2], phone[3])
	}
}

func TestIndexPage(t *testing.T) {
	page := fullPage()
	lines := []record.Line{{Session: &page.Sessions[0]}}
	for i := range page.Legs {
		lines = append(lines, record.Line{Leg: &page.Legs[i]})
	}
	var b bytes.Buffer
	if err := Index(&b, lines, func(name string) bool { return name == "s1.html" }); err != nil {
		t.Fatal(err)
	}
	if text := b.String(); !strings.Contains(text, "| [s1](s1.html) |") ||
		!strings.Contains(text, "nethttp → epoll") {
		t.Errorf("index:\n%s", text)
	}
	b.Reset()
	PrintHistory(&b, page.History)
	if n := strings.Count(b.String(), "sweep-c16"); n != 2 {
		t.Errorf("%d lines of history:\n%s", n, b.String())
	}
}
