package hotpath

import (
	"context"
	"fmt"
	"math"
	"net/http"
	"time"

	"flashstore/bench/content"
	"flashstore/bench/host"
	"flashstore/bench/load"
	"flashstore/bench/report"
	"flashstore/bench/target"
)

const (
	rssConnections = 256
	rssLeg         = 3 * time.Second
	// uploadBytes is one block of request memory; half of it has arrived when memory is read.
	uploadBytes = 64 << 10
	// steadyFor: resident memory is read once it has not moved by more than steadyShare so long.
	steadyFor   = 500 * time.Millisecond
	steadyEvery = 50 * time.Millisecond
	steadyShare = 0.002
	steadyMax   = 10 * time.Second
)

// memorySteps measure resident memory, each on a fresh process.
func (b *bench) memorySteps() (steps []step) {
	if b.config.wants(RowRSS) {
		steps = append(steps, step{"memory under load", rssLeg + time.Second, b.rssUnderLoad})
	}
	if b.config.wants(RowIdle) {
		steps = append(steps, step{"idle connections", 8 * time.Second,
			func(ctx context.Context) (string, error) {
				return b.perConnection(ctx, RowIdle, b.config.IdleConnections, b.idle)
			}})
	}
	if b.config.wants(RowActive) {
		steps = append(steps, step{"uploads in flight", 5 * time.Second,
			func(ctx context.Context) (string, error) {
				return b.perConnection(ctx, RowActive, b.config.ActiveConnections, b.upload)
			}})
	}
	return steps
}

func (b *bench) rssUnderLoad(ctx context.Context) (string, error) {
	b.stop()
	if _, err := b.startOurs(ctx, nil); err != nil {
		return "", err
	}
	watching, stop := context.WithCancel(ctx)
	samples := make(chan []host.Sample, 1)
	go func() { samples <- host.Watch(watching, b.ours.pid, b.ours.pid) }()
	g, err := b.load(ctx, b.ours, load.Config{Method: http.MethodGet, Objects: b.small,
		Connections: rssConnections, Duration: rssLeg})
	stop()
	most := int64(0)
	for _, sample := range <-samples {
		most = max(most, sample.Server.RSS)
	}
	if err != nil {
		return "", err
	}
	b.row(RowRSS).add(true, float64(most)/(1<<20), 0)
	return fmt.Sprintf("%.1f MiB; %s", float64(most)/(1<<20), g.said()), nil
}

// perConnection opens n connections to a server that has answered the warming pass and nothing
// else, and divides what its memory has grown by: whatever grows for the first time is put down to
// the connections. Then every connection has to finish what it has begun.
func (b *bench) perConnection(
	ctx context.Context, row string, n int, use func(*held) error,
) (string, error) {
	b.stop()
	if err := raiseFiles(n); err != nil {
		b.note(fmt.Sprintf("%s: left out: %v", row, err))
		return "left out", nil
	}
	if _, err := b.startOurs(ctx, nil); err != nil {
		return "", err
	}
	http.DefaultClient.CloseIdleConnections() // they would count among the server's own limit
	before, err := b.steadyRSS(ctx)
	if err != nil {
		return "", err
	}
	all := newHeld(b.ours, n)
	defer all.close()
	if err := use(all); err != nil {
		return "", err
	}
	after, err := b.steadyRSS(ctx)
	if err != nil {
		return "", err
	}
	if err := all.finish(); err != nil {
		return "", err
	}
	each := float64(after-before) / float64(n) / 1024
	b.row(row).add(true, each, 0)
	return fmt.Sprintf("%.2f KiB each: %s connections, %.1f MiB before, %.1f MiB with them", each,
		report.Number(float64(n)), float64(before)/(1<<20), float64(after)/(1<<20)), nil
}

// idle lets each connection have one answer, and another at the end.
func (b *bench) idle(all *held) error {
	get := func(c *heldConn) error {
		o := &b.small[c.number%len(b.small)]
		if err := ask(c.socket, b.ours, http.MethodGet, o, nil); err != nil {
			return err
		}
		return answered(c.socket, o)
	}
	all.last = get
	return all.open(get)
}

// upload sends half of an object on each connection, and the other half at the end.
func (b *bench) upload(all *held) error {
	body := make([]byte, uploadBytes)
	content.Fill(body, b.config.Seed, 0)
	half := len(body) / 2
	path := func(c *heldConn) string {
		return fmt.Sprintf("/%s/upload/%06d", target.Bucket, c.number)
	}
	all.last = func(c *heldConn) error {
		if _, err := c.socket.Write(body[half:]); err != nil {
			return err
		}
		return answered(c.socket, &load.Object{Path: path(c)})
	}
	return all.open(func(c *heldConn) error {
		o := load.Object{Path: path(c), Bytes: uploadBytes}
		return ask(c.socket, b.ours, http.MethodPut, &o, body[:half])
	})
}

// steadyRSS is the server's resident memory once it does not move any more.
func (b *bench) steadyRSS(ctx context.Context) (int64, error) {
	poll := time.NewTicker(steadyEvery)
	defer poll.Stop()
	var since time.Time
	low, high := int64(math.MaxInt64), int64(0)
	for began := time.Now(); ; {
		usage, err := host.ProcessUsage(b.ours.pid)
		if err != nil {
			return 0, err
		}
		low, high = min(low, usage.RSS), max(high, usage.RSS)
		if float64(high-low) > steadyShare*float64(high) {
			low, high, since = usage.RSS, usage.RSS, time.Now()
		}
		if time.Since(since) > steadyFor && time.Since(began) > steadyFor {
			return usage.RSS, nil
		}
		if time.Since(began) > steadyMax {
			return 0, fmt.Errorf("%w: resident memory does not come to rest in %s", ErrInvalid, steadyMax)
		}
		select {
		case <-ctx.Done():
			return 0, context.Cause(ctx)
		case <-poll.C:
		}
	}
}
