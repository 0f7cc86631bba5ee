package bench

import (
	"flag"
	"io"
	"path/filepath"
	"strings"
	"testing"

	"flashstore/bench/scenario"
)

// choose reads flags and operands as a command does, and loads what they choose.
func choose(
	t *testing.T, own func(*scenario.Scenario) []string, args ...string,
) ([]*scenario.Scenario, error) {
	t.Helper()
	flags := flag.NewFlagSet("run", flag.ContinueOnError)
	c := newChoice(flags)
	c.own = own
	files, err := parse(flags, args, io.Discard, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	return c.load(files)
}

// A look is possible at every shipped scenario, whatever its design, and whatever design is set.
func TestQuickEverywhere(t *testing.T) {
	files, err := filepath.Glob("../scenarios/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		for _, more := range [][]string{nil, {"--set", "run.design=paired"}, {"--pairs", "1"}} {
			scenarios, err := choose(t, nil, append(more, file, "--quick")...)
			if err != nil {
				t.Errorf("%s %q: %v", file, more, err)
			}
			for _, sc := range scenarios {
				if sc.Run.Pairs > 2 || sc.Run.Duration.Seconds() > 5 {
					t.Errorf("%s %q is no look: %+v", file, more, sc.Run)
				}
			}
		}
		// A profile asks by the light driver: of what that cannot ask for there is none, and not
		// because of anything that the user has set.
		_, err := choose(t, profileChanges, file, "--quick", "--set", "workload.concurrent=4")
		if err != nil && !strings.Contains(err.Error(), " is nothing for this command: ") {
			t.Errorf("%s, profiled: %v", file, err)
		}
	}
}

// A point of a sweep has a name, by which it is chosen without the others.
func TestChoosePoint(t *testing.T) {
	const file = "../scenarios/concurrency-sweep.yaml"
	for only, want := range map[string]int{"concurrency-sweep": 5, "concurrency-sweep-c1": 1,
		"concurrency-sweep-c4,concurrency-sweep-c16": 2, "get-4k": 1, "get-4k,concurrency-sweep-c1": 2} {
		scenarios, err := choose(t, nil, file, "../scenarios/get-4k.yaml", "--only", only, "--pairs", "9")
		if err != nil || len(scenarios) != want {
			t.Errorf("%s: %d, want %d; error %v", only, len(scenarios), want, err)
		}
		for _, sc := range scenarios {
			if sc.Run.Pairs != 9 {
				t.Errorf("%s: %d pairs", sc.Name, sc.Run.Pairs)
			}
		}
	}
	if _, err := choose(t, nil, file, "--only", "concurrency-sweep-c2"); err == nil ||
		!strings.Contains(err.Error(), `no scenario "concurrency-sweep-c2"; there are: concurrency-sweep`) {
		t.Errorf("no such point: %v", err)
	}
}

// Who counts every failed request asks a peer, unless somebody wants warp or nobody else can; what
// is set is held against who asks.
func TestPeerDriver(t *testing.T) {
	for name, c := range map[string]struct{ file, set, want string }{
		"writes": {"put-4k", "run.pairs=2", "load"}, "reads": {"get-1m", "run.pairs=2", "load"},
		"a mix": {"mixed-256k", "run.pairs=2", "warp"}, "ranges": {"range-64k-of-10m", "run.seed=1", "warp"},
		"chosen": {"put-4k", "put-4k:workload.driver=warp", "warp"},
		"TLS":    {"tls-get-1m", "run.seed=1", "warp"},
		"short":  {"put-4k", "run.duration=4500ms", "load"},
		"parts":  {"put-4k", "workload.op=multipart workload.obj_size=64MiB", "warp"},
	} {
		args := []string{"../scenarios/" + c.file + ".yaml", "--set", "run.trim_head=1s", "--set",
			"run.trim_tail=1s"}
		for set := range strings.FieldsSeq(c.set) {
			args = append(args, "--set", set)
		}
		scenarios, err := choose(t, preferLight, args...)
		if err != nil || scenarios[0].Workload.Driver != c.want {
			t.Errorf("%s: %v, want %s; error %v", name, scenarios, c.want, err)
		}
	}
}
