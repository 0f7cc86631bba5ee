package scenario

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Shortest legs: warp reports nothing for runs of 4 s and less.
const (
	warpDurationMin = 5 * time.Second
	loadDurationMin = 200 * time.Millisecond
)

// MetricNames lists what a leg measures, as scenario files spell it.
func MetricNames() []string {
	return []string{
		"ops_per_s", "mb_per_s", "p50", "p90", "p99", "p999", "ttfb_p50",
		"server_cpu_us_per_op", "client_cpu_us_per_op", "busy_cpu_us_per_op", "rss_mb",
		"rss_growth_mb", "device_read_mb", "device_written_mb",
	}
}

// Validate checks every field; the first thing wrong is returned, wrapping ErrInvalid.
func (s *Scenario) Validate() error {
	for _, check := range []func() error{
		s.validateHead, s.Workload.validate, s.validateDriver, s.Run.validate, s.Server.validate,
		s.Matrix.validate, s.validateMatrix, s.Sweep.validate, s.Metrics.validate, s.Gate.validate,
	} {
		if err := check(); err != nil {
			return fmt.Errorf("%w: %w", ErrInvalid, err)
		}
	}
	return nil
}

func (s *Scenario) validateHead() error {
	if s.Schema != Schema {
		return fmt.Errorf("schema: %d; this program reads %d", s.Schema, Schema)
	}
	if ok, _ := regexp.MatchString(`^[a-z0-9][a-z0-9-]{0,62}$`, s.Name); !ok {
		return fmt.Errorf("name: %q; want lower case letters, digits and -", s.Name)
	}
	if strings.TrimSpace(s.Question) == "" {
		return fmt.Errorf("question: empty; say what the scenario answers")
	}
	return nil
}

func (w *Workload) validate() error {
	if err := oneOf("workload.driver", w.Driver, "warp", "load"); err != nil {
		return err
	}
	if err := oneOf("workload.op", w.Op, Ops()...); err != nil {
		return err
	}
	err := oneOf("workload.payload_signing", w.PayloadSigning, "signed", "unsigned")
	if err != nil {
		return err
	}
	if w.Cache == "" {
		w.Cache = map[bool]string{true: "hot", false: "any"}[w.Op == "get"]
	}
	if err := oneOf("workload.cache", w.Cache, "any", "hot", "cold"); err != nil {
		return err
	}
	if err := w.validateData(); err != nil {
		return err
	}
	return w.validateNumbers()
}

// preloaded says whether the objects of an operation can be written once for all legs. warp makes
// those of stat and list itself.
func (w *Workload) preloaded() bool { return w.Op == "get" || w.Op == "stat" && w.Driver == "load" }

func (w *Workload) validateData() error {
	reads := w.preloaded()
	if w.Data == "" {
		w.Data = map[bool]string{true: "preload", false: "fresh"}[reads]
	}
	if err := oneOf("workload.data", w.Data, "preload", "fresh"); err != nil {
		return err
	}
	switch {
	case reads != (w.Data == "preload"):
		return fmt.Errorf("workload.data: %s with op %s; get reads preloaded data, "+
			"put and mixed start on fresh drives", w.Data, w.Op)
	case w.Cache != "any" && w.Op != "get":
		return fmt.Errorf("workload.cache: %s with op %s; only get can prove it", w.Cache, w.Op)
	case w.RangeSize != 0 && (w.Op != "get" || w.RangeSize > w.ObjSize || w.Driver != "warp"):
		return fmt.Errorf("workload.range_size: %s; only warp's get reads ranges, within an object",
			w.RangeSize)
	case w.Op == "delete" && w.Batch == 0:
		w.Batch = 100
	case w.Op != "delete" && w.Batch != 0:
		return fmt.Errorf("workload.batch: %d with op %s", w.Batch, w.Op)
	}
	return nil
}

