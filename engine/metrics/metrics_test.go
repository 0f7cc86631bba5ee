package metrics

import (
	"bytes"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/expfmt"
)

func text(t *testing.T, r *Registry) string {
	t.Helper()
	families, err := r.Gather()
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	for _, f := range families {
		if _, err := expfmt.MetricFamilyToText(&b, f); err != nil {
			t.Fatal(err)
		}
	}
	return b.String()
}

func TestRequestsAreCounted(t *testing.T) {
	r := New()
	q, err := r.NewRequests([]string{"GetObject", "PutObject"})
	if err != nil {
		t.Fatal(err)
	}
	q.Observe(0, 206, 300*time.Microsecond, 0, 100)
	q.Observe(1, 200, time.Second, 70, 0)
	q.Observe(1, 503, time.Hour, 0, 5)
	q.Observe(1, 999, 0, -1, -1)
	out := text(t, r)
	for _, want := range []string{
		`flashstore_requests_total{code="2xx",op="GetObject"} 1`,
		`flashstore_requests_total{code="2xx",op="PutObject"} 1`,
		`flashstore_requests_total{code="5xx",op="PutObject"} 2`,
		`flashstore_requests_total{code="4xx",op="PutObject"} 0`,
		`flashstore_request_seconds_bucket{op="GetObject",le="0.00025"} 0`,
		`flashstore_request_seconds_bucket{op="GetObject",le="0.0005"} 1`,
		`flashstore_request_payload_bytes_total 70`, `flashstore_response_body_bytes_total 105`,
		"go_goroutines", "process_",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("no %s", want)
		}
	}
	ours := regexp.MustCompile(`(?m)^(flashstore|go|process|promhttp)_`)
	for line := range strings.Lines(out) {
		if !strings.HasPrefix(line, "#") && !ours.MatchString(line) {
			t.Errorf("foreign name: %s", line)
		}
	}
}

func TestFuncIsReadAtEachScrape(t *testing.T) {
	r := New()
	reads := 0.0
	r.Func(func(emit func(Figure)) {
		reads++
		emit(Figure{Name: "blocks_total", Help: "Blocks.", Kind: Counter, Value: reads,
			Labels: []Label{{"allocator", "arena"}}})
		emit(Figure{Name: "blocks_in_use", Help: "Blocks.", Kind: Level, Value: 7})
	})
	text(t, r)
	out := text(t, r)
	for _, want := range []string{`flashstore_blocks_total{allocator="arena"} 2`,
		"# TYPE flashstore_blocks_total counter", "# TYPE flashstore_blocks_in_use gauge",
		"flashstore_blocks_in_use 7"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %s in\n%s", want, out)
		}
	}
}

func TestTwiceTheSameFigureIsAnError(t *testing.T) {
	r := New()
	r.Func(func(emit func(Figure)) {
		emit(Figure{Name: "a", Kind: Level})
		emit(Figure{Name: "a", Kind: Level})
	})
	if _, err := r.Gather(); err == nil {
		t.Error("no error")
	}
}

func TestObserveDoesNotAllocate(t *testing.T) {
	q, err := New().NewRequests([]string{"GetObject"})
	if err != nil {
		t.Fatal(err)
	}
	if n := testing.AllocsPerRun(1000, func() { q.Observe(0, 200, time.Millisecond, 1, 1) }); n > 0 {
		t.Errorf("%v allocations", n)
	}
}
