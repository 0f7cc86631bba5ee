package load

import (
	"bufio"
	"bytes"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"
)

func TestParseHead(t *testing.T) {
	for text, want := range map[string]head{
		"HTTP/1.1 200 OK\r\nContent-Length: 12\r\n":                            {200, 12, false},
		"HTTP/1.1 404\r\ncontent-length:0 \r\nConnection:  Close\r\n":          {404, 0, true},
		"HTTP/1.1 200 OK\r\nX-Content-Length: 3\r\n":                           {200, -1, false},
		"HTTP/1.1 200 \r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n": {200, -1, false},
		"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 3\r\n":        {200, 3, false},
	} {
		if got, ok := parseHead([]byte(text)); !ok || got != want {
			t.Errorf("%q: %+v, %v; want %+v", text, got, ok, want)
		}
	}
	for _, bad := range []string{"", "\r\n", "HTTP/1.0 200 OK\r\n", "HTTP/1.1 2x0 OK\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n", "HTTP/1.1 200 OK\r\nno colon\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 9999999999999999999\r\n", "HTTP/1.1 2\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n", "HTTP/1.1 200 OK\r\nA: b",
		"HTTP/1.1 099 OK\r\n"} {
		if got, ok := parseHead([]byte(bad)); ok {
			t.Errorf("%q was accepted: %+v", bad, got)
		}
	}
}

// FuzzParseHead: what is accepted means the same to the standard library, where that accepts it.
func FuzzParseHead(f *testing.F) {
	f.Add("HTTP/1.1 200 OK\r\nContent-Length: 12\r\nETag: \"x\"\r\n")
	f.Add("HTTP/1.1 503 Slow Down\r\nConnection: close\r\ncontent-length: 0\r\n")
	f.Fuzz(func(t *testing.T, text string) {
		got, ok := parseHead([]byte(text))
		r, err := http.ReadResponse(bufio.NewReader(strings.NewReader(text+"\r\n")), nil)
		if !ok || err != nil || strings.Contains(text, "\n\n") || strings.Contains(text, "\n\r\n") {
			return
		}
		if got.status != r.StatusCode {
			t.Errorf("status %d, want %d", got.status, r.StatusCode)
		}
		length := int64(-1)
		if v := r.Header.Get("Content-Length"); v != "" && len(r.TransferEncoding) == 0 {
			length, _ = strconv.ParseInt(strings.TrimSpace(v), 10, 64)
		}
		if got.length >= 0 && got.length != length {
			t.Errorf("length %d, want %d", got.length, length)
		}
	})
}

// TestPieces: an answer may come in any pieces.
func TestPieces(t *testing.T) {
	const text = "HTTP/1.1 200 OK\r\nContent-Length: 10\r\nX: y\r\n\r\n0123456789"
	var answers [][]string
	for i := 1; i < len(text); i++ {
		answers = append(answers, []string{text[:i], text[i:]})
		answers = append(answers, []string{text[:i/2], text[i/2 : i], text[i:]})
	}
	objects := make([]Object, len(answers))
	for i := range objects {
		objects[i] = Object{Path: "/x", Bytes: 10}
		copy(objects[i].Sum[:], sumOf("0123456789"))
	}
	c := Config{Address: raw(t, answers...), Method: "GET", Objects: objects, Connections: 1,
		Once: true, Duration: time.Minute, HashEvery: 1}
	r := mustRun(t, c)
	mustBeClean(t, r)
	if r.Operations != uint64(len(answers)) || r.Hashed != r.Operations {
		t.Errorf("%d operations, %d hashed, want %d", r.Operations, r.Hashed, len(answers))
	}
}

// TestCloses: a connection that the server closes in good order is opened again, without an error.
func TestCloses(t *testing.T) {
	const text = "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nConnection: close\r\n\r\nx"
	c := Config{Address: raw(t, []string{text, "close"}), Method: "GET", Once: true, Connections: 2,
		Objects: make([]Object, 50), Duration: time.Minute}
	for i := range c.Objects {
		c.Objects[i] = Object{Path: "/x", Bytes: 1}
	}
	r := mustRun(t, c)
	mustBeClean(t, r)
	if r.Operations != 50 || r.Connects < 50 {
		t.Errorf("%d operations on %d connections", r.Operations, r.Connects)
	}
}

func TestNotAnAnswer(t *testing.T) {
	for name, pieces := range map[string][]string{
		"nonsense":  {"SSH-2.0-x\r\n\r\n"},
		"too much":  {"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nxx"},
		"no end":    {string(bytes.Repeat([]byte("x"), headBytesMax+1))},
		"unasked":   {"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx", "HTTP/1.1 200 OK\r\n"},
		"no length": {"HTTP/1.1 200 OK\r\n\r\n"},
	} {
		c := Config{Address: raw(t, pieces), Method: "GET", Objects: []Object{{Path: "/x", Bytes: 1}},
			Connections: 1, Duration: 50 * time.Millisecond}
		if r := mustRun(t, c); r.Errors[KindFraming] == 0 || r.Failed() != r.Errors[KindFraming] {
			t.Errorf("%s: errors %v", name, r.Errors)
		}
	}
}

// TestAnsweredTooEarly: an answer to half a request leaves the connection in no known state.
func TestAnsweredTooEarly(t *testing.T) {
	body := make([]byte, 64<<20) // more than any socket holds
	c := Config{Address: raw(t, []string{"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"}),
		Method: "PUT", Objects: []Object{{Path: "/x", Bytes: int64(len(body)), Body: body}},
		Connections: 1, Once: true, Duration: time.Minute}
	if r := mustRun(t, c); r.Errors[KindFraming] != 1 || r.Failed() != 1 || r.Operations != 0 {
		t.Errorf("%d operations, errors %v", r.Operations, r.Errors)
	}
}
