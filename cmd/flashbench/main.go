// Command flashbench measures S3 servers: configuration against configuration, with statistics.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"flashstore/bench"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(),
		syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP)
	// A second signal ends the program at once; the kernel then kills what it started.
	context.AfterFunc(ctx, stop)
	os.Exit(bench.Main(ctx, os.Args[1:], os.Stdout, os.Stderr))
}
