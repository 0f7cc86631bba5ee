package bench

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// fakeGo stands for the compiler of a gate: it notes each build in the folder of gateTree, with
// whether the tree that it is to build is whole, and does what the test wants meanwhile.
const fakeGo = `#!/bin/sh
case $1 in
env)
	shift
	for name; do eval "echo \"$name=\${$name:-}\""; done
	;;
build)
	eval "${MEANWHILE:-}"
	[ -f whole ] || { echo "the tree is gone" >>"$BUILDS"; exit 1; }
	echo "built" >>"$BUILDS"
	[ -z "${BROKEN:-}" ] || exit 1
	mkdir -p "$(dirname "$3")"
	printf '#!/bin/sh\n' >"$3"
	chmod +x "$3"
	;;
esac
`

// gateTree is a repository with one commit, in which tools/gate.sh finds a compiler and a gate that
// are no more than said to be.
type gateTree struct{ dir, builds, revision string }

func newGateTree(t *testing.T) gateTree {
	t.Helper()
	mustHave(t, "git")
	dir := t.TempDir()
	root := filepath.Join(dir, "tree")
	for _, folder := range []string{"bin", "tools", "below"} {
		if err := os.MkdirAll(filepath.Join(root, folder), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	script, err := os.ReadFile("../tools/gate.sh")
	if err != nil {
		t.Fatal(err)
	}
	for path, text := range map[string]string{
		"tools/gate.sh": string(script), "bin/go": fakeGo, "whole": "",
		"bin/flashbench": "#!/bin/sh\necho \"flashbench $*\"\n", "below/server": "#!/bin/sh\n",
		".gitignore": "/bin/\n/.data/\n",
	} {
		writeProgram(t, filepath.Join(root, path), text)
	}
	g := gateTree{dir: root, builds: filepath.Join(dir, "builds")}
	g.git(t, "init", "--quiet")
	g.git(t, "add", "--all")
	g.git(t, "-c", "user.name=a", "-c", "user.email=a@example.org", "commit", "--quiet", "-m", "a")
	g.revision = strings.TrimSpace(g.git(t, "rev-parse", "HEAD"))
	return g
}

// env has the compiler of the tree, and no more of git than what is there by default.
func (g gateTree) env(more ...string) []string {
	env := slices.DeleteFunc(outsideMake(), func(variable string) bool {
		return strings.HasPrefix(variable, "GIT_") || strings.HasPrefix(variable, "CGO_")
	})
	return append(append(env, "PATH="+filepath.Join(g.dir, "bin")+":"+os.Getenv("PATH"),
		"BUILDS="+g.builds), more...)
}

func (g gateTree) git(t *testing.T, args ...string) string {
	t.Helper()
	cmd := exec.Command("git", append([]string{"-C", g.dir}, args...)...)
	cmd.Env = g.env()
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("git %v: %v\n%s", args, err, out)
	}
	return string(out)
}

// gate runs the script in a folder of the tree. Its process is known to it as GATE.
func (g gateTree) gate(t *testing.T, folder string, env []string, args ...string) (int, string) {
	t.Helper()
	cmd := exec.Command("sh", append([]string{"-c", `export GATE=$$; exec "$@"`, "sh",
		filepath.Join(g.dir, "tools", "gate.sh")}, args...)...)
	cmd.Dir, cmd.Env = filepath.Join(g.dir, folder), g.env(env...)
	out, err := cmd.CombinedOutput()
	if exit := new(exec.ExitError); err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), string(out)
}

// mustHaveBuilt checks what was built so far, and that no worktree is left.
func (g gateTree) mustHaveBuilt(t *testing.T, want ...string) {
	t.Helper()
	text, err := os.ReadFile(g.builds)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	if got := strings.Split(strings.TrimSpace(string(text)), "\n"); !slices.Equal(got, want) &&
		len(text)+len(want) > 0 {
		t.Errorf("builds: %q, want %q", got, want)
	}
	g.mustHaveNoTree(t)
}

