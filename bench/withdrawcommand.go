package bench

import (
	"context"
	"flag"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"flashstore/bench/record"
)

// withdrawCommand takes back what a session has measured of a scenario: figures that turned out to
// be of something else. Nothing is removed, a line is added.
func withdrawCommand(_ context.Context, args []string, out, messages io.Writer) error {
	flags := flag.NewFlagSet("withdraw", flag.ContinueOnError)
	path := flags.String("record", recordFile, "`file` of results")
	reason := flags.String("reason", "", "`text` that reports have in place of the figures")
	operands, err := parse(flags, args, out, messages)
	if err != nil {
		return err
	}
	words := strings.Fields(*reason) // on one line, however it was typed
	if len(operands) != 2 || len(words) == 0 {
		return fmt.Errorf("%w: flashbench withdraw SESSION SCENARIO --reason TEXT", errUsage)
	}
	lines, err := readRecord(*path, messages)
	if err != nil {
		return err
	}
	sessions, err := pick(lines, operands[:1])
	if err != nil {
		return fmt.Errorf("%w: %w", errUsage, err)
	}
	w := record.Withdrawal{Session: sessions[0].head.ID, Scenario: operands[1],
		Reason: strings.Join(words, " "), At: time.Now()}
	measured := map[string]bool{}
	for _, leg := range sessions[0].legs {
		measured[leg.Scenario] = true
	}
	if !measured[w.Scenario] {
		return fmt.Errorf("%w: session %s has nothing of scenario %q; there are: %s", errUsage,
			w.Session, w.Scenario, strings.Join(slices.Sorted(maps.Keys(measured)), ", "))
	}
	index, err := record.Open(*path)
	if err != nil {
		return err
	}
	if err := index.Append(record.Line{Withdrawn: &w}); err != nil {
		return err
	}
	fmt.Fprintf(out, "withdrawn: %s of session %s; make report writes that into the index too\n",
		w.Scenario, w.Session)
	return nil
}
