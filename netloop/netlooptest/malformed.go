package netlooptest

import (
	"fmt"
	"strings"
)

// Malformed is a message that must be refused: one answer with Status, then the end of the
// connection; no handler sees it and nothing after it is read as a request.
type Malformed struct {
	Row    string // the kind of fault: length, coding, field, line, chunk, host, limit
	Name   string // what is wrong, and where it was seen
	Bytes  string
	Status int
	// Body says that the head is well formed: the handler is called and the fault is in the
	// body it reads.
	Body bool
}

// Title names m in a test.
func (m *Malformed) Title() string { return m.Row + "/" + m.Name }

// MalformedMessages is the table of what went wrong elsewhere: request smuggling by length,
// by coding, by line end, by target. Titles are unique.
func MalformedMessages() []Malformed {
	var all []Malformed
	for _, row := range []struct {
		name  string
		cases func() []Malformed
	}{
		{"length", lengths}, {"coding", codings}, {"field", fieldLines}, {"line", requestLines},
		{"host", hosts}, {"limit", limits}, {"chunk", chunks}, {"trailer", trailers},
	} {
		cases := row.cases()
		for i := range cases {
			cases[i].Row = row.name
		}
		all = append(all, cases...)
	}
	return all
}

// printable makes a name of bytes, each byte visible.
func printable(bytes string) string { return strings.Trim(fmt.Sprintf("%+q", bytes), `"`) }

func head(fields ...string) string {
	return "PUT /body HTTP/1.1\r\nHost: h\r\n" + strings.Join(fields, "\r\n") + "\r\n\r\n"
}

func fromFields(status int, prefix string, values ...string) []Malformed {
	var out []Malformed
	for _, v := range values {
		out = append(out, Malformed{Name: prefix + printable(v),
			Bytes: head(prefix+v) + "12345", Status: status})
	}
	return out
}

func lengths() []Malformed {
	out := fromFields(400, "Content-Length: ", "5,5", "5, 5", "5,6", "+5", "-0", "-5", "0x5", "1_0",
		"5 5", "5\t5", "", "18446744073709551616", "18446744073709551621", "9223372036854775808",
		"18446744073709551615", "5;", "5.0", "5e0", "٥", "５", "5\x00", "\v5", "5\v", "\f5", "5\xa0",
		"\"5\"", "five", ",", "5,", ",5")
	const cl, te = "Content-Length: 5", "Transfer-Encoding: chunked"
	for _, pair := range []struct {
		name   string
		fields []string
	}{
		{"CL and TE", []string{cl, te}},
		{"TE and CL", []string{te, cl}},
		{"TE, other, CL", []string{te, "A: b", cl}},
		{"CL 0 and TE", []string{"Content-Length: 0", te}},
		{"CL and TE of another coding", []string{cl, "Transfer-Encoding: gzip"}},
		{"TE of another coding and CL", []string{"Transfer-Encoding: gzip", cl}},
		{"CL and TE identity", []string{cl, "Transfer-Encoding: identity"}},
		{"CL twice, same", []string{cl, cl}},
		{"CL twice, other spelling", []string{cl, "CONTENT-LENGTH: 5"}},
		{"CL twice, different", []string{cl, "content-length: 6"}},
		{"CL twice, one zero", []string{"Content-Length: 0", cl}},
		{"CL twice, one empty", []string{cl, "Content-Length:"}},
	} {
		out = append(out, Malformed{Name: pair.name, Bytes: head(pair.fields...) + "0\r\n\r\n",
			Status: 400})
	}
	return out
}

func codings() []Malformed {
	out := fromFields(400, "Transfer-Encoding: ", "xchunked", "chunkedx", "x-chunked", ",chunked",
		", chunked", "chunked,", "chunked ,", "chunked,chunked", "chunked, chunked", "chunked, gzip",
		"identity", "identity, chunked", "chunked, identity", "chunked;a=b", "chunked ;a=b",
		"\vchunked", "chunked\v", "\fchunked", "chunked\f", "\x00chunked", "chunked\x00",
		"\xa0chunked", "chunked\xa0", "\xffchunked", "chunked\xff", "chun\x00ked", "", ",", "chun ked",
		"\"chunked\"", "'chunked'", "chunked chunked", "chun\u212aed", "gzip;q=\"chunked\"", "gzip,")
	out = append(out, fromFields(501, "Transfer-Encoding: ", "gzip", "gzip, chunked", "br",
		"deflate,compress")...)
	const chunked = "Transfer-Encoding: chunked"
	return append(out,
		Malformed{Name: "twice", Bytes: head(chunked, chunked) + "0\r\n\r\n", Status: 400},
		Malformed{Name: "twice, other spelling", Status: 400,
			Bytes: head(chunked, "TRANSFER-ENCODING: chunked") + "0\r\n\r\n"},
		Malformed{Name: "twice, one identity", Status: 400,
			Bytes: head(chunked, "transfer-encoding: identity") + "0\r\n\r\n"},
		Malformed{Name: "twice, one empty", Status: 400,
			Bytes: head(chunked, "Transfer-Encoding:") + "0\r\n\r\n"},
		Malformed{Name: "twice, one unknown", Status: 400,
			Bytes: head("Transfer-Encoding: gzip", chunked) + "0\r\n\r\n"},
		Malformed{Name: "folded", Bytes: head("Transfer-Encoding:\r\n chunked") + "0\r\n\r\n",
			Status: 400},
		Malformed{Name: "in HTTP/1.0", Status: 400,
			Bytes: "PUT / HTTP/1.0\r\nHost: h\r\n" + chunked + "\r\n\r\n0\r\n\r\n"},
		Malformed{Name: "in HTTP/1.0, kept alive", Status: 400,
			Bytes: "PUT / HTTP/1.0\r\nConnection: keep-alive\r\n" + chunked + "\r\n\r\n0\r\n\r\n"},
	)
}

