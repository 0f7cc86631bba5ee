package metrics

import (
	"errors"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// secondsBuckets go from a cached read to a large body over a slow line.
func secondsBuckets() []float64 {
	return []float64{50e-6, 100e-6, 250e-6, 500e-6, 1e-3, 2.5e-3, 5e-3, 10e-3, 25e-3, 50e-3,
		100e-3, 250e-3, 500e-3, 1, 2.5, 5, 10, 60}
}

// classes are the values of the label code.
const classes = 5

func className(class int) string { return string(rune('1'+class)) + "xx" }

// Requests counts requests by operation; see s3api.Recorder. Safe for concurrent use.
type Requests struct {
	ops []operation
	in  prometheus.Counter
	out prometheus.Counter
}

// operation is what is counted of one operation, looked up once.
type operation struct {
	byClass [classes]prometheus.Counter
	seconds prometheus.Observer
}

// NewRequests registers the request metrics; ops are the names of the operations. It panics
// on a second call for one registry.
func (r *Registry) NewRequests(ops []string) (*Requests, error) {
	if len(ops) == 0 {
		return nil, errors.New("metrics: no operations")
	}
	total := prometheus.NewCounterVec(prometheus.CounterOpts{
		Namespace: namespace, Name: "requests_total",
		Help: "Requests answered, by operation and class of the status.",
	}, []string{"op", "code"})
	seconds := prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Namespace: namespace, Name: "request_seconds", Buckets: secondsBuckets(),
		Help: "Time from the head of a request to the end of its answer, by operation.",
	}, []string{"op"})
	q := &Requests{
		in: prometheus.NewCounter(prometheus.CounterOpts{Namespace: namespace,
			Name: "request_payload_bytes_total", Help: "Payload bytes received."}),
		out: prometheus.NewCounter(prometheus.CounterOpts{Namespace: namespace,
			Name: "response_body_bytes_total", Help: "Body bytes sent."}),
	}
	r.registry.MustRegister(total, seconds, q.in, q.out)
	q.ops = make([]operation, len(ops))
	for i, name := range ops {
		q.ops[i].seconds = seconds.WithLabelValues(name)
		for class := range classes {
			q.ops[i].byClass[class] = total.WithLabelValues(name, className(class))
		}
	}
	return q, nil
}

// Observe counts one request: op is an index of the names given, status that of HTTP.
func (q *Requests) Observe(op, status int, took time.Duration, inBytes, outBytes int64) {
	o := &q.ops[op]
	o.byClass[min(max(status/100-1, 0), classes-1)].Inc()
	o.seconds.Observe(took.Seconds())
	if inBytes > 0 {
		q.in.Add(float64(inBytes))
	}
	if outBytes > 0 {
		q.out.Add(float64(outBytes))
	}
}
