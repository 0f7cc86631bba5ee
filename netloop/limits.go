package netloop

import "fmt"

// HeadBytesCeiling is the most that Limits.HeadBytesMax may be: it keeps a head, and some of what
// follows it, inside one 64 KiB block.
const HeadBytesCeiling = 60 << 10

// waitingShare is the part of the request memory that all who wait with half a head may keep
// besides: in the default budget that is almost 5 KiB, a long head, for each of 10,000 clients.
const waitingShare = 8

// WaitingBytesMax is how much a server with that budget of request memory keeps of what clients
// sent and did not complete, of all connections; 0: no limit.
func WaitingBytesMax(budgetBytes int64) int64 {
	return (budgetBytes + waitingShare - 1) / waitingShare
}

// Validate names the first limit that is missing or out of range.
func (l *Limits) Validate() error {
	for _, limit := range []struct {
		name  string
		value int64
	}{
		{"HeadBytesMax", int64(l.HeadBytesMax)},
		{"HeaderCountMax", int64(l.HeaderCountMax)},
		{"HeadTimeout", int64(l.HeadTimeout)},
		{"IdleTimeout", int64(l.IdleTimeout)},
		{"BodyRateMin", int64(l.BodyRateMin)},
		{"BodyRateWindow", int64(l.BodyRateWindow)},
		{"WriteTimeout", int64(l.WriteTimeout)},
		{"DrainBytesMax", l.DrainBytesMax},
		{"DrainTimeout", int64(l.DrainTimeout)},
		{"ConnectionsMax", int64(l.ConnectionsMax)},
		{"ConnectionsPerAddress", int64(l.ConnectionsPerAddress)},
		{"PipelineMax", int64(l.PipelineMax)},
		{"ShutdownLinger", int64(l.ShutdownLinger)},
		{"TargetBytesMax", int64(l.TargetBytesMax)},
		{"TrailerBytesMax", int64(l.TrailerBytesMax)},
		{"QueueMax", int64(l.QueueMax)},
		{"QueueWaitMax", int64(l.QueueWaitMax)},
	} {
		if limit.value <= 0 {
			return fmt.Errorf("netloop: Limits.%s is %d, must be positive", limit.name, limit.value)
		}
	}
	if l.HeadBytesMax > HeadBytesCeiling {
		return fmt.Errorf("netloop: Limits.HeadBytesMax is %d, at most %d",
			l.HeadBytesMax, HeadBytesCeiling)
	}
	return nil
}
