package peer

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"
)

const valid = `schema: 1
name: other
binary: other-server
args: [serve, "{drives}"]
`

func TestParse(t *testing.T) {
	f, err := Parse("x.yaml", []byte(valid))
	if err != nil || f.Drives != 4 || f.AckContract != Unknown {
		t.Fatalf("%+v, %v", f, err)
	}
	for name, c := range map[string]struct{ more, want string }{
		"unknown key":      {"binry: x\n", "binry"},
		"contract":         {"ack_contract: maybe\n", "valid: strict"},
		"parity":           {"parity: 3\n", "half of them"},
		"tls":              {"tls: true\n", "plain HTTP"},
		"one key":          {"credentials: {access_key: a}\n", "both keys"},
		"file in a folder": {"files: {../x: y}\n", "without a folder"},
		"folder above":     {"files: {..: y}\n", "leg itself uses"},
		"file of the leg":  {"files: {set-up: y}\n", "leg itself uses"},
		"health":           {"health: health\n", "begins with /"},
		"env":              {"env: [VERBOSE]\n", "NAME=VALUE"},
		"word in env":      {"env: [\"A={access-key} {acces_key}\"]\n", "unknown word {acces_key}; valid"},
		"word in a file":   {"files: {x: \"{drive}\"}\n", "unknown word {drive}"},
		"word in setup":    {"setup: [[sh, -c, \"${x} {y}\"]]\n", "unknown word {y}"},
		"two documents":    {"---\nschema: 1\n", "2 documents"},
		"empty command":    {"setup: [[]]\n", "command 1 is empty"},
		"not YAML":         {"{", ""},
		"twice":            {"name: again\n", ""},
	} {
		if _, err := Parse("x.yaml", []byte(valid+c.more)); !errors.Is(err, ErrInvalid) ||
			!strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want %q", name, err, c.want)
		}
	}
}

// The examples are valid; whether they start is up to who has the programs.
func TestExamples(t *testing.T) {
	files, err := filepath.Glob("../../peers/*.yaml")
	if err != nil || len(files) < 6 {
		t.Fatalf("%d files, error %v", len(files), err)
	}
	for _, file := range files {
		f, err := Load(file)
		if err != nil {
			t.Error(err)
		} else if f.Name+".yaml" != filepath.Base(file) {
			t.Errorf("%s: name %s", file, f.Name)
		}
	}
}

func TestTrace(t *testing.T) {
	var trace Trace
	for _, part := range []struct {
		text         string
		syncs, rings int
	}{
		{`100 fsync(7)                          = 0
101 fdatasync(8 <unfinished ...>
102 write(1, ""..., 5)                = 5
101 <... fdatasync resumed>)          = 0
101 msync(0x7f, 4096, MS_SYNC) = 0
101 msync(0x7f, 4096, MS_ASYNC) = 0
`, 3, 0},
		{`100 openat(AT_FDCWD, ""..., O_RDWR|O_CREAT|O_DSYNC|O_CLOEXEC, 0600) = 9
100 pwrite64(9, ""..., 4096, 0) = 4096
100 close(9) = 0
100 pwrite64(9, ""..., 4096, 0) = 4096
`, 4, 0},
		{`100 openat(AT_FDCWD, ""..., O_WRONLY|O_SYNC <unfinished ...>
103 openat(AT_FDCWD, ""..., O_RDONLY) = 12
100 <... openat resumed>) = 11
103 write(12, ""..., 1) = 1
103 writev(11, [], 2) = 9
103 pwritev2(5, [], 1, 0, RWF_DSYNC) = 9
103 openat(AT_FDCWD, ""..., O_RDONLY|O_SYNC) = -1 ENOENT (No such file or directory)
103 io_uring_setup(64, {}) = 13
+++ exited with 0 +++
`, 6, 1},
	} {
		if err := trace.Read(strings.NewReader(part.text)); err != nil {
			t.Fatal(err)
		}
		if trace.Syncs != part.syncs || trace.Rings != part.rings {
			t.Errorf("%d syncs, %d rings, want %d, %d after:\n%s", trace.Syncs, trace.Rings, part.syncs,
				part.rings, part.text)
		}
	}
}

