package netlooptest

import (
	"bytes"
	"fmt"
	"hash/crc64"
	"io"
	"strconv"

	"flashstore/netloop"
)

// witness answers every request with a digest of what it saw, and a body that cannot be read to
// its end with 400. Requests for /inline without a body are answered inline.
type witness struct{}

var _ netloop.InlineHandler = witness{}

func (w witness) TryHandle(ex *netloop.Exchange) bool {
	if ex.Request.ContentLength != 0 || !bytes.HasPrefix(ex.Request.Path, []byte("/inline")) {
		return false
	}
	w.Handle(ex)
	return true
}

func (witness) Handle(ex *netloop.Exchange) {
	ex.SetContentLength(0)
	body, err := io.ReadAll(struct{ io.Reader }{ex})
	if err != nil {
		ex.SetStatus(400) // that the connection ends is for the server to say
		return
	}
	r := &ex.Request
	m := Message{Method: string(r.Method), Target: string(r.Target), Host: string(r.Host),
		Minor: r.MinorVersion, Length: r.ContentLength, Body: string(body)}
	for _, f := range r.Header {
		m.Fields = append(m.Fields, [2]string{string(f.Name), string(f.Value)})
	}
	ex.AddField([]byte(seenField), []byte(m.digest()))
}

const seenField = "X-Seen"

// digest is the same for equal messages only, as far as a handler can tell.
func (m *Message) digest() string {
	sum := crc64.New(crc64.MakeTable(crc64.ECMA))
	fmt.Fprintf(sum, "%q %q %q %d %d %q %q", m.Method, m.Target, m.Host, m.Minor, m.Length,
		m.Fields, m.Body)
	return strconv.FormatUint(sum.Sum64(), 16)
}
