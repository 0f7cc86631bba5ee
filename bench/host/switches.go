package host

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// ContextSwitches counts those of all threads that pid has now: voluntary, then forced. See
// proc_pid_status(5). Threads that have ended are not in it.
func ContextSwitches(pid int) (out [2]float64) {
	files, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/status", pid))
	for _, file := range files {
		text, _ := os.ReadFile(file) // a thread may end meanwhile
		for line := range strings.Lines(string(text)) {
			key, value, _ := strings.Cut(line, ":")
			for i, name := range []string{"voluntary_ctxt_switches", "nonvoluntary_ctxt_switches"} {
				if key == name {
					n, _ := strconv.ParseFloat(strings.TrimSpace(value), 64)
					out[i] += n
				}
			}
		}
	}
	return out
}
