package bench

import (
	"bytes"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// fewRequests are enough for counts that do not depend on how many are counted; all of them are
// asked for where servers are the same.
func fewRequests() []countRequest {
	return []countRequest{
		{"PUT 4 KiB", http.MethodPut, "counts-4k", 4 << 10, 400},
		{"GET 4 KiB", http.MethodGet, "counts-4k", 4 << 10, 100},
	}
}

// gateCounts is a gate by counts alone, of requests, between two variants of the stub.
func (p place) gateCounts(
	t *testing.T, base, candidate string, requests []countRequest, f gateFiles, resume bool,
) (code int, text string) {
	t.Helper()
	p.gateBetween(t, getFile, base, candidate)
	o := gateOptions{base: filepath.Join(filepath.Dir(p.server), "base"),
		candidate: filepath.Join(filepath.Dir(p.server), "candidate"), counts: true, requests: requests,
		junit: f.junit, markdown: f.markdown, ndjson: f.ndjson}
	o.options = options{purpose: "gate", server: o.candidate, others: map[string]string{"base": o.base},
		withoutWarp: true, resumable: true, resume: resume, dir: p.dir, index: p.index}
	var out bytes.Buffer
	if err := asVerdict(o.run(t.Context(), nil, &out, &out)); err != nil {
		return exitCode(err), out.String()
	}
	return exitOK, out.String()
}

// Counts decide alone, on whatever machine, and only where both servers keep them.
func TestGateCounts(t *testing.T) {
	t.Parallel()
	const syncs = "STUB_FAULT=counts-syncs"
	for name, c := range map[string]struct {
		base, candidate string
		requests        []countRequest
		code            int
		want            string
		differs         bool
	}{
		"the same": {"", "", countRequests(), exitOK, "verdict: PASS", false},
		"syncs more": {"", syncs, fewRequests(), exitFailure,
			"PUT 4 KiB: synced_writes per request: more than before: 2.0", true},
		"syncs less": {syncs, "", fewRequests(), exitOK,
			"synced_writes per request: less than before: 0.00, was 2.0", true},
		"errors": {"", "STUB_FAULT=fails-load", fewRequests(), exitInvalid, "candidate: GET 4 KiB: ", false},
		"a count gone": {"", "STUB_FAULT=counts-less", fewRequests(), exitOK,
			"not compared: PUT 4 KiB: copied_bytes per request: only the base counts it", false},
		"no counts": {"STUB_FAULT=no-cost", "", fewRequests(), exitInvalid,
			"base: PUT 4 KiB: the server's status has no counts", false},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPlace(t, "", "exit 1")
			f := filesIn(t.TempDir())
			code, text := p.gateCounts(t, c.base, c.candidate, c.requests, f, false)
			if code != c.code || !strings.Contains(text, c.want) {
				t.Errorf("code %d, want %d with %q:\n%s", code, c.code, c.want, text)
			}
			f.mustSay(t, c.code, strings.TrimPrefix(c.want, "verdict: PASS")) // which each says its own way
			compared, counted := f.last(t)["counts_compared"].(float64)
			if equal, _ := f.last(t)["counts_equal"].(float64); counted != (code != exitInvalid) ||
				counted && (compared < 2 || equal > compared || (equal < compared) != (c.differs)) {
				t.Errorf("%v of %v counts are equal: %v", equal, compared, f.last(t))
			}
			p.mustBeEmpty(t)
		})
	}
}

// A gate by counts alone is what the command line asks for.
func TestGateCountsCommand(t *testing.T) {
	p := newPlace(t, "", "exit 1")
	args := append(p.gateArgs(t, "STUB_FAULT=no-cost", ""), "--counts", "--timing=false")
	var out bytes.Buffer
	if code := Main(t.Context(), args, &out, &out); code != exitInvalid ||
		!strings.Contains(out.String(), "base: PUT 4 KiB: the server's status has no counts") ||
		p.count(`"leg":`) > 0 {
		t.Errorf("code %d:\n%s", code, out.String())
	}
	p.mustBeEmpty(t)
}

// Counts that are recorded are not counted again: a gate that was killed between them goes on, and
// finds the same.
func TestGateCountsResume(t *testing.T) {
	p := newPlace(t, "", "exit 1")
	gate := func(resume bool) (int, string) {
		return p.gateCounts(t, "", "STUB_FAULT=counts-syncs", fewRequests(), gateFiles{}, resume)
	}
	code, first := gate(false)
	if code != exitFailure {
		t.Fatalf("code %d:\n%s", code, first)
	}
	p.forget(t)
	lines := strings.SplitAfter(readText(t, p.index), "\n") // the session, counts, and nothing
	if len(lines) != 2+2*countRepetitions {
		t.Fatalf("%d lines, want %d:\n%s", len(lines), 2+2*countRepetitions, lines)
	}
	before := strings.Join(lines[:len(lines)-2], "")
	if err := os.WriteFile(p.index, []byte(before), 0o600); err != nil {
		t.Fatal(err)
	}
	code, second := gate(true)
	if code != exitFailure || lastLine(first) != lastLine(second) {
		t.Errorf("code %d, then %d:\n%s\n%s", exitFailure, code, first, second)
	}
	if after := readText(t, p.index); !strings.HasPrefix(after, before) ||
		strings.Count(after, `"counts":`) != 2*countRepetitions {
		t.Errorf("before:\n%safter:\n%s", before, after)
	}
	p.mustBeEmpty(t)
}
