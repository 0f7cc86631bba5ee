// Command flashstore is the server and its operator's tools.
package main

import (
	"errors"
	"fmt"
	"os"

	"flashstore/engine"
	"flashstore/engine/config"
)

const usage = `usage: flashstore COMMAND [flags]

  server    serve S3 over a set of drives   (flashstore server --help)
  admin     ask a running server            (flashstore admin --help)
  check     verify stopped drives           (flashstore check --help)
  version   print the version
`

func main() {
	plant()
	os.Exit(run(os.Args[1:]))
}

// run carries out a command and returns the exit code: 0 done, 1 failed, 2 usage.
func run(args []string) int {
	command := ""
	if len(args) > 0 {
		command, args = args[0], args[1:]
	}
	var err error
	switch command {
	case "server":
		err = server(args)
	case "admin":
		err = admin(args)
	case "check":
		return check(args)
	case "version", "--version":
		fmt.Println("flashstore", engine.VersionString())
	case "help", "--help", "-h":
		fmt.Print(usage)
	default:
		err = fmt.Errorf("%w: unknown command %q; valid: server, admin, check, version",
			config.ErrUsage, command)
	}
	return exitCode(err)
}

func exitCode(err error) int {
	switch {
	case err == nil, errors.Is(err, config.ErrHelp):
		return 0
	case errors.Is(err, config.ErrUsage):
		fmt.Fprintln(os.Stderr, "flashstore:", err)
		return 2
	default:
		fmt.Fprintln(os.Stderr, "flashstore:", err)
		return 1
	}
}
