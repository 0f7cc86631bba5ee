package hotpath

import (
	"context"
	"fmt"
	"os"
	"time"

	"flashstore/bench/host"
	"flashstore/bench/load"
	"flashstore/bench/report"
	"flashstore/bench/sign"
	"flashstore/bench/target"
)

// side is a server under load: ours, or nginx.
type side struct {
	name    string
	address string
	pid     int
	signer  *sign.Signer                                 // nil: unsigned
	status  func(context.Context) (target.Status, error) // nil: not ours
	close   func()
	peak    float64 // operations per second of its last closed loop
}

// leg is one load and what it cost.
type leg struct {
	load.Result
	server, client, busy time.Duration // CPU time within the window
}

// serverMicros is the server's CPU time per operation, in microseconds.
func (g *leg) serverMicros() float64 {
	return float64(g.server) / float64(time.Microsecond) / float64(g.Operations)
}

// shares of the window that server and client spent on a CPU.
func (g *leg) shares() (server, client float64) {
	return g.server.Seconds() / g.Seconds, g.client.Seconds() / g.Seconds
}

// load puts c on s; address, signature and place of the threads are filled in. Errors: what failed,
// wrapping ErrInvalid.
func (b *bench) load(ctx context.Context, s *side, c load.Config) (leg, error) {
	c.Address, c.Signer, c.Presigned = s.address, s.signer, true
	c.Cores, c.Seed = b.client, b.config.Seed
	if c.Connections == 0 {
		c.Connections = b.config.Connections
	}
	var g leg
	c.Edge = func(begins bool) {
		direction := time.Duration(1)
		if begins {
			direction = -1
		}
		// Both processes live as long as the leg; without an account the figure is absurd and seen.
		server, _ := host.ProcessUsage(s.pid)
		client, _ := host.ProcessUsage(os.Getpid())
		machine, _ := host.MachineUsage()
		g.server += direction * server.CPU
		g.client += direction * client.CPU
		g.busy += direction * machine.Busy
	}
	before, err := s.account(ctx)
	if err != nil {
		return leg{}, fmt.Errorf("%s: status: %w", s.name, err)
	}
	g.Result, err = load.Run(ctx, c)
	switch {
	case err != nil:
		return leg{}, fmt.Errorf("%s: %w", s.name, err)
	case g.Failed() > 0:
		return leg{}, fmt.Errorf("%w: %s: %s", ErrInvalid, s.name, g.ErrorText())
	case g.Operations == 0:
		return leg{}, fmt.Errorf("%w: %s: no operations", ErrInvalid, s.name)
	}
	after, err := s.account(ctx)
	if err == nil && s.status != nil && c.Rate == 0 && !c.Once && !b.config.Matrix {
		b.spent(&c, &before, &after)
	}
	return g, err
}

// said is a leg in a line of progress.
func (g *leg) said() string {
	server, client := g.shares()
	return fmt.Sprintf("%9s/s  %7s µs CPU/op  busy: server %3.0f%%, client %3.0f%%",
		report.Number(g.PerSecond), report.Number(g.serverMicros()), 100*server, 100*client)
}
