package report

import (
	"strings"
	"testing"
	"time"

	"flashstore/bench/host"
	"flashstore/bench/record"
)

// Where most pairs are noisy there is no verdict, however large the difference looks.
func TestNoisyPairsDecideNothing(t *testing.T) {
	for noisy, want := range map[int]Verdict{0: Better, 3: Better, 4: TooNoisy, 6: TooNoisy} {
		var legs []record.Leg
		for i := range 12 {
			legs = append(legs, record.Leg{Pair: i/2 + 1, Side: []string{"base", "candidate"}[i%2],
				Outcome: record.OK, Primary: "ops_per_s", Noisy: i/2 < noisy, Base: "a", Candidate: "b",
				Metrics: map[string]float64{"ops_per_s": float64(1000 + i + i%2*500)}})
		}
		if got := Rows(legs)[0].Verdict; got != want {
			t.Errorf("%d of 6 pairs noisy: %q, want %q", noisy, got, want)
		}
	}
}

// Nor is there one where the disk was slower before the legs of one side.
func TestDiskThatLeansDecidesNothing(t *testing.T) {
	for lean, want := range map[time.Duration]Verdict{0: Better, 60_000: TooNoisy} {
		var legs []record.Leg
		for i := range 12 {
			legs = append(legs, record.Leg{Pair: i/2 + 1, Side: []string{"base", "candidate"}[i%2],
				Outcome: record.OK, Primary: "ops_per_s", Base: "a", Candidate: "b", Writes: true,
				Calibration: host.Calibration{Sync: 200_000 + time.Duration(i%2)*lean +
					time.Duration(i)*1_000},
				Metrics: map[string]float64{"ops_per_s": float64(1000 + i + i%2*500)}})
		}
		var out strings.Builder
		rows := Rows(legs)
		Conclude(&out, rows)
		said := strings.Contains(out.String(), "synced writes took longer before the legs of one side")
		if rows[0].Verdict != want || said != (want == TooNoisy) {
			t.Errorf("leans by %s: %q, want %q:\n%s", lean, rows[0].Verdict, want, out.String())
		}
	}
}
