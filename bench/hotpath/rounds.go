package hotpath

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"flashstore/bench/load"
	"flashstore/bench/pair"
	"flashstore/bench/report"
)

// largeConnections is for bodies of 1 MiB: few, or the client's own cache is what is measured.
const largeConnections = 16

// rounds are the repetitions: in each, every row's two legs stand side by side.
func (b *bench) rounds() []step {
	if !b.config.wants(RowGet4K, RowPlain, RowGet1M, RowHead, RowOpen, RowWrk) {
		return nil
	}
	steps := []step{{"start and warm", 2 * time.Second, func(ctx context.Context) (string, error) {
		if err := b.startProven(ctx, nil); err != nil {
			return "", err
		}
		return axesText(b.report.Axes), b.startNginx(ctx)
	}}}
	for _, order := range pair.Order(b.config.Repetitions, b.config.Seed) {
		if b.config.wants(RowGet4K, RowPlain, RowHead, RowOpen) {
			steps = append(steps, b.both("GET 4 KiB", order, b.get4K)...)
		}
		if b.config.wants(RowHead) {
			steps = append(steps, b.step("HEAD", pair.Candidate, b.head))
		}
		if b.config.wants(RowPlain) && b.config.Nginx != "" {
			steps = append(steps, b.step("GET 4 KiB, each opened", pair.Base, b.get4KPlain))
		}
		if b.config.wants(RowOpen) {
			steps = append(steps, b.both("open loop", order, b.openLoop)...)
		}
		if b.config.wants(RowGet1M) {
			steps = append(steps, b.both("GET 1 MiB", order, b.get1M)...)
		}
		if b.config.wants(RowWrk) && b.config.Wrk != "" {
			steps = append(steps, b.both("wrk", order, b.wrk)...)
		}
	}
	return steps
}

// measurement is one leg of a row. Our server is the candidate, nginx the base.
type measurement func(ctx context.Context, s *side, ours bool) (said string, err error)

func (b *bench) both(title string, order [2]pair.Side, m measurement) (steps []step) {
	for _, which := range order {
		if which == pair.Candidate || b.config.Nginx != "" {
			steps = append(steps, b.step(title, which, m))
		}
	}
	return steps
}

func (b *bench) step(title string, which pair.Side, m measurement) step {
	name := map[pair.Side]string{pair.Base: "nginx", pair.Candidate: "flashstore"}[which]
	return step{title + ", " + name, b.config.Warmup + b.config.Leg + 100*time.Millisecond,
		func(ctx context.Context) (string, error) {
			if which == pair.Base {
				return m(ctx, b.nginx, false)
			}
			return m(ctx, b.ours, true)
		}}
}

// add notes a value of a row, and the server's CPU time per operation if that is known.
func (r *Row) add(ours bool, value, cpuMicros float64) {
	if ours {
		r.Ours = append(r.Ours, value)
	} else {
		r.Base = append(r.Base, value)
	}
	switch {
	case cpuMicros == 0:
	case ours:
		r.OursCPU = append(r.OursCPU, cpuMicros)
	default:
		r.BaseCPU = append(r.BaseCPU, cpuMicros)
	}
}

// closed is a leg of a closed loop.
func (b *bench) closed(
	ctx context.Context, s *side, method string, objects []load.Object, connections int,
) (leg, error) {
	return b.load(ctx, s, load.Config{Method: method, Objects: objects, Connections: connections,
		Warmup: b.config.Warmup, Duration: b.config.Warmup + b.config.Leg})
}

func (b *bench) get4K(ctx context.Context, s *side, ours bool) (string, error) {
	g, err := b.closed(ctx, s, http.MethodGet, b.small, 0)
	if err != nil {
		return "", err
	}
	s.peak = g.PerSecond
	b.judgeClient(RowGet4K, &g)
	b.row(RowGet4K).add(ours, g.PerSecond, g.serverMicros())
	return g.said(), nil
}

// get4KPlain is compared with our GET leg of the same round.
func (b *bench) get4KPlain(ctx context.Context, _ *side, _ bool) (string, error) {
	g, err := b.closed(ctx, b.plain, http.MethodGet, b.small, 0)
	if err != nil {
		return "", err
	}
	row, get := b.row(RowPlain), b.row(RowGet4K)
	b.judgeClient(RowPlain, &g)
	row.add(true, get.Ours[len(get.Ours)-1], get.OursCPU[len(get.OursCPU)-1])
	row.add(false, g.PerSecond, g.serverMicros())
	return g.said(), nil
}

// head is compared with the GET leg of the same round.
func (b *bench) head(ctx context.Context, s *side, _ bool) (string, error) {
	g, err := b.closed(ctx, s, http.MethodHead, b.small, 0)
	if err != nil {
		return "", err
	}
	row, get := b.row(RowHead), b.row(RowGet4K)
	b.judgeClient(RowHead, &g)
	row.add(true, g.PerSecond, g.serverMicros())
	row.add(false, get.Ours[len(get.Ours)-1], get.OursCPU[len(get.OursCPU)-1])
	return g.said(), nil
}

func (b *bench) get1M(ctx context.Context, s *side, ours bool) (string, error) {
	g, err := b.closed(ctx, s, http.MethodGet, b.large, largeConnections)
	if err != nil {
		return "", err
	}
	b.judgeClient(RowGet1M, &g)
	b.row(RowGet1M).add(ours, g.PerSecond, g.serverMicros())
	return g.said(), nil
}

// openLoop asks at half of what the server did in the closed loop of this round.
func (b *bench) openLoop(ctx context.Context, s *side, ours bool) (string, error) {
	g, err := b.load(ctx, s, load.Config{Method: http.MethodGet, Objects: b.small, Rate: s.peak / 2,
		Warmup: b.config.Warmup, Duration: b.config.Warmup + b.config.Leg})
	if err != nil {
		return "", err
	}
	if g.Late.P999 > g.Latency.P999/2 {
		b.note(RowOpen + ": the generator itself was late in some legs of " + s.name +
			": its latencies are too high")
	}
	b.row(RowOpen).add(ours, g.Latency.P999, g.serverMicros())
	return fmt.Sprintf("%9s/s  p50 %s µs, p99 %s, p99.9 %s; generator late %s",
		report.Number(g.PerSecond), report.Number(g.Latency.P50), report.Number(g.Latency.P99),
		report.Number(g.Latency.P999), report.Number(g.Late.P999)), nil
}

// boundShare of a core taken by the client, with the server idle part of the time, is client-bound.
const boundShare = 0.95

// judgeClient notes where the client and not the server was the limit.
func (b *bench) judgeClient(row string, g *leg) {
	if server, client := g.shares(); client > boundShare && server < boundShare {
		b.note(row + ": client-bound in some legs: the ratio of CPU per operation says more")
	}
}
