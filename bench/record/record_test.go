package record

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"
)

func open(t *testing.T) *Index {
	t.Helper()
	x, err := Open(filepath.Join(t.TempDir(), "results", "index.ndjson"))
	if err != nil {
		t.Fatal(err)
	}
	return x
}

func leg(pair int) Line {
	return Line{Leg: &Leg{Session: "s", Scenario: "get-4k", Pair: pair, Outcome: OK,
		Metrics: map[string]float64{"ops_per_s": 1234.5}}}
}

// Whoever only reads makes nothing, and is told where nothing can be.
func TestOpenMakesNothing(t *testing.T) {
	dir := t.TempDir()
	x, err := Open(filepath.Join(dir, "mistyped", "index.ndjson"))
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := x.Read(); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("read: %v", err)
	}
	if made, err := os.ReadDir(dir); err != nil || len(made) != 0 {
		t.Errorf("made: %v, error %v", made, err)
	}
	if _, err := Open(dir); err == nil {
		t.Error("a folder is no record")
	}
}

func TestRoundTrip(t *testing.T) {
	x := open(t)
	want := []Line{{Session: &Session{ID: "s", Args: []string{"run"}}}, leg(1), leg(2)}
	for i, line := range want {
		if err := x.Append(line); err != nil {
			t.Fatal(err)
		}
		want[i].Schema = Schema
	}
	got, skipped, err := x.Read()
	if err != nil || skipped != 0 || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, skipped %d, error %v", got, skipped, err)
	}
}

// A verdict of before figures could be missing has them; one without any has no zeros.
func TestVerdictFigures(t *testing.T) {
	x := open(t)
	if err := os.MkdirAll(filepath.Dir(x.Path()), 0o755); err != nil {
		t.Fatal(err)
	}
	const older = `{"schema":1,"verdict":{"session":"s","scenario":"get-4k","verdict":"FAIL","reason":"r",` +
		`"change":-0.25,"p":0,"pairs":9}}` + "\n"
	if err := os.WriteFile(x.Path(), []byte(older), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := x.Append(Line{Verdict: &Verdict{Session: "s", Verdict: "INVALID"}}); err != nil {
		t.Fatal(err)
	}
	lines, skipped, err := x.Read()
	if err != nil || skipped != 0 || len(lines) != 2 {
		t.Fatalf("%d lines, %d skipped, error %v", len(lines), skipped, err)
	}
	if v := lines[0].Verdict; v.Change == nil || *v.Change != -0.25 || v.P == nil || *v.P != 0 ||
		v.Pairs != 9 {
		t.Errorf("of an older one: %+v", v)
	}
	if v := lines[1].Verdict; v.Change != nil || v.P != nil {
		t.Errorf("of nothing: %+v", v)
	}
	if text, err := os.ReadFile(x.Path()); err != nil || strings.Count(string(text), `"change"`) != 1 ||
		strings.Count(string(text), `"p":`) != 1 {
		t.Errorf("error %v:\n%s", err, text)
	}
}

// Whatever prefix of a line a crash leaves, the lines before and after it survive.
func TestTornTail(t *testing.T) {
	x := open(t)
	if err := x.Append(leg(1)); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(x.Path())
	if err != nil {
		t.Fatal(err)
	}
	for cut := 1; cut < len(whole)-1; cut++ {
		torn := append(append([]byte{}, whole...), whole[:cut]...)
		if err := os.WriteFile(x.Path(), torn, 0o600); err != nil {
			t.Fatal(err)
		}
		if cut%16 != 1 { // each Append syncs: a sample is enough for the writing side
			continue
		}
		if err := x.Append(leg(2)); err != nil {
			t.Fatal(err)
		}
		lines, skipped, err := x.Read()
		if err != nil || len(lines) != 2 || skipped != 1 || lines[1].Leg.Pair != 2 {
			t.Fatalf("cut %d: %d lines, %d skipped, error %v", cut, len(lines), skipped, err)
		}
	}
}

// Lines that belong together are appended together, and one of any length is read again.
func TestAppendTogether(t *testing.T) {
	x := open(t)
	long := leg(2)
	long.Leg.Reason = strings.Repeat("a server's log ", 200_000)
	if err := x.Append(leg(1), long, leg(3)); err != nil {
		t.Fatal(err)
	}
	lines, skipped, err := x.Read()
	if err != nil || skipped != 0 || len(lines) != 3 || lines[1].Leg.Reason != long.Leg.Reason {
		t.Errorf("%d lines, %d skipped, error %v", len(lines), skipped, err)
	}
	for i, line := range lines {
		if line.Schema != Schema || line.Leg.Pair != i+1 {
			t.Errorf("line %d: schema %d, pair %d", i, line.Schema, line.Leg.Pair)
		}
	}
}

// What is withdrawn has a reason in place of figures, whichever line came first, and nothing else
// has.
func TestWithdrawn(t *testing.T) {
	x := open(t)
	other := leg(3)
	other.Leg.Scenario = "put-4k"
	if err := x.Append(leg(1), Line{Withdrawn: &Withdrawal{Session: "s", Scenario: "get-4k",
		Reason: "of uploads"}}, leg(2), other, Line{Withdrawn: &Withdrawal{Session: "another",
		Scenario: "put-4k", Reason: "x"}}); err != nil {
		t.Fatal(err)
	}
	lines, skipped, err := x.Read()
	if err != nil || skipped != 0 || len(lines) != 5 {
		t.Fatalf("%d lines, %d skipped, error %v", len(lines), skipped, err)
	}
	for _, i := range []int{0, 2} {
		if l := lines[i].Leg; l.Outcome != Withdrawn || l.Reason != "of uploads" || l.Metrics != nil {
			t.Errorf("line %d: %+v", i, l)
		}
	}
	if l := lines[3].Leg; l.Outcome != OK || l.Metrics["ops_per_s"] != 1234.5 {
		t.Errorf("of another scenario: %+v", l)
	}
}

func TestConcurrentAppend(t *testing.T) {
	x := open(t)
	var writers sync.WaitGroup
	for i := range 20 {
		writers.Go(func() {
			if err := x.Append(leg(i)); err != nil {
				t.Error(err)
			}
		})
	}
	writers.Wait()
	lines, skipped, err := x.Read()
	if err != nil || len(lines) != 20 || skipped != 0 {
		t.Errorf("%d lines, %d skipped, error %v", len(lines), skipped, err)
	}
}

func TestOtherSchemaIsSkipped(t *testing.T) {
	x := open(t)
	text := fmt.Sprintf("{\"schema\":%d}\n\n{\"schema\":%d}\n", Schema+1, Schema)
	if err := os.MkdirAll(filepath.Dir(x.Path()), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(x.Path(), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	lines, skipped, err := x.Read()
	if err != nil || len(lines) != 1 || skipped != 1 {
		t.Errorf("%d lines, %d skipped, error %v", len(lines), skipped, err)
	}
}
