package host

import (
	"bytes"
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

// GroupUsage is what all processes of a group have used, as GroupCPU has it; an error where the one
// that leads it is not there. Memory that they share is in the sum once for each of them.
func GroupUsage(leader int) (Usage, error) {
	sum, err := ProcessUsage(leader)
	if err != nil {
		return Usage{}, err
	}
	_, others, err := scan(leader)
	return sum.with(others), err
}

// scan reads every process: what the kernel's threads have used, and who is in a group beside its
// leader.
func scan(leader int) (kernel time.Duration, others []int, err error) {
	group := strconv.Itoa(leader)
	err = eachStat(func(stat []byte) {
		cpu, err := parseStat(stat)
		switch {
		case err != nil:
		case ofKernel(stat):
			kernel += cpu
		case behindName(stat)[statGroup] == group:
			number, _, _ := bytes.Cut(stat, []byte(" "))
			if pid, err := strconv.Atoi(string(number)); err == nil && pid != leader {
				others = append(others, pid)
			}
		}
	})
	return kernel, others, err
}

// with adds what other processes have used; those that have ended meanwhile are in the account of
// who has reaped them.
func (u Usage) with(pids []int) Usage {
	for _, pid := range pids {
		other, err := ProcessUsage(pid)
		if err != nil {
			continue
		}
		u.CPU, u.RSS = u.CPU+other.CPU, u.RSS+other.RSS
		u.Read, u.Written = u.Read+other.Read, u.Written+other.Written
		u.IOKnown = u.IOKnown && other.IOKnown
	}
	return u
}
