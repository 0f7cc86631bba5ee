package bench

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"slices"

	"flashstore/bench/peer"
	"flashstore/bench/record"
	"flashstore/bench/report"
	"flashstore/bench/scenario"
)

// peerScenarios are those that a peer is measured by unless told otherwise; those that only read
// for servers of static files.
func peerScenarios(getOnly bool) []string {
	if getOnly {
		return []string{"get-4k", "get-1m"}
	}
	return []string{"put-4k", "get-4k", "put-1m", "get-1m"}
}

// peerRun is a peer beside ours.
type peerRun struct {
	*session
	file    *peer.File
	control string   // a second build of ours
	modes   []string // of durability, in which ours is shown
	theirs  peer.Measured
	ours    map[string]peer.Measured // by mode
}

func peerCommand(ctx context.Context, args []string, out, messages io.Writer) (err error) {
	o := options{purpose: "peer", args: withoutResume(args)}
	flags := flag.NewFlagSet("peer", flag.ContinueOnError)
	chosen := newChoice(flags)
	flags.StringVar(&o.server, "server", "bin/flashstore", "our server `binary`")
	control := flags.String("control", "", "a second build of our server for the control row; "+
		"without it the same `binary`")
	binary := flags.String("binary", "", "the peer's `program`, in place of the one in its file")
	o.flags(flags)
	operands, err := parse(flags, args, out, messages)
	if err != nil {
		return err
	}
	if len(operands) == 0 {
		return fmt.Errorf("%w: flashbench peer PEER.yaml [SCENARIO.yaml...]; examples are in peers/",
			errUsage)
	}
	file, err := loadPeer(operands[0], *binary)
	if err != nil {
		return fmt.Errorf("%w: %w", errUsage, err)
	}
	if len(operands) == 1 && len(chosen.only.values) == 0 {
		chosen.only.values = peerScenarios(file.GetOnly)
	}
	chosen.own = preferLight
	chosen.fixed = fixed{scenario.MatrixKeys(),
		"a peer is compared with the server's own defaults; flashbench run compares levels"}
	scenarios, err := chosen.load(operands[1:])
	if err != nil {
		return fmt.Errorf("%w: %w", errUsage, err)
	}
	if err := checkPeer(file, scenarios); err != nil {
		return err
	}
	if *control == "" {
		*control = o.server
	}
	if o.peer, err = file.Hash(); err != nil {
		return err
	}
	o.others = map[string]string{"peer": file.Binary, "control": *control}
	o.withoutWarp = !needWarp(scenarios)
	s, err := openSession(o, messages)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	p := &peerRun{session: s, file: file, control: *control}
	return p.run(ctx, scenarios, out)
}

// loadPeer reads a peer file and finds its program, which the user supplies.
func loadPeer(path, binary string) (*peer.File, error) {
	f, err := peer.Load(path)
	if err != nil {
		return nil, err
	}
	if binary != "" {
		f.Binary = binary
	}
	found, err := exec.LookPath(f.Binary)
	if err != nil && filepath.Base(f.Binary) == f.Binary { // what PATH has only for root
		if system, missing := exec.LookPath("/usr/sbin/" + f.Binary); missing == nil {
			found, err = system, nil
		}
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w; install it, or say where it is with --binary: nothing is "+
			"downloaded", f.Name, err)
	}
	f.Binary, err = filepath.Abs(found)
	return f, err
}

// preferLight lets our own driver ask where it can, unless --set says otherwise: it counts every
// request that fails. warp tries some of them again without a word, and of its own errors only our
// server tells.
func preferLight(wanted *scenario.Scenario) []string {
	w := &wanted.Workload
	if (w.Op == "get" || w.Op == "put") && w.RangeSize == 0 && !wanted.Server.TLS {
		return []string{"workload.driver=load"}
	}
	return nil
}

// checkPeer refuses what cannot be asked of a peer, before anything is measured.
func checkPeer(file *peer.File, scenarios []*scenario.Scenario) error {
	for _, sc := range scenarios {
		switch {
		case sc.Server.TLS || sc.Server.Lost > 0:
			return fmt.Errorf("%w: %s: neither TLS nor lost drives with peers", errUsage, sc.Name)
		case file.GetOnly && sc.Workload.Op != "get":
			return fmt.Errorf("%w: %s only reads, %s does not", errUsage, file.Name, sc.Name)
		case file.GetOnly && sc.Workload.Driver == "warp":
			return fmt.Errorf("%w: %s only reads; warp, which %s needs, lists too", errUsage, file.Name,
				sc.Name)
		}
	}
	return nil
}

