package bench

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"flashstore/bench/record"
	"flashstore/bench/report"
)

// reportOptions are flags of the report command.
type reportOptions struct {
	record, html, index, benchmark string
	history                        bool
}

func reportCommand(_ context.Context, args []string, out, messages io.Writer) error {
	var o reportOptions
	flags := flag.NewFlagSet("report", flag.ContinueOnError)
	flags.StringVar(&o.record, "record", "results/index.ndjson", "`file` of results")
	flags.StringVar(&o.html, "html", "", "page to write: one `file` that needs no other")
	flags.BoolVar(&o.history, "history", false, "the ratios of all sessions over time")
	flags.StringVar(&o.index, "index", "", "`file` for an index of all sessions, in Markdown")
	flags.StringVar(&o.benchmark, "benchfmt", "", "`file` in Go's benchmark format, for benchstat")
	ids, err := parse(flags, args, out, messages)
	if err != nil {
		return err
	}
	lines, err := readRecord(o.record, messages)
	if err != nil {
		return err
	}
	if o.index != "" {
		return o.writeIndex(lines)
	}
	if o.history && o.html == "" {
		past, err := chosenHistory(lines, ids)
		if err == nil {
			report.PrintHistory(out, past)
		}
		return err
	}
	sessions, err := pick(lines, ids)
	if err != nil {
		return fmt.Errorf("%w: %w", errUsage, err)
	}
	for _, s := range sessions {
		s.print(out)
	}
	if o.benchmark != "" {
		if err := writeFile(o.benchmark, func(w io.Writer) error {
			for _, s := range sessions {
				if err := report.Benchfmt(w, s.legs); err != nil {
					return err
				}
			}
			return nil
		}); err != nil {
			return err
		}
	}
	if o.html == "" {
		return nil
	}
	page := newPage(lines, sessions, filepath.Dir(o.record))
	if err := writeFile(o.html, page.Write); err != nil {
		return err
	}
	fmt.Fprintf(out, "written: %s\n", o.html)
	return nil
}

// newPage puts sessions, the history of what they compare and their profiles together.
func newPage(lines []record.Line, sessions []recorded, dir string) *report.Page {
	page := &report.Page{Title: "flashbench"}
	scenarios := map[string]bool{}
	for _, s := range sessions {
		page.Title += " " + s.head.ID
		page.Sessions = append(page.Sessions, s.head)
		page.Legs = append(page.Legs, s.legs...)
		page.Gates = append(page.Gates, s.gates...)
		for _, leg := range s.legs {
			scenarios[leg.Scenario] = true
		}
		page.Extras = append(page.Extras, extras(lines, s.head.ID, dir)...)
	}
	for _, past := range report.Histories(lines) {
		if scenarios[past.Row.Scenario] {
			page.History = append(page.History, past)
		}
	}
	return page
}

// chosenHistory is that of scenarios by name; of all without names.
func chosenHistory(lines []record.Line, names []string) (out []report.Past, err error) {
	known := map[string]bool{}
	for _, past := range report.Histories(lines) {
		known[past.Row.Scenario] = true
		if len(names) == 0 || slices.Contains(names, past.Row.Scenario) {
			out = append(out, past)
		}
	}
	for _, name := range names {
		if !known[name] {
			return nil, fmt.Errorf("%w: no record of scenario %q; there are: %s", errUsage, name,
				strings.Join(slices.Sorted(maps.Keys(known)), ", "))
		}
	}
	return out, nil
}

func (o *reportOptions) writeIndex(lines []record.Line) error {
	return writeFile(o.index, func(w io.Writer) error {
		return report.Index(w, lines, func(name string) bool {
			_, err := os.Stat(filepath.Join(filepath.Dir(o.index), name))
			return err == nil
		})
	})
}

func writeFile(path string, write func(io.Writer) error) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	return errors.Join(write(f), f.Close())
}

// readRecord reads all lines of a record and says what of it cannot be read.
func readRecord(path string, messages io.Writer) ([]record.Line, error) {
	index, err := record.Open(path)
	if err != nil {
		return nil, err
	}
	lines, skipped, err := index.Read()
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w: nothing is recorded in %s yet: make bench", errUsage, path)
	}
	if skipped > 0 {
		fmt.Fprintf(messages, "%s: %d lines cannot be read and are left out\n", path, skipped)
	}
	return lines, err
}
