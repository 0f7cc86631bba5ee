package machine

import (
	"bufio"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
)

// Identity is what must be equal for a tuned configuration to be worth anything.
type Identity struct {
	CPU        string   `json:"cpu"`
	Flags      []string `json:"flags"`
	Cores      int      `json:"cores"`
	Kernel     string   `json:"kernel"`      // major and minor number
	FileSystem string   `json:"file_system"` // of the drives
}

// TunedMark begins the line of a tuned configuration that says for which machine it is: an Identity
// follows. The harness writes it, the server looks for it.
const TunedMark = "# flashbench tune for machine: "

// Identify describes this machine and the file system that holds dir.
func Identify(dir string) Identity {
	var i Identity
	i.CPU, i.Flags, i.Cores = CPU("/proc/cpuinfo")
	text, _ := os.ReadFile("/proc/sys/kernel/osrelease") // empty where there is none
	release := strings.SplitN(strings.TrimSpace(string(text)), ".", 3)
	i.Kernel = strings.Join(release[:min(2, len(release))], ".")
	i.FileSystem, _, _ = MountOf(dir)
	return i
}

// String is one line of JSON.
func (i Identity) String() string {
	text, err := json.Marshal(i)
	if err != nil {
		panic("machine: an identity does not encode: " + err.Error())
	}
	return string(text)
}

// Parse reads what String has written.
func Parse(text string) (i Identity, err error) {
	err = json.Unmarshal([]byte(text), &i)
	return i, err
}

// Differs names the first thing in which two machines differ, as "cores: 2, now 4"; empty if none.
func (i Identity) Differs(now Identity) string {
	for _, field := range []struct{ name, was, is string }{
		{"CPU", i.CPU, now.CPU}, {"CPU features", text(i.Flags), text(now.Flags)},
		{"cores", text(i.Cores), text(now.Cores)}, {"kernel", i.Kernel, now.Kernel},
		{"file system", i.FileSystem, now.FileSystem},
	} {
		if field.was != field.is {
			return field.name + ": " + field.was + ", now " + field.is
		}
	}
	return ""
}

func text(v any) string {
	out, _ := json.Marshal(v) // numbers and lists of words
	return string(out)
}

// CPU reads the model, the features that choose code paths, and the number of cores from a file in
// the form of proc_cpuinfo(5).
func CPU(path string) (model string, flags []string, cores int) {
	f, err := os.Open(path)
	if err != nil {
		return "", nil, 0
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		key, value, _ := strings.Cut(lines.Text(), ":")
		switch value = strings.TrimSpace(value); strings.TrimSpace(key) {
		case "processor":
			cores++
		case "model name":
			model = value
		case "flags", "Features":
			flags = codePathFlags(value)
		}
	}
	return model, flags, cores
}

// codePathFlags keeps the features for which Go and the SIMD libraries have code of their own.
func codePathFlags(all string) []string {
	known := " ssse3 sse4_1 sse4_2 avx avx2 avx512f avx512bw avx512vl avx512_vbmi gfni sha_ni aes " +
		"vaes pclmulqdq vpclmulqdq bmi2 asimd sha2 crc32 sve "
	var kept []string
	for _, flag := range strings.Fields(all) {
		if strings.Contains(known, " "+flag+" ") {
			kept = append(kept, flag)
		}
	}
	return kept
}

// MountOf is the file system that holds dir, which need not exist.
func MountOf(dir string) (kind, device, flags string) {
	table, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return "", "", ""
	}
	path, err := filepath.Abs(dir)
	if err != nil {
		return "", "", ""
	}
	return mountOf(string(table), path)
}

// mountOf finds in a mountinfo table the mount with the longest prefix of path.
// Format: proc_pid_mountinfo(5); blanks in mount points are octal escapes.
func mountOf(table, path string) (kind, device, flags string) {
	longest := -1
	for line := range strings.Lines(table) {
		left, right, ok := strings.Cut(strings.TrimSpace(line), " - ")
		fields, source := strings.Fields(left), strings.Fields(right)
		if !ok || len(fields) < 6 || len(source) < 2 {
			continue
		}
		point := strings.ReplaceAll(fields[4], `\040`, " ")
		below := strings.TrimSuffix(point, "/") + "/"
		if len(point) >= longest && strings.HasPrefix(path+"/", below) {
			longest, kind, device, flags = len(point), source[0], source[1], fields[5]
		}
	}
	return kind, device, flags
}
