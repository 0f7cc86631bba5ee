package metrics

import (
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	dto "github.com/prometheus/client_model/go"
)

// namespace begins every name.
const namespace = "flashstore"

// Registry holds the metrics of one server. It is safe for concurrent use.
type Registry struct {
	registry *prometheus.Registry
}

var _ prometheus.Gatherer = (*Registry)(nil)

// New returns a registry with the metrics of the Go runtime and the process.
func New() *Registry {
	r := &Registry{prometheus.NewRegistry()}
	r.registry.MustRegister(collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return r
}

// Gather reads all metrics; see prometheus.Gatherer.
func (r *Registry) Gather() ([]*dto.MetricFamily, error) { return r.registry.Gather() }
