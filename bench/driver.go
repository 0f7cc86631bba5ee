package bench

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"time"

	"flashstore/bench/content"
	"flashstore/bench/figure"
	"flashstore/bench/host"
	"flashstore/bench/load"
	"flashstore/bench/pair"
	"flashstore/bench/record"
	"flashstore/bench/sign"
	"flashstore/bench/target"
	"flashstore/bench/warp"
)

// loadSlack is what warp may take beyond its lead time and duration: preparing, listing, saving.
const loadSlack = 90 * time.Second

// hashEvery is how many bodies the light driver reads for one whose hash it checks.
const hashEvery = 64

// putKeys is how many keys the light driver writes to, over and over.
const putKeys = 4096

// putBytesMax of bodies are held by the light driver; keys share them.
const putBytesMax = 64 << 20

// applied is a load and the accounts of its window.
type applied struct {
	figures figure.Figures
	window  host.Window
	raw     string // file of operations, empty if none is kept
	course  []record.Moment
}

var errStalled = errors.New("the CPU was not sampled during the window: the machine stalled")

// apply puts the scenario's load on a server.
func (m *comparison) apply(
	ctx context.Context, server *target.Server, leg *record.Leg,
) (applied, error) {
	if m.scenario.Workload.Driver == "load" {
		return m.applyLight(ctx, server, m.rate, m.scenario.Run.Duration)
	}
	return m.applyWarp(ctx, server, leg)
}

// applyWarp runs warp beside the watch of both processes and takes the figures of its window.
func (m *comparison) applyWarp(
	ctx context.Context, server *target.Server, leg *record.Leg,
) (applied, error) {
	run := m.scenario.Run
	_, cores := m.cores()
	l := warp.Load{
		Binary: m.warp, Address: server.Address, AccessKey: server.AccessKey,
		SecretKey: server.SecretKey, Region: server.Region(),
		Bucket: target.Bucket, Workload: m.scenario.Workload,
		Duration: run.Duration, Cores: cores, TLS: m.scenario.Server.TLS,
		Data: filepath.Join(m.raw, fmt.Sprintf("%s-%s-%s-p%d-%s-a%d", leg.Scenario, m.hash,
			m.sides[1].label, leg.Pair, leg.Side, leg.Attempt)),
		Log: filepath.Join(m.workspace.Path(), "warp.log"),
	}
	samples, err := m.watchWarp(ctx, l, server)
	if err != nil {
		return applied{}, err
	}
	operations, err := warp.ReadFile(l.DataPath())
	if err != nil {
		return applied{}, err
	}
	operations = l.Counted(operations)
	duration := run.Duration
	if m.scenario.Workload.Op == "delete" {
		duration = warp.Covered(operations, duration) // it ends when nothing is left
	}
	figures, err := warp.Summarize(operations, duration, run.TrimHead, run.TrimTail)
	if err != nil {
		return applied{}, err
	}
	window, ok := m.gauge.window(samples, figures.From, figures.To)
	if !ok {
		return applied{}, errStalled
	}
	return applied{figures: figures, window: window, raw: l.DataPath(),
		course: course(operations, samples, figures)}, nil
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
	stop := watch(server.PID(), client.PID())
	select {
	case <-client.Done():
		err = client.Wait()
	case <-ctx.Done():
		client.Kill()
		err = fmt.Errorf("warp: %w\n%s", context.Cause(ctx), client.LogTail())
	}
	return stop(), err
}

// watch samples two processes until the function it returns is called.
func watch(server, client int) (stop func() []host.Sample) {
	watched := make(chan []host.Sample)
	watching, cancel := context.WithCancel(context.Background())
	go func() { watched <- host.Watch(watching, server, client) }()
	return func() []host.Sample {
		cancel()
		return <-watched
	}
}

// applyLight puts load on a server by our own generator; rate 0 is a closed loop.
func (m *comparison) applyLight(
	ctx context.Context, server *target.Server, rate float64, duration time.Duration,
) (applied, error) {
	r, window, err := m.light(ctx, server, rate, duration)
	if err != nil {
		return applied{}, err
	}
	return applied{figures: lightFigures(&r), window: window}, nil
}

