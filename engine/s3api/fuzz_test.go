package s3api

import (
	"strings"
	"testing"

	"flashstore/engine/object"
	"flashstore/netloop"
)

func FuzzRange(f *testing.F) {
	for _, s := range []string{"bytes=0-1", "bytes=-5", "bytes=5-", "bytes=99999999999999999999-", "x"} {
		f.Add(s, int64(10))
	}
	f.Fuzz(func(t *testing.T, field string, size int64) {
		if size < 0 {
			return
		}
		s := parseRange(field, size)
		switch {
		case s.kind == rangeUnsatisfiable:
		case s.offset < 0 || s.length < 0 || s.offset > size || s.length > size-s.offset:
			t.Errorf("%q of %d: %+v lies outside", field, size, s)
		case s.kind == rangePart && s.length == 0:
			t.Errorf("%q of %d: an empty part", field, size)
		case s.kind == rangeWhole && (s.offset != 0 || s.length != size):
			t.Errorf("%q of %d: %+v is not the whole", field, size, s)
		}
	})
}

// heapMemory is the memory of a request that has none of its own.
type heapMemory struct{}

func (heapMemory) Alloc(bytes int) []byte { return make([]byte, bytes) }

func FuzzDispatch(f *testing.F) {
	f.Add("GET", "bucket.s3.test:80", "/bucket/key", "uploads&x=y")
	f.Add("PUT", "[::1]:9000", "//%2f", "partNumber=1&uploadId=%zz")
	f.Add("DELETE", ".s3.test", "", "&&=&acl")
	f.Fuzz(func(t *testing.T, method, host, path, query string) {
		at := locate([]byte(host), []byte(path), []string{"s3.test"})
		subs := subsOf([]byte(query))
		route := dispatch([]byte(method), at.level, subs)
		if route != nil && (subs&subForeign != 0 || route.method != method) {
			t.Errorf("%s ?%s went to %v", method, query, route.op)
		}
		if route != nil && route.level == atBucket && route.op == OpListObjects && subs != 0 {
			t.Errorf("?%s became a listing", query)
		}
		rq := &request{ex: &netloop.Exchange{Memory: heapMemory{}}}
		bucket, key, err := rq.decode(&at)
		rq.now = true
		bucketNow, keyNow, errNow := rq.decode(&at)
		if bucketNow != bucket || keyNow != key || errNow != err {
			t.Errorf("on the loop %q, %q, %v; else %q, %q, %v", bucketNow, keyNow, errNow, bucket, key, err)
		}
		if err != nil {
			return
		}
		if at.level != atKey && key != "" || at.level == atService && bucket != "" {
			t.Errorf("level %d with %q, %q", at.level, bucket, key)
		}
		if name, err := object.ValidateBucket(bucket); err == nil && strings.ContainsAny(string(name), "/%\x00") {
			t.Errorf("bucket %q", name)
		}
	})
}

func FuzzFields(f *testing.F) {
	f.Add("aws-chunked,gzip", `"a", W/"b"`, "AAAA")
	f.Fuzz(func(t *testing.T, encoding, tags, sum string) {
		if strings.Contains(strings.ToLower(withoutChunked(encoding)), "aws-chunked,") &&
			!strings.Contains(encoding, "\x00") {
			t.Errorf("%q became %q", encoding, withoutChunked(encoding))
		}
		matches(tags, "b")
		for _, a := range checksums {
			validSum(a, sum)
		}
		_, _ = parseHTTPTime(tags)
		_, _ = appendUnescaped(nil, []byte(tags), true)
	})
}

// TestRoutesAreDistinct: no request fits two lines, no operation lacks one.
func TestRoutesAreDistinct(t *testing.T) {
	seen := map[Op]bool{}
	for i := range routes {
		r := &routes[i]
		if seen[r.op] {
			t.Errorf("%v has two routes", r.op)
		}
		seen[r.op] = true
		if got := dispatch([]byte(r.method), r.level, r.subs); got != r {
			t.Errorf("%v is reached by %v", r.op, got.op)
		}
		if got := dispatch([]byte(r.method), r.level, r.subs|r.optional); got != r {
			t.Errorf("%v with options is reached by another", r.op)
		}
		if !strings.HasPrefix(r.action, "s3:") {
			t.Errorf("%v: action %q", r.op, r.action)
		}
	}
	if len(seen) != int(opCount)-1 {
		t.Errorf("%d routes for %d operations", len(seen), opCount-1)
	}
	for op := range opCount {
		if op.String() == "" || op != OpUnknown && op.String() == OpUnknown.String() {
			t.Errorf("operation %d has no name", op)
		}
	}
}

func TestWithoutChunked(t *testing.T) {
	for in, want := range map[string]string{"aws-chunked": "", "aws-chunked,gzip": "gzip", "gzip, AWS-chunked": "gzip",
		"gzip,br": "gzip,br", "": ""} {
		if got := withoutChunked(in); got != want {
			t.Errorf("%q became %q", in, got)
		}
	}
}
