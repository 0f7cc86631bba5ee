package stat

import (
	"math"
	"testing"
)

// Quantiles of Student's t as tables have them.
func TestStudent(t *testing.T) {
	for _, c := range []struct{ p, freedom, want float64 }{
		{0.95, 5, 2.015}, {0.99, 11, 2.718}, {0.975, 1, 12.706}, {0.95, 3, 2.353}, {0.975, 30, 2.042},
		{0.999, 17, 3.646}, {0.95, 1, 6.314}, {0.75, 2, 0.816}, {0.95, 1000, 1.646}, {0.999, 5, 5.893},
	} {
		if got := studentQuantile(c.p, c.freedom); math.Abs(got-c.want) > 0.0006 {
			t.Errorf("t(%g, %g) = %.4f, want %.3f", c.p, c.freedom, got, c.want)
		}
		if got := studentCDF(-c.want, c.freedom); math.Abs(got-(1-c.p)) > 0.0005 {
			t.Errorf("P(t <= -%g) = %.5f, want %.3f", c.want, got, 1-c.p)
		}
	}
}

func TestTLess(t *testing.T) {
	if p := TLess([]float64{-1, -1, -1}); p != 0 {
		t.Errorf("all below zero and equal: %g", p)
	}
	if p := TLess([]float64{0, 0}); p != 1 {
		t.Errorf("all zero: %g", p)
	}
	if p := TLess([]float64{-1}); !math.IsNaN(p) {
		t.Errorf("one value: %g", p)
	}
	// mean -1, standard deviation 1, n 4: t = -2, 3 degrees of freedom.
	values := []float64{-1 - math.Sqrt(1.5), -1 + math.Sqrt(1.5), -1, -1}
	if p := TLess(values); math.Abs(p-0.0697) > 0.0001 {
		t.Errorf("p = %.5f, want 0.0697", p)
	}
	if lo := TLower(values, 0.95); math.Abs(lo-(-1-2.3534*0.5)) > 0.001 {
		t.Errorf("lower end %.4f", lo)
	}
}

func TestWilson(t *testing.T) {
	for _, c := range []struct {
		hits, trials int
		lo, hi       float64
	}{{0, 4000, 0, 0.00096}, {5, 10, 0.2366, 0.7634}, {0, 0, 0, 1}, {10, 10, 0.7225, 1}} {
		if lo, hi := Wilson(c.hits, c.trials); math.Abs(lo-c.lo) > 1e-4 || math.Abs(hi-c.hi) > 1e-4 {
			t.Errorf("%d of %d: %.5f to %.5f", c.hits, c.trials, lo, hi)
		}
	}
}
