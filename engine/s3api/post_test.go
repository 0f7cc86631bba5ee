package s3api

import (
	"encoding/base64"
	"encoding/xml"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"flashstore/engine/object"
	"flashstore/engine/sigv4"
)

const (
	formEdge = "----edge"
	formType = "multipart/form-data; boundary=" + formEdge
)

// postForm is a form to be sent: what is not set is as a browser would send it.
type postForm struct {
	fields     []string // "name=value"
	conditions string   // of the policy, besides those of the credentials, the bucket and the fields
	only       bool     // the conditions are all there are
	expires    time.Time
	secret     string
	unsigned   bool   // no policy, and nothing of a signature
	drop       string // a field that is left out after signing
	file       string
	fileHead   string // of the file's part; "" means a file of the name "dir/name.txt"
	after      string // behind the file
	head       []string
	target     string
	chunked    bool
}

// text is the body of the form.
func (p *postForm) text() string {
	fields := append([]string(nil), p.fields...)
	if !p.unsigned {
		fields = append(fields, p.sign()...)
	}
	var b strings.Builder
	for _, field := range fields {
		name, value, _ := strings.Cut(field, "=")
		if !strings.EqualFold(name, p.drop) {
			fmt.Fprintf(&b, "--%s\r\nContent-Disposition: form-data; name=%q\r\n\r\n%s\r\n", formEdge, name, value)
		}
	}
	head := p.fileHead
	if head == "" {
		head = `Content-Disposition: form-data; name="file"; filename="dir/name.txt"` + "\r\nContent-Type: text/x-part"
	}
	fmt.Fprintf(&b, "--%s\r\n%s\r\n\r\n%s\r\n--%s--\r\n%s", formEdge, head, p.file, formEdge, p.after)
	return b.String()
}

func (p *postForm) sign() (fields []string) {
	now := time.Now()
	expires, secret := p.expires, p.secret
	if expires.IsZero() {
		expires = now.Add(time.Hour)
	}
	if secret == "" {
		secret = testSecret
	}
	conditions := []string{p.conditions}
	if !p.only {
		conditions = append(conditions, `{"bucket":"bucket"}`)
		for _, field := range p.fields {
			name, value, _ := strings.Cut(field, "=")
			if strings.Contains(value, "$") {
				conditions = append(conditions, fmt.Sprintf(`["starts-with","$%s",""]`, name))
			} else {
				conditions = append(conditions, fmt.Sprintf(`{%q:%q}`, name, value))
			}
		}
		for _, c := range sigv4.FormCredentials(testKey, "us-east-1", "s3", now) {
			conditions = append(conditions, fmt.Sprintf(`{%q:%q}`, c[0], c[1]))
		}
	}
	policy := fmt.Sprintf(`{"expiration":%q,"conditions":[%s]}`, expires.UTC().Format("2006-01-02T15:04:05Z"),
		strings.Trim(strings.Join(conditions, ","), ","))
	for _, f := range sigv4.SignForm(base64.StdEncoding.EncodeToString([]byte(policy)), testKey, secret,
		"us-east-1", "s3", now) {
		fields = append(fields, f[0]+"="+f[1])
	}
	return fields
}

func (f *fixture) post(p postForm) reply {
	f.t.Helper()
	if p.target == "" {
		p.target = "/bucket"
	}
	req := f.request("POST", p.target, p.text(), append([]string{"Content-Type", formType}, p.head...)...)
	if p.chunked {
		req.ContentLength, req.Body = -1, io.NopCloser(strings.NewReader(p.text()))
	}
	return f.send(req)
}

func (f *fixture) stored(key string) *memObject {
	f.store.mu.Lock()
	defer f.store.mu.Unlock()
	return f.store.buckets["bucket"].objects[object.Key(key)]
}

