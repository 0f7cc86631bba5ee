package s3api

import (
	"encoding/xml"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"flashstore/engine/object"
	"flashstore/netloop"
)

func TestBuckets(t *testing.T) {
	f := newFixture(t, nil)
	r := f.want(200, "", "PUT", "/second", "")
	if r.header.Get("Location") != "/second" {
		t.Errorf("%v", r.header)
	}
	f.want(200, "", "PUT", "/second", "") // us-east-1 only
	if r := f.want(200, "", "HEAD", "/second", ""); r.header.Get("x-amz-bucket-region") != "us-east-1" {
		t.Errorf("%v", r.header)
	}
	if r := f.want(200, "", "GET", "/second?location", ""); !strings.Contains(r.body, "/\"></LocationConstraint>") {
		t.Error(r.body)
	}
	if r := f.want(200, "", "GET", "/second?versioning", ""); strings.Contains(r.body, "Status") {
		t.Error(r.body)
	}
	f.want(404, "ObjectLockConfigurationNotFoundError", "GET", "/second?object-lock", "")
	f.want(200, "", "PUT", "/second/k", "v")
	f.want(409, "BucketNotEmpty", "DELETE", "/second", "")
	f.want(204, "", "DELETE", "/second/k", "")
	f.want(204, "", "DELETE", "/second", "")
	f.want(404, "NoSuchBucket", "GET", "/second?location", "")
}

func TestCreateBucketElsewhere(t *testing.T) {
	f := newFixture(t, func(c *Config) { c.Region = "eu-west-1" })
	in := func(region string) string {
		return "<CreateBucketConfiguration><LocationConstraint>" + region +
			"</LocationConstraint></CreateBucketConfiguration>"
	}
	f.want(200, "", "PUT", "/new", in("eu-west-1"))
	f.want(409, "BucketAlreadyOwnedByYou", "PUT", "/new", in("eu-west-1"))
	f.want(400, "InvalidLocationConstraint", "PUT", "/newer", in("us-west-2"))
	f.want(400, "MalformedXML", "PUT", "/newer", "<CreateBucketConfiguration>")
	f.want(400, "MalformedXML", "PUT", "/newer", "not XML")
	f.want(501, "NotImplemented", "PUT", "/newer", "<CreateBucketConfiguration><Tags/></CreateBucketConfiguration>")
	f.want(501, "NotImplemented", "PUT", "/newer", "", "x-amz-bucket-object-lock-enabled", "perhaps")
	f.want(400, "MaxMessageLengthExceeded", "PUT", "/newer", in(strings.Repeat("x", 70_000)))
	f.want(404, "", "HEAD", "/newer", "")
	if r := f.want(200, "", "GET", "/new?location", ""); !strings.Contains(r.body, ">eu-west-1<") {
		t.Error(r.body)
	}
}

func TestListBuckets(t *testing.T) {
	f := newFixture(t, nil)
	for _, b := range []string{"aa1", "aa2", "aa3", "zzz"} {
		f.want(200, "", "PUT", "/"+b, "")
	}
	type answer struct {
		Names []string `xml:"Buckets>Bucket>Name"`
		Token string   `xml:"ContinuationToken"`
		Owner string   `xml:"Owner>ID"`
	}
	list := func(query string) (a answer) {
		if err := xml.Unmarshal([]byte(f.want(200, "", "GET", "/"+query, "").body), &a); err != nil {
			t.Fatal(err)
		}
		return a
	}
	if got := list(""); fmt.Sprint(got.Names) != "[aa1 aa2 aa3 bucket zzz]" || got.Owner == "" || got.Token != "" {
		t.Errorf("%+v", got)
	}
	first := list("?prefix=aa&max-buckets=2")
	second := list("?prefix=aa&max-buckets=2&continuation-token=" + first.Token)
	if fmt.Sprint(first.Names, second.Names) != "[aa1 aa2] [aa3]" || second.Token != "" {
		t.Errorf("%+v %+v", first, second)
	}
	f.want(400, "InvalidArgument", "GET", "/?max-buckets=-1", "")
	f.want(400, "InvalidArgument", "GET", "/?continuation-token=x", "")
}

