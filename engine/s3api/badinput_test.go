package s3api

import (
	"bufio"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"flashstore/engine/object"
	"flashstore/engine/sigv4"
)

// signedBy signs a PUT in ways that are wrong.
func (f *fixture) signedBy(key, secret, region, service string, at time.Time) *http.Request {
	f.t.Helper()
	req := f.request("PUT", "/bucket/k", "body")
	if _, err := sigv4.Sign(req, key, secret, region, service, sha256Hex("body"), at); err != nil {
		f.t.Fatal(err)
	}
	return req
}

func TestBadSignaturesStoreNothing(t *testing.T) {
	f := newFixture(t, nil)
	now := time.Now()
	tampered := f.signedBy(testKey, testSecret, "us-east-1", "s3", now)
	tampered.URL.Path = "/bucket/other"
	unsigned := f.signedBy(testKey, testSecret, "us-east-1", "s3", now)
	unsigned.Header.Set("x-amz-meta-a", "b")
	otherBody := f.signedBy(testKey, testSecret, "us-east-1", "s3", now)
	otherBody.Body, otherBody.ContentLength = io.NopCloser(strings.NewReader("ydob")), 4
	noScheme := f.signedBy(testKey, testSecret, "us-east-1", "s3", now)
	noScheme.Header.Set("Authorization", "AWS4-HMAC-SHA256 nonsense")
	expired := f.request("PUT", "/bucket/k", "body")
	if err := sigv4.Presign(expired, testKey, testSecret, "us-east-1", "s3", time.Second,
		now.Add(-time.Minute)); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name   string
		req    *http.Request
		status int
		code   string
	}{
		{"wrong secret", f.signedBy(testKey, "wrong-secret", "us-east-1", "s3", now), 403, "SignatureDoesNotMatch"},
		{"unknown key", f.signedBy("nobody", testSecret, "us-east-1", "s3", now), 403, "InvalidAccessKeyId"},
		{"clock behind", f.signedBy(testKey, testSecret, "us-east-1", "s3", now.Add(-16*time.Minute)), 403, "RequestTimeTooSkewed"},
		{"clock ahead", f.signedBy(testKey, testSecret, "us-east-1", "s3", now.Add(16*time.Minute)), 403, "RequestTimeTooSkewed"},
		{"other region", f.signedBy(testKey, testSecret, "eu-west-1", "s3", now), 400, "AuthorizationHeaderMalformed"},
		{"other service", f.signedBy(testKey, testSecret, "us-east-1", "iam", now), 400, "AuthorizationHeaderMalformed"},
		{"anonymous", f.request("PUT", "/bucket/k", "body"), 403, "AccessDenied"},
		{"path changed", tampered, 403, "SignatureDoesNotMatch"},
		{"field added", unsigned, 403, "AccessDenied"},
		{"body changed", otherBody, 400, "XAmzContentSHA256Mismatch"},
		{"malformed", noScheme, 400, "AuthorizationHeaderMalformed"},
		{"expired", expired, 403, "AccessDenied"},
	} {
		r := f.send(c.req)
		f.check(r, c.status, c.code, c.name)
		if strings.Contains(r.body, testSecret) {
			t.Errorf("%s: the answer tells the secret", c.name)
		}
		if c.name == "other region" && !strings.Contains(r.body, "<Region>us-east-1</Region>") {
			t.Errorf("no region in %s", r.body)
		}
	}
	f.nothingStored()
	if strings.Contains(f.log.String(), "level=ERROR") {
		t.Errorf("logged: %s", f.log)
	}
}

