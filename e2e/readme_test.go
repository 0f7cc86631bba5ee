package e2e

import (
	"context"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"flashstore/bench/process"
)

// readme is the commands of the README and the means to run them here.
type readme struct {
	t       *testing.T
	replace *strings.Replacer
	url     string
	server  *process.Process
}

// TestReadmeCommands runs every command of the README, in order, on other directories and
// another port. Verbs that take minutes are not run again: CI must run them.
func TestReadmeCommands(t *testing.T) {
	r := newReadme(t)
	lines := readmeCommands(t)
	for _, line := range lines {
		switch {
		case strings.HasPrefix(line, "make "):
			r.verb(strings.TrimPrefix(line, "make "))
		case strings.HasPrefix(line, "bin/flashbench "):
			r.run(line + " --help") // an unknown flag or command would fail before
		case strings.HasPrefix(line, "bin/flashstore server") && !strings.Contains(line, "--help") &&
			!strings.Contains(line, "--print-config"):
			r.serve(line)
		case strings.HasPrefix(line, "bin/flashstore check"):
			r.stop()
			r.run(line)
		case strings.HasPrefix(line, "bin/flashstore "):
			r.run(line)
		default:
			t.Errorf("no way to test the README's command %q", line)
		}
	}
	r.stop()
	if len(lines) < 15 {
		t.Fatalf("only %d commands were found in the README", len(lines))
	}
}

func newReadme(t *testing.T) *readme {
	dir := t.TempDir()
	flashbench := filepath.Join(dir, "flashbench")
	if text, err := exec.Command("go", "build", "-o", flashbench,
		"flashstore/cmd/flashbench").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	l.Close()
	r := &readme{t: t, url: "http://" + address, replace: strings.NewReplacer(
		"/data/", dir+"/", "127.0.0.1:9000", address,
		"bin/flashstore", serverBinary, "bin/flashbench", flashbench)}
	t.Cleanup(func() {
		if r.server != nil {
			r.server.Kill()
		}
	})
	return r
}

// readmeCommands are the lines of its code blocks, without comments.
func readmeCommands(t *testing.T) (lines []string) {
	text, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	for i, part := range strings.Split(string(text), "```") {
		if i%2 == 0 {
			continue
		}
		for line := range strings.Lines(part) {
			line, _, _ = strings.Cut(line, "#")
			if line = strings.TrimSpace(line); line != "" {
				lines = append(lines, line)
			}
		}
	}
	return lines
}

// verb checks a verb of the Makefile: the quick ones by running them, the others by finding
// them in what CI runs.
func (r *readme) verb(verb string) {
	switch verb {
	case "doctor":
		r.run("make -C .. doctor")
		return
	case "build", "run": // built by TestMain; tools/run.sh is tried by TestMakeRun
		return
	}
	ci := ""
	for _, file := range []string{"../.ci/run", "../Makefile"} {
		text, err := os.ReadFile(file)
		if err != nil {
			r.t.Fatal(err)
		}
		ci += string(text)
	}
	for _, runs := range regexp.MustCompile(`(?m)^\s*(?:if )?make (.*)|^ci-long:(.*)`).
		FindAllStringSubmatch(ci, -1) {
		if slices.Contains(strings.Fields(runs[1]+" "+runs[2]), verb) {
			return
		}
	}
	r.t.Errorf("the README names make %s, which neither .ci/run nor ci-long runs", verb)
}

func (r *readme) env() []string {
	return append(os.Environ(), "FLASHSTORE_ROOT_USER="+rootUser,
		"FLASHSTORE_ROOT_PASSWORD="+rootPassword)
}

func (r *readme) run(line string) {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "sh", "-c", r.replace.Replace(line))
	cmd.Env = r.env()
	if text, err := cmd.CombinedOutput(); err != nil {
		r.t.Errorf("%s: %v\n%s", line, err, text)
	}
}

func (r *readme) serve(line string) {
	r.t.Helper()
	r.stop()
	proc, err := process.Start(process.Spec{Path: "/bin/sh",
		Args: []string{"-c", "exec " + r.replace.Replace(line)}, Env: r.env(),
		Log: filepath.Join(r.t.TempDir(), "log")})
	if err != nil {
		r.t.Fatal(err)
	}
	r.server = proc
	awaitURL(r.t, proc, r.url)
}

func (r *readme) stop() {
	if r.server == nil {
		return
	}
	if err := r.server.Stop(stopMax); err != nil {
		r.t.Errorf("stop: %v\n%s", err, r.server.LogTail())
	}
	r.server = nil
}

// awaitURL returns once the server at url is ready.
func awaitURL(t *testing.T, proc *process.Process, url string) {
	t.Helper()
	c := newClient(url)
	defer c.transport.CloseIdleConnections()
	deadline := time.Now().Add(readyMax)
	for {
		if a, err := c.plain("GET", "/flashstore/health/ready", nil); err == nil && a.status == 200 {
			return
		}
		select {
		case <-proc.Done():
			t.Fatalf("ended: %v\n%s", proc.Wait(), proc.LogTail())
		case <-time.After(pollWait):
		}
		if time.Now().After(deadline) {
			t.Fatalf("not ready\n%s", proc.LogTail())
		}
	}
}

// TestMakeRun starts what `make run` starts, and uses the server the way it says.
func TestMakeRun(t *testing.T) {
	root, dir := repository(t), t.TempDir()
	for from, to := range map[string]string{serverBinary: "bin/flashstore",
		filepath.Join(root, "tools/run.sh"): "run.sh"} {
		to = filepath.Join(dir, to)
		if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(from, to); err != nil {
			t.Fatal(err)
		}
	}
	log := filepath.Join(dir, "log")
	proc, err := process.Start(process.Spec{Path: "/bin/sh",
		Args: []string{"-c", "cd " + dir + " && exec sh ./run.sh"}, Env: os.Environ(), Log: log})
	if err != nil {
		t.Fatal(err)
	}
	defer proc.Kill()
	url := ""
	for deadline := time.Now().Add(readyMax); url == ""; time.Sleep(pollWait) {
		text, err := os.ReadFile(log)
		if err != nil {
			t.Fatal(err)
		}
		if found := regexp.MustCompile(`address=(http://\S+)`).FindSubmatch(text); found != nil {
			url = string(found[1])
		}
		if time.Now().After(deadline) {
			t.Fatalf("no address:\n%s", text)
		}
	}
	awaitURL(t, proc, url)
	if text, _ := os.ReadFile(log); !strings.Contains(string(text), "--endpoint-url "+url+" s3 mb") ||
		!strings.Contains(string(text), "mc alias set flash "+url) {
		t.Errorf("the aws and mc lines are missing:\n%s", text)
	}
	status := exec.Command("sh", "-c", "set -a; . "+dir+"/.data/run/flashstore-root.env; "+
		serverBinary+" admin status --server "+url)
	if text, err := status.CombinedOutput(); err != nil || !strings.Contains(string(text), "axes") {
		t.Errorf("%v\n%s", err, text)
	}
	if err := proc.Stop(stopMax); err != nil {
		t.Errorf("stop: %v", err)
	}
}

func repository(t *testing.T) string {
	t.Helper()
	root, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	return root
}
