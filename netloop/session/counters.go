package session

import (
	"sync/atomic"
	"time"

	"flashstore/netloop"
)

// Counters of one loop or one server. Safe for concurrent use. Requests and WriteCalls are counted
// before the peer can know of them, the others when what they count has been done.
type Counters struct {
	Connections    atomic.Int64
	Accepted       atomic.Uint64
	Refused        atomic.Uint64
	Requests       atomic.Uint64
	Inline         atomic.Uint64
	Malformed      atomic.Uint64
	Busy           atomic.Uint64
	TimedOut       atomic.Uint64
	EpollWaits     atomic.Uint64
	EpollEvents    atomic.Uint64
	ReadCalls      atomic.Uint64
	ReadBytes      atomic.Uint64
	WrittenBytes   atomic.Uint64
	WriteCalls     atomic.Uint64
	AbortedReplies atomic.Uint64
	CopiedBytes    atomic.Uint64
	Phases         [netloop.PhaseCount]atomic.Int64 // nanoseconds of Sampled requests
	Sampled        atomic.Uint64

	Handshakes       atomic.Uint64
	HandshakesFailed atomic.Uint64
}

// AddTo adds the counters to stats.
func (c *Counters) AddTo(stats *netloop.Stats) {
	stats.Connections += c.Connections.Load()
	stats.Accepted += c.Accepted.Load()
	stats.Refused += c.Refused.Load()
	stats.Requests += c.Requests.Load()
	stats.Inline += c.Inline.Load()
	stats.Malformed += c.Malformed.Load()
	stats.Busy += c.Busy.Load()
	stats.TimedOut += c.TimedOut.Load()
	stats.EpollWaits += c.EpollWaits.Load()
	stats.EpollEvents += c.EpollEvents.Load()
	stats.ReadCalls += c.ReadCalls.Load()
	stats.ReadBytes += c.ReadBytes.Load()
	stats.WrittenBytes += c.WrittenBytes.Load()
	stats.WriteCalls += c.WriteCalls.Load()
	stats.AbortedReplies += c.AbortedReplies.Load()
	stats.CopiedBytes += c.CopiedBytes.Load()
	for i := range c.Phases {
		stats.Phases[i] += time.Duration(c.Phases[i].Load())
	}
	stats.Sampled += c.Sampled.Load()
	stats.Handshakes += c.Handshakes.Load()
	stats.HandshakesFailed += c.HandshakesFailed.Load()
}

// Sample adds a request that was measured.
func (c *Counters) Sample(clock *netloop.PhaseClock) {
	for i, spent := range clock.Spent {
		c.Phases[i].Add(int64(spent))
	}
	c.Sampled.Add(1)
}
