package form

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"mime/multipart"
	"strings"
	"testing"
	"testing/iotest"

	"flashstore/engine/s3err"
)

const edge = "----edge"

// text makes a form of lines, "name=value" for a field, then the file as it is.
func text(file string, fields ...string) string {
	var b strings.Builder
	for _, f := range fields {
		name, value, _ := strings.Cut(f, "=")
		fmt.Fprintf(&b, "--%s\r\nContent-Disposition: form-data; name=%q\r\n\r\n%s\r\n", edge, name, value)
	}
	fmt.Fprintf(&b, "--%s\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.txt\"\r\n"+
		"Content-Type: text/plain\r\n\r\n%s\r\n--%s--\r\n", edge, file, edge)
	return b.String()
}

// readAll reads a form and its file.
func readAll(src io.Reader) (*Form, string, error) {
	f, err := Read(src, edge)
	if err != nil {
		return nil, "", err
	}
	data, err := io.ReadAll(f.File)
	return f, string(data), err
}

// slow yields one byte at a time, and nothing at times.
type slow struct {
	r    io.Reader
	idle bool
}

func (s *slow) Read(p []byte) (int, error) {
	if s.idle = !s.idle; s.idle {
		return 0, nil
	}
	return s.r.Read(p[:1])
}

func TestReadsFormsHoweverTheyArrive(t *testing.T) {
	random := make([]byte, 3*windowBytes+17)
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	source := rand.New(rand.NewPCG(seed, 0))
	for i := range random { // many line ends and almost delimiters
		random[i] = "\r\n-edge"[source.IntN(7)]
	}
	content := strings.ReplaceAll(string(random), "\r\n--"+edge, "")
	for _, file := range []string{"", "x", "\r\n", "\r", "\r\n--", "\r\n--" + edge[:5], "\r\r\n--" + edge[:7],
		content, strings.Repeat("y", windowBytes), strings.Repeat("\r", windowBytes+1)} {
		sent := text(file, "key=k", "Policy=p", "empty=", "X-Amz-Meta-A=1", "x-amz-meta-a=2", "x=\r\n--a\r\n")
		for name, src := range map[string]io.Reader{
			"at once": strings.NewReader(sent), "slowly": &slow{r: strings.NewReader(sent)},
			"with its end": iotest.DataErrReader(strings.NewReader(sent)),
			"in halves":    iotest.HalfReader(strings.NewReader(sent)),
		} {
			f, got, err := readAll(src)
			if err != nil || got != file {
				t.Fatalf("%s, a file of %d bytes: %d bytes, %v", name, len(file), len(got), err)
			}
			if got := fmt.Sprint(f.Fields); got != fmt.Sprint([]Field{{"key", "k"}, {"policy", "p"},
				{"empty", ""}, {"x-amz-meta-a", "1,2"}, {"x", "\r\n--a\r\n"}}) {
				t.Fatalf("%s: %s", name, got)
			}
		}
	}
}

// TestEveryCutIsAnError: a form that breaks off anywhere before its last delimiter is whole never
// ends cleanly.
func TestEveryCutIsAnError(t *testing.T) {
	sent := text("content\r\n--x", "key=k", "policy=p")
	whole := strings.LastIndex(sent, "--") + 2
	for cut := range len(sent) {
		_, _, err := readAll(strings.NewReader(sent[:cut]))
		if (err == nil) != (cut >= whole) {
			t.Errorf("cut at %d of %d: %v", cut, len(sent), err)
		}
		broken := errors.New("broken")
		_, _, err = readAll(io.MultiReader(strings.NewReader(sent[:cut]), iotest.ErrReader(broken)))
		if cut < whole && err != broken {
			t.Errorf("broken at %d: %v", cut, err)
		}
	}
}

// TestFaultRow6BytesAfterTheFileAreIgnored: fields after it, what is no form at all, and a second file.
func TestFaultRow6BytesAfterTheFileAreIgnored(t *testing.T) {
	sent := strings.TrimSuffix(text("content", "key=k"), "--\r\n")
	for _, after := range []string{"--", "--\r\n", "--junk", "\r\nnonsense", "\r\n" + text("second", "key=evil")[2:],
		"  \t\r\nx", "--" + strings.Repeat("z", 1<<20)} {
		f, got, err := readAll(strings.NewReader(sent + after))
		if err != nil || got != "content" || len(f.Fields) != 1 || f.Fields[0].Value != "k" {
			t.Errorf("%.20q: %+v, %q, %v", after, f, got, err)
		}
	}
}