func TestWithoutPermissionNothingIsToldAboutWhatExists(t *testing.T) {
	f := newFixture(t, nil)
	f.want(200, "", "PUT", "/bucket/k", "v")
	for _, target := range []string{"/", "/bucket", "/absent", "/bucket/k", "/bucket/absent",
		"/absent/k", "/BAD", "/bucket?acl", "/bucket/k?nonsense", "/bucket/" + strings.Repeat("k", 1025)} {
		for _, method := range []string{"GET", "HEAD", "PUT", "DELETE", "POST", "PATCH", "OPTIONS"} {
			req := f.request(method, target, "", "If-None-Match", "*")
			if method == "POST" && strings.Count(target, "/") == 1 && len(target) > 1 &&
				!strings.Contains(target, "?") {
				// S3 tells everybody that this is no form, whatever is stored; what is one is refused.
				f.check(f.send(req), 412, "PreconditionFailed", target)
				form := postForm{fields: []string{"key=k"}, unsigned: true}
				req = f.request(method, target, form.text(), "If-None-Match", "*", "Content-Type", formType)
			}
			r := f.send(req)
			if r.status != 403 || method != "HEAD" && r.code() != "AccessDenied" {
				t.Errorf("%s %.40s: %d %s", method, target, r.status, r.code())
			}
		}
	}
	if len(f.store.buckets) != 1 || len(f.store.buckets["bucket"].objects) != 1 {
		t.Error("something changed")
	}
}

func TestBadNames(t *testing.T) {
	f := newFixture(t, nil)
	for _, bucket := range []string{"ab", "Bucket", "a..b", "-ab", "1.2.3.4", "flashstore",
		"xn--a", "a%2Fb", "a%00b", strings.Repeat("a", 64), "..", "%2e%2e", "a_b", "%66lashstore"} {
		f.want(400, "InvalidBucketName", "PUT", "/"+bucket, "")
		f.want(400, "InvalidBucketName", "PUT", "/"+bucket+"/key", "v")
	}
	f.want(200, "", "PUT", "/flashstore-x", "")
	f.want(400, "InvalidBucketName", "PUT", "//key", "v")
	f.want(400, "KeyTooLongError", "PUT", "/bucket/"+strings.Repeat("k", 1025), "v")
	for _, key := range []string{"%00", "a%00b", "%ff", "%c0%af", "%ed%a0%80"} {
		f.want(400, "InvalidURI", "PUT", "/bucket/"+key, "v")
	}
	f.nothingStored()
	for _, bucket := range []string{"absent", "other.bucket"} {
		f.want(404, "NoSuchBucket", "PUT", "/"+bucket+"/k", "v")
		f.want(404, "NoSuchBucket", "GET", "/"+bucket+"/k", "")
		f.want(404, "NoSuchBucket", "GET", "/"+bucket, "")
		f.want(404, "NoSuchBucket", "DELETE", "/"+bucket, "")
		f.want(404, "", "HEAD", "/"+bucket, "")
	}
}

// TestKeysAreOpaque is row 16 of the fault list.
func TestKeysAreOpaque(t *testing.T) {
	f := newFixture(t, nil)
	keys := map[string]string{ // as sent, as stored
		"..": "..", "a/../b": "a/../b", "%2e%2e": "..", "%252e": "%2e", "a%5Cb": `a\b`, "a/": "a/",
		"a//b": "a//b", "/": "/", "a": "a", "a/b": "a/b", "+": "+", "%2B%20": "+ ", "%E2%82%AC": "€",
		strings.Repeat("k", 1024): strings.Repeat("k", 1024), "%01%7f": "\x01\x7f", "a?": "a",
	}
	for sent, stored := range keys {
		f.want(200, "", "PUT", "/bucket/"+sent, stored)
		if o := f.store.buckets["bucket"].objects[object.Key(stored)]; o == nil || string(o.data) != stored {
			t.Errorf("%.40q is not stored as %.40q", sent, stored)
		}
		if r := f.want(200, "", "GET", "/bucket/"+sent, ""); r.body != stored {
			t.Errorf("%.40q came back as %.40q", sent, r.body)
		}
	}
}

func TestDigestsThatDoNotFit(t *testing.T) {
	f := newFixture(t, nil)
	good := base64.StdEncoding.EncodeToString(make([]byte, 4))
	for _, c := range []struct {
		code   string
		header []string
	}{
		{"BadDigest", []string{"Content-MD5", md5Base64("other")}},
		{"InvalidDigest", []string{"Content-MD5", "nonsense"}},
		{"InvalidDigest", []string{"Content-MD5", ""}},
		{"InvalidDigest", []string{"Content-MD5", strings.TrimRight(md5Base64("body"), "=")}},
		{"BadDigest", []string{"x-amz-checksum-crc32", good}},
		{"BadDigest", []string{"x-amz-checksum-crc32c", good}},
		{"BadDigest", []string{"x-amz-checksum-crc64nvme", base64.StdEncoding.EncodeToString(make([]byte, 8))}},
		{"BadDigest", []string{"x-amz-checksum-sha1", base64.StdEncoding.EncodeToString(make([]byte, 20))}},
		{"BadDigest", []string{"x-amz-checksum-sha256", base64.StdEncoding.EncodeToString(make([]byte, 32))}},
		{"InvalidRequest", []string{"x-amz-checksum-crc32", "nonsense"}},
		{"InvalidRequest", []string{"x-amz-checksum-crc32", ""}},
		{"InvalidRequest", []string{"x-amz-checksum-sha256", good}},
		{"InvalidRequest", []string{"x-amz-checksum-crc32", good, "x-amz-checksum-crc32c", good}},
		{"InvalidRequest", []string{"x-amz-sdk-checksum-algorithm", "CRC32"}},
		{"InvalidRequest", []string{"x-amz-sdk-checksum-algorithm", "ROT13", "x-amz-checksum-crc32", good}},
		{"InvalidRequest", []string{"x-amz-sdk-checksum-algorithm", "SHA1", "x-amz-checksum-crc32", good}},
	} {
		f.check(f.do("PUT", "/bucket/k", "body", c.header...), 400, c.code, fmt.Sprint(c.header))
	}
	f.nothingStored()
}

