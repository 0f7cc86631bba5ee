package s3api

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"flashstore/engine/object"
	"flashstore/engine/sigv4"
)

func TestFaultRow6BadFormsStoreNothing(t *testing.T) {
	f := newFixture(t, nil)
	key := []string{"key=k"}
	for _, c := range []struct {
		name   string
		form   postForm
		status int
		code   string
		says   string
	}{
		{"wrong secret", postForm{fields: key, secret: "wrong"}, 403, "SignatureDoesNotMatch", ""},
		{"expired", postForm{fields: key, expires: time.Now().Add(-time.Second)}, 403, "AccessDenied", "Policy expired."},
		{"anonymous", postForm{fields: key, unsigned: true}, 403, "AccessDenied", ""},
		{"no signature", postForm{fields: key, drop: "x-amz-signature"}, 400, "InvalidArgument", "&apos;X-Amz-Signature&apos;"},
		{"no algorithm", postForm{fields: key, drop: "x-amz-algorithm"}, 400, "InvalidArgument", "<ArgumentName>X-Amz-Algorithm<"},
		{"no credential", postForm{fields: key, drop: "x-amz-credential"}, 400, "InvalidArgument", "<ArgumentName>X-Amz-Credential<"},
		{"no date", postForm{fields: key, drop: "x-amz-date"}, 400, "InvalidArgument", "<ArgumentName>X-Amz-Date<"},
		{"no policy", postForm{fields: key, drop: "policy"}, 400, "InvalidArgument", "<ArgumentName>Policy<"},
		{"no key", postForm{}, 400, "InvalidArgument", "<ArgumentName>key<"},
		{"no file", postForm{fields: key, fileHead: `Content-Disposition: form-data; name="other"`}, 400, "InvalidArgument", "<ArgumentName>file<"},
		{"empty key", postForm{fields: []string{"key="}}, 400, "InvalidURI", ""},
		{"key too long", postForm{fields: []string{"key=" + strings.Repeat("k", 1025)}}, 400, "KeyTooLongError", ""},
		{"key with NUL", postForm{fields: []string{"key=a\x00"}, only: true, conditions: postAnything}, 400, "InvalidURI", ""},
		{"key that is not UTF-8", postForm{fields: []string{"key=\xff"}, only: true, conditions: postAnything}, 400, "InvalidURI", ""},
		{"field without condition", postForm{fields: []string{"key=k", "x-amz-meta-a=1"}, only: true, conditions: postAnything}, 403, "AccessDenied", "Extra input fields: x-amz-meta-a"},
		{"credentials without condition", postForm{fields: key, only: true, conditions: `{"bucket":"bucket"},{"key":"k"}`}, 403, "AccessDenied", "Extra input fields: x-amz-algorithm"},
		{"condition that fails", postForm{fields: key, conditions: `["starts-with","$key","u/"]`}, 403, "AccessDenied", "Policy Condition failed"},
		{"policy that is no JSON", postForm{fields: key, conditions: `]`}, 400, "InvalidPolicyDocument", ""},
		{"too large", postForm{fields: key, file: "123456789012", conditions: `["content-length-range",5,10]`}, 400, "EntityTooLarge", "<ProposedSize>12</ProposedSize><MaxSizeAllowed>10<"},
		{"too small", postForm{fields: key, file: "1", conditions: `["content-length-range",5,10]`}, 400, "EntityTooSmall", "<ProposedSize>1</ProposedSize><MinSizeAllowed>5<"},
		{"fields too long", postForm{fields: append(key, "x-ignore-a="+strings.Repeat("a", 20<<10))}, 400, "MaxPostPreDataLengthExceeded", "<MaxPostPreDataLengthBytes>20480<"},
		{"other bucket", postForm{fields: key, target: "/other"}, 403, "AccessDenied", "Policy Condition failed"},
		{"absent bucket", postForm{fields: key, target: "/absent", only: true, conditions: postAnything}, 404, "NoSuchBucket", ""},
		{"bad bucket", postForm{fields: key, target: "/BAD", only: true, conditions: postAnything}, 400, "InvalidBucketName", ""},
		{"other MD5", postForm{fields: append(key, "Content-MD5="+md5Base64("other")), file: "f"}, 400, "BadDigest", ""},
		{"other checksum", postForm{fields: append(key, "x-amz-checksum-crc32=AAAAAA=="), file: "f"}, 400, "BadDigest", ""},
		{"checksum that is none", postForm{fields: append(key, "x-amz-checksum-sha256=sailorjerry"), file: "f"}, 400, "InvalidRequest", ""},
		{"algorithm without checksum", postForm{fields: append(key, "x-amz-checksum-algorithm=CRC32"), file: "f"}, 400, "InvalidRequest", ""},
		{"storage class", postForm{fields: append(key, "x-amz-storage-class=FakeClass")}, 400, "InvalidStorageClass", ""},
		{"redirect", postForm{fields: append(key, "x-amz-website-redirect-location=ftp://x")}, 400, "InvalidRedirectLocation", ""},
		{"canned ACL", postForm{fields: append(key, "acl=public-read")}, 501, "NotImplemented", ""},
		{"unknown field of S3", postForm{fields: append(key, "x-amz-copy-source=/bucket/x")}, 501, "NotImplemented", ""},
		{"trailer", postForm{fields: append(key, "x-amz-trailer=x-amz-checksum-crc32")}, 501, "NotImplemented", ""},
		{"session token", postForm{fields: append(key, "x-amz-security-token=t")}, 403, "InvalidToken", ""},
		{"signature version 2", postForm{fields: append(key, "AWSAccessKeyId="+testKey, "signature=s"), unsigned: true}, 400, "InvalidRequest", ""},
		{"CR LF in a header", postForm{fields: append(key, "Content-Type=a\r\nX: b"), only: true, conditions: allowField("content-type")}, 400, "InvalidArgument", ""},
		{"name that is no header's", postForm{fields: append(key, "x-amz-meta-a b=1"), only: true, conditions: allowField("x-amz-meta-a b")}, 400, "InvalidArgument", ""},
		{"metadata in the head", postForm{fields: key, head: []string{"x-amz-meta-a", "b"}}, 400, "InvalidRequest", "Conflicting"},
		{"class in the head", postForm{fields: key, head: []string{"x-amz-storage-class", "REDUCED_REDUNDANCY"}}, 400, "InvalidRequest", "Conflicting"},
		{"MD5 in the head", postForm{fields: key, head: []string{"Content-MD5", md5Base64("f")}}, 400, "InvalidRequest", "Conflicting"},
		{"condition in the head", postForm{fields: key, head: []string{"If-None-Match", "*"}}, 501, "NotImplemented", ""},
		{"hash in the head", postForm{fields: key, head: []string{"x-amz-content-sha256", sha256Hex("")}}, 403, "AccessDenied", ""},
		{"too much metadata", postForm{fields: append(key, "x-amz-meta-a="+strings.Repeat("m", 2049))}, 400, "MetadataTooLarge", ""},
	} {
		r := f.post(c.form)
		f.check(r, c.status, c.code, c.name)
		if !strings.Contains(r.body, c.says) && !strings.Contains(strings.ReplaceAll(r.body, "'", "&apos;"), c.says) {
			t.Errorf("%s: no %q in %s", c.name, c.says, r.body)
		}
		if strings.Contains(r.body, testSecret) {
			t.Errorf("%s: the answer tells the secret", c.name)
		}
	}
	f.nothingStored()
	if log := f.log.String(); strings.Contains(log, "level=ERROR") {
		t.Errorf("logged: %s", log)
	}
	if p := &f.handler.windows; p.heads.Load() != 0 || p.lent.Load() != 0 {
		t.Errorf("%d forms and %d blocks are still held", p.heads.Load(), p.lent.Load())
	}
}

