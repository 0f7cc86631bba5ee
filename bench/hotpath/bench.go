package hotpath

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"time"

	"flashstore/bench/host"
	"flashstore/bench/load"
	"flashstore/bench/target"
)

// bench is one run.
type bench struct {
	config    Config
	messages  io.Writer
	workspace *target.Workspace
	server    []int // cores
	client    []int

	drives       string
	small, large []load.Object
	ours, nginx  *side
	plain        *side   // nginx that opens each file
	open         []*side // to be closed
	rows         map[string]*Row
	report       Report
}

// step is a part of the run, with what it is expected to take.
type step struct {
	title string
	takes time.Duration
	run   func(ctx context.Context) (said string, err error)
}

// Run measures and returns the report. Progress goes to messages. Errors wrap ErrConfig where
// nothing was started, ErrInvalid where requests failed; ctx ends it early.
func Run(ctx context.Context, c Config, messages io.Writer) (_ *Report, err error) {
	b, err := newBench(c, messages)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, b.close()) }()
	release, err := host.PinProcess(b.client)
	defer func() { err = errors.Join(err, release()) }()
	if err != nil {
		return nil, err
	}
	var steps []step
	if c.Matrix {
		steps = append(b.preparation(false), b.matrixSteps()...)
	} else {
		steps = append(b.preparation(c.wants(RowGet1M)), b.rounds()...)
		steps = append(append(steps, b.startSteps()...), b.memorySteps()...)
	}
	if err := b.carryOut(ctx, steps); err != nil {
		return nil, err
	}
	b.finish()
	return &b.report, nil
}

func newBench(c Config, messages io.Writer) (*bench, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	if _, err := os.Stat(c.Server); err != nil {
		return nil, fmt.Errorf("%w: %w; make build", ErrConfig, err)
	}
	b := &bench{config: c, messages: messages, rows: map[string]*Row{}}
	b.config.Nginx = b.look(c.Nginx, "nginx", "no yardstick, so no ratios to it")
	b.config.Wrk = b.look(c.Wrk, "wrk", "no figures of it beside ours")
	if c.Pin {
		server, client := host.Split()
		if server == nil {
			b.note("one core: server and client share it, so figures are lower than they could be")
		} else {
			b.server, b.client = server[:1], client[:1]
		}
	}
	var err error
	if b.workspace, err = target.OpenWorkspace(c.Dir); err != nil {
		return nil, err
	}
	b.report.Machine, b.report.Config = host.TakeFingerprint(b.workspace.Path()), b.config
	return b, nil
}

// look finds a program, or says what its absence means.
func (b *bench) look(name, usual, without string) string {
	if name == "" {
		b.note(fmt.Sprintf("%s is left out: %s", usual, without))
		return ""
	}
	for _, path := range []string{name, "/usr/sbin/" + name} {
		if found, err := exec.LookPath(path); err == nil {
			return found
		}
	}
	b.note(fmt.Sprintf("%s is not installed: %s", name, without))
	return ""
}

// note is said at once and again below the table.
func (b *bench) note(text string) {
	if !slices.Contains(b.report.Notes, text) {
		b.report.Notes = append(b.report.Notes, text)
		fmt.Fprintln(b.messages, text)
	}
}

func (b *bench) close() error {
	b.stop()
	return b.workspace.Close()
}

// carryOut runs the steps and says after each how it went and how long the others may take.
func (b *bench) carryOut(ctx context.Context, steps []step) error {
	left := time.Duration(0)
	for _, s := range steps {
		left += s.takes
	}
	fmt.Fprintf(b.messages, "%d steps, about %s\n", len(steps), left.Round(time.Second))
	for i, s := range steps {
		if err := ctx.Err(); err != nil {
			return context.Cause(ctx)
		}
		said, err := s.run(ctx)
		if err != nil {
			return fmt.Errorf("%s: %w", s.title, err)
		}
		left -= s.takes
		fmt.Fprintf(b.messages, "  [%2d/%d] %-29s %s  (%s left)\n", i+1, len(steps), s.title, said,
			left.Round(time.Second))
	}
	return nil
}

// finish puts the rows in order.
func (b *bench) finish() {
	for _, known := range append(catalogue(), matrixRows()...) {
		if row := b.rows[known.Name]; row != nil {
			b.report.Rows = append(b.report.Rows, *row)
		}
	}
}
