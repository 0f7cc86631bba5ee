package s3api

import (
	"net/http"
	"strings"
	"testing"

	"flashstore/engine/object"
)

// granted allows what it holds: "accessKey action bucket/key", and everything of a bucket by "*".
type granted map[string]bool

func (g granted) Authorize(accessKey, action, bucket, key string) bool {
	return g[accessKey+" "+action+" "+bucket+"/"+key] || g[accessKey+" "+action+" "+bucket+"/*"]
}

func grants(list ...string) func(*Config) {
	g := granted{}
	for _, one := range list {
		g[one] = true
	}
	return func(c *Config) { c.Authorizer = g }
}

// put stores an object past the Authorizer.
func (f *fixture) put(key, data string) {
	f.store.mu.Lock()
	defer f.store.mu.Unlock()
	f.store.buckets["bucket"].objects[object.Key(key)] = &memObject{
		info: object.Info{Key: object.Key(key), SizeBytes: int64(len(data)), ETag: "e"}, data: []byte(data)}
}

// TestFaultRow11AbsenceIsToldToWhoMayList: 403 or 404 for a key that is not there follows the right to
// list, and 404 for all else follows nothing.
func TestFaultRow11AbsenceIsToldToWhoMayList(t *testing.T) {
	for _, c := range []struct {
		grants []string
		status int
	}{
		{[]string{" s3:GetObject bucket/*"}, 403},
		{[]string{" s3:GetObject bucket/*", " s3:ListBucket bucket/"}, 404},
		{[]string{" s3:GetObject bucket/*", " s3:ListBucket other/"}, 403},
	} {
		f := newFixture(t, grants(c.grants...))
		f.put("there", "data")
		for _, method := range []string{"GET", "HEAD"} {
			if r := f.send(f.request(method, "/bucket/absent", "")); r.status != c.status {
				t.Errorf("%v: %s absent: %d %s", c.grants, method, r.status, r.code())
			}
			if r := f.send(f.request(method, "/bucket/there", "")); r.status != 200 {
				t.Errorf("%v: %s there: %d %s", c.grants, method, r.status, r.code())
			}
		}
	}
}

// TestFaultRow11CopiesAreAuthorizedOnBothSides: the source is read by the right of who copies, and a
// source that is not there is told of like any other.
func TestFaultRow11CopiesAreAuthorizedOnBothSides(t *testing.T) {
	who := testKey + " "
	write, read := who+"s3:PutObject bucket/k", who+"s3:GetObject bucket/source"
	list := who + "s3:ListBucket bucket/"
	for _, c := range []struct {
		grants []string
		source string
		status int
	}{
		{[]string{write}, "bucket/source", 403}, {[]string{read}, "bucket/source", 403},
		{[]string{write, read}, "bucket/source", 200},
		{[]string{write, read}, "bucket/source?versionId=null", 403},
		{[]string{write, who + "s3:GetObjectVersion bucket/source"}, "bucket/source", 403},
		{[]string{write, read}, "bucket/other", 403}, {[]string{write, read}, "bucket/%73ource", 200},
		{[]string{write, who + "s3:GetObject bucket/absent"}, "bucket/absent", 403},
		{[]string{write, who + "s3:GetObject bucket/absent", list}, "bucket/absent", 404},
	} {
		f := newFixture(t, grants(append(c.grants, who+"s3:PutObject bucket/part")...))
		f.put("source", "data")
		r := f.do("PUT", "/bucket/k", "", copySourceField, c.source)
		if r.status != c.status {
			t.Errorf("%v from %s: %d %s", c.grants, c.source, r.status, r.body)
		}
		if c.status != 200 && f.stored("k") != nil {
			t.Errorf("%v from %s: stored", c.grants, c.source)
		}
	}
}

