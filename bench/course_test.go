package bench

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"flashstore/bench/figure"
	"flashstore/bench/host"
	"flashstore/bench/scenario"
	"flashstore/bench/warp"
)

// Ten operations a second, longer from part to part, and none in one of them, while memory grows by a
// MiB a second and the server uses a tenth of a core.
func TestCourse(t *testing.T) {
	begin := time.Unix(1000, 0)
	const seconds, stalled = 200, 7
	var operations []warp.Operation
	var samples []host.Sample
	for i := range 10 * (seconds + 10) {
		at := begin.Add(time.Duration(i-50) * 100 * time.Millisecond)
		samples = append(samples, host.Sample{At: at, Server: host.Usage{RSS: int64(i-50) << 20 / 10,
			CPU: time.Duration(i) * 10 * time.Millisecond}})
		if part := (i - 50) / 100; part != stalled {
			took := time.Duration(part+1) * time.Millisecond
			operations = append(operations, warp.Operation{Start: at.Add(-took), End: at})
		}
	}
	of := figure.Figures{From: begin, To: begin.Add(seconds * time.Second)}
	moments := course(operations, samples, of)
	if len(moments) != courseParts {
		t.Fatalf("%d parts: %+v", len(moments), moments)
	}
	for i, m := range moments {
		want := map[string]float64{"ops_per_s": 10, "p50": 1000 * float64(i+1),
			"p99": 1000 * float64(i+1), "server_cpu_us_per_op": 10_000, "rss_mb": float64(10 * (i + 1))}
		if i == stalled {
			want = map[string]float64{"ops_per_s": 0, "rss_mb": float64(10 * (i + 1))}
		}
		if m.Seconds != float64(10*(i+1)) || len(m.Metrics) != len(want) {
			t.Errorf("part %d: %+v", i, m)
		}
		for name, v := range want {
			if m.Metrics[name] != v {
				t.Errorf("part %d, up to %g s: %s %v, want %v", i, m.Seconds, name, m.Metrics[name], v)
			}
		}
	}
	// Nobody sampled from 45 s to 75 s: of parts within nothing is known but what the client saw, and
	// the CPU of one at the edge is that of a longer time.
	blind := slices.DeleteFunc(slices.Clone(samples), func(s host.Sample) bool {
		at := s.At.Sub(begin).Seconds()
		return at > 45 && at < 75
	})
	moments = course(operations, blind, of)
	for i, want := range map[int]string{3: "ops_per_s p50 p99 rss_mb server_cpu_us_per_op",
		4: "ops_per_s p50 p99 rss_mb", 5: "ops_per_s p50 p99",
		8: "ops_per_s p50 p99 rss_mb server_cpu_us_per_op"} {
		if known := slices.Sorted(maps.Keys(moments[i].Metrics)); strings.Join(known, " ") != want {
			t.Errorf("part %d of a blind time: %v, want %s", i, known, want)
		}
	}
	m := &comparison{session: &session{}, scenario: &scenario.Scenario{}}
	for load, again := range map[time.Duration]bool{99 * time.Second: true, 100 * time.Second: false} {
		if m.scenario.Run.Duration = load; m.machine(1).MayRetry() != again {
			t.Errorf("a pair of legs of %s is run again: %v", load, !again)
		}
	}
	of.To = begin.Add(courseParts*coursePartMin - time.Second)
	if short := course(operations, samples, of); short != nil {
		t.Errorf("of a short window: %+v", short)
	}
}
