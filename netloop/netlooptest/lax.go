package netlooptest

import (
	"io"
	"net/http"
	"testing"
)

// waits: net/http takes a chunk size of up to 64 bits.
const waits = "waits for so many bytes"

// netHTTPReads names the malformed messages that net/http does not refuse as they should be, and
// what it makes of them. The suite checks that they are no fewer.
func netHTTPReads() map[string]string {
	reads := map[string]string{}
	for _, group := range []struct {
		what   string
		titles []string
	}{
		{"the coding wins over the length", []string{
			"length/CL and TE", "length/TE and CL", "length/TE, other, CL", "length/CL 0 and TE"}},
		{"equal lengths are one", []string{
			"length/CL twice, same", "length/CL twice, other spelling"}},
		{"the coding is ignored in HTTP/1.0", []string{
			"coding/in HTTP/1.0", "coding/in HTTP/1.0, kept alive"}},
		{"folded lines are one", []string{"coding/folded", `field/A: b\r\n folded`,
			`field/A: b\r\n\tfolded`, `field/A: b\r\n `, `field/Content-Length: 5\r\n\t`,
			`trailer/A: b\r\n folded`}},
		{"LF ends a line", []string{`field/A: b\n`, `field/A: b\nB: c`, `field/\nA: b`,
			"field/head ends in LF LF", "field/head ends in CRLF LF", "field/head ends in LF CRLF",
			"chunk/ends in LF", `trailer/A: b\n`}},
		{"only one Expect field counts", []string{"field/two expectations", "field/two Expect fields"}},
		{"505", []string{"line/GET / HTTP/2.0", "line/GET / HTTP/3.0", "line/GET / HTTP/0.9",
			"line/GET / HTTP/9.9", "line/GET / HTTP/0.0"}},
		{"any minor version", []string{"line/GET / HTTP/1.2"}},
		{"more targets", []string{`line/GET /\xff HTTP/1.1`, "line/GET /a#b HTTP/1.1",
			"line/GET * HTTP/1.1", "line/GET http:/// HTTP/1.1", "line/GET http://:80/ HTTP/1.1",
			"line/GET http://h?a HTTP/1.1", "line/GET ftp://h/ HTTP/1.1", "line/GET h:80 HTTP/1.1",
			"line/CONNECT h:80 HTTP/1.1", "line/CONNECT / HTTP/1.1",
			"line/CONNECT http://h/ HTTP/1.1"}},
		{"PRI is a method", []string{"line/h2 preface", "line/h2 preface of another version"}},
		{"hosts are any such bytes", []string{"host/", "host/:80", "host/a,b", "host/h,",
			"host/h:port", "host/h:80:80",
			"host/h:-1", "host/h:+80", "host/h:123456", "host/h%", "host/h%zz", "host/[::1",
			"host/::1", "host/[]", "host/[::1]x", "host/[::1]:x", "host/[1::2::3]",
			"host/[12345::]", "host/[g::1]", "host/[1:2:3:4:5:6:7]", "host/[::1%25lo]",
			"host/[::1.2.3]", "host/[::1.2.3.256]", "host/[:1]", "host/[1:]", "host/[::1]]"}},
		{"the Host of an absolute-form is ignored", []string{"host/absolute-form, other Host",
			"host/absolute-form, other port", "host/absolute-form, empty Host",
			"host/absolute-form, other Host in HTTP/1.0", "host/absolute-form, userinfo",
			"host/absolute-form, comma", "host/absolute-form, userinfo in HTTP/1.0"}},
		{"no such limit", []string{"chunk/extension flood, many chunks, CVE-2023-39326"}},
		{"white space after a size", []string{
			"chunk/size padded right", "chunk/size padded by a tab"}},
		{waits, []string{"chunk/size 2^64-1", "chunk/size 2^63"}},
		{"any byte in an extension", []string{
			"chunk/extension with NUL", "chunk/extension with DEL"}},
		{"trailers are not looked at", []string{"trailer/A b: c", "trailer/A : b",
			"trailer/Content-Length: 5", "trailer/content-length: 0",
			"trailer/Transfer-Encoding: chunked", "trailer/TRANSFER-ENCODING: identity",
			"trailer/Host: other", "trailer/Authorization: other"}},
	} {
		for _, title := range group.titles {
			reads[title] = group.what
		}
	}
	return reads
}

// notRefused fails if m, which netHTTPReads names, is refused after all: then the table says
// worse of net/http than it deserves.
func (s *suite) notRefused(t *testing.T, r *running, m *Malformed) {
	t.Helper()
	before := r.handler.calls.Load()
	c := r.dialFor(t)
	defer c.Close()
	_, _ = io.WriteString(c, m.Bytes+get("/next")) // it may be refused in the middle
	_ = c.CloseWrite()                             // fails if it was closed already
	answers, status := 0, 0
	for {
		resp, err := http.ReadResponse(c.in, nil)
		if err != nil {
			break
		}
		_, _ = io.Copy(io.Discard, resp.Body)
		answers, status = answers+1, resp.StatusCode
	}
	calls := r.handler.calls.Load() - before
	if answers == 1 && status/100 == 4 && calls == map[bool]int64{true: 1}[m.Body] {
		t.Errorf("%d and no more: net/http refuses it", status)
	}
}
