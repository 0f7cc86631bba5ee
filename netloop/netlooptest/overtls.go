package netlooptest

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"strconv"
	"strings"
	"testing"
	"time"

	"flashstore/netloop"
)

func newReader(r io.Reader) *bufio.Reader { return bufio.NewReaderSize(r, 64<<10) }

// raw is a client of this server that does not speak TLS.
func (r *running) raw(t *testing.T) *client {
	t.Helper()
	c, err := net.Dial("tcp", r.address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	if err := c.SetDeadline(time.Now().Add(hang)); err != nil {
		t.Fatal(err)
	}
	return &client{t: t, stream: c.(*net.TCPConn), in: newReader(c)}
}

// secureWith is a client with a changed configuration, after its handshake.
func (r *running) secureWith(t *testing.T, change func(*tls.Config)) (*client, *tls.Conn, error) {
	t.Helper()
	c := r.raw(t)
	config := r.tls.Clone()
	config.ClientSessionCache = nil
	change(config)
	s := newSecureStream(c.stream.(*net.TCPConn), config)
	return &client{t: t, stream: s, in: newReader(s)}, s.Conn, s.Handshake()
}

// plainHTTP: who forgets the s is told so.
func (s *suite) plainHTTP(t *testing.T) {
	r := start(t, s, nil)
	for i, request := range []string{get("/x"), put("/echo", []byte("hello"))} {
		c := r.raw(t)
		c.send(request)
		answer, err := io.ReadAll(c.in)
		if err != nil && !s.traits.NetHTTP || !bytes.HasPrefix(answer, []byte("HTTP/1.")) ||
			!bytes.Contains(answer, []byte(" 400 ")) ||
			!bytes.Contains(answer, []byte("Client sent an HTTP request to an HTTPS server")) {
			t.Errorf("%q, %v", answer, err)
		}
		s.wait(t, "the failure to be counted", func() bool {
			return r.server.Stats().HandshakesFailed == uint64(i+1)
		})
	}
	for _, garbage := range []string{"SSH-2.0-x\r\n", "\x00\x00\x00\x00\x00\x00\x00\x00",
		"\x16\x03\x01\xff\xff", "\x16\x03\x01\x00\x05hello", "\x17\x03\x03\x00\x01a"} {
		c := r.raw(t)
		c.send(garbage)
		if answer, err := io.ReadAll(c.in); isTimeout(err) || bytes.Contains(answer, []byte("HTTP")) {
			t.Errorf("%q: %q, %v", garbage, answer, err)
		}
	}
	if n := r.handler.calls.Load(); n != 0 {
		t.Errorf("%d calls", n)
	}
}

// versions: TLS 1.2 and 1.3, and the protocols by ALPN.
func (s *suite) versions(t *testing.T) {
	r := start(t, s, nil)
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		c, _, err := r.secureWith(t, func(config *tls.Config) {
			config.MinVersion, config.MaxVersion = version, version
		})
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range []string{"/x", "/inline/x"} {
			c.send(get(path))
			c.want(200, path)
		}
	}
	if _, _, err := r.secureWith(t, func(config *tls.Config) {
		config.MinVersion, config.MaxVersion = tls.VersionTLS10, tls.VersionTLS11
	}); err == nil {
		t.Error("TLS 1.1 is accepted")
	}
	both := "http/1.1"
	if s.traits.NetHTTP {
		both = "h2"
	}
	for offered, want := range map[string]string{"": "", "http/1.1": "http/1.1",
		"h2 http/1.1": both} {
		_, secure, err := r.secureWith(t, func(config *tls.Config) {
			config.NextProtos = strings.Fields(offered)
		})
		if err != nil || secure.ConnectionState().NegotiatedProtocol != want {
			t.Errorf("%q: %v, want %q", offered, err, want)
		}
	}
}

// closeNotify: a clean end is said to be one, and a broken answer is not.
func (s *suite) closeNotify(t *testing.T) {
	r := start(t, s, func(l *netloop.Limits) { l.IdleTimeout = 300 * time.Millisecond })
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		for _, prefix := range []string{"", "/inline"} {
			for _, path := range []string{"/close", "/x", "/refuse"} { // /x: an idle end
				c, records := r.dialRecords(t, version)
				c.send(get(prefix + path))
				if resp, _ := c.answer("GET"); resp.StatusCode != 200 && path != "/refuse" {
					t.Errorf("%d", resp.StatusCode)
				}
				if kind, data, err := records.next(); err != nil || kind != recordAlert ||
					!bytes.Equal(data, []byte{1, 0}) {
					t.Errorf("%x, %s%s: %d %x, %v", version, prefix, path, kind, data, err)
				}
			}
			for _, path := range []string{"/abort", "/abort?declared", "/short", "/short?nothing"} {
				c, _ := r.dialRecords(t, version)
				c.send(get(prefix + path))
				if _, err := io.ReadAll(c.in); err == nil || isTimeout(err) {
					t.Errorf("%x, %s%s ended cleanly: %v", version, prefix, path, err)
				}
			}
		}
	}
}

