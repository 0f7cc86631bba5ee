package netlooptest

import (
	"net/netip"
	"strconv"
	"strings"

	"flashstore/netloop"
)

// Message is one request as Read understands it.
type Message struct {
	Method, Target, Host string
	Fields               [][2]string
	Minor                int
	Length               int64 // of the body as declared; -1: chunked
	Body                 string
	Close                bool // the connection ends after it
	Continue             bool // it waits for a 100
}

// Reading is what a whole stream of bytes means.
type Reading struct {
	Messages []Message // in order, as far as they are whole
	// Begun is the request after them if its head is whole and its body is not: it ends too
	// early or is malformed.
	Begun *Message
	// Status refuses what comes after Messages: a head, or the body of Begun. 0: nothing is
	// wrong with what has come.
	Status int
	// Used is how many bytes Messages take.
	Used int
}

// Read is the reference: slow, plain, and written from the grammar of RFC 9110 and RFC 9112 apart
// from the parser it judges. It shares that parser's choices where the RFCs leave one, which
// netloop/http1 lists.
func Read(stream string, limits *netloop.Limits) Reading {
	var r Reading
	for rest := stream; rest != ""; {
		m, after, status := readHead(rest, limits)
		if m == nil {
			r.Status = status
			return r
		}
		body, after, whole, status := readBody(m, after, limits)
		if !whole {
			r.Begun, r.Status = m, status
			return r
		}
		m.Body = body
		r.Messages = append(r.Messages, *m)
		r.Used = len(stream) - len(after)
		if m.Close {
			return r
		}
		rest = after
	}
	return r
}

const (
	digits    = "0123456789"
	hexDigits = digits + "abcdefABCDEF"
	letters   = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	tchars    = "!#$%&'*+-.^_`|~" + digits + letters
	hostChars = "-._~!$&'()*+;=" + digits + letters
)

// made reports whether s has bytes of set only, and one at least.
func made(s, set string) bool {
	for i := range len(s) {
		if strings.IndexByte(set, s[i]) < 0 {
			return false
		}
	}
	return s != ""
}

// within reports whether all bytes of s are from low to high, or among more.
func within(s string, low, high byte, more string) bool {
	for i := range len(s) {
		if (s[i] < low || s[i] > high) && strings.IndexByte(more, s[i]) < 0 {
			return false
		}
	}
	return true
}

func fieldText(s string) bool { return within(s, ' ', 0xff, "\t") && !strings.Contains(s, "\x7f") }

// lower knows ASCII only: a Kelvin sign is no k.
func lower(s string) string {
	b := []byte(s)
	for i := range b {
		if 'A' <= b[i] && b[i] <= 'Z' {
			b[i] |= 0x20
		}
	}
	return string(b)
}

// readHead returns nil and a status if the head is refused, nil and 0 if it is not whole.
func readHead(in string, limits *netloop.Limits) (m *Message, rest string, status int) {
	window := in[:min(len(in), limits.HeadBytesMax)]
	m = &Message{}
	for number := 0; ; number++ {
		line, after, whole := strings.Cut(window, "\n")
		switch {
		case !whole && len(in) >= limits.HeadBytesMax && number == 0:
			return nil, "", 414
		case !whole && len(in) >= limits.HeadBytesMax:
			return nil, "", 431
		case !whole:
			return nil, "", 0
		case !strings.HasSuffix(line, "\r"):
			return nil, "", 400
		}
		window, line = after, strings.TrimSuffix(line, "\r")
		switch {
		case number == 0:
			status = m.readRequestLine(line, limits)
		case line == "":
			if status := m.conclude(); status != 0 {
				return nil, "", status
			}
			used := min(len(in), limits.HeadBytesMax) - len(window)
			return m, in[used:], 0
		default:
			status = m.readField(line, limits)
		}
		if status != 0 {
			return nil, "", status
		}
	}
}

func (m *Message) readRequestLine(line string, limits *netloop.Limits) int {
	first, last := strings.Index(line, " "), strings.LastIndex(line, " ")
	if first == last { // one, or none
		return 400
	}
	m.Method, m.Target = line[:first], line[first+1:last]
	if !made(m.Method, tchars) || m.Method == "PRI" || m.Method == "CONNECT" {
		return 400
	}
	if len(m.Target) > limits.TargetBytesMax {
		return 414
	}
	switch line[last+1:] {
	case "HTTP/1.1":
		m.Minor = 1
	case "HTTP/1.0":
	default:
		return 400
	}
	if !within(m.Target, '!', '~', "") || strings.Contains(m.Target, "#") {
		return 400
	}
	if strings.HasPrefix(m.Target, "/") || m.Target == "*" && m.Method == "OPTIONS" {
		return 0
	}
	scheme, rest, absolute := strings.Cut(m.Target, "://")
	scheme = lower(scheme)
	if !absolute || scheme != "http" && scheme != "https" {
		return 400
	}
	m.Host, m.Target, _ = strings.Cut(rest, "/")
	m.Target = "/" + m.Target
	if !hostValid(m.Host) {
		return 400
	}
	return 0
}

