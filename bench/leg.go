package bench

import (
	"context"
	"errors"
	"fmt"
	"time"

	"flashstore/bench/figure"
	"flashstore/bench/host"
	"flashstore/bench/pair"
	"flashstore/bench/record"
	"flashstore/bench/scenario"
	"flashstore/bench/target"
)

// leg runs one leg and fills in its record. An error ends the session; whatever spoils the leg
// alone is its outcome.
func (m *comparison) leg(ctx context.Context, side pair.Side, leg record.Leg) (record.Leg, error) {
	began := time.Now()
	err := m.measure(ctx, side, &leg)
	if ctx.Err() != nil {
		return leg, ctx.Err()
	}
	m.conclude(&leg, err)
	m.count(leg, side, time.Since(began))
	return leg, nil
}

// conclude is the outcome of a leg that ended with err.
func (m *comparison) conclude(leg *record.Leg, err error) {
	if err == nil {
		leg.Outcome = record.OK
		return
	}
	leg.Outcome, leg.Reason = record.Invalid, m.local(err.Error())
	leg.Metrics, leg.Course = nil, nil
	if errors.Is(err, target.ErrNotEngaged) {
		leg.Outcome = record.Skipped
	}
}

// count shows a leg and learns how long one takes.
func (m *comparison) count(leg record.Leg, side pair.Side, took time.Duration) {
	m.legsDone++
	m.perLeg += (took - m.perLeg) / time.Duration(min(m.legsDone, 4))
	if leg.Attempt > 1 && (leg.Position == 1 || m.scenario.Run.Sliced()) {
		m.legsPlanned++ // a leg nobody had planned
	}
	m.progress(leg, side)
}

// measure starts a server, lets it prove itself, puts the load on it and stops it.
func (m *comparison) measure(ctx context.Context, side pair.Side, leg *record.Leg) (err error) {
	dir := m.data[side]
	if dir == "" {
		if dir, err = m.workspace.Fresh("leg"); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, m.workspace.Remove("leg")) }()
	}
	r, err := m.ready(ctx, side, m.timed(side, dir), leg)
	if err != nil {
		return err
	}
	defer r.server.Kill()
	stop := m.keepCold(m.data[pair.Base], m.data[pair.Candidate])
	a, err := m.apply(ctx, r.server, leg)
	stop()
	if err != nil {
		return err
	}
	return m.finish(ctx, side, leg, r, a)
}

// running is a server that has proven itself, and what it said of itself before the load.
type running struct {
	server *target.Server
	before target.Status
}

// timed is how the server of a side is started where the clock runs: on its cores.
func (m *comparison) timed(side pair.Side, dir string) target.Config {
	cores, _ := m.cores()
	return m.target(side, dir, cores)
}

// ready starts a server for the load. The caller ends it.
func (m *comparison) ready(
	ctx context.Context, side pair.Side, c target.Config, leg *record.Leg,
) (r running, err error) {
	if r.server, err = target.Start(ctx, c); err != nil {
		return r, err
	}
	if err = m.prove(ctx, r.server, side, leg); err == nil {
		err = m.cache(ctx, r.server, c.Dir)
	}
	if err == nil {
		r.before, err = account(ctx, r.server)
	}
	if err != nil {
		r.server.Kill()
	}
	return r, err
}

// finish holds a server against what it was to do, takes the figures of its load and stops it.
func (m *comparison) finish(
	ctx context.Context, side pair.Side, leg *record.Leg, r running, a applied,
) error {
	after, err := account(ctx, r.server)
	if err != nil {
		return err
	}
	if r.server.Ours() {
		if err := m.proveLoad(side, &r.before, &after); err != nil {
			return err
		}
	}
	if err := m.proveCache(a); err != nil {
		return err
	}
	leg.Operations, leg.Course = a.figures.Operations, a.course
	leg.Metrics = metrics(a.figures, a.window)
	for _, q := range a.figures.Quantiles {
		leg.Quantiles = append(leg.Quantiles, micros(q))
	}
	leg.Cost = after.Cost.PerRequest(&r.before.Cost)
	leg.OtherCPU = float64(a.window.Others()) / float64(a.window.Time*time.Duration(host.Cores()))
	if leg.Raw = a.raw; a.raw != "" {
		if leg.RawHash, err = hashFile(leg.Raw); err != nil {
			return err
		}
	}
	return r.server.Stop()
}

// prove runs the verify pass and then asks the server what it is.
func (m *comparison) prove(
	ctx context.Context, server *target.Server, side pair.Side, leg *record.Leg,
) error {
	run := m.scenario.Run
	if err := server.Verify(ctx, int64(m.scenario.Workload.ObjSize), run.Seed); err != nil {
		return err
	}
	if !server.Ours() {
		return server.MakeBucket(ctx)
	}
	status, err := server.Status(ctx)
	if err != nil {
		return err
	}
	leg.Active = map[string]string{}
	for _, axis := range scenario.Axes() {
		if a, ok := status.Axes[axis.Name]; ok {
			leg.Active[axis.Name] = a.Active
		}
	}
	if err := status.Engaged(m.sides[side].axes); err != nil {
		return err
	}
	return server.MakeBucket(ctx)
}

// cache brings caches into the state that the scenario wants: the server's own too, which begin
// empty with each leg, and with whose filling the window would begin.
func (m *comparison) cache(ctx context.Context, server *target.Server, dir string) error {
	w := m.scenario.Workload
	if w.Cache == "hot" {
		// Parity too, which the server does not read below, but where a shard is late.
		if err := host.Warm(ctx, dir); err != nil {
			return err
		}
	}
	switch {
	case w.Cache == "cold":
		return host.Evict(dir)
	case w.Data == "preload":
		return server.ReadAll(ctx, w.Objects)
	}
	return nil
}

// account is what our server says of itself; nothing of others.
func account(ctx context.Context, server *target.Server) (target.Status, error) {
	if !server.Ours() {
		return target.Status{}, nil
	}
	return server.Status(ctx)
}

// proveLoad holds what our server says after a load against what it was to do: no request failed,
// also none that the client has tried again without a word, as warp's does where a status is 5xx;
// it still runs what was asked for; and what lay on lost drives was rebuilt.
func (m *comparison) proveLoad(side pair.Side, before, after *target.Status) error {
	if n := after.ServerErrors - before.ServerErrors; n > 0 {
		return fmt.Errorf("the server says that it answered %d requests with a status of 5xx", n)
	}
	if lost := m.scenario.Server.Lost; lost > 0 && after.Store.DegradedReads == 0 {
		return fmt.Errorf("%w: %d drives are lost, and no read needed parity", target.ErrNotEngaged,
			lost)
	}
	return after.Engaged(m.sides[side].axes)
}

// evictEvery keeps data cold that a load reads more than once.
const evictEvery = 200 * time.Millisecond

// keepCold evicts the data again and again until the function it returns is called.
func (m *comparison) keepCold(dirs ...string) (stop func()) {
	if m.scenario.Workload.Cache != "cold" {
		return func() {}
	}
	done, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		ticker := time.NewTicker(evictEvery)
		defer ticker.Stop()
		for {
			select {
			case <-done:
				return
			case <-ticker.C:
			}
			for _, dir := range dirs {
				_ = host.Evict(dir) // whether it is cold is proven by what comes from the device
			}
		}
	}()
	return func() { close(done); <-ended }
}

// Shares of the bytes sent to clients that come from the device: less is hot, more is cold.
const (
	hotShareMax  = 0.05
	coldShareMin = 0.5
)

// proveCache compares what came from the device with what the scenario wants.
func (m *comparison) proveCache(a applied) error {
	want := m.scenario.Workload.Cache
	share := float64(a.window.Read) / (a.figures.BytesPerSecond * a.window.Time.Seconds())
	switch proven := want == "hot" || want == "cold"; {
	case proven && !a.window.IOKnown:
		return fmt.Errorf("%w: cache %s: the kernel does not say what comes from a device",
			target.ErrNotEngaged, want)
	case want == "hot" && share > hotShareMax, want == "cold" && share < coldShareMin:
		return fmt.Errorf("%w: cache %s: %.0f%% of the bytes sent came from the device",
			target.ErrNotEngaged, want, 100*share)
	}
	return nil
}

// metrics by the names that scenario files use: times in microseconds, MB = 10^6 bytes, RSS in MiB.
func metrics(f figure.Figures, w host.Window) map[string]float64 {
	perOp := func(d time.Duration) float64 { return micros(d) / float64(f.Operations) }
	return map[string]float64{
		"ops_per_s": f.PerSecond, "mb_per_s": f.BytesPerSecond / 1e6,
		"p50": micros(f.P50), "p90": micros(f.P90), "p99": micros(f.P99), "p999": micros(f.P999),
		"ttfb_p50":             micros(f.TTFB50),
		"server_cpu_us_per_op": perOp(w.Server),
		"client_cpu_us_per_op": perOp(w.Client),
		"busy_cpu_us_per_op":   perOp(w.Busy - w.Client),
		"rss_mb":               float64(w.RSSPeak) / (1 << 20),
		"rss_growth_mb":        float64(w.RSSGrowth) / (1 << 20),
		"device_read_mb":       float64(w.Read) / 1e6,
		"device_written_mb":    float64(w.Written) / 1e6,
	}
}

func micros(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }
