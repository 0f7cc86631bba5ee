package host

import (
	"errors"
	"fmt"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

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

// pinRounds bounds how often bindThreads looks for threads that were started meanwhile.
const pinRounds = 10

// PinProcess binds all threads of this process to cores, and so whatever they start later. No
// cores: nothing changes. release, which is never nil, gives all threads what the caller's had.
func PinProcess(cores []int) (release func() error, err error) {
	release = func() error { return nil }
	if len(cores) == 0 {
		return release, nil
	}
	var before, set unix.CPUSet
	if err := unix.SchedGetaffinity(0, &before); err != nil {
		return release, err
	}
	for _, core := range cores {
		set.Set(core)
	}
	return func() error { return bindThreads(&before) }, bindThreads(&set)
}

// bindThreads binds all threads there are.
func bindThreads(set *unix.CPUSet) error {
	done := map[int]bool{}
	for range pinRounds {
		threads, err := os.ReadDir("/proc/self/task")
		if err != nil {
			return err
		}
		before := len(done)
		for _, thread := range threads {
			id, err := strconv.Atoi(thread.Name())
			if err != nil || done[id] {
				continue
			}
			if err := unix.SchedSetaffinity(id, set); err != nil && err != unix.ESRCH {
				return fmt.Errorf("thread %d: %w", id, err)
			}
			done[id] = true
		}
		if len(done) == before {
			return nil // a thread started since was started by one that is bound
		}
	}
	return errors.New("threads start faster than they can be bound")
}