func TestFormsThatAreRefused(t *testing.T) {
	part := func(header string) string { return "--" + edge + "\r\n" + header + "\r\n\r\nv\r\n" }
	end := text("f")
	for name, c := range map[string]struct {
		text string
		want *s3err.Error
	}{
		"empty":                   {"", s3err.MalformedPOSTRequest},
		"no delimiter":            {"key=k&file=f", s3err.MalformedPOSTRequest},
		"no file":                 {part(`Content-Disposition: form-data; name="key"`) + "--" + edge + "--\r\n", s3err.InvalidArgument},
		"nothing":                 {"--" + edge + "--\r\n", s3err.InvalidArgument},
		"junk after a delimiter":  {"--" + edge + "x\r\n", s3err.MalformedPOSTRequest},
		"no disposition":          {part("Content-Type: a") + end, s3err.MalformedPOSTRequest},
		"no header":               {"--" + edge + "\r\n\r\nv\r\n" + end, s3err.MalformedPOSTRequest},
		"no name":                 {part("Content-Disposition: form-data") + end, s3err.MalformedPOSTRequest},
		"empty name":              {part(`Content-Disposition: form-data; name=""`) + end, s3err.MalformedPOSTRequest},
		"two names":               {part(`Content-Disposition: form-data; name="a"; name="b"`) + end, s3err.MalformedPOSTRequest},
		"two file names":          {part(`Content-Disposition: form-data; name="a"; filename=b; filename=c`) + end, s3err.MalformedPOSTRequest},
		"two dispositions":        {part("Content-Disposition: form-data; name=a\r\nContent-Disposition: form-data; name=b") + end, s3err.MalformedPOSTRequest},
		"quote that does not end": {part(`Content-Disposition: form-data; name="a`) + end, s3err.MalformedPOSTRequest},
		"text after a quote":      {part(`Content-Disposition: form-data; name="a"b`) + end, s3err.MalformedPOSTRequest},
		"bare LF":                 {part("Content-Disposition: form-data; name=a\nX: y") + end, s3err.MalformedPOSTRequest},
		"NUL":                     {part("Content-Disposition: form-data; name=\"a\x00\"") + end, s3err.MalformedPOSTRequest},
		"folded":                  {part("Content-Disposition: form-data;\r\n name=a") + end, s3err.MalformedPOSTRequest},
		"no colon":                {part("Content-Disposition form-data") + end, s3err.MalformedPOSTRequest},
		"space before the colon":  {part("Content-Disposition : form-data; name=a") + end, s3err.MalformedPOSTRequest},
		"file by another name":    {part(`Content-Disposition: form-data; name="a"; filename="file"`) + "--" + edge + "--", s3err.InvalidArgument},
		"file of another kind":    {part(`Content-Disposition: attachment; name="file"`) + "--" + edge + "--", s3err.InvalidArgument},
	} {
		if _, _, err := readAll(strings.NewReader(c.text)); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %s", name, err, c.want.Code)
		}
	}
}

// TestFormHeadIsBounded: exactly 20 KiB may precede the file, however it is filled; and the file's
// name, put in many places, counts.
func TestFormHeadIsBounded(t *testing.T) {
	empty := len(text("", "key=")) - len("\r\n--"+edge+"--\r\n")
	fits := strings.Repeat("k", HeadBytesMax-empty)
	if _, got, err := readAll(strings.NewReader(text("f", "key="+fits))); err != nil || got != "f" {
		t.Errorf("20 KiB: %q, %v", got, err)
	}
	for name, sent := range map[string]string{
		"a byte more":         text("f", "key=k"+fits),
		"endless value":       "--" + edge + "\r\nContent-Disposition: form-data; name=a\r\n\r\n" + strings.Repeat("v", 1<<20),
		"endless header":      "--" + edge + "\r\nContent-Disposition: form-data; name=" + strings.Repeat("v", 1<<20),
		"endless preamble":    strings.Repeat("v", 1<<20),
		"endless white space": "--" + edge + strings.Repeat(" ", 1<<20),
		"long name, often": strings.Replace(text("f", "key="+strings.Repeat("${filename}", 900)), "a.txt",
			strings.Repeat("n", 9000), 1),
	} {
		src := &counted{r: strings.NewReader(sent)}
		if _, _, err := readAll(src); !errors.Is(err, s3err.MaxPostPreDataLengthExceeded) {
			t.Errorf("%s: %v", name, err)
		}
		if src.n > HeadBytesMax {
			t.Errorf("%s: %d bytes read", name, src.n)
		}
	}
}

type counted struct {
	r io.Reader
	n int
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += n
	return n, err
}

