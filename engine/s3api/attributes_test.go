package s3api

import (
	"encoding/xml"
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"flashstore/engine/sigv4"
)

// attributes is a GetObjectAttributesResponse.
type attributes struct {
	ETag         string
	StorageClass string
	ObjectSize   *int
	Checksum     struct{ ChecksumCRC64NVME, ChecksumSHA256, ChecksumType string }
	ObjectParts  *struct {
		PartsCount, MaxParts, PartNumberMarker, NextPartNumberMarker int
		IsTruncated                                                  bool
		Part                                                         []struct {
			PartNumber, Size int
			ChecksumSHA256   string
		}
	}
}

func (f *fixture) attributes(key, names string, header ...string) (a attributes) {
	f.t.Helper()
	r := f.want(200, "", "GET", "/bucket/"+key+"?attributes", "", append(header, "x-amz-object-attributes", names)...)
	if err := xml.Unmarshal([]byte(r.body), &a); err != nil || r.header.Get("Last-Modified") == "" {
		f.t.Fatalf("%v %v %s", err, r.header, r.body)
	}
	return a
}

// TestGetObjectAttributes: https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObjectAttributes.html.
func TestGetObjectAttributes(t *testing.T) {
	f := newFixture(t, nil)
	f.store.partMin = 1
	etag := strings.Trim(f.want(200, "", "PUT", "/bucket/k", "body").header.Get("ETag"), `"`)
	a := f.attributes("k", "ETag, Checksum,ObjectSize", "x-amz-object-attributes", "StorageClass")
	if a.ETag != etag || a.StorageClass != "STANDARD" || a.ObjectSize == nil || *a.ObjectSize != 4 ||
		a.Checksum.ChecksumCRC64NVME != sumOf(sumCRC64NVME, "body") || a.Checksum.ChecksumType != "FULL_OBJECT" {
		t.Errorf("%+v", a)
	}
	if a := f.attributes("k", "ObjectParts"); a.ObjectParts != nil || a.ETag != "" || a.ObjectSize != nil || a.StorageClass != "" {
		t.Errorf("an object of one piece: %+v", a)
	}
	for _, c := range []struct {
		code string
		list []string
	}{
		{"InvalidRequest", nil}, {"InvalidRequest", []string{"x-amz-object-attributes", ""}},
		{"InvalidRequest", []string{"x-amz-object-attributes", " , "}},
		{"InvalidArgument", []string{"x-amz-object-attributes", "ETags"}},
		{"InvalidArgument", []string{"x-amz-object-attributes", "ETag,etag"}},
	} {
		f.want(400, c.code, "GET", "/bucket/k?attributes", "", c.list...)
	}
	f.want(404, "NoSuchKey", "GET", "/bucket/absent?attributes", "", "x-amz-object-attributes", "ETag")
	f.want(412, "PreconditionFailed", "GET", "/bucket/k?attributes", "", "x-amz-object-attributes", "ETag", "If-Match", `"x"`)
	f.versioning("Enabled")
	f.want(204, "", "DELETE", "/bucket/k", "")
	gone := f.want(404, "NoSuchKey", "GET", "/bucket/k?attributes", "", "x-amz-object-attributes", "ETag")
	marker := gone.header.Get("x-amz-version-id")
	if gone.header.Get("x-amz-delete-marker") != "true" || marker == "" {
		t.Errorf("%v", gone.header)
	}
	f.want(405, "MethodNotAllowed", "GET", "/bucket/k?attributes&versionId="+marker, "", "x-amz-object-attributes", "ETag")
	old := f.want(200, "", "GET", "/bucket/k?attributes&versionId=null", "", "x-amz-object-attributes", "ETag")
	if old.header.Get("x-amz-version-id") != "null" || !strings.Contains(old.body, etag) {
		t.Errorf("%v %s", old.header, old.body)
	}
}

