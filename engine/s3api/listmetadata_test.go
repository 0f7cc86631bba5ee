package s3api

import (
	"context"
	"strings"
	"testing"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
)

// TestListWithMetadata: the extension that minio-go asks for, with the rights of a HEAD of each key.
func TestListWithMetadata(t *testing.T) {
	f := newFixture(t, nil)
	f.want(200, "", "PUT", "/bucket/a", "v", "x-amz-meta-colour", "blue <", "x-amz-meta-!odd", "x", "Content-Type", "text/plain",
		taggingField, "t=a%20b&u")
	f.want(200, "", "PUT", "/bucket/d/b", "v")
	c, err := minio.New(f.address, &minio.Options{Creds: credentials.NewStaticV4(testKey, testSecret, "")})
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]minio.ObjectInfo{}
	for info := range c.ListObjects(context.Background(), "bucket", minio.ListObjectsOptions{WithMetadata: true}) {
		if info.Err != nil {
			t.Fatal(info.Err)
		}
		got[info.Key] = info
	}
	a := got["a"]
	if len(got) != 2 || a.UserMetadata["x-amz-meta-colour"] != "blue <" || a.UserMetadata["content-type"] != "text/plain" ||
		a.UserTags["t"] != "a b" || len(a.UserTags) != 2 {
		t.Errorf("%+v", got)
	}
	if r := f.want(200, "", "GET", "/bucket?list-type=2", ""); strings.Contains(r.body, "UserMetadata") {
		t.Error(r.body)
	}
}

// TestListWithMetadataIsAuthorized: who may list only, sees names only.
func TestListWithMetadataIsAuthorized(t *testing.T) {
	may := only{"s3:PutObject bucket/a": true, "s3:PutObjectTagging bucket/a": true, "s3:ListBucket bucket/": true}
	f := newFixture(t, func(c *Config) { c.Authorizer = may })
	f.want(200, "", "PUT", "/bucket/a", "v", "x-amz-meta-colour", "blue", taggingField, "t=u")
	const target = "/bucket?list-type=2&metadata=true"
	for _, c := range []struct{ action, seen, unseen string }{
		{"", "<Key>a<", "UserMetadata"}, {"s3:GetObject bucket/a", ">blue<", "UserTags"},
		{"s3:GetObjectTagging bucket/a", "<UserTags>t=u<", "nothing"},
	} {
		may[c.action] = true
		if r := f.want(200, "", "GET", target, ""); !strings.Contains(r.body, c.seen) || strings.Contains(r.body, c.unseen) {
			t.Errorf("with %q: %s", c.action, r.body)
		}
	}
}
