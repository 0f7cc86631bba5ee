package bench

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"flashstore/bench/record"
	"flashstore/bench/scenario"
	"flashstore/bench/tune"
	"flashstore/machine"
)

// A stub whose epoll is thirty times as fast: that is adopted, and no other level. The machine is
// quiet, and what a full disk keeps from being written is not measured again.
func TestTune(t *testing.T) {
	p := newPlace(t, "epoll-wins", "exit 1")
	file := filepath.Join(filepath.Dir(p.dir), "tuned.yaml")
	if err := os.Symlink("/dev/full", file); err != nil {
		t.Fatal(err)
	}
	args := append(p.lightArgs("tune", light("4")...), "--axes", "netloop", "--out", file, "--set",
		"metrics.primary=p50")
	var out bytes.Buffer
	o, scenarios, err := parseTune(args[1:], &out, &out)
	if err != nil {
		t.Fatal(err)
	}
	o.gauge = &steady{}
	err = o.run(t.Context(), scenarios, &out, &out)
	if err == nil || exitCode(err) != exitFailure ||
		!strings.Contains(err.Error(), "--resume writes it without measuring again") {
		t.Fatalf("a full disk: %v:\n%s", err, out.String())
	}
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	before := len(p.legs(t))
	if code := Main(t.Context(), append(args, "--resume"), &out, &out); code != exitOK {
		t.Fatalf("code %d:\n%s", code, out.String())
	}
	if after := len(p.legs(t)); after != before {
		t.Errorf("%d legs were run again", after-before)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if !strings.HasPrefix(line, "#") && !strings.HasPrefix(line, "netloop: epoll ") {
			t.Errorf("line %q", line)
		}
	}
	for _, want := range []string{"# flashbench tune for machine: {", "netloop=netconn", "netloop=epoll",
		"\nnetloop: epoll "} {
		if !strings.Contains(string(text), want) {
			t.Errorf("no %q", want)
		}
	}
	if t.Failed() {
		t.Logf("%s\n%s", out.String(), text)
	}
}

// A file is written only where something is known, and never of a look.
func TestFinishTune(t *testing.T) {
	trial := func(problem string, failed bool, change float64) []tune.Trial {
		trial := tune.Trial{Axis: "netloop", Level: "epoll", Scenario: "a", Metric: "ops_per_s",
			Problem: problem, Failed: failed}
		for range tune.PairsMin {
			trial.Differences = append(trial.Differences, change)
		}
		return []tune.Trial{trial}
	}
	better := tune.File{Chosen: []tune.Choice{{Axis: "netloop", Level: "epoll"}},
		Trials: trial("", false, 0.2), Combined: trial("", false, 0.2)}
	for name, c := range map[string]struct {
		file    tune.File
		quick   bool
		want    error
		written bool
	}{
		"better":         {better, false, nil, true},
		"as good":        {tune.File{Trials: trial("", false, 0)}, false, nil, true},
		"noise":          {tune.File{Trials: trial("noise", false, 0)}, false, errInconclusive, false},
		"failed":         {tune.File{Trials: trial("forbidden", true, 0)}, false, errInvalid, false},
		"a look":         {better, true, nil, false},
		"a look, failed": {tune.File{Trials: trial("forbidden", true, 0)}, true, errInvalid, false},
	} {
		path, ended := filepath.Join(t.TempDir(), "tuned.yaml"), 0
		var out bytes.Buffer
		err := finishTune(path, &c.file, c.quick, &out, func() error { ended++; return nil })
		if !errors.Is(err, c.want) || ended != 1 || !strings.Contains(out.String(), "netloop=epoll") {
			t.Errorf("%s: error %v, want %v, ended %d:\n%s", name, err, c.want, ended, out.String())
		}
		if _, err := os.Stat(path); (err == nil) != c.written {
			t.Errorf("%s: file: %v", name, err)
		}
	}
}

// What could never be adopted is refused before a leg is run.
func TestTuneSuits(t *testing.T) {
	p := newPlace(t, "", "exit 1")
	text, err := os.ReadFile("../scenarios/get-4k.yaml")
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "scenario.yaml")
	for requires, c := range map[string]struct {
		pairs string
		code  int
		want  string
	}{
		"{}": {"3", exitUsage, "get-4k: 3 pairs"},
		"{disk_free: 9000000GiB}": {"4", exitInvalid,
			"no level could be adopted: get-4k needs 9000000GiB of free disk"},
		"{cores: 9999}": {"4", exitInvalid, "get-4k needs 9999 cores"},
	} {
		changed := bytes.Replace(text, []byte("{disk_free: 2GiB}"), []byte(requires), 1)
		if err := os.WriteFile(file, changed, 0o600); err != nil {
			t.Fatal(err)
		}
		args := p.lightArgs("tune", light(c.pairs)...)
		args[1] = file
		var out bytes.Buffer
		if code := Main(t.Context(), args, &out, &out); code != c.code ||
			!strings.Contains(out.String(), c.want) {
			t.Errorf("%s: code %d, want %d with %q:\n%s", requires, code, c.code, c.want, out.String())
		}
	}
	if p.count(`"leg":`) > 0 {
		t.Error("a leg was run")
	}
	p.mustBeEmpty(t)
}

