package s3api

import (
	"crypto/md5"
	"encoding/hex"
	"encoding/xml"
	"fmt"
	"net/url"
	"strings"
	"testing"

	"flashstore/engine/object"
)

// copied is what the answer to a copy says.
func (f *fixture) copied(r reply, root string) (etag, crc string) {
	f.t.Helper()
	var got struct {
		XMLName        xml.Name
		ETag           string
		LastModified   string
		ChecksumSHA256 string
		ChecksumType   string
	}
	if err := xml.Unmarshal([]byte(r.body), &got); err != nil || got.XMLName.Local != root ||
		got.LastModified == "" {
		f.t.Errorf("%v: %s", err, r.body)
	}
	return got.ETag, got.ChecksumSHA256
}

const source = "x-amz-copy-source"

// TestCopyObject: what a copy takes over and what is its own
// (https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html).
func TestCopyObject(t *testing.T) {
	f := newFixture(t, nil)
	f.want(200, "", "PUT", "/bucket/a%20b%2Bc", "body", "Content-Type", "text/plain", "x-amz-meta-a", "1",
		"x-amz-storage-class", "REDUCED_REDUNDANCY", "x-amz-website-redirect-location", "/there")
	etag := f.want(200, "", "HEAD", "/bucket/a%20b%2Bc", "").header.Get("ETag")
	for _, from := range []string{"bucket/a%20b%2Bc", "/bucket/a+b%2Bc", "bucket%2Fa%20b%2bc", "bucket/a b%2Bc",
		"bucket/a%20b%2Bc?versionId=null"} {
		r := f.want(200, "", "PUT", "/bucket/copy", "", source, from)
		if got, _ := f.copied(r, "CopyObjectResult"); got != etag {
			t.Errorf("%s: ETag %s, want %s", from, got, etag)
		}
		head := f.want(200, "", "GET", "/bucket/copy", "")
		for name, want := range map[string]string{"ETag": etag, "Content-Type": "text/plain", "x-amz-meta-a": "1",
			"x-amz-storage-class": "", "x-amz-website-redirect-location": ""} {
			if got := head.header.Get(name); got != want || head.body != "body" {
				t.Errorf("%s: %s is %q, want %q", from, name, got, want)
			}
		}
	}
	r := f.want(200, "", "PUT", "/bucket/copy", "", source, "bucket/a+b%2Bc", "x-amz-metadata-directive", "REPLACE",
		"x-amz-meta-b", "2", "x-amz-storage-class", "REDUCED_REDUNDANCY", "x-amz-checksum-algorithm", "SHA256",
		"x-amz-website-redirect-location", "/here")
	if _, sum := f.copied(r, "CopyObjectResult"); sum != sumOf(sumSHA256, "body") {
		t.Errorf("checksum %q: %s", sum, r.body)
	}
	head := f.want(200, "", "HEAD", "/bucket/copy", "", "x-amz-checksum-mode", "ENABLED").header
	for name, want := range map[string]string{"Content-Type": "binary/octet-stream", "x-amz-meta-a": "",
		"x-amz-meta-b": "2", "x-amz-storage-class": "REDUCED_REDUNDANCY", "x-amz-website-redirect-location": "/here",
		"x-amz-checksum-sha256": sumOf(sumSHA256, "body"), "x-amz-checksum-type": "FULL_OBJECT"} {
		if got := head.Get(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
}

// TestCopyRefusals: nothing is stored of a copy that is refused.
func TestCopyRefusals(t *testing.T) {
	f := newFixture(t, nil)
	for from, code := range map[string]string{
		"":                          "400 InvalidArgument",
		"bucket":                    "400 InvalidArgument",
		"bucket/":                   "400 InvalidArgument",
		"/":                         "400 InvalidArgument",
		"B/k":                       "400 InvalidArgument",
		"bucket/%zz":                "400 InvalidArgument",
		"bucket/%":                  "400 InvalidArgument",
		"bucket/%ff":                "400 InvalidArgument",
		"bucket/a?versionId=":       "400 InvalidArgument",
		"bucket/a?versionId=x":      "400 InvalidArgument",
		"bucket/a?version=null":     "400 InvalidArgument",
		"bucket/a?":                 "400 InvalidArgument",
		"bucket/absent":             "404 NoSuchKey",
		"absent/key":                "404 NoSuchBucket",
		"arn:aws:s3:::bucket/a/key": "501 NotImplemented",
		"bucket/a?versionId=" + strings.Repeat("0", 32): "404 NoSuchVersion",
	} {
		r := f.do("PUT", "/bucket/k", "", source, from)
		if got := fmt.Sprint(r.status, " ", r.code()); got != code {
			t.Errorf("%q: %s, want %s: %s", from, got, code, r.body)
		}
	}
	f.nothingStored()
	f.want(200, "", "PUT", "/bucket/a", "body")
	illegal := f.want(400, "InvalidRequest", "PUT", "/bucket/a", "", source, "bucket/a")
	if !strings.Contains(illegal.body, "This copy request is illegal because it is trying to copy an object to "+
		"itself without changing the object") {
		t.Error(illegal.body)
	}
	f.want(400, "InvalidRequest", "PUT", "/bucket/a", "", source, "bucket/a", "x-amz-checksum-algorithm", "SHA1")
	f.want(400, "InvalidArgument", "PUT", "/bucket/b", "", source, "bucket/a", "x-amz-metadata-directive", "copy")
	f.want(400, "InvalidRequest", "PUT", "/bucket/b", "", source, "bucket/a", "x-amz-checksum-algorithm", "MD5")
	f.want(404, "NoSuchKey", "GET", "/bucket/b", "")
	for _, allowed := range [][]string{{"x-amz-metadata-directive", "REPLACE"}, {"x-amz-storage-class", "STANDARD"},
		{"x-amz-website-redirect-location", "/x"}} {
		f.want(200, "", "PUT", "/bucket/a", "", append(allowed, source, "bucket/a")...)
	}
	f.store.buckets["bucket"].objects["a"].info.SizeBytes = object.PutBytesMax + 1
	f.want(400, "InvalidRequest", "PUT", "/bucket/b", "", source, "bucket/a")
}

// TestCopyConditions: of the source, where all that does not hold is 412, and of the destination
// (https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html).
func TestCopyConditions(t *testing.T) {
	f := newFixture(t, nil)
	etag := f.want(200, "", "PUT", "/bucket/a", "body").header.Get("ETag")
	id := f.begin()
	const past, future = "Mon, 01 Jan 2001 00:00:00 GMT", "Fri, 01 Jan 2100 00:00:00 GMT"
	const match, none = "x-amz-copy-source-if-match", "x-amz-copy-source-if-none-match"
	const since, before = "x-amz-copy-source-if-modified-since", "x-amz-copy-source-if-unmodified-since"
	for _, c := range []struct {
		status    int
		condition string
		header    []string
	}{
		{200, "", []string{match, etag}},
		{412, "x-amz-copy-source-If-Match", []string{match, `"x"`}},
		{412, "x-amz-copy-source-If-None-Match", []string{none, etag}},
		{200, "", []string{none, `"x"`}},
		{412, "x-amz-copy-source-If-Modified-Since", []string{since, future}},
		{200, "", []string{since, past}},
		{412, "x-amz-copy-source-If-Unmodified-Since", []string{before, past}},
		{200, "", []string{before, future}},
		{200, "", []string{match, etag, before, past}},
		{412, "x-amz-copy-source-If-None-Match", []string{none, etag, since, past}},
	} {
		for _, to := range []string{"/bucket/k", "/bucket/k?partNumber=1&uploadId=" + id} {
			r := f.do("PUT", to, "", append(c.header, source, "bucket/a")...)
			if r.status != c.status || !strings.Contains(r.body, "<Condition>"+c.condition+"<") && c.status != 200 {
				t.Errorf("%s %q: %d %s", to, c.header, r.status, r.body)
			}
		}
	}
	f.want(412, "PreconditionFailed", "PUT", "/bucket/k", "", source, "bucket/a", "If-None-Match", "*")
	f.want(412, "PreconditionFailed", "PUT", "/bucket/k", "", source, "bucket/a", "If-Match", `"x"`)
	f.want(200, "", "PUT", "/bucket/k", "", source, "bucket/a", "If-Match", etag)
	f.want(404, "NoSuchKey", "PUT", "/bucket/new", "", source, "bucket/a", "If-Match", etag)
}

// TestCopyOfMultipart: the copy is of one piece, so its ETag is an MD5 and its checksum of all bytes
// (https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity.html).
func TestCopyOfMultipart(t *testing.T) {
	f := newFixture(t, nil)
	f.store.partMin = 1
	id := f.begin("x-amz-checksum-algorithm", "SHA256")
	one := f.part(id, 1, "one", sumSHA256.header(), sumOf(sumSHA256, "one"))
	two := f.part(id, 2, "two", sumSHA256.header(), sumOf(sumSHA256, "two"))
	f.want(200, "", "POST", "/bucket/k?uploadId="+id, completeSums(sumSHA256, "1", one.header.Get("ETag"), "one",
		"2", two.header.Get("ETag"), "two"))
	etag, sum := f.copied(f.want(200, "", "PUT", "/bucket/copy", "", source, "bucket/k"), "CopyObjectResult")
	plain := f.want(200, "", "PUT", "/bucket/plain", "onetwo").header.Get("ETag")
	if etag != plain || sum != sumOf(sumSHA256, "onetwo") {
		t.Errorf("%s, %s", etag, sum)
	}
}

// TestUploadPartCopy: parts that are objects and ranges of them
// (https://docs.aws.amazon.com/AmazonS3/latest/API/API_UploadPartCopy.html).
func TestUploadPartCopy(t *testing.T) {
	f := newFixture(t, nil)
	f.store.partMin = 1
	f.want(200, "", "PUT", "/bucket/a", "0123456789")
	id := f.begin("x-amz-checksum-algorithm", "SHA256")
	at := "/bucket/k?uploadId=" + id + "&partNumber="
	const ranged = "x-amz-copy-source-range"
	first, sum := f.copied(f.want(200, "", "PUT", at+"1", "", source, "bucket/a", ranged, "bytes=2-4"), "CopyPartResult")
	if want := `"` + md5Hex("234") + `"`; first != want || sum != sumOf(sumSHA256, "234") {
		t.Errorf("%s, %s; want %s", first, sum, want)
	}
	second, _ := f.copied(f.want(200, "", "PUT", at+"2", "", source, "bucket/a"), "CopyPartResult")
	for _, bad := range []string{"bytes=0-10", "bytes=4-2", "bytes=-2", "bytes=2-", "0-2", "bytes=0-1,3-4", "bytes=a-b", "",
		"bytes=0-99999999999999999999"} {
		f.want(400, "InvalidArgument", "PUT", at+"3", "", source, "bucket/a", ranged, bad)
	}
	f.want(404, "NoSuchKey", "PUT", at+"3", "", source, "bucket/absent")
	f.want(404, "NoSuchUpload", "PUT", "/bucket/k?partNumber=1&uploadId="+strings.Repeat("f", 32), "", source, "bucket/a")
	f.want(200, "", "POST", "/bucket/k?uploadId="+id, completeSums(sumSHA256, "1", first, "234", "2", second, "0123456789"))
	if got := f.want(200, "", "GET", "/bucket/k", "").body; got != "2340123456789" {
		t.Errorf("the object is %q", got)
	}
}

// only allows actions on keys: "s3:GetObject bucket/k".
type only map[string]bool

func (o only) Authorize(_, action, bucket, key string) bool { return o[action+" "+bucket+"/"+key] }

// TestCopySourceIsAuthorized: faults.md 3.11; reading a version of the source is an action of its own.
func TestCopySourceIsAuthorized(t *testing.T) {
	may := only{"s3:PutObject bucket/to": true, "s3:ListBucket bucket/": true}
	f := newFixture(t, func(c *Config) { c.Authorizer = may })
	asked := ""
	f.store.fail = func(method string) error {
		asked += method + " "
		return nil
	}
	version := "?versionId=null"
	part := "/bucket/to?partNumber=1&uploadId=" + strings.Repeat("f", 32)
	for _, to := range []string{"/bucket/to", part} {
		f.want(403, "AccessDenied", "PUT", to, "", source, "bucket/from")
		may["s3:GetObject bucket/from"] = true
		f.want(403, "AccessDenied", "PUT", to, "", source, "bucket/from"+version)
		delete(may, "s3:GetObject bucket/from")
		may["s3:GetObjectVersion bucket/from"] = true
		f.want(403, "AccessDenied", "PUT", to, "", source, "bucket/from")
		if asked != "" {
			t.Errorf("the store was asked: %s", asked)
		}
		if r := f.do("PUT", to, "", source, "bucket/from"+version); r.status != 404 || asked == "" {
			t.Errorf("allowed: %d %s", r.status, r.code())
		}
		asked = ""
		delete(may, "s3:GetObjectVersion bucket/from")
	}
}

func FuzzCopySource(f *testing.F) {
	for _, s := range []string{"bucket/key", "/b%2fk?versionId=null", "b/%zz", "b/k?x=y", "arn:aws:s3:::x", "//", "b/a+b%2B"} {
		f.Add(s, "bytes=0-1")
	}
	f.Fuzz(func(t *testing.T, field, ranged string) {
		if first, last, ok := parseSourceRange(ranged); ok && (first < 0 || last < first) {
			t.Errorf("%q is %d to %d", ranged, first, last)
		}
		from, err := parseCopySource(field)
		if err != nil {
			return
		}
		ref, err := from.ref(field)
		if err != nil {
			return
		}
		again := "/" + string(ref.Bucket) + "/" + url.QueryEscape(string(ref.Key))
		if ref.Version != "" {
			again += "?versionId=" + string(ref.Version)
		}
		back, err := parseCopySource(again)
		if err != nil {
			t.Fatalf("%q: %v", again, err)
		}
		if same, err := back.ref(again); err != nil || same != ref {
			t.Errorf("%q is %v, and written anew %v, %v", field, ref, same, err)
		}
	})
}

func md5Hex(s string) string {
	sum := md5.Sum([]byte(s))
	return hex.EncodeToString(sum[:])
}
