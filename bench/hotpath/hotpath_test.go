package hotpath

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"flashstore/bench/scenario"
)

// TestMain builds the real server and the stub once; tests find them by SERVER and STUB.
func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "hotpath")
	if err != nil {
		panic(err)
	}
	for variable, source := range map[string]string{
		"SERVER": "flashstore/cmd/flashstore", "STUB": "../target/testdata/stub",
	} {
		binary := filepath.Join(dir, variable)
		build := exec.Command("go", "build", "-o", binary, source)
		build.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := build.CombinedOutput(); err != nil {
			panic(string(out))
		}
		os.Setenv(variable, binary)
	}
	code := m.Run()
	os.RemoveAll(dir)
	os.Exit(code)
}

// small is a run of seconds: what is tested is that everything is measured, not the figures.
func small(t *testing.T) Config {
	t.Helper()
	c := Defaults()
	c.Server, c.Dir = os.Getenv("SERVER"), t.TempDir()
	c.Repetitions, c.Leg, c.Warmup, c.Connections = 2, 100*time.Millisecond, 20*time.Millisecond, 4
	c.SmallObjects, c.LargeObjects, c.IdleConnections, c.ActiveConnections = 20, 2, 100, 20
	c.Pin = false // other tests run beside this one
	return c
}

func mustRun(t *testing.T, c Config) (*Report, string) {
	t.Helper()
	var said bytes.Buffer
	r, err := Run(t.Context(), c, &said)
	if err != nil {
		t.Fatalf("%v\n%s", err, said.String())
	}
	mustBeGone(t, c)
	return r, said.String()
}

// mustBeGone checks that no data is left, and no process that works on it.
func mustBeGone(t *testing.T, c Config) {
	t.Helper()
	if left, err := os.ReadDir(c.Dir); err != nil || len(left) != 0 {
		t.Errorf("left behind: %v, error %v", left, err)
	}
	files, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, file := range files {
		if args, _ := os.ReadFile(file); bytes.Contains(args, []byte(c.Dir)) {
			t.Errorf("still there: %s %q", file, args)
		}
	}
}

// TestEveryRow runs the whole with the real server, and nginx and wrk where they are installed.
func TestEveryRow(t *testing.T) {
	c := small(t)
	r, said := mustRun(t, c)
	_, errNginx := exec.LookPath("/usr/sbin/nginx")
	_, errWrk := exec.LookPath("wrk")
	found := map[string]*Row{}
	for i := range r.Rows {
		found[r.Rows[i].Name] = &r.Rows[i]
	}
	for _, name := range RowNames() {
		row := found[name]
		if row == nil {
			if !(name == RowWrk && errWrk != nil || name == RowPlain && errNginx != nil) {
				t.Errorf("no row %s", name)
			}
			continue
		}
		n := map[string]int{RowStart: startsMin, RowRSS: 1, RowIdle: 1, RowActive: 1}[name]
		if n == 0 {
			n = c.Repetitions
		}
		if len(row.Ours) != n {
			t.Errorf("%s: %d values, want %d", name, len(row.Ours), n)
		}
		if based := row.Than == "nginx" && errNginx == nil || name == RowHead; based &&
			(len(row.Base) != n || row.Verdict() == NoTarget && row.Bound != 0) {
			t.Errorf("%s: %+v", name, row)
		}
		for _, v := range row.Ours {
			if v <= 0 && name != RowIdle { // 100 connections may hide in what was there
				t.Errorf("%s: %v", name, row.Ours)
			}
		}
	}
	if r.Axes["netloop"] != "epoll" || r.Axes["allocator"] != "arena" {
		t.Errorf("axes %v", r.Axes)
	}
	if !strings.Contains(said, "left)") {
		t.Errorf("no time left in\n%s", said)
	}
	if r.Machine.Cores == 0 || r.Config.Repetitions != c.Repetitions {
		t.Errorf("the report is of %+v, %+v", r.Machine, r.Config)
	}
	titles := []string{}
	for i := range r.Ledgers {
		l := &r.Ledgers[i]
		titles = append(titles, l.Title)
		// The load waits for its last answers, and an answer's write is counted before it.
		if l.Sum.Requests < 1 || l.Measured <= 0 || l.Sum.SocketWrites < l.Sum.Requests {
			t.Errorf("ledger %+v", l)
		}
	}
	if strings.Join(titles, ", ") != "GET 4 KiB, HEAD 4 KiB, GET 1024 KiB" {
		t.Errorf("ledgers of %q", titles)
	}
}

