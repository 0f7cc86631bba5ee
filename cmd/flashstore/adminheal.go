package main

import (
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"flashstore/engine"
)

// healPoll is how often a healing that is waited for is looked at.
const healPoll = 200 * time.Millisecond

// errNotWhole is how admin heal --wait ends where something is left to be healed.
var errNotWhole = errors.New("not everything is on every drive")

// heal begins a pass over everything. With --wait it returns when each set has ended a pass that
// began behind the command.
func heal(f *adminFlags) error {
	path := "admin/heal"
	if f.scrub {
		path += "?scrub=true"
	}
	var order engine.HealOrder
	if err := f.call("POST", path, &order); err != nil {
		return err
	}
	if !f.wait {
		return f.print("GET", "admin/heal")
	}
	for told := ""; ; time.Sleep(healPoll) { // the server is asked, it does not call back
		var now engine.HealStatus
		if err := f.call("GET", "admin/heal", &now); err != nil {
			return err
		}
		if len(now.Sets) != len(order.Passes) {
			return fmt.Errorf("the server has %d sets now, and had %d: it was started anew; try again",
				len(now.Sets), len(order.Passes))
		}
		if text := progress(&now); text != told {
			told = text
			fmt.Fprintln(os.Stderr, text)
		}
		if !over(&now, order.Passes) {
			continue
		}
		if err := printJSON(now); err != nil || now.Whole {
			return err
		}
		return fmt.Errorf("%w: %s", errNotWhole, left(&now))
	}
}

// over reports whether the passes that were ordered have ended.
func over(now *engine.HealStatus, passes []uint64) bool {
	for i := range now.Sets {
		if s := &now.Sets[i]; s.Pass < passes[i] || s.Pass == passes[i] && s.Running {
			return false
		}
	}
	return true
}

// progress is how far each set is, in steps that are worth a line.
func progress(now *engine.HealStatus) string {
	var lines []string
	for i := range now.Sets {
		s := &now.Sets[i]
		text := fmt.Sprintf("set %d: pass %d, %.0f%%", i, s.Pass, 100*s.Coverage)
		if s.Running && s.LeftSeconds >= 1 {
			text += ", " + time.Duration(s.LeftSeconds*float64(time.Second)).Round(
				5*time.Second).String() + " left"
		}
		lines = append(lines, text)
	}
	return strings.Join(lines, "; ")
}

// left says what is not whole, and what to do.
func left(now *engine.HealStatus) string {
	var lines []string
	for i := range now.Sets {
		s := &now.Sets[i]
		if s.Whole {
			continue
		}
		text := fmt.Sprintf("set %d: %d short of parity, %d undecided", i, s.Short, s.Undecided)
		for _, p := range s.Incomplete {
			text += fmt.Sprintf(", drive %d away or not complete", p)
		}
		if s.Error != "" {
			text += ": " + s.Error
		}
		lines = append(lines, text)
	}
	return strings.Join(lines, "; ") + "; bring drives back, or give empty directories and say " +
		"flashstore admin adopt"
}

// adopt makes drives of empty directories.
func adopt(f *adminFlags) error {
	path := "admin/adopt"
	if len(f.args) > 0 {
		dir, err := filepath.Abs(f.args[0])
		if err != nil {
			return err
		}
		path += "?drive=" + url.QueryEscape(dir)
	}
	return f.print("POST", path)
}
