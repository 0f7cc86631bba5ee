package bench

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"flashstore/bench/record"
)

// What is called equally often stands in one order, whatever the map says.
func TestProfileTableHasOneOrder(t *testing.T) {
	p := record.Profile{Calls: map[string]float64{"a": 1, "b": 1, "c": 1, "d": 1.0000001, "e": 1}}
	var names []string
	for _, line := range profileTable(&p)[1:] {
		names = append(names, strings.TrimSuffix(line[0], " per operation"))
	}
	if want := []string{"d", "a", "b", "c", "e"}; !slices.Equal(names, want) {
		t.Errorf("%v, want %v", names, want)
	}
}

// A real server under load profiles itself; its page has flame graphs and its calls are counted.
func TestProfile(t *testing.T) {
	p := newPlace(t, "", "exit 1")
	dir := filepath.Dir(p.server)
	p.server = realServer(t)
	page := filepath.Join(dir, "page.html")
	args := p.lightArgs("profile", append(light("1")[:12], "--html", page, "--set",
		"ioengine=threadpool", "--set", "netloop=nethttp,epoll", "--set", "run.duration=1s")...)
	var out bytes.Buffer
	if code := Main(t.Context(), args, &out, &out); code != exitOK {
		t.Fatalf("code %d:\n%s", code, out.String())
	}
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"get-4k, epoll: CPU", "get-4k, nethttp: CPU", `class="flame`,
		"heap objects per operation", "context switches, voluntary"} {
		if !bytes.Contains(text, []byte(want)) {
			t.Errorf("the page has no %q", want)
		}
	}
	if _, err := exec.LookPath("strace"); err == nil && !strings.Contains(out.String(),
		"writev per operation") {
		t.Errorf("no system calls:\n%s", out.String())
	}
	p.mustBeEmpty(t)
}
