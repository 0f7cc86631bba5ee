package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"

	"flashstore/engine/config"
)

const adminUsage = `usage: flashstore admin COMMAND [flags]

  status       print what the server runs on and the state of its drives, as JSON
  heal         begin to bring everything to all drives, and print how that stands, as JSON;
               with --wait when it is done: exit 0 only if every object, version, part and
               document is on every drive and all drives count, else 1
  adopt [DIR]  make the empty directory in the place of a drive that is gone the drive there,
               and heal it; without DIR in every such place

Credentials come from FLASHSTORE_ROOT_USER and FLASHSTORE_ROOT_PASSWORD. Generated ones are in
flashstore-root.env beside the first drive: set -a; . FILE; set +a

Flags:
`

// adminFlags are those of all commands.
type adminFlags struct {
	server, region string
	wait, scrub    bool
	args           []string
}

// adminCommands are the commands by name, with the number of arguments that each takes at most.
func adminCommands() map[string]struct {
	run  func(*adminFlags) error
	args int
} {
	return map[string]struct {
		run  func(*adminFlags) error
		args int
	}{"status": {printStatus, 0}, "heal": {heal, 0}, "adopt": {adopt, 1}}
}

// admin asks a running server.
func admin(args []string) error {
	var f adminFlags
	flags := flag.NewFlagSet("admin", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	flags.StringVar(&f.server, "server", "http://127.0.0.1:9000", "`URL` of the server")
	flags.StringVar(&f.region, "region", "us-east-1", "`NAME` of the server's region")
	flags.BoolVar(&f.wait, "wait", false, "heal: until it is done; its progress is on standard error")
	flags.BoolVar(&f.scrub, "scrub", false, "heal: read every shard, to find damaged ones")
	command := ""
	for len(args) > 0 && !strings.HasPrefix(args[0], "-") {
		if command == "" {
			command = args[0]
		} else {
			f.args = append(f.args, args[0])
		}
		args = args[1:]
	}
	switch err := flags.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		fmt.Print(adminUsage)
		flags.SetOutput(os.Stdout)
		flags.PrintDefaults()
		return config.ErrHelp
	case err != nil:
		return fmt.Errorf("%w: admin: %w; valid flags: --server, --region, --wait, --scrub",
			config.ErrUsage, err)
	}
	f.args = append(f.args, flags.Args()...)
	all := adminCommands()
	chosen, known := all[command]
	switch {
	case !known:
		return fmt.Errorf("%w: unknown admin command %q; valid: %s", config.ErrUsage, command,
			strings.Join(slices.Sorted(maps.Keys(all)), ", "))
	case len(f.args) > chosen.args:
		return fmt.Errorf("%w: admin %s: unexpected argument %q", config.ErrUsage, command,
			f.args[chosen.args])
	case (f.wait || f.scrub) && command != "heal":
		return fmt.Errorf("%w: --wait and --scrub are of admin heal", config.ErrUsage)
	}
	return chosen.run(&f)
}

func printStatus(f *adminFlags) error { return f.print("GET", "status") }