func (g gateTree) mustHaveNoTree(t *testing.T) {
	t.Helper()
	if known := g.git(t, "worktree", "list"); strings.Count(known, "\n") != 1 {
		t.Errorf("git knows of more than one tree:\n%s", known)
	}
	left, err := filepath.Glob(filepath.Join(g.dir, ".data", "gate", "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range left {
		if !regexp.MustCompile(`^flashstore-[0-9a-f]{40}-[0-9a-f]{8}$`).MatchString(filepath.Base(path)) {
			t.Errorf("left behind: %s", path)
		}
	}
}

// A revision is built once for each setting of the compiler, wherever the script is called from.
func TestGateScriptBuildsRevision(t *testing.T) {
	g := newGateTree(t)
	binaries := map[string]bool{}
	for i, c := range []struct {
		folder string
		env    []string
		builds int
	}{
		{".", nil, 1}, {"below", nil, 1}, {".", []string{"CGO_ENABLED=0"}, 1},
		{".", []string{"CGO_ENABLED=1"}, 2}, {".", []string{"CGO_ENABLED=1", "CC=another"}, 3},
	} {
		code, out := g.gate(t, c.folder, c.env, "HEAD", "--timing=false")
		binary := regexp.MustCompile(`(?m)^flashbench gate --base (\S+) --timing=false$`).
			FindStringSubmatch(out)
		if code != 0 || binary == nil || !strings.HasPrefix(binary[1],
			filepath.Join(g.dir, ".data", "gate", "flashstore-"+g.revision)) {
			t.Fatalf("%d: code %d:\n%s", i, code, out)
		}
		binaries[binary[1]] = true
		if len(binaries) != c.builds {
			t.Errorf("%d: %d binaries, want %d", i, len(binaries), c.builds)
		}
		g.mustHaveBuilt(t, slices.Repeat([]string{"built"}, c.builds)...)
	}
}

// A server binary is named from where the script is called, and nothing is built.
func TestGateScriptTakesBinary(t *testing.T) {
	g := newGateTree(t)
	want := "flashbench gate --base " + filepath.Join(g.dir, "below", "server") + "\n"
	for folder, base := range map[string]string{"below": "server", ".": "below/server",
		"tools": "../below/../below/server", "bin": filepath.Join(g.dir, "below", "server")} {
		code, out := g.gate(t, folder, nil, base)
		if code != 0 || out != want {
			t.Errorf("%s in %s: code %d: %s", base, folder, code, out)
		}
	}
	g.mustHaveBuilt(t)
}

// What is no base is wrong usage; one that cannot be built, or is cut off, leaves nothing compared
// and nothing behind.
func TestGateScriptFails(t *testing.T) {
	for name, c := range map[string]struct {
		env    []string
		args   []string
		code   int
		want   string
		builds []string
	}{
		"nothing":   {nil, nil, exitUsage, "usage: ", nil},
		"empty":     {nil, []string{""}, exitUsage, "usage: ", nil},
		"unknown":   {nil, []string{"nope"}, exitUsage, "nope is neither a revision nor a program", nil},
		"no server": {nil, []string{"./server"}, exitUsage, "neither a revision nor a program", nil},
		"broken": {[]string{"BROKEN=1"}, []string{"HEAD"}, exitInvalid, "HEAD cannot be built",
			[]string{"built"}},
		"cut off": {[]string{`MEANWHILE=kill "$GATE"`}, []string{"HEAD"}, exitInvalid, "building",
			[]string{"built"}},
	} {
		t.Run(name, func(t *testing.T) {
			g := newGateTree(t)
			code, out := g.gate(t, ".", c.env, c.args...)
			if code != c.code || !strings.Contains(out, c.want) || strings.Contains(out, "flashbench") {
				t.Errorf("code %d, want %d and %q:\n%s", code, c.code, c.want, out)
			}
			g.mustHaveBuilt(t, c.builds...)
		})
	}
}

// Two gates of one base at the same time do not take each other's tree away; what one that was
// killed has left goes with the next.
func TestGateScriptTwice(t *testing.T) {
	g := newGateTree(t)
	gate := filepath.Join(g.dir, "tools", "gate.sh")
	second := `MEANWHILE=MEANWHILE= ` + gate + ` HEAD >"$BUILDS.second" 2>&1 || echo "second failed" >>"$BUILDS"`
	if code, out := g.gate(t, ".", []string{second}, "HEAD"); code != 0 {
		t.Errorf("code %d:\n%s", code, out)
	}
	g.mustHaveBuilt(t, "built", "built")

	killed := []string{`MEANWHILE=kill -9 "$GATE"`, "CGO_ENABLED=1"}
	if code, out := g.gate(t, ".", killed, "HEAD"); code == 0 {
		t.Errorf("killed, code 0:\n%s", out)
	}
	if left, _ := filepath.Glob(filepath.Join(g.dir, ".data", "gate", "tree-*")); len(left) != 1 {
		t.Fatalf("what was killed has left %q", left)
	}
	if code, out := g.gate(t, ".", []string{"CGO_ENABLED=1"}, "HEAD"); code != 0 {
		t.Errorf("code %d:\n%s", code, out)
	}
	g.mustHaveNoTree(t)
}
