package e2e

import (
	"bytes"
	"context"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// holder is somebody who has URLs and no key.
type holder struct {
	*server
	t       *testing.T
	virtual bool
	http    *http.Transport
}

// url presigns a request; path begins with the bucket.
func (h *holder) url(r request) string {
	h.t.Helper()
	base, path := h.base, r.path
	if bucket, key, _ := strings.Cut(strings.TrimPrefix(r.path, "/"), "/"); h.virtual && bucket != "" {
		_, port, _ := strings.Cut(h.host(), ":")
		base, path = "http://"+bucket+"."+virtualDomain+":"+port, "/"+key
	}
	query := url.Values{"X-Amz-Expires": {"60"}}
	for name, values := range r.query {
		query[name] = values
	}
	req, err := http.NewRequest(r.method, base+escapePath(path)+"?"+strings.ReplaceAll(query.Encode(), "+", "%20"), nil)
	if err != nil {
		h.t.Fatal(err)
	}
	for name, value := range r.header {
		if strings.HasPrefix(strings.ToLower(name), "x-amz-") {
			req.Header.Set(name, value) // others need no signature
		}
	}
	signed, _, err := v4.NewSigner(func(o *v4.SignerOptions) { o.DisableURIPathEscaping = true }).PresignHTTP(
		context.Background(), h.who, req, unsigned, "s3", "us-east-1", h.now())
	if err != nil {
		h.t.Fatal(err)
	}
	return signed
}

// use sends a request by nothing but its URL and the fields that the URL names.
func (h *holder) use(status int, r request) *answer {
	h.t.Helper()
	a := h.visit(r.method, h.url(r), r)
	if a.status != status {
		h.t.Fatalf("virtual %v: %s %s?%v: %s, want %d", h.virtual, r.method, r.path, r.query, a, status)
	}
	return a
}

func (h *holder) visit(method, url string, r request) *answer {
	h.t.Helper()
	req, err := http.NewRequest(method, url, bytes.NewReader(r.body))
	if err != nil {
		h.t.Fatal(err)
	}
	for name, value := range r.header {
		req.Header.Set(name, value)
	}
	res, err := h.http.RoundTrip(req)
	if err != nil {
		h.t.Fatal(err)
	}
	a, err := readAnswer(res)
	if err != nil {
		h.t.Fatal(err)
	}
	return a
}

// TestPresignedEverything lives a bucket's life by URLs alone, in both styles of address.
func TestPresignedEverything(t *testing.T) {
	s := newServer(t, 4, "--domain", virtualDomain).start()
	for _, virtual := range []bool{false, true} {
		h := &holder{s, t, virtual, s.anyHost()}
		bucket, key := "/path-style", "/path-style/dir/a b+ü&=?#%.txt"
		if virtual {
			bucket, key = "/virtual-style", "/virtual-style/dir/a b+ü&=?#%.txt"
		}
		sub := func(list ...string) url.Values {
			v := url.Values{}
			for _, one := range list {
				name, value, _ := strings.Cut(one, "=")
				v.Set(name, value)
			}
			return v
		}
		data := content{1, 70_000}
		h.use(200, request{method: "PUT", path: bucket})
		h.use(200, request{method: "HEAD", path: bucket})
		h.use(200, request{method: "GET", path: "/"})
		h.use(200, request{method: "GET", path: bucket, query: sub("location")})
		h.use(200, request{method: "GET", path: bucket, query: sub("versioning")})
		h.use(200, request{method: "PUT", path: key, body: data.bytes(),
			header: map[string]string{"X-Amz-Meta-Colour": "blue", "Content-Type": "text/plain"}})
		got := h.use(200, request{method: "GET", path: key})
		if err := data.verify(bytes.NewReader(got.body), 0, data.sizeBytes); err != nil ||
			got.header.Get("X-Amz-Meta-Colour") != "blue" || got.header.Get("Content-Type") != "text/plain" {
			t.Fatalf("%v, %v", err, got.header)
		}
		h.use(200, request{method: "HEAD", path: key})
		h.use(206, request{method: "GET", path: key, header: map[string]string{"Range": "bytes=1-2"}})
		disposed := h.use(200, request{method: "GET", path: key, query: sub("response-content-disposition=attachment; filename=\"a b\"")})
		if disposed.header.Get("Content-Disposition") != `attachment; filename="a b"` {
			t.Errorf("%v", disposed.header)
		}
		h.use(200, request{method: "PUT", path: key + "2", header: map[string]string{
			"X-Amz-Copy-Source": escapePath(key)}})
		h.use(200, request{method: "PUT", path: key, query: sub("tagging"), header: contentMD5([]byte(tags)), body: []byte(tags)})
		h.use(200, request{method: "GET", path: key, query: sub("tagging")})
		h.use(204, request{method: "DELETE", path: key, query: sub("tagging")})
		id := uploadID(h.use(200, request{method: "POST", path: key, query: sub("uploads")}))
		part := h.use(200, request{method: "PUT", path: key, query: sub("uploadId="+id, "partNumber=1"), body: data.bytes()})
		h.use(200, request{method: "GET", path: key, query: sub("uploadId=" + id)})
		h.use(200, request{method: "GET", path: bucket, query: sub("uploads")})
		h.use(200, request{method: "POST", path: key, query: sub("uploadId=" + id), body: completeXML([]string{part.etag()})})
		id = uploadID(h.use(200, request{method: "POST", path: key, query: sub("uploads")}))
		h.use(204, request{method: "DELETE", path: key, query: sub("uploadId=" + id)})
		for _, list := range []url.Values{sub("list-type=2", "prefix=dir/"), sub("prefix=dir/"), sub("versions")} {
			if a := h.use(200, request{method: "GET", path: bucket, query: list}); bytes.Count(a.body, []byte("<Key>")) != 2 {
				t.Errorf("%v: %s", list, a.body)
			}
		}
		h.use(409, request{method: "DELETE", path: bucket})
		h.use(204, request{method: "DELETE", path: key})
		_, rest, _ := strings.Cut(key[1:], "/")
		doc := []byte("<Delete><Object><Key>" + strings.ReplaceAll(rest, "&", "&amp;") + "2</Key></Object></Delete>")
		h.use(200, request{method: "POST", path: bucket, query: sub("delete"), body: doc, header: contentMD5(doc)})
		h.use(204, request{method: "DELETE", path: bucket})
		h.testSpoilt(request{method: "PUT", path: bucket + "/k", header: map[string]string{"X-Amz-Meta-A": "b"}})
	}
	s.stop()
}

const tags = "<Tagging><TagSet><Tag><Key>a</Key><Value>b</Value></Tag></TagSet></Tagging>"

// testSpoilt uses a URL in ways that it was not signed for.
func (h *holder) testSpoilt(r request) {
	h.t.Helper()
	good := h.url(r)
	for name, c := range map[string]struct {
		url, code string
		status    int
		header    map[string]string
	}{
		"a field less":      {good, "SignatureDoesNotMatch", 403, nil},
		"another value":     {good, "SignatureDoesNotMatch", 403, map[string]string{"X-Amz-Meta-A": "c"}},
		"a field more":      {good, "AccessDenied", 403, map[string]string{"X-Amz-Meta-A": "b", "X-Amz-Tagging": "a=b"}},
		"a parameter more":  {good + "&x=y", "SignatureDoesNotMatch", 403, r.header},
		"a parameter twice": {good + "&X-Amz-Expires=60", "AuthorizationQueryParametersError", 400, r.header},
		"a longer life":     {strings.Replace(good, "Expires=60", "Expires=600", 1), "SignatureDoesNotMatch", 403, r.header},
		"another key":       {strings.Replace(good, "/k?", "/k2?", 1), "SignatureDoesNotMatch", 403, r.header},
		"a slash more":      {strings.Replace(good, "/k?", "//k?", 1), "SignatureDoesNotMatch", 403, r.header},
		"version 4A":        {strings.Replace(good, "AWS4-HMAC-SHA256", "AWS4-ECDSA-P256-SHA256", 1), "InvalidRequest", 400, r.header},
	} {
		a := h.visit(r.method, c.url, request{header: c.header, body: []byte("x")})
		if a.status != c.status || a.code != c.code {
			h.t.Errorf("virtual %v, %s: %s, want %d %s", h.virtual, name, a, c.status, c.code)
		}
	}
}

// TestVirtualHosts: the SDK of AWS in virtual-host style, and the URLs it signs.
func TestVirtualHosts(t *testing.T) {
	s := newServer(t, 1, "--domain", virtualDomain).start()
	ctx, cancel := context.WithTimeout(context.Background(), callMax)
	defer cancel()
	c := s.awsClient(true)
	bucket, key := aws.String("virtual-sdk"), aws.String("virtual-sdk/a b+ü")
	if _, err := c.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: bucket}); err != nil {
		t.Fatal(err)
	}
	data := content{2, 100_000}
	if _, err := c.PutObject(ctx, &s3.PutObjectInput{Bucket: bucket, Key: key, Body: bytes.NewReader(data.bytes())}); err != nil {
		t.Fatal(err)
	}
	signed, err := s3.NewPresignClient(c).PresignGetObject(ctx, &s3.GetObjectInput{Bucket: bucket, Key: key},
		s3.WithPresignExpires(time.Minute))
	if err != nil {
		t.Fatal(err)
	}
	h := &holder{s, t, true, s.anyHost()}
	a := h.visit("GET", signed.URL, request{})
	if err := data.verify(bytes.NewReader(a.body), 0, data.sizeBytes); err != nil || a.status != 200 {
		t.Errorf("%v, %d", err, a.status)
	}
	if keys := s.listKeys("virtual-sdk"); len(keys) != 1 || !keys[*key] {
		t.Errorf("keys %v", keys)
	}
	awsMultipart(t, ctx, c, bucket)
	s.stop()
}
