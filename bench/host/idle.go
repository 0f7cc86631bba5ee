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
	// idleMax is how long one is waited for.
	idleMax = 2 * time.Minute
)

// AwaitIdle returns once a process uses next to no CPU: what a server does behind its answers, such
// as the compaction of what was written, would otherwise be measured with what comes next.
func AwaitIdle(ctx context.Context, pid int) error {
	ctx, cancel := context.WithTimeout(ctx, idleMax)
	defer cancel()
	before, err := ProcessUsage(pid)
	for err == nil {
		select {
		case <-ctx.Done():
			return fmt.Errorf("process %d is not idle: %w", pid, context.Cause(ctx))
		case <-time.After(idleLook):
		}
		var now Usage
		if now, err = ProcessUsage(pid); now.CPU-before.CPU <= idleCPU {
			return err
		}
		before = now
	}
	return err
}