// TestNothingIsSilentlyIgnored sends what S3 knows and this server does not.
func TestNothingIsSilentlyIgnored(t *testing.T) {
	f := newFixture(t, nil)
	for _, c := range []struct {
		status int
		code   string
		header []string
	}{
		{501, "NotImplemented", []string{"If-Unmodified-Since", "Fri, 27 Nov 2026 10:00:00 GMT"}},
		{501, "NotImplemented", []string{"If-Range", `"x"`}},
		{501, "NotImplemented", []string{"x-amz-server-side-encryption", "AES256"}},
		{501, "NotImplemented", []string{"x-amz-server-side-encryption-customer-algorithm", "AES256"}},
		{400, "InvalidArgument", []string{"x-amz-object-lock-mode", "GOVERNANCE"}},
		{400, "InvalidRequest", []string{"x-amz-object-lock-legal-hold", "ON"}},
		{501, "NotImplemented", []string{"x-amz-acl", "public-read"}},
		{501, "NotImplemented", []string{"x-amz-grant-read", "id=x"}},
		{501, "NotImplemented", []string{"x-amz-write-offset-bytes", "4"}},
		{501, "NotImplemented", []string{"x-amz-checksum-md5", "x"}},
		{501, "NotImplemented", []string{"x-amz-" + strings.Repeat("long", 40), "x"}},
		{400, "InvalidStorageClass", []string{"x-amz-storage-class", "GLACIER"}},
		{403, "AccessDenied", []string{"x-amz-expected-bucket-owner", "123456789012"}},
		{403, "AccessDenied", []string{"x-amz-source-expected-bucket-owner", "123456789012"}},
		{400, "InvalidBucketOwnerAWSAccountID", []string{"x-amz-expected-bucket-owner", "12345678901"}},
		{400, "InvalidBucketOwnerAWSAccountID", []string{"x-amz-expected-bucket-owner", "me"}},
		{400, "InvalidRedirectLocation", []string{"x-amz-website-redirect-location", "elsewhere"}},
		{400, "MetadataTooLarge", []string{"x-amz-meta-a", strings.Repeat("v", 2048)}},
	} {
		f.check(f.do("PUT", "/bucket/k", "body", c.header...), c.status, c.code, fmt.Sprint(c.header[0]))
		presigned := f.request("PUT", "/bucket/k?"+c.header[0]+"=x", "body")
		if c.status == 501 && strings.HasPrefix(c.header[0], "x-amz-") {
			if err := sigv4.Presign(presigned, testKey, testSecret, "us-east-1", "s3", time.Minute,
				time.Now()); err != nil {
				t.Fatal(err)
			}
			f.check(f.send(presigned), 501, "NotImplemented", "presigned "+c.header[0])
		}
	}
	for _, sub := range []string{"acl", "policy", "lifecycle", "acl=", "acl=x",
		"cors", "website", "new-feature", "new-feature=", "%61cl=x", "location&acl", "uploads=&delete",
		"partNumber=1", "restore", "torrent"} {
		for _, at := range []string{"/bucket?", "/bucket/k?"} {
			for _, method := range []string{"GET", "PUT", "POST", "DELETE"} {
				if r := f.do(method, at+sub, ""); r.status != 501 && !(sub == "partNumber=1" && method == "GET") {
					t.Errorf("%s %s%s: %d %s", method, at, sub, r.status, r.code())
				}
			}
		}
	}
	f.want(412, "PreconditionFailed", "POST", "/bucket", "")
	for _, target := range []string{"PATCH /bucket/k", "PATCH /bucket", "POST /bucket/k", "DELETE /", "PUT /"} {
		method, path, _ := strings.Cut(target, " ")
		r := f.want(405, "MethodNotAllowed", method, path, "")
		if !strings.Contains(r.body, "<Method>"+method+"</Method><ResourceType>") {
			t.Errorf("%s: %s", target, r.body)
		}
	}
	f.want(501, "NotImplemented", "GET", "/?location", "")
	f.nothingStored()
	f.want(200, "", "PUT", "/bucket/k", "body", "x-amz-acl", "private", "x-amz-storage-class", "STANDARD",
		"x-amz-meta-a", strings.Repeat("v", 2047), "x-amz-expected-bucket-owner", DefaultOwner().ID)
	f.want(200, "", "GET", "/bucket/k?x-id=GetObject&unknown=value", "")
}

func TestLengthsThatDoNotFit(t *testing.T) {
	f := newFixture(t, nil)
	req := f.signedBy(testKey, testSecret, "us-east-1", "s3", time.Now())
	req.ContentLength = -1 // chunked
	f.check(f.send(req), 411, "MissingContentLength", "no length")
	raw := f.raw("PUT", "/bucket/k", "Content-Length: 5368709121\r\nx-amz-content-sha256: UNSIGNED-PAYLOAD\r\n", "")
	if !strings.HasPrefix(raw, "HTTP/1.1 400") || !strings.Contains(raw, "EntityTooLarge") {
		t.Errorf("5 GiB + 1: %.300s", raw)
	}
	const unsigned = "x-amz-content-sha256: UNSIGNED-PAYLOAD\r\n"
	id := f.begin()
	for _, target := range []string{"/bucket/k", "/bucket/k?partNumber=1&uploadId=" + id} {
		raw = f.raw("PUT", target, unsigned, "")
		if !strings.HasPrefix(raw, "HTTP/1.1 411 ") || !strings.Contains(raw, "MissingContentLength") {
			t.Errorf("%s without a length: %.300s", target, raw)
		}
		raw = f.raw("PUT", target, "Content-Length: 0\r\n"+unsigned, "")
		if !strings.HasPrefix(raw, "HTTP/1.1 200 ") {
			t.Errorf("%s of 0 bytes: %.300s", target, raw)
		}
	}
	delete(f.store.buckets["bucket"].objects, "k")
	raw = f.raw("PUT", "/bucket/k", "Content-Length: 100\r\nx-amz-content-sha256: UNSIGNED-PAYLOAD\r\n", "short")
	if raw != "" && !strings.Contains(raw, "IncompleteBody") {
		t.Errorf("short body: %.300s", raw)
	}
	f.nothingStored()
}