func chunks() []Malformed {
	var out []Malformed
	for _, c := range []struct{ name, body string }{
		{"size empty", "\r\n12345\r\n0\r\n\r\n"}, {"size empty, extension", ";a\r\n\r\n"},
		{"size signed", "+5\r\n12345\r\n0\r\n\r\n"}, {"size negative", "-5\r\n12345\r\n0\r\n\r\n"},
		{"size 0x5", "0x5\r\n12345\r\n0\r\n\r\n"}, {"size 0X5", "0X5\r\n12345\r\n0\r\n\r\n"},
		{"size 0_2e", "0_2e\r\n" + strings.Repeat("x", 0x2e) + "\r\n0\r\n\r\n"},
		{"size padded left", " 5\r\n12345\r\n0\r\n\r\n"},
		{"size padded right", "5 \r\n12345\r\n0\r\n\r\n"},
		{"size padded by a tab", "5\t\r\n12345\r\n0\r\n\r\n"},
		{"size padded before the extension", "5 ;a\r\n12345\r\n0\r\n\r\n"},
		{"size of 17 digits", "00000000000000005\r\n12345\r\n0\r\n\r\n"},
		{"size 2^64", "10000000000000000\r\n12345\r\n0\r\n\r\n"},
		{"size 2^64-1", "ffffffffffffffff\r\n"}, {"size 2^63", "8000000000000000\r\n"},
		{"size no digit", "g\r\n"}, {"size control", "\x15\r\n"}, {"size high", "5\xff\r\n12345"},
		{"size with NUL", "5\x00\r\n12345\r\n0\r\n\r\n"}, {"size h", "5h\r\n12345\r\n0\r\n\r\n"},
		{"size of two numbers", "5 0\r\n12345\r\n0\r\n\r\n"},
		{"extension ended by LF, CVE-2025-55315", "5;a\n12345\r\n0\r\n\r\n"},
		{"extension ended by LF, last chunk, CVE-2025-55315", "0;a\n\r\n"},
		{"extension ended by CR, CVE-2025-55315", "5;a\rb\r\n12345\r\n0\r\n\r\n"},
		{"extension with NUL", "5;a\x00\r\n12345\r\n0\r\n\r\n"},
		{"extension with DEL", "5;a\x7f\r\n12345\r\n0\r\n\r\n"},
		{"extension with CR CR LF", "5;a\r\r\n12345\r\n0\r\n\r\n"},
		{"extension flood, one chunk, CVE-2023-39326",
			"1;" + strings.Repeat("e", 5000) + "\r\n1\r\n0\r\n\r\n"},
		{"extension flood, many chunks, CVE-2023-39326",
			strings.Repeat("1;"+strings.Repeat("e", 100)+"\r\n1\r\n", 100) + "0\r\n\r\n"},
		{"size line ends in LF", "5\n12345\r\n0\r\n\r\n"},
		{"size line ends in CR", "5\r12345\r\n0\r\n\r\n"},
		{"no CRLF after the data", "5\r\n123450\r\n\r\n"},
		{"LF after the data", "5\r\n12345\n0\r\n\r\n"},
		{"CR after the data", "5\r\n12345\r0\r\n\r\n"},
		{"CR and a space after the data", "5\r\n12345\r 0\r\n\r\n"},
		{"LF CR after the data", "5\r\n12345\n\r0\r\n\r\n"},
		{"more data than the size", "5\r\n12345xx0\r\n\r\n"},
		{"two bytes after the data", "5\r\n12345xx\r\n0\r\n\r\n"},
		{"ends in LF", "0\r\n\n"}, {"ends in CR CR", "0\r\n\r\r"},
		{"last size line ends in LF", "0\n\r\n"},
	} {
		out = append(out, Malformed{Name: c.name, Bytes: chunkedHead + c.body, Status: 400, Body: true})
	}
	return out
}

const chunkedHead = "PUT /body HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"

func trailers() []Malformed {
	var out []Malformed
	for _, line := range []string{
		"A b: c", "A: b\n", "A: b\rc", ": b", " folded", "A: b\r\n folded", "A: b\x00", "A : b",
		"no colon", "A\xff: b", "Content-Length: 5", "content-length: 0", "Transfer-Encoding: chunked",
		"TRANSFER-ENCODING: identity", "Host: other", "Authorization: other",
	} {
		out = append(out, Malformed{Name: printable(line), Status: 400, Body: true,
			Bytes: chunkedHead + "5\r\n12345\r\n0\r\n" + line + "\r\n\r\n"})
	}
	return append(out, Malformed{Name: "too long", Status: 400, Body: true,
		Bytes: chunkedHead + "0\r\nA: " + strings.Repeat("t", 9<<10) + "\r\n\r\n"})
}
