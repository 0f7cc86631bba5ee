package s3api

import (
	"crypto/md5"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"net/http"
	"strings"
	"testing"
	"time"

	"flashstore/engine/sigv4"
)

func sha256Hex(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:])
}

func md5Base64(s string) string {
	sum := md5.Sum([]byte(s))
	return base64.StdEncoding.EncodeToString(sum[:])
}

func TestPutGetHeadDelete(t *testing.T) {
	f := newFixture(t, nil)
	body := strings.Repeat("0123456789", 50_000)
	put := f.want(200, "", "PUT", "/bucket/a%20b/..//c+d", body,
		"Content-Type", "text/plain", "x-amz-meta-Colour", "blue", "x-amz-meta-colour", "green",
		"Content-MD5", md5Base64(body), "Cache-Control", "no-store",
		"Content-Encoding", "gzip", "X-Internal-Thing", "leak", "Content-Language", "")
	sum := md5.Sum([]byte(body))
	etag := `"` + hex.EncodeToString(sum[:]) + `"`
	if put.header.Get("ETag") != etag || put.header.Get("x-amz-checksum-crc64nvme") == "" ||
		put.header.Get("x-amz-checksum-type") != "FULL_OBJECT" {
		t.Errorf("answer to PUT: %v", put.header)
	}
	if _, ok := f.store.buckets["bucket"].objects["a b/..//c+d"]; !ok {
		t.Error("the key is not what was sent")
	}
	for _, method := range []string{"GET", "HEAD"} {
		r := f.want(200, "", method, "/bucket/a%20b/..//c+d", "", "x-amz-checksum-mode", "ENABLED")
		for name, want := range map[string]string{
			"ETag": etag, "Content-Type": "text/plain", "x-amz-meta-colour": "blue,green",
			"Cache-Control": "no-store", "Content-Encoding": "gzip", "X-Internal-Thing": "",
			"Accept-Ranges": "bytes", "Server": "flashstore", "Content-Length": "500000",
			"x-amz-checksum-crc64nvme": put.header.Get("x-amz-checksum-crc64nvme"),
		} {
			if got := r.header.Get(name); got != want {
				t.Errorf("%s: %s is %q, want %q", method, name, got, want)
			}
		}
		if _, err := http.ParseTime(r.header.Get("Last-Modified")); err != nil {
			t.Error(err)
		}
		if len(r.header.Get("x-amz-request-id")) != 16 || r.header.Get("x-amz-id-2") == "" {
			t.Errorf("ids: %v", r.header)
		}
		if method == "GET" && r.body != body {
			t.Error("the body differs")
		}
	}
	f.want(204, "", "DELETE", "/bucket/a%20b/..//c+d", "")
	f.want(404, "NoSuchKey", "GET", "/bucket/a%20b/..//c+d", "")
	f.want(204, "", "DELETE", "/bucket/a%20b/..//c+d", "")
	if !f.seen.has("PutObject 200 in=500000 out=0") || !f.seen.has("GetObject 200 in=0 out=500000") {
		t.Errorf("observed %q", f.seen.list)
	}
}

func TestEmptyObject(t *testing.T) {
	f := newFixture(t, nil)
	f.want(200, "", "PUT", "/bucket/empty", "")
	r := f.want(200, "", "GET", "/bucket/empty", "")
	if r.header.Get("Content-Length") != "0" || r.header.Get("Content-Type") != "binary/octet-stream" {
		t.Errorf("%v", r.header)
	}
	f.want(416, "InvalidRange", "GET", "/bucket/empty", "", "Range", "bytes=0-")
}

func TestRanges(t *testing.T) {
	f := newFixture(t, nil)
	f.want(200, "", "PUT", "/bucket/k", "0123456789")
	for field, want := range map[string]struct {
		status         int
		body, contents string
	}{
		"bytes=0-0":                    {206, "0", "bytes 0-0/10"},
		"bytes=3-5":                    {206, "345", "bytes 3-5/10"},
		"bytes=7-":                     {206, "789", "bytes 7-9/10"},
		"bytes=-4":                     {206, "6789", "bytes 6-9/10"},
		"bytes=-400":                   {206, "0123456789", "bytes 0-9/10"},
		"bytes=5-99999999999999999999": {206, "56789", "bytes 5-9/10"},
		"bytes=0-1,3-4":                {200, "0123456789", ""},
		"bytes=5-4":                    {200, "0123456789", ""},
		"lines=1-2":                    {200, "0123456789", ""},
		"bytes=+1-2":                   {200, "0123456789", ""},
		"bytes=":                       {200, "0123456789", ""},
	} {
		r := f.want(want.status, "", "GET", "/bucket/k", "", "Range", field)
		if r.body != want.body || r.header.Get("Content-Range") != want.contents {
			t.Errorf("%s: %q, %q", field, r.body, r.header.Get("Content-Range"))
		}
		if h := f.do("HEAD", "/bucket/k", "", "Range", field); h.status != want.status {
			t.Errorf("HEAD %s: %d", field, h.status)
		}
	}
	for _, field := range []string{"bytes=10-", "bytes=10-20", "bytes=-0"} {
		r := f.want(416, "InvalidRange", "GET", "/bucket/k", "", "Range", field)
		if r.header.Get("Content-Range") != "bytes */10" ||
			!strings.Contains(r.body, "<ActualObjectSize>10</ActualObjectSize>") {
			t.Errorf("%s: %v %s", field, r.header, r.body)
		}
	}
}

func TestConditions(t *testing.T) {
	f := newFixture(t, nil)
	etag := f.want(200, "", "PUT", "/bucket/k", "v").header.Get("ETag")
	modified := f.do("HEAD", "/bucket/k", "").header.Get("Last-Modified")
	const past, future = "Mon, 01 Jan 2001 00:00:00 GMT", "Fri, 01 Jan 2100 00:00:00 GMT"
	for _, c := range []struct {
		status int
		header []string
	}{
		{200, []string{"If-Match", etag}},
		{200, []string{"If-Match", strings.Trim(etag, `"`)}},
		{200, []string{"If-Match", `"x", ` + etag}},
		{200, []string{"If-Match", "*"}},
		{412, []string{"If-Match", `"x"`}},
		{304, []string{"If-None-Match", etag}},
		{304, []string{"If-None-Match", "*"}},
		{304, []string{"If-None-Match", "W/" + etag}},
		{200, []string{"If-None-Match", `"x"`}},
		{304, []string{"If-Modified-Since", modified}},
		{304, []string{"If-Modified-Since", future}},
		{200, []string{"If-Modified-Since", past}},
		{200, []string{"If-Modified-Since", "yesterday"}},
		{412, []string{"If-Unmodified-Since", past}},
		{200, []string{"If-Unmodified-Since", modified}},
		{200, []string{"If-Match", etag, "If-Unmodified-Since", past}},
		{304, []string{"If-None-Match", etag, "If-Modified-Since", past}},
		{200, []string{"If-None-Match", `"x"`, "If-Modified-Since", future}},
		{206, []string{"Range", "bytes=0-0", "If-Range", etag}},
		{200, []string{"Range", "bytes=0-0", "If-Range", `"x"`}},
		{206, []string{"Range", "bytes=0-0", "If-Range", modified}},
		{200, []string{"Range", "bytes=0-0", "If-Range", past}},
	} {
		for _, method := range []string{"GET", "HEAD"} {
			r := f.do(method, "/bucket/k", "", c.header...)
			if r.status != c.status || r.err != nil {
				t.Errorf("%s %q: %d, %v; want %d", method, c.header, r.status, r.err, c.status)
			}
			if r.status == 304 && (r.body != "" || r.header.Get("ETag") != etag) {
				t.Errorf("304 with %q, %v", r.body, r.header)
			}
		}
	}
	f.want(412, "PreconditionFailed", "GET", "/bucket/k", "", "If-Match", `"x"`)
}

func TestOverrides(t *testing.T) {
	f := newFixture(t, nil)
	f.want(200, "", "PUT", "/bucket/k", "v", "Content-Type", "text/plain")
	r := f.want(200, "", "GET", "/bucket/k?response-content-type=a%2Fb&response-expires=never"+
		"&response-content-disposition=x%3B+filename%3D%22y%22", "")
	if got := r.header["Content-Type"]; len(got) != 1 || got[0] != "a/b" ||
		r.header.Get("Expires") != "never" ||
		r.header.Get("Content-Disposition") != `x; filename="y"` {
		t.Errorf("%v", r.header)
	}
	for _, bad := range []string{"%0d%0aSet-Cookie:%20a", "%0a", "%00", "%1b", "%7f"} {
		f.want(400, "InvalidArgument", "GET", "/bucket/k?response-cache-control="+bad, "")
	}
}

func TestPartNumberAndVersion(t *testing.T) {
	f := newFixture(t, nil)
	f.want(200, "", "PUT", "/bucket/k", "value")
	if r := f.want(206, "", "GET", "/bucket/k?partNumber=1", ""); r.body != "value" {
		t.Error(r.body)
	}
	f.want(416, "InvalidPartNumber", "GET", "/bucket/k?partNumber=2", "")
	f.want(400, "InvalidArgument", "GET", "/bucket/k?partNumber=0", "")
	f.want(400, "InvalidRequest", "GET", "/bucket/k?partNumber=1", "", "Range", "bytes=0-0")
	f.want(200, "", "GET", "/bucket/k?versionId=null", "")
	f.want(400, "InvalidArgument", "GET", "/bucket/k?versionId=abc", "")
	f.want(400, "InvalidArgument", "DELETE", "/bucket/k?versionId=abc", "")
	f.want(204, "", "DELETE", "/bucket/k?versionId=null", "")
}

func TestBodyThatBreaksBreaksTheConnection(t *testing.T) {
	f := newFixture(t, nil)
	f.want(200, "", "PUT", "/bucket/k", strings.Repeat("x", 300_000))
	f.store.breakAfter = 100_000
	r := f.do("GET", "/bucket/k", "")
	if r.status != 200 || r.err == nil || len(r.body) >= 300_000 {
		t.Errorf("status %d, %d bytes, error %v", r.status, len(r.body), r.err)
	}
	if !strings.Contains(f.log.String(), r.header.Get("x-amz-request-id")) {
		t.Error("the log does not name the request")
	}
}

// TestStorageClassIsShown: in every answer that names one, and in a GET or HEAD unless it is STANDARD
// (https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadObject.html#AmazonS3-HeadObject-response-header-StorageClass).
func TestStorageClassIsShown(t *testing.T) {
	f := newFixture(t, nil)
	field := func(class string) []string {
		if class == "" {
			return nil
		}
		return []string{"x-amz-storage-class", class}
	}
	for key, class := range map[string]string{"plain": "", "standard": "STANDARD",
		"reduced": "REDUCED_REDUNDANCY"} {
		f.want(200, "", "PUT", "/bucket/"+key, "body", field(class)...)
		shown := class
		if shown == "STANDARD" {
			shown = ""
		}
		if got := f.want(200, "", "HEAD", "/bucket/"+key, "").header.Get("x-amz-storage-class"); got != shown {
			t.Errorf("%s: %q, want %q", key, got, shown)
		}
	}
	list := f.want(200, "", "GET", "/bucket?list-type=2", "").body
	if strings.Count(list, "<StorageClass>STANDARD<") != 2 ||
		strings.Count(list, "<StorageClass>REDUCED_REDUNDANCY<") != 1 {
		t.Errorf("listed:\n%s", list)
	}
	presigned := f.request("PUT", "/bucket/k?x-amz-storage-class=REDUCED_REDUNDANCY", "body")
	if err := sigv4.Presign(presigned, testKey, testSecret, "us-east-1", "s3", time.Minute,
		time.Now()); err != nil {
		t.Fatal(err)
	}
	f.check(f.send(presigned), 200, "", "a class in the query")
	if got := f.want(200, "", "HEAD", "/bucket/k", "").header.Get("x-amz-storage-class"); got !=
		"REDUCED_REDUNDANCY" {
		t.Errorf("a class in the query: %q", got)
	}
}

// TestConditionalWrites: what is refused changes nothing, and 412 names the condition.
func TestConditionalWrites(t *testing.T) {
	f := newFixture(t, nil)
	f.store.partMin = 1
	absent := f.want(404, "NoSuchKey", "PUT", "/bucket/k", "v", "If-Match", "*")
	f.want(404, "NoSuchKey", "DELETE", "/bucket/k", "", "If-Match", `"x"`)
	first := f.want(200, "", "PUT", "/bucket/k", "v", "If-None-Match", "*").header.Get("ETag")
	if strings.Contains(absent.body, "<Condition>") {
		t.Error(absent.body)
	}
	for _, c := range []struct {
		condition string
		header    []string
	}{
		{"If-None-Match", []string{"If-None-Match", "*"}},
		{"If-Match", []string{"If-Match", `"x"`}},
		{"If-Match", []string{"If-Match", ""}},
		{"If-Match", []string{"If-Match", `"x"`, "If-Match", `"y"`}},
		{"If-None-Match", []string{"If-Match", first, "If-None-Match", "*"}},
	} {
		id := f.begin()
		etag := f.part(id, 1, "part").header.Get("ETag")
		for method, answer := range map[string]reply{
			"PUT": f.want(412, "PreconditionFailed", "PUT", "/bucket/k", "w", c.header...),
			"POST": f.want(412, "PreconditionFailed", "POST", "/bucket/k?uploadId="+id,
				completeXML("1", etag), c.header...),
		} {
			if !strings.Contains(answer.body, "<Condition>"+c.condition+"</Condition>") {
				t.Errorf("%s %q: %s", method, c.header, answer.body)
			}
		}
		f.want(204, "", "DELETE", "/bucket/k?uploadId="+id, "")
	}
	f.want(501, "NotImplemented", "PUT", "/bucket/k", "w", "If-None-Match", `"x", `+first)
	f.want(412, "PreconditionFailed", "DELETE", "/bucket/k", "", "If-Match", `"x"`)
	f.want(501, "NotImplemented", "DELETE", "/bucket/k", "", "If-None-Match", "*")
	if got := f.want(200, "", "GET", "/bucket/k", ""); got.body != "v" {
		t.Errorf("now it is %q", got.body)
	}
	f.want(200, "", "PUT", "/bucket/k", "w", "If-Match", `"x"`, "If-Match", first)
	id := f.begin()
	etag := f.part(id, 1, "part").header.Get("ETag")
	f.want(200, "", "POST", "/bucket/k?uploadId="+id, completeXML("1", etag), "If-Match", "*")
	f.want(204, "", "DELETE", "/bucket/k", "", "If-Match",
		f.want(200, "", "HEAD", "/bucket/k", "").header.Get("ETag"))
	f.want(404, "NoSuchKey", "GET", "/bucket/k", "")
}
