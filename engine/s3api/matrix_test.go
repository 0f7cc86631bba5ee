package s3api

import (
	"errors"
	"net/http"
	"testing"
	"time"

	"flashstore/engine/sigv4"
)

// allows permits one access key everything and others nothing.
type allows string

func (a allows) Authorize(accessKey, _, _, _ string) bool { return accessKey == string(a) }

// target is a request line that reaches the route.
func (r *route) target() string {
	path := [...]string{"/", "/bucket", "/bucket/k"}[r.level]
	query := ""
	for bit, name := range map[sub]string{subLocation: "location", subVersioning: "versioning",
		subObjectLock: "object-lock", subListType: "list-type=2", subDelete: "delete",
		subUploads: "uploads", subUploadID: "uploadId=0123", subPartNumber: "partNumber=1"} {
		if r.subs&bit != 0 {
			query += "&" + name
		}
	}
	if query != "" {
		query = "?" + query[1:]
	}
	return path + query
}

// header is what a request needs to reach the route.
func (r *route) header() []string {
	if r.subs&subCopySource == 0 {
		return nil
	}
	return []string{copySourceField, "bucket/source"}
}

// TestAuthorizationMatrix takes every operation of the table past everybody who may not use
// it: 403, and the store is never asked.
func TestAuthorizationMatrix(t *testing.T) {
	f := newFixture(t, func(c *Config) { c.Authorizer = allows("somebody-else") })
	open := newFixture(t, nil)
	f.store.fail = func(method string) error {
		t.Errorf("the store was asked for %s", method)
		return errors.New("not reached")
	}
	for i := range routes {
		r := &routes[i]
		sign := func(f *fixture, key, secret string) *http.Request {
			req := f.request(r.method, r.target(), "", r.header()...)
			if _, err := sigv4.Sign(req, key, secret, "us-east-1", "s3", sha256Hex(""), time.Now()); err != nil {
				t.Fatal(err)
			}
			return req
		}
		expired := f.request(r.method, r.target(), "")
		if err := sigv4.Presign(expired, testKey, testSecret, "us-east-1", "s3", time.Second,
			time.Now().Add(-time.Hour)); err != nil {
			t.Fatal(err)
		}
		for who, req := range map[string]*http.Request{
			"anonymous": f.request(r.method, r.target(), ""), "expired": expired,
			"bad signature": sign(f, testKey, "wrong-secret"), "unknown key": sign(f, "stranger", testSecret),
			"not permitted": sign(f, testKey, testSecret),
		} {
			if got := f.send(req); got.status != 403 {
				t.Errorf("%v, %s: %d %s", r.op, who, got.status, got.code())
			}
		}
		if got := open.send(sign(open, testKey, testSecret)); got.status == 403 || got.status == 501 {
			t.Errorf("%v, root: %d %s", r.op, got.status, got.code())
		}
	}
}
