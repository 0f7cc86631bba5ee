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
	"path/filepath"
	"syscall"

	"flashstore/engine/config"
	"flashstore/engine/drive/local"
	"flashstore/ioengine"
	"flashstore/ioengine/threadpool"
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
	engine, err := threadpool.New(threadpool.Config{})
	if err != nil {
		return err
	}
	stop, cancel := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer cancel()
	err = checkAll(stop, engine, flags.Args(), *asJSON, *rebuild)
	return errors.Join(err, engine.Close())
}

// checkAll examines every drive, whatever is found on the ones before.
func checkAll(ctx context.Context, engine ioengine.Engine, dirs []string, asJSON,
	rebuild bool) error {
	var faults error
	findings := 0
	for _, dir := range dirs {
		path, err := filepath.Abs(dir)
		if err == nil && rebuild {
			err = local.RebuildIndex(engine, path)
		}
		if err != nil {
			faults = errors.Join(faults, err)
			continue
		}
		report, err := local.Census(ctx, engine, path, func(what string) {
			fmt.Fprintf(os.Stderr, "%s: %s\n", path, what)
		})
		if err != nil {
			faults = errors.Join(faults, err)
			continue
		}
		findings += len(report.Findings)
		printReport(&report, asJSON)
	}
	if faults == nil && findings > 0 {
		return errFindings
	}
	return faults
}

func printReport(r *local.Report, asJSON bool) {
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
		fmt.Printf("  %s: %s at %d, key %s: %s\n", f.Kind, f.File, f.OffsetBytes, f.Key, f.Detail)
	}
}
