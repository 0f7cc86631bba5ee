package bench

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"runtime/debug"
	"slices"
	"strings"
)

// Exit codes, the same for every command.
const (
	exitOK           = 0
	exitFailure      = 1 // of a gate: a regression, and nothing else
	exitUsage        = 2
	exitInconclusive = 3 // the machine was too noisy to say
	exitInvalid      = 4 // something was measured that does not count
)

// errUsage is wrapped by errors of the command line.
var errUsage = errors.New("usage")

// errInvalid is wrapped where legs were skipped or invalid.
var errInvalid = errors.New("no valid result")

type command struct {
	operands string // what may stand beside the flags
	summary  string
	run      func(ctx context.Context, args []string, out, messages io.Writer) error
}

func commands() map[string]command {
	const scenarios = "[SCENARIO.yaml...]"
	return map[string]command{
		"run":           {scenarios, "measure scenarios and print what won", runCommand},
		"aa":            {scenarios, "measure a server against itself, for gate-selftest", aaCommand},
		"gate":          {scenarios, "is it slower? 0 no, 1 yes, 3 not known, 4 invalid", gateCommand},
		"gate-selftest": {"", "how often the gate is wrong, from recorded pairs", selftestCommand},
		"peer":          {"PEER.yaml " + scenarios, "measure another S3 server beside ours", peerCommand},
		"crash":         {"[PEER.yaml]", "what is a 200 worth? crash servers, read back", crashCommand},
		"tune":          {scenarios, "find what is fastest here, and write it to a file", tuneCommand},
		"profile":       {scenarios, "where time goes: flame graphs, calls, pauses", profileCommand},
		"report": {"[SESSION...], or with --history [SCENARIO...]",
			"tables, one page of plots, history and an index of records", reportCommand},
		"compare": {"[SESSION [SESSION]]", "print recorded sessions again, or two of them side by side",
			compareCommand},
		"withdraw": {"SESSION SCENARIO",
			"take back figures that turned out to be wrong: reports say why instead", withdrawCommand},
		"hotpath": {"", "measure the path of a request against its targets and nginx", hotpathCommand},
		"load":    {"", "put load on any S3 server or static files", loadCommand},
		"version": {"", "print the version", versionCommand},
	}
}

// Main runs a command line without the program's name and returns the exit code. Results go to out,
// progress and errors to messages. When ctx ends, everything started is stopped and removed.
func Main(ctx context.Context, args []string, out, messages io.Writer) int {
	if len(args) == 0 {
		usage(messages)
		return exitUsage
	}
	switch args[0] {
	case "help", "-h", "-help", "--help":
		if len(args) == 1 {
			usage(out)
			return exitOK
		}
		args = []string{args[1], "--help"}
	case "-version", "--version":
		args = append([]string{"version"}, args[1:]...)
	}
	c, ok := commands()[args[0]]
	if !ok {
		fmt.Fprintf(messages, "flashbench: unknown command %q; valid: %s\n", args[0],
			strings.Join(slices.Sorted(maps.Keys(commands())), ", "))
		return exitUsage
	}
	err := c.run(ctx, args[1:], out, messages)
	switch {
	case err == nil || errors.Is(err, flag.ErrHelp):
		return exitOK
	case ctx.Err() != nil:
		fmt.Fprintln(messages, "flashbench: interrupted; servers are stopped, data is removed")
	default:
		fmt.Fprintf(messages, "flashbench %s: %v\n", args[0], err)
	}
	return exitCode(err)
}

// exitCode of an error that ends a command. A regression stays one whatever else went wrong.
func exitCode(err error) int {
	switch {
	case errors.Is(err, errRegression):
		return exitFailure
	case errors.Is(err, errUsage):
		return exitUsage
	case errors.Is(err, errInconclusive):
		return exitInconclusive
	case errors.Is(err, errInvalid):
		return exitInvalid
	}
	return exitFailure
}

func usage(w io.Writer) {
	fmt.Fprint(w, "flashbench measures S3 servers, configuration against configuration.\n\n")
	for _, name := range slices.Sorted(maps.Keys(commands())) {
		fmt.Fprintf(w, "  flashbench %-13s %s\n", name, commands()[name].summary)
	}
	fmt.Fprint(w, "\nflashbench COMMAND --help lists the flags.\n")
}

func versionCommand(_ context.Context, args []string, out, messages io.Writer) error {
	flags := flag.NewFlagSet("version", flag.ContinueOnError)
	if _, err := parse(flags, args, out, messages); err != nil {
		return err
	}
	info, _ := debug.ReadBuildInfo()
	revision := "unknown revision"
	if r, dirty := gitRevision("."); r != "" {
		revision = map[bool]string{true: r + " with changes", false: r}[dirty]
	}
	fmt.Fprintf(out, "flashbench, built by %s, in a tree at %s\n", info.GoVersion, revision)
	return nil
}

// parse reads flags and operands in any order, and refuses operands where a command has none.
// Errors wrap errUsage, but for flag.ErrHelp.
func parse(flags *flag.FlagSet, args []string, out, messages io.Writer) ([]string, error) {
	flags.SetOutput(io.Discard)
	c := commands()[flags.Name()]
	var operands []string
	for {
		err := flags.Parse(args)
		if errors.Is(err, flag.ErrHelp) {
			flags.SetOutput(out)
			usage := strings.TrimSpace(flags.Name() + " [flags] " + c.operands)
			fmt.Fprintf(out, "usage: flashbench %s\n\n%s\n\n", usage, c.summary)
			flags.PrintDefaults()
			return nil, err
		}
		if err != nil {
			return nil, fmt.Errorf("%w: %w; see flashbench %s --help", errUsage, err, flags.Name())
		}
		if flags.NArg() == 0 {
			return operands, nil
		}
		if c.operands == "" {
			return nil, fmt.Errorf("%w: what is %q? see flashbench %s --help", errUsage, flags.Arg(0),
				flags.Name())
		}
		operands, args = append(operands, flags.Arg(0)), flags.Args()[1:]
	}
}

// list is a flag that may be repeated, and holds several values apart by commas where split is set.
type list struct {
	values []string
	split  bool
}

func (l *list) String() string { return strings.Join(l.values, ",") }

// Set adds to the list.
func (l *list) Set(v string) error {
	if l.split {
		l.values = append(l.values, strings.Split(v, ",")...)
	} else {
		l.values = append(l.values, v)
	}
	return nil
}

func orDefault(variable, otherwise string) string {
	if v := os.Getenv(variable); v != "" {
		return v
	}
	return otherwise
}
