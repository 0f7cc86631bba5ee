package process

import (
	"fmt"
	"os"
	"strings"
)

// Environment is what pid was started with; see proc_pid_environ(5).
func Environment(pid int) ([]string, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", pid))
	return strings.Split(strings.TrimSuffix(string(text), "\x00"), "\x00"), err
}
