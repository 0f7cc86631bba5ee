package bench

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"flashstore/bench/host"
	"flashstore/bench/pair"
	"flashstore/bench/record"
	"flashstore/bench/scenario"
	"flashstore/bench/target"
	"flashstore/bench/warp"
)

// loadSlack is what warp may take beyond its lead time and duration: preparing, listing, saving.
const loadSlack = 90 * time.Second

// leg runs one leg and fills in its record. An error ends the session; whatever spoils the leg
// alone is its outcome.
func (m *comparison) leg(ctx context.Context, side pair.Side, leg record.Leg) (record.Leg, error) {
	began := time.Now()
	err := m.measure(ctx, side, &leg)
	if ctx.Err() != nil {
		return leg, ctx.Err()
	}
	switch {
	case err == nil:
		leg.Outcome = record.OK
	case errors.Is(err, target.ErrNotEngaged):
		leg.Outcome, leg.Reason, leg.Metrics = record.Skipped, err.Error(), nil
	default:
		leg.Outcome, leg.Reason, leg.Metrics = record.Invalid, err.Error(), nil
	}
	m.legsDone++
	m.perLeg += (time.Since(began) - m.perLeg) / time.Duration(min(m.legsDone, 4))
	if leg.Attempt > 1 && leg.Position == 1 {
		m.legsPlanned++ // a leg nobody had planned
	}
	m.progress(leg, side)
	return leg, nil
}

// measure starts a server, lets it prove itself, puts the load on it and stops it.
func (m *comparison) measure(ctx context.Context, side pair.Side, leg *record.Leg) (err error) {
	dir := m.data
	if dir == "" {
		if dir, err = m.workspace.Fresh("leg"); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, m.workspace.Remove("leg")) }()
	}
	server, err := target.Start(ctx, m.target(side, dir, m.session.server))
	if err != nil {
		return err
	}
	defer server.Kill()
	if err := m.prove(ctx, server, side, leg); err != nil {
		return err
	}
	if err := m.load(ctx, server, leg); err != nil {
		return err
	}
	if err := m.proveDegraded(ctx, server); err != nil {
		return err
	}
	return server.Stop()
}

// proveDegraded asks a server that lacks drives whether it rebuilt what was on them.
func (m *comparison) proveDegraded(ctx context.Context, server *target.Server) error {
	if m.scenario.Server.Lost == 0 {
		return nil
	}
	status, err := server.Status(ctx)
	if err == nil && status.Store.DegradedReads == 0 {
		err = fmt.Errorf("%w: %d drives are lost, and no read needed parity", target.ErrNotEngaged,
			m.scenario.Server.Lost)
	}
	return err
}

// prove runs the verify pass and then asks the server what it is.
func (m *comparison) prove(
	ctx context.Context, server *target.Server, side pair.Side, leg *record.Leg,
) error {
	run := m.scenario.Run
	if err := server.Verify(ctx, int64(m.scenario.Workload.ObjSize), run.Seed); err != nil {
		return err
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
	if err := status.Engaged(m.sides[side]); err != nil {
		return err
	}
	return server.MakeBucket(ctx)
}

// load runs warp beside the watch of both processes and takes the figures of its window.
func (m *comparison) load(ctx context.Context, server *target.Server, leg *record.Leg) error {
	run := m.scenario.Run
	load := warp.Load{
		Binary: m.warp, Address: server.Address, AccessKey: server.AccessKey,
		SecretKey: server.SecretKey, Bucket: target.Bucket, Workload: m.scenario.Workload,
		Duration: run.Duration, Cores: m.client,
		Data: filepath.Join(m.raw, fmt.Sprintf("%s-%s-p%d-%s-a%d", leg.Scenario,
			m.labels[1], leg.Pair, leg.Side, leg.Attempt)),
		Log: filepath.Join(m.workspace.Path(), "warp.log"),
	}
	samples, err := m.watchWarp(ctx, load, server)
	if err != nil {
		return err
	}
	operations, err := warp.ReadFile(load.DataPath())
	if err != nil {
		return err
	}
	figures, err := warp.Summarize(operations, run.Duration, run.TrimHead, run.TrimTail)
	if err != nil {
		return err
	}
	window, ok := host.Between(samples, figures.From, figures.To)
	if !ok {
		return errors.New("the CPU was not sampled during the window: the machine stalled")
	}
	leg.Operations = figures.Operations
	leg.Metrics = metrics(figures, window)
	machine := figures.To.Sub(figures.From) * time.Duration(host.Cores())
	leg.OtherCPU = max(0, float64(window.Busy-window.Server-window.Client)/float64(machine))
	leg.Raw = load.DataPath()
	leg.RawHash, err = hashFile(leg.Raw)
	return err
}

func (m *comparison) watchWarp(
	ctx context.Context, load warp.Load, server *target.Server,
) ([]host.Sample, error) {
	client, err := warp.Start(load)
	if err != nil {
		return nil, err
	}
	defer client.Kill()
	ctx, cancel := context.WithTimeout(ctx, warp.LeadTime+load.Duration+loadSlack)
	defer cancel()
	watched := make(chan []host.Sample)
	watching, stop := context.WithCancel(context.Background())
	go func() { watched <- host.Watch(watching, server.PID(), client.PID()) }()
	select {
	case <-client.Done():
		err = client.Wait()
	case <-ctx.Done():
		client.Kill()
		err = fmt.Errorf("warp: %w\n%s", context.Cause(ctx), client.LogTail())
	}
	stop()
	return <-watched, err
}

// metrics by the names that scenario files use: times in microseconds, MB = 10^6 bytes, RSS in MiB.
func metrics(f warp.Figures, w host.Window) map[string]float64 {
	perOp := func(d time.Duration) float64 { return micros(d) / float64(f.Operations) }
	return map[string]float64{
		"ops_per_s": f.PerSecond, "mb_per_s": f.BytesPerSecond / 1e6,
		"p50": micros(f.P50), "p90": micros(f.P90), "p99": micros(f.P99), "p999": micros(f.P999),
		"ttfb_p50":             micros(f.TTFB50),
		"server_cpu_us_per_op": perOp(w.Server),
		"client_cpu_us_per_op": perOp(w.Client),
		"busy_cpu_us_per_op":   perOp(w.Busy - w.Client),
		"rss_mb":               float64(w.RSSPeak) / (1 << 20),
	}
}

func micros(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }
