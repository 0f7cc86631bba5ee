package process

import (
	"fmt"
	"os"
	"slices"
	"strings"
)

// passedOn says whether programs get a variable of the harness's own environment: where things are,
// who runs them, language and time. Anything else that a shell exports could set a program without
// standing in any record.
func passedOn(name string) bool {
	return strings.HasPrefix(name, "LC_") || slices.Contains([]string{"HOME", "LANG",
		"LD_LIBRARY_PATH", "LOGNAME", "PATH", "SHELL", "TMPDIR", "TZ", "USER"}, name)
}

// plain is what programs get of an environment.
func plain(environ []string) []string {
	return slices.DeleteFunc(slices.Clone(environ), func(variable string) bool {
		name, _, _ := strings.Cut(variable, "=")
		return !passedOn(name)
	})
}

// LeftOut are the names of the variables of the harness that no program gets unless its Spec says
// so, sorted.
func LeftOut() (names []string) {
	for _, variable := range os.Environ() {
		if name, _, _ := strings.Cut(variable, "="); !passedOn(name) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// Environment is what pid was started with; see proc_pid_environ(5).
func Environment(pid int) ([]string, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", pid))
	return strings.Split(strings.TrimSuffix(string(text), "\x00"), "\x00"), err
}
