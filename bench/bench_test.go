package bench

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"flashstore/bench/record"
	"flashstore/bench/target"
)

// deadline bounds every wait of these tests; nothing waits that long unless it is broken.
const deadline = 30 * time.Second

// atOnce is how many tests run at a time, whatever the number of cores: they mostly wait, for
// legs, disks and stubs that sleep.
const atOnce = "6"

// TestMain builds the stub server; when called as the harness itself, it is the harness.
func TestMain(m *testing.M) {
	if args := os.Getenv("BENCH_TEST_MAIN"); args != "" {
		ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT)
		context.AfterFunc(ctx, stop) // a second one ends it at once, as it does flashbench
		os.Exit(Main(ctx, strings.Fields(args), os.Stdout, os.Stderr))
	}
	dir, err := os.MkdirTemp("", "stub")
	if err != nil {
		panic(err)
	}
	binary := filepath.Join(dir, "stub")
	build := exec.Command("go", "build", "-o", binary, "./target/testdata/stub")
	if out, err := build.CombinedOutput(); err != nil {
		panic(string(out))
	}
	os.Setenv("STUB", binary)
	flag.Parse()
	if err := flag.Set("test.parallel", atOnce); err != nil {
		panic(err)
	}
	code := m.Run()
	os.RemoveAll(dir)
	os.Exit(code)
}

// place is where a test's harness works.
type place struct{ dir, index, server, warp string }

// newPlace writes a script that stands for warp: what is tested here is what the harness does when
// the load fails, hangs or is never reached. The real warp runs in make bench-smoke. The server is
// the stub with a fault, and such a delay that a load leaves the cores to other tests.
func newPlace(t *testing.T, fault, script string) place {
	t.Helper()
	t.Parallel()
	return newPlaceAlone(t, fault, script)
}

// newPlaceAlone is newPlace for a test whose figures must not be of a busy machine.
func newPlaceAlone(t *testing.T, fault, script string) place {
	t.Helper()
	root := t.TempDir()
	p := place{filepath.Join(root, "bench"), filepath.Join(root, "results", "index.ndjson"),
		filepath.Join(root, "server"), filepath.Join(root, "warp")}
	for path, text := range map[string]string{
		p.warp: script, p.server: "STUB_DELAY=2ms STUB_FAULT=" + fault + " exec " + os.Getenv("STUB") + ` "$@"`,
	} {
		writeProgram(t, path, "#!/bin/sh\n"+text+"\n")
	}
	return p
}

// writeProgram writes a file that is started. No child is forked meanwhile: it would hold the file
// open for writing until its exec, and Linux refuses to start such a file (ETXTBSY).
func writeProgram(t *testing.T, path, text string) {
	t.Helper()
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	if err := os.WriteFile(path, []byte(text), 0o700); err != nil {
		t.Fatal(err)
	}
}

func (p place) args(more ...string) []string {
	return append([]string{
		"run", "../scenarios/get-4k.yaml", "--server", p.server, "--warp", p.warp,
		"--dir", p.dir, "--record", p.index, "--quick", "--set", "workload.objects=20", "--pairs", "1",
		"--budget", "1ms", // no retries
	}, more...)
}

func (p place) run(t *testing.T, ctx context.Context, more ...string) (code int, text string) {
	t.Helper()
	var out bytes.Buffer
	code = Main(ctx, p.args(more...), &out, &out)
	return code, out.String()
}

// lines are the records of all sessions.
func (p place) lines(t *testing.T) []record.Line {
	t.Helper()
	x, err := record.Open(p.index)
	if err != nil {
		t.Fatal(err)
	}
	lines, skipped, err := x.Read()
	if err != nil || skipped != 0 {
		t.Fatal(err, skipped)
	}
	return lines
}

func (p place) legs(t *testing.T) (legs []record.Leg) {
	t.Helper()
	for _, line := range p.lines(t) {
		if line.Leg != nil {
			legs = append(legs, *line.Leg)
		}
	}
	return legs
}

func (p place) mustBeEmpty(t *testing.T) {
	t.Helper()
	if left, err := os.ReadDir(p.dir); err != nil || len(left) != 0 {
		t.Errorf("left behind: %v, error %v", left, err)
	}
}

func TestFailingLoadIsInvalid(t *testing.T) {
	p := newPlace(t, "", "echo no such bucket; exit 1")
	code, text := p.run(t, t.Context())
	if code != exitInvalid || !strings.Contains(text, "no such bucket") ||
		!strings.Contains(text, "no result") {
		t.Errorf("code %d:\n%s", code, text)
	}
	for _, leg := range p.legs(t) {
		if leg.Outcome != record.Discarded && leg.Outcome != record.Invalid || leg.Metrics != nil {
			t.Errorf("leg %+v", leg)
		}
	}
	p.mustBeEmpty(t)
}

func TestUnprovenServerIsSkipped(t *testing.T) {
	t.Parallel()
	for fault, want := range map[string]string{
		"falls-back": "asked for nethttp, active is other", "unproven": "is 0",
	} {
		t.Run(fault, func(t *testing.T) {
			p := newPlace(t, fault, "exit 1")
			code, text := p.run(t, t.Context())
			if code != exitInvalid || !strings.Contains(text, want) {
				t.Errorf("code %d:\n%s", code, text)
			}
			skipped := 0
			for _, leg := range p.legs(t) {
				if leg.Outcome == record.Skipped {
					skipped++
				}
			}
			if skipped == 0 {
				t.Error("no skipped leg in the record")
			}
			p.mustBeEmpty(t)
		})
	}
}

func TestDeadServerIsSaid(t *testing.T) {
	p := newPlace(t, "dies", "exit 1")
	if code, text := p.run(t, t.Context()); code != exitInvalid ||
		!strings.Contains(text, "stub: cannot open the drives") {
		t.Errorf("code %d:\n%s", code, text)
	}
	p.mustBeEmpty(t)
}

// Paths that a server writes are in a record without what is of this machine alone: in a preload
// as in a leg.
func TestReasonsAreLocal(t *testing.T) {
	t.Parallel()
	for file, c := range map[string]struct{ objects, want string }{
		"get-4k": {"20", "| drives: preloaded-base/d"}, "put-4k": {"0", "| drives: leg/d"},
	} {
		p := newPlaceAlone(t, "", "exit 1")
		writeProgram(t, p.server, `#!/bin/sh
while [ "$1" != --drives ]; do shift; done
echo "drives: $2"
exit 1
`)
		args := append(p.lightArgs("run", light("1")...), "--set", "workload.objects="+c.objects)
		args[1] = "../scenarios/" + file + ".yaml"
		var out bytes.Buffer
		code := Main(t.Context(), args, &out, &out)
		legs := p.legs(t)
		if code != exitInvalid || len(legs) == 0 {
			t.Fatalf("%s: code %d, %d legs:\n%s", file, code, len(legs), out.String())
		}
		for _, leg := range legs {
			if !strings.Contains(leg.Reason, c.want) || strings.Contains(leg.Reason, p.dir) {
				t.Errorf("%s: %s: %s", file, leg.Outcome, leg.Reason)
			}
		}
	}
}

func TestMissingDiskSkips(t *testing.T) {
	p := newPlace(t, "", "exit 1")
	file := filepath.Join(t.TempDir(), "huge.yaml")
	text, err := os.ReadFile("../scenarios/get-4k.yaml")
	if err != nil {
		t.Fatal(err)
	}
	text = bytes.Replace(text, []byte("disk_free: 2GiB"), []byte("disk_free: 9000000GiB"), 1)
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	args := p.args()
	args[1] = file
	var out bytes.Buffer
	if code := Main(t.Context(), args, &out, &out); code != exitInvalid ||
		!strings.Contains(out.String(), "needs 9000000GiB of free disk") {
		t.Errorf("code %d:\n%s", code, out.String())
	}
}

