package bench

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"flashstore/bench/content"
	"flashstore/bench/gate"
	"flashstore/bench/host"
	"flashstore/bench/load"
	"flashstore/bench/record"
	"flashstore/bench/sign"
	"flashstore/bench/target"
)

// countRequest is a request whose cost is counted, one connection asking for one after the other.
type countRequest struct {
	name, method, bucket string
	bytes, requests      int
}

func countRequests() []countRequest {
	return []countRequest{
		{"PUT 4 KiB", http.MethodPut, "counts-4k", 4 << 10, 400},
		{"GET 4 KiB", http.MethodGet, "counts-4k", 4 << 10, 400},
		{"HEAD 4 KiB", http.MethodHead, "counts-4k", 4 << 10, 400},
		{"PUT 1 MiB", http.MethodPut, "counts-1m", 1 << 20, 60},
		{"GET 1 MiB", http.MethodGet, "counts-1m", 1 << 20, 60},
	}
}

// countRepetitions on fresh processes show which counts differ by themselves.
const countRepetitions = 4

// countTimeMax bounds one load of counts.
const countTimeMax = 2 * time.Minute

// countRestMax is how long a server may go on with what it was given before reads are counted.
const countRestMax = 5 * time.Second

// gateCounts compares what requests cost two servers in counts, in turns. The ledgers are of all
// that it compares, the findings of what differs.
func (s *session) gateCounts(
	ctx context.Context, o *gateOptions,
) (findings []gate.CountFinding, ledgers []gate.Ledger, err error) {
	fmt.Fprintf(s.messages, "counts per request, %d times each\n", countRepetitions)
	all := [2]map[string][]gate.Counts{{}, {}}
	for repetition := range countRepetitions {
		for i := range all {
			side := (i + repetition) % len(all) // in turns, so that neither is always first
			c := o.sides()[side]
			got, err := s.counts(ctx, &c, o.requests, repetition+1)
			if err != nil {
				return nil, nil, fmt.Errorf("counts: %s: %w", c.label, err)
			}
			for name, counts := range got {
				all[side][name] = append(all[side][name], counts)
			}
		}
	}
	for _, r := range o.requests {
		base, candidate := all[0][r.name], all[1][r.name]
		findings = append(findings, gate.CompareCounts(r.name, base, candidate)...)
		ledgers = append(ledgers, gate.LedgerOf(r.name, base, candidate))
	}
	return findings, ledgers, nil
}

// counts are those of a repetition: recorded before, or counted and recorded now.
func (s *session) counts(
	ctx context.Context, c *contender, requests []countRequest, repetition int,
) (map[string]map[string]float64, error) {
	for _, r := range s.counted {
		if r.Side == c.label && r.Repetition == repetition {
			return r.PerRequest, nil
		}
	}
	got, err := s.countOnce(ctx, c, requests)
	if err != nil {
		return nil, err
	}
	return got, s.add(record.Line{Counts: &record.Counts{Session: s.id, Side: c.label,
		Repetition: repetition, PerRequest: got}})
}

// countOnce starts a server on fresh drives and counts each kind of request.
func (s *session) countOnce(
	ctx context.Context, c *contender, requests []countRequest,
) (out map[string]map[string]float64, err error) {
	dir, err := s.workspace.Fresh("counts")
	if err != nil {
		return nil, err
	}
	server, err := target.Start(ctx, target.Config{Binary: c.binary, Env: c.env, Dir: dir, Drives: 4,
		Parity: 2})
	if err != nil {
		return nil, err
	}
	defer server.Kill()
	out = map[string]map[string]float64{}
	exact := false
	for _, r := range requests {
		if err := server.MakeBucketNamed(ctx, r.bucket); err != nil {
			return nil, err
		}
		counts, err := r.count(ctx, server)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", r.name, err)
		}
		out[r.name], exact = counts, exact || counts.Decide(r.name)
	}
	if !exact {
		return nil, errors.New("the server's status has no exact counts: leave them out by " +
			"--counts=false")
	}
	return out, server.Stop()
}

// count asks, and divides what the server has spent by the number of requests.
func (r *countRequest) count(ctx context.Context, server *target.Server) (gate.Counts, error) {
	c := r.load(server)
	if r.method != http.MethodPut {
		// What a first read brings into memory is not counted, nor what the writes before left to be
		// done within 100 ms: whether the reads are by then under way depends on time.
		if err := runAll(ctx, c); err != nil {
			return nil, err
		}
		if err := host.AwaitIdle(ctx, server.PID(), countRestMax); err != nil {
			return nil, err
		}
	}
	before, err := server.Status(ctx)
	if err != nil {
		return nil, err
	}
	if err := runAll(ctx, c); err != nil {
		return nil, err
	}
	after, err := server.Status(ctx)
	if err != nil {
		return nil, err
	}
	counts := after.Cost.PerRequest(&before.Cost)
	if len(counts) == 0 {
		return nil, errors.New("the server's status has no counts: leave them out by --counts=false")
	}
	return counts, nil
}

func (r *countRequest) load(server *target.Server) load.Config {
	c := load.Config{Address: server.Address, Method: r.method, Connections: 1, Once: true,
		Duration: countTimeMax, Presigned: true,
		Signer: sign.New(server.AccessKey, server.SecretKey, target.Region)}
	body := make([]byte, r.bytes)
	content.Fill(body, 1, 0)
	for i := range r.requests {
		o := load.Object{Path: "/" + r.bucket + "/" + content.Key(i), Bytes: int64(r.bytes)}
		if r.method == http.MethodPut {
			o.Body = body
		}
		c.Objects = append(c.Objects, o)
	}
	return c
}

// runAll applies a load of which nothing may fail.
func runAll(ctx context.Context, c load.Config) error {
	r, err := load.Run(ctx, c)
	if err != nil {
		return err
	}
	if r.Failed() > 0 || r.Operations != uint64(len(c.Objects)) {
		return fmt.Errorf("%d of %d requests: %s", r.Operations, len(c.Objects), r.ErrorText())
	}
	return nil
}
