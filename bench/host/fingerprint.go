package host

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"flashstore/machine"
)

// Fingerprint is what must be equal for two runs to be comparable at all.
type Fingerprint struct {
	CPU         string            `json:"cpu"`
	CPUFlags    []string          `json:"cpu_flags"` // those that choose code paths
	Cores       int               `json:"cores"`
	MemoryMB    int               `json:"memory_mb"`
	Kernel      string            `json:"kernel"`
	Governor    string            `json:"governor,omitempty"`
	Mitigations map[string]string `json:"mitigations,omitempty"`
	FileSystem  string            `json:"file_system"` // type, of the drives
	MountFlags  string            `json:"mount_flags"`
	Device      string            `json:"device"`
	Go          string            `json:"go"` // of flashbench itself
}

// ID is a short hash of the whole fingerprint.
func (f Fingerprint) ID() string {
	text, err := json.Marshal(f)
	if err != nil {
		panic("host: fingerprint does not encode: " + err.Error())
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:6])
}

// TakeFingerprint describes this machine and the file system that holds dir.
func TakeFingerprint(dir string) Fingerprint {
	f := Fingerprint{
		Cores:       Cores(),
		Kernel:      firstLine("/proc/sys/kernel/osrelease"),
		Governor:    firstLine("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"),
		Mitigations: mitigations(),
		Go:          runtime.Version(),
	}
	f.CPU, f.CPUFlags, _ = machine.CPU("/proc/cpuinfo")
	var info unix.Sysinfo_t
	if unix.Sysinfo(&info) == nil {
		f.MemoryMB = int(uint64(info.Totalram) * uint64(info.Unit) >> 20)
	}
	f.FileSystem, f.Device, f.MountFlags = machine.MountOf(dir)
	return f
}

// DiskFreeBytes is what an unprivileged process could still write below dir.
func DiskFreeBytes(dir string) (int64, error) {
	var fs unix.Statfs_t
	if err := unix.Statfs(dir, &fs); err != nil {
		return 0, err
	}
	return int64(fs.Bavail) * fs.Bsize, nil
}

func mitigations() map[string]string {
	files, _ := filepath.Glob("/sys/devices/system/cpu/vulnerabilities/*")
	out := map[string]string{}
	for _, file := range files {
		if text := firstLine(file); text != "" && text != "Not affected" {
			out[filepath.Base(file)] = text
		}
	}
	return out
}

func firstLine(path string) string {
	text, err := os.ReadFile(path)
	if err != nil {
		return ""
	}
	line, _, _ := strings.Cut(string(text), "\n")
	return strings.TrimSpace(line)
}

// Cores is the number of cores this process may use.
func Cores() int {
	var set unix.CPUSet
	if err := unix.SchedGetaffinity(0, &set); err != nil {
		return runtime.NumCPU()
	}
	return set.Count()
}

// CoreList writes cores as "0,2".
func CoreList(cores []int) string {
	words := make([]string, len(cores))
	for i, c := range cores {
		words[i] = strconv.Itoa(c)
	}
	return strings.Join(words, ",")
}
