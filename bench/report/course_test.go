package report

import (
	"math"
	"strings"
	"testing"

	"flashstore/bench/record"
)

// courseLegs are pairs of legs whose memory grows from the given size by 10 a part.
func courseLegs(sizes ...float64) (legs []record.Leg) {
	for pair, size := range sizes {
		for side, name := range []string{"base", "candidate"} {
			leg := record.Leg{Scenario: "soak", Base: "heap", Candidate: "arena", Primary: "ops_per_s",
				Pair: pair + 1, Side: name, Outcome: record.OK, Metrics: map[string]float64{"ops_per_s": 100}}
			for part := range 5 {
				leg.Course = append(leg.Course, record.Moment{Seconds: 30 * float64(part+1),
					Metrics: map[string]float64{"ops_per_s": 100, "p99": 7,
						"rss_mb": size + float64(10*part+side)}})
			}
			legs = append(legs, leg)
		}
	}
	return legs
}

// What changed within legs is said of each side, over pairs by the median, and a part that gave no
// figure has none.
func TestCourseLines(t *testing.T) {
	legs := courseLegs(100, 300, 200)
	for i := 1; i < len(legs); i += 2 { // the candidate answers nothing at the end
		legs[i].Course[4].Metrics = map[string]float64{"ops_per_s": 0}
	}
	rows := Rows(legs)
	var b strings.Builder
	Conclude(&b, rows)
	for _, want := range []string{
		"soak, heap, in the first, the middle and the last of 5 parts of 30.0 s: " +
			"rate 100 → 100 → 100 /s, p50 - → - → - µs, p99 7.00 → 7.00 → 7.00 µs, " +
			"server CPU per operation - → - → - µs, memory 200 → 220 → 240 MiB.",
		"rate 100 → 100 → 0.00 /s", "memory 201 → 221 → - MiB",
	} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("no %q in\n%s", want, b.String())
		}
	}
	p := courseSeries(legs[1].Course, "p99", "arena").Points
	if len(p) != 5 || p[3].Y != 7 || !math.IsNaN(p[4].Y) {
		t.Errorf("points %+v", p)
	}
	legs[0].Course = legs[0].Course[:4]
	if lines := Rows(legs)[0].CourseLines(); len(lines) != 1 {
		t.Errorf("legs of other parts: %q", lines)
	}
	for i := range legs {
		legs[i].Course = nil
	}
	if lines := Rows(legs)[0].CourseLines(); len(lines) != 0 {
		t.Errorf("short legs: %q", lines)
	}
}
