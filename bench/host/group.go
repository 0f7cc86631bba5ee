package host

import (
	"fmt"
	"os"
	"strconv"
	"time"
)

// eachStat reads the proc_pid_stat(5) of every process, without those that end meanwhile.
func eachStat(do func(stat []byte)) error {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return err
	}
	for _, entry := range entries {
		if c := entry.Name()[0]; c < '0' || c > '9' {
			continue
		}
		if text, err := os.ReadFile("/proc/" + entry.Name() + "/stat"); err == nil {
			do(text)
		}
	}
	return nil
}

// GroupCPU is the CPU time of all processes of a group, in steps of 10 ms each: those that run, and
// what was reaped of their children, as in ProcessUsage. A child with a group of its own is not
// among them. What ends without being reaped by one of the group takes its time with it, so that
// the sum may shrink; it is not of one moment, since every process is read for it. An error where
// the group has none.
func GroupCPU(group int) (sum time.Duration, err error) {
	wanted, found := strconv.Itoa(group), false
	err = eachStat(func(stat []byte) {
		cpu, err := parseStat(stat)
		if err != nil || behindName(stat)[statGroup] != wanted {
			return
		}
		sum, found = sum+cpu, true
	})
	if err == nil && !found {
		err = fmt.Errorf("process group %d: %w", group, os.ErrNotExist)
	}
	return sum, err
}