// TestBodiesThatAreNoForms: 412 and 400, and nothing of them is read for a form.
func TestBodiesThatAreNoForms(t *testing.T) {
	f := newFixture(t, nil)
	for kind, want := range map[string]string{"": "412 PreconditionFailed", "text/html": "412 PreconditionFailed",
		"multipart/form-data": "400 MalformedPOSTRequest", "multipart/form-data; boundary=x": "400 MalformedPOSTRequest"} {
		r := f.send(f.request("POST", "/bucket", "key=k&file=f", "Content-Type", kind))
		if got := fmt.Sprint(r.status, " ", r.code()); got != want {
			t.Errorf("%q: %s, want %s", kind, got, want)
		}
	}
	cut := postForm{fields: []string{"key=k"}, file: "content"}
	text := cut.text()
	req := f.request("POST", "/bucket", text[:len(text)-len("\r\n--"+formEdge+"--\r\n")], "Content-Type", formType)
	f.check(f.send(req), 400, "MalformedPOSTRequest", "no last delimiter")
	f.nothingStored()
}

// TestFaultRow3FormsAreAuthorized: SeaweedFS #7912. Credentials in the head do not make up for those
// the form lacks, and never come on top of them.
func TestFaultRow3FormsAreAuthorized(t *testing.T) {
	f := newFixture(t, nil)
	for _, unsigned := range []bool{true, false} {
		form := postForm{fields: []string{"key=k"}, file: "f", unsigned: unsigned}
		kind := []string{"Content-Type", formType}
		f.check(f.do("POST", "/bucket", form.text(), kind...), 400, "InvalidArgument", "signed head")
		req := f.request("POST", "/bucket", form.text(), kind...)
		if err := sigv4.Presign(req, testKey, testSecret, "us-east-1", "s3", time.Minute, time.Now()); err != nil {
			t.Fatal(err)
		}
		f.check(f.send(req), 400, "InvalidArgument", "presigned")
	}
	f.nothingStored()
}

