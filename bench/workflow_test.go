package bench

import (
	"cmp"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/goccy/go-yaml"

	"flashstore/bench/benchtest"
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

// What others name, such as a branch, is never text of a command: it could be one.
func TestWorkflowsTakeNoCommands(t *testing.T) {
	files, err := filepath.Glob("../.github/workflows/*.yaml")
	if err != nil || len(files) < 2 {
		t.Fatalf("%q, error %v", files, err)
	}
	for _, file := range files {
		for _, job := range readWorkflow(t, file).Jobs {
			for _, step := range job.Steps {
				if strings.Contains(step.Run, "${{") {
					t.Errorf("%s: %s", file, step.Run)
				}
			}
		}
	}
}

// Where .ci/run runs on every commit, no test of the harness is skipped for want of a program: what
// they ask for is installed, and what is not fails.
func TestWorkflowHasPrograms(t *testing.T) {
	job := readWorkflow(t, "../.github/workflows/ci.yaml").Jobs["tests"]
	if job.Env[benchtest.Strict] == "" {
		t.Errorf("%s is not set", benchtest.Strict)
	}
	install := strings.Fields(stepWith(t, job.Steps, "apt-get install"))
	stepWith(t, job.Steps, ".ci/run")
	packages := map[string]string{"unshare": "util-linux", "setsid": "util-linux",
		"mkfs.ext4": "e2fsprogs"}
	asks := regexp.MustCompile(`(?:mustHave|benchtest\.Program)\(t, "([^"]+)"`)
	found := 0
	err := filepath.WalkDir(".", func(path string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		text, err := os.ReadFile(path)
		for _, match := range asks.FindAllStringSubmatch(string(text), -1) {
			found++
			if wanted := cmp.Or(packages[match[1]], match[1]); !slices.Contains(install, wanted) {
				t.Errorf("%s asks for %s, which ci.yaml does not install", path, match[1])
			}
		}
		return err
	})
	if err != nil || found < 6 {
		t.Errorf("%d programs, error %v", found, err)
	}
}

// workflow is what there is of one to be checked.
type workflow struct {
	Jobs map[string]struct {
		Env   map[string]string `yaml:"env"`
		Steps []workflowRun     `yaml:"steps"`
	} `yaml:"jobs"`
}

type workflowRun struct {
	Run string `yaml:"run"`
}

func readWorkflow(t *testing.T, path string) (w workflow) {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal(content, &w); err != nil {
		t.Fatal(err)
	}
	return w
}

// workflowStep is the command of the step of the gate's workflow that contains text.
func workflowStep(t *testing.T, text string) string {
	t.Helper()
	return stepWith(t, readWorkflow(t, "../.github/workflows/gate.yaml").Jobs["gate"].Steps, text)
}

func stepWith(t *testing.T, steps []workflowRun, text string) string {
	t.Helper()
	for _, step := range steps {
		if strings.Contains(step.Run, text) {
			return step.Run
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
