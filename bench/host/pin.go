package host

import "golang.org/x/sys/unix"

// Split divides the cores this process may use between a server and its client, so that neither
// takes time from the other. The server gets half, rounded down. With one core both are nil: no
// pinning.
func Split() (server, client []int) {
	var set unix.CPUSet
	if err := unix.SchedGetaffinity(0, &set); err != nil {
		return nil, nil
	}
	var all []int
	for core := range len(set) * 64 {
		if set.IsSet(core) {
			all = append(all, core)
		}
	}
	if len(all) < 2 {
		return nil, nil
	}
	return all[:len(all)/2], all[len(all)/2:]
}

// PinThread binds the calling thread, which must be locked to its goroutine, to cores. What it
// forks inherits that. No cores: nothing changes.
func PinThread(cores []int) error {
	if len(cores) == 0 {
		return nil
	}
	var set unix.CPUSet
	for _, core := range cores {
		set.Set(core)
	}
	return unix.SchedSetaffinity(0, &set)
}
