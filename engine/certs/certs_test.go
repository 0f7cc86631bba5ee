package certs

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"log/slog"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// pair is the text of both files.
type pair struct{ certificate, key []byte }

func newPair(t *testing.T, serial int64, until time.Time) pair {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(serial), DNSNames: []string{"s3.local"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: until}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return pair{pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
		pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8})}
}

func write(t *testing.T, dir, name string, text []byte) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
		t.Fatal(err)
	}
}

func (p pair) write(t *testing.T, dir string) {
	t.Helper()
	write(t, dir, CertificateFile, p.certificate)
	write(t, dir, KeyFile, p.key)
}

func shown(t *testing.T, p *Pair) int64 {
	t.Helper()
	c, err := p.Config().GetCertificate(nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := x509.ParseCertificate(c.Certificate[0]); err != nil {
		t.Fatal(err)
	}
	return c.Leaf.SerialNumber.Int64()
}

// TestChanges: a pair that fits is taken, one that does not is refused once, and neither before
// two looks have found it.
func TestChanges(t *testing.T) {
	later := time.Now().Add(time.Hour)
	first, second := newPair(t, 1, later), newPair(t, 2, later)
	past := newPair(t, 3, time.Now().Add(-time.Minute))
	dir := t.TempDir()
	first.write(t, dir)
	var said bytes.Buffer
	p, err := open(dir, slog.New(slog.NewTextHandler(&said, nil)), time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	step := func(what string, serial int64, says string, looks int) {
		t.Helper()
		for range looks {
			p.look()
		}
		if got := shown(t, p); got != serial {
			t.Errorf("%s: certificate %d, want %d", what, got, serial)
		}
		if text := said.String(); strings.Contains(text, "level=") != (says != "") ||
			!strings.Contains(text, says) {
			t.Errorf("%s: %q is said, want %q", what, text, says)
		}
		said.Reset()
	}
	step("the start", 1, "certificate read", 0)
	step("nothing new", 1, "", 3)
	write(t, dir, CertificateFile, second.certificate)
	step("one file is new", 1, "", 1)
	write(t, dir, KeyFile, second.key)
	step("so is the other", 1, "", 1)
	step("both stay", 2, "certificate changed", 1)
	write(t, dir, KeyFile, first.key)
	step("a key of another", 2, "does not match", 2)
	step("it is not said again", 2, "", 5)
	write(t, dir, KeyFile, []byte("nothing"))
	step("no PEM", 2, "stays in use", 2)
	if err := os.Remove(filepath.Join(dir, KeyFile)); err != nil {
		t.Fatal(err)
	}
	step("no key", 2, "no such file", 2)
	first.write(t, dir)
	step("the first again", 1, "certificate changed", 2)
	past.write(t, dir)
	step("one of the past", 3, "not valid now", 2)
	write(t, dir, KeyFile, make([]byte, fileBytesMax+1))
	step("too long", 3, "more than", 2)
}

func TestWatch(t *testing.T) {
	dir := t.TempDir()
	newPair(t, 1, time.Now().Add(time.Hour)).write(t, dir)
	p, err := open(dir, slog.New(slog.DiscardHandler), time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	newPair(t, 2, time.Now().Add(time.Hour)).write(t, dir)
	for end := time.Now().Add(10 * time.Second); shown(t, p) != 2; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("the change is not seen")
		}
	}
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	if p.Leaf().SerialNumber.Int64() != 2 || p.Config().MinVersion != tls.VersionTLS12 {
		t.Errorf("%+v", p.Config())
	}
}

func TestOpenSaysWhatIsMissing(t *testing.T) {
	dir := t.TempDir()
	for _, want := range []string{CertificateFile, KeyFile, "PEM"} {
		if _, err := Open(dir, slog.New(slog.DiscardHandler)); err == nil ||
			!strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), dir) {
			t.Errorf("%v, want %s", err, want)
		}
	}
}
