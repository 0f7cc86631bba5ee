package certs

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Names of the files in the directory.
const (
	CertificateFile = "public.crt"  // PEM: the certificate, then those that lead to its root
	KeyFile         = "private.key" // PEM: its key, not encrypted
)

const (
	// lookEvery is how often the files are looked at. They are small, and reading them is surer
	// than their times: a link may be turned, a clock may stand still.
	lookEvery    = time.Second
	fileBytesMax = 1 << 20
)

// Pair is a certificate and its key. Safe for concurrent use.
type Pair struct {
	dir     string
	log     *slog.Logger
	current atomic.Pointer[tls.Certificate]

	// Of who looks.
	judged  files // that were read into current, or refused
	pending files // of the latest look, if they differ

	stop    func()
	stopped chan struct{}
}

// files is what one look found.
type files struct {
	certificate, key []byte
	fault            string // why they could not be read
}

// Open reads the pair in dir and goes on looking after it until Close. What it has to say later
// goes to log.
func Open(dir string, log *slog.Logger) (*Pair, error) { return open(dir, log, lookEvery) }

func open(dir string, log *slog.Logger, every time.Duration) (*Pair, error) {
	p := &Pair{dir: dir, log: log, judged: read(dir), stopped: make(chan struct{})}
	certificate, err := p.judged.parse()
	if err != nil {
		return nil, fmt.Errorf("%w; %s is to be the certificate with its chain and %s its key, "+
			"both PEM, the key not encrypted", err, filepath.Join(dir, CertificateFile), KeyFile)
	}
	p.use("certificate read", certificate)
	quit := make(chan struct{})
	p.stop = sync.OnceFunc(func() { close(quit) })
	go p.watch(every, quit)
	return p, nil
}

// Config is for servers: TLS 1.2 and 1.3, with the certificate of the moment.
func (p *Pair) Config() *tls.Config {
	return &tls.Config{MinVersion: tls.VersionTLS12,
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
			return p.current.Load(), nil
		}}
}

// Leaf is the certificate that is shown.
func (p *Pair) Leaf() *x509.Certificate { return p.current.Load().Leaf }

// Close ends the looking.
func (p *Pair) Close() error {
	p.stop()
	<-p.stopped
	return nil
}

func (p *Pair) watch(every time.Duration, quit <-chan struct{}) {
	defer close(p.stopped)
	clock := time.NewTicker(every)
	defer clock.Stop()
	for {
		select {
		case <-clock.C:
			p.look()
		case <-quit:
			return
		}
	}
}

// look judges what has changed, once it does not change any more.
func (p *Pair) look() {
	found := read(p.dir)
	switch {
	case found.equal(&p.judged):
		p.pending = files{}
	case !found.equal(&p.pending):
		p.pending = found
	default:
		p.judged, p.pending = found, files{}
		certificate, err := found.parse()
		if err != nil {
			p.log.Error("the new certificate cannot be used, the one before stays in use: "+
				"put a pair that matches into the directory", "directory", p.dir, "reason", err,
				"in_use_expires", p.Leaf().NotAfter)
			return
		}
		p.use("certificate changed", certificate)
	}
}

func (p *Pair) use(event string, certificate *tls.Certificate) {
	p.current.Store(certificate)
	leaf := certificate.Leaf
	say := p.log.Info
	if now := time.Now(); now.After(leaf.NotAfter) || now.Before(leaf.NotBefore) {
		say, event = p.log.Warn, event+", and clients will refuse it: it is not valid now"
	}
	names := leaf.DNSNames
	for _, ip := range leaf.IPAddresses {
		names = append(names[:len(names):len(names)], ip.String())
	}
	say(event, "directory", p.dir, "names", strings.Join(names, ","), "serial",
		leaf.SerialNumber.Text(16), "valid_from", leaf.NotBefore, "expires", leaf.NotAfter)
}

func read(dir string) (f files) {
	var errs [2]error
	f.certificate, errs[0] = readFile(filepath.Join(dir, CertificateFile))
	f.key, errs[1] = readFile(filepath.Join(dir, KeyFile))
	if err := errors.Join(errs[:]...); err != nil {
		f.fault = strings.ReplaceAll(err.Error(), "\n", "; ")
	}
	return f
}

func readFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, fileBytesMax+1))
	if err == nil && len(text) > fileBytesMax {
		err = fmt.Errorf("%s has more than %d bytes", path, fileBytesMax)
	}
	return text, err
}

func (f *files) equal(other *files) bool {
	return f.fault == other.fault && bytes.Equal(f.certificate, other.certificate) &&
		bytes.Equal(f.key, other.key)
}

func (f *files) parse() (*tls.Certificate, error) {
	if f.fault != "" {
		return nil, errors.New(f.fault)
	}
	certificate, err := tls.X509KeyPair(f.certificate, f.key)
	if err != nil {
		return nil, err
	}
	return &certificate, nil
}