// TestWithoutYardstick: our own figures are there, no verdicts on ratios, and the reason is said.
func TestWithoutYardstick(t *testing.T) {
	c := small(t)
	c.Nginx, c.Wrk, c.Rows = "no-such-nginx", "", []string{RowGet4K, RowHead, RowWrk}
	r, _ := mustRun(t, c)
	if len(r.Rows) != 2 || r.Rows[0].Name != RowGet4K || r.Rows[1].Name != RowHead {
		t.Fatalf("rows %+v", r.Rows)
	}
	if r.Rows[0].Verdict() != NoTarget || r.Rows[1].Verdict() == NoTarget {
		t.Errorf("verdicts %s, %s", r.Rows[0].Verdict(), r.Rows[1].Verdict())
	}
	if text := strings.Join(r.Notes, "\n"); !strings.Contains(text, "no-such-nginx is not installed") ||
		!strings.Contains(text, "wrk is left out") {
		t.Errorf("notes: %s", text)
	}
}

func TestMatrix(t *testing.T) {
	c := small(t)
	c.Matrix, c.Repetitions = true, 1
	r, _ := mustRun(t, c)
	if len(r.Rows) != 9 {
		t.Fatalf("rows %+v", r.Rows)
	}
	for i, row := range r.Rows {
		if row.Name != matrixConfigurations()[i].String() || len(row.Ours) != 1 || row.Ours[0] <= 0 {
			t.Errorf("row %d: %+v", i, row)
		}
	}
}

// faulty is the stub with a fault, as a server.
func faulty(t *testing.T, c *Config, fault string) {
	t.Helper()
	c.Server = filepath.Join(t.TempDir(), "server")
	text := "#!/bin/sh\nSTUB_FAULT=" + fault + " exec " + os.Getenv("STUB") + ` "$@"` + "\n"
	if err := os.WriteFile(c.Server, []byte(text), 0o700); err != nil {
		t.Fatal(err)
	}
}

// TestWrongAnswersDoNotCount: neither errors nor other bytes become figures.
func TestWrongAnswersDoNotCount(t *testing.T) {
	for fault, want := range map[string]string{
		"fails-load": "status 500", "flips": "hash", "dies": "cannot open the drives",
	} {
		c := small(t)
		c.Nginx, c.Wrk, c.SmallObjects = "", "", 100
		faulty(t, &c, fault)
		var said bytes.Buffer
		r, err := Run(t.Context(), c, &said)
		if r != nil || err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, error %v", fault, r, err)
		}
		if fault != "dies" && !errors.Is(err, ErrInvalid) {
			t.Errorf("%s: %v", fault, err)
		}
		mustBeGone(t, c)
	}
}

// TestMatrixWantsProof: a configuration that does not run as asked is no row.
func TestMatrixWantsProof(t *testing.T) {
	c := small(t)
	c.Matrix, c.Nginx = true, ""
	faulty(t, &c, "falls-back")
	if _, err := Run(t.Context(), c, &bytes.Buffer{}); err == nil ||
		!strings.Contains(err.Error(), "active is other") {
		t.Errorf("error %v", err)
	}
	mustBeGone(t, c)
}

// TestInterrupt: interrupted in the middle of a leg, everything is stopped and removed.
func TestInterrupt(t *testing.T) {
	c := small(t)
	c.Leg = time.Hour
	ctx, cancel := context.WithCancelCause(t.Context())
	cause := errors.New("enough")
	// The second leg is due to begin when the first step after the preparations is said.
	said := writerFunc(func(p []byte) (int, error) {
		if bytes.Contains(p, []byte("start and warm")) {
			time.AfterFunc(50*time.Millisecond, func() { cancel(cause) })
		}
		return len(p), nil
	})
	if _, err := Run(ctx, c, said); !errors.Is(err, cause) {
		t.Errorf("error %v", err)
	}
	mustBeGone(t, c)
}

type writerFunc func(p []byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

func TestConfig(t *testing.T) {
	for name, spoil := range map[string]func(*Config){
		"row":         func(c *Config) { c.Rows = []string{"get-4K"} },
		"repetitions": func(c *Config) { c.Repetitions = 0 },
		"leg":         func(c *Config) { c.Leg = time.Millisecond },
		"objects":     func(c *Config) { c.LargeObjects = 0 },
		"no server":   func(c *Config) { c.Server = "/nonexistent" },
	} {
		c := small(t)
		spoil(&c)
		if _, err := Run(t.Context(), c, &bytes.Buffer{}); !errors.Is(err, ErrConfig) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, c := range matrixConfigurations() {
		if len(c) != 2 || c[0].Axis != scenario.Axes()[0].Name || c[1].Axis != scenario.Axes()[1].Name {
			t.Errorf("configuration %v", c)
		}
	}
}
