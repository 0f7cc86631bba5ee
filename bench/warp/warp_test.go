package warp

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"flashstore/bench/benchtest"
	"flashstore/bench/figure"
	"flashstore/bench/scenario"
)

func TestGoldenGet(t *testing.T) {
	operations, err := ReadFile("testdata/get.csv.zst")
	if err != nil {
		t.Fatal(err)
	}
	if len(operations) != 43 {
		t.Fatalf("%d operations, want 43", len(operations))
	}
	first := operations[0]
	if first.Kind != "GET" || first.Bytes != 4096 || first.End.Sub(first.Start) != 6445993 ||
		first.FirstByte.Sub(first.Start) != 6421898 {
		t.Errorf("first operation: %+v", first)
	}
	mustSummarize(t, operations)
}

// mustSummarize: five seconds of GETs without their first and last one are three, of figures that
// can be.
func mustSummarize(t *testing.T, operations []Operation) {
	t.Helper()
	f, err := Summarize(operations, 5*time.Second, time.Second, time.Second)
	if err != nil {
		t.Fatal(err)
	}
	if f.To.Sub(f.From) != 3*time.Second || f.Operations < 20 || f.P50 <= f.TTFB50/2 || f.P999 < f.P50 {
		t.Errorf("figures: %+v", f)
	}
}

// Files of warp v1.5.0, which has two columns more; it leaves operations only where it is told to by
// --full, a flag that the pinned one does not have. It was built with madmin-go v3.0.51 in place of
// v4.6.7, which profiles servers and takes no part in what is tested here.
func TestGoldenNewerVersion(t *testing.T) {
	operations, err := ReadFile("testdata/v1.5.0/get.csv.zst")
	if err != nil || len(operations) != 44 {
		t.Fatalf("%d operations, error %v", len(operations), err)
	}
	operations = Load{Workload: scenario.Workload{Op: "get"}}.Counted(operations)
	if len(operations) != 41 {
		t.Fatalf("%d of GET, want 41", len(operations))
	}
	first := operations[0]
	if first.Kind != "GET" || first.Bytes != 4096 || first.End.Sub(first.Start) != 8022249 ||
		first.FirstByte.Sub(first.Start) != 8009836 {
		t.Errorf("first operation: %+v", first)
	}
	mustSummarize(t, operations)
}

func TestGoldenInvalid(t *testing.T) {
	for name, want := range map[string]string{
		"cut-stream":    "unexpected EOF",
		"cut-lines":     "truncated after 19",
		"cut-in-line":   "columns instead of",
		"empty-file":    "truncated after 0",
		"empty-stream":  "truncated after 0",
		"no-operations": "no operations",
		"errors-only":   "DELETE failed: 501 Not Implemented",
		"one-error":     "DELETE failed: 501 Not Implemented",
		"not-there":     "warp left no data",
	} {
		for _, version := range []string{"", "v1.5.0"} {
			operations, err := ReadFile(filepath.Join("testdata", version, name+".csv.zst"))
			if err == nil {
				_, err = Summarize(operations, 5*time.Second, 0, 0)
			}
			if !errors.Is(err, ErrInvalid) || !strings.Contains(err.Error(), want) {
				t.Errorf("%s %s: error %v, want %q", version, name, err, want)
			}
		}
	}
}

func TestReadRejects(t *testing.T) {
	const header = "op\tbytes\terror\tstart\tfirst_byte\tend\n"
	const good = "GET\t1\t\t2026-01-01T00:00:00Z\t\t2026-01-01T00:00:01Z\n"
	if _, err := Read(strings.NewReader(header + good + "# warp\n")); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"no header":     good + "# warp\n",
		"negative time": header + "GET\t1\t\t2026-01-01T00:00:01Z\t\t2026-01-01T00:00:00Z\n# warp\n",
		"bytes":         header + strings.Replace(good, "\t1\t", "\tx\t", 1) + "# warp\n",
		"time":          header + strings.Replace(good, "2026-01-01T00:00:00Z", "now", 1) + "# warp\n",
		"after the end": header + "# warp\n" + good,
		"long line":     header + strings.Repeat("x", lineBytesMax+1) + "\n# warp\n",
	} {
		if _, err := Read(strings.NewReader(text)); !errors.Is(err, ErrInvalid) {
			t.Errorf("%s: error %v", name, err)
		}
	}
}

