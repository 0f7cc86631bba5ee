package bench

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"flashstore/bench/benchtest"
	"flashstore/bench/peer"
	"flashstore/bench/record"
	"flashstore/bench/report"
)

// writePeer writes a peer file for a variant of the stub; the words of args are those of a file.
func (p place) writePeer(t *testing.T, fault string) string {
	t.Helper()
	script := filepath.Join(filepath.Dir(p.server), "peer-server")
	text := "#!/bin/sh\nSTUB_DELAY=2ms STUB_FAULT=" + fault + " exec " + os.Getenv("STUB") + ` "$@"` + "\n"
	file := filepath.Join(filepath.Dir(p.server), "peer.yaml")
	description := "schema: 1\nname: other\nbinary: " + script + "\n" +
		`args: [server, --address, "{address}", --drives, "{drive1}"]` + "\ndrives: 1\nparity: 0\n"
	for path, text := range map[string]string{script: text, file: description} {
		writeProgram(t, path, text)
	}
	return file
}

// views are the ways in which a record is read.
func (p place) views(t *testing.T) (texts []string) {
	t.Helper()
	file := filepath.Join(filepath.Dir(p.server), "view")
	for _, flags := range [][]string{{}, {"--html", file}, {"--index", file}, {"--history"}} {
		var out bytes.Buffer
		args := append([]string{"report", "--record", p.index}, flags...)
		if code := Main(t.Context(), args, &out, &out); code != exitOK {
			t.Errorf("%v: code %d: %s", flags, code, out.String())
		}
		if len(flags) > 1 {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Error(err)
			}
			out.Reset()
			out.Write(text)
		}
		texts = append(texts, out.String())
	}
	return texts
}

func mustHave(t *testing.T, program string) {
	t.Helper()
	benchtest.Program(t, program)
}

// What a peer's 200 is worth is measured, and said above the figures; losses come first.
func TestPeerContracts(t *testing.T) {
	mustHave(t, "strace")
	t.Parallel() // beside other tests, not only beside its own
	for name, c := range map[string]struct {
		ours, theirs string
		code         []int
		want         []string
		not          string
	}{
		"both sync": {"syncs", "syncs", []int{exitOK, exitInvalid},
			[]string{"other: strict: 2.0 syncs per PUT", "flashstore: strict: 2.0", "Control"},
			"NOT LIKE FOR LIKE"},
		"they do not": {"syncs", "", []int{exitOK, exitInvalid}, []string{"NOT LIKE FOR LIKE",
			"other: relaxed: 0.0 syncs per PUT", "flashstore (relaxed)", "Control"}, "cannot"},
		"they fail": {"syncs", "fails-load", []int{exitInvalid},
			[]string{"invalid (base): load:", "status 500"}, "beats"},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPlace(t, c.ours, "exit 1")
			args := append([]string{"peer", p.writePeer(t, c.theirs)}, p.lightArgs("", light("2")...)[1:]...)
			var out bytes.Buffer
			code := Main(t.Context(), args, &out, &out)
			if !slices.Contains(c.code, code) {
				t.Errorf("code %d, want %v", code, c.code)
			}
			for _, want := range c.want {
				if !strings.Contains(out.String(), want) {
					t.Errorf("no %q", want)
				}
			}
			if strings.Contains(out.String(), c.not) {
				t.Errorf("there is %q", c.not)
			}
			for _, view := range p.views(t) { // whoever reads the record later is told too
				if strings.Contains(view, "NOT LIKE FOR LIKE") == (c.not == "NOT LIKE FOR LIKE") {
					t.Errorf("NOT LIKE FOR LIKE is missing or must not be there:\n%s", view)
				}
			}
			if t.Failed() {
				t.Log(out.String())
			}
			p.mustBeEmpty(t)
		})
	}
}

// A peer that does not start costs no leg, of any mode.
func TestPeerDoesNotStart(t *testing.T) {
	p := newPlace(t, "syncs", "exit 1")
	args := append([]string{"peer", p.writePeer(t, "dies")}, p.lightArgs("", light("2")...)[1:]...)
	var out bytes.Buffer
	if code := Main(t.Context(), args, &out, &out); code != exitInvalid ||
		!strings.Contains(out.String(), "other does not start") ||
		!strings.Contains(out.String(), "stub: cannot open the drives") {
		t.Errorf("code %d:\n%s", code, out.String())
	}
	if n := p.count(`"leg":`); n > 0 {
		t.Errorf("%d legs were run", n)
	}
	p.mustBeEmpty(t)
}