type listed struct {
	Keys        []string `xml:"Contents>Key"`
	Prefixes    []string `xml:"CommonPrefixes>Prefix"`
	Truncated   bool     `xml:"IsTruncated"`
	MaxKeys     int
	KeyCount    int
	NextMarker  string
	NextToken   string   `xml:"NextContinuationToken"`
	Owners      []string `xml:"Contents>Owner>ID"`
	StartAfter  string
	ETags       []string `xml:"Contents>ETag"`
	StorageType []string `xml:"Contents>StorageClass"`
}

func (f *fixture) list(query string) (l listed) {
	f.t.Helper()
	body := f.want(200, "", "GET", "/bucket?"+query, "").body
	if err := xml.Unmarshal([]byte(body), &l); err != nil {
		f.t.Fatalf("%v in %s", err, body)
	}
	return l
}

func (f *fixture) fill(keys ...string) {
	for _, k := range keys {
		f.store.buckets["bucket"].objects[object.Key(k)] =
			&memObject{info: object.Info{Key: object.Key(k), ETag: "e"}}
	}
}

func TestListPages(t *testing.T) {
	f := newFixture(t, nil)
	f.fill("a", "d/1", "d/2", "d/3", "e/1", "f", "g h+&<")
	all := f.list("list-type=2")
	if len(all.Keys) != 7 || all.KeyCount != 7 || all.Truncated || all.MaxKeys != 1000 ||
		len(all.Owners) != 0 || all.ETags[0] != `"e"` || all.StorageType[0] != "STANDARD" {
		t.Errorf("%+v", all)
	}
	if got := f.list("list-type=2&fetch-owner=true"); len(got.Owners) != 7 {
		t.Errorf("%+v", got)
	}
	for _, size := range []int{1, 2, 3, 5} {
		var v1, v2 []string
		token, marker := "", ""
		for range 20 {
			p := f.list(fmt.Sprintf("list-type=2&delimiter=/&max-keys=%d%s", size, token))
			v2 = append(append(v2, p.Keys...), p.Prefixes...)
			if !p.Truncated {
				break
			}
			token = "&continuation-token=" + p.NextToken
		}
		for range 20 {
			p := f.list(fmt.Sprintf("delimiter=/&max-keys=%d%s", size, marker))
			v1 = append(append(v1, p.Keys...), p.Prefixes...)
			if !p.Truncated {
				break
			}
			marker = "&marker=" + p.NextMarker
		}
		slices.Sort(v1)
		slices.Sort(v2)
		want := []string{"a", "d/", "e/", "f", "g h+&<"}
		if !slices.Equal(v1, want) || !slices.Equal(v2, want) {
			t.Errorf("pages of %d: %q, %q", size, v1, v2)
		}
	}
	if p := f.list("max-keys=2"); p.NextMarker != "" || !p.Truncated || len(p.Owners) != 2 {
		t.Errorf("without delimiter: %+v", p)
	}
	if p := f.list("max-keys=0"); p.Truncated || len(p.Keys) != 0 {
		t.Errorf("no keys: %+v", p)
	}
	if p := f.list("max-keys=5000"); p.MaxKeys != 1000 {
		t.Errorf("%+v", p)
	}
	if p := f.list("encoding-type=url&prefix=g+h"); fmt.Sprint(p.Keys) != "[g%20h%2B%26%3C]" {
		t.Errorf("%+v", p)
	}
	if p := f.list("list-type=2&start-after=d/2&prefix=d/"); fmt.Sprint(p.Keys) != "[d/3]" || p.StartAfter != "d/2" {
		t.Errorf("%+v", p)
	}
}

func TestBadListParameters(t *testing.T) {
	f := newFixture(t, nil)
	for _, q := range []string{"max-keys=-1", "max-keys=x", "max-keys=2147483648", "max-keys=1.5",
		"encoding-type=base64", "list-type=3", "list-type=", "list-type=2&continuation-token=",
		"list-type=2&continuation-token=abc", "list-type=2&continuation-token=%2A"} {
		f.want(400, "InvalidArgument", "GET", "/bucket?"+q, "")
	}
	f.want(404, "NoSuchBucket", "GET", "/absent?max-keys=0", "")
}

func (f *fixture) deleteKeys(body string) reply {
	return f.do("POST", "/bucket?delete", body, "Content-MD5", md5Base64(body))
}

func TestDeleteObjects(t *testing.T) {
	f := newFixture(t, nil)
	f.fill("a", "b", "c<")
	r := f.deleteKeys("<Delete><Object><Key>a</Key></Object><Object><Key>absent</Key></Object>" +
		"<Object><Key>c&lt;</Key><VersionId>null</VersionId></Object>" +
		"<Object><Key>b</Key><ETag>x</ETag></Object>" +
		"<Object><Key>b</Key><VersionId>7</VersionId></Object>" +
		"<Object><Key>" + strings.Repeat("k", 1025) + "</Key></Object></Delete>")
	var got struct {
		Deleted []string `xml:"Deleted>Key"`
		Codes   []string `xml:"Error>Code"`
	}
	if err := xml.Unmarshal([]byte(r.body), &got); err != nil || r.status != 200 {
		t.Fatal(r.status, err)
	}
	if fmt.Sprint(got.Deleted, got.Codes) != "[a absent c<] [PreconditionFailed NoSuchVersion KeyTooLongError]" {
		t.Errorf("%+v", got)
	}
	if len(f.store.buckets["bucket"].objects) != 1 {
		t.Errorf("left: %v", f.store.buckets["bucket"].objects)
	}
	quiet := f.deleteKeys("<Delete><Quiet>true</Quiet><Object><Key>b</Key></Object></Delete>")
	if strings.Contains(quiet.body, "Deleted") || quiet.status != 200 {
		t.Error(quiet.body)
	}
	f.nothingStored()
}

func TestDeleteObjectsRefusals(t *testing.T) {
	f := newFixture(t, nil)
	f.fill("a")
	const good = "<Delete><Object><Key>a</Key></Object></Delete>"
	f.want(400, "InvalidRequest", "POST", "/bucket?delete", good)
	f.want(400, "BadDigest", "POST", "/bucket?delete", good, "Content-MD5", md5Base64("x"))
	f.check(f.deleteKeys("<Delete>"), 400, "MalformedXML", "cut off")
	f.check(f.deleteKeys(good+"x"), 400, "MalformedXML", "junk behind")
	for _, measure := range []string{"<Size>1</Size>", "<LastModifiedTime>2026-01-01T00:00:00Z</LastModifiedTime>"} {
		f.check(f.deleteKeys(strings.Replace(good, "</Key>", "</Key>"+measure, 1)), 400, "MalformedXML", measure)
	}
	f.check(f.deleteKeys(""), 400, "MalformedXML", "no body")
	f.check(f.deleteKeys("<Delete>"+strings.Repeat("<Object><Key>a</Key></Object>", 1001)+"</Delete>"),
		400, "MalformedXML", "1,001 keys")
	body := good
	f.want(404, "NoSuchBucket", "POST", "/absent?delete", body, "Content-MD5", md5Base64(body))
	if len(f.store.buckets["bucket"].objects) != 1 {
		t.Error("the key is gone")
	}
}

func TestEachDeletedKeyIsAuthorized(t *testing.T) {
	f := newFixture(t, func(c *Config) { c.Authorizer = exceptKey("b") })
	f.fill("a", "b")
	r := f.deleteKeys("<Delete><Object><Key>a</Key></Object><Object><Key>b</Key></Object></Delete>")
	if !strings.Contains(r.body, "<Key>b</Key><Code>AccessDenied</Code>") {
		t.Error(r.body)
	}
	if _, ok := f.store.buckets["bucket"].objects["b"]; !ok || len(f.store.buckets["bucket"].objects) != 1 {
		t.Error("the wrong keys are left")
	}
}

// exceptKey allows everything but one key.
type exceptKey string

func (e exceptKey) Authorize(_, _, _, key string) bool { return key != string(e) }

