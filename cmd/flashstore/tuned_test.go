package main

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"flashstore/machine"
)

// A file that was tuned here is used, one for another machine is left out with a warning, one that
// nobody has tuned is none of this.
func TestWithoutForeignTuning(t *testing.T) {
	dir := t.TempDir()
	here := machine.Identify(dir)
	other := here
	other.Cores++
	for name, c := range map[string]struct {
		text    string
		kept    bool
		warning string
	}{
		"here":      {machine.TunedMark + here.String() + "\nnetloop: epoll\n", true, ""},
		"elsewhere": {"# x\n" + machine.TunedMark + other.String() + "\nnetloop: epoll\n", false, "cores: "},
		"by hand":   {"netloop: epoll\n", true, ""},
		"broken":    {machine.TunedMark + "{\nnetloop: epoll\n", false, "cannot be read"},
	} {
		file := filepath.Join(dir, strings.ReplaceAll(name, " ", "-")+".yaml")
		if err := os.WriteFile(file, []byte(c.text), 0o600); err != nil {
			t.Fatal(err)
		}
		for _, flags := range [][]string{{"--config", file}, {"--config=" + file}, {"-config", file}} {
			args := append([]string{"--drives", dir}, append(flags, "--loops", "1")...)
			var warnings bytes.Buffer
			got := withoutForeignTuning(args, &warnings)
			if slices.Equal(got, args) != c.kept || !strings.Contains(warnings.String(), c.warning) ||
				c.kept && warnings.Len() > 0 {
				t.Errorf("%s: %v; %s", name, got, warnings.String())
			}
			if want := []string{"--drives", dir, "--loops", "1"}; !c.kept && !slices.Equal(got, want) {
				t.Errorf("%s: %v, want %v", name, got, want)
			}
		}
	}
}
