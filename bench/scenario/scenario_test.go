package scenario

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const valid = `schema: 1
name: get-4k
question: Why?
workload: {driver: warp, op: get, obj_size: 4KiB, objects: 5000, concurrent: 16}
run: {duration: 14s, trim_head: 2s, trim_tail: 2s, pairs: 6, seed: 7}
server: {drives: 4, parity: 2, durability: full}
matrix: {netloop: [nethttp, epoll], allocator: [syncpool, arena]}
requires: {disk_free: 2GiB}
metrics: {primary: ops_per_s, corroborate: [server_cpu_us_per_op], report: [p50]}
gate: {min_effect: 2.5%, cpu_min_effect: 3%, p99: warn, max_errors: 0}
`

func TestParse(t *testing.T) {
	s, err := Parse("x.yaml", []byte(valid))
	if err != nil {
		t.Fatal(err)
	}
	if s.Workload.ObjSize != 4096 || s.Run.Duration != 14*time.Second || s.Run.Seed != 7 ||
		s.Gate.MinEffect != 2.5 || s.Requires.DiskFree != 2<<30 {
		t.Errorf("values: %+v", s)
	}
	if s.Workload.Data != "preload" || s.Run.ConfirmPairs != 12 {
		t.Errorf("defaults: %+v", s)
	}
}

func TestParseRejects(t *testing.T) {
	for _, c := range []struct{ name, old, new, want string }{
		{"unknown key", "question:", "qestion:", `x.yaml:3: unknown key "qestion" in the file; ` +
			"valid keys: gate, matrix, metrics, name, question, requires, run, schema, server, sweep, " +
			"workload"},
		{"unknown nested key", "seed: 7", "sed: 7", `x.yaml:5: unknown key "sed" in run; valid`},
		{"unknown axis", "allocator:", "alocator:", `:7: unknown key "alocator" in matrix; valid`},
		{"unknown level", "epoll", "epol", `matrix.netloop: unknown level "epol"; valid: nethttp`},
		{"level twice", "[nethttp, epoll]", "[epoll, epoll]", "twice"},
		{"schema", "schema: 1", "schema: 2", "this program reads 1"},
		{"size", "4KiB", "4kb", "whole number"},
		{"negative size", "4KiB", "-1", "whole number"},
		{"percent", "2.5%", "2.5", "percentage"},
		{"duration", "14s", "4s", "want 5s"},
		{"trim", "trim_head: 2s", "trim_head: 7s", "more than half"},
		{"op", "op: get", "op: got", "valid: get, put"},
		{"metric", "[p50]", "[p51]", "valid: ops_per_s"},
		{"errors", "max_errors: 0", "max_errors: 1", "only 0"},
		{"parity", "parity: 2", "parity: 3", "half of the drives"},
		{"duplicate", "name: get-4k", "name: a\nname: b", "already defined"},
		{"not a mapping", "run: {duration: 14s, trim_head: 2s, trim_tail: 2s, pairs: 6, seed: 7}",
			"run: 5", "want a mapping"},
		{"nothing to compare", "[nethttp, epoll], allocator: [syncpool, arena]", "[epoll]",
			"nothing to compare"},
		{"lost", "parity: 2,", "parity: 2, lost: 2,", "server.lost: 2; want 0 to 1"},
		{"lost at all", "parity: 2,", "parity: 0, lost: 1,", "server.lost: 1; want 0 to 0"},
		{"lost of fresh data", `get, obj_size: 4KiB, objects: 5000, concurrent: 16}
run: {duration: 14s, trim_head: 2s, trim_tail: 2s, pairs: 6, seed: 7}
server: {`, `put, obj_size: 4KiB, concurrent: 16}
run: {duration: 14s, trim_head: 2s, trim_tail: 2s, pairs: 6, seed: 7}
server: {lost: 1, `, "only preloaded data"},
		{"a point twice", "requires:", "sweep: {obj_size: [4KiB, 4096]}\nrequires:", "stands there twice"},
		{"two documents", "gate:", "---\ngate:", "exactly one"},
		{"empty", valid, "", "exactly one"},
	} {
		t.Run(c.name, func(t *testing.T) {
			text := strings.Replace(valid, c.old, c.new, 1)
			_, err := Parse("x.yaml", []byte(text))
			if !errors.Is(err, ErrInvalid) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want it to contain %q", err, c.want)
			}
		})
	}
}

// varied names what differs, base first: "nethttp → epoll".
func varied(c Comparison) string {
	from, to := c.Labels()
	return from + " → " + to
}

