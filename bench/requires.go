package bench

import (
	"fmt"

	"flashstore/bench/host"
	"flashstore/bench/scenario"
)

// coresLack says how many cores a scenario wants that this machine lacks; empty: it has them.
func coresLack(need scenario.Requires) string {
	if have := host.Cores(); have < need.Cores {
		return fmt.Sprintf("needs %d cores, there are %d", need.Cores, have)
	}
	return ""
}

// diskLack says how much of the disk a scenario wants that is not free; empty: it is.
func (s *session) diskLack(need scenario.Requires) (string, error) {
	free, err := host.DiskFreeBytes(s.workspace.Path())
	if err != nil {
		return "", err
	}
	if free < int64(need.DiskFree) {
		return fmt.Sprintf("needs %s of free disk, there are %d MiB", need.DiskFree, free>>20), nil
	}
	return "", nil
}