func (w *Workload) validateNumbers() error {
	switch {
	case w.Op == "multipart" && w.ObjSize < MultipartMin:
		return fmt.Errorf("workload.obj_size: %s; op multipart wants %s, two parts of warp's",
			w.ObjSize, MultipartMin)
	case w.ObjSize < 1 || w.ObjSize > 5<<30:
		return fmt.Errorf("workload.obj_size: %d; want 1B to 5GiB", w.ObjSize)
	case w.Concurrent < 1 || w.Concurrent > 1024:
		return fmt.Errorf("workload.concurrent: %d; want 1 to 1024", w.Concurrent)
	case w.Batch < 0 || w.Batch > 1000:
		return fmt.Errorf("workload.batch: %d; want 1 to 1000", w.Batch)
	case !w.StartsEmpty() && (w.Objects < w.Concurrent || w.Objects > 10_000_000):
		return fmt.Errorf("workload.objects: %d; want at least concurrent (%d), at most 10000000",
			w.Objects, w.Concurrent)
	case w.StartsEmpty() && w.Objects != 0:
		return fmt.Errorf("workload.objects: %d; op %s starts on empty drives", w.Objects, w.Op)
	}
	return nil
}

// MultipartMin is the least that warp writes in more than one part.
const MultipartMin Bytes = 32 << 20

// validateDriver checks what the chosen driver can do.
func (s *Scenario) validateDriver() error {
	w := &s.Workload
	least := loadDurationMin
	switch {
	case w.Driver == "warp" && w.Rate != 0:
		return fmt.Errorf("workload.rate: %g%% with driver warp; only load keeps a rate without "+
			"coordinated omission", float64(w.Rate))
	case w.Driver == "load" && s.Server.TLS:
		return fmt.Errorf("server.tls with driver load; it speaks plain HTTP")
	case w.Driver == "load" && !slices.Contains([]string{"get", "put", "stat"}, w.Op):
		return fmt.Errorf("workload.op: %s with driver load; it knows get, put and stat", w.Op)
	case s.Run.Sliced() && (w.Driver != "load" || w.Data != "preload" || w.Rate != 0 ||
		w.Cache == "cold"):
		return fmt.Errorf("run.design: sliced; only driver load can, in a closed loop on preloaded " +
			"data in caches: what a server does behind writes would be the other one's burden")
	case w.Driver == "warp":
		least = warpDurationMin
	}
	if s.Run.Duration < least {
		return fmt.Errorf("run.duration: %s; want %s to 1h", s.Run.Duration, least)
	}
	return nil
}

func (s *Server) validate() error {
	if s.Drives < 1 || s.Drives > 64 {
		return fmt.Errorf("server.drives: %d; want 1 to 64", s.Drives)
	}
	if s.Parity < 0 || s.Parity > s.Drives/2 {
		return fmt.Errorf("server.parity: %d; want 0 to %d, half of the drives",
			s.Parity, s.Drives/2)
	}
	if s.Lost < 0 || s.Lost > max(0, s.Parity-1) {
		return fmt.Errorf("server.lost: %d; want 0 to %d, one less than parity: a leg writes before it "+
			"reads", s.Lost, max(0, s.Parity-1))
	}
	return oneOf("server.durability", s.Durability, "full", "relaxed")
}

func (s *Scenario) validateMatrix() error {
	if s.Server.Lost > 0 && s.Workload.Data != "preload" {
		return fmt.Errorf("server.lost: %d with data %s; only preloaded data can be short of a drive",
			s.Server.Lost, s.Workload.Data)
	}
	if s.Requires.Cores < 0 {
		return fmt.Errorf("requires.cores: %d", s.Requires.Cores)
	}
	if len(s.Comparisons()) == 0 {
		return fmt.Errorf("matrix: nothing to compare; give an axis at least two levels")
	}
	return nil
}

func (m *Metrics) validate() error {
	all := append([]string{m.Primary}, m.Corroborate...)
	for _, name := range append(all, m.Report...) {
		if err := oneOf("metrics", name, MetricNames()...); err != nil {
			return err
		}
	}
	return oneOf("metrics.primary", m.Primary, "ops_per_s", "mb_per_s", "server_cpu_us_per_op",
		"p50", "p99")
}

func (g *Gate) validate() error {
	if g.MaxErrors != 0 {
		return fmt.Errorf("gate.max_errors: %d; errors are fast, so only 0 is fair", g.MaxErrors)
	}
	return oneOf("gate.p99", g.P99, "warn", "fail")
}

func oneOf(key, value string, valid ...string) error {
	if slices.Contains(valid, value) {
		return nil
	}
	return fmt.Errorf("%s: %q; valid: %s", key, value, strings.Join(valid, ", "))
}
