package target

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// foreignStub is the stub as if it were not ours.
func foreignStub(t *testing.T, change func(*Foreign)) Config {
	t.Helper()
	f := &Foreign{Args: []string{"server", "--address", "{address}", "--drives", "{drive1}"},
		Health: "/flashstore/health/ready"}
	change(f)
	return Config{Binary: os.Getenv("STUB"), Drives: 2, Parity: 1, Dir: t.TempDir(), Foreign: f}
}

func mustStartForeign(t *testing.T, c Config) *Server {
	t.Helper()
	s, err := Start(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Kill)
	return s
}

func mustRead(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// Every word stands for something, and no two ports are the same.
func TestForeignWords(t *testing.T) {
	c := foreignStub(t, func(f *Foreign) {
		f.Files = map[string]string{"words": "{" + strings.Join(Words(), "}\n{") + "}"}
	})
	s := mustStartForeign(t, c)
	lines := strings.Split(mustRead(t, filepath.Join(c.Dir, "words")), "\n")
	if len(lines) != len(Words()) {
		t.Fatalf("%d lines of %d words: %q", len(lines), len(Words()), lines)
	}
	ports := map[string]bool{}
	for i, word := range Words() {
		if lines[i] == "" || strings.ContainsAny(lines[i], "{}") {
			t.Errorf("%s became %q", word, lines[i])
		}
		if strings.HasPrefix(word, "port") {
			ports[lines[i]] = true
		}
	}
	if len(ports) != 1+morePorts {
		t.Errorf("ports: %v", ports)
	}
	if want := "127.0.0.1:" + lines[3]; s.Address != want {
		t.Errorf("address %s, want %s", s.Address, want)
	}
}

// A foreign server and its setup run in the folder of the leg, so that nothing stays elsewhere; the
// setup runs once over the same data.
func TestForeignFolder(t *testing.T) {
	c := foreignStub(t, func(f *Foreign) {
		f.Env = []string{"GREETING=hello {drive1}"}
		f.Setup = [][]string{{"sh", "-c", `echo "$GREETING" >>here`}}
	})
	for range 2 {
		s := mustStartForeign(t, c)
		if at, err := os.Readlink(fmt.Sprintf("/proc/%d/cwd", s.PID())); err != nil || at != c.Dir {
			t.Errorf("it runs in %s, error %v, want %s", at, err, c.Dir)
		}
		if err := s.Stop(); err != nil {
			t.Error(err)
		}
	}
	want := "hello " + filepath.Join(c.Dir, "d1") + "\n"
	if got := mustRead(t, filepath.Join(c.Dir, "here")); got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

// A setup that fails says what it said; one that hangs is ended with what it started.
func TestForeignSetup(t *testing.T) {
	fails := foreignStub(t, func(f *Foreign) {
		f.Setup = [][]string{{"sh", "-c", "echo no such layout; exit 3"}}
	})
	if _, err := Start(t.Context(), fails); !errors.Is(err, ErrNotReady) ||
		!strings.Contains(err.Error(), "no such layout") || !strings.Contains(err.Error(), "setup: sh") {
		t.Errorf("a setup that fails: %v", err)
	}
	hangs := foreignStub(t, func(f *Foreign) {
		f.Setup = [][]string{{"sh", "-c", "sleep 1000 & echo $! >child; wait"}}
	})
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		defer cancel()
		await(func() bool {
			text, _ := os.ReadFile(filepath.Join(hangs.Dir, "child"))
			return strings.HasSuffix(string(text), "\n")
		})
	}()
	if _, err := Start(ctx, hangs); !errors.Is(err, context.Canceled) {
		t.Errorf("a setup that hangs: %v", err)
	}
	child := strings.TrimSpace(mustRead(t, filepath.Join(hangs.Dir, "child")))
	if !await(func() bool { return !running(child) }) {
		t.Errorf("process %s is left behind", child)
	}
}

// How a foreign server ends that was asked to is its own business; that it has died before is not.
func TestForeignStop(t *testing.T) {
	s := mustStartForeign(t, foreignStub(t, func(f *Foreign) { f.Env = []string{"STUB_FAULT=stubborn"} }))
	if err := s.Stop(); err != nil {
		t.Errorf("exit code 7 when asked to end: %v", err)
	}
	s = mustStartForeign(t, foreignStub(t, func(*Foreign) {}))
	if err := syscall.Kill(s.PID(), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	<-s.process.Done()
	if err := s.Stop(); err == nil {
		t.Error("it was killed, and nobody says so")
	}
}

// await says whether a condition came true within some seconds.
func await(condition func() bool) bool {
	for start := time.Now(); time.Since(start) < 10*time.Second; time.Sleep(5 * time.Millisecond) {
		if condition() {
			return true
		}
	}
	return false
}

// running says whether a process runs: one that nobody reaps does not.
func running(pid string) bool {
	stat, err := os.ReadFile(filepath.Join("/proc", pid, "stat"))
	_, rest, _ := strings.Cut(string(stat), ") ")
	return err == nil && !strings.HasPrefix(rest, "Z")
}
