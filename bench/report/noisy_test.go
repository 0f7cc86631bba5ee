package report

import (
	"testing"

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
