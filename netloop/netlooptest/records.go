package netlooptest

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/tls"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"
)

// Types of TLS records (RFC 8446, section 5.1).
const (
	recordAlert       = 21
	recordHandshake   = 22
	recordApplication = 23
	recordHeaderBytes = 5
)

// recordStream is a TLS connection after its handshake whose records are made here: a client of
// the standard library goes through the handshake, and cannot be made to say what a server must
// be able to hear later. It knows TLS_AES_128_GCM_SHA256 of TLS 1.3 and
// TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256 of TLS 1.2.
type recordStream struct {
	*net.TCPConn
	t       *testing.T
	hello   []byte // the message ClientHello, without its record's header
	in, out direction
	data    []byte // decrypted and not read yet
	updates int    // KeyUpdates that came
}

// direction protects one direction.
type direction struct {
	tls13  bool
	secret []byte // of TLS 1.3
	aead   cipher.AEAD
	iv     []byte
	number uint64 // of the next record
}

// dialRecords goes through the handshake of that version.
func (r *running) dialRecords(t *testing.T, version uint16) (*client, *recordStream) {
	t.Helper()
	conn, err := net.Dial("tcp", r.address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(hang)); err != nil {
		t.Fatal(err)
	}
	tap := &tap{Conn: conn}
	var keys bytes.Buffer
	config := r.tls.Clone()
	config.ClientSessionCache = nil // no ticket comes, then
	config.MinVersion, config.MaxVersion, config.KeyLogWriter = version, version, &keys
	config.CipherSuites = []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256}
	secure := tls.Client(tap, config)
	if err := secure.Handshake(); err != nil {
		t.Fatal(err)
	}
	suite := secure.ConnectionState().CipherSuite
	if version == tls.VersionTLS13 && suite != tls.TLS_AES_128_GCM_SHA256 {
		t.Skipf("the server chose %s", tls.CipherSuiteName(suite))
	}
	s := &recordStream{TCPConn: conn.(*net.TCPConn), t: t, hello: tap.hello}
	if version == tls.VersionTLS13 {
		s.out.follow(logged(t, &keys, "CLIENT_TRAFFIC_SECRET_0"))
		s.in.follow(logged(t, &keys, "SERVER_TRAFFIC_SECRET_0"))
	} else {
		s.derive12(logged(t, &keys, "CLIENT_RANDOM"), tap)
	}
	return &client{t: t, stream: s, in: newReader(s)}, s
}

// tap notes what passes in a handshake.
type tap struct {
	net.Conn
	hello, answer []byte // ClientHello, and whatever came
}

func (c *tap) Write(p []byte) (int, error) {
	if c.hello == nil {
		c.hello = bytes.Clone(p[recordHeaderBytes:])
	}
	return c.Conn.Write(p)
}

func (c *tap) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.answer = append(c.answer, p[:n]...)
	return n, err
}

// logged finds a secret in a key log (NSS format).
func logged(t *testing.T, log *bytes.Buffer, label string) []byte {
	t.Helper()
	for line := range strings.Lines(log.String()) {
		if f := strings.Fields(line); f[0] == label {
			secret, err := hex.DecodeString(f[2])
			if err != nil {
				t.Fatal(err)
			}
			return secret
		}
	}
	t.Fatalf("no %s in %q", label, log)
	return nil
}

// follow takes a traffic secret of TLS 1.3 (RFC 8446, sections 7.1 to 7.3).
func (d *direction) follow(secret []byte) {
	d.tls13, d.secret, d.number = true, secret, 0
	d.set(expand(secret, "key", 16), expand(secret, "iv", 12))
}

func (d *direction) set(key, iv []byte) {
	block, err := aes.NewCipher(key)
	if err == nil {
		d.aead, err = cipher.NewGCM(block)
	}
	if err != nil {
		panic(err) // a key of another length
	}
	d.iv = iv
}

func expand(secret []byte, label string, bytes int) []byte {
	label = "tls13 " + label
	info := string([]byte{0, byte(bytes), byte(len(label))}) + label + "\x00"
	out, err := hkdf.Expand(sha256.New, secret, info, bytes)
	if err != nil {
		panic(err) // more than SHA-256 can give
	}
	return out
}

