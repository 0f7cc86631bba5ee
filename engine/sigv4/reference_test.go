package sigv4

import (
	"bytes"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// slowCanonical writes a canonical request as AWS words it ("Create a canonical request", steps 1 to
// 6), with strings and maps and no thought of speed; false: one of the rules is broken.
func slowCanonical(r *Request, signed, payload string, presigned bool) (string, bool) {
	path, query := slowPath(string(r.Path)), slowQuery(string(r.Query))
	if path == "" || query == nil {
		return "", false
	}
	var fields strings.Builder
	last, host := "", false
	for name := range strings.SplitSeq(signed, ";") {
		if !regexp.MustCompile("^[!#$%&'*+.^_`|~0-9a-z-]+$").MatchString(name) || name <= last {
			return "", false
		}
		last, host = name, host || name == "host"
		values := slowValues(r, name)
		if values == nil {
			return "", false
		}
		fields.WriteString(name + ":" + strings.Join(values, ",") + "\n")
	}
	for _, f := range r.Header {
		name := asciiLower(string(f.Name))
		exempt := !presigned && name == "x-amz-content-sha256"
		if strings.HasPrefix(name, "x-amz-") && !exempt && !strings.Contains(";"+signed+";", ";"+name+";") {
			return "", false
		}
	}
	return strings.Join([]string{string(r.Method), path, *query, fields.String(), signed, payload}, "\n"), host
}

func slowPath(path string) string {
	if path == "" {
		return "/"
	}
	var b strings.Builder
	for i := 0; i < len(path); i++ {
		c := path[i]
		if c == '/' {
			b.WriteByte('/')
			continue
		}
		if c == '%' {
			n, err := strconv.ParseUint(path[min(i+1, len(path)):min(i+3, len(path))], 16, 8)
			if err != nil || i+3 > len(path) || strings.ContainsAny(path[i+1:i+3], "+-_") {
				return ""
			}
			c = byte(n)
			i += 2
		}
		b.WriteString(dumbEncode(string([]byte{c}), false))
	}
	return b.String()
}

// slowQuery is fuzzQuery's, for queries that parse.
func slowQuery(raw string) *string {
	var q query
	if q.parse([]byte(raw)) != nil { // FuzzCanonical compares this with net/url
		return nil
	}
	text := string(q.appendCanonical(nil))
	return &text
}

func slowValues(r *Request, name string) (values []string) {
	if name == "host" {
		return []string{string(r.Host)}
	}
	for _, f := range r.Header {
		if asciiLower(string(f.Name)) == name {
			value := strings.Trim(string(f.Value), " \t")
			for strings.Contains(value, "  ") {
				value = strings.ReplaceAll(value, "  ", " ")
			}
			values = append(values, value)
		}
	}
	if values == nil && name == "content-length" && r.ContentLength >= 0 {
		values = []string{strconv.FormatInt(r.ContentLength, 10)}
	}
	return values
}

func asciiLower(s string) string {
	b := []byte(s)
	for i, c := range b {
		if 'A' <= c && c <= 'Z' {
			b[i] = c + 'a' - 'A'
		}
	}
	return string(b)
}

// FuzzCanonicalRequest holds the canonical request against the slow one: both refuse, or both write
// the same.
func FuzzCanonicalRequest(f *testing.F) {
	f.Add("GET", "/b/a%2Fb+ü", "a=1&b=+", "h:9000", "X-Amz-Date: a  b \nx-amz-meta-a:1\nX-AMZ-meta-A: 2", "host;x-amz-date;x-amz-meta-a", int64(0), false)
	f.Add("0", "0", "0", "0", "X-AmZ-DAte: 0  0 \n:\n:", "host;x-amz-date;", int64(0), true)
	f.Add("PUT", "", "", "h", "Content-Type:\t a", "content-length;content-type;host", int64(5), true)
	f.Add("PUT", "/", "X-Amz-Signature=1", "h", "x-amz-content-sha256:a", "host", int64(-1), true)
	f.Add("PUT", "//%zz", "%", "", "x-amz-content-sha256:a\nx-amz-content-sha256:b", "host;host", int64(-1), false)
	f.Fuzz(func(t *testing.T, method, path, rawQuery, host, header, signed string, length int64, presigned bool) {
		r := &Request{Method: []byte(method), Path: []byte(path), Query: []byte(rawQuery), Host: []byte(host),
			ContentLength: length}
		for line := range strings.SplitSeq(header, "\n") {
			if name, value, ok := strings.Cut(line, ":"); ok {
				r.Header = append(r.Header, Field{Name: []byte(name), Value: []byte(value)})
			}
		}
		if len(r.Header) > fieldsMax {
			return
		}
		c := &claim{signedHeaders: []byte(signed), payload: []byte("payload"), presigned: presigned}
		want, ok := slowCanonical(r, signed, "payload", presigned)
		var q query
		err := q.parse(r.Query)
		var got []byte
		if err == nil {
			got, err = appendCanonicalRequest(nil, r, &q, c)
		}
		if ok != (err == nil) || ok && string(got) != want {
			t.Errorf("%q, %v; the slow one says %q, %v", got, err, want, ok)
		}
	})
}

// slowChunks takes a body apart all at once: sizes in hexadecimal, and after the payload of each CR LF.
func slowChunks(body []byte) (payload []byte) {
	for {
		line, rest, ok := bytes.Cut(body, []byte("\r\n"))
		digits, _, _ := strings.Cut(string(line), ";")
		size, err := strconv.ParseUint(digits, 16, 63)
		if !ok || err != nil || uint64(len(rest)) < size+2 {
			return nil
		}
		if size == 0 {
			return payload
		}
		payload = append(payload, rest[:size]...)
		body = rest[size+2:]
	}
}

// FuzzChunkedReference changes one byte of a good body: what is taken then is what the slow reader
// takes, and where chunks are signed what the client signed.
func FuzzChunkedReference(f *testing.F) {
	payload := bytes.Repeat([]byte("payload.\r\n0;chun"), 1200)
	var uploads []*upload
	for _, mode := range streamingModes {
		for _, size := range []int{0, 1, ChunkBytesMin, len(payload)} {
			uploads = append(uploads, newUpload(f, mode, payload[:size], ChunkBytesMin))
		}
	}
	for i := range uploads {
		f.Add(i, 0, byte(0))
		f.Add(i, 100, byte('0'))
		f.Add(i, -3, byte('\n'))
	}
	f.Fuzz(func(t *testing.T, which, at int, to byte) {
		u := uploads[uint(which)%uint(len(uploads))]
		body := bytes.Clone(u.body)
		place := &body[uint(at)%uint(len(body))]
		changed := *place != to
		*place = to
		got, err := u.read(t, bytes.NewReader(body), int64(len(body)))
		switch {
		case err != nil && !changed:
			t.Errorf("%v", err)
		case err == nil && !bytes.Equal(got, slowChunks(body)):
			t.Errorf("byte %d is %q: %d bytes, the slow reader has %d", at, to, len(got), len(slowChunks(body)))
		case err == nil && u.result.Payload != StreamingUnsignedTrailer && !bytes.Equal(got, slowChunks(u.body)):
			t.Errorf("byte %d is %q: not what was signed", at, to)
		}
	})
}