// slowHandshake: whoever does not get on with it is cut, whatever was sent.
func (s *suite) slowHandshake(t *testing.T) {
	const limit = time.Second // in which the good client below has to shake hands
	r := start(t, s, func(l *netloop.Limits) { l.HeadTimeout, l.IdleTimeout = limit, limit })
	hello := clientHello(t, r.tls)
	begin := time.Now()
	var all []*client
	for _, sent := range []string{"", "\x16", hello[:5], hello[:len(hello)/2], hello} {
		c := r.raw(t)
		c.send(sent)
		all = append(all, c)
	}
	record, _, err := r.secureWith(t, func(*tls.Config) {}) // half a record is no idle time
	if err != nil {
		t.Fatal(err)
	}
	record.stream.(*secureStream).tcp.Write([]byte("\x17\x03\x03\x01\x00abc"))
	all = append(all, record)
	for _, c := range all {
		if _, err := io.ReadAll(c.in); isTimeout(err) {
			t.Error("the connection stays open")
		}
	}
	if took := time.Since(begin); took < limit/2 || took > 5*time.Second {
		t.Errorf("took %v", took)
	}
	s.wait(t, "the connections to end", func() bool { return r.server.Stats().Connections == 0 })
}

// clientHello is the first record of a client.
func clientHello(t *testing.T, config *tls.Config) string {
	t.Helper()
	ours, theirs := net.Pipe()
	go func() {
		_ = tls.Client(theirs, config).Handshake()
		_ = theirs.Close()
	}()
	defer ours.Close()
	hello := make([]byte, 16<<10)
	n, err := ours.Read(hello)
	if err != nil {
		t.Fatal(err)
	}
	return string(hello[:n])
}

// oneFlight: the first request comes with the end of the handshake, so that no event tells of it.
func (s *suite) oneFlight(t *testing.T) {
	r := start(t, s, nil)
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		for _, path := range []string{"/x", "/inline/x"} {
			c := r.raw(t)
			config := r.tls.Clone()
			config.MinVersion, config.MaxVersion = version, version
			held := &holding{Conn: c.stream}
			secure := tls.Client(held, config)
			if err := secure.Handshake(); err != nil {
				t.Fatal(err)
			}
			c.in = newReader(secure)
			if _, err := io.WriteString(secure, get(path)+get("/next")); err != nil {
				t.Fatal(err)
			}
			c.want(200, path)
			c.want(200, "/next")
		}
	}
}

// holding keeps what is written until the answer is wanted.
type holding struct {
	net.Conn
	held []byte
}

func (h *holding) Write(p []byte) (int, error) {
	h.held = append(h.held, p...)
	return len(p), nil
}

func (h *holding) Read(p []byte) (int, error) {
	if _, err := h.Conn.Write(h.held); err != nil {
		return 0, err
	}
	h.held = nil
	return h.Conn.Read(p)
}

// keyUpdates: the client wants new keys at any time, also while an answer is stuck.
func (s *suite) keyUpdates(t *testing.T) {
	r := start(t, s, nil)
	c, records := r.dialRecords(t, tls.VersionTLS13)
	if err := c.SetReadBuffer(64 << 10); err != nil {
		t.Fatal(err)
	}
	update := func() {
		if err := records.updateKey(); err != nil {
			t.Fatal(err)
		}
	}
	for _, prefix := range []string{"", "/inline"} {
		update()
		c.send(get(prefix + "/x"))
		c.want(200, prefix+"/x")
		c.send(get(prefix + "/size?" + strconv.Itoa(6<<20)))
		update()
		c.send(get(prefix + "/y")[:10])
		update()
		c.send(get(prefix + "/y")[10:])
		c.want(200, string(pattern(6<<20)))
		c.want(200, prefix+"/y")
		c.send("PUT /body HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\n12345")
		update()
		c.send("67890")
		c.want(200, "10")
	}
	if records.updates != 8 {
		t.Errorf("%d answers to 8 updates", records.updates)
	}
}

// renegotiation is refused, and what was asked behind it is not answered.
func (s *suite) renegotiation(t *testing.T) {
	r := start(t, s, nil)
	c, records := r.dialRecords(t, tls.VersionTLS12)
	c.send(get("/x"))
	c.want(200, "/x")
	if err := records.record(recordHandshake, records.hello); err != nil {
		t.Fatal(err)
	}
	_, _ = io.WriteString(c, get("/smuggled")) // it may be closed already
	if answer, err := io.ReadAll(c.in); len(answer) > 0 || isTimeout(err) {
		t.Errorf("%q, %v", answer, err)
	}
	if n := r.handler.calls.Load(); n != 1 {
		t.Errorf("%d calls", n)
	}
}

// broken records end a connection, and nothing in or behind them is a request.
func (s *suite) brokenRecord(t *testing.T) {
	r := start(t, s, nil)
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		c, records := r.dialRecords(t, version)
		record := records.out.seal(recordApplication, []byte(get("/smuggled")))
		record[len(record)-1] ^= 1
		_, _ = records.TCPConn.Write(record)
		_, _ = io.WriteString(c, get("/smuggled"))
		if answer, err := io.ReadAll(c.in); len(answer) > 0 || isTimeout(err) {
			t.Errorf("%q, %v", answer, err)
		}
	}
	if n := r.handler.calls.Load(); n != 0 {
		t.Errorf("%d calls", n)
	}
}

// shutdownShaking: a handshake that does not get on holds no shutdown up.
func (s *suite) shutdownShaking(t *testing.T) {
	if s.traits.NetHTTP {
		t.Skip("net/http waits for handshakes")
	}
	r := start(t, s, nil)
	hello := clientHello(t, r.tls)
	for _, sent := range []string{"", hello[:10], hello} {
		r.raw(t).send(sent)
	}
	c := r.raw(t) // this one is surely in the middle
	c.send(hello)
	if _, err := c.in.Peek(recordHeaderBytes); err != nil {
		t.Fatal(err)
	}
	s.wait(t, "the connections", func() bool { return r.server.Stats().Connections == 4 })
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second) // half a HeadTimeout
	defer cancel()
	if err := r.server.Shutdown(ctx); errors.Is(err, context.DeadlineExceeded) {
		t.Error("the shutdown waits for a handshake")
	}
}
