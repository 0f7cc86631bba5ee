package e2e

import (
	"bytes"
	"context"
	"crypto/md5"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

const (
	unsigned = "UNSIGNED-PAYLOAD"
	callMax  = 60 * time.Second
)

// client sends single requests and retries nothing, so that a test sees each answer.
type client struct {
	base      string // http://host:port
	transport *http.Transport
	who       aws.Credentials
	now       func() time.Time
}

// host is host:port of the server, without TLS.
func (c *client) host() string { return strings.TrimPrefix(c.base, "http://") }

func newClient(base string) *client {
	return &client{base: base, transport: &http.Transport{MaxIdleConnsPerHost: 64,
		DisableCompression: true, ForceAttemptHTTP2: true}, now: time.Now,
		who: aws.Credentials{AccessKeyID: rootUser, SecretAccessKey: rootPassword}}
}

// request is what a test wants to ask. Path starts with a slash and is not escaped yet.
type request struct {
	method, path string
	query        url.Values
	header       map[string]string
	body         []byte
	stream       io.Reader // instead of body, unsigned
	streamBytes  int64
}

// answer is a response whose body was read to its end.
type answer struct {
	status int
	header http.Header
	body   []byte
	code   string // of the S3 error in body
}

func (a *answer) etag() string { return strings.Trim(a.header.Get("ETag"), `"`) }

// String is for messages of failed tests.
func (a *answer) String() string {
	return fmt.Sprintf("%d %s %.300s", a.status, a.code, a.body)
}

// build makes a signed request.
func (c *client) build(ctx context.Context, r request) (*http.Request, error) {
	var body io.Reader
	length, hash := int64(len(r.body)), unsigned
	if r.stream != nil && r.streamBytes > 0 { // Go sends a reader of length 0 in chunks
		body, length = r.stream, r.streamBytes
	} else {
		sum := sha256.Sum256(r.body)
		hash = hex.EncodeToString(sum[:])
		if len(r.body) > 0 {
			body = bytes.NewReader(r.body)
		}
	}
	req, err := http.NewRequestWithContext(ctx, r.method, c.base+"/", body)
	if err != nil {
		return nil, err
	}
	req.ContentLength = length
	req.URL.Path, req.URL.RawPath = r.path, escapePath(r.path)
	req.URL.RawQuery = strings.ReplaceAll(r.query.Encode(), "+", "%20")
	for name, value := range r.header {
		req.Header.Set(name, value)
	}
	if given := req.Header.Get("X-Amz-Content-Sha256"); given != "" {
		hash = given
	}
	req.Header.Set("X-Amz-Content-Sha256", hash)
	err = v4.NewSigner(func(o *v4.SignerOptions) { o.DisableURIPathEscaping = true }).SignHTTP(
		ctx, c.who, req, hash, "s3", "us-east-1", c.now())
	return req, err
}

// open sends a request and returns its response with an unread body.
func (c *client) open(ctx context.Context, r request) (*http.Response, error) {
	req, err := c.build(ctx, r)
	if err != nil {
		return nil, err
	}
	return c.transport.RoundTrip(req)
}

// do sends a request and reads the whole answer.
func (c *client) do(r request) (*answer, error) {
	ctx, cancel := context.WithTimeout(context.Background(), callMax)
	defer cancel()
	res, err := c.open(ctx, r)
	if err != nil {
		return nil, err
	}
	return readAnswer(res)
}

// plain sends a request without a signature.
func (c *client) plain(method, path string, header http.Header) (*answer, error) {
	req, err := http.NewRequest(method, c.base+path, nil)
	if err != nil {
		return nil, err
	}
	for name, values := range header {
		req.Header[name] = values
	}
	res, err := c.transport.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	return readAnswer(res)
}

func readAnswer(res *http.Response) (*answer, error) {
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		return nil, err
	}
	a := &answer{status: res.StatusCode, header: res.Header, body: body}
	if a.status >= 300 || bytes.Contains(body[:min(len(body), 200)], []byte("<Error>")) {
		var doc struct{ Code string }
		if xml.Unmarshal(body, &doc) == nil {
			a.code = doc.Code
		}
	}
	return a, nil
}

// must is do for a test that cannot go on without an answer of this status.
func (c *client) must(t testing.TB, status int, r request) *answer {
	t.Helper()
	a, err := c.do(r)
	if err != nil {
		t.Fatalf("%s %s: %v", r.method, r.path, err)
	}
	if a.status != status {
		t.Fatalf("%s %s: %s, want status %d", r.method, r.path, a, status)
	}
	return a
}

// escapePath percent-encodes as AWS does: all but unreserved characters and slashes.
func escapePath(path string) string {
	var b strings.Builder
	for i := range len(path) {
		c := path[i]
		if 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' ||
			strings.IndexByte("/-._~", c) >= 0 {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}

// contentMD5 is the header that DeleteObjects wants.
func contentMD5(body []byte) map[string]string {
	sum := md5.Sum(body)
	return map[string]string{"Content-MD5": base64.StdEncoding.EncodeToString(sum[:])}
}

// completeXML is the body of CompleteMultipartUpload for parts 1, 2, ….
func completeXML(etags []string) []byte {
	var b bytes.Buffer
	b.WriteString("<CompleteMultipartUpload>")
	for i, tag := range etags {
		fmt.Fprintf(&b, "<Part><PartNumber>%d</PartNumber><ETag>%s</ETag></Part>", i+1, tag)
	}
	b.WriteString("</CompleteMultipartUpload>")
	return b.Bytes()
}

// uploadID reads the answer of CreateMultipartUpload.
func uploadID(a *answer) string {
	var doc struct {
		UploadID string `xml:"UploadId"`
	}
	if xml.Unmarshal(a.body, &doc) != nil {
		return ""
	}
	return doc.UploadID
}
