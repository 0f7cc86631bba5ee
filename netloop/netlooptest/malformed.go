package netlooptest

import "strings"

// Malformed is a message that must be refused: one answer with Status, then the end of the
// connection; no handler sees it and nothing after it is read as a request.
type Malformed struct {
	Name   string
	Bytes  string
	Status int
	// Body says that the head is well formed: the handler is called and the fault is in the
	// body it reads.
	Body bool
}

// MalformedMessages is the table of what went wrong elsewhere: request smuggling by length,
// by coding, by line end, by target; CVE-2025-55315, CVE-2023-39326 and their kin.
func MalformedMessages() []Malformed {
	var all []Malformed
	for _, part := range [][]Malformed{
		lengths(), codings(), fieldLines(), requestLines(), hosts(), limits(), chunks(),
	} {
		all = append(all, part...)
	}
	return all
}

func head(fields ...string) string {
	return "PUT /body HTTP/1.1\r\nHost: h\r\n" + strings.Join(fields, "\r\n") + "\r\n\r\n"
}

func fromFields(status int, prefix string, values ...string) []Malformed {
	var out []Malformed
	for _, v := range values {
		out = append(out,
			Malformed{Name: prefix + v, Bytes: head(prefix+v) + "12345", Status: status})
	}
	return out
}

func lengths() []Malformed {
	out := fromFields(400, "Content-Length: ", "5,5", "5, 5", "+5", "-0", "-5", "0x5", "1_0", "5 5",
		"", "18446744073709551616", "18446744073709551621", "9223372036854775808",
		"5;", "5.0", "٥",
		"5\x00", "5\v")
	const cl, te = "Content-Length: 5", "Transfer-Encoding: chunked"
	return append(out,
		Malformed{Name: "CL and TE", Bytes: head(cl, te) + "0\r\n\r\n", Status: 400},
		Malformed{Name: "TE and CL", Bytes: head(te, cl) + "0\r\n\r\n", Status: 400},
		Malformed{Name: "TE, other, CL", Bytes: head(te, "A: b", cl) + "0\r\n\r\n", Status: 400},
		Malformed{Name: "CL twice, same", Bytes: head(cl, cl) + "12345", Status: 400},
		Malformed{Name: "CL twice, different", Bytes: head(cl, "content-length: 6") + "12345",
			Status: 400},
	)
}

func codings() []Malformed {
	out := fromFields(400, "Transfer-Encoding: ", "xchunked", ",chunked", "chunked,",
		"chunked,chunked",
		"chunked, gzip", "identity", "identity, chunked", "chunked;a=b", "\vchunked", "chunked\f",
		"chunked\x00", "\xa0chunked", "chunked\xff", "", "chun ked",
		"\"chunked\"", "chunked chunked")
	out = append(out, fromFields(501, "Transfer-Encoding: ", "gzip", "gzip, chunked", "br")...)
	return append(out,
		Malformed{Name: "TE twice",
			Bytes:  head("Transfer-Encoding: chunked", "Transfer-Encoding: chunked") + "0\r\n\r\n",
			Status: 400},
		Malformed{Name: "TE twice, one identity",
			Bytes:  head("Transfer-Encoding: chunked", "transfer-encoding: identity") + "0\r\n\r\n",
			Status: 400},
		Malformed{Name: "TE in HTTP/1.0",
			Bytes:  "PUT / HTTP/1.0\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
			Status: 400},
	)
}

func fieldLines() []Malformed {
	var out []Malformed
	for _, line := range []string{
		"Content-Length : 0", "Content-Length\t: 0", "A b: c", "A\x00: c", "A\x7f: c", "A\x80: c",
		"A(: c", "A\": c", ": c", "no colon", "A: b\r\n folded", "A: b\r\n\tfolded",
		"A: b\x00c", "A: b\rc", "A: b\r", "A: b\x01", "A: \x7f", "A: b\n", "A: b\nB: c", "\rA: b",
		"Transfer-Encoding\r: chunked", "\x0bA: b",
	} {
		out = append(out, Malformed{Name: "field " + line, Bytes: head(line), Status: 400})
	}
	return append(out,
		Malformed{Name: "white space before the first field",
			Bytes: "GET / HTTP/1.1\r\n Host: h\r\n\r\n", Status: 400},
		Malformed{Name: "white space line before the first field",
			Bytes: "GET / HTTP/1.1\r\n \r\nHost: h\r\n\r\n", Status: 400},
		Malformed{Name: "head ends in LF LF", Bytes: "GET / HTTP/1.1\nHost: h\n\n", Status: 400},
		Malformed{Name: "head ends in CRLF LF", Bytes: "GET / HTTP/1.1\r\nHost: h\r\n\n",
			Status: 400},
		Malformed{Name: "unknown expectation", Bytes: head("Expect: 200-ok"), Status: 417},
	)
}