// hostValid: see RFC 3986, section 3.2.2; a comma is refused besides.
func hostValid(host string) bool {
	name, port, hasPort := strings.Cut(host, ":")
	if literal, bracket := strings.CutPrefix(host, "["); bracket {
		address, after, closed := strings.Cut(literal, "]")
		ip, err := netip.ParseAddr(address)
		if !closed || err != nil || !ip.Is6() || ip.Zone() != "" {
			return false
		}
		name = "h"
		if port, hasPort = strings.CutPrefix(after, ":"); !hasPort && after != "" {
			return false
		}
	}
	if hasPort && (len(port) > 5 || port != "" && !made(port, digits)) {
		return false
	}
	for escape := strings.IndexByte(name, '%'); escape >= 0; escape = strings.IndexByte(name, '%') {
		if len(name) < escape+3 || !made(name[escape+1:escape+3], hexDigits) {
			return false
		}
		name = name[:escape] + "h" + name[escape+3:]
	}
	return made(name, hostChars)
}

func (m *Message) readField(line string, limits *netloop.Limits) int {
	name, value, colon := strings.Cut(line, ":")
	value = strings.Trim(value, " \t")
	if !colon || !made(name, tchars) || !fieldText(value) {
		return 400
	}
	if len(m.Fields) == limits.HeaderCountMax {
		return 431
	}
	m.Fields = append(m.Fields, [2]string{name, value})
	name = lower(name)
	if len(m.values(name)) > 1 &&
		(name == "host" || name == "content-length" || name == "transfer-encoding") {
		return 400
	}
	switch name {
	case "host":
		if !hostValid(value) {
			return 400
		}
	case "content-length":
		if _, err := strconv.ParseUint(value, 10, 63); err != nil || !made(value, digits) {
			return 400
		}
	case "transfer-encoding":
		if status := codingStatus(value); status != 501 {
			return status
		}
	}
	return 0
}

func (m *Message) values(name string) []string {
	var out []string
	for _, f := range m.Fields {
		if lower(f[0]) == name {
			out = append(out, f[1])
		}
	}
	return out
}

// codingStatus is 0 for chunked, 501 for a list of codings nobody could take for it, or 400.
func codingStatus(value string) int {
	codings := strings.Split(lower(value), ",")
	for i, coding := range codings {
		coding = strings.Trim(coding, " \t")
		last := i == len(codings)-1
		if !made(coding, tchars) || coding == "identity" ||
			strings.Contains(coding, "chunked") && !(coding == "chunked" && last) {
			return 400
		}
	}
	if lower(value) == "chunked" {
		return 0
	}
	return 501
}

// conclude says what the fields mean together.
func (m *Message) conclude() int {
	hosts, lengths := m.values("host"), m.values("content-length")
	codings := m.values("transfer-encoding")
	switch {
	case m.Minor == 1 && len(hosts) == 0:
		return 400
	case len(hosts) > 0 && m.Host != "" && lower(m.Host) != lower(hosts[0]):
		return 400
	case len(codings) > 0 && (len(lengths) > 0 || m.Minor == 0):
		return 400
	case len(codings) > 0 && codingStatus(codings[0]) != 0:
		return codingStatus(codings[0])
	}
	for _, value := range m.values("expect") {
		if lower(value) != "100-continue" {
			return 417
		}
		m.Continue = m.Minor == 1
	}
	if m.Host == "" && len(hosts) > 0 {
		m.Host = hosts[0]
	}
	if len(lengths) > 0 {
		m.Length, _ = strconv.ParseInt(lengths[0], 10, 64)
	}
	if len(codings) > 0 {
		m.Length = -1
	}
	m.Close = m.Minor == 0
	options := strings.Split(lower(strings.Join(m.values("connection"), ",")), ",")
	for _, option := range options {
		m.Close = m.Close && strings.Trim(option, " \t") != "keep-alive"
	}
	for _, option := range options {
		m.Close = m.Close || strings.Trim(option, " \t") == "close"
	}
	return 0
}
