package e2e

import (
	"bytes"
	"context"
	"encoding/xml"
	"fmt"
	"io"
	"mime/multipart"
	"net"
	"net/http"
	"net/textproto"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awscredentials "github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
)

// virtualDomain is where the buckets of a server in virtual-host style are.
const virtualDomain = "s3.test"

// webForm is a form as a browser sends it.
type webForm struct {
	fields  map[string]string
	file    content
	after   string // the value of a field behind the file
	bucket  string
	virtual bool
	chunked bool
}

// send posts a form.
func (s *server) send(t *testing.T, f webForm) *answer {
	t.Helper()
	var body bytes.Buffer
	w := multipart.NewWriter(&body)
	for name, value := range f.fields {
		if err := w.WriteField(name, value); err != nil {
			t.Fatal(err)
		}
	}
	part, err := w.CreatePart(textproto.MIMEHeader{
		"Content-Disposition": {`form-data; name="file"; filename="C:\dir\photo.jpg"`},
		"Content-Type":        {"image/jpeg"}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(part, f.file.reader()); err != nil {
		t.Fatal(err)
	}
	if err := w.WriteField("submit", f.after); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	at, host := s.base+"/"+f.bucket, ""
	if f.virtual {
		at, host = s.base+"/", f.bucket+"."+virtualDomain
	}
	var src io.Reader = &body
	if f.chunked {
		src = io.MultiReader(&body) // of no known length
	}
	req, err := http.NewRequest(http.MethodPost, at, src)
	if err != nil {
		t.Fatal(err)
	}
	req.Host = host
	req.Header.Set("Content-Type", w.FormDataContentType())
	res, err := s.transport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	a, err := readAnswer(res)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// awsClient is the SDK of AWS against s, in either style.
func (s *server) awsClient(virtual bool) *s3.Client {
	o := s3.Options{Region: "us-east-1", BaseEndpoint: aws.String(s.base), UsePathStyle: true,
		Credentials: awscredentials.NewStaticCredentialsProvider(rootUser, rootPassword, "")}
	if virtual {
		o.UsePathStyle = false
		_, port, _ := strings.Cut(s.host(), ":")
		o.BaseEndpoint = aws.String("http://" + virtualDomain + ":" + port)
		o.HTTPClient = &http.Client{Transport: s.anyHost()}
	}
	return s3.New(o)
}

// anyHost connects to s whatever the host is.
func (s *server) anyHost() *http.Transport {
	transport := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "tcp", s.host())
	}}
	s.t.Cleanup(transport.CloseIdleConnections)
	return transport
}

// TestForms uploads files of all sizes by forms that the SDKs sign, on every kind of server, in both
// styles of address, with and without a length.
func TestForms(t *testing.T) {
	for _, netloop := range []string{"epoll", "nethttp", "netconn"} {
		t.Run(netloop, func(t *testing.T) {
			t.Parallel()
			s := newServer(t, 4, "--netloop", netloop, "--domain", virtualDomain).start()
			s.must(t, http.StatusOK, request{method: "PUT", path: "/forms"})
			ctx, cancel := context.WithTimeout(context.Background(), callMax)
			defer cancel()
			presigner := s3.NewPresignClient(s.awsClient(false))
			signed, err := presigner.PresignPostObject(ctx, &s3.PutObjectInput{Bucket: aws.String("forms"),
				Key: aws.String("dir/photo.jpg")}, func(o *s3.PresignPostOptions) {
				o.Conditions = []any{[]any{"starts-with", "$content-type", "image/"}, []any{"content-length-range", 0, 64 << 20}}
			})
			if err != nil {
				t.Fatal(err)
			}
			signed.Values["Content-Type"] = "image/png"
			for i, size := range []int64{0, 1, 70_000, partBytes - 1, partBytes, partBytes + 1, 3*partBytes + 12_345} {
				for _, how := range []webForm{{}, {virtual: true}, {chunked: true}} {
					how.bucket, how.fields, how.after = "forms", signed.Values, strings.Repeat("x", i*100)
					how.file = content{uint64(i), size}
					a := s.send(t, how)
					if a.status != http.StatusNoContent || a.etag() != how.file.etag() {
						t.Fatalf("%d bytes, %+v: %s, %v", size, how, a, a.header)
					}
					got := s.must(t, http.StatusOK, request{method: "GET", path: "/forms/dir/photo.jpg"})
					if err := how.file.verify(bytes.NewReader(got.body), 0, size); err != nil ||
						got.etag() != how.file.etag() || got.header.Get("Content-Type") != "image/png" {
						t.Fatalf("%d bytes, %+v: %v, %v", size, how, err, got.header)
					}
				}
			}
			s.testBadForms(t, signed.Values)
			// However long it is, a file is an object of one part.
			part := func(n string) request {
				return request{method: "GET", path: "/forms/dir/photo.jpg", query: url.Values{"partNumber": {n}}}
			}
			s.must(t, http.StatusPartialContent, part("1"))
			s.must(t, http.StatusRequestedRangeNotSatisfiable, part("2"))
			if keys := s.listKeys("forms"); len(keys) != 1 {
				t.Errorf("keys %v", keys)
			}
			s.stop()
			check(t, s.drives, 0)
		})
	}
}