func TestComparisons(t *testing.T) {
	s, err := Parse("x.yaml", []byte(valid))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, c := range s.Comparisons() {
		if c.Base.String() != "netloop=nethttp allocator=syncpool durability=full" {
			t.Errorf("base %s", c.Base)
		}
		got = append(got, varied(c))
	}
	want := "syncpool → arena|nethttp → epoll|nethttp+syncpool → epoll+arena"
	if strings.Join(got, "|") != want {
		t.Errorf("got %s, want %s", strings.Join(got, "|"), want)
	}
}

func TestSet(t *testing.T) {
	s, err := Parse("x.yaml", []byte(valid))
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range []string{"run.pairs=4", "allocator=arena", "workload.obj_size=1MiB",
		"run.duration=8s", "run.seed=9"} {
		if err := s.Set(a); err != nil {
			t.Fatalf("%s: %v", a, err)
		}
	}
	if s.Run.Pairs != 4 || s.Workload.ObjSize != 1<<20 || len(s.Comparisons()) != 1 {
		t.Errorf("after set: %+v", s)
	}
	for a, want := range map[string]string{
		"run.pears=4":   "valid keys: allocator, checksum, durability, etag",
		"run.pairs":     "want key=value",
		"run.pairs=x":   "invalid syntax",
		"run.pairs=0":   "want 1 to 1000",
		"netloop=poll":  "unknown level",
		"netloop=epoll": "nothing to compare",

		"run.slice=1s":      "run.slice: 1s with run.design paired",
		"run.design=sliced": "only driver load can",
	} {
		before := *s
		if err := s.Set(a); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want %q", a, err, want)
		}
		if s.Run != before.Run || len(s.Comparisons()) != 1 {
			t.Errorf("%s: a refused assignment changed the scenario", a)
		}
	}
}

// Slices are of a load that leaves nothing behind, and the trims are of each.
func TestSliced(t *testing.T) {
	sliced := strings.NewReplacer("driver: warp", "driver: load", "trim_head: 2s, trim_tail: 2s",
		"trim_head: 50ms, trim_tail: 50ms, design: sliced, slice: 400ms").Replace(valid)
	s, err := Parse("x.yaml", []byte(sliced))
	if err != nil {
		t.Fatal(err)
	}
	if !s.Run.Sliced() || s.Run.Slices() != 35 {
		t.Errorf("%d slices of %s in %s", s.Run.Slices(), s.Run.Slice, s.Run.Duration)
	}
	for a, want := range map[string]string{
		"workload.driver=warp": "only driver load can",
		"workload.cache=cold":  "only driver load can",
		"workload.rate=50%":    "only driver load can",
		"run.slice=99ms":       "want 100ms to half",
		"run.slice=0s":         "want 100ms to half",
		"run.slice=8s":         "want 100ms to half",
		"run.trim_head=160ms":  "more than half of 400ms",
	} {
		if err := s.Set(a); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want %q", a, err, want)
		}
	}
}

func TestShippedScenarios(t *testing.T) {
	files, err := filepath.Glob("../../scenarios/*.yaml")
	if err != nil || len(files) < 5 {
		t.Fatalf("files %v, error %v", files, err)
	}
	for _, file := range files {
		s, err := Load(file)
		if err != nil {
			t.Error(err)
		} else if s.Name+".yaml" != filepath.Base(file) {
			t.Errorf("%s holds scenario %q", file, s.Name)
		}
	}
}

func TestBytesString(t *testing.T) {
	for b, want := range map[Bytes]string{
		0: "0B", 1: "1B", 4096: "4KiB", 1 << 20: "1MiB", 3 << 30: "3GiB", 1025: "1025B",
	} {
		if b.String() != want {
			t.Errorf("%d: %s, want %s", int64(b), b, want)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(valid))
	files, _ := filepath.Glob("../../scenarios/*.yaml")
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		s, err := Parse("x", text)
		if err == nil && s.Validate() != nil {
			t.Error("parsed but not valid")
		}
	})
}

// A level that takes what the CPU does not have is not for this machine.
func TestLacks(t *testing.T) {
	flags := []string{"ssse3", "avx2", "gfni"}
	for choice, want := range map[Choice]string{
		{"simd", "gfni512"}: "avx512f", {"simd", "gfni"}: "", {"simd", "scalar"}: "",
		{"netloop", "epoll"}: "", {"simd", "auto"}: "",
	} {
		if got := strings.Join(choice.Lacks(flags), " "); got != want {
			t.Errorf("%v lacks %q, want %q", choice, got, want)
		}
	}
	if got := (Choice{"simd", "gfni512"}).Lacks(nil); len(got) != 2 {
		t.Errorf("without flags: %q", got)
	}
}