// 10 operations a second for 10 s, each a millisecond longer than the one before.
func TestSummarizeKnownValues(t *testing.T) {
	start := time.Unix(1000, 0)
	var operations []Operation
	for i := range 100 {
		began := start.Add(time.Duration(i) * 100 * time.Millisecond)
		took := time.Duration(i+1) * time.Millisecond
		operations = append(operations, Operation{
			Bytes: 1000, Start: began, FirstByte: began.Add(took / 2), End: began.Add(took),
		})
	}
	f, err := Summarize(operations, 10*time.Second, 2*time.Second, 3*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	want := figure.Figures{
		From: start.Add(2 * time.Second), To: start.Add(7 * time.Second),
		Operations: 50, PerSecond: 10, BytesPerSecond: 10000,
		P50: 45 * time.Millisecond, P90: 65 * time.Millisecond,
		P99: 70 * time.Millisecond, P999: 70 * time.Millisecond, TTFB50: 22500 * time.Microsecond,
	}
	if n := len(f.Quantiles); n != len(figure.Percents()) || f.Quantiles[n-1] != want.P999 {
		t.Errorf("quantiles %v", f.Quantiles)
	}
	f.Quantiles = nil
	if !reflect.DeepEqual(f, want) {
		t.Errorf("%+v\nwant %+v", f, want)
	}
	if _, err := Summarize(operations, 12*time.Second, 0, 0); !errors.Is(err, ErrInvalid) {
		t.Errorf("a run that ended early: %v", err)
	}
	if _, err := Summarize(operations[:1], time.Millisecond, 0, 0); !errors.Is(err, ErrInvalid) {
		t.Errorf("nothing within the window: %v", err)
	}
}

func TestArgs(t *testing.T) {
	l := Load{
		Binary: "warp", Address: "127.0.0.1:1", AccessKey: "key", SecretKey: "hidden", Bucket: "b",
		Region: "elsewhere", Duration: 8 * time.Second, Data: "x",
		Workload: scenario.Workload{Op: "get", ObjSize: 4096, Objects: 10, Concurrent: 2,
			Data: "preload", PayloadSigning: "unsigned"},
	}
	got := strings.Join(l.args(), " ")
	for _, want := range []string{"get ", "--obj.size 4096", "--duration 8s", "--list-existing",
		"--noclear", "--objects 10", "--disable-sha256-payload", "--concurrent 2",
		"--region elsewhere"} {
		if !strings.Contains(got, want) {
			t.Errorf("%s: no %q", got, want)
		}
	}
	if strings.Contains(got, "hidden") || slices.Contains(l.args(), "--autoterm") {
		t.Errorf("args: %s", got)
	}
}

// What a killed run has left is not the data of one that leaves none.
func TestStartRemovesStaleData(t *testing.T) {
	golden, err := os.ReadFile("testdata/get.csv.zst")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	l := Load{Binary: "true", Data: filepath.Join(dir, "leg"), Log: filepath.Join(dir, "log")}
	if err := os.WriteFile(l.DataPath(), golden, 0o600); err != nil {
		t.Fatal(err)
	}
	p, err := Start(l)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Wait(); err != nil {
		t.Fatal(err)
	}
	if _, err := ReadFile(l.DataPath()); !errors.Is(err, ErrInvalid) {
		t.Errorf("error %v", err)
	}
}

// The flags are warp's, so the real program judges them.
func TestFlagsExist(t *testing.T) {
	binary, err := filepath.Abs("../../bin/warp")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(binary); err != nil {
		benchtest.Lacks(t, "bin/warp is not built: make warp")
	}
	for _, op := range scenario.Ops() {
		l := Load{TLS: true, Workload: scenario.Workload{Op: op, Data: "fresh", Batch: 1,
			PayloadSigning: "unsigned"}}
		if op == "get" {
			l.Workload.Data, l.Workload.RangeSize = "preload", 5
		}
		help, err := exec.Command(binary, l.args()[0], "--help").Output()
		if err != nil {
			t.Fatal(err)
		}
		for _, arg := range l.args() {
			if strings.HasPrefix(arg, "--") && !bytes.Contains(help, []byte(arg+" ")) {
				t.Errorf("warp %s has no %s", op, arg)
			}
		}
	}
}

func FuzzRead(f *testing.F) {
	const header = "op\tbytes\terror\tstart\tfirst_byte\tend\n"
	f.Add([]byte(header + "GET\t1\t\t2026-01-01T00:00:00Z\t\t2026-01-01T00:00:01Z\n# warp\n"))
	f.Add([]byte("#\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		operations, err := Read(bytes.NewReader(text))
		if err != nil && !errors.Is(err, ErrInvalid) {
			t.Error(err)
		}
		if figures, err := Summarize(operations, time.Second, 0, 0); err == nil && figures.Operations < 1 {
			t.Error(fmt.Sprint("figures of nothing: ", figures))
		}
	})
}

// What warp uploads before a load of something else is no figure of that load.
func TestCounted(t *testing.T) {
	all := []Operation{{Kind: "PUT"}, {Kind: "PUT"}, {Kind: "STAT"}, {Kind: "LIST"}, {Kind: "GET"},
		{Kind: "DELETE"}, {Kind: "DELETE"}}
	for op, want := range map[string]int{"stat": 1, "list": 1, "get": 1, "delete": 2, "put": len(all),
		"multipart": len(all), "mixed": len(all)} {
		l := Load{Workload: scenario.Workload{Op: op}}
		if got := l.Counted(slices.Clone(all)); len(got) != want {
			t.Errorf("%s: %v", op, got)
		}
	}
}
