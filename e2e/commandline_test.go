package e2e

import (
	"context"
	"errors"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"flashstore/engine/erasure/codec"
)

// flashstore runs a command that ends by itself, and returns its exit code and all it said.
func flashstore(t *testing.T, env []string, args ...string) (code int, said string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), readyMax)
	defer cancel()
	cmd := exec.CommandContext(ctx, serverBinary, args...)
	cmd.Env = append(os.Environ(), env...)
	cmd.Dir = t.TempDir()
	text, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	switch {
	case ctx.Err() != nil:
		t.Fatalf("%q does not end\n%s", args, text)
	case errors.As(err, &exit):
		code = exit.ExitCode()
	case err != nil:
		t.Fatal(err)
	}
	return code, string(text)
}

func TestHelpOfEveryCommand(t *testing.T) {
	for _, args := range [][]string{{"--help"}, {"-h"}, {"help"}, {"server", "--help"},
		{"server", "-h"}, {"admin", "--help"}, {"admin", "status", "--help"},
		{"check", "--help"}, {"version"}, {"version", "--help"}} {
		code, said := flashstore(t, nil, args...)
		if code != 0 || !strings.Contains(said, "flashstore") {
			t.Errorf("%q: exit %d\n%s", args, code, said)
		}
	}
}

// TestUsageErrors: exit code 2, and the list of what is valid.
func TestUsageErrors(t *testing.T) {
	yaml := func(text string) string {
		path := filepath.Join(t.TempDir(), "flashstore.yaml")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	for _, c := range []struct {
		name, lists string
		env, args   []string
	}{
		{"no command", "server, admin, check, version", nil, nil},
		{"unknown command", "server, admin, check, version", nil, []string{"serve"}},
		{"unknown flag", "--shutdown-grace", nil, []string{"server", "--drive", "d1"}},
		{"unknown netloop", "epoll, kqueue (not on this platform), nethttp, netconn", nil,
			[]string{"server", "--drives", "d1", "--netloop", "poll"}},
		{"kqueue on Linux", "epoll, netconn, nethttp", nil,
			[]string{"server", "--drives", "d1", "--netloop", "kqueue"}},
		{"unknown allocator", "arena, syncpool, heap", nil,
			[]string{"server", "--drives", "d1", "--allocator", "malloc"}},
		{"unknown ioengine", "uring, threadpool", nil,
			[]string{"server", "--drives", "d1", "--ioengine", "aio"}},
		{"unknown simd", "auto, gfni512, gfni, avx2, ssse3, scalar", nil,
			[]string{"server", "--drives", "d1", "--simd", "neon"}},
		{"unknown durability", "full, relaxed", nil,
			[]string{"server", "--drives", "d1", "--durability", "none"}},
		{"unknown variable", "SHUTDOWN_GRACE", []string{"FLASHSTORE_NETLOP=epoll"},
			[]string{"server", "--drives", "d1"}},
		{"bad value of a variable", "epoll, kqueue", []string{"FLASHSTORE_NETLOOP=x"},
			[]string{"server", "--drives", "d1"}},
		{"unknown key", "shutdown_grace", nil,
			[]string{"server", "--config", yaml("drives: d1\nnetlop: epoll\n")}},
		{"a key by its flag's spelling", "shutdown_grace", nil,
			[]string{"server", "--config", yaml("drives: d1\nshutdown-grace: 5s\n")}},
		{"a file that is not YAML", "yaml", nil, []string{"server", "--config", yaml("{")}},
		{"no drives", "--drives", nil, []string{"server"}},
		{"bad ellipsis", "{FIRST...LAST}", nil, []string{"server", "--drives", "d{4...1}"}},
		{"too much parity", "0 to 2", nil,
			[]string{"server", "--drives", "d{1...4}", "--parity", "3"}},
		{"secret on the command line", "valid flags", nil,
			[]string{"server", "--drives", "d1", "--root-password", "x"}},
		{"unknown admin command", "status", nil, []string{"admin", "stats"}},
		{"admin without credentials", "flashstore-root.env", nil, []string{"admin", "status"}},
		{"check of nothing", "name the directories", nil, []string{"check"}},
		{"check of no name", "say . for the current one", nil, []string{"check", ""}},
		{"check of a bad ellipsis", "{FIRST...LAST}", nil, []string{"check", "d{4...1}"}},
		{"check of a foreign directory", "name the directory of a drive", nil,
			[]string{"check", filepath.Dir(serverBinary)}},
		{"check of a missing directory", "has in --drives", nil, []string{"check", "none"}},
		{"check of a plain file", "give a directory", nil, []string{"check", serverBinary}},
		{"index of a missing directory", "has in --drives", nil,
			[]string{"check", "--rebuild-index", "none"}},
		{"check with an unknown flag", "--json", nil, []string{"check", "--yaml", "d1"}},
		{"check with a flag behind", "before the directories", nil, []string{"check", "d1", "--json"}},
	} {
		code, said := flashstore(t, c.env, c.args...)
		if code != 2 || !strings.Contains(said, c.lists) {
			t.Errorf("%s: exit %d, want 2 and %q in:\n%s", c.name, code, c.lists, said)
		}
	}
}

// TestUsageErrorsChangeNothing: what is refused with exit code 2 is refused before a drive is
// made. Of those above too, but these only show when the parts are asked.
func TestUsageErrorsChangeNothing(t *testing.T) {
	for _, c := range []struct {
		name, says string
		drives     int
		env, args  []string
	}{
		{"too many drives", "1 to 1024", 1025, nil, nil},
		{"too many data shards", "1 to 12", 16, nil, []string{"--parity", "0"}},
		{"kqueue", "kqueue", 4, nil, []string{"--netloop", "kqueue"}},
		{"a short password", "FLASHSTORE_ROOT_PASSWORD", 4,
			[]string{"FLASHSTORE_ROOT_USER=someone", "FLASHSTORE_ROOT_PASSWORD=1234567"}, nil},
		{"an address without port", "HOST:PORT", 4, nil, []string{"--address", "127.0.0.1"}},
		{"a port too high", "65535", 4, nil, []string{"--address", "127.0.0.1:65536"}},
		{"a region of two words", "region", 4, nil, []string{"--region", "my region"}},
		{"a domain with a port", "domain", 4, nil, []string{"--domain", "s3.local:9000"}},
		{"too many loops", "256", 4, nil, []string{"--loops", "1000"}},
		{"a small log segment", "1048576", 4, nil, []string{"--log-segment", "4KiB"}},
		{"little memory", "65536", 4, nil, []string{"--memory-budget", "1KiB"}},
	} {
		t.Run(c.name, func(t *testing.T) { wantUntouched(t, c.drives, c.says, c.env, c.args) })
	}
	t.Run("simd of another CPU", func(t *testing.T) {
		have := codec.Supported()
		for _, path := range []string{"gfni512", "gfni", "avx2", "ssse3"} {
			if !slices.Contains(have, path) {
				wantUntouched(t, 4, "auto, "+have[0], nil, []string{"--simd", path})
				return
			}
		}
		t.Skip("this CPU has every path")
	})
}

// wantUntouched expects exit code 2, and drives that still do not exist.
func wantUntouched(t *testing.T, drives int, says string, env, args []string) {
	t.Helper()
	s := newServer(t, drives)
	s.args = args
	if env != nil {
		s.env = env
	}
	code, said := s.refused()
	if code != 2 || !strings.Contains(said, says) {
		t.Errorf("exit %d, want 2 and %q in:\n%s", code, says, said)
	}
	for _, d := range s.drives {
		if _, err := os.Stat(d); !errors.Is(err, fs.ErrNotExist) {
			t.Fatalf("%s was made: %v", d, err)
		}
	}
}

// TestSettingsAtTheirLimits: what the configuration lets through, the parts take.
func TestSettingsAtTheirLimits(t *testing.T) {
	s := newServer(t, 1)
	s.args = []string{"--loops", "256", "--workers", "65536", "--log-segment", "1MiB"}
	s.start()
	s.must(t, http.StatusOK, request{method: "PUT", path: "/bucket"})
	s.stop()
	s = newServer(t, 16)
	s.start()
	s.must(t, http.StatusOK, request{method: "PUT", path: "/bucket"})
	s.stop()
}

// TestHelpNamesWhatIsAbsent: a word that no part answers to here is marked.
func TestHelpNamesWhatIsAbsent(t *testing.T) {
	if _, said := flashstore(t, nil, "server", "--help"); !strings.Contains(said,
		"epoll, kqueue (not on this platform), nethttp, netconn") {
		t.Errorf("kqueue is offered:\n%s", said)
	}
}

// TestSettingsInOrder: defaults < file < environment < flags, shown by --print-config, whose
// output is a file that --config reads. Secrets are not shown.
func TestSettingsInOrder(t *testing.T) {
	file := filepath.Join(t.TempDir(), "flashstore.yaml")
	text := "drives: ['/x/d{1...2}']\nnetloop: nethttp\nallocator: heap\nioengine: threadpool\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	env := []string{"FLASHSTORE_ALLOCATOR=syncpool", "FLASHSTORE_IOENGINE=threadpool",
		"FLASHSTORE_ROOT_USER=shown", "FLASHSTORE_ROOT_PASSWORD=never-shown"}
	code, said := flashstore(t, env, "server", "--config", file, "--ioengine", "uring",
		"--print-config")
	if code != 0 {
		t.Fatalf("exit %d\n%s", code, said)
	}
	for _, want := range []string{`netloop: "nethttp"`, `allocator: "syncpool"`,
		`ioengine: "uring"`, `durability: "full"`, `drives: ["/x/d1", "/x/d2"]`} {
		if !strings.Contains(said, want) {
			t.Errorf("no %s in:\n%s", want, said)
		}
	}
	if strings.Contains(said, "never-shown") {
		t.Errorf("the secret is shown:\n%s", said)
	}
	if err := os.WriteFile(file, []byte(said), 0o600); err != nil {
		t.Fatal(err)
	}
	code, again := flashstore(t, env[2:], "server", "--config", file, "--print-config")
	if code != 0 || again != said {
		t.Errorf("exit %d: --config of --print-config gives another configuration:\n%s\n%s", code,
			said, again)
	}
}