// TestAttributesOfParts: pages of the parts of a multipart object; S3 takes a number that is none for
// an absent one.
func TestAttributesOfParts(t *testing.T) {
	f := newFixture(t, nil)
	f.store.partMin = 1
	id := f.begin("x-amz-checksum-algorithm", "SHA256")
	var parts []string
	for n := 1; n <= 3; n++ {
		body := strings.Repeat("x", n)
		parts = append(parts, fmt.Sprint(n), f.part(id, n, body, sumSHA256.header(), sumOf(sumSHA256, body)).header.Get("ETag"),
			body)
	}
	f.want(200, "", "POST", "/bucket/k?uploadId="+id, completeSums(sumSHA256, parts...))
	const max, marker = "x-amz-max-parts", "x-amz-part-number-marker"
	for _, c := range []struct {
		want   string
		header []string
	}{
		{"[1 2 3] next 3 of 3, max 1000, more false", nil},
		{"[1 2] next 2 of 3, max 2, more true", []string{max, "2"}},
		{"[3] next 3 of 3, max 2, more false", []string{max, "2", marker, "2"}},
		{"[] next 0 of 3, max 0, more false", []string{max, "0"}},
		{"[1 2 3] next 3 of 3, max 1000, more false", []string{max, "x", marker, "-1"}},
		{"[1 2 3] next 3 of 3, max 1000, more false", []string{max, "99999999999999999999"}},
		{"[] next 0 of 3, max 1000, more false", []string{marker, "99999"}},
	} {
		p := f.attributes("k", "ObjectParts", c.header...).ObjectParts
		numbers := []int{}
		for _, part := range p.Part {
			numbers = append(numbers, part.PartNumber)
			if part.Size != part.PartNumber || part.ChecksumSHA256 != sumOf(sumSHA256, strings.Repeat("x", part.Size)) {
				t.Errorf("%+v", part)
			}
		}
		if got := fmt.Sprintf("%v next %d of %d, max %d, more %v", numbers, p.NextPartNumberMarker, p.PartsCount, p.MaxParts,
			p.IsTruncated); got != c.want {
			t.Errorf("%q: %s, want %s", c.header, got, c.want)
		}
	}
	if a := f.attributes("k", "Checksum"); a.Checksum.ChecksumType != "COMPOSITE" || len(a.Checksum.ChecksumSHA256) != 44 {
		t.Errorf("%+v", a)
	}
	for _, method := range []string{"GET", "HEAD"} { // of a part: its own checksum, its own range
		h := f.want(206, "", method, "/bucket/k?partNumber=2", "", "x-amz-checksum-mode", "ENABLED").header
		if h.Get("x-amz-checksum-sha256") != sumOf(sumSHA256, "xx") || h.Get("x-amz-mp-parts-count") != "3" ||
			h.Get("Content-Range") != "bytes 1-2/6" || h.Get("Content-Length") != "2" {
			t.Errorf("%s of a part: %v", method, h)
		}
		h = f.want(200, "", method, "/bucket/k", "", "x-amz-checksum-mode", "enabled").header
		if !strings.HasSuffix(h.Get("x-amz-checksum-sha256"), "-3") || h.Get("x-amz-checksum-type") != "COMPOSITE" {
			t.Errorf("%s: %v", method, h)
		}
		h = f.want(206, "", method, "/bucket/k", "", "x-amz-checksum-mode", "ENABLED", "Range", "bytes=0-1").header
		if h.Get("x-amz-checksum-sha256") != "" {
			t.Errorf("%s of a range: %v", method, h)
		}
	}
}

// TestEmptyLastPart: a part of no bytes has no range.
func TestEmptyLastPart(t *testing.T) {
	f := newFixture(t, nil)
	f.store.partMin = 1
	id := f.begin()
	one, two := f.part(id, 1, "one").header.Get("ETag"), f.part(id, 2, "").header.Get("ETag")
	f.want(200, "", "POST", "/bucket/k?uploadId="+id, completeXML("1", one, "2", two))
	if r := f.want(206, "", "GET", "/bucket/k?partNumber=2", ""); r.body != "" || r.header.Get("Content-Range") != "" {
		t.Errorf("%q, %v", r.body, r.header)
	}
}