// TestPreconditionsAnswerAfterAuthorizationCVE202436107: what is stored cannot be found out by
// conditions, nor by ranges, parts, versions or checksums.
func TestPreconditionsAnswerAfterAuthorizationCVE202436107(t *testing.T) {
	f := newFixture(t, grants())
	f.put("there", "data")
	var answers []string
	for _, key := range []string{"there", "other"} { // as long
		for _, field := range [][2]string{{"If-Match", `"e"`}, {"If-Match", `"x"`}, {"If-None-Match", `"e"`}, {"If-None-Match", "*"},
			{"If-Modified-Since", "Fri, 27 Nov 2099 10:00:00 GMT"}, {"If-Unmodified-Since", "Fri, 27 Nov 1999 10:00:00 GMT"},
			{"Range", "bytes=99-"}, {"If-Range", `"e"`}, {"x-amz-checksum-mode", "ENABLED"}} {
			for _, method := range []string{"GET", "HEAD", "PUT", "DELETE"} {
				for _, query := range []string{"", "?versionId=null", "?partNumber=2"} {
					r := f.send(f.request(method, "/bucket/"+key+query, "", field[0], field[1]))
					if r.status != 403 {
						t.Errorf("%s %s%s, %v: %d %s", method, key, query, field, r.status, r.code())
					}
					answers = append(answers, withoutIDs(r))
				}
			}
		}
	}
	half := len(answers) / 2
	for i := range half {
		if was, is := answers[i], strings.ReplaceAll(answers[i+half], "/other", "/there"); was != is {
			t.Errorf("told apart:\n%s\n%s", was, is)
		}
	}
}

// withoutIDs is all that an answer says, but for its time and what no two have in common.
func withoutIDs(r reply) string {
	var b strings.Builder
	header := r.header.Clone()
	id := header.Get("x-amz-request-id")
	header.Del("x-amz-request-id")
	header.Del("Date")
	_ = header.Write(&b)
	return http.StatusText(r.status) + "\n" + b.String() + strings.ReplaceAll(r.body, id, "")
}

// TestFaultRow11VersionsNeedTheirOwnRight, and each key of DeleteObjects its own.
func TestFaultRow11VersionsNeedTheirOwnRight(t *testing.T) {
	who := testKey + " "
	f := newFixture(t, grants(who+"s3:GetObject bucket/*", who+"s3:DeleteObject bucket/a", who+"s3:DeleteObject bucket/", who+"s3:ListBucket bucket/"))
	f.put("a", "a")
	f.put("b", "b")
	f.want(200, "", "GET", "/bucket/a", "")
	f.want(403, "AccessDenied", "GET", "/bucket/a?versionId=null", "")
	f.want(403, "", "HEAD", "/bucket/a?versionId=null", "")
	f.want(403, "AccessDenied", "DELETE", "/bucket/a?versionId=null", "")
	f.want(403, "AccessDenied", "DELETE", "/bucket/b", "")
	if f.stored("a") == nil || f.stored("b") == nil {
		t.Fatal("something was deleted")
	}
	body := "<Delete><Object><Key>b</Key></Object><Object><Key>a</Key><VersionId>null</VersionId></Object>" +
		"<Object><Key>a</Key></Object></Delete>"
	r := f.do("POST", "/bucket?delete", body, "Content-MD5", md5Base64(body))
	if r.status != 200 || strings.Count(r.body, "<Code>AccessDenied</Code>") != 2 || f.stored("b") == nil || f.stored("a") != nil {
		t.Errorf("%d %s", r.status, r.body)
	}
}

// TestFaultRow11EveryVersionHasItsAction, from the dispatch table: where a route names an action for
// versions, the plain action is not enough for a request that names one, nor the other way round.
func TestFaultRow11EveryVersionHasItsAction(t *testing.T) {
	tested := 0
	for i := range routes {
		r := &routes[i]
		if r.optional&subVersionID == 0 || r.versioned == "" {
			continue
		}
		tested++
		for _, named := range []bool{false, true} {
			right, wrong := r.action, r.versioned
			if named {
				right, wrong = wrong, right
			}
			f := newFixture(t, grants(testKey+" "+wrong+" bucket/*"))
			f.put("k", "data")
			f.store.fail = func(method string) error {
				t.Errorf("%v: the store was asked for %s", r.op, method)
				return object.ErrUnavailable
			}
			m := &matrix{f, r, false, ""}
			send := func() reply {
				req := m.plain()
				if named {
					if req.URL.RawQuery != "" {
						req.URL.RawQuery += "&"
					}
					req.URL.RawQuery += "versionId=null"
				}
				return f.send(m.sign(req))
			}
			if got := send(); got.status != 403 {
				t.Errorf("%v, version named: %v, with %s: %d %s", r.op, named, wrong, got.status, got.body)
			}
			f.store.fail = nil
			f.handler.config.Authorizer = granted{testKey + " " + right + " bucket/*": true,
				testKey + " s3:GetObjectAttributes bucket/*": true, testKey + " s3:GetObjectVersionAttributes bucket/*": true}
			if got := send(); got.status == 403 {
				t.Errorf("%v, version named: %v, with %s: %d %s", r.op, named, right, got.status, got.body)
			}
		}
	}
	if tested < 6 {
		t.Errorf("%d operations", tested)
	}
}
