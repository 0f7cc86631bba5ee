package bench

import (
	"bytes"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"flashstore/bench/record"
	"flashstore/bench/scenario"
	"flashstore/bench/tune"
	"flashstore/machine"
)

// A stub whose epoll is four times as fast: that is adopted, or nothing where the machine is too
// busy to confirm it; never another level.
func TestTune(t *testing.T) {
	p := newPlace(t, "epoll-wins", "exit 1")
	file := filepath.Join(filepath.Dir(p.dir), "later", "tuned.yaml")
	args := append(p.lightArgs("tune", light("2")...), "--axes", "netloop", "--out", file)
	var out bytes.Buffer
	if code := Main(t.Context(), args, &out, &out); code != exitFailure ||
		!strings.Contains(out.String(), "--resume writes it without measuring again") {
		t.Fatalf("nowhere to write: code %d:\n%s", code, out.String())
	}
	if err := os.Mkdir(filepath.Dir(file), 0o700); err != nil {
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
	for _, want := range []string{"# flashbench tune for machine: {", "netloop=netconn", "netloop=epoll"} {
		if !strings.Contains(string(text), want) {
			t.Errorf("no %q", want)
		}
	}
	if !strings.Contains(string(text), "\nnetloop: epoll ") {
		t.Log("the machine was too busy to confirm it")
	}
	if t.Failed() {
		t.Logf("%s\n%s", out.String(), text)
	}
}

// A level is judged by what was measured, and not where most pairs were noisy.
func TestTrialOf(t *testing.T) {
	sc := &scenario.Scenario{Name: "get-4k", Run: scenario.Run{Pairs: 6}}
	for noisy, judged := range map[int]bool{0: true, 1: true, 5: false} {
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
		f := tune.File{Machine: c.machine.String(), Adopted: []tune.Choice{{Axis: "netloop",
			Level: "nethttp"}}, Confirmed: true, Defaults: map[string]string{"netloop": "epoll"}}
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