// TestUserMetadata: decoded as RFC 2047 says before it is stored, and encoded so before it is shown;
// raw bytes are ISO 8859-1
// (https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingMetadata.html#UserMetadata).
func TestUserMetadata(t *testing.T) {
	f := newFixture(t, nil)
	for sent, want := range map[string]string{
		"plain":                          "plain",
		"":                               "",
		"=?UTF-8?B?w4TDlg==?=":           "=?UTF-8?B?w4TDlg==?=",
		"=?UTF-8?Q?=C3=84=C3=96?=":       "=?UTF-8?B?w4TDlg==?=",
		"=?ISO-8859-1?Q?=C4=D6?=":        "=?UTF-8?B?w4TDlg==?=",
		"=?UTF-8?Q?ascii?=":              "ascii",
		"=?UTF-8?Q?a=0D=0AInjected:_b?=": "=?UTF-8?B?YQ0KSW5qZWN0ZWQ6IGI=?=",
		"=?nonsense":                     "=?nonsense",
		"ÄMÄZÕÑ S3":                      "=?UTF-8?B?w4PChE3Dg8KEWsODwpXDg8KRIFMz?=",
	} {
		f.want(200, "", "PUT", "/bucket/k", "v", "x-amz-meta-a", sent)
		for _, method := range []string{"GET", "HEAD"} {
			if got := f.want(200, "", method, "/bucket/k", "").header.Get("x-amz-meta-a"); got != want {
				t.Errorf("%s: %q became %q, want %q", method, sent, got, want)
			}
		}
	}
}

// TestPresignedFields: what a presigned URL carries in its query is a field
// (https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html).
func TestPresignedFields(t *testing.T) {
	f := newFixture(t, nil)
	send := func(query string) reply {
		req := f.request("PUT", "/bucket/k?"+query, "body")
		if err := sigv4.Presign(req, testKey, testSecret, "us-east-1", "s3", time.Minute, time.Now()); err != nil {
			t.Fatal(err)
		}
		return f.send(req)
	}
	f.check(send("x-amz-meta-a=b%20c&X-Amz-Meta-D=e+f&x-amz-tagging=t%3Du&x-amz-website-redirect-location=%2Fx"), 200, "", "")
	h := f.want(200, "", "HEAD", "/bucket/k", "").header
	for name, want := range map[string]string{"x-amz-meta-a": "b c", "x-amz-meta-d": "e f", "x-amz-tagging-count": "1",
		"x-amz-website-redirect-location": "/x"} {
		if got := h.Get(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	f.want(200, "", "PUT", "/bucket/from", "copied")
	f.check(send("x-amz-copy-source=bucket%2Ffrom"), 200, "", "a copy")
	if r := f.want(200, "", "GET", "/bucket/k", ""); r.body != "copied" {
		t.Errorf("the copy is %q", r.body)
	}
	for _, query := range []string{"x-amz-website-redirect-location=%2Fx%0D%0ASet-Cookie:%20a", "x-amz-meta-a(b)=c",
		"x-amz-copy-source=bucket%2Ffrom&x-amz-website-redirect-location=%2F%00"} {
		f.check(send(query), 400, "InvalidArgument", query)
	}
	f.check(send("x-amz-meta-a=b%0D%0ASet-Cookie:%20a"), 200, "", "made safe")
	if h := f.want(200, "", "HEAD", "/bucket/k", "").header; h.Get("Set-Cookie") != "" || !strings.HasPrefix(h.Get("x-amz-meta-a"), "=?UTF-8?B?") {
		t.Errorf("%v", h)
	}
}

// TestUnknownOverride: https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html.
func TestUnknownOverride(t *testing.T) {
	f := newFixture(t, nil)
	f.want(200, "", "PUT", "/bucket/k", "v")
	f.want(400, "InvalidArgument", "GET", "/bucket/k?response-x=y", "")
	h := f.want(200, "", "HEAD", "/bucket/k?response-content-type=a%2Fb", "").header
	if h.Get("Content-Type") != "a/b" {
		t.Errorf("HEAD: %v", h)
	}
}

func FuzzMetadata(f *testing.F) {
	for _, s := range []string{"plain", "=?UTF-8?Q?=C3=84?=", "=?ISO-8859-1?B?xA==?=", "\xc4", "=?UTF-8?Q?=0D=0A?= =?x?="} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, sent string) {
		text := plainText(sent)
		shown := mailSafe(text)
		if !ascii(shown) {
			t.Errorf("%q is shown as %q", sent, shown)
		}
		if back := plainText(shown); back != text && !strings.Contains(text, "=?") && utf8.ValidString(text) {
			t.Errorf("%q means %q, and shown %q", sent, text, back)
		}
	})
}

