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
	if _, err := awaitGroup(ctx, pid, atMost); err != nil {
		return fmt.Errorf("process %d: %w", pid, err)
	}
	return nil
}

// awaitGroup is AwaitIdle, and says how many looks found the group at work.
func awaitGroup(ctx context.Context, pid int, atMost time.Duration) (busy int, err error) {
	return awaitIdle(ctx, func() (Usage, error) { return GroupUsage(pid) }, atMost)
}

// awaitIdle is awaitGroup with whatever account.
func awaitIdle(ctx context.Context, usage func() (Usage, error), atMost time.Duration) (busy int,
	err error) {
	for began := time.Now(); time.Since(began) < atMost; {
		before, err := usage()
		if err != nil {
			return busy, err
		}
		select {
		case <-ctx.Done():
			return busy, fmt.Errorf("not idle: %w", context.Cause(ctx))
		case <-time.After(idleLook):
		}
		now, err := usage()
		if err != nil || now.CPU-before.CPU <= idleCPU {
			return busy, err
		}
		busy++
	}
	return busy, nil
}
