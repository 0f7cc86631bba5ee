package bench

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"flashstore/bench/pair"
	"flashstore/bench/record"
	"flashstore/bench/scenario"
)

func profileCommand(ctx context.Context, args []string, out, messages io.Writer) (err error) {
	o := options{purpose: "profile", args: args, withoutWarp: true}
	flags := flag.NewFlagSet("profile", flag.ContinueOnError)
	chosen := newScenarioChoice(flags)
	flags.BoolVar(&chosen.quick, "quick", false, "short legs: a look")
	flags.StringVar(&o.server, "server", "bin/flashstore", "server `binary`")
	html := flags.String("html", "", "page to write: one `file` that needs no other")
	o.placeFlags(flags)
	files, err := parse(flags, args, out, messages)
	if err != nil {
		return err
	}
	if len(chosen.only.values) == 0 && len(files) == 0 {
		chosen.only.values = gateScenarios()
	}
	chosen.own = profileChanges
	scenarios, err := chosen.load(files)
	if err != nil {
		return fmt.Errorf("%w: %w", errUsage, err)
	}
	if err := checkOutputs(*html); err != nil {
		return err
	}
	s, err := openSession(o, messages)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	for _, sc := range scenarios {
		if err := s.profileScenario(ctx, sc, out); err != nil {
			return err
		}
	}
	if err := s.end(); err != nil || *html == "" {
		return err
	}
	lines, err := readRecord(o.index, messages)
	if err != nil {
		return err
	}
	sessions, err := pickAny(lines, s.id)
	if err != nil {
		return err
	}
	return writePage(*html, newPage(lines, sessions, filepath.Dir(o.index)), out)
}

// profileChanges are the light driver for all, which can be told how many requests to make, and the
// event loop whose I/O engines differ.
func profileChanges(*scenario.Scenario) []string {
	return []string{"workload.driver=load", "netloop=epoll", "ioengine=threadpool,uring"}
}

// pickAny is a session even if it has no legs.
func pickAny(lines []record.Line, id string) ([]recorded, error) {
	for _, line := range lines {
		if line.Session != nil && line.Session.ID == id {
			return []recorded{{head: *line.Session}}, nil
		}
	}
	return nil, fmt.Errorf("no session %s", id)
}

// profileScenario profiles the base and each candidate of a scenario, in legs that nobody times.
func (s *session) profileScenario(
	ctx context.Context, sc *scenario.Scenario, out io.Writer,
) (err error) {
	fmt.Fprintf(s.messages, "\n%s, profiled\n", sc.Name)
	done := map[string]bool{}
	for _, c := range sc.Comparisons() {
		m, err := s.newComparison(sc, s.contenders(c))
		if err != nil {
			return err
		}
		reason, err := m.prepare(ctx)
		if err == nil && reason != "" {
			err = errors.New(reason)
		}
		for side := pair.Base; err == nil && side <= pair.Candidate; side++ {
			if label := m.sides[side].label; !done[label] {
				done[label] = true
				err = m.profileSide(ctx, side, out)
			}
		}
		if err := errors.Join(err, m.cleanUp()); err != nil {
			return fmt.Errorf("%s: %w", sc.Name, err)
		}
	}
	return nil
}

func (m *comparison) profileSide(ctx context.Context, side pair.Side, out io.Writer) error {
	p := record.Profile{Session: m.id, Scenario: m.scenario.Name, Label: m.sides[side].label,
		At: time.Now(), Files: map[string]string{}, Numbers: map[string]float64{}}
	dir := filepath.Join(m.raw, fmt.Sprintf("profile-%s-%s", p.Scenario, p.Label))
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	if err := m.profileLeg(ctx, side, dir, &p); err != nil {
		return err
	}
	if err := m.traceLeg(ctx, side, &p); err != nil {
		return err
	}
	printProfile(out, &p)
	return m.add(record.Line{Profile: &p})
}
