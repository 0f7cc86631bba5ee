package hotpath

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"flashstore/bench/pair"
	"flashstore/bench/scenario"
)

// matrixConfigurations are the parts that the request path is made of.
func matrixConfigurations() (all []scenario.Configuration) {
	for _, netloop := range []string{"epoll", "netconn", "nethttp"} {
		for _, allocator := range []string{"arena", "syncpool", "heap"} {
			all = append(all, scenario.Configuration{
				{Axis: "netloop", Value: netloop}, {Axis: "allocator", Value: allocator}})
		}
	}
	return all
}

func matrixRows() (rows []Row) {
	for _, c := range matrixConfigurations() {
		rows = append(rows, Row{Name: c.String(), Unit: "/s", Than: "nginx",
			Title: "GET 4 KiB, " + c[0].Value + " + " + c[1].Value})
	}
	return rows
}

// matrixSteps measure each configuration on a fresh process beside a leg of nginx, in an order that
// is drawn anew for each repetition.
func (b *bench) matrixSteps() (steps []step) {
	random := rand.New(rand.NewPCG(b.config.Seed, 0))
	all := matrixConfigurations()
	orders := pair.Order(b.config.Repetitions*len(all), b.config.Seed)
	for range b.config.Repetitions {
		random.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
		for _, c := range all {
			order := orders[len(steps)]
			steps = append(steps, step{c[0].Value + " + " + c[1].Value,
				2*(b.config.Warmup+b.config.Leg) + time.Second,
				func(ctx context.Context) (string, error) { return b.matrixPair(ctx, c, order) }})
		}
	}
	return steps
}

// matrixPair starts a server for a configuration, lets it prove what it is, and measures both.
func (b *bench) matrixPair(
	ctx context.Context, c scenario.Configuration, order [2]pair.Side,
) (said string, err error) {
	if err := b.startNginx(ctx); err != nil {
		return "", err
	}
	if err := b.startProven(ctx, c); err != nil {
		return "", err
	}
	defer b.stopOurs()
	for _, which := range order {
		s := map[pair.Side]*side{pair.Base: b.nginx, pair.Candidate: b.ours}[which]
		if s == nil {
			continue // no nginx
		}
		g, err := b.closed(ctx, s, "GET", b.small, 0)
		if err != nil {
			return "", fmt.Errorf("%s: %w", c, err)
		}
		b.judgeClient(c.String(), &g)
		b.row(c.String()).add(which == pair.Candidate, g.PerSecond, g.serverMicros())
		if which == pair.Candidate {
			said = g.said()
		}
	}
	return said, nil
}
