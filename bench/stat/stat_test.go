package stat

import (
	"math"
	"math/rand/v2"
	"testing"
)

func near(a, b float64) bool { return math.Abs(a-b) < 1e-9 }

func TestSummary(t *testing.T) {
	v := []float64{15, 20, 35, 40, 50}
	for _, c := range []struct {
		name      string
		got, want float64
	}{
		{"median", Median(v), 35},
		{"median of even", Median([]float64{1, 2, 3, 10}), 2.5},
		{"mad", MAD([]float64{1, 1, 2, 2, 4, 6, 9}), 1},
		{"p30", Percentile(v, 30), 20},
		{"p40", Percentile(v, 40), 20},
		{"p50", Percentile(v, 50), 35},
		{"p99.9", Percentile(v, 99.9), 50},
		{"p100", Percentile(v, 100), 50},
	} {
		if !near(c.got, c.want) {
			t.Errorf("%s: %v, want %v", c.name, c.got, c.want)
		}
	}
	for _, v := range []float64{Median(nil), MAD(nil), Percentile(nil, 50), HodgesLehmann(nil)} {
		if !math.IsNaN(v) {
			t.Errorf("of nothing: %v, want NaN", v)
		}
	}
}

func TestHodgesLehmann(t *testing.T) {
	// Walsh averages of 1, 2, 6: 1, 1.5, 2, 3.5, 4, 6.
	if got := HodgesLehmann([]float64{6, 1, 2}); !near(got, 2.75) {
		t.Errorf("got %v, want 2.75", got)
	}
}

func TestPairedKnownValues(t *testing.T) {
	for _, c := range []struct {
		name          string
		d             []float64
		lo, hi, level float64
		p             float64 // of the sign-flip test
	}{
		{"two", []float64{1, 3}, 1, 3, 0.5, 0.5},
		{"four, all positive", []float64{1, 2, 3, 4}, 1, 4, 0.875, 2.0 / 16},
		// Sums of ±1 ±2 ±3 ±4 at least 8 in size: 10, 8 and their mirrors.
		{"four, smallest negative", []float64{-1, 2, 3, 4}, -1, 4, 0.875, 4.0 / 16},
		{"six", []float64{1, 2, 3, 4, 5, 6}, 1, 6, 1 - 2.0/64, 2.0 / 64},
		{"zero", []float64{0, 0, 0, 0}, 0, 0, 0.875, 1},
	} {
		e := Paired(c.d, 1)
		if p := signFlip(c.d, 0); !near(e.Lo, c.lo) || !near(e.Hi, c.hi) || !near(e.Level, c.level) ||
			!near(p, c.p) {
			t.Errorf("%s: %+v, p %v, want [%v, %v] at %v, p %v", c.name, e, p, c.lo, c.hi, c.level, c.p)
		}
	}
	one := Paired([]float64{2}, 1)
	if !math.IsInf(one.Lo, -1) || !math.IsInf(one.Hi, 1) || one.Level != 0 || signFlip([]float64{2}, 0) != 1 {
		t.Errorf("one difference must say nothing: %+v", one)
	}
	if one.Excludes(0) {
		t.Error("one difference excludes zero")
	}
}

// signFlip is the two-sided p-value of "the values are symmetric around center": the share of sign
// patterns whose sum is at least as far from zero as the one seen.
func signFlip(values []float64, center float64) float64 {
	sum := func(pattern int) (sum float64) {
		for i, v := range values {
			if pattern&(1<<i) != 0 {
				sum -= v - center
			} else {
				sum += v - center
			}
		}
		return sum
	}
	extreme, all := 0, 1<<len(values)
	for pattern := range all {
		if math.Abs(sum(pattern)) >= math.Abs(sum(0))*(1-1e-12) { // the mirrored one is as far
			extreme++
		}
	}
	return float64(extreme) / float64(all)
}

// The interval is what the sign-flip test leaves, whatever the differences are: all centers that it
// does not reject.
func TestPairedInvertsSignFlip(t *testing.T) {
	for n := 2; n <= 8; n++ {
		random := rand.New(rand.NewPCG(11, uint64(n)))
		for range 20 {
			d := make([]float64, n)
			for i := range d {
				d[i] = 0.1 + random.NormFloat64()
			}
			e := Paired(d, 1)
			for range 50 {
				center := 0.1 + 2*random.NormFloat64()
				p := signFlip(d, center)
				if rejected := p <= 1-e.Level+1e-12; rejected != e.Excludes(center) {
					t.Fatalf("%v: %+v, %v has p = %v", d, e, center, p)
				}
			}
		}
	}
}

// Coverage and false alarms are promises, so they are counted: symmetric noise around a known
// centre, 800 experiments a size.
func TestPairedCoverage(t *testing.T) {
	const experiments = 800
	for _, n := range []int{4, 6, 8} {
		random := rand.New(rand.NewPCG(7, uint64(n)))
		covered, level := 0, 0.0
		for range experiments {
			d := make([]float64, n)
			for i := range d {
				d[i] = 0.3 + 0.05*random.NormFloat64()
			}
			e := Paired(d, 1)
			level = e.Level
			if !e.Excludes(0.3) {
				covered++
			}
		}
		got := float64(covered) / experiments
		margin := 4 * math.Sqrt(level*(1-level)/experiments)
		if math.Abs(got-level) > margin {
			t.Errorf("n=%d: covered %.3f, promised %.3f ± %.3f", n, got, level, margin)
		}
	}
}

func TestPairedLargeIsReproducible(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	d := make([]float64, 40)
	for i := range d {
		d[i] = 0.1 + 0.02*random.NormFloat64()
	}
	a, b := Paired(d, 5), Paired(d, 5)
	if a != b {
		t.Errorf("same seed, %+v and %+v", a, b)
	}
	if !a.Excludes(0) || a.Excludes(0.1) || math.Abs(a.Level-Level) > 0.001 {
		t.Errorf("a clear difference of 0.1: %+v", a)
	}
}

func TestLogRatios(t *testing.T) {
	d := LogRatios([]float64{100, 50}, []float64{200, 25})
	if !near(d[0], math.Ln2) || !near(d[1], -math.Ln2) {
		t.Errorf("got %v", d)
	}
	for _, bad := range [][2][]float64{{{1}, {}}, {{0}, {1}}, {{1}, {math.NaN()}}} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%v did not panic", bad)
				}
			}()
			LogRatios(bad[0], bad[1])
		}()
	}
}
