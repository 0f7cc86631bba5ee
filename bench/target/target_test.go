package target

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"flashstore/bench/scenario"
)

var axes = scenario.Configuration{{Axis: "netloop", Value: "epoll"}, {Axis: "simd", Value: "auto"}}

// TestMain builds the stub server once; tests find it by STUB.
func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "stub")
	if err != nil {
		panic(err)
	}
	binary := filepath.Join(dir, "stub")
	if out, err := exec.Command("go", "build", "-o", binary, "./testdata/stub").CombinedOutput(); err != nil {
		panic(string(out))
	}
	os.Setenv("STUB", binary)
	code := m.Run()
	os.RemoveAll(dir)
	os.Exit(code)
}

func startStub(t *testing.T, ctx context.Context, fault string) (*Server, error) {
	t.Helper()
	return startStubIn(t, ctx, fault, t.TempDir())
}

func startStubIn(t *testing.T, ctx context.Context, fault, dir string) (*Server, error) {
	t.Helper()
	s, err := Start(ctx, Config{
		Binary: os.Getenv("STUB"), Axes: axes, Drives: 4, Parity: 2, Dir: dir,
		Env: []string{"STUB_FAULT=" + fault},
	})
	if err == nil {
		t.Cleanup(s.Kill)
	}
	return s, err
}

func mustStart(t *testing.T, fault string) *Server {
	t.Helper()
	s, err := startStub(t, t.Context(), fault)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestLifeOfALeg(t *testing.T) {
	s := mustStart(t, "")
	for range 2 { // the second pass runs on preloaded drives
		if err := s.Verify(t.Context(), 4096, 1); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Preload(t.Context(), Bucket, 200, 1000, 1); err != nil {
		t.Fatal(err)
	}
	status, err := s.Status(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := status.Engaged(axes); err != nil {
		t.Error(err)
	}
	if err := s.Stop(); err != nil {
		t.Error(err)
	}
}

func TestVerifySees(t *testing.T) {
	for _, fault := range []string{"flips", "ignores-range", "forgets"} {
		s := mustStart(t, fault)
		if err := s.Verify(t.Context(), 4096, 1); !errors.Is(err, ErrWrongData) {
			t.Errorf("%s: error %v", fault, err)
		}
	}
}

func TestPreloadCounts(t *testing.T) {
	s := mustStart(t, "forgets")
	if err := s.Preload(t.Context(), Bucket, 5, 10, 1); !errors.Is(err, ErrWrongData) {
		t.Errorf("error %v", err)
	}
}

func TestEngagedNeedsProof(t *testing.T) {
	for fault, want := range map[string]string{
		"falls-back": "asked for epoll, active is other",
		"unproven":   `counter "netloop_proof" is 0`,
	} {
		s := mustStart(t, fault)
		status, err := s.Status(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		err = status.Engaged(axes)
		if !errors.Is(err, ErrNotEngaged) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want %q", fault, err, want)
		}
	}
	if err := (Status{}).Engaged(axes); !errors.Is(err, ErrNotEngaged) {
		t.Errorf("a status without axes: %v", err)
	}
}

func TestStartFails(t *testing.T) {
	_, err := startStub(t, t.Context(), "dies")
	if !errors.Is(err, ErrNotReady) || !strings.Contains(err.Error(), "| stub: cannot open the drives") {
		t.Errorf("dies: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	dir, asks := t.TempDir(), make(chan struct{})
	go func() { // gives up once the server was asked again, behind an answer
		defer close(asks)
		defer cancel()
		for ctx.Err() == nil {
			log, _ := os.ReadFile(filepath.Join(dir, "server.log"))
			if strings.Contains(string(log), "stub: asked again") {
				return
			}
			time.Sleep(5 * time.Millisecond)
		}
	}()
	_, err = startStubIn(t, ctx, "never-ready", dir)
	if !errors.Is(err, ErrNotReady) || !errors.Is(err, context.Canceled) ||
		!strings.Contains(err.Error(), "503") {
		t.Errorf("never ready: %v", err)
	}
	cancel()
	<-asks
	_, err = Start(t.Context(), Config{Binary: "/nonexistent", Dir: t.TempDir(), Drives: 1})
	if !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no binary: %v", err)
	}
}

func TestStopReportsExitCode(t *testing.T) {
	s := mustStart(t, "stubborn")
	if err := s.Stop(); err == nil || !strings.Contains(err.Error(), "exit status 7") {
		t.Errorf("error %v", err)
	}
}

func TestWorkspaceSweep(t *testing.T) {
	root := t.TempDir()
	alive, err := OpenWorkspace(root)
	if err != nil {
		t.Fatal(err)
	}
	dead, err := OpenWorkspace(root)
	if err != nil {
		t.Fatal(err)
	}
	dead.lock.Close() // as the kernel does for a killed process
	foreign := filepath.Join(root, "run-of-somebody-else")
	if err := os.Mkdir(foreign, 0o700); err != nil {
		t.Fatal(err)
	}
	third, err := OpenWorkspace(root)
	if err != nil {
		t.Fatal(err)
	}
	for dir, want := range map[string]bool{
		alive.Path(): true, dead.Path(): false, third.Path(): true, foreign: true,
	} {
		if _, err := os.Stat(dir); (err == nil) != want {
			t.Errorf("%s: there %v, want %v", dir, err == nil, want)
		}
	}
	if err := alive.Close(); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(alive.Path()); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("after Close: %v", err)
	}
}

// Of runs that start at the same time none takes the folder of another one for left behind.
func TestWorkspacesAtOnce(t *testing.T) {
	root := t.TempDir()
	var runs sync.WaitGroup
	for range 8 {
		runs.Go(func() {
			for range 50 {
				w, err := OpenWorkspace(root)
				if err != nil {
					t.Error(err)
					return
				}
				if _, err := os.Stat(filepath.Join(w.Path(), lockName)); err != nil {
					t.Error(err)
				}
				if err := w.Close(); err != nil {
					t.Error(err)
				}
			}
		})
	}
	runs.Wait()
	if left, err := os.ReadDir(root); err != nil || len(left) != 0 {
		t.Errorf("left behind: %v, error %v", left, err)
	}
}

func TestWorkspaceFresh(t *testing.T) {
	w, err := OpenWorkspace(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	for range 2 {
		dir, err := w.Fresh("leg")
		if err != nil {
			t.Fatal(err)
		}
		if entries, err := os.ReadDir(dir); err != nil || len(entries) != 0 {
			t.Fatalf("%v, %v", entries, err)
		}
		if err := os.WriteFile(filepath.Join(dir, "x"), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Remove("leg"); err != nil {
		t.Error(err)
	}
}
