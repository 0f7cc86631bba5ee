//go:build linux || ((darwin || freebsd) && (amd64 || arm64))

package readiness

import "runtime"

const (
	eventsMax = 256
	// spins is how often a loop that has nothing to do looks again, letting others run in
	// between, before it sleeps: waking up costs some 10 µs.
	spins = 20
)

// spin looks a few times more, letting other goroutines run; mail says that it is enough.
func (p *poller) spin(mail func() bool) bool {
	for range spins {
		runtime.Gosched()
		if p.peek() > 0 || mail() {
			return true
		}
	}
	return false
}
