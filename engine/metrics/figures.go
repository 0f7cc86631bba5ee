package metrics

import "github.com/prometheus/client_golang/prometheus"

// Kind tells counters, which only grow, from levels.
type Kind = prometheus.ValueType

// The kinds of a Figure.
const (
	Counter = prometheus.CounterValue
	Level   = prometheus.GaugeValue
)

// Figure is one value at the time of a scrape.
type Figure struct {
	Name   string // without "flashstore_"; counters end in _total, units last: _bytes, _seconds
	Help   string
	Kind   Kind
	Labels []Label // few values, known at start; see the package's invariants
	Value  float64
}

// Label is a name and a value.
type Label struct{ Name, Value string }

// Func makes read part of every scrape: it takes one snapshot of a part's Stats and emits its
// figures. Read may be called by several scrapes at once. A figure that is emitted twice, or
// with other label names than before, makes the scrape fail. Func panics on nil.
func (r *Registry) Func(read func(emit func(Figure))) {
	if read == nil {
		panic("metrics: Func of nil")
	}
	r.registry.MustRegister(figures(read))
}

// figures is an unchecked collector: it describes nothing before it is read.
type figures func(emit func(Figure))

func (figures) Describe(chan<- *prometheus.Desc) {}

func (f figures) Collect(out chan<- prometheus.Metric) {
	f(func(fig Figure) {
		names := make([]string, len(fig.Labels))
		values := make([]string, len(fig.Labels))
		for i, l := range fig.Labels {
			names[i], values[i] = l.Name, l.Value
		}
		desc := prometheus.NewDesc(namespace+"_"+fig.Name, fig.Help, names, nil)
		m, err := prometheus.NewConstMetric(desc, fig.Kind, fig.Value, values...)
		if err != nil {
			m = prometheus.NewInvalidMetric(desc, err)
		}
		out <- m
	})
}
