package benchtest

import (
	"fmt"
	"path/filepath"
	"testing"
)

// noted is a test that notes how it was ended.
type noted struct {
	testing.TB
	skipped, failed string
}

func (n *noted) Helper() {}

func (n *noted) Skip(args ...any) { n.skipped = fmt.Sprint(args...) }

func (n *noted) Fatalf(format string, args ...any) { n.failed = fmt.Sprintf(format, args...) }

// What is missing skips a test, and fails it where nothing may be missing.
func TestProgram(t *testing.T) {
	for strict, want := range map[string]noted{
		"":  {skipped: "no-such-program or none is not installed"},
		"1": {failed: "no-such-program or none is not installed, and FLASHSTORE_TESTS_STRICT is set"},
	} {
		t.Setenv(Strict, strict)
		var got noted
		if path := Program(&got, "no-such-program", "none"); path != "" || got != want {
			t.Errorf("strict %q: %q, skipped %q, failed %q", strict, path, got.skipped, got.failed)
		}
		got = noted{}
		if path := Program(&got, "no-such-program", "sh"); filepath.Base(path) != "sh" || got != (noted{}) {
			t.Errorf("strict %q: %q, skipped %q, failed %q", strict, path, got.skipped, got.failed)
		}
	}
}
