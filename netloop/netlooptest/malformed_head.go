package netlooptest

import "strings"

func fieldLines() []Malformed {
	var out []Malformed
	for _, line := range []string{
		"Content-Length : 0", "Content-Length\t: 0", "Transfer-Encoding : chunked", "A b: c",
		"A\x00: c", "A\x01: c", "A\x1f: c", "A\x7f: c", "A\x80: c", "A\xff: c", "A(: c", "A\": c",
		"A/: c", "A[]: c", "A{: c", "A@: c", "A,: c", "A;: c", ": c", ":", "no colon", "A",
		"A: b\r\n folded", "A: b\r\n\tfolded", "A: b\r\n ", "Content-Length: 5\r\n\t",
		"A: b\x00c", "A: b\rc", "A: b\r", "A: \rb", "A: b\x01", "A: \x7f", "A: b\x0b", "A: b\n",
		"A: b\nB: c", "A: b\n\rB: c", "\rA: b", "\nA: b", "Transfer-Encoding\r: chunked", "\x0bA: b",
		"Transfer-Encoding\x00: chunked", "Content-Length\x00: 5", "\x00Content-Length: 5",
	} {
		out = append(out, Malformed{Name: printable(line), Bytes: head(line), Status: 400})
	}
	const first = "GET / HTTP/1.1\r\n"
	return append(out,
		Malformed{Name: "white space before the first field", Status: 400,
			Bytes: first + " Host: h\r\n\r\n"},
		Malformed{Name: "tab before the first field", Status: 400,
			Bytes: first + "\tHost: h\r\n\r\n"},
		Malformed{Name: "line of white space before the first field", Status: 400,
			Bytes: first + " \r\nHost: h\r\n\r\n"},
		Malformed{Name: "head ends in LF LF", Bytes: "GET / HTTP/1.1\nHost: h\n\n", Status: 400},
		Malformed{Name: "head ends in CRLF LF", Bytes: first + "Host: h\r\n\n", Status: 400},
		Malformed{Name: "head ends in LF CRLF", Bytes: first + "Host: h\n\r\n", Status: 400},
		Malformed{Name: "head ends in CR CR", Bytes: first + "Host: h\r\r\r\n\r\n", Status: 400},
		Malformed{Name: "unknown expectation", Bytes: head("Expect: 200-ok"), Status: 417},
		Malformed{Name: "two expectations", Bytes: head("Expect: 100-continue, 200-ok"), Status: 417},
		Malformed{Name: "two Expect fields", Status: 417,
			Bytes: head("Expect: 100-continue", "Expect: 200-ok")},
		Malformed{Name: "unknown expectation in HTTP/1.0", Status: 417,
			Bytes: "GET / HTTP/1.0\r\nExpect: 200-ok\r\n\r\n"},
	)
}

func requestLines() []Malformed {
	var out []Malformed
	for _, line := range []string{
		"GET /\r", "GET / HTTP/1.1\r", "GET / \rHTTP/1.1", "GET /a\rb HTTP/1.1", "GET\r / HTTP/1.1",
		"GET /a\x00 HTTP/1.1", "GET /\x00 HTTP/1.1", "GET /a\n HTTP/1.1", "GET\n/ HTTP/1.1",
		"GET /\nHTTP/1.1", "\nGET / HTTP/1.1", "GET /a\x7f HTTP/1.1", "GET /\xff HTTP/1.1",
		"GET /a\x0bb HTTP/1.1", "GET /a#b HTTP/1.1",
		"G\x00T / HTTP/1.1", "G\x01T / HTTP/1.1", "G\x1fT / HTTP/1.1", "G\x7fT / HTTP/1.1",
		"G\x80T / HTTP/1.1", "\xffGET / HTTP/1.1", "G(T / HTTP/1.1", "G,T / HTTP/1.1",
		"G:T / HTTP/1.1",
		" GET / HTTP/1.1", "GET  / HTTP/1.1", "GET /  HTTP/1.1", "GET / HTTP/1.1 ", "GET / a HTTP/1.1",
		"GET\t/ HTTP/1.1", "GET /\tHTTP/1.1", "GET\x0b/ HTTP/1.1", "GET /", "GET", "GET / ", "GET  ",
		"GET / http/1.1", "GET / HTTP/1", "GET / HTTP/1.", "GET / HTTP/.1", "GET / HTTP/01.1",
		"GET / HTTP/1.01", "GET / HTTP/1.10", "GET / HTTP/1.1a", "GET / HTTP/+1.1", "GET / HTTP/1,1",
		"GET / HTTP/1.-1", "GET / XTTP/1.1", "GET / HTTPS/1.1", "GET / HTTP 1.1", "GET / HTTP/1.1\x00",
		"GET / HTTP/2", "GET / HTTP/2.0", "GET / HTTP/3.0", "GET / HTTP/0.9", "GET / HTTP/1.2",
		"GET / HTTP/9.9", "GET / HTTP/0.0",
		"GET b HTTP/1.1", "GET * HTTP/1.1", "GET ?a HTTP/1.1", "OPTIONS *a HTTP/1.1",
		"GET http:/// HTTP/1.1", "GET http://:80/ HTTP/1.1", "GET http://h?a HTTP/1.1",
		"GET ftp://h/ HTTP/1.1", "GET ://h/ HTTP/1.1", "GET h:80 HTTP/1.1", "CONNECT h:80 HTTP/1.1",
		"CONNECT / HTTP/1.1", "CONNECT http://h/ HTTP/1.1", "", " ", "\r",
	} {
		out = append(out, Malformed{Name: printable(line), Bytes: line + "\r\nHost: h\r\n\r\n",
			Status: 400})
	}
	return append(out,
		Malformed{Name: "HTTP/0.9", Bytes: "GET /\r\n\r\n", Status: 400},
		Malformed{Name: "HTTP/0.9 ended by LF", Bytes: "GET /\n", Status: 400},
		Malformed{Name: "an empty line first", Bytes: "\r\n" + get("/"), Status: 400},
		Malformed{Name: "h2 preface", Bytes: "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", Status: 400},
		Malformed{Name: "h2 preface of another version", Status: 400,
			Bytes: "PRI * HTTP/1.1\r\nHost: h\r\n\r\nSM\r\n\r\n"},
		Malformed{Name: "TLS", Bytes: "\x16\x03\x01\x00\n\x01\x00\x00\r\n", Status: 400},
	)
}