// TestPartsWithoutChecksums: of an object whose checksum is of all its bytes no parts are listed, and
// a part has a checksum only if it is the object
// (https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObjectAttributes.html).
func TestPartsWithoutChecksums(t *testing.T) {
	f := newFixture(t, nil)
	f.store.partMin = 1
	for parts := 1; parts <= 2; parts++ {
		id := f.begin()
		var list []string
		for n := 1; n <= parts; n++ {
			list = append(list, fmt.Sprint(n), f.part(id, n, "part").header.Get("ETag"))
		}
		f.want(200, "", "POST", "/bucket/k?uploadId="+id, completeXML(list...))
		r := f.want(200, "", "GET", "/bucket/k?attributes", "", "x-amz-object-attributes", "ObjectParts")
		if want := fmt.Sprintf("<ObjectParts><PartsCount>%d</PartsCount></ObjectParts>", parts); !strings.Contains(r.body, want) {
			t.Errorf("%s lacks %s", r.body, want)
		}
		h := f.want(206, "", "GET", "/bucket/k?partNumber=1", "", "x-amz-checksum-mode", "ENABLED").header
		if got := h.Get("x-amz-checksum-crc64nvme"); (got == "") != (parts > 1) {
			t.Errorf("%d parts: %q", parts, got)
		}
	}
}

// TestPartsOfAnother: parts are of the object that is described, whatever is written meanwhile.
func TestPartsOfAnother(t *testing.T) {
	f := newFixture(t, nil)
	f.store.partMin = 1
	put := func(body string) *memObject {
		id := f.begin("x-amz-checksum-algorithm", "SHA256")
		etag := f.part(id, 1, body, sumSHA256.header(), sumOf(sumSHA256, body)).header.Get("ETag")
		f.want(200, "", "POST", "/bucket/k?uploadId="+id, completeSums(sumSHA256, "1", etag, body))
		return f.store.buckets["bucket"].objects["k"]
	}
	states := []*memObject{put("one"), put("second")}
	swaps := 0
	f.store.fail = func(method string) error {
		if method == "ObjectParts" && swaps > 0 {
			swaps--
			f.store.buckets["bucket"].objects["k"] = states[swaps%2]
		}
		return nil
	}
	const attributes = "/bucket/k?attributes"
	for swaps = 1; swaps > 0; {
		f.store.buckets["bucket"].objects["k"] = states[1]
		r := f.want(200, "", "GET", attributes, "", "x-amz-object-attributes", "ObjectParts,ObjectSize")
		if !strings.Contains(r.body, "<Size>3</Size>") || !strings.Contains(r.body, "<ObjectSize>3</ObjectSize>") {
			t.Errorf("a mix: %s", r.body)
		}
	}
	swaps = 100
	f.store.buckets["bucket"].objects["k"] = states[0]
	f.want(503, "SlowDown", "GET", attributes, "", "x-amz-object-attributes", "ObjectParts")
	swaps = 1
	f.store.buckets["bucket"].objects["k"] = states[1]
	h := f.want(206, "", "GET", "/bucket/k?partNumber=1", "", "x-amz-checksum-mode", "ENABLED").header
	if got := h.Get("x-amz-checksum-sha256"); got != "" {
		t.Errorf("the checksum of another object: %s", got)
	}
}
