//go:build linux || ((darwin || freebsd) && (amd64 || arm64))

package readiness

import (
	"flashstore/netloop"
	"flashstore/netloop/session"
)

// sampleEvery turns of a loop one is measured: to know where the time goes without spending it on
// clocks.
const sampleEvery = 64

// sampler measures the phases of some of the requests that a loop answers itself. The first request
// of a turn is taken, because its turn begins with the read of its bytes.
type sampler struct {
	clock netloop.PhaseClock
	turns uint
	on    bool
}

// begin is called where a turn begins.
func (s *sampler) begin() {
	s.turns++
	if s.on = s.turns%sampleEvery == 0; s.on {
		s.clock.Start()
	}
}

// watch goes on with a request whose head is parsed.
func (s *sampler) watch(ex *netloop.Exchange) {
	if s.on {
		s.clock.Enter(netloop.PhaseAdmit)
		ex.SetClock(&s.clock)
	}
}

// end counts the request, which is answered.
func (s *sampler) end(to *session.Counters) {
	if s.on {
		s.on = false
		s.clock.Enter(netloop.PhaseRespond)
		to.Sample(&s.clock)
	}
}

// drop forgets the request: a worker takes it.
func (s *sampler) drop(ex *netloop.Exchange) {
	if s.on {
		s.on = false
		ex.SetClock(nil)
	}
}