// What cannot be asked of a peer is refused before anything runs.
func TestPeerUsage(t *testing.T) {
	p := newPlace(t, "", "exit 1")
	file := p.writePeer(t, "")
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, append(text, "get_only: true\n"...), 0o600); err != nil {
		t.Fatal(err)
	}
	for args, want := range map[string]string{
		"":                              "examples are in peers/",
		file + " --binary /nonexistent": "nothing is downloaded",

		file + " --binary no-such-server": `"no-such-server": executable file not found in $PATH`,

		file + " ../scenarios/get-1m.yaml --set workload.driver=warp": "other only reads; warp",
		file + " ../scenarios/get-1m.yaml --set run.duration=2s":      "take more than half of 2s",
		file + " ../scenarios/get-1m.yaml --set simd=avx2,scalar":     "changes nothing here",

		file + " ../scenarios/put-4k.yaml":            "other only reads, put-4k does not",
		file + " ../scenarios/tls-get-1m.yaml":        "neither TLS nor lost drives",
		file + " ../scenarios/degraded-get-simd.yaml": "neither TLS nor lost drives",
	} {
		var out bytes.Buffer
		code := Main(t.Context(), append([]string{"peer"}, strings.Fields(args)...), &out, &out)
		if code != exitUsage || !strings.Contains(out.String(), want) {
			t.Errorf("%q: code %d, no %q:\n%s", args, code, want, out.String())
		}
	}
}

// Losses come before wins, and a control that differs is not passed over.
func TestPeerPrint(t *testing.T) {
	p := newPlace(t, "", "exit 1")
	index, err := record.Open(p.index)
	if err != nil {
		t.Fatal(err)
	}
	run := &peerRun{session: &session{index: index}, file: &peer.File{Name: "other", GetOnly: true}}
	row := func(scenario string, verdict report.Verdict) report.Row {
		return report.Row{Scenario: scenario, Base: "a", Candidate: "b", Verdict: verdict, Pairs: 6}
	}
	rows := []report.Row{row("won", report.Better), row("lost", report.Worse)}
	for verdict, differs := range map[report.Verdict]bool{report.NoDifference: false,
		report.Better: true, report.Worse: true} {
		var out bytes.Buffer
		run.print(&out, rows, []report.Row{row("control", verdict)})
		lost, won := strings.Index(out.String(), "lost"), strings.Index(out.String(), "won")
		if lost < 0 || lost > won || strings.Contains(out.String(), "CONTROL DIFFERS") != differs {
			t.Errorf("control %s:\n%s", verdict, out.String())
		}
	}
}

// A peer may be a script that waits for the server it has started: its account is that of both.
func TestPeerOfTwoProcesses(t *testing.T) {
	p := newPlace(t, "", "exit 1")
	file := p.writePeer(t, "")
	writeProgram(t, filepath.Join(filepath.Dir(p.server), "peer-server"),
		"#!/bin/sh\n"+os.Getenv("STUB")+` "$@"`+"\nexit 1\n")
	args := append([]string{"peer", file}, p.lightArgs("", light("1")...)[1:]...)
	var out bytes.Buffer
	// It answers as fast as it can. Tests beside this one may leave it little of a short window: it
	// gets a longer one then, in which a script alone still uses nothing. That has less than 2 MiB.
	earlier, enough := 0, false
	for _, window := range []string{"800ms", "5s"} {
		Main(t.Context(), append(slices.Clone(args), "--set", "run.duration="+window), &out, &out)
		legs, found := p.legs(t), 0
		enough = true
		for _, leg := range legs[earlier:] {
			if leg.Base != "other" || leg.Side != "base" || leg.Outcome != record.OK {
				continue
			}
			found++
			used := leg.Metrics["server_cpu_us_per_op"] * float64(leg.Operations) / 1e6
			if used < 0.03 {
				enough = false
				t.Logf("%.3f s of CPU in %s", used, window)
			}
			if leg.Metrics["rss_mb"] < 4 {
				t.Errorf("%.1f MiB", leg.Metrics["rss_mb"])
			}
		}
		if found == 0 {
			t.Errorf("no leg of it counts:\n%s", out.String())
		}
		if earlier = len(legs); enough {
			break
		}
	}
	if !enough {
		t.Error("its server's CPU is not in its account")
	}
	p.mustBeEmpty(t)
	awaitNoProcess(t, filepath.Dir(p.dir))
}

