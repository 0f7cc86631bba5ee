package host

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// tick is the unit of CPU time in /proc: USER_HZ is 100 on every architecture Go runs on.
const tick = 10 * time.Millisecond

// Usage is what a process has used since it started.
type Usage struct {
	CPU     time.Duration // user and system, all threads and reaped children
	RSS     int64         // bytes resident now
	Read    int64         // bytes that came from a device for it
	Written int64         // bytes that it caused to be written to a device
	IOKnown bool          // the kernel says so; otherwise Read and Written are 0
}

// ProcessUsage reads the kernel's account of pid, in steps of 10 ms of CPU.
func ProcessUsage(pid int) (Usage, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return Usage{}, err
	}
	cpu, err := parseStat(text)
	if err != nil {
		return Usage{}, fmt.Errorf("/proc/%d/stat: %w", pid, err)
	}
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return Usage{}, err
	}
	// Absent without CONFIG_TASK_IO_ACCOUNTING.
	account, err := os.ReadFile(fmt.Sprintf("/proc/%d/io", pid))
	return Usage{
		Read: ioBytes(account, "read_bytes:"), Written: ioBytes(account, "write_bytes:"),
		CPU: cpu, RSS: statusBytes(status, "VmRSS:"), IOKnown: err == nil,
	}, nil
}

var errFormat = errors.New("unexpected format")

// Places in proc_pid_stat(5) behind the command name.
const (
	statGroup = 2
	statFlags = 6
	statTimes = 11 // utime, stime, cutime and cstime
)

// kernelThread is PF_KTHREAD of include/linux/sched.h.
const kernelThread = 0x00200000

// behindName are the fields of proc_pid_stat(5) behind the command name, which is in parentheses
// and may hold anything; none where there is no name.
func behindName(stat []byte) []string {
	end := bytes.LastIndexByte(stat, ')')
	if end < 0 {
		return nil
	}
	return strings.Fields(string(stat[end+1:]))
}

// parseStat adds up the times of proc_pid_stat(5), fields 14 to 17.
func parseStat(text []byte) (time.Duration, error) {
	fields := behindName(text)
	if len(fields) < statTimes+4 {
		return 0, errFormat
	}
	ticks := int64(0)
	for _, field := range fields[statTimes : statTimes+4] {
		n, err := strconv.ParseInt(field, 10, 64)
		if err != nil {
			return 0, errFormat
		}
		ticks += n
	}
	return time.Duration(ticks) * tick, nil
}

func statusBytes(status []byte, key string) int64 {
	for line := range strings.Lines(string(status)) {
		if rest, ok := strings.CutPrefix(line, key); ok {
			if fields := strings.Fields(rest); len(fields) > 0 {
				kib, _ := strconv.ParseInt(fields[0], 10, 64)
				return kib << 10
			}
		}
	}
	return 0
}

// ioBytes reads a line of proc_pid_io(5).
func ioBytes(account []byte, key string) int64 {
	for line := range strings.Lines(string(account)) {
		if rest, ok := strings.CutPrefix(line, key); ok {
			n, _ := strconv.ParseInt(strings.TrimSpace(rest), 10, 64)
			return n
		}
	}
	return 0
}

// Machine is the CPU time of all cores together since boot.
type Machine struct {
	Busy   time.Duration // not idle: also kernel threads, which are in no process's account
	Stolen time.Duration // wanted, and given to others by the hypervisor
}

// MachineUsage reads the kernel's account of the machine.
func MachineUsage() (Machine, error) {
	text, err := os.ReadFile("/proc/stat")
	if err != nil {
		return Machine{}, err
	}
	return parseMachine(string(text))
}

// parseMachine reads the first line of proc_stat(5): user, nice, system, idle, iowait, irq,
// softirq, steal. Idle and iowait are not busy; guest, which follows, is in user already.
func parseMachine(text string) (m Machine, err error) {
	line, _, _ := strings.Cut(text, "\n")
	fields := strings.Fields(line)
	if len(fields) < 9 || fields[0] != "cpu" {
		return Machine{}, fmt.Errorf("/proc/stat: %w", errFormat)
	}
	for _, i := range []int{1, 2, 3, 6, 7, 8} {
		n, err := strconv.ParseInt(fields[i], 10, 64)
		if err != nil {
			return Machine{}, fmt.Errorf("/proc/stat: %w", errFormat)
		}
		if i == 8 {
			m.Stolen = time.Duration(n) * tick
		} else {
			m.Busy += time.Duration(n) * tick
		}
	}
	return m, nil
}

// noGroup is the number of no process group: those of the kernel's threads have 0.
const noGroup = -1

// KernelUsage is the CPU time of the kernel's own threads, such as the journal and block devices
// have. No process is billed for what they do for it. Every process is read for it.
func KernelUsage() (time.Duration, error) {
	sum, _, err := scan(noGroup)
	return sum, err
}

// ofKernel says whether a line that parseStat understands is of a thread of the kernel.
func ofKernel(stat []byte) bool {
	flags, err := strconv.ParseUint(behindName(stat)[statFlags], 10, 64)
	return err == nil && flags&kernelThread != 0
}

