package netlooptest

import (
	"fmt"
	"math/rand/v2"
	"strings"
)

// Streams makes streams of requests that try to mean two things at once. A stream depends on
// seed and index alone. Safe for concurrent use once made.
type Streams struct {
	seed    uint64
	valid   []string // messages
	invalid []string // messages, the long ones left out
}

// NewStreams returns the streams of seed.
func NewStreams(seed uint64) *Streams {
	s := &Streams{seed: seed, valid: validMessages()}
	for _, m := range MalformedMessages() {
		if len(m.Bytes) < 1<<10 {
			s.invalid = append(s.invalid, m.Bytes)
		}
	}
	return s
}

// Smuggled is the target of the request that every stream ends in, and that bodies contain.
const Smuggled = "/smuggled"

// validMessages are well formed; bodies look like what a parser that is lost would like to see.
func validMessages() []string {
	hidden := get(Smuggled)
	chunk := fmt.Sprintf("%x\r\n%s\r\n", len(hidden), hidden)
	const host = "HTTP/1.1\r\nHost: h\r\n"
	return []string{
		get("/a"), get("/inline/b?c=d"), "HEAD /a " + host + "\r\n", "DELETE /a " + host + "\r\n",
		"OPTIONS * " + host + "\r\n", "GET http://h/a " + host + "\r\n",
		put("/a", nil), put("/a", []byte("hello")), put("/inline/a", []byte(hidden)),
		fmt.Sprintf("GET /a %sContent-Length: %d\r\n\r\n%s", host, len(hidden), hidden),
		"PUT /a " + host + "Transfer-Encoding: chunked\r\n\r\n" + chunk + "0\r\n\r\n",
		"POST /a " + host + "transfer-encoding: Chunked\r\n\r\n5;a=b\r\nhello\r\n" + chunk +
			"0;c=\"d\"\r\nX-Trailer: e\r\n\r\n",
		"DELETE /a " + host + "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
		"PUT /a " + host + "Content-Length: 5\r\nExpect: 100-continue\r\n\r\nhello",
		"GET /a " + host + "Connection: keep-alive, x\r\nX-A: b\tc\r\nX-B:\r\nX_C: d\r\n\r\n",
		"PUT /a HTTP/1.0\r\nConnection: keep-alive\r\nContent-Length: 5\r\n\r\nhello",
		"GET /a HTTP/1.0\r\n\r\n", "GET /a " + host + "Connection: close\r\n\r\n",
	}
}

// At returns stream number index.
func (s *Streams) At(index uint64) string {
	m := mutation{rand.New(rand.NewPCG(s.seed, index))}
	var stream strings.Builder
	for range m.IntN(3) {
		stream.WriteString(m.pick(s.valid))
	}
	switch m.IntN(4) {
	case 0: // from the table, as it is
		stream.WriteString(m.pick(s.invalid))
	case 1:
		stream.WriteString(m.change(m.pick(s.invalid)))
	default:
		stream.WriteString(m.change(m.pick(s.valid)))
	}
	return stream.String() + get(Smuggled) + get(Smuggled)
}

// mutation is the making of one stream.
type mutation struct{ *rand.Rand }

func (m mutation) pick(from []string) string { return from[m.IntN(len(from))] }

// change applies one to three changes.
func (m mutation) change(message string) string {
	for range 1 + m.IntN(3) {
		if message == "" {
			return "\r\n"
		}
		switch m.IntN(4) {
		case 0:
			message = m.changeByte(message)
		case 1:
			message = m.changeEnd(message)
		case 2:
			message = m.addField(message)
		default:
			message = m.changeLine(message)
		}
	}
	return message
}

// changeByte puts a byte in, takes one out or changes one.
func (m mutation) changeByte(message string) string {
	const bytes = "\r\n\t\v\f\x00\x01\x1f\x7f\x80\xa0\xff  ::;,\"'+-_=.#%@/\\0159aAfFxX"
	at := m.IntN(len(message))
	b := bytes[m.IntN(len(bytes))]
	switch m.IntN(4) {
	case 0:
		return message[:at] + message[at+1:]
	case 1:
		return message[:at] + message[at:at+1] + message[at:]
	case 2:
		return message[:at] + string([]byte{b}) + message[at:]
	default:
		return message[:at] + string([]byte{b}) + message[at+1:]
	}
}

// changeEnd changes how one line ends.
func (m mutation) changeEnd(message string) string {
	parts := strings.Split(message, "\r\n")
	if len(parts) < 2 {
		return message
	}
	at := 1 + m.IntN(len(parts)-1)
	end := m.pick([]string{"\n", "\r", "\n\r", "\r\r\n", "\r\n\r\n", "\n\n", "", " \r\n", "\r\n ",
		"\x00\r\n", "\r\n\t", ";\r\n", "\u2028", "\r \n"})
	return strings.Join(parts[:at], "\r\n") + end + strings.Join(parts[at:], "\r\n")
}

// addField puts a field that frames or routes behind a random line, spelled in a random way.
func (m mutation) addField(message string) string {
	name := m.pick([]string{"Content-Length", "Transfer-Encoding", "Host", "Connection", "Expect",
		"content-length", "TRANSFER-ENCODING", "Transfer_Encoding", "Content_Length", "TE",
		"Transfer-Encoding ", " Transfer-Encoding", "Transfer-Encoding\t", "Content-Length\x00",
		"Transfer-Encoding\r", "X-A\r\nTransfer-Encoding", "X-A: b\nTransfer-Encoding", "Trailer"})
	value := m.pick([]string{"0", "5", "6", "005", "+5", "5,5", "-1", "1e1", "0x5", "",
		"chunked", "Chunked", "chunked ", "\tchunked", "\vchunked", "xchunked", "identity",
		"chunked, identity", "gzip, chunked", "chunked\r\n chunked", "h", "i", "h,i", "close",
		"keep-alive", "Transfer-Encoding", "100-continue", "200-ok", "9223372036854775807"})
	lines := strings.SplitAfter(message, "\r\n")
	at := min(1+m.IntN(len(lines)), len(lines))
	return strings.Join(lines[:at], "") + name + m.pick([]string{": ", ":", " : ", ":\t"}) + value +
		"\r\n" + strings.Join(lines[at:], "")
}

// changeLine drops, doubles, moves, folds, cuts or respells a line or a number.
func (m mutation) changeLine(message string) string {
	lines := strings.SplitAfter(message, "\r\n")
	at, other := m.IntN(len(lines)), m.IntN(len(lines))
	switch m.IntN(7) {
	case 0:
		lines[at] = ""
	case 1:
		lines[at] += lines[at]
	case 2:
		lines[at], lines[other] = lines[other], lines[at]
	case 3:
		lines[at] = " " + lines[at]
	case 4:
		lines[at] = lines[at][:m.IntN(len(lines[at])+1)]
	case 5:
		lines[at] = strings.ReplaceAll(lines[at], "-", "_")
	default:
		lines[at] = strings.Replace(lines[at], m.pick([]string{"HTTP/1.1", "5", "0", " ", ":", "h"}),
			m.pick([]string{"HTTP/1.0", "HTTP/1.2", "6", "4", "00", "0x0", "", "  ", "u@h", "F"}), 1)
	}
	return strings.Join(lines, "") + "\r\n"[:2*m.IntN(2)]
}
