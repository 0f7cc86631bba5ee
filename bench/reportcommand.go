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
	flags.StringVar(&o.record, "record", recordFile, "`file` of results")
	flags.StringVar(&o.html, "html", "", "page to write: one `file` that needs no other")
	flags.BoolVar(&o.history, "history", false, "the ratios of all sessions over time")
	flags.StringVar(&o.index, "index", "", "`file` for an index of all sessions, in Markdown")
	flags.StringVar(&o.benchmark, "benchfmt", "", "`file` in Go's benchmark format, for benchstat")
	names, err := parse(flags, args, out, messages)
	if err != nil {
		return err
	}
	if o.history && o.benchmark != "" {
		return fmt.Errorf("%w: --benchfmt is of sessions, not of --history", errUsage)
	}
	if err := errors.Join(o.spareRecord(), checkOutputs(o.html, o.index, o.benchmark)); err != nil {
		return err
	}
	lines, err := readRecord(o.record, messages)
	if err != nil {
		return err
	}
	if o.index != "" {
		if err := o.writeIndex(lines, out); err != nil || o.isIndexAlone(names) {
			return err
		}
	}
	if o.history {
		return o.writeHistory(lines, names, out)
	}
	return o.writeSessions(lines, names, out)
}

// spareRecord refuses to write what is made of a record over it. A record that is not there is
// complained of when it is read.
func (o *reportOptions) spareRecord() error {
	record, err := os.Stat(o.record)
	if err != nil {
		return nil
	}
	for _, path := range []string{o.html, o.index, o.benchmark} {
		if info, err := os.Stat(path); err == nil && os.SameFile(info, record) {
			return fmt.Errorf("%w: %s is the record that is reported of", errUsage, path)
		}
	}
	return nil
}

// isIndexAlone says whether nothing but an index was asked for.
func (o *reportOptions) isIndexAlone(names []string) bool {
	return *o == reportOptions{record: o.record, index: o.index} && len(names) == 0
}

func (o *reportOptions) writeSessions(lines []record.Line, ids []string, out io.Writer) error {
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
		fmt.Fprintf(out, "written: %s\n", o.benchmark)
	}
	return writePage(o.html, newPage(lines, sessions, filepath.Dir(o.record)), out)
}

// writeHistory is of scenarios by name; of all without names.
func (o *reportOptions) writeHistory(lines []record.Line, names []string, out io.Writer) error {
	past, err := chosenHistory(lines, names)
	if err != nil {
		return err
	}
	report.PrintHistory(out, past)
	return writePage(o.html, &report.Page{Title: "flashbench, history", History: past}, out)
}

// writePage writes a page, if a path says where to.
func writePage(path string, page *report.Page, out io.Writer) error {
	if path == "" {
		return nil
	}
	if err := writeFile(path, page.Write); err != nil {
		return err
	}
	fmt.Fprintf(out, "written: %s\n", path)
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

func (o *reportOptions) writeIndex(lines []record.Line, out io.Writer) error {
	err := writeFile(o.index, func(w io.Writer) error {
		return report.Index(w, lines, func(name string) bool {
			_, err := os.Stat(filepath.Join(filepath.Dir(o.index), name))
			return err == nil
		})
	})
	if err == nil {
		fmt.Fprintf(out, "written: %s\n", o.index)
	}
	return err
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
