package e2e

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awscredentials "github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// certificates are pairs that a server may show, and clients that trust all of them.
type certificates struct {
	t     *testing.T
	dir   string // the server's --certs-dir
	roots *x509.CertPool
}

func newCertificates(t *testing.T) *certificates {
	return &certificates{t: t, dir: t.TempDir(), roots: x509.NewCertPool()}
}

// pair is the text of both files.
type pair struct{ certificate, key []byte }

func (c *certificates) make(serial int64) pair {
	c.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		c.t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(serial),
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		c.t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		c.t.Fatal(err)
	}
	p := pair{pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
		pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8})}
	c.roots.AppendCertsFromPEM(p.certificate)
	return p
}

func (c *certificates) write(name string, text []byte) {
	c.t.Helper()
	if err := os.WriteFile(filepath.Join(c.dir, name), text, 0o600); err != nil {
		c.t.Fatal(err)
	}
}

func (c *certificates) install(p pair) {
	c.t.Helper()
	c.write("public.crt", p.certificate)
	c.write("private.key", p.key)
}

// server prepares one that shows a certificate.
func (c *certificates) server(args ...string) *server {
	c.t.Helper()
	s := newServer(c.t, 4, append([]string{"--certs-dir", c.dir}, args...)...)
	s.trust = &tls.Config{RootCAs: c.roots}
	return s
}

// serial is that of the certificate which the server shows.
func (c *certificates) serial(s *server) int64 {
	c.t.Helper()
	conn, err := tls.Dial("tcp", strings.TrimPrefix(s.base, "https://"), s.trust)
	if err != nil {
		c.t.Fatal(err)
	}
	defer conn.Close()
	return conn.ConnectionState().PeerCertificates[0].SerialNumber.Int64()
}

// TestHTTPS: S3 over TLS, by every server; nethttp speaks HTTP/2 to who asks for it.
func TestHTTPS(t *testing.T) {
	for netloop, major := range map[string]int{"epoll": 1, "netconn": 1, "nethttp": 2} {
		t.Run(netloop, func(t *testing.T) {
			c := newCertificates(t)
			c.install(c.make(1))
			s := c.server("--netloop", netloop).start()
			s.must(t, http.StatusOK, request{method: "PUT", path: "/tls"})
			for i, size := range []int64{0, 1, 70_000, stripeBytes + 1} {
				secureObject(t, s, content{uint64(i), size}, major)
			}
			secureMultipart(t, s)
			secureSDK(t, s)

			log := s.log()
			if !strings.Contains(log, "address=https://") || !strings.Contains(log, "tls=on") ||
				!strings.Contains(log, `msg="certificate read"`) {
				t.Errorf("the log does not say what is on:\n%s", log)
			}
			doc := s.status()
			if doc.TLS.Active != "on" || doc.TLS.Handshakes == 0 || doc.TLS.Expires.IsZero() {
				t.Errorf("%+v", doc.TLS)
			}
			plain, err := http.Get("http" + strings.TrimPrefix(s.base, "https"))
			if err != nil {
				t.Fatal(err)
			}
			if answer, err := readAnswer(plain); err != nil || answer.status != 400 ||
				!bytes.Contains(answer.body, []byte("HTTPS")) {
				t.Errorf("plain HTTP: %v, %v", answer, err)
			}
			s.stop()
		})
	}
}

// secureObject puts an object and reads it, whole and in part.
func secureObject(t *testing.T, s *server, data content, major int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), callMax)
	defer cancel()
	a := s.must(t, http.StatusOK, request{method: "PUT", path: "/tls/k", stream: data.reader(),
		streamBytes: data.sizeBytes})
	if a.etag() != data.etag() {
		t.Errorf("%d bytes: ETag %s", data.sizeBytes, a.etag())
	}
	res, err := s.open(ctx, request{method: "GET", path: "/tls/k"})
	if err != nil {
		t.Fatal(err)
	}
	if res.ProtoMajor != major {
		t.Errorf("%s, want HTTP/%d", res.Proto, major)
	}
	if err := errors.Join(data.verify(res.Body, 0, data.sizeBytes), res.Body.Close()); err != nil {
		t.Errorf("%d bytes: %v", data.sizeBytes, err)
	}
	for _, r := range [][2]int64{{0, 1}, {data.sizeBytes / 3, data.sizeBytes / 2},
		{data.sizeBytes - 1, 1}} {
		if first, length := r[0], r[1]; first >= 0 && length > 0 && first+length <= data.sizeBytes {
			a := s.must(t, http.StatusPartialContent, request{method: "GET", path: "/tls/k",
				header: map[string]string{"Range": fmt.Sprintf("bytes=%d-%d", first, first+length-1)}})
			if !bytes.Equal(a.body, data.slice(first, length)) {
				t.Errorf("range %d+%d: %d other bytes", first, length, len(a.body))
			}
		}
	}
}

// secureMultipart uploads two parts; what the server calls the object begins with https.
func secureMultipart(t *testing.T, s *server) {
	t.Helper()
	whole := content{77, partBytes + 1000}
	id := uploadID(s.must(t, http.StatusOK, request{method: "POST", path: "/tls/m",
		query: url.Values{"uploads": {""}}}))
	var tags []string
	for i, size := range []int64{partBytes, 1000} {
		a := s.must(t, http.StatusOK, request{method: "PUT", path: "/tls/m",
			query: url.Values{"uploadId": {id}, "partNumber": {fmt.Sprint(i + 1)}},
			body:  whole.slice(int64(i)*partBytes, size)})
		tags = append(tags, a.etag())
	}
	a := s.must(t, http.StatusOK, request{method: "POST", path: "/tls/m",
		query: url.Values{"uploadId": {id}}, body: completeXML(tags)})
	if !bytes.Contains(a.body, []byte("<Location>https://")) {
		t.Errorf("%s", a)
	}
	got := s.must(t, http.StatusOK, request{method: "GET", path: "/tls/m"})
	if !bytes.Equal(got.body, whole.bytes()) {
		t.Errorf("%d bytes of the upload are others", len(got.body))
	}
}

// secureSDK lets the SDK of AWS go through a multipart upload.
func secureSDK(t *testing.T, s *server) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), callMax)
	defer cancel()
	sdk := s3.New(s3.Options{Region: "us-east-1", BaseEndpoint: aws.String(s.base),
		UsePathStyle: true, HTTPClient: &http.Client{Transport: s.transport},
		Credentials: awscredentials.NewStaticCredentialsProvider(rootUser, rootPassword, "")})
	awsMultipart(t, ctx, sdk, aws.String("tls"))
}

// TestCertificateReload: a new pair is shown soon, a broken one is not, and no request fails.
func TestCertificateReload(t *testing.T) {
	t.Parallel() // it waits for intervals
	c := newCertificates(t)
	pairs := []pair{c.make(1), c.make(2), c.make(3)}
	c.install(pairs[0])
	s := c.server().start()
	s.must(t, http.StatusOK, request{method: "PUT", path: "/tls"})
	var stop atomic.Bool
	var load sync.WaitGroup
	var requests atomic.Int64
	for i := range 4 {
		client := newClient(s.base)
		client.transport.TLSClientConfig = s.trust
		client.transport.DisableKeepAlives = i%2 == 0 // a handshake for each request
		defer client.transport.CloseIdleConnections()
		load.Go(func() {
			for n := uint64(0); !stop.Load(); n++ {
				if err := putAndGet(client, fmt.Sprintf("/tls/k%d", i), content{n, 20_000}); err != nil {
					t.Errorf("client %d, object %d: %v", i, n, err)
					return
				}
				requests.Add(2)
			}
		})
	}
	defer load.Wait()
	defer stop.Store(true)
	await := func(what string, done func() bool) {
		t.Helper()
		before := requests.Load()
		for end := time.Now().Add(readyMax); !done() || requests.Load() < before+20; {
			if time.Now().After(end) {
				t.Fatalf("waited in vain for %s\n%s", what, s.log())
			}
			time.Sleep(pollWait)
		}
	}
	if n := c.serial(s); n != 1 {
		t.Fatalf("certificate %d, want 1", n)
	}
	c.install(pairs[1])
	await("the second", func() bool { return c.serial(s) == 2 })
	c.write("private.key", pairs[2].key)
	await("a complaint", func() bool { return strings.Contains(s.log(), "stays in use") })
	if n := c.serial(s); n != 2 {
		t.Errorf("certificate %d, want 2: what is in the directory does not match", n)
	}
	c.write("public.crt", pairs[2].certificate)
	await("the third", func() bool { return c.serial(s) == 3 })
	stop.Store(true)
	load.Wait()
	if n := strings.Count(s.log(), `msg="certificate changed"`); n != 2 {
		t.Errorf("the log tells of %d changes, want 2:\n%s", n, s.log())
	}
	s.stop()
}

func putAndGet(c *client, path string, data content) error {
	a, err := c.do(request{method: "PUT", path: path, body: data.bytes()})
	if err == nil && a.status == http.StatusOK {
		a, err = c.do(request{method: "GET", path: path})
	}
	switch {
	case err != nil:
		return err
	case a.status != http.StatusOK:
		return errors.New(a.String())
	case !bytes.Equal(a.body, data.bytes()):
		return fmt.Errorf("%d other bytes", len(a.body))
	}
	return nil
}

// TestCertificateMissing: the server says what to put where, and makes no drive.
func TestCertificateMissing(t *testing.T) {
	c := newCertificates(t)
	s := c.server()
	code, said := s.refused()
	if code != 2 || !strings.Contains(said, "public.crt") || !strings.Contains(said, "private.key") ||
		!strings.Contains(said, "certs_dir "+c.dir) {
		t.Errorf("exit %d\n%s", code, said)
	}
	if _, err := os.Stat(s.drives[0]); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a drive was made: %v", err)
	}
}

// TestAdminOverTLS: the operator's command trusts what it is told to trust.
func TestAdminOverTLS(t *testing.T) {
	c := newCertificates(t)
	c.install(c.make(1))
	s := c.server().start()
	args := []string{"admin", "status", "--server", s.base}
	if code, said := flashstore(t, s.env, args...); code != 1 ||
		!strings.Contains(said, "SSL_CERT_FILE") {
		t.Errorf("exit %d\n%s", code, said)
	}
	env := append([]string{"SSL_CERT_FILE=" + filepath.Join(c.dir, "public.crt")}, s.env...)
	if code, said := flashstore(t, env, args...); code != 0 || !strings.Contains(said, `"active": "on"`) {
		t.Errorf("exit %d\n%s", code, said)
	}
	s.stop()
}
