package bench

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"

	"flashstore/bench/load"
	"flashstore/bench/peer"
	"flashstore/bench/sign"
	"flashstore/bench/target"
)

// contractPuts of 4 KiB are counted, one after the other: nobody to share a sync with.
const contractPuts = 20

// contractPath begins the paths of these PUTs and of no others: they are known by it in a trace.
const contractPath = "/" + target.Bucket + "/contract/"

// theirConfig is how the peer is started.
func (p *peerRun) theirConfig() target.Config {
	return target.Config{Binary: p.file.Binary, Foreign: p.file.Foreign(), Drives: p.file.Drives,
		Parity: p.file.Parity}
}

// mustStart starts the peer once, by itself: one that cannot be started would be invalid in every
// leg, and under strace it could be strace that is not allowed.
func (p *peerRun) mustStart(ctx context.Context) error {
	c := p.theirConfig()
	var err error
	if c.Dir, err = p.workspace.Fresh("contract"); err != nil {
		return err
	}
	server, err := target.Start(ctx, c)
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case err != nil:
		return fmt.Errorf("%w: %s does not start, and so nothing is measured: %w", errInvalid,
			p.file.Name, err)
	}
	server.Kill()
	return nil
}

// measureContracts counts what the servers sync before they answer, in legs that nobody times.
// Where theirs is not what ours is by default, ours is shown in both modes.
func (p *peerRun) measureContracts(ctx context.Context) (err error) {
	p.modes, p.ours = []string{"full"}, map[string]peer.Measured{}
	if p.file.GetOnly {
		return nil
	}
	fmt.Fprintln(p.messages, "what is a 200 of a PUT worth?")
	p.theirs, err = p.measureContract(ctx, p.theirConfig())
	if err != nil {
		return fmt.Errorf("contract of %s: %w", p.file.Name, err)
	}
	fmt.Fprintf(p.messages, "  %s: %s\n", p.file.Name, p.theirs)
	if err := p.measureOurs(ctx, "full"); err != nil || !peer.Differ(p.theirs, p.ours["full"]) {
		return err
	}
	p.modes = append(p.modes, "relaxed")
	return p.measureOurs(ctx, "relaxed")
}

func (p *peerRun) measureOurs(ctx context.Context, mode string) (err error) {
	p.ours[mode], err = p.measureContract(ctx, target.Config{Binary: p.options.server,
		Axes: durable(mode), Drives: p.file.Drives, Parity: p.file.Parity})
	if err != nil {
		return fmt.Errorf("contract of ours: %w", err)
	}
	fmt.Fprintf(p.messages, "  %s: %s\n", ourLabel(mode), p.ours[mode])
	return nil
}

// measureContract counts syncs of one server. Ours tells by its own account, since no trace shows
// what a ring syncs; others are traced.
func (s *session) measureContract(
	ctx context.Context, c target.Config,
) (m peer.Measured, err error) {
	if c.Dir, err = s.workspace.Fresh("contract"); err != nil {
		return m, err
	}
	trace := filepath.Join(s.workspace.Path(), "contract.strace")
	if c.Foreign != nil {
		strace, err := exec.LookPath("strace")
		if err != nil {
			return peer.Measured{Contract: peer.Unknown, How: "strace is not installed"}, nil
		}
		c.Trace = []string{strace, "-f", "-q", "-s", strconv.Itoa(peer.TraceStrings), "-o", trace,
			"-e", "trace=" + peer.TraceCalls}
	}
	server, err := target.Start(ctx, c)
	if err != nil && c.Foreign != nil {
		fmt.Fprintf(s.messages, "  under strace: %v\n", err)
		why, _, _ := strings.Cut(err.Error(), "\n") // without its log: it goes with every leg
		return peer.Measured{Contract: peer.Unknown, How: "it does not start under strace: " + why},
			ctx.Err()
	}
	if err != nil {
		return m, err
	}
	defer server.Kill()
	if err := server.MakeBucket(ctx); err != nil {
		return m, err
	}
	if c.Foreign == nil {
		return countOwnSyncs(ctx, server)
	}
	// One more than is counted: once its request is there, the answer before it has been written down.
	if err := runAll(ctx, contractLoad(server, contractPuts+1)); err != nil {
		return m, err
	}
	return readTrace(trace)
}

func countOwnSyncs(ctx context.Context, server *target.Server) (m peer.Measured, err error) {
	before, err := server.Status(ctx)
	if err != nil {
		return m, err
	}
	if err := runAll(ctx, contractLoad(server, contractPuts)); err != nil {
		return m, err
	}
	after, err := server.Status(ctx)
	if err != nil {
		return m, err
	}
	return peer.Of(after.Cost.SyncedWrites-before.Cost.SyncedWrites, contractPuts,
		"by its own account"), nil
}

func readTrace(path string) (m peer.Measured, err error) {
	f, err := os.Open(path)
	if err != nil {
		return m, err
	}
	defer f.Close()
	t := peer.Trace{Request: http.MethodPut + " " + contractPath}
	if err := t.Read(f); err != nil {
		return m, err
	}
	return t.Contract(contractPuts), nil
}

func contractLoad(server *target.Server, puts int) load.Config {
	c := load.Config{Address: server.Address, Method: http.MethodPut, Connections: 1, Once: true,
		Duration: countTimeMax, Signer: sign.New(server.AccessKey, server.SecretKey, server.Region())}
	body := make([]byte, 4<<10)
	for i := range puts {
		c.Objects = append(c.Objects, load.Object{Path: contractPath + strconv.Itoa(i),
			Bytes: int64(len(body)), Body: body})
	}
	return c
}
