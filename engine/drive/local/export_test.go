package local

// HoldCompaction keeps d from compacting until release is called, which has to be before d is
// closed.
func HoldCompaction(d *Drive) (release func()) {
	d.compactor.mu.Lock()
	return d.compactor.mu.Unlock
}