func TestFilenameIsExpanded(t *testing.T) {
	for sent, want := range map[string]string{
		`; filename="a.txt"`: "u/a.txt", `; filename="C:\Program Files\dir\file.txt"`: "u/file.txt",
		`; filename="/etc/passwd"`: "u/passwd", `; filename=""`: "u/", ``: "u/${filename}", `; filename=a`: "u/a",
		`; filename="a\"b"`: `u/a"b`, `; filename="a%22b"`: "u/a%22b", `; filename="ä€"`: "u/ä€",
		`;filename="dir/"`: "u/", `; FileName="x"`: "u/x", `; filename*=UTF-8''y`: "u/${filename}",
	} {
		form := strings.Replace(text("f", "key=u/${filename}", "policy=${filename}", "acl=${filename}"), `; filename="a.txt"`, sent, 1)
		f, _, err := readAll(strings.NewReader(form))
		if err != nil {
			t.Errorf("%s: %v", sent, err)
			continue
		}
		key, _ := f.Get("key")
		policy, _ := f.Get("policy")
		acl, _ := f.Get("acl")
		if key != want || policy != filenameVariable || "u/"+acl != want {
			t.Errorf("%s: key %q, policy %q, acl %q", sent, key, policy, acl)
		}
	}
}

func TestBoundary(t *testing.T) {
	for kind, want := range map[string]string{
		"multipart/form-data; boundary=a": "a", "Multipart/Form-Data;boundary=\"a b\"": "a b",
		"multipart/form-data; charset=utf-8; boundary=--x": "--x",
		"multipart/form-data":                              "MalformedPOSTRequest", "multipart/form-data; boundary=": "MalformedPOSTRequest",
		"multipart/form-data; boundary=" + strings.Repeat("a", 71): "MalformedPOSTRequest",
		"multipart/form-data; boundary=\"a\\\rb\"":                 "MalformedPOSTRequest",
		"multipart/form-data; boundary=\"a \"":                     "MalformedPOSTRequest",
		"multipart/form-data; boundary=a; boundary=b":              "MalformedPOSTRequest",
		"": "PreconditionFailed", "text/html": "PreconditionFailed", "multipart/mixed; boundary=a": "PreconditionFailed",
		"application/x-www-form-urlencoded": "PreconditionFailed",
	} {
		got, err := Boundary(kind)
		var e *s3err.Error
		if errors.As(err, &e) {
			got = e.Code
		}
		if got != want {
			t.Errorf("%q: %q, want %q", kind, got, want)
		}
	}
}

// FuzzForm holds the parser against that of Go's library where both accept, and looks that nothing
// it hands out was not sent.
func FuzzForm(f *testing.F) {
	f.Add([]byte(text("file", "key=k", "x=y")), uint8(0))
	f.Add([]byte(text("\r\n--"+edge[:4], "a=")), uint8(1))
	f.Add([]byte("preamble\r\n"+text("", "a=\r\n")), uint8(7))
	f.Add([]byte("--"+edge+" \t\r\nContent-Disposition: form-data; name=file\r\n\r\n--"+edge+"--"), uint8(3))
	f.Fuzz(func(t *testing.T, sent []byte, step uint8) {
		form, file, err := readAll(bytes.NewReader(sent))
		again, fileAgain, errAgain := readAll(&stepped{bytes.NewReader(sent), int(step%32) + 1})
		if fmt.Sprint(err) != fmt.Sprint(errAgain) || err == nil &&
			(file != fileAgain || fmt.Sprint(form.Fields) != fmt.Sprint(again.Fields)) {
			t.Fatalf("in steps of %d: %v, else %v", step, errAgain, err)
		}
		if err != nil {
			return
		}
		if !bytes.Contains(sent, []byte(file)) || strings.Contains(file, "\r\n--"+edge) {
			t.Fatalf("%q is no content of %q", file, sent)
		}
		compare(t, sent, form, file)
	})
}

// compare reads the same with Go's parser, which knows other leniences.
func compare(t *testing.T, sent []byte, form *Form, file string) {
	t.Helper()
	if !bytes.HasPrefix(sent, []byte("--"+edge+"\r\n")) {
		return
	}
	r := multipart.NewReader(bytes.NewReader(sent), edge)
	values := map[string]string{}
	for {
		p, err := r.NextRawPart()
		if err != nil {
			return
		}
		data, err := io.ReadAll(p)
		if err != nil {
			return
		}
		name := strings.ToLower(p.FormName())
		if name == "file" {
			if string(data) != file {
				t.Errorf("%q: the file is %q, with Go's parser %q", sent, file, data)
			}
			return
		}
		if name == "" {
			return
		}
		if before, twice := values[name]; twice {
			data = append([]byte(before+","), data...)
		}
		values[name] = string(data)
		if got, _ := form.Get(name); form.filename == "" && !strings.HasPrefix(got, values[name]) {
			t.Errorf("%q: %q is %q, with Go's parser %q", sent, name, got, data)
		}
	}
}

type stepped struct {
	r    io.Reader
	step int
}

func (s *stepped) Read(p []byte) (int, error) { return s.r.Read(p[:min(len(p), s.step)]) }
