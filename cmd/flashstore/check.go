package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"flashstore/engine"
	"flashstore/engine/config"
)

const checkUsage = `usage: flashstore check [--json] [--rebuild-index] DIR...

Reads every record, shard and checksum of the drives of a stopped server, and compares the
index with the log. Exit codes: 0 clean, 1 findings, 2 usage or a drive that cannot be read.

Flags:
`

// errFindings says that something was found, which is printed already.
var errFindings = errors.New("findings")

// check is the census of drives whose server is stopped; it returns the exit code.
func check(args []string) int {
	switch err := runCheck(args); {
	case errors.Is(err, errFindings):
		return 1
	case err != nil && exitCode(err) != 0:
		return 2
	default:
		return 0
	}
}

func runCheck(args []string) error {
	flags := flag.NewFlagSet("check", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	asJSON := flags.Bool("json", false, "print one JSON report a drive")
	rebuild := flags.Bool("rebuild-index", false, "make the index anew from the log first")
	switch err := flags.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		fmt.Print(checkUsage)
		flags.SetOutput(os.Stdout)
		flags.PrintDefaults()
		return config.ErrHelp
	case err != nil:
		return fmt.Errorf("%w: check: %w; valid flags: --json, --rebuild-index",
			config.ErrUsage, err)
	case flags.NArg() == 0:
		return fmt.Errorf("%w: check: name the directories of the drives", config.ErrUsage)
	}
	slog.SetDefault(logger("warn"))
	stop, cancel := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer cancel()
	findings := 0
	err := engine.Check(stop, flags.Args(), *rebuild, func(r *engine.CheckReport) {
		findings += len(r.Findings)
		printReport(r, *asJSON)
	}, func(drive, what string) { fmt.Fprintf(os.Stderr, "%s: %s\n", drive, what) })
	if err == nil && findings > 0 {
		return errFindings
	}
	return err
}

func printReport(r *engine.CheckReport, asJSON bool) {
	if asJSON {
		text, err := json.Marshal(r)
		if err != nil {
			panic(err) // plain fields only
		}
		fmt.Println(string(text))
		return
	}
	fmt.Printf("%s: %d registers, %d entries, %d batches, %d bytes in bulk: %d findings\n",
		r.Path, r.Registers, r.Entries, r.Batches, r.BulkBytes, len(r.Findings))
	for _, f := range r.Findings {
		fmt.Println(" ", findingText(&f))
	}
}

// findingText is a finding as a line: its kind, where it is as far as that is known, and what.
func findingText(f *engine.Finding) string {
	var where []string
	if f.File != "" {
		where = append(where, f.File)
	}
	if f.OffsetBytes != 0 {
		where = append(where, fmt.Sprintf("at %d", f.OffsetBytes))
	}
	if f.Key != "" {
		where = append(where, "key "+f.Key)
	}
	if len(where) == 0 {
		return f.Kind + ": " + f.Detail
	}
	return f.Kind + ": " + strings.Join(where, ", ") + ": " + f.Detail
}