// raw sends a request by hand, signed as it would be if the header were sent by net/http, ends
// the sending side and returns all that comes back.
func (f *fixture) raw(method, target, header, body string) string {
	f.t.Helper()
	req := f.request(method, target, "")
	if _, err := sigv4.Sign(req, testKey, testSecret, "us-east-1", "s3", sigv4.UnsignedPayload,
		time.Now()); err != nil {
		f.t.Fatal(err)
	}
	c, err := net.Dial("tcp", f.address)
	if err != nil {
		f.t.Fatal(err)
	}
	defer c.Close()
	fmt.Fprintf(c, "%s %s HTTP/1.1\r\nHost: %s\r\nx-amz-date: %s\r\nAuthorization: %s\r\n%s\r\n%s",
		method, target, f.address, req.Header.Get("x-amz-date"), req.Header.Get("Authorization"),
		header, body)
	if err := c.(*net.TCPConn).CloseWrite(); err != nil {
		f.t.Fatal(err)
	}
	answer, err := io.ReadAll(bufio.NewReader(c))
	if err != nil && len(answer) == 0 {
		f.t.Log(err)
	}
	return string(answer)
}

func TestBadChunksStoreNothing(t *testing.T) {
	f := newFixture(t, nil)
	send := func(body string) reply {
		req := f.request("PUT", "/bucket/k", body, "Content-Encoding", "aws-chunked",
			"x-amz-decoded-content-length", "5", "x-amz-trailer", "x-amz-checksum-crc32")
		if _, err := sigv4.Sign(req, testKey, testSecret, "us-east-1", "s3",
			"STREAMING-UNSIGNED-PAYLOAD-TRAILER", time.Now()); err != nil {
			t.Fatal(err)
		}
		return f.send(req)
	}
	const sum = "NhCmhg==" // CRC32 of hello
	f.check(send("5\r\nhello\r\n0\r\nx-amz-checksum-crc32:AAAAAA==\r\n\r\n"), 400, "BadDigest", "wrong sum")
	f.check(send("5\r\nhello\r\n0\r\nx-amz-checksum-crc32:nonsense\r\n\r\n"), 400, "InvalidRequest", "no sum")
	f.check(send("5\r\nhello\r\n0\r\n\r\n"), 400, "MalformedTrailerError", "trailer missing")
	f.check(send("4\r\nhell\r\n0\r\nx-amz-checksum-crc32:"+sum+"\r\n\r\n"), 400, "IncompleteBody", "short")
	f.check(send("6\r\nhello!\r\n0\r\nx-amz-checksum-crc32:"+sum+"\r\n\r\n"), 400, "IncompleteBody", "long")
	f.check(send("zz\r\nhello\r\n0\r\n\r\n"), 400, "InvalidRequest", "no chunk")
	f.nothingStored()
	r := send("5\r\nhello\r\n0\r\nx-amz-checksum-crc32:" + sum + "\r\n\r\n")
	f.check(r, 200, "", "good")
	if r.header.Get("x-amz-checksum-crc32") != sum {
		t.Errorf("%v", r.header)
	}
	r = f.want(200, "", "GET", "/bucket/k", "", "x-amz-checksum-mode", "ENABLED")
	if r.header.Get("x-amz-checksum-crc32") != sum || r.header.Get("Content-Encoding") != "" {
		t.Errorf("%v", r.header)
	}
}

func TestBadSignedChunkStoresNothing(t *testing.T) {
	f := newFixture(t, nil)
	chunk := "5;chunk-signature=" + strings.Repeat("0", 64) + "\r\nhello\r\n0;chunk-signature=" +
		strings.Repeat("0", 64) + "\r\n\r\n"
	req := f.request("PUT", "/bucket/k", chunk, "Content-Encoding", "aws-chunked",
		"x-amz-decoded-content-length", "5")
	if _, err := sigv4.Sign(req, testKey, testSecret, "us-east-1", "s3",
		"STREAMING-AWS4-HMAC-SHA256-PAYLOAD", time.Now()); err != nil {
		t.Fatal(err)
	}
	f.check(f.send(req), 403, "SignatureDoesNotMatch", "chunk signature")
	f.nothingStored()
}