func TestVirtualHosts(t *testing.T) {
	f := newFixture(t, func(c *Config) { c.Domains = []string{"s3.test", "eu.s3.test"} })
	f.want(200, "", "PUT", "/k", "v", "Host", "bucket.s3.test")
	f.want(200, "", "PUT", "/flashstore/health", "v", "Host", "BUCKET.s3.test:9000")
	for _, host := range []string{"bucket.s3.test", "bucket.eu.s3.test", "bucket.s3.test:80"} {
		if r := f.want(200, "", "GET", "/k", "", "Host", host); r.body != "v" {
			t.Errorf("%s: %q", host, r.body)
		}
	}
	f.want(200, "", "GET", "/bucket/k", "", "Host", "s3.test:9000")
	f.want(200, "", "GET", "/bucket/flashstore/health", "")
	f.want(200, "", "GET", "/", "", "Host", "bucket.s3.test")
	f.want(400, "InvalidBucketName", "GET", "/", "", "Host", "flashstore.s3.test")
	if _, err := New(Config{Store: f.store, Verifier: f.handler.config.Verifier,
		Authorizer: exceptKey(""), Domains: []string{"s3.test:80"}}); err == nil {
		t.Error("a domain with port is accepted")
	}
}

type named string

func (n named) Handle(ex *netloop.Exchange) {
	ex.SetContentLength(int64(len(n)))
	_ = ex.Write([]byte(n))
}

func TestMux(t *testing.T) {
	f := newFixture(t, nil)
	f.address = serve(t, NewMux(named("own"), named("s3"), []string{"s3.test"}))
	for target, want := range map[string]string{
		"/flashstore/x/y": "own", "/flashstore": "s3", "/flashstore/": "s3", "/flashstore?location": "s3",
		"/flashstore-x": "s3", "/flashstore-x/k": "s3", "/Flashstore/x": "s3", "/": "s3", "/a/flashstore/": "s3",
		"/%66lashstore/x": "s3", "//flashstore/x": "s3",
	} {
		if r := f.send(f.request("GET", target, "")); r.body != want {
			t.Errorf("%s went to %s", target, r.body)
		}
	}
	if r := f.send(f.request("GET", "/flashstore/x", "", "Host", "b.s3.test")); r.body != "s3" {
		t.Errorf("a virtual host's key went to %s", r.body)
	}
}

// TestBusy: what there was no time for counts under its operation; what is not S3's counts under
// none.
func TestBusy(t *testing.T) {
	f := newFixture(t, func(c *Config) { c.Domains = []string{"s3.test"} })
	f.address = serve(t, refusing{NewMux(named("own"), f.handler, []string{"s3.test"})})
	for i, c := range []struct{ method, target, host, op string }{
		{"PUT", "/bucket/key", "", "PutObject"}, {"GET", "/bucket/key", "", "GetObject"},
		{"GET", "/bucket?list-type=2", "", "ListObjectsV2"}, {"GET", "/", "", "ListBuckets"},
		{"POST", "/bucket/key?uploads", "", "CreateMultipartUpload"},
		{"GET", "/flashstore/v1/status", "", "Unknown"},
		{"GET", "/flashstore/key", "bucket.s3.test", "GetObject"}, {"PATCH", "/x/y", "", "Unknown"},
	} {
		r := f.send(f.request(c.method, c.target, "", "Host", c.host))
		if r.status != http.StatusServiceUnavailable || r.code() != "SlowDown" {
			t.Errorf("%s %s: %d %s", c.method, c.target, r.status, r.body)
		}
		line := fmt.Sprintf("%s 503 in=0 out=%d", c.op, len(r.body))
		f.seen.mu.Lock()
		got := slices.Clone(f.seen.list)
		f.seen.mu.Unlock()
		if len(got) != i+1 || got[i] != line {
			t.Errorf("%s %s: observed %q, want %q last", c.method, c.target, got, line)
		}
	}
}

// refusing has no time for anything.
type refusing struct{ *Mux }

func (r refusing) Handle(ex *netloop.Exchange) { r.Busy(ex) }