// testBadForms changes what the policy fixes.
func (s *server) testBadForms(t *testing.T, good map[string]string) {
	t.Helper()
	for field, value := range map[string]string{"key": "other", "Content-Type": "text/html", "x-amz-meta-a": "b",
		"X-Amz-Signature": strings.Repeat("0", 64), "success_action_status": "201", "acl": "private"} {
		f := webForm{bucket: "forms", fields: map[string]string{field: value}}
		for name, value := range good {
			if !strings.EqualFold(name, field) {
				f.fields[name] = value
			}
		}
		if a := s.send(t, f); a.status != http.StatusForbidden {
			t.Errorf("%s=%s: %s", field, value, a)
		}
	}
	if a := s.send(t, webForm{bucket: "other", fields: good}); a.status != http.StatusForbidden {
		t.Errorf("to another bucket: %s", a)
	}
	anonymous := map[string]string{"key": "anonymous"}
	if a := s.send(t, webForm{bucket: "forms", fields: anonymous}); a.status != http.StatusForbidden {
		t.Errorf("anonymous: %s", a)
	}
}

// TestMinioForm uses the policy of minio-go, whose answer is a document.
func TestMinioForm(t *testing.T) {
	s := newServer(t, 1).start()
	ctx, cancel := context.WithTimeout(context.Background(), callMax)
	defer cancel()
	c, err := minio.New(s.host(), &minio.Options{Creds: credentials.NewStaticV4(rootUser, rootPassword, "")})
	if err != nil {
		t.Fatal(err)
	}
	if err := c.MakeBucket(ctx, "minio-form", minio.MakeBucketOptions{}); err != nil {
		t.Fatal(err)
	}
	p := minio.NewPostPolicy()
	for _, err := range []error{p.SetBucket("minio-form"), p.SetKeyStartsWith("a b+ü/"), p.SetExpires(time.Now().Add(time.Minute)),
		p.SetContentType("text/plain"), p.SetContentLengthRange(1, 100), p.SetSuccessStatusAction("201"),
		p.SetUserMetadata("colour", "blue")} {
		if err != nil {
			t.Fatal(err)
		}
	}
	_, fields, err := c.PresignedPostPolicy(ctx, p)
	if err != nil {
		t.Fatal(err)
	}
	fields["key"] = "a b+ü/${filename}"
	const key = "a b+ü/photo.jpg" // of the path that some browsers send
	file := content{1, 100}
	a := s.send(t, webForm{bucket: "minio-form", fields: fields, file: file})
	var doc struct{ Location, Bucket, Key, ETag string }
	if err := xml.Unmarshal(a.body, &doc); err != nil || a.status != http.StatusCreated || doc.Bucket != "minio-form" ||
		doc.Key != key || strings.Trim(doc.ETag, `"`) != file.etag() || doc.Location != a.header.Get("Location") {
		t.Fatalf("%v, %s", err, a)
	}
	stat, err := c.StatObject(ctx, "minio-form", key, minio.StatObjectOptions{})
	if err != nil || stat.UserMetadata["Colour"] != "blue" || stat.ContentType != "text/plain" {
		t.Errorf("%v, %+v", err, stat)
	}
	for size, code := range map[int64]string{0: "EntityTooSmall", 101: "EntityTooLarge"} {
		a := s.send(t, webForm{bucket: "minio-form", fields: fields, file: content{1, size}})
		if a.status != http.StatusBadRequest || a.code != code {
			t.Errorf("%d bytes: %s", size, a)
		}
	}
	s.stop()
}

// TestExpectContinue: nobody is invited to send a body whose request is refused by its head; a
// form is refused by what it says, so it is invited.
func TestExpectContinue(t *testing.T) {
	for _, netloop := range []string{"epoll", "nethttp", "netconn"} {
		t.Run(netloop, func(t *testing.T) {
			t.Parallel()
			s := newServer(t, 1, "--netloop", netloop).start()
			s.must(t, http.StatusOK, request{method: "PUT", path: "/expect"})
			stranger := *s.client
			stranger.who.SecretAccessKey += "x"
			put := request{method: "PUT", path: "/expect/k", stream: strings.NewReader(""), streamBytes: 4}
			parted := put
			parted.query = map[string][]string{"uploadId": {strings.Repeat("0", 32)}, "partNumber": {"1"}}
			for name, c := range map[string]struct {
				who   *client
				r     request
				first string
			}{
				"put": {s.client, put, "100"}, "put of a stranger": {&stranger, put, "403"},
				"part of no upload": {s.client, parted, "404"}, "part of a stranger": {&stranger, parted, "403"},
				"put to no bucket": {s.client, request{method: "PUT", path: "/no-bucket/k", stream: put.stream, streamBytes: 4}, "404"},
				"form": {s.client, request{method: "POST", path: "/expect", stream: put.stream, streamBytes: 4,
					header: map[string]string{"Content-Type": "multipart/form-data; boundary=x"}}, "100"},
				"form that is none": {s.client, request{method: "POST", path: "/expect", stream: put.stream, streamBytes: 4}, "412"},
			} {
				if got := c.who.firstLine(t, c.r); !strings.HasPrefix(got, "HTTP/1.1 "+c.first+" ") {
					t.Errorf("%s: %q, want %s", name, got, c.first)
				}
			}
			if keys := s.listKeys("expect"); len(keys) != 0 {
				t.Errorf("keys %v", keys)
			}
			s.stop()
		})
	}
}

// firstLine sends a head that expects to be told, and no body, and returns the first line that comes.
func (c *client) firstLine(t *testing.T, r request) string {
	t.Helper()
	conn := c.begin(t, r, fmt.Sprintf("Content-Length: %d\r\nExpect: 100-continue\r\n", r.streamBytes))
	defer conn.Close()
	line := make([]byte, 0, 64)
	for one := make([]byte, 1); len(line) < cap(line); {
		if _, err := conn.Read(one); err != nil {
			t.Fatalf("%s %s: %q, %v", r.method, r.path, line, err)
		}
		if one[0] == '\n' {
			break
		}
		line = append(line, one[0])
	}
	return string(line)
}