func requestLines() []Malformed {
	var out []Malformed
	for _, line := range []string{
		"GET /\r", "GET / HTTP/1.1\r", "GET /a\rb HTTP/1.1", "GET /a\x00 HTTP/1.1",
		"GET /a\n HTTP/1.1", "GET /a\x7f HTTP/1.1", "GET /\xff HTTP/1.1", "G\x01T / HTTP/1.1",
		"G\x80T / HTTP/1.1", "G(T / HTTP/1.1", " GET / HTTP/1.1", "GET  / HTTP/1.1",
		"GET /  HTTP/1.1", "GET / HTTP/1.1 ", "GET\t/ HTTP/1.1", "GET / a HTTP/1.1", "GET /", "GET",
		"GET / http/1.1", "GET / HTTP/1", "GET / HTTP/1.", "GET / HTTP/.1", "GET / HTTP/01.1",
		"GET / HTTP/1.10", "GET / HTTP/1.1a", "GET / HTTP/+1.1", "GET / HTTP/1,1", "GET / XTTP/1.1",
		"GET / HTTPS/1.1", "GET b HTTP/1.1", "GET * HTTP/1.1", "GET http:/// HTTP/1.1",
		"GET ftp://h/ HTTP/1.1", "CONNECT h:80 HTTP/1.1", "GET ://h/ HTTP/1.1", "", " ",
	} {
		out = append(out, Malformed{Name: "line " + line, Bytes: line + "\r\nHost: h\r\n\r\n",
			Status: 400})
	}
	for _, version := range []string{"HTTP/2.0", "HTTP/3.0", "HTTP/0.9", "HTTP/1.2", "HTTP/9.9"} {
		out = append(out, Malformed{Name: version, Status: 505,
			Bytes: "GET / " + version + "\r\nHost: h\r\n\r\n"})
	}
	return append(out,
		Malformed{Name: "HTTP/0.9 style", Bytes: "GET /\r\n\r\n", Status: 400},
		Malformed{Name: "h2 preface", Bytes: "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", Status: 400},
	)
}

func hosts() []Malformed {
	var out []Malformed
	for _, host := range []string{"a,b", "u@h", "u:p@h", "h/path", "h?q", "h h", "h:port",
		"h:80:80",
		"[::1", "h\\x", "h#f", "[]", "h:123456"} {
		out = append(out, Malformed{Name: "Host: " + host,
			Bytes: "GET / HTTP/1.1\r\nHost: " + host + "\r\n\r\n", Status: 400})
	}
	return append(out,
		Malformed{Name: "no Host", Bytes: "GET / HTTP/1.1\r\n\r\n", Status: 400},
		Malformed{Name: "Host twice", Bytes: head("Host: h"), Status: 400},
		Malformed{Name: "Host twice, different", Bytes: head("host: i"), Status: 400},
		Malformed{Name: "absolute-form, other Host",
			Bytes: "GET http://other/ HTTP/1.1\r\nHost: h\r\n\r\n", Status: 400},
		Malformed{Name: "absolute-form, no Host",
			Bytes: "GET http://h/ HTTP/1.1\r\n\r\n", Status: 400},
		Malformed{Name: "absolute-form, userinfo",
			Bytes: "GET http://u@h/ HTTP/1.1\r\nHost: h\r\n\r\n", Status: 400},
	)
}

func limits() []Malformed {
	long := strings.Repeat("a", 64<<10)
	return []Malformed{
		{Name: "target too long", Bytes: "GET /" + long[:17<<10] + " HTTP/1.1\r\nHost: h\r\n\r\n",
			Status: 414},
		{Name: "request line too long", Bytes: "GET /" + long + " HTTP/1.1\r\nHost: h\r\n\r\n",
			Status: 414},
		{Name: "field too long", Bytes: head("A: " + long), Status: 431},
		{Name: "fields too many", Bytes: head(strings.Repeat("A: b\r\n", 128) + "A: b"),
			Status: 431},
		{Name: "fields too long together",
			Bytes: head(strings.Repeat("A: "+long[:1000]+"\r\n", 40) + "A: b"), Status: 431},
	}
}

func chunks() []Malformed {
	var out []Malformed
	for _, body := range []string{
		"\r\n", "+5\r\n12345\r\n0\r\n\r\n", "-5\r\n", "0x5\r\n12345\r\n0\r\n\r\n",
		"0_2e\r\n", " 5\r\n12345\r\n0\r\n\r\n", "5 \r\n12345\r\n0\r\n\r\n",
		"00000000000000005\r\n12345\r\n0\r\n\r\n", "ffffffffffffffff\r\n", "g\r\n", "\x15\r\n",
		"5;a\n12345\r\n0\r\n\r\n", "5;a\rb\r\n12345\r\n0\r\n\r\n", "5;a\x00\r\n12345\r\n0\r\n\r\n",
		"5\n12345\r\n0\r\n\r\n", "5\r12345\r\n0\r\n\r\n", "5\r\n123450\r\n\r\n",
		"5\r\n12345\n0\r\n\r\n", "5\r\n12345\r0\r\n\r\n", "5\r\n12345xx0\r\n\r\n", "0\r\n\n",
		"0\r\n\r\r", "0\r\nA b: c\r\n\r\n", "0\r\nA: b\n\r\n", "0\r\n: b\r\n\r\n",
		"0\r\n folded\r\n\r\n",
		"0\r\nA: b\x00\r\n\r\n", "1;" + strings.Repeat("e", 5000) + "\r\n1\r\n0\r\n\r\n",
		strings.Repeat("1;"+strings.Repeat("e", 100)+"\r\n1\r\n", 100) + "0\r\n\r\n",
		"0\r\nA: " + strings.Repeat("t", 9<<10) + "\r\n\r\n",
	} {
		out = append(out, Malformed{Name: "chunk " + body[:min(len(body), 20)],
			Bytes: head("Transfer-Encoding: chunked") + body, Status: 400, Body: true})
	}
	return out
}
