package s3api

import (
	"crypto/md5"
	"encoding/hex"
	"strings"
	"testing"

	"github.com/zeebo/xxh3"
)

func fastOf(body string) string {
	sum := xxh3.HashString128(body).Bytes()
	return `"` + hex.EncodeToString(sum[:]) + `-1"`
}

func fastFixture(t *testing.T) *fixture {
	return newFixture(t, func(c *Config) { c.ETag = ETagFast })
}

// Fast tags are of the bytes, have a dash, and are what conditions and GET know.
func TestFastETag(t *testing.T) {
	f := fastFixture(t)
	for _, body := range []string{"", "hello", strings.Repeat("x", 300_000)} {
		tag := fastOf(body)
		put := f.want(200, "", "PUT", "/bucket/k", body)
		if put.header.Get("ETag") != tag {
			t.Errorf("PUT of %d bytes: %s, want %s", len(body), put.header.Get("ETag"), tag)
		}
		if get := f.want(200, "", "GET", "/bucket/k", "", "If-Match", tag); get.header.Get("ETag") != tag ||
			get.body != body {
			t.Errorf("GET of %d bytes: %s, want %s", len(body), get.header.Get("ETag"), tag)
		}
		f.want(304, "", "GET", "/bucket/k", "", "If-None-Match", tag)
	}
	if n := f.handler.ETags(); n != 3 {
		t.Errorf("%d tags were counted, 3 computed", n)
	}
}

// Content-MD5 is verified whatever the tag is made of, and its hash is a fresh one each time.
func TestFastETagVerifiesContentMD5(t *testing.T) {
	f := fastFixture(t)
	for range 3 {
		f.want(200, "", "PUT", "/bucket/k", "hello", "Content-MD5", md5Base64("hello"))
		f.want(400, "BadDigest", "PUT", "/bucket/k", "hullo", "Content-MD5", md5Base64("hello"))
		f.want(200, "", "PUT", "/bucket/k", "hullo")
	}
}

// An upload may have parts of both modes, since a server may be started with the other one.
func TestCompleteWithFastETags(t *testing.T) {
	f := fastFixture(t)
	big := strings.Repeat("y", 5<<20)
	id := f.begin()
	fast := f.part(id, 1, big).header.Get("ETag")
	if fast != fastOf(big) {
		t.Errorf("part: %s, want %s", fast, fastOf(big))
	}
	f.handler.config.ETag = ETagMD5
	plain := f.part(id, 2, "tail").header.Get("ETag")
	raw := append(digestOf(t, fast), digestOf(t, plain)...)
	sum := md5.Sum(raw)
	want := hex.EncodeToString(sum[:]) + "-2"
	at := "/bucket/k?uploadId=" + id
	if r := f.want(200, "", "POST", at, completeXML("1", fast, "2", plain)); !strings.Contains(r.body,
		want) {
		t.Errorf("completed as %s, want %s", r.body, want)
	}
	if get := f.want(200, "", "GET", "/bucket/k", ""); get.body != big+"tail" {
		t.Error("other bytes")
	}
}

// digestOf takes a quoted tag apart.
func digestOf(t *testing.T, tag string) []byte {
	t.Helper()
	raw, err := hex.DecodeString(strings.TrimSuffix(strings.Trim(tag, `"`), "-1"))
	if err != nil || len(raw) != md5.Size {
		t.Fatalf("tag %s: %v", tag, err)
	}
	return raw
}

func TestUnknownETagMode(t *testing.T) {
	f := newFixture(t, nil)
	c := f.handler.config
	if c.ETag != ETagMD5 {
		t.Errorf("the default is %q", c.ETag)
	}
	c.ETag = "sha1"
	if _, err := New(c); err == nil || !strings.Contains(err.Error(), "md5 and fast") {
		t.Errorf("etag sha1: %v", err)
	}
}