// nginx reads files, and is verified and measured by GET alone.
func TestPeerNginx(t *testing.T) {
	benchtest.Program(t, "nginx", "/usr/sbin/nginx")
	p := newPlace(t, "", "exit 1")
	args := append([]string{"peer", "../peers/nginx.yaml"}, p.lightArgs("", light("1")...)[1:]...)
	var out bytes.Buffer
	code := Main(t.Context(), args, &out, &out)
	if code != exitOK || !strings.Contains(out.String(), "a floor, not a rival") ||
		!strings.Contains(out.String(), "nginx → flashstore") {
		t.Errorf("code %d:\n%s", code, out.String())
	}
}

// buildServer builds our real server.
func buildServer(t *testing.T, path string, flags ...string) {
	t.Helper()
	build := exec.Command("go", append(append([]string{"build", "-o", path}, flags...),
		"flashstore/cmd/flashstore")...)
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if text, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
}

// realServer is our real server, built once for all tests.
func realServer(t *testing.T) string {
	t.Helper()
	path := filepath.Join(filepath.Dir(os.Getenv("STUB")), "flashstore")
	built.Do(func() { buildServer(t, path) })
	if _, err := os.Stat(path); err != nil {
		t.Fatal(err)
	}
	return path
}

var built sync.Once

// A second build of our own server, as a peer and in the control row: nothing but noise in both. An
// interval contains 1, as that of six pairs does in 97 of 100 runs, in two of three rows; the first
// run mostly has both. What never does is a fault of the harness.
func TestPeerControlHoldsOne(t *testing.T) {
	mustHave(t, "strace")
	// What a ring syncs is in no trace: the contract would be unknown, and ours be shown in two modes.
	const engine = "FLASHSTORE_IOENGINE=threadpool"
	dir := t.TempDir()
	second := filepath.Join(dir, "flashstore-again")
	buildServer(t, second, "-ldflags=-s -w")
	ours, again := filepath.Join(dir, "ours"), filepath.Join(dir, "again")
	for path, server := range map[string]string{ours: realServer(t), again: second} {
		writeProgram(t, path, "#!/bin/sh\n"+engine+" exec "+server+` "$@"`+"\n")
	}
	file := filepath.Join(dir, "peer.yaml")
	text := "schema: 1\nname: sibling\nbinary: " + second + "\n" +
		`args: [server, --address, "{address}", --drives, "{drive1}", --parity, "0"]` + "\n" +
		"env:\n  - FLASHSTORE_ROOT_USER={access_key}\n  - FLASHSTORE_ROOT_PASSWORD={secret_key}\n" +
		"  - " + engine + "\n" +
		"health: /flashstore/health/ready\ndrives: 1\nparity: 0\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	const tries, enough = 3, 2
	said, rows, holds := "", 0, 0
	for holds < enough && holds+tries-rows >= enough {
		p := newPlaceAlone(t, "", "exit 1")
		p.server = ours
		var out bytes.Buffer
		code := Main(t.Context(), append(append([]string{"peer", file}, p.lightArgs("", light("6")...)[1:]...),
			"--control", again, "--pin"), &out, &out)
		if code != exitOK || !strings.Contains(out.String(), "sibling → flashstore") ||
			!strings.Contains(out.String(), "sibling: strict: ") ||
			!strings.Contains(out.String(), "Control, the same server twice") {
			t.Fatalf("code %d:\n%s", code, out.String())
		}
		said += out.String()
		for _, r := range [][2]string{{"flashstore", "flashstore again"}, {"sibling", "flashstore"}} {
			row := onlyRow(t, p.legs(t), r[0], r[1])
			if rows == tries {
				break
			}
			if rows++; !row.Ratio.Excludes(0) {
				holds++
			}
		}
	}
	if holds < enough {
		t.Errorf("of %d intervals %d contain 1:\n%s", rows, holds, said)
	}
}

// onlyRow is that of the six pairs of two servers.
func onlyRow(t *testing.T, legs []record.Leg, base, candidate string) report.Row {
	t.Helper()
	rows := report.Rows(slices.DeleteFunc(legs, func(leg record.Leg) bool {
		return leg.Base != base || leg.Candidate != candidate
	}))
	if len(rows) != 1 || rows[0].Pairs != 6 {
		t.Fatalf("%s, %s: %+v", base, candidate, rows)
	}
	return rows[0]
}