func TestPostObject(t *testing.T) {
	f := newFixture(t, nil)
	r := f.post(postForm{fields: []string{"key=u/${filename}", "Content-Type=image/png", "Cache-Control=no-cache",
		"x-amz-meta-UUID=14365123651274", "x-amz-meta-tag=Ninja", "acl=private", "x-ignore-me=1",
		"x-amz-storage-class=REDUCED_REDUNDANCY"}, file: "the content"})
	f.check(r, 204, "", "form")
	o := f.stored("u/name.txt")
	if o == nil || string(o.data) != "the content" {
		t.Fatalf("stored %v", o)
	}
	etag := md5Hex("the content")
	for name, want := range map[string]string{"ETag": `"` + etag + `"`, "x-amz-checksum-type": "FULL_OBJECT",
		"Location": "http://" + f.address + "/bucket/u%2Fname.txt", "Content-Type": ""} {
		if got := r.header.Get(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	if r.header.Get("x-amz-checksum-crc64nvme") == "" || r.body != "" {
		t.Errorf("%v %q", r.header, r.body)
	}
	got := f.want(200, "", "GET", "/bucket/u/name.txt", "")
	for name, want := range map[string]string{"Content-Type": "image/png", "Cache-Control": "no-cache",
		"x-amz-meta-uuid": "14365123651274", "x-amz-meta-tag": "Ninja", "ETag": `"` + etag + `"`} {
		if got := got.header.Get(name); got != want {
			t.Errorf("GET: %s is %q, want %q", name, got, want)
		}
	}
	if !f.seen.has("PostObject 204 in=11 out=0") {
		t.Errorf("seen %v", f.seen.list)
	}
}

// TestPostObjectStreams: sizes around the window, with and without a length, each as one object whose
// ETag is the MD5 of all; no upload is left, and no memory.
func TestPostObjectStreams(t *testing.T) {
	f := newFixture(t, nil)
	const w = windowBytes
	for _, size := range []int{0, 1, windowBlockBytes, windowBlockBytes + 1, w - 1, w, w + 1, 2 * w, 2*w + 12345} {
		for _, chunked := range []bool{false, true} {
			file := strings.Repeat("0123456789abcdef", size/16+1)[:size]
			r := f.post(postForm{fields: []string{"key=k"}, file: file, chunked: chunked,
				after: "--" + formEdge + "\r\nContent-Disposition: form-data; name=\"key\"\r\n\r\nevil\r\n"})
			f.check(r, 204, "", fmt.Sprint(size, " bytes, chunked ", chunked))
			o := f.stored("k")
			if o == nil || string(o.data) != file || o.info.ETag != md5Hex(file) || o.info.Parts != 0 ||
				o.info.Checksum.Type != fullObject || o.info.Checksum.Value == "" {
				t.Fatalf("%d bytes: %+v", size, o.info)
			}
			if n := len(f.store.buckets["bucket"].uploads); n != 0 || f.stored("evil") != nil {
				t.Errorf("%d bytes: %d uploads are left", size, n)
			}
		}
	}
	if lent := f.handler.windows.lent.Load(); lent != 0 {
		t.Errorf("%d blocks are lent", lent)
	}
}

// TestPostObjectThatFailsLeavesNothing: a long file whose store, size or checksum is wrong.
func TestPostObjectThatFailsLeavesNothing(t *testing.T) {
	f := newFixture(t, nil)
	long := strings.Repeat("x", 2*windowBytes+1)
	wrong := []string{"key=k", "Content-MD5=" + md5Base64("other")}
	f.check(f.post(postForm{fields: wrong, file: long}), 400, "BadDigest", "long file, other MD5")
	f.check(f.post(postForm{fields: []string{"key=k"}, file: long,
		conditions: fmt.Sprintf(`["content-length-range",0,%d]`, len(long)-1)}), 400, "EntityTooLarge", "too long")
	f.check(f.post(postForm{fields: []string{"key=k"}, file: long,
		conditions: fmt.Sprintf(`["content-length-range",%d,999999999]`, len(long)+1)}), 400, "EntityTooSmall", "too short")
	for _, method := range []string{"CreateUpload", "PutPart", "CompleteUpload", "PutObject"} {
		f.store.fail = func(m string) error {
			if m == method {
				return object.ErrUnavailable
			}
			return nil
		}
		file := long
		if method == "PutObject" {
			file = "short"
		}
		if r := f.post(postForm{fields: []string{"key=k"}, file: file}); r.status != 503 {
			t.Errorf("%s fails: %d %s", method, r.status, r.code())
		}
	}
	f.store.fail = nil
	f.nothingStored()
	if n := len(f.store.buckets["bucket"].uploads); n != 0 {
		t.Errorf("%d uploads are left", n)
	}
	if lent := f.handler.windows.lent.Load(); lent != 0 {
		t.Errorf("%d blocks are lent", lent)
	}
}

func TestPostObjectWithoutMemory(t *testing.T) {
	f := newFixture(t, nil)
	f.handler.windows.lent.Store(windowBlocksMax - 1)
	f.check(f.post(postForm{fields: []string{"key=k"}, file: strings.Repeat("x", windowBlockBytes+1)}),
		503, "SlowDown", "two blocks where there is one")
	f.nothingStored()
	f.check(f.post(postForm{fields: []string{"key=k"}, file: "x"}), 204, "", "one block")
	f.handler.windows.heads.Store(formHeadsMax)
	f.check(f.post(postForm{fields: []string{"key=k"}, file: "x"}), 503, "SlowDown", "a form too many")
	f.handler.windows.heads.Store(formHeadsMax - 1)
	f.check(f.post(postForm{fields: []string{"key=k"}, file: "x"}), 204, "", "the last form")
}

func TestPostAnswers(t *testing.T) {
	f := newFixture(t, func(c *Config) { c.Domains = []string{"s3.test"} })
	etag := md5Hex("f")
	for _, c := range []struct {
		field    string
		status   int
		location string
	}{
		{"", 204, "/bucket/a%2Fb%20c%2B%C3%A4"}, {"success_action_status=200", 200, "/bucket/a%2Fb%20c%2B%C3%A4"},
		{"success_action_status=204", 204, ""}, {"success_action_status=404", 204, ""},
		{"success_action_status=201", 201, "/bucket/a%2Fb%20c%2B%C3%A4"}, {"Success_Action_Status=201", 201, ""},
		{"success_action_redirect=http://h.test/done", 303,
			"http://h.test/done?bucket=bucket&key=a%2Fb+c%2B%C3%A4&etag=%22" + etag + "%22"},
		{"success_action_redirect=https://h.test/?a=b#there", 303,
			"https://h.test/?a=b&bucket=bucket&key=a%2Fb+c%2B%C3%A4&etag=%22" + etag + "%22#there"},
		{"redirect=http://h.test/", 303, "http://h.test/?bucket=bucket&key=a%2Fb+c%2B%C3%A4&etag=%22" + etag + "%22"},
		{"success_action_redirect=/relative", 204, ""}, {"success_action_redirect=javascript:alert(1)", 204, ""},
		{"success_action_redirect=//h.test/", 204, ""}, {"success_action_redirect=http://", 204, ""},
		{"success_action_redirect=http://h.test/\r\nSet-Cookie: a", 204, ""},
	} {
		form := postForm{fields: []string{"key=a/b c+ä"}, file: "f"}
		if c.field != "" {
			form.fields = append(form.fields, c.field)
		}
		name, _, _ := strings.Cut(c.field, "=")
		form.conditions, form.only = allowField(name), true
		if name == "" {
			form.conditions = postAnything
		}
		r := f.post(form)
		f.check(r, c.status, "", c.field)
		if r.header.Get("Set-Cookie") != "" {
			t.Errorf("%q made a header field", c.field)
		}
		location := strings.TrimPrefix(r.header.Get("Location"), "http://"+f.address)
		if c.location != "" && location != c.location {
			t.Errorf("%s: Location %q, want %q", c.field, location, c.location)
		}
		var doc struct {
			XMLName                     xml.Name
			Location, Bucket, Key, ETag string
		}
		if err := xml.Unmarshal([]byte(r.body), &doc); (err == nil) != (c.status == 201) || err == nil &&
			(doc.Location != r.header.Get("Location") || doc.Bucket != "bucket" || doc.Key != "a/b c+ä" ||
				doc.ETag != `"`+etag+`"` || doc.XMLName != xml.Name{Local: "PostResponse"}) {
			t.Errorf("%s: %q, %v", c.field, r.body, err)
		}
	}
	r := f.post(postForm{fields: []string{"key=k"}, file: "f", target: "/", head: []string{"Host", "bucket.s3.test:9000"}})
	f.check(r, 204, "", "virtual host")
	if got := r.header.Get("Location"); got != "http://bucket.s3.test:9000/k" || f.stored("k") == nil {
		t.Errorf("Location %q", got)
	}
}

// postAnything are conditions that any form of these tests meets.
const postAnything = `["starts-with","$bucket",""],["starts-with","$key",""],["starts-with","$x-amz-algorithm",""],` +
	`["starts-with","$x-amz-credential",""],["starts-with","$x-amz-date",""]`

// allowField is postAnything and what a field needs.
func allowField(name string) string {
	return postAnything + `,["starts-with","$` + name + `",""]`
}