// The README says how long it takes, by the legs that are planned.
func TestTuneLegs(t *testing.T) {
	chosen := choice{only: list{values: tuneScenarios()}}
	files, err := filepath.Glob("../scenarios/*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	scenarios, err := chosen.load(files)
	if err != nil {
		t.Fatal(err)
	}
	run := tuneRun{session: &session{messages: io.Discard}, scenarios: scenarios,
		defaults: map[string]string{"netloop": "epoll", "allocator": "arena", "ioengine": "uring"}}
	run.plan(scenarios, func(*scenario.Scenario) int { return len(run.candidates()) + 1 })
	readme, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	want := fmt.Sprintf("%d legs, %.1f hours", run.legsPlanned, run.timeLeft().Hours())
	if !strings.Contains(string(readme), want) {
		t.Errorf("README.md has no %q", want)
	}
}

// A level is judged by what was measured, and not where most pairs were noisy.
func TestTrialOf(t *testing.T) {
	sc := &scenario.Scenario{Name: "get-4k", Run: scenario.Run{Pairs: 6}}
	for noisy, judged := range map[int]bool{0: true, 2: true, 3: false, 5: false} {
		var legs []record.Leg
		for i := range 12 {
			pair, side := i/2+1, i%2
			legs = append(legs, record.Leg{Pair: pair, Side: []string{"base", "candidate"}[side],
				Outcome: record.OK, Primary: "ops_per_s", Noisy: pair <= noisy,
				Metrics: map[string]float64{"ops_per_s": float64(1000 + 500*side + pair)}})
		}
		trial := trialOf(sc, []tune.Choice{{Axis: "netloop", Level: "epoll"}}, legs)
		if trial.Helps() != judged || trial.Metric != "ops_per_s" || trial.Axis != "netloop" ||
			(trial.Problem == "") != judged {
			t.Errorf("%d of 6 noisy: %+v", noisy, trial)
		}
	}
}

// Neither a failure nor a disk that leans to one side leaves a judgement; only noise may pass.
func TestTrialOfSpoilt(t *testing.T) {
	sc := &scenario.Scenario{Name: "put-4k", Run: scenario.Run{Pairs: 4}}
	for name, c := range map[string]struct {
		spoil  func(*record.Leg)
		failed bool
		want   string
	}{
		"invalid": {func(l *record.Leg) { l.Outcome, l.Reason = record.Invalid, "500" }, true, "500"},
		"a disk": {func(l *record.Leg) {
			if l.Side == "base" {
				l.Calibration.Sync *= 2
			}
		}, false, "the disk was slower"},
	} {
		var legs []record.Leg
		for i := range 8 {
			leg := record.Leg{Pair: i/2 + 1, Side: []string{"base", "candidate"}[i%2], Outcome: record.OK,
				Primary: "ops_per_s", Writes: true, Metrics: map[string]float64{"ops_per_s": 1000}}
			leg.Calibration.Sync = time.Millisecond
			c.spoil(&leg)
			legs = append(legs, leg)
		}
		trial := trialOf(sc, nil, legs)
		if trial.Failed != c.failed || !strings.Contains(trial.Problem, c.want) {
			t.Errorf("%s: %+v", name, trial)
		}
	}
}

// What tune writes is what our server reads: used here, left out with a warning elsewhere.
func TestTunedFileIsRead(t *testing.T) {
	p := newPlace(t, "", "exit 1")
	dir := filepath.Dir(p.server)
	server, file := realServer(t), filepath.Join(dir, "tuned.yaml")
	here := machine.Identify(dir)
	other := here
	other.Cores++
	for name, c := range map[string]struct {
		machine machine.Identity
		netloop string
		warned  bool
	}{"here": {here, "nethttp", false}, "elsewhere": {other, "epoll", true}} {
		won := tune.Trial{Level: "combined", Differences: []float64{0.2, 0.2, 0.2, 0.2}}
		f := tune.File{Machine: c.machine.String(), Chosen: []tune.Choice{{Axis: "netloop",
			Level: "nethttp"}}, Combined: []tune.Trial{won}, Defaults: map[string]string{"netloop": "epoll"}}
		if err := writeTuned(file, &f, io.Discard); err != nil {
			t.Fatal(err)
		}
		out, err := exec.Command(server, "server", "--drives", filepath.Join(dir, "d1"), "--config", file,
			"--print-config").CombinedOutput()
		if err != nil || !strings.Contains(string(out), "netloop: \""+c.netloop+"\"\n") ||
			strings.Contains(string(out), "was tuned for another machine (cores: ") != c.warned {
			t.Errorf("%s: error %v:\n%s", name, err, out)
		}
	}
}

func TestTuneUsage(t *testing.T) {
	var out bytes.Buffer
	if code := Main(t.Context(), []string{"tune", "../scenarios/get-4k.yaml", "--axes", "durability"},
		&out, &out); code != exitUsage || !strings.Contains(out.String(), "can be tuned: netloop") {
		t.Errorf("code %d:\n%s", code, out.String())
	}
}
