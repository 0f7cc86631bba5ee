package bench

import (
	"time"

	"flashstore/bench/host"
)

// gauge says what may spoil a leg. A test of what becomes of it has a gauge of its own, since no
// machine is quiet, or not, because a test wants it so; servers, load and figures are real there.
type gauge interface {
	// calibrate measures the machine before a load, with files below dir.
	calibrate(dir string, load time.Duration) (host.Calibration, error)
	// window is what server, client and the whole machine used meanwhile; see host.Between.
	window(samples []host.Sample, from, to time.Time) (w host.Window, ok bool)
}

// thisMachine is the gauge of every session but those of tests.
type thisMachine struct{}

// calibrate writes back first what earlier legs left in the page cache, so that this is not
// measured.
func (thisMachine) calibrate(dir string, load time.Duration) (host.Calibration, error) {
	if err := host.SyncDisk(dir); err != nil {
		return host.Calibration{}, err
	}
	return host.Calibrate(dir, load)
}

func (thisMachine) window(samples []host.Sample, from, to time.Time) (host.Window, bool) {
	return host.Between(samples, from, to)
}