// light runs our own generator and takes the account of its window.
func (m *comparison) light(
	ctx context.Context, server *target.Server, rate float64, duration time.Duration,
) (r load.Result, w host.Window, err error) {
	c, err := m.lightLoad(server)
	if err != nil {
		return r, w, err
	}
	run := m.scenario.Run
	c.Rate, c.Warmup, c.Duration = rate, run.TrimHead, duration-run.TrimTail
	var from, to host.Sample
	c.Edge = func(begins bool) {
		if now := host.TakeSample(server.PID(), os.Getpid()); begins {
			from = now
		} else {
			to = now
		}
	}
	stop := watch(server.PID(), os.Getpid())
	r, err = load.Run(ctx, c)
	samples := slices.DeleteFunc(stop(), func(s host.Sample) bool {
		return s.At.Before(from.At) || s.At.After(to.At)
	})
	switch {
	case err != nil:
		return r, w, err
	case r.Failed() > 0:
		return r, w, fmt.Errorf("load: %d requests failed: %s", r.Failed(), r.ErrorText())
	case r.Operations == 0:
		return r, w, errors.New("load: no operations")
	case rate > 0 && r.Late.P99 > r.Latency.P99/2:
		return r, w, fmt.Errorf("load: the generator was late itself: p99 %.0f µs of %.0f µs",
			r.Late.P99, r.Latency.P99)
	}
	samples = slices.Concat([]host.Sample{from}, samples, []host.Sample{to})
	w, ok := m.gauge.window(samples, from.At, to.At)
	if !ok {
		return r, w, errStalled
	}
	return r, w, nil
}

// lightLoad asks for the preloaded objects, or writes over a set of keys.
func (m *comparison) lightLoad(server *target.Server) (load.Config, error) {
	w := m.scenario.Workload
	_, cores := m.cores()
	c := load.Config{
		Address: server.Address, Connections: w.Concurrent, Cores: cores, Seed: m.scenario.Run.Seed,
		Threads: max(1, min(len(cores), w.Concurrent)),
		Signer:  sign.New(server.AccessKey, server.SecretKey, server.Region()),
		Method: map[string]string{"get": http.MethodGet, "stat": http.MethodHead,
			"put": http.MethodPut}[w.Op],

		UnsignedPayload: w.PayloadSigning == "unsigned",
	}
	if w.Op != "put" {
		c.HashEvery = hashEvery
		c.Objects = m.objects(w.Objects)
		return c, nil
	}
	bodies := make([][]byte, max(1, min(putKeys, putBytesMax/int(w.ObjSize))))
	for i := range bodies {
		bodies[i] = make([]byte, w.ObjSize)
		content.Fill(bodies[i], m.scenario.Run.Seed, i)
	}
	for i := range putKeys {
		c.Objects = append(c.Objects, load.Object{Path: "/" + target.Bucket + "/" + content.Key(i),
			Bytes: int64(w.ObjSize), Body: bodies[i%len(bodies)]})
	}
	return c, nil
}

// objects are those that were preloaded; their hashes are made once.
func (m *comparison) objects(n int) []load.Object {
	if len(m.preloaded) == n && m.preloadedOf == m.hash {
		return m.preloaded
	}
	size, seed := int64(m.scenario.Workload.ObjSize), m.scenario.Run.Seed
	body := make([]byte, size)
	m.preloaded, m.preloadedOf = nil, m.hash
	for i := range n {
		content.Fill(body, seed, i)
		m.preloaded = append(m.preloaded, load.Object{Bytes: size, Sum: sha256.Sum256(body),
			Path: "/" + target.Bucket + "/" + content.Key(i)})
	}
	return m.preloaded
}

// lightFigures are those of the generator.
func lightFigures(r *load.Result) (f figure.Figures) {
	at := func(percent float64) time.Duration {
		return time.Duration(r.Histogram.ValueAtPercentile(percent))
	}
	f.Operations, f.PerSecond = int(r.Operations), r.PerSecond
	f.BytesPerSecond = float64(r.Bytes) / r.Seconds
	f.P50, f.P90, f.P99, f.P999 = at(50), at(90), at(99), at(99.9)
	for _, percent := range figure.Percents() {
		f.Quantiles = append(f.Quantiles, at(percent))
	}
	return f
}

// peakTime is how long the peak is looked for, beside the trims.
const peakTime = 3 * time.Second

// findRate measures the base's peak in a closed loop, which is not recorded, and sets the rate of
// the open loop for both sides. It is the peak on drives such as those of a leg: preloaded, or
// fresh. A resumed comparison keeps its rate.
func (m *comparison) findRate(ctx context.Context) (err error) {
	if m.rate = m.recordedRate(); m.rate > 0 {
		return nil
	}
	dir := m.data[pair.Base]
	if dir == "" {
		if dir, err = m.workspace.Fresh("peak"); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, m.workspace.Remove("peak")) }()
	}
	server, err := target.Start(ctx, m.timed(pair.Base, dir))
	if err != nil {
		return err
	}
	defer server.Kill()
	if err := server.MakeBucket(ctx); err != nil {
		return err
	}
	if err := m.cache(ctx, server, dir); err != nil {
		return err
	}
	run := m.scenario.Run
	a, err := m.applyLight(ctx, server, 0, run.TrimHead+peakTime+run.TrimTail)
	if err != nil {
		return fmt.Errorf("peak: %w", err)
	}
	m.rate = a.figures.PerSecond * float64(m.scenario.Workload.Rate) / 100
	fmt.Fprintf(m.messages, "  the base's peak is %.0f/s, asked for are %.0f/s\n",
		a.figures.PerSecond, m.rate)
	return server.Stop()
}
