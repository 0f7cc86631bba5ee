package hotpath

import (
	"bytes"
	"math"
	"slices"
	"strings"
	"testing"
)

func TestVerdict(t *testing.T) {
	for _, c := range []struct {
		name  string
		row   Row
		value float64
		want  string
	}{
		{"reached", Row{Ours: []float64{60, 70}, Base: []float64{100, 100}, Than: "nginx", Bound: 0.6,
			AtLeast: true}, math.Sqrt(0.6 * 0.7), OK},
		{"not reached", Row{Ours: []float64{50, 60}, Base: []float64{100, 100}, Than: "nginx",
			Bound: 0.6, AtLeast: true}, math.Sqrt(0.5 * 0.6), Missed},
		{"at most", Row{Ours: []float64{300}, Base: []float64{100}, Than: "nginx", Bound: 3}, 3, OK},
		{"above", Row{Ours: []float64{301}, Base: []float64{100}, Than: "nginx", Bound: 3}, 3.01,
			Missed},
		{"no yardstick", Row{Ours: []float64{301}, Than: "nginx", Bound: 3}, math.NaN(), NoTarget},
		{"a leg short", Row{Ours: []float64{1, 2}, Base: []float64{1}, Than: "nginx", Bound: 3},
			math.NaN(), NoTarget},
		{"alone", Row{Ours: []float64{26, 20, 24}, Bound: 25}, 24, OK},
		{"alone, above", Row{Ours: []float64{26, 20, 27}, Bound: 25}, 26, Missed},
		{"no target", Row{Ours: []float64{1}, Base: []float64{2}, Than: "nginx"}, 0.5, NoTarget},
	} {
		if v := c.row.Value(); math.Abs(v-c.value) > 1e-9 || math.IsNaN(v) != math.IsNaN(c.value) {
			t.Errorf("%s: value %v, want %v", c.name, v, c.value)
		}
		if got := c.row.Verdict(); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}

func TestCatalogue(t *testing.T) {
	var names []string
	for _, row := range catalogue() {
		names = append(names, row.Name)
	}
	if !slices.Equal(names, RowNames()) {
		t.Errorf("rows %v, names %v", names, RowNames())
	}
}

func TestPrint(t *testing.T) {
	r := Report{Notes: []string{"one core"}, Rows: []Row{
		{Title: "GET", Unit: "/s", Ours: []float64{61_000, 62_000}, Base: []float64{100_000, 100_000},
			Than: "nginx", Bound: 0.6, AtLeast: true, OursCPU: []float64{15}},
		{Title: "start", Unit: " ms", Ours: []float64{30, 20, 40}, Bound: 25},
		{Title: "no nginx", Unit: "/s", Ours: []float64{5}, Than: "nginx", Bound: 0.6},
	}}
	var out bytes.Buffer
	r.Print(&out)
	for _, want := range []string{
		"61,500/s", "nginx 100,000/s", "0.615 [0.610, 0.620] 50%", "≥ 0.60", "ok", "15.0",
		"30.0 ms", "20.0 to 40.0", "≤ 25 ms", MissedLine, "note: one core",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, out.String())
		}
	}
}

const MissedLine = "≤ 25 ms  MISSED"

func TestParseWrk(t *testing.T) {
	const good = "Running 2s test @ http://127.0.0.1:1\n  59 requests in 2.00s, 1.00MB read\n" +
		"Requests/sec:  61234.50\nTransfer/sec:    250.00MB\n"
	if v, err := parseWrk(good); err != nil || v != 61234.5 {
		t.Errorf("%v, %v", v, err)
	}
	for _, bad := range []string{"", good + "  Non-2xx or 3xx responses: 12\n",
		good + "  Socket errors: connect 0, read 3, write 0, timeout 0\n"} {
		if v, err := parseWrk(bad); err == nil {
			t.Errorf("%q gave %v", bad, v)
		}
	}
}
