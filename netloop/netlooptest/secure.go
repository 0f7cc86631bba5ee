package netlooptest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"net"
	"testing"
	"time"
)

// Identity is what a server shows, and clients that trust it.
type Identity struct{ Server, Client *tls.Config }

// NewIdentity makes a key and a certificate for 127.0.0.1.
func NewIdentity(t testing.TB) *Identity {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1),
		Subject:   pkix.Name{CommonName: "netlooptest"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(certificate)
	return &Identity{
		Server: &tls.Config{Certificates: []tls.Certificate{
			{Certificate: [][]byte{der}, PrivateKey: key, Leaf: certificate}}},
		// Resumed as clients do: a handshake without certificates in most conversations.
		Client: &tls.Config{RootCAs: roots, ServerName: "127.0.0.1",
			ClientSessionCache: tls.NewLRUClientSessionCache(8)},
	}
}

// secureStream is the client's end of a TLS connection. The handshake comes with the first use.
type secureStream struct {
	*tls.Conn
	tcp *net.TCPConn
}

func newSecureStream(tcp *net.TCPConn, config *tls.Config) *secureStream {
	return &secureStream{tls.Client(&pieces{TCPConn: tcp, next: tcp.LocalAddr().(*net.TCPAddr).Port},
		config), tcp}
}

func (s *secureStream) SetLinger(seconds int) error   { return s.tcp.SetLinger(seconds) }
func (s *secureStream) SetReadBuffer(bytes int) error { return s.tcp.SetReadBuffer(bytes) }

// piecesBytes is up to where a write is cut into pieces: whole bodies would take too long.
const piecesBytes = 1 << 10

// pieces sends short writes in pieces of 1 to 7 bytes, so that a server sees records in all
// states of completeness.
type pieces struct {
	*net.TCPConn
	next int
}

func (p *pieces) Write(b []byte) (int, error) {
	if len(b) > piecesBytes {
		return p.TCPConn.Write(b)
	}
	done := 0
	for done < len(b) {
		p.next = p.next*5 + 3 // all residues, in an order that the first decides
		n, err := p.TCPConn.Write(b[done:min(len(b), done+1+p.next&0xffff%7)])
		done += n
		if err != nil {
			return done, err
		}
	}
	return done, nil
}
