package main

import (
	"bufio"
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

Reads every record, shard and checksum of the drives of a stopped server and compares each index
with its log. Of several directories those of one deployment are compared with each other: what
is not on all of them, cannot be read, is undecided, or is said in two ways. Name all drives of
the deployment then, as in '/data/d{1...4}': one that is not there to be examined is a finding. A
single directory is examined by itself.

Nothing is repaired, but the index of a drive is brought up to the end of its log, as by a start:
of a read-only file system examine a copy. With --rebuild-index each index, a cache of the log, is
made anew from it before the drive is examined; a rebuild that is interrupted goes on at the next
start. What was committed and lacks only its settle is counted as unsettled and is no finding: the
next start sends it. After a clean stop of a healthy set there are no findings.

What a finding on a drive means:
  torn-tail        a power cut, in the last write; a start drops it, and the first write after that
                   ends the finding. Nothing to do, unless durability was relaxed: see log-damage
  log-damage, inline-shard, bulk-shard, bulk-segments
                   the drive lost data, the others of its set have it: bring back a file that
                   is missing; otherwise copy what the set still serves before you replace drives.
                   What was in a damaged batch, only the index may know: keep it
  index            the log knows better: run check --rebuild-index
  stop-mark        the mark of a clean stop is damaged or older than the log: it counts for nothing,
                   and the next start reads the log to its end
  unreferenced     space that nothing uses; a copy of a drive has it where holes were filled:
                   copy with cp --sparse=always, or run fallocate --dig-holes on its bulk files

Progress is on standard error: on a terminal every second in a line of its own, else a line a
minute.

Exit codes:
  0  everything was examined, nothing is wrong
  1  findings; a directory that could not be examined beside others that could is one
  2  the check could not be done: usage, a server has a drive, none of the directories is a
     drive, the report could not be written, or it was interrupted (what was found until then
     is printed)

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
	asJSON := flags.Bool("json", false, "print the report as one JSON document")
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
	for _, dir := range flags.Args() {
		if strings.HasPrefix(dir, "-") {
			return fmt.Errorf("%w: check: flags come before the directories; one of that name "+
				"would be ./%s", config.ErrUsage, dir)
		}
	}
	dirs, err := config.ExpandDirs(flags.Args())
	if err != nil {
		return fmt.Errorf("%w: check: %w", config.ErrUsage, err)
	}
	slog.SetDefault(logger("warn"))
	stop, cancel := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer cancel()
	teller, endTelling := newTeller(os.Stderr)
	report, err := engine.Check(stop, engine.CheckOptions{Dirs: dirs,
		RebuildIndex: *rebuild, Progress: teller.progress})
	endTelling()
	if report != nil {
		if unsaid := printReport(os.Stdout, report, *asJSON); unsaid != nil {
			return errors.Join(err, fmt.Errorf("the report could not be written: %w", unsaid))
		}
	}
	if err == nil && !report.Clean {
		return errFindings
	}
	return err
}

func printReport(to io.Writer, r *engine.CheckReport, asJSON bool) error {
	out := bufio.NewWriter(to)
	if !asJSON {
		writeReport(out, r)
		return out.Flush()
	}
	text, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		panic(err) // plain fields only
	}
	fmt.Fprintln(out, string(text))
	return out.Flush()
}