// Interrupted while warp runs: everything is stopped and removed before Main returns.
func TestInterrupt(t *testing.T) {
	p := newPlace(t, "", `echo $$ > "$(dirname "$0")/pid"; exec sleep 1000`)
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		defer cancel()
		awaitFile(filepath.Join(filepath.Dir(p.warp), "pid"))
	}()
	code, text := p.run(t, ctx)
	if code != exitFailure || !strings.Contains(text, "interrupted") {
		t.Errorf("code %d:\n%s", code, text)
	}
	p.mustBeEmpty(t)
	awaitNoProcess(t, filepath.Dir(p.dir))
}

// Killed while warp runs: the kernel ends the processes, the next start removes the data.
func TestKilled(t *testing.T) {
	p := newPlace(t, "", `echo $$ > "$(dirname "$0")/pid"; exec sleep 1000`)
	harness := exec.Command(os.Args[0])
	harness.Env = append(os.Environ(), "BENCH_TEST_MAIN="+strings.Join(p.args(), " "))
	if err := harness.Start(); err != nil {
		t.Fatal(err)
	}
	awaitFile(filepath.Join(filepath.Dir(p.warp), "pid"))
	harness.Process.Kill()
	harness.Wait()
	awaitNoProcess(t, filepath.Dir(p.dir))
	if left, err := os.ReadDir(p.dir); err != nil || len(left) != 1 {
		t.Fatalf("a killed harness leaves one workspace, here %v, %v", left, err)
	}
	p.server = "/bin/false" // the next start need not get far
	p.run(t, t.Context())
	p.mustBeEmpty(t)
}

func awaitFile(path string) {
	for start := time.Now(); time.Since(start) < deadline; time.Sleep(5 * time.Millisecond) {
		if text, err := os.ReadFile(path); err == nil && len(text) > 0 {
			return
		}
	}
}

// awaitNoProcess waits until no process mentions root in its arguments or log.
func awaitNoProcess(t *testing.T, root string) {
	t.Helper()
	var found string
	for start := time.Now(); time.Since(start) < deadline; time.Sleep(5 * time.Millisecond) {
		found = ""
		files, _ := filepath.Glob("/proc/[0-9]*/cmdline")
		for _, file := range files {
			args, _ := os.ReadFile(file)
			log, _ := os.Readlink(filepath.Join(filepath.Dir(file), "fd", "1"))
			if bytes.Contains(args, []byte(root)) || strings.HasPrefix(log, root) {
				found = fmt.Sprintf("%s %q", file, args)
			}
		}
		if found == "" {
			return
		}
	}
	t.Errorf("still there: %s", found)
}

// TestLoadCommand writes objects, reads them back by hash and says so, to people and as JSON.
func TestLoadCommand(t *testing.T) {
	t.Setenv("AWS_ACCESS_KEY_ID", "someone")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "secret")
	server, err := target.Start(t.Context(), target.Config{Binary: os.Getenv("STUB"), Drives: 1,
		Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Kill)
	common := "load --url http://" + server.Address + "/a%20bucket/ --keys 30 --size 5000B " +
		"--connections 3 --duration 200ms --warmup 50ms "
	for _, c := range []struct {
		args string
		code int
		want string
	}{
		{"--prepare --verify 1", exitOK, "p99.9"},
		{"--op head --sign header", exitOK, "operations"},
		{"--op put --sign unsigned-payload --rate 200 --threads 2", exitOK, "late by"},
		{"--op put --json", exitOK, `"operations":`},
		{"--verify 1", exitInvalid, "× hash"}, // what the puts wrote is not what --prepare wrote
		{"--prepare --verify 1 --sign none --seed 9", exitOK, "p99.9"},
		{"--size 4KiB", exitInvalid, "× length"},
		{"--keys 31", exitInvalid, "× status 404"},
	} {
		var out bytes.Buffer
		code := Main(t.Context(), strings.Fields(common+c.args), &out, &out)
		if code != c.code || !strings.Contains(out.String(), c.want) {
			t.Errorf("%s: code %d, want %d and %q:\n%s", c.args, code, c.code, c.want, out.String())
		}
	}
	server.Kill()
	var out bytes.Buffer
	if code := Main(t.Context(), strings.Fields(common), &out, &out); code != exitFailure ||
		!strings.Contains(out.String(), "refused") {
		t.Errorf("no server: code %d:\n%s", code, out.String())
	}
}