// asked notes what an Authorizer is asked, and allows some of it.
type asked struct {
	allow string
	list  []string
}

func (a *asked) Authorize(accessKey, action, bucket, key string) bool {
	a.list = append(a.list, strings.Join([]string{accessKey, action, bucket, key}, " "))
	return a.list[len(a.list)-1] == a.allow
}

// TestFormsAskTheAuthorizerCVE202121362: a policy that is signed well allows nothing by itself. The
// Authorizer is asked for the key that the form makes, with the file's name in it.
func TestFormsAskTheAuthorizerCVE202121362(t *testing.T) {
	a := &asked{}
	f := newFixture(t, func(c *Config) { c.Authorizer = a })
	form := postForm{fields: []string{"key=u/${filename}"}, file: "f"}
	question := testKey + " s3:PutObject bucket u/name.txt"
	f.check(f.post(form), 403, "AccessDenied", "not allowed")
	f.nothingStored()
	if fmt.Sprint(a.list) != fmt.Sprint([]string{question}) {
		t.Errorf("asked %q", a.list)
	}
	a.allow = question
	f.check(f.post(form), 204, "", "allowed")
	form.unsigned = true
	f.check(f.post(form), 403, "AccessDenied", "anonymous, not allowed")
	a.allow = " s3:PutObject bucket u/name.txt"
	f.check(f.post(form), 204, "", "anonymous, allowed")
	unsignedPolicy := postForm{fields: []string{"key=u/${filename}", "policy=" + base64.StdEncoding.EncodeToString(
		[]byte(`{"expiration":"2000-01-01T00:00:00Z","conditions":[]}`))}, file: "f", unsigned: true}
	f.check(f.post(unsignedPolicy), 403, "AccessDenied", "anonymous, with a policy that has expired")
}

