package bench

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"

	"flashstore/bench/hotpath"
)

func hotpathCommand(ctx context.Context, args []string, out, messages io.Writer) error {
	c := hotpath.Defaults()
	only := list{split: true}
	flags := flag.NewFlagSet("hotpath", flag.ContinueOnError)
	flags.StringVar(&c.Server, "server", c.Server, "server `binary`")
	flags.StringVar(&c.Dir, "dir", orDefault("BENCH_DIR", c.Dir),
		"`folder` for drives and files, also BENCH_DIR")
	flags.StringVar(&c.Nginx, "nginx", c.Nginx, "nginx `program`; empty: no yardstick")
	flags.StringVar(&c.Wrk, "wrk", c.Wrk, "wrk `program`; empty: none")
	flags.Var(&only, "only", "measure only these `rows`: "+strings.Join(hotpath.RowNames(), ","))
	flags.BoolVar(&c.Matrix, "matrix", c.Matrix,
		"GET 4 KiB for every event loop and allocator, instead of the rows")
	flags.IntVar(&c.Repetitions, "repetitions", c.Repetitions, "`number` of rounds")
	flags.DurationVar(&c.Leg, "leg", c.Leg, "`time` that a leg is measured")
	flags.DurationVar(&c.Warmup, "warmup", c.Warmup, "`time` before it")
	flags.IntVar(&c.Connections, "connections", c.Connections, "`number` of connections")
	flags.Uint64Var(&c.Seed, "seed", c.Seed, "`number` that contents and order are drawn from")
	flags.BoolVar(&c.Pin, "pin", c.Pin, "give server and client a core each")
	path := flags.String("json", "", "write the report to this `file` too")
	if _, err := parse(flags, args, out, messages); err != nil {
		return err
	}
	if err := checkOutputs(*path); err != nil {
		return err
	}
	c.Rows = only.values
	sayLeftOut(messages, false)
	r, err := hotpath.Run(ctx, c, messages)
	switch {
	case errors.Is(err, hotpath.ErrConfig):
		return fmt.Errorf("%w: %w", errUsage, err)
	case errors.Is(err, hotpath.ErrInvalid):
		return fmt.Errorf("%w: %w", errInvalid, err)
	case err != nil:
		return err
	}
	fmt.Fprintln(out)
	r.Print(out)
	if *path == "" {
		return nil
	}
	text, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(*path, append(text, '\n'), 0o644)
}
