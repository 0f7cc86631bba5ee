package host

import (
	"context"
	"fmt"
	"time"
)

const (
	// idleLook is how long a process is looked at; its CPU time comes in steps of 10 ms.
	idleLook = 200 * time.Millisecond
	// idleCPU is the most that an idle one uses meanwhile.
	idleCPU = tick
)

// AwaitIdle returns once a process, with all others of the group that it leads, uses next to no
// CPU: what a server does behind its answers, such as the compaction of what was written, would
// otherwise be measured with what comes next. One that works on for longer than atMost always
// works, and is measured with that: it is no error.
func AwaitIdle(ctx context.Context, pid int, atMost time.Duration) error {
	for began := time.Now(); time.Since(began) < atMost; {
		before, err := GroupUsage(pid)
		if err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("process %d is not idle: %w", pid, context.Cause(ctx))
		case <-time.After(idleLook):
		}
		now, err := GroupUsage(pid)
		if err != nil || now.CPU-before.CPU <= idleCPU {
			return err
		}
	}
	return nil
}
