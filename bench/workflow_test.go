package bench

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/goccy/go-yaml"
)

// outsideMake is the environment without what a make that runs the tests tells its children.
func outsideMake() []string {
	return slices.DeleteFunc(os.Environ(), func(variable string) bool {
		return strings.HasPrefix(variable, "MAKE") || strings.HasPrefix(variable, "MFLAGS")
	})
}

// A gate builds its load generator before the base, which takes long.
func TestGateBuildsWarpFirst(t *testing.T) {
	mustHave(t, "make")
	dry := exec.Command("make", "-C", "..", "--dry-run", "--what-if", "tools/go.mod", "gate")
	dry.Env = outsideMake()
	text, err := dry.CombinedOutput()
	warp, gate := strings.Index(string(text), "tools/warp.sh"), strings.Index(string(text), "tools/gate.sh")
	if err != nil || warp < 0 || gate < warp {
		t.Errorf("error %v:\n%s", err, text)
	}
}

// The workflow takes bin/warp from its cache, though that is older than the checkout, and builds it
// where the cache had none.
func TestWorkflowKeepsCachedWarp(t *testing.T) {
	mustHave(t, "make")
	step := workflowStep(t, "make build warp")
	for name, cached := range map[string]bool{"cached": true, "not cached": false} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			checkout(t, dir)
			warp := filepath.Join(dir, "bin", "warp")
			if cached {
				writeProgram(t, warp, "from the cache")
				old := time.Now().Add(-time.Hour)
				if err := os.Chtimes(warp, old, old); err != nil {
					t.Fatal(err)
				}
			}
			run := exec.Command("sh", "-ec", step)
			run.Dir = dir
			run.Env = append(outsideMake(), "PATH="+filepath.Join(dir, "bin")+":"+os.Getenv("PATH"))
			if out, err := run.CombinedOutput(); err != nil {
				t.Fatalf("%v:\n%s", err, out)
			}
			text, err := os.ReadFile(warp)
			if want := map[bool]string{true: "from the cache", false: "built"}[cached]; err != nil ||
				strings.TrimSpace(string(text)) != want {
				t.Errorf("bin/warp is %q, want %q; error %v", text, want, err)
			}
		})
	}
}

// workflowStep is the command of the step of the workflow that contains text.
func workflowStep(t *testing.T, text string) string {
	t.Helper()
	content, err := os.ReadFile("../.github/workflows/gate.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var workflow struct {
		Jobs map[string]struct {
			Steps []struct {
				Run string `yaml:"run"`
			} `yaml:"steps"`
		} `yaml:"jobs"`
	}
	if err := yaml.Unmarshal(content, &workflow); err != nil {
		t.Fatal(err)
	}
	for _, job := range workflow.Jobs {
		for _, step := range job.Steps {
			if strings.Contains(step.Run, text) {
				return step.Run
			}
		}
	}
	t.Fatalf("no step has %q", text)
	return ""
}

// checkout lays out what make needs to build, with a compiler and a build of warp that are no more
// than said to be.
func checkout(t *testing.T, dir string) {
	t.Helper()
	makefile, err := os.ReadFile("../Makefile")
	if err != nil {
		t.Fatal(err)
	}
	for _, folder := range []string{"bin", "tools"} {
		if err := os.Mkdir(filepath.Join(dir, folder), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	for path, text := range map[string]string{
		"Makefile": string(makefile), "tools/go.mod": "", "tools/go.sum": "",
		"bin/go": "#!/bin/sh\n", "tools/warp.sh": "#!/bin/sh\necho built >bin/warp\n",
	} {
		writeProgram(t, filepath.Join(dir, path), text)
	}
}
