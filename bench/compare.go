package bench

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"strings"

	"flashstore/bench/record"
	"flashstore/bench/report"
)

func compareCommand(_ context.Context, args []string, out, messages io.Writer) error {
	flags := flag.NewFlagSet("compare", flag.ContinueOnError)
	path := flags.String("record", recordFile, "`file` of results")
	ids, err := parse(flags, args, out, messages)
	if err != nil {
		return err
	}
	if len(ids) > 2 {
		return fmt.Errorf("%w: at most two sessions; without any the last is printed", errUsage)
	}
	lines, err := readRecord(*path, messages)
	if err != nil {
		return err
	}
	sessions, err := pick(lines, ids)
	if err != nil {
		return fmt.Errorf("%w: %w", errUsage, err)
	}
	for _, s := range sessions {
		s.print(out)
	}
	if len(sessions) == 2 {
		warnings(out, sessions[0].head, sessions[1].head)
	}
	return nil
}

// recorded is a session with its legs.
type recorded struct {
	head  record.Session
	legs  []record.Leg
	gates []record.Verdict
}

// pick finds the sessions whose IDs begin with ids; the last one with legs if there are none.
func pick(lines []record.Line, ids []string) ([]recorded, error) {
	var all []recorded
	place := map[string]int{}
	for _, line := range lines {
		switch {
		case line.Session != nil:
			place[line.Session.ID] = len(all)
			all = append(all, recorded{head: *line.Session})
		case line.Leg != nil:
			if i, ok := place[line.Leg.Session]; ok {
				all[i].legs = append(all[i].legs, *line.Leg)
			}
		case line.Verdict != nil:
			if i, ok := place[line.Verdict.Session]; ok {
				all[i].gates = append(all[i].gates, *line.Verdict)
			}
		}
	}
	if len(ids) == 0 {
		for i := len(all) - 1; i >= 0; i-- {
			if len(all[i].legs) > 0 {
				return all[i : i+1], nil
			}
		}
		return nil, errors.New("no session has legs")
	}
	var picked []recorded
	for _, id := range ids {
		var found []recorded
		for _, s := range all {
			if strings.HasPrefix(s.head.ID, id) {
				found = append(found, s)
			}
		}
		switch len(found) {
		case 0:
			return nil, fmt.Errorf("no session begins with %q; flashbench report --history lists them", id)
		case 1:
			picked = append(picked, found[0])
		default:
			return nil, fmt.Errorf("%d sessions begin with %q, the last is %s: write more of its name",
				len(found), id, found[len(found)-1].head.ID)
		}
	}
	return picked, nil
}

func (s recorded) print(out io.Writer) {
	dirty := map[bool]string{true: " with changes", false: ""}[s.head.Dirty]
	fmt.Fprintf(out, "session %s, revision %s%s, machine %s (%s, %d cores)\n",
		s.head.ID, s.head.Revision, dirty, s.head.Machine,
		s.head.Fingerprint.CPU, s.head.Fingerprint.Cores)
	rows := report.Rows(s.legs, s.gates...)
	if s.head.Purpose == "peer" {
		rows = report.LossesFirst(rows)
	}
	report.Table(out, rows)
	report.Conclude(out, rows)
	fmt.Fprintln(out)
}

// warnings says why two sessions are not one comparison.
func warnings(out io.Writer, a, b record.Session) {
	if a.Machine != b.Machine {
		fmt.Fprintf(out, "NOT COMPARABLE: the machines differ (%s and %s).\n", a.Machine, b.Machine)
	}
	fmt.Fprintln(out, "The legs of two sessions were not interleaved: differences between the two "+
		"tables carry no verdict. To compare configurations, run them in one session.")
}