// run measures contracts, then each scenario against the peer and against ourselves.
func (p *peerRun) run(ctx context.Context, scenarios []*scenario.Scenario, out io.Writer) error {
	if err := p.mustStart(ctx); err != nil {
		return err
	}
	if err := p.measureContracts(ctx); err != nil {
		return err
	}
	p.plan(scenarios, func(*scenario.Scenario) int { return len(p.modes) + 1 })
	var against, control []record.Leg
	for _, sc := range scenarios {
		fmt.Fprintf(p.messages, "\n%s: %s\n", sc.Name, sc.Question)
		for _, mode := range p.modes {
			legs, err := p.against(ctx, p.like(sc, mode), mode)
			against = append(against, legs...)
			if err != nil {
				return err
			}
		}
		legs, err := p.compare(ctx, p.like(sc, "full"), p.controlSides())
		control = append(control, legs...)
		if err != nil {
			return err
		}
	}
	if err := p.end(); err != nil {
		return err
	}
	rows, controls := report.Rows(against), report.Rows(control)
	p.print(out, rows, controls)
	return verdict(slices.Concat(rows, controls))
}

// against compares ours, in a mode of durability, with the peer. What the figures cannot say goes
// with each leg, so that nobody prints them later without it.
func (p *peerRun) against(
	ctx context.Context, sc *scenario.Scenario, mode string,
) ([]record.Leg, error) {
	m, err := p.newComparison(sc, p.sides(mode))
	if err != nil {
		return nil, err
	}
	if m.caveat = p.floor(); m.caveat == "" {
		m.caveat = peer.Unlike(p.theirs, p.ours[mode])
	}
	return m.run(ctx, stage{pairs: sc.Run.Pairs, seed: sc.Run.Seed})
}

// like is the scenario with the peer's drives.
func (p *peerRun) like(sc *scenario.Scenario, durability string) *scenario.Scenario {
	changed := *sc
	changed.Server.Drives, changed.Server.Parity = p.file.Drives, p.file.Parity
	changed.Server.Durability = durability
	return &changed
}

func durable(mode string) scenario.Configuration {
	return scenario.Configuration{{Axis: "durability", Value: mode}}
}

// ourLabel is what our server is called in a mode of durability.
func ourLabel(mode string) string {
	if mode == "full" {
		return ourName
	}
	return ourName + " (" + mode + ")"
}

func (p *peerRun) sides(mode string) [2]contender {
	return [2]contender{
		{label: p.file.Name, binary: p.file.Binary, foreign: p.file.Foreign()},
		{label: ourLabel(mode), binary: p.options.server, axes: durable(mode)},
	}
}

func (p *peerRun) controlSides() [2]contender {
	return [2]contender{
		{label: ourName, binary: p.options.server, axes: durable("full")},
		{label: ourName + " again", binary: p.control, axes: durable("full")},
	}
}

// floor says what a server of static files is beside ours; empty for others.
func (p *peerRun) floor() string {
	if !p.file.GetOnly {
		return ""
	}
	return fmt.Sprintf("%s: %s serves files, without signatures, checksums and erasure coding: a "+
		"floor, not a rival", peer.NotLikeForLike, p.file.Name)
}

// print writes the header, then losses before wins, then the control.
func (p *peerRun) print(out io.Writer, rows, control []report.Row) {
	rows = report.LossesFirst(rows)
	fmt.Fprintln(out)
	p.printHeader(out)
	fmt.Fprintln(out)
	report.Table(out, slices.Concat(rows, control))
	fmt.Fprintln(out)
	report.Conclude(out, rows)
	fmt.Fprintln(out, "Control, the same server twice: the interval should contain 1.")
	report.Conclude(out, control)
	for i := range control {
		if r := &control[i]; r.Verdict == report.Better || r.Verdict == report.Worse {
			fmt.Fprintf(out, "%s: THE CONTROL DIFFERS: believe no row of this scenario.\n", r.Scenario)
		}
	}
	fmt.Fprintf(out, "Record: %s, session %s.\n", p.index.Path(), p.id)
}

// printHeader says what the figures below it can be compared for.
func (p *peerRun) printHeader(out io.Writer) {
	if floor := p.floor(); floor != "" {
		fmt.Fprintln(out, floor)
		return
	}
	unlike := peer.Unlike(p.theirs, p.ours["full"])
	if unlike != "" {
		fmt.Fprintln(out, unlike)
	}
	fmt.Fprintf(out, "  %s: %s\n", p.file.Name, p.theirs)
	for _, mode := range p.modes {
		fmt.Fprintf(out, "  %s: %s\n", ourLabel(mode), p.ours[mode])
	}
	if p.file.AckContract != peer.Unknown && p.file.AckContract != p.theirs.Contract {
		fmt.Fprintf(out, "  its file says %s\n", p.file.AckContract)
	}
	fmt.Fprintf(out, "  drives %d, parity %d\n", p.file.Drives, p.file.Parity)
}
