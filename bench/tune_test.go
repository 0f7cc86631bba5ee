package bench

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A stub whose epoll is four times as fast: that is adopted, or nothing where the machine is too
// busy to confirm it; never another level.
func TestTune(t *testing.T) {
	p := newPlace(t, "epoll-wins", "exit 1")
	file := filepath.Join(filepath.Dir(p.dir), "tuned.yaml")
	args := append(p.lightArgs("tune", light("2")...), "--axes", "netloop", "--out", file)
	var out bytes.Buffer
	if code := Main(t.Context(), args, &out, &out); code != exitOK {
		t.Fatalf("code %d:\n%s", code, out.String())
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

func TestTuneUsage(t *testing.T) {
	var out bytes.Buffer
	if code := Main(t.Context(), []string{"tune", "../scenarios/get-4k.yaml", "--axes", "durability"},
		&out, &out); code != exitUsage || !strings.Contains(out.String(), "can be tuned: netloop") {
		t.Errorf("code %d:\n%s", code, out.String())
	}
}