// derive12 makes the keys of TLS 1.2 (RFC 5246, section 6.3; RFC 5288).
func (s *recordStream) derive12(master []byte, tap *tap) {
	clientRandom := tap.hello[6:38]   // after type, length, version
	serverRandom := tap.answer[11:43] // and the header of the record
	seed := append([]byte("key expansion"), serverRandom...)
	seed = append(seed, clientRandom...)
	mac := func(data ...[]byte) []byte {
		h := hmac.New(sha256.New, master)
		for _, d := range data {
			h.Write(d)
		}
		return h.Sum(nil)
	}
	var block []byte
	for a := mac(seed); len(block) < 40; a = mac(a) {
		block = append(block, mac(a, seed)...)
	}
	s.out.set(block[:16], block[32:36])
	s.in.set(block[16:32], block[36:40])
	s.out.number, s.in.number = 1, 1 // Finished was the first
}

// seal makes a record.
func (d *direction) seal(kind byte, data []byte) []byte {
	number := binary.BigEndian.AppendUint64(nil, d.number)
	d.number++
	if d.tls13 {
		data = append(bytes.Clone(data), kind)
		header := recordHeader(recordApplication, len(data)+d.aead.Overhead())
		return d.aead.Seal(header, d.nonce(number), data, header)
	}
	out := append(recordHeader(kind, 8+len(data)+d.aead.Overhead()), number...)
	extra := append(number[:8:8], recordHeader(kind, len(data))...)
	return d.aead.Seal(out, append(d.iv[:4:4], number...), data, extra)
}

func recordHeader(kind byte, bytes int) []byte {
	return []byte{kind, 3, 3, byte(bytes >> 8), byte(bytes)}
}

// nonce is that of TLS 1.3.
func (d *direction) nonce(number []byte) []byte {
	nonce := bytes.Clone(d.iv)
	for i, b := range number {
		nonce[4+i] ^= b
	}
	return nonce
}

// open takes a record apart.
func (d *direction) open(header, body []byte) (kind byte, data []byte, err error) {
	number := binary.BigEndian.AppendUint64(nil, d.number)
	d.number++
	if d.tls13 {
		data, err = d.aead.Open(nil, d.nonce(number), body, header)
		if err != nil {
			return 0, nil, err
		}
		data = bytes.TrimRight(data, "\x00")
		return data[len(data)-1], data[:len(data)-1], nil
	}
	plain := len(body) - 8 - d.aead.Overhead()
	extra := append(number, recordHeader(header[0], plain)...)
	data, err = d.aead.Open(nil, append(d.iv[:4:4], body[:8]...), body[8:], extra)
	return header[0], data, err
}

// Write sends data in one record.
func (s *recordStream) Write(p []byte) (int, error) {
	return len(p), s.record(recordApplication, p)
}

func (s *recordStream) record(kind byte, data []byte) error {
	_, err := s.TCPConn.Write(s.out.seal(kind, data))
	return err
}

// updateKey asks the server for new keys too, and changes ours.
func (s *recordStream) updateKey() error {
	_, err := s.TCPConn.Write(s.keyUpdate())
	return err
}

// keyUpdate is the record with which our keys change (RFC 8446, section 4.6.3).
func (s *recordStream) keyUpdate() []byte {
	record := s.out.seal(recordHandshake, []byte{24, 0, 0, 1, 1})
	s.out.follow(expand(s.out.secret, "traffic upd", 32))
	return record
}

// Read reads data, and follows what the server says besides.
func (s *recordStream) Read(p []byte) (int, error) {
	for len(s.data) == 0 {
		kind, data, err := s.next()
		switch {
		case err != nil:
			return 0, err
		case kind == recordApplication:
			s.data = data
		case kind == recordAlert && data[1] == 0:
			return 0, io.EOF
		case kind == recordAlert:
			return 0, fmt.Errorf("alert %d", data[1])
		case kind == recordHandshake && s.in.tls13 && bytes.Equal(data, []byte{24, 0, 0, 1, 0}):
			s.updates++
			s.in.follow(expand(s.in.secret, "traffic upd", 32))
		default:
			return 0, fmt.Errorf("record of type %d: %x", kind, data)
		}
	}
	n := copy(p, s.data)
	s.data = s.data[n:]
	return n, nil
}

func (s *recordStream) next() (kind byte, data []byte, err error) {
	var header [recordHeaderBytes]byte
	if _, err := io.ReadFull(s.TCPConn, header[:]); err != nil {
		return 0, nil, err
	}
	body := make([]byte, binary.BigEndian.Uint16(header[3:]))
	if _, err := io.ReadFull(s.TCPConn, body); err != nil {
		return 0, nil, err
	}
	return s.in.open(header[:], body)
}