// TestFormBucketCVE202343040: the bucket of the URL is the one, whatever the form says.
func TestFormBucketCVE202343040(t *testing.T) {
	f := newFixture(t, nil)
	f.store.buckets["victim"] = &memBucket{objects: map[object.Key]*memObject{}, uploads: map[object.UploadID]*memUpload{}}
	form := postForm{fields: []string{"key=k", "bucket=victim"}, only: true, file: "f",
		conditions: `{"bucket":"bucket"},` + postAnything}
	f.check(f.post(form), 204, "", "to the bucket of the policy")
	if f.stored("k") == nil || len(f.store.buckets["victim"].objects) != 0 {
		t.Error("the field's bucket was taken")
	}
	form.target = "/victim"
	f.check(f.post(form), 403, "AccessDenied", "to another bucket")
	form.fields[1] = "bucket=bucket"
	f.check(f.post(form), 403, "AccessDenied", "to another bucket, with the policy's in a field")
	if len(f.store.buckets["victim"].objects) != 0 {
		t.Error("something is stored")
	}
}

func TestFormMetadataOfAnyBytes(t *testing.T) {
	f := newFixture(t, nil)
	form := postForm{fields: []string{"key=k", "x-amz-meta-a=ÄMÄZ S3", "x-amz-meta-b=\x00\x01", "x-amz-meta-c==?UTF-8?Q?x?=",
		"x-amz-meta-d="}, only: true, conditions: postAnything + `,["starts-with","$x-amz-meta-a",""],` +
		`["starts-with","$x-amz-meta-b",""],["starts-with","$x-amz-meta-c",""],["starts-with","$x-amz-meta-d",""]`}
	f.check(f.post(form), 204, "", "metadata")
	r := f.want(200, "", "GET", "/bucket/k", "")
	for name, want := range map[string]string{"a": "=?UTF-8?B?w4RNw4RaIFMz?=", "b": "=?UTF-8?B?AAE=?=", "c": "x"} {
		if got := r.header.Get("x-amz-meta-" + name); !strings.EqualFold(got, want) {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
}

// TestFormChecksumIsStored, which the form claims.
func TestFormChecksumIsStored(t *testing.T) {
	f := newFixture(t, nil)
	long := strings.Repeat("x", windowBytes+1)
	for _, file := range []string{"f", long} {
		raw := sha256.Sum256([]byte(file))
		sum := base64.StdEncoding.EncodeToString(raw[:])
		r := f.post(postForm{fields: []string{"key=k", "x-amz-checksum-algorithm=SHA256", "x-amz-checksum-sha256=" + sum}, file: file})
		f.check(r, 204, "", strconv.Itoa(len(file)))
		o := f.stored("k")
		if o.info.Checksum != (object.Checksum{Algorithm: "SHA256", Value: sum, Type: fullObject}) ||
			r.header.Get("x-amz-checksum-sha256") != sum {
			t.Errorf("%+v, %v", o.info.Checksum, r.header)
		}
	}
}

// TestFormThatBreaksOff: the client goes away in the middle of a long file.
func TestFormThatBreaksOff(t *testing.T) {
	f := newFixture(t, nil)
	form := postForm{fields: []string{"key=k"}, file: strings.Repeat("x", 3*windowBytes)}
	text := form.text()
	r, w := io.Pipe()
	req, err := http.NewRequest("POST", "http://"+f.address+"/bucket", r)
	if err != nil {
		t.Fatal(err)
	}
	req.ContentLength = int64(len(text))
	req.Header.Set("Content-Type", formType)
	go func() {
		_, _ = io.Copy(w, bytes.NewReader([]byte(text[:2*windowBytes])))
		w.CloseWithError(errors.New("gone"))
	}()
	if _, err := f.client.RoundTrip(req); err == nil {
		t.Error("an answer")
	}
	f.seen.wait(t, "PostObject 400 ")
	f.nothingStored()
	f.store.mu.Lock()
	defer f.store.mu.Unlock()
	if n := len(f.store.buckets["bucket"].uploads); n != 0 || f.handler.windows.lent.Load() != 0 {
		t.Errorf("%d uploads and %d blocks are left", n, f.handler.windows.lent.Load())
	}
}

// wait waits until an operation was observed.
func (o *observations) wait(t *testing.T, prefix string) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !o.begins(prefix); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("no %q was seen", prefix)
		}
	}
}
