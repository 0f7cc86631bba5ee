package netloop

import "time"

// Phase of a request, in the order in which they pass.
type Phase uint8

// The four phases.
const (
	PhaseReceive Phase = iota // from the socket to a parsed head
	PhaseAdmit                // dispatch, authentication, authorization, validation
	PhaseExecute              // metadata and data
	PhaseRespond              // the answer, to the socket
	PhaseCount
)

// PhaseClock measures how long a request is in each phase. It is of use where nothing waits, as on
// a loop: there the time is CPU time. Not safe for concurrent use.
type PhaseClock struct {
	Spent [PhaseCount]time.Duration

	now   Phase
	since time.Time
}

// Start begins to measure a request, in its first phase.
func (c *PhaseClock) Start() { *c = PhaseClock{since: time.Now()} }

// Enter ends the present phase and begins another, which may have been entered before.
func (c *PhaseClock) Enter(p Phase) {
	now := time.Now()
	c.Spent[c.now] += now.Sub(c.since)
	c.now, c.since = p, now
}

// Enter says which phase of the request begins. It costs nothing unless the server measures this
// request.
func (ex *Exchange) Enter(p Phase) {
	if ex.clock != nil {
		ex.clock.Enter(p)
	}
}

// SetClock makes Enter note the times of this request; called by servers. nil: it is not measured.
func (ex *Exchange) SetClock(c *PhaseClock) { ex.clock = c }
