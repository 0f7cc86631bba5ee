package session

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
)

// writes notes how long each write was.
type writes struct {
	bytes.Buffer
	lengths []int
	left    int // writes that succeed
}

func (w *writes) Write(p []byte) (int, error) {
	if w.left--; w.left < 0 {
		return 0, io.ErrClosedPipe
	}
	w.lengths = append(w.lengths, len(p))
	return w.Buffer.Write(p)
}

func TestWriteRecords(t *testing.T) {
	const r = RecordBytes
	for name, c := range map[string]struct{ bufs, writes []int }{
		"nothing":               {nil, nil},
		"empty":                 {[]int{0, 0}, nil},
		"head and body":         {[]int{300, 4096}, []int{4396}},
		"one record":            {[]int{r}, []int{r}},
		"many records":          {[]int{3*r + 5}, []int{3 * r, 5}},
		"head and large body":   {[]int{100, 4 * r}, []int{r, 3 * r, 100}},
		"many small":            {[]int{r / 2, r / 2, r / 2, 1}, []int{r, r/2 + 1}},
		"small after large":     {[]int{2 * r, 1, 2}, []int{2 * r, 3}},
		"a record, then as one": {[]int{1, r - 1, r}, []int{r, r}},
	} {
		var bufs [][]byte
		var want bytes.Buffer
		for i, n := range c.bufs {
			b := bytes.Repeat([]byte{byte(i + 1)}, n)
			bufs = append(bufs, b)
			want.Write(b)
		}
		w := &writes{left: 100}
		if err := writeRecords(w, make([]byte, RecordBytes), bufs); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if !bytes.Equal(w.Bytes(), want.Bytes()) || !slices.Equal(w.lengths, c.writes) {
			t.Errorf("%s: writes of %v, want %v", name, w.lengths, c.writes)
		}
		for left := range c.writes {
			w := &writes{left: left}
			err := writeRecords(w, make([]byte, RecordBytes), bufs)
			if !errors.Is(err, io.ErrClosedPipe) || len(w.lengths) != left {
				t.Errorf("%s: %v after %d writes", name, err, left)
			}
		}
	}
}

func TestLooksLikeHTTP(t *testing.T) {
	for first, want := range map[string]bool{
		"GET /": true, "PUT /": true, "HEAD ": true, "POST ": true, "DELET": true, "OPTIO": true,
		"": false, " GET ": false, "get /": false, "\x16\x03\x01\x02\x00": false, "GET\x00/": false,
		"SSH-2": false,
	} {
		if LooksLikeHTTP([]byte(first)) != want {
			t.Errorf("%q: want %v", first, want)
		}
	}
}

func TestPlainRefusalIsAnAnswer(t *testing.T) {
	resp, err := http.ReadResponse(bufio.NewReader(strings.NewReader(PlainRefusal)), nil)
	if err != nil || resp.StatusCode != 400 || !resp.Close {
		t.Fatalf("%+v, %v", resp, err)
	}
	body, err := io.ReadAll(resp.Body)
	if err != nil || !strings.Contains(string(body), "HTTPS") || !strings.HasSuffix(PlainRefusal,
		string(body)) {
		t.Errorf("%q, %v", body, err)
	}
}