// A promise is what has been synced between the request and the answer: begun after the one and back
// before the other.
func TestTraceContract(t *testing.T) {
	const read = `9 read(7, "PUT /bucket/contract/0 HTTP/1.1\r\nHost"..., 4096) = 300` + "\n"
	const answered = `9 write(7, "HTTP/1.1 200 OK\r\nETag: \"x\""..., 90) = 90` + "\n"
	const sync = "8 fsync(5) = 0\n"
	for name, c := range map[string]struct {
		text string
		want Measured
	}{
		"before": {read + sync + sync + answered + read + sync + answered, strict(1.5)},
		"another form": {`9 <... read resumed> "P", 1) = 1
9 recvfrom(7,  <unfinished ...>
8 openat(AT_FDCWD, "/a = (\"O_RDONLY", O_RDWR|O_DSYNC) = 5
9 <... recvfrom resumed>"UT /bucket/contract/1 HTTP/1.1\r\n"..., 4096, 0, NULL, NULL) = 70
9 sendto(7, "HTTP/1.1 100 Continue\r\n\r\n", 25, 0, NULL, 0) = 25
9 recvfrom(7, "body"..., 4096, 0, NULL, NULL) = 40
8 pwrite64(5, "body"..., 40, 0 <unfinished ...>
8 <... pwrite64 resumed>) = 40
9 writev(7, [{iov_base="HTTP/1.1 200 OK\r\n"..., iov_len=90}], 1 <unfinished ...>
` + read + "8 sync( <unfinished ...>\n9 write(1, \"HTTP/1.1 200 in a log\", 9) = 9\n" +
			"8 <... sync resumed>) = 0\n" + answered, strict(1)},
		"behind": {strings.Repeat(read+answered+sync, 2), relaxed(0, "2 of 2")},
		"once":   {read + sync + sync + sync + answered + read + answered, relaxed(1.5, "1 of 2")},
		"begun behind the answer before": {read + sync + answered + "8 fsync(5 <unfinished ...>\n" + read +
			"8 <... fsync resumed>) = 0\n" + answered, relaxed(0.5, "1 of 2")},
		"back behind the answer": {read + sync + answered + read + "8 fsync(5 <unfinished ...>\n" + answered +
			"8 <... fsync resumed>) = 0\n", relaxed(0.5, "1 of 2")},
		"failed": {strings.Repeat(read+"8 fsync(5) = -1 EIO (Input/output error)\n"+answered, 2),
			relaxed(0, "2 of 2")},
		"written with a flag that is a name": {strings.Repeat(read+
			`8 pwritev2(5, [{iov_base="RWF_SYNC", iov_len=8}], 1, 0, 0) = 8`+"\n"+answered, 2),
			relaxed(0, "2 of 2")},
		"not seen": {read + sync + answered + sync, Measured{Contract: Unknown,
			How: "of 2 PUTs its trace has 1 from the request to the answer"}},
		"other requests": {strings.Repeat(`9 read(7, "PUT /bucket/ HTTP/1.1\r\n"..., 4096) = 30`+"\n"+sync+
			answered, 2), Measured{Contract: Unknown,
			How: "of 2 PUTs its trace has 0 from the request to the answer"}},
		"ring": {"8 io_uring_setup(64, {}) = 13\n" + strings.Repeat(read+sync+answered, 2),
			Measured{Contract: Unknown,
				How: "it submits to a ring of the kernel, whose syncs are in no trace"}},
	} {
		trace := Trace{Request: "PUT /bucket/contract/"}
		if err := trace.Read(strings.NewReader(c.text)); err != nil {
			t.Fatal(err)
		}
		if got := trace.Contract(2); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}

const counted = "counted by strace, from the request to the answer"

func strict(syncs float64) Measured { return Measured{Strict, syncs, counted} }

func relaxed(syncs float64, without string) Measured {
	return Measured{Relaxed, syncs, counted + "; " + without + " answers came before any"}
}

func FuzzTrace(f *testing.F) {
	f.Add("100 openat(AT_FDCWD, x, O_DSYNC <unfinished ...>\n100 <... openat resumed>) = 3\n")
	f.Add("fsync(\n <... open\n(((,)")
	f.Add("1 read(7, \"PUT /\", 9) = 5\n1 fsync(2) = 0\n1 write(7, \"HTTP/1.1 200\", 9) = 9\n")
	f.Fuzz(func(t *testing.T, text string) {
		trace := Trace{Request: "PUT /"}
		_ = trace.Read(strings.NewReader(text)) // too long a line is an error
		if lines := strings.Count(text, "\n") + strings.Count(text, "\r") + 1; trace.Syncs > lines ||
			trace.Before > trace.Syncs || trace.Synced > trace.Puts || 2*trace.Puts > lines {
			t.Errorf("of %d lines: %+v", lines, trace)
		}
	})
}

func TestContract(t *testing.T) {
	strict, relaxed := Of(80, 20, "x"), Of(3, 20, "x")
	if strict.Contract != Strict || relaxed.Contract != Relaxed {
		t.Errorf("%v, %v", strict, relaxed)
	}
	unknown := Measured{Contract: Unknown, How: "strace is not installed"}
	if Unlike(strict, Of(20, 20, "y")) != "" ||
		!strings.HasPrefix(Unlike(relaxed, strict), NotLikeForLike+": a 200 of a PUT is not worth") ||
		!strings.HasPrefix(Unlike(unknown, strict), NotLikeForLike+": nobody knows") {
		t.Errorf("%q, %q", Unlike(relaxed, strict), Unlike(unknown, strict))
	}
	if Differ(strict, Of(20, 20, "y")) || !Differ(strict, relaxed) || !Differ(unknown, unknown) {
		t.Error("contracts that differ")
	}
}

func TestScore(t *testing.T) {
	s := Score{Crashes: 1}
	if s.Measured() || s.String() != "not measured: no write was acknowledged" {
		t.Errorf("nothing was acknowledged: %s", s.String())
	}
	s.Add(Kept)
	if !s.Measured() {
		t.Error("one write was acknowledged")
	}
	if s.Broken() || s.String() != "all 1 there" {
		t.Error(s.String())
	}
	s.Add(Lost)
	if !s.Broken() || s.String() != "acknowledged but lost: 1 of 2" {
		t.Error(s.String())
	}
}