func TestErrorsOfTheStore(t *testing.T) {
	f := newFixture(t, nil)
	failed := uint64(0)
	secret := errors.New("disk /dev/secret on fire")
	for _, c := range []struct {
		err    error
		status int
		code   string
	}{
		{object.ErrUnavailable, 503, "ServiceUnavailable"}, {object.ErrBusy, 503, "SlowDown"},
		{object.ErrFull, 507, "InsufficientStorage"}, {object.ErrDamaged, 500, "InternalError"},
		{secret, 500, "InternalError"},
	} {
		f.store.fail = func(string) error { return fmt.Errorf("drive 3: %w", c.err) }
		for _, target := range []string{"GET /bucket/k", "PUT /bucket/k", "DELETE /bucket/k", "GET /bucket",
			"GET /bucket?uploads", "POST /bucket/k?uploads", "GET /bucket?location"} {
			method, path, _ := strings.Cut(target, " ")
			r := f.want(c.status, c.code, method, path, "")
			failed++
			if strings.Contains(r.body, "drive") || strings.Contains(r.body, "secret") {
				t.Errorf("leaked: %s", r.body)
			}
			logged := strings.Contains(f.log.String(), r.header.Get("x-amz-request-id"))
			if logged != (c.status == 500) {
				t.Errorf("%v: logged is %v", c.err, logged)
			}
		}
	}
	f.store.fail = nil
	f.want(404, "NoSuchBucket", "GET", "/nowhere/k", "") // the client's doing
	if n := f.handler.ServerErrors(); n != failed {
		t.Errorf("%d server errors were counted, %d answered", n, failed)
	}
}

// TestErrorsName: what S3 says beside the message
// (https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html).
func TestErrorsName(t *testing.T) {
	f := newFixture(t, nil)
	id := strings.Repeat("0", 32)
	f.want(200, "", "PUT", "/bucket/k", "v")
	for target, want := range map[string]string{
		"/absent/k":                      "<BucketName>absent</BucketName>",
		"/bucket/a%3C":                   "<Key>a&lt;</Key>",
		"/bucket/k?versionId=" + id:      "<Key>k</Key><VersionId>" + id + "</VersionId>",
		"/bucket/k?uploadId=" + id:       "<UploadId>" + id + "</UploadId>",
		"/bucket/k?partNumber=2":         "<ActualPartCount>1</ActualPartCount><PartNumberRequested>2</PartNumberRequested>",
		"/?max-buckets=10001":            "<Code>InvalidArgument</Code>",
		"/?max-buckets=0":                "<Code>InvalidArgument</Code>",
		"/bucket?versions&max-keys=1e":   "<ArgumentName>max-keys</ArgumentName>",
		"/bucket/k?response-content=a":   "<ArgumentName>response-content</ArgumentName>",
		"/bucket/k?attributes&x-id=a%20": "<Code>InvalidRequest</Code>",
	} {
		if r := f.do("GET", target, ""); !strings.Contains(r.body, want) {
			t.Errorf("%s: %s lacks %s", target, r.body, want)
		}
	}
	f.want(200, "", "GET", "/?max-buckets=10000", "")
	for _, class := range []string{"STANDARD_IA", "ONEZONE_IA", "INTELLIGENT_TIERING", "GLACIER_IR"} {
		f.want(200, "", "PUT", "/bucket/k", "v", "x-amz-storage-class", class)
		if got := f.want(200, "", "HEAD", "/bucket/k", "").header.Get("x-amz-storage-class"); got != class {
			t.Errorf("%s is shown as %q", class, got)
		}
	}
}
