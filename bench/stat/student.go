package stat

import "math"

// TLess is the one-sided p-value of Student's t test that the mean of values is not below zero:
// small where it clearly is. NaN below two values.
func TLess(values []float64) float64 {
	mean, sem := meanAndError(values)
	switch {
	case len(values) < 2:
		return math.NaN()
	case sem == 0 && mean < 0:
		return 0
	case sem == 0:
		return 1
	}
	return studentCDF(mean/sem, float64(len(values)-1))
}

// TLower is the lower end of a one-sided interval of the mean that holds at level; minus infinity
// below two values.
func TLower(values []float64, level float64) float64 {
	if len(values) < 2 {
		return math.Inf(-1)
	}
	mean, sem := meanAndError(values)
	return mean - studentQuantile(level, float64(len(values)-1))*sem
}

// meanAndError returns the mean and its standard error.
func meanAndError(values []float64) (mean, sem float64) {
	n := float64(len(values))
	for _, v := range values {
		mean += v / n
	}
	squares := 0.0
	for _, v := range values {
		squares += (v - mean) * (v - mean)
	}
	return mean, math.Sqrt(squares / (n - 1) / n)
}

// studentCDF is the probability that Student's t with that many degrees of freedom is at most t.
func studentCDF(t, freedom float64) float64 {
	tail := betaRegularized(freedom/(freedom+t*t), freedom/2, 0.5) / 2
	if t < 0 {
		return tail
	}
	return 1 - tail
}

// quantileMax bounds studentQuantile, and quantileSteps what it takes.
const (
	quantileMax   = 1e6
	quantileSteps = 60
)

// studentQuantile inverts studentCDF, for probabilities above a half, by false position: of two
// steps on the same side the second weighs the other end by half (the Illinois rule). A simulated
// gate spends its time here: halving the interval took more than half of it.
func studentQuantile(p, freedom float64) float64 {
	lo, hi := 0.0, 1.0
	for hi < quantileMax && studentCDF(hi, freedom) < p {
		lo, hi = hi, 2*hi
	}
	below, above := studentCDF(lo, freedom)-p, studentCDF(hi, freedom)-p
	side := 0
	for range quantileSteps {
		t := (lo*above - hi*below) / (above - below)
		d := studentCDF(t, freedom) - p
		switch {
		case d == 0 || t <= lo || t >= hi:
			return t
		case d < 0:
			lo, below = t, d
			if side < 0 {
				above /= 2
			}
			side = -1
		default:
			hi, above = t, d
			if side > 0 {
				below /= 2
			}
			side = 1
		}
	}
	return (lo + hi) / 2
}

// betaPairs of terms of the fraction are more than it needs for a thousand degrees of freedom: as
// many as their square root.
const betaPairs = 32

// betaRegularized is the regularized incomplete beta function, by its continued fraction: NIST
// Digital Library of Mathematical Functions, 8.17.22, https://dlmf.nist.gov/8.17.
func betaRegularized(x, a, b float64) float64 {
	switch {
	case x <= 0:
		return 0
	case x >= 1:
		return 1
	case x > (a+1)/(a+b+2): // where the fraction converges slowly, that of the rest is fast
		return 1 - betaRegularized(1-x, b, a)
	}
	fraction := 1.0
	for m := float64(betaPairs); m >= 1; m-- { // from the innermost terms outwards
		even := m * (b - m) * x / ((a + 2*m - 1) * (a + 2*m))
		odd := -(a + m - 1) * (a + b + m - 1) * x / ((a + 2*m - 2) * (a + 2*m - 1))
		fraction = 1 + odd/(1+even/fraction)
	}
	lgA, _ := math.Lgamma(a)
	lgB, _ := math.Lgamma(b)
	lgAB, _ := math.Lgamma(a + b)
	return math.Exp(a*math.Log(x)+b*math.Log1p(-x)+lgAB-lgA-lgB) / (a * fraction)
}

// Wilson is the interval of a share seen hits times in trials, at 95%: Wilson, "Probable
// inference", JASA 22, 1927. It is [0, 1] without trials.
func Wilson(hits, trials int) (lo, hi float64) {
	if trials == 0 {
		return 0, 1
	}
	const z = 1.959963984540054
	n, p := float64(trials), float64(hits)/float64(trials)
	center := (p + z*z/(2*n)) / (1 + z*z/n)
	half := z / (1 + z*z/n) * math.Sqrt(p*(1-p)/n+z*z/(4*n*n))
	return max(0, center-half), min(1, center+half)
}