func hosts() []Malformed {
	var out []Malformed
	for _, host := range []string{
		"", ":80", "a,b", "a, b", "h,", "u@h", "u:p@h", "@h", "h/path", "h/", "/", "http://h", "h?q", "h#f",
		"h h", "h\th", "h:port", "h:80:80", "h:-1", "h:+80", "h: 80", "h:123456", "h\\x", "h%", "h%zz",
		"h\xff", "h\x00", "[::1", "::1", "[]", "[::1]x", "[::1]:x", "[1::2::3]", "[12345::]", "[g::1]",
		"[1:2:3:4:5:6:7]", "[::1%25lo]", "[::1.2.3]", "[::1.2.3.256]", "[:1]", "[1:]", "[::1]]", "<h>",
	} {
		out = append(out, Malformed{Name: printable(host), Status: 400,
			Bytes: "GET / HTTP/1.1\r\nHost: " + host + "\r\n\r\n"})
	}
	for _, c := range []struct{ name, message string }{
		{"missing", "GET / HTTP/1.1\r\n\r\n"},
		{"missing, like names", "GET / HTTP/1.1\r\nHosts: h\r\nX-Host: h\r\n\r\n"},
		{"twice, same", head("Host: h")}, {"twice, different", head("host: i")},
		{"twice, one empty", head("Host:")},
		{"twice in HTTP/1.0", "GET / HTTP/1.0\r\nHost: h\r\nHost: h\r\n\r\n"},
		{"absolute-form, other Host", "GET http://other/ HTTP/1.1\r\nHost: h\r\n\r\n"},
		{"absolute-form, other port", "GET http://h:81/ HTTP/1.1\r\nHost: h\r\n\r\n"},
		{"absolute-form, empty Host", "GET http://h/ HTTP/1.1\r\nHost:\r\n\r\n"},
		{"absolute-form, other Host in HTTP/1.0",
			"GET http://other/ HTTP/1.0\r\nHost: h\r\n\r\n"},
		{"absolute-form, no Host", "GET http://h/ HTTP/1.1\r\n\r\n"},
		{"absolute-form, userinfo", "GET http://u@h/ HTTP/1.1\r\nHost: h\r\n\r\n"},
		{"absolute-form, userinfo twice", "GET http://u@h/ HTTP/1.1\r\nHost: u@h\r\n\r\n"},
		{"absolute-form, userinfo in HTTP/1.0", "GET http://u@h/ HTTP/1.0\r\n\r\n"},
		{"absolute-form, comma", "GET http://h,i/ HTTP/1.1\r\nHost: h\r\n\r\n"},
	} {
		out = append(out, Malformed{Name: c.name, Bytes: c.message, Status: 400})
	}
	return out
}

func limits() []Malformed {
	long := strings.Repeat("a", 64<<10)
	return []Malformed{
		{Name: "target", Bytes: "GET /" + long[:17<<10] + " HTTP/1.1\r\nHost: h\r\n\r\n", Status: 414},
		{Name: "request line", Bytes: "GET /" + long + " HTTP/1.1\r\nHost: h\r\n\r\n", Status: 414},
		{Name: "request line without end", Bytes: "GET /" + long, Status: 414},
		{Name: "method", Bytes: long + " / HTTP/1.1\r\nHost: h\r\n\r\n", Status: 414},
		{Name: "field", Bytes: head("A: " + long), Status: 431},
		{Name: "field name", Bytes: head(long + ": b"), Status: 431},
		{Name: "field count", Bytes: head(strings.Repeat("A: b\r\n", 128) + "A: b"), Status: 431},
		{Name: "fields together",
			Bytes: head(strings.Repeat("A: "+long[:1000]+"\r\n", 60) + "A: b"), Status: 431},
		{Name: "line without end", Bytes: "GET / HTTP/1.1\r\nHost: h\r\nA: " + long, Status: 431},
	}
}
