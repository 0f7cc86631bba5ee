package report

import (
	"strings"
	"testing"

	"flashstore/bench/record"
)

// corroborated are legs of six pairs with so many times the throughput and the server's CPU, which
// is to corroborate what decides.
func corroborated(throughput, cpu, clientCPU float64) []record.Leg {
	all := legs(6, throughput)
	for i := range all {
		all[i].Corroborate = []string{"ops_per_s", cpuMetric}
		all[i].Metrics["client_cpu_us_per_op"] = clientCPU
		if all[i].Side == "candidate" {
			all[i].Metrics[cpuMetric] = 50 * cpu
		}
	}
	return all
}

// A metric that corroborates says whether it agrees, by its own interval and margin; where no
// difference is shown it says that it shows one.
func TestCorroboration(t *testing.T) {
	for name, c := range map[string]struct {
		legs []record.Leg
		want Verdict
		says string // in the sentence, behind the figures
	}{
		"both better":     {corroborated(1.27, 0.8, 30), Better, "; server CPU agrees; 6 pairs."},
		"both worse":      {corroborated(0.8, 1.3, 30), Worse, "; server CPU agrees; 6 pairs."},
		"bought with CPU": {corroborated(1.27, 1.3, 30), Better, "; server CPU disagrees; 6 pairs."},
		"the same CPU":    {corroborated(1.27, 1, 30), Better, "; server CPU says nothing; 6 pairs."},
		"hardly more CPU": {corroborated(1.27, 1.01, 30), Better, "; server CPU says nothing; 6 pairs."},
		"only CPU":        {corroborated(1, 1.3, 30), NoDifference, "; server CPU says worse; 6 pairs."},
		"neither":         {corroborated(1, 1, 30), NoDifference, "at 96.9%); 6 pairs."},
		"not measured":    {corroborated(1.27, 0, 30), Better, "at 96.9%); server CPU says nothing; 6 pairs."},
		// What decides is not asked.
		"decided by CPU": {corroborated(1.27, 0.8, 90), Better, "; ops_per_s agrees; 6 pairs."},
		"nobody asked":   {legs(6, 1.27), Better, "at 96.9%); 6 pairs."},
		"too few":        {corroborated(1.27, 0.8, 30)[:4], TooFew, "at 50%); 2 pairs."},
	} {
		r := one(t, c.legs)
		if text := r.Sentence(); r.Verdict != c.want || !strings.HasSuffix(text, c.says) {
			t.Errorf("%s: %s, want %s with %q: %s", name, r.Verdict, c.want, c.says, text)
		}
		for form, text := range views(t, c.legs) {
			disagrees := strings.Contains(text, "better, server CPU disagrees")
			if form != "conclusion" && disagrees != strings.Contains(c.says, "disagrees") {
				t.Errorf("%s: the %s:\n%s", name, form, text)
			}
		}
	}
}

// A gate's verdict is by its own rule, and nothing is added to it.
func TestGateIsNotCorroborated(t *testing.T) {
	said := record.Verdict{Session: "s", Scenario: "get-4k", Verdict: "PASS", Reason: "quick"}
	for form, text := range views(t, corroborated(1.27, 1.3, 30), said) {
		if strings.Contains(text, "disagrees") {
			t.Errorf("%s:\n%s", form, text)
		}
	}
}
