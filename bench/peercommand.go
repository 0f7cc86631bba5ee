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
	control string // a second build of ours
	theirs  peer.Measured
	ours    peer.Measured
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
	if file.GetOnly { // it cannot list, which warp wants
		chosen.set.values = append(chosen.set.values, "workload.driver=load")
	}
	scenarios, err := chosen.load(operands[1:])
	if err != nil {
		return fmt.Errorf("%w: %w", errUsage, err)
	}
	if *control == "" {
		*control = o.server
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
	if err != nil && filepath.Base(f.Binary) == f.Binary {
		found, err = exec.LookPath("/usr/sbin/" + f.Binary)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w; install it, or say where it is with --binary: nothing is "+
			"downloaded", f.Name, err)
	}
	f.Binary, err = filepath.Abs(found)
	return f, err
}

// run measures contracts, then each scenario against the peer and against ourselves.
func (p *peerRun) run(ctx context.Context, scenarios []*scenario.Scenario, out io.Writer) error {
	if err := p.measureContracts(ctx); err != nil {
		return err
	}
	differ := !p.file.GetOnly && peer.Differ(p.theirs, p.ours)
	modes := []string{"full"}
	if differ {
		modes = append(modes, "relaxed")
	}
	p.plan(scenarios, func(*scenario.Scenario) int { return len(modes) + 1 })
	var against, control []record.Leg
	for _, sc := range scenarios {
		if err := p.check(sc); err != nil {
			return err
		}
		for _, mode := range modes {
			legs, err := p.compare(ctx, p.like(sc, mode), p.sides(mode))
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
	p.print(out, differ, report.Rows(against), report.Rows(control))
	return verdict(append(report.Rows(against), report.Rows(control)...))
}

func (p *peerRun) check(sc *scenario.Scenario) error {
	if p.file.GetOnly && sc.Workload.Op != "get" {
		return fmt.Errorf("%w: %s only reads, %s does not", errUsage, p.file.Name, sc.Name)
	}
	if sc.Server.TLS || sc.Server.Lost > 0 {
		return fmt.Errorf("%w: %s: neither TLS nor lost drives with peers", errUsage, sc.Name)
	}
	fmt.Fprintf(p.messages, "\n%s: %s\n", sc.Name, sc.Question)
	return nil
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

func (p *peerRun) sides(mode string) [2]contender {
	label := "flashstore"
	if mode != "full" {
		label += " (" + mode + ")"
	}
	return [2]contender{
		{label: p.file.Name, binary: p.file.Binary, foreign: p.file.Foreign()},
		{label: label, binary: p.options.server, axes: durable(mode)},
	}
}

func (p *peerRun) controlSides() [2]contender {
	return [2]contender{
		{label: "flashstore", binary: p.options.server, axes: durable("full")},
		{label: "flashstore again", binary: p.control, axes: durable("full")},
	}
}

// print writes the header, then losses before wins, then the control.
func (p *peerRun) print(out io.Writer, differ bool, rows, control []report.Row) {
	fmt.Fprintln(out)
	if !p.file.GetOnly {
		if differ {
			fmt.Fprintln(out, "NOT LIKE FOR LIKE: a 200 of a PUT is not worth the same.")
		}
		fmt.Fprintf(out, "  %s: %s\n  flashstore: %s\n", p.file.Name, p.theirs, p.ours)
		if p.file.AckContract != peer.Unknown && p.file.AckContract != p.theirs.Contract {
			fmt.Fprintf(out, "  its file says %s\n", p.file.AckContract)
		}
	} else {
		fmt.Fprintf(out, "%s serves files: no signatures, no checksums, no erasure coding. It is a "+
			"floor, not a rival.\n", p.file.Name)
	}
	slices.SortStableFunc(rows, func(a, b report.Row) int { return rank(a) - rank(b) })
	fmt.Fprintln(out)
	report.Table(out, append(slices.Clone(rows), control...))
	fmt.Fprintln(out)
	report.Conclude(out, rows)
	fmt.Fprintln(out, "Control, the same server twice: the interval should contain 1.")
	report.Conclude(out, control)
	fmt.Fprintf(out, "Record: %s, session %s.\n", p.index.Path(), p.id)
}

// rank puts what we lose first.
func rank(r report.Row) int {
	switch r.Verdict {
	case report.Worse:
		return 0
	case report.Better:
		return 2
	}
	return 1
}
