package s3api

import (
	"strings"
	"testing"

	"flashstore/engine/object"
)

// TestFormAttributes: tags, retention and legal hold of an upload by form
// (https://docs.aws.amazon.com/AmazonS3/latest/API/RESTObjectPOST.html).
func TestFormAttributes(t *testing.T) {
	f := newFixture(t, nil)
	f.store.buckets["bucket"].settings = object.BucketSettings{Versioning: object.Enabled, Lock: true}
	until := inDays(2)
	for _, file := range []string{"short", strings.Repeat("long", 2<<20)} {
		fields := []string{"key=k", "tagging=" + taggingXML("a", "1"), lockModeField + "=GOVERNANCE",
			lockUntilField + "=" + until, legalHoldField + "=ON"}
		f.check(f.post(postForm{fields: fields, file: file}), 400, "InvalidRequest", "nothing is claimed")
		r := f.post(postForm{fields: append(fields, "Content-MD5="+md5Base64(file)), file: file})
		f.check(r, 204, "", "locked")
		h := f.want(200, "", "HEAD", "/bucket/k", "").header
		if h.Get("x-amz-tagging-count") != "1" || f.tags("k") != "a=1;" || h.Get(lockModeField) != "GOVERNANCE" ||
			h.Get(legalHoldField) != "ON" || r.header.Get("x-amz-version-id") != h.Get("x-amz-version-id") {
			t.Errorf("%d bytes: %v, %v", len(file), r.header, h)
		}
	}
	for _, c := range []struct{ code, field string }{
		{"InvalidArgument", lockModeField + "=GOVERNANCE"}, {"InvalidTag", "tagging=" + taggingXML("a?", "1")},
		{"MalformedXML", "tagging=a&b"}, {"InvalidArgument", legalHoldField + "=on"},
	} {
		r := f.post(postForm{fields: []string{"key=bad", c.field, "Content-MD5=" + md5Base64("v")}, file: "v"})
		f.check(r, 400, c.code, c.field)
	}
	f.want(404, "NoSuchKey", "GET", "/bucket/bad", "")
}

// TestFormAttributesAreAuthorized: a form sets nothing that its sender may not set.
func TestFormAttributesAreAuthorized(t *testing.T) {
	may := only{"s3:PutObject bucket/k": true}
	f := newFixture(t, func(c *Config) { c.Authorizer = may })
	f.store.buckets["bucket"].settings = object.BucketSettings{Versioning: object.Enabled, Lock: true}
	for action, field := range map[string]string{"s3:PutObjectTagging": "tagging=" + taggingXML("a", "1"),
		"s3:PutObjectLegalHold": legalHoldField + "=OFF"} {
		p := postForm{fields: []string{"key=k", field, "Content-MD5=" + md5Base64("v")}, file: "v"}
		f.check(f.post(p), 403, "AccessDenied", action)
		may[action+" bucket/k"] = true
		f.check(f.post(p), 204, "", action)
	}
}
