package process

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"flashstore/bench/host"
)

// deadline bounds every wait of these tests; nothing waits that long unless it is broken.
const deadline = 20 * time.Second

func startShell(t *testing.T, script string, cores ...int) *Process {
	t.Helper()
	p, err := Start(Spec{
		Path: "/bin/sh", Args: []string{"-c", script}, Cores: cores,
		Log: filepath.Join(t.TempDir(), "log"), Env: []string{"GREETING=hello"},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Kill)
	return p
}

func TestExitCodeAndLog(t *testing.T) {
	if err := startShell(t, "exit 0").Wait(); err != nil {
		t.Errorf("exit 0: %v", err)
	}
	err := startShell(t, "echo $GREETING; exit 3").Wait()
	if !errors.Is(err, ErrExited) || !strings.Contains(err.Error(), "exit status 3") ||
		!strings.Contains(err.Error(), "| hello") {
		t.Errorf("exit 3: %v", err)
	}
}

// A program gets where things are and what it is told, and nothing else that was exported.
func TestPlainEnvironment(t *testing.T) {
	for name, value := range map[string]string{"GOGC": "off", "FLASHSTORE_IOENGINE": "threadpool",
		"PATHS": "x", "LC_ALL": "C", "TMPDIR": t.TempDir()} {
		t.Setenv(name, value)
	}
	p := startShell(t, "echo up; sleep 1000; exit 1")
	awaitLog(t, p, "up") // while a process begins it has none
	got, err := Environment(p.PID())
	if err != nil {
		t.Fatal(err)
	}
	for variable, want := range map[string]bool{"GREETING=hello": true, "LC_ALL=C": true,
		"PATH=" + os.Getenv("PATH"): true, "TMPDIR=" + os.Getenv("TMPDIR"): true,
		"GOGC=off": false, "FLASHSTORE_IOENGINE=threadpool": false, "PATHS=x": false} {
		name, _, _ := strings.Cut(variable, "=")
		if slices.Contains(got, variable) != want || slices.Contains(LeftOut(), name) == want {
			t.Errorf("%s is there: %v, left out are %q", variable, !want, LeftOut())
		}
	}
}

func TestStopThenKill(t *testing.T) {
	p := startShell(t, `trap 'exit 0' TERM; echo up; while :; do sleep 0.05; done`)
	awaitLog(t, p, "up")
	if err := p.Stop(deadline); err != nil {
		t.Errorf("a program that obeys: %v", err)
	}
	p = startShell(t, `trap '' TERM; echo up; while :; do sleep 0.05; done`)
	awaitLog(t, p, "up")
	err := p.Stop(50 * time.Millisecond)
	if err == nil || !strings.Contains(err.Error(), "killed") {
		t.Errorf("a program that does not obey: %v", err)
	}
	p.Kill() // twice is fine
}

func TestGroupIsKilled(t *testing.T) {
	p := startShell(t, `sleep 1000 & echo $!; wait`)
	child := awaitPID(t, p)
	p.Kill()
	awaitGone(t, child)
}

func TestNotThere(t *testing.T) {
	_, err := Start(Spec{Path: "/nonexistent", Log: filepath.Join(t.TempDir(), "log")})
	if !errors.Is(err, os.ErrNotExist) {
		t.Errorf("error %v", err)
	}
}

func TestCores(t *testing.T) {
	server, _ := host.Split()
	if server == nil {
		t.Skip("one core")
	}
	p := startShell(t, "grep Cpus_allowed_list /proc/self/status", server...)
	if err := p.Wait(); err != nil {
		t.Fatal(err)
	}
	if got := p.LogTail(); len(server) == 1 && !strings.HasSuffix(got, strconv.Itoa(server[0])) {
		t.Errorf("%s, want %v", got, server)
	}
}

// The kernel ends the process when the harness is killed. The test binary plays the harness.
func TestHarnessKilled(t *testing.T) {
	if os.Getenv("PROCESS_TEST_HARNESS") != "" {
		p := startShell(t, "sleep 1000")
		fmt.Println("pid", p.PID())
		p.Wait()
		return
	}
	harness := exec.Command(os.Args[0], "-test.run=^TestHarnessKilled$")
	// What the harness cannot tidy up any more goes with this test's folder.
	harness.Env = append(os.Environ(), "PROCESS_TEST_HARNESS=1", "TMPDIR="+t.TempDir())
	out, err := harness.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := harness.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	child, err := strconv.Atoi(strings.TrimSpace(strings.TrimPrefix(line, "pid ")))
	if err != nil {
		t.Fatal(err)
	}
	harness.Process.Kill()
	harness.Wait()
	awaitGone(t, child)
}

func awaitLog(t *testing.T, p *Process, want string) {
	t.Helper()
	await(t, want, func() bool { return strings.Contains(p.LogTail(), want) })
}

func awaitPID(t *testing.T, p *Process) (pid int) {
	t.Helper()
	await(t, "a pid", func() bool {
		_, err := fmt.Sscanf(strings.TrimPrefix(p.LogTail(), "    | "), "%d", &pid)
		return err == nil
	})
	return pid
}

func awaitGone(t *testing.T, pid int) {
	t.Helper()
	await(t, "the end of the child", func() bool {
		if syscall.Kill(pid, 0) == syscall.ESRCH {
			return true
		}
		// A zombie that nobody has reaped yet runs no more.
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		return err != nil || strings.Contains(string(stat), ") Z ")
	})
}

func await(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for start := time.Now(); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Since(start) > deadline {
			t.Fatalf("waited %s for %s", deadline, what)
		}
	}
}
