package benchtest

import (
	"os"
	"os/exec"
	"strings"
	"testing"
)

// Strict is a variable of the environment: where it is set, a test fails for want of a program. It
// is for machines that are to have them all, such as that of continuous integration.
const Strict = "FLASHSTORE_TESTS_STRICT"

// Program is where the first of names is that PATH knows. Without any the test ends; see Lacks.
func Program(t testing.TB, names ...string) string {
	t.Helper()
	for _, name := range names {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	Lacks(t, strings.Join(names, " or ")+" is not installed")
	return ""
}

// Lacks ends a test that lacks a program: it is skipped, or fails where Strict is set.
func Lacks(t testing.TB, what string) {
	t.Helper()
	if os.Getenv(Strict) == "" {
		t.Skip(what)
	} else {
		t.Fatalf("%s, and %s is set", what, Strict)
	}
}
