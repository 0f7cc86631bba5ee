package e2e

import (
	"bufio"
	"errors"
	"flag"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"regexp"
	"runtime"
	"strings"
	"syscall"
	"testing"
)

var ownNamespaceFlag = flag.Bool("e2e.own-namespace", false,
	"set by the tests themselves: this process has a mount namespace of its own")

// inOwnNamespace returns true in a process of its own that may mount what it likes: nobody else
// sees that, and the kernel undoes it all when the process and its children are gone. The
// process that is asked first starts that one, hands on what it says, and gets false. The test
// is skipped where this is not allowed.
func inOwnNamespace(t *testing.T) bool {
	t.Helper()
	if *ownNamespaceFlag {
		return true
	}
	if os.Geteuid() != 0 {
		t.Skip("not root: a file system cannot be mounted here")
	}
	// The kernel kills the child with the thread that started it.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	args := []string{"-test.run=^" + t.Name() + "$", "-test.v", "-test.timeout=0",
		"-e2e.own-namespace"}
	flag.Visit(func(f *flag.Flag) {
		if strings.HasPrefix(f.Name, "e2e.") || f.Name == "test.short" {
			args = append(args, "-"+f.Name+"="+f.Value.String())
		}
	})
	child := exec.Command("/proc/self/exe", args...)
	child.Env = append(os.Environ(), "FLASHSTORE_E2E_BINARY="+serverBinary,
		"TMPDIR="+t.TempDir())
	child.SysProcAttr = &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS,
		Pdeathsig: syscall.SIGKILL}
	said, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	child.Stderr = child.Stdout
	// The child ends by itself when the user interrupts, and says how far it came.
	interrupts := make(chan os.Signal, 1)
	signal.Notify(interrupts, syscall.SIGINT, syscall.SIGTERM)
	defer close(interrupts)
	defer signal.Stop(interrupts)
	if err := child.Start(); err != nil {
		if errors.Is(err, syscall.EPERM) {
			t.Skipf("a mount namespace is not allowed here: %v", err)
		}
		t.Fatal(err)
	}
	go func() {
		for s := range interrupts {
			_ = child.Process.Signal(s)
		}
	}()
	last, skipped := relay(t, said)
	if err := child.Wait(); err != nil {
		t.Fatalf("in its own mount namespace: %v", err)
	}
	if skipped {
		t.Skip(last)
	}
	return false
}

// relay logs what a test binary says, without what the test framework adds, but what a subtest
// says begins with its name.
func relay(t *testing.T, from io.Reader) (last string, skipped bool) {
	framework := regexp.MustCompile(`^(?:=== [A-Z]+ +| *--- [A-Z]+: )(\S+)|^PASS$|^FAIL$`)
	place := regexp.MustCompile(`^ +[a-z0-9_]+\.go:\d+: `)
	speaker := "" // of the next lines
	lines := bufio.NewScanner(from)
	for lines.Scan() {
		line := lines.Text()
		if m := framework.FindStringSubmatch(line); m != nil {
			skipped = skipped || strings.HasPrefix(line, "--- SKIP")
			if _, speaker, _ = strings.Cut(m[1], "/"); speaker != "" {
				speaker += ": "
			}
			continue
		}
		last = place.ReplaceAllLiteralString(line, speaker)
		t.Log(last)
	}
	return last, skipped
}