// Sample is the account of a moment.
type Sample struct {
	At             time.Time
	Server, Client Usage // the server's is that of its process group
	Machine        Machine
	Kernel         time.Duration // CPU time of its threads, some time before At
	workers        []int         // who was in the server's group beside its leader, at that time
	scannedAt      time.Time
}

// scanEvery is how old Kernel and workers may be: every process is read for them. What workers use
// is read each time; one that has begun since is found later, with all that it has used by then.
const scanEvery = 500 * time.Millisecond

// sampleEvery is short against a window of seconds.
const sampleEvery = 50 * time.Millisecond

// Watch samples both processes until ctx ends and then returns the samples in order: the server
// with all others of the process group that it leads. What has ended keeps its last usage.
func Watch(ctx context.Context, serverPID, clientPID int) []Sample {
	var samples []Sample
	var last Sample
	ticker := time.NewTicker(sampleEvery)
	defer ticker.Stop()
	for {
		last = last.next(serverPID, clientPID)
		samples = append(samples, last)
		select {
		case <-ctx.Done():
			return samples
		case <-ticker.C:
		}
	}
}

// TakeSample samples both processes now, as Watch does.
func TakeSample(serverPID, clientPID int) Sample { return Sample{}.next(serverPID, clientPID) }

// next is the sample behind s; what cannot be read stays.
func (s Sample) next(serverPID, clientPID int) Sample {
	s.At = time.Now()
	leader, noServer := ProcessUsage(serverPID)
	if u, err := ProcessUsage(clientPID); err == nil && u.CPU >= s.Client.CPU {
		s.Client = u
	}
	if m, err := MachineUsage(); err == nil {
		s.Machine = m
	}
	if s.At.Sub(s.scannedAt) >= scanEvery { // behind the rest, whose moment is At
		if kernel, workers, err := scan(serverPID); err == nil {
			s.Kernel, s.workers, s.scannedAt = kernel, workers, s.At
		}
	}
	// It is less than before where one has ended whom nobody of the group reaps.
	if u := leader.with(s.workers); noServer == nil && u.CPU >= s.Server.CPU {
		s.Server = u
	}
	return s
}

// Window is what was used between two moments.
type Window struct {
	Time                         time.Duration // its length
	Span                         time.Duration // between the samples that were taken for its edges
	Server, Client, Busy, Stolen time.Duration // CPU time; the server's is of its process group
	Kernel                       time.Duration // CPU time of its threads, part of Busy
	RSSPeak                      int64         // bytes, the server's largest sample within
	RSSGrowth                    int64         // bytes, the server's, from first to last sample
	Read, Written                int64         // bytes, the server's, from and to devices
	IOKnown                      bool          // Read and Written are known
}

// Add takes in another window of the same server.
func (w *Window) Add(other Window) {
	w.IOKnown = other.IOKnown && (w.IOKnown || w.Time == 0)
	w.Time, w.Span = w.Time+other.Time, w.Span+other.Span
	w.Server, w.Client = w.Server+other.Server, w.Client+other.Client
	w.Busy, w.Stolen = w.Busy+other.Busy, w.Stolen+other.Stolen
	w.Kernel += other.Kernel
	w.Read, w.Written = w.Read+other.Read, w.Written+other.Written
	w.RSSPeak = max(w.RSSPeak, other.RSSPeak)
	w.RSSGrowth += other.RSSGrowth
}

// Others is the CPU time that neither the two processes had nor the kernel's threads, which work
// for them: that of other programs, and what the hypervisor gave to others.
func (w *Window) Others() time.Duration {
	return max(0, w.Busy-w.Server-w.Client-w.Kernel) + w.Stolen
}

// Between takes the difference between the samples nearest to from and to. ok is false if the
// samples do not cover at least half of that time.
func Between(samples []Sample, from, to time.Time) (w Window, ok bool) {
	if len(samples) == 0 {
		return Window{}, false
	}
	a, b := nearest(samples, from), nearest(samples, to)
	w.Time, w.Span = to.Sub(from), samples[b].At.Sub(samples[a].At)
	if w.Span < w.Time/2 {
		return Window{}, false
	}
	// Less than nothing where one of the group has ended meanwhile whom nobody of it reaps.
	w.Server = max(0, samples[b].Server.CPU-samples[a].Server.CPU)
	w.Client = samples[b].Client.CPU - samples[a].Client.CPU
	w.Read = samples[b].Server.Read - samples[a].Server.Read
	w.Written = samples[b].Server.Written - samples[a].Server.Written
	w.IOKnown = samples[a].Server.IOKnown && samples[b].Server.IOKnown
	w.Busy = samples[b].Machine.Busy - samples[a].Machine.Busy
	w.Stolen = samples[b].Machine.Stolen - samples[a].Machine.Stolen
	w.Kernel = samples[b].Kernel - samples[a].Kernel
	w.RSSGrowth = samples[b].Server.RSS - samples[a].Server.RSS
	for _, s := range samples[a : b+1] {
		w.RSSPeak = max(w.RSSPeak, s.Server.RSS)
	}
	return w, true
}

func nearest(samples []Sample, at time.Time) int {
	best := 0
	for i, s := range samples {
		if s.At.Sub(at).Abs() < samples[best].At.Sub(at).Abs() {
			best = i
		}
	}
	return best
}
