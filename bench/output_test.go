package bench

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// What is to be written is tried before, and left as it was.
func TestCheckOutputs(t *testing.T) {
	dir := t.TempDir()
	there, link := filepath.Join(dir, "there"), filepath.Join(dir, "link")
	later := filepath.Join(dir, "later") // what the link leads to
	if err := errors.Join(os.WriteFile(there, []byte("kept"), 0o600),
		os.Symlink(later, link)); err != nil {
		t.Fatal(err)
	}
	for path, ok := range map[string]bool{
		"": true, there: true, filepath.Join(dir, "new"): true, link: true, "/dev/full": true,
		dir: false, filepath.Join(dir, "no", "x"): false, filepath.Join(there, "x"): false,
	} {
		if err := checkOutputs("", path); (err == nil) != ok || err != nil && !errors.Is(err, errUsage) {
			t.Errorf("%q: %v", path, err)
		}
	}
	text, err := os.ReadFile(there)
	if err != nil || string(text) != "kept" {
		t.Errorf("%q, error %v", text, err)
	}
	for _, made := range []string{filepath.Join(dir, "new"), later} {
		if _, err := os.Stat(made); err == nil {
			t.Errorf("%s was made", made)
		}
	}
	if _, err := os.Lstat(link); err != nil {
		t.Error(err)
	}
}

// Two files that are one, by whatever names, are refused: the later would replace the former.
func TestOutputsAreApart(t *testing.T) {
	dir := t.TempDir()
	there, link, hard := filepath.Join(dir, "there"), filepath.Join(dir, "link"), filepath.Join(dir, "hard")
	absent, toAbsent := filepath.Join(dir, "absent"), filepath.Join(dir, "to-absent")
	if err := errors.Join(os.WriteFile(there, []byte("kept"), 0o600), os.Symlink(there, link),
		os.Link(there, hard), os.Symlink(absent, toAbsent)); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		paths []string
		ok    bool
	}{
		"one that is there":     {[]string{there, there}, false},
		"one that is not there": {[]string{absent, "", absent}, false},
		"another spelling":      {[]string{absent, dir + "/./absent"}, false},
		"a link":                {[]string{there, link}, false},
		"a link to nothing":     {[]string{absent, toAbsent}, false},
		"a hard link":           {[]string{there, hard}, false},
		"two":                   {[]string{there, absent}, true},
		"a device":              {[]string{os.DevNull, os.DevNull}, true},
	} {
		err := checkOutputs(c.paths...)
		if (err == nil) != c.ok || err != nil &&
			(!errors.Is(err, errUsage) || !strings.Contains(err.Error(), "are one file")) {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := os.Stat(absent); err == nil {
			t.Errorf("%s: made", name)
		}
	}
	if text := readText(t, there); text != "kept" {
		t.Errorf("%q", text)
	}
}

// A file that cannot be written is said before anything is measured, and nothing is left.
func TestOutputsComeFirst(t *testing.T) {
	p := newPlace(t, "", "exit 1")
	nowhere := filepath.Join(filepath.Dir(p.server), "nowhere", "file")
	for name, args := range map[string][]string{
		"--junit":    p.gateArgs(t, "", "", "--junit", nowhere),
		"--markdown": p.gateArgs(t, "", "", "--markdown", nowhere),
		"--ndjson":   p.gateArgs(t, "", "", "--ndjson", nowhere),
		"--benchfmt": p.gateArgs(t, "", "", "--benchfmt", nowhere),
		"--html":     p.lightArgs("profile", "--html", nowhere),
		"--out":      p.lightArgs("tune", "--out", nowhere, "--pairs", "8"),
		"--json":     {"hotpath", "--json", nowhere},
	} {
		var out bytes.Buffer
		if code := Main(t.Context(), args, &out, &out); code != exitUsage ||
			!strings.Contains(out.String(), nowhere+": no such file") {
			t.Errorf("%s: code %d:\n%s", name, code, out.String())
		}
	}
	if _, err := os.Stat(p.index); err == nil {
		t.Error("a session was begun")
	}
}

// What could not be written in the end, on a full disk, is written by a resume.
func TestLostOutputIsResumed(t *testing.T) {
	p := newPlace(t, "", "exit 1")
	file := filepath.Join(filepath.Dir(p.server), "gate.xml")
	if err := os.Symlink("/dev/full", file); err != nil {
		t.Fatal(err)
	}
	args := p.gateArgs(t, "STUB_DELAY=2ms", "STUB_DELAY=2ms", "--pairs", "1", "--junit", file)
	var out bytes.Buffer
	if code := Main(t.Context(), args, &out, &out); code != exitInvalid && code != exitInconclusive ||
		!strings.Contains(out.String(), "no space left") {
		t.Fatalf("code %d:\n%s", code, out.String())
	}
	legs := len(p.legs(t))
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	out.Reset()
	Main(t.Context(), append(args, "--resume"), &out, &out)
	text, err := os.ReadFile(file)
	if err != nil || !bytes.Contains(text, []byte("<testsuite")) || len(p.legs(t)) != legs {
		t.Errorf("%d legs, then %d; wrote %q, error %v:\n%s", legs, len(p.legs(t)), text, err,
			out.String())
	}
}
