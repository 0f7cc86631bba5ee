package s3api

import (
	"encoding/xml"
	"fmt"
	"net/url"
	"strings"
	"testing"

	"flashstore/engine/object"
)

const versioningXML = "<VersioningConfiguration><Status>%s</Status></VersioningConfiguration>"

func (f *fixture) versioning(status string) {
	f.t.Helper()
	f.want(200, "", "PUT", "/bucket?versioning", fmt.Sprintf(versioningXML, status))
}

// TestBucketVersioning: https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketVersioning.html.
func TestBucketVersioning(t *testing.T) {
	f := newFixture(t, nil)
	if r := f.want(200, "", "GET", "/bucket?versioning", ""); strings.Contains(r.body, "Status") {
		t.Error(r.body)
	}
	for _, status := range []string{"Enabled", "Suspended", "Enabled"} {
		f.versioning(status)
		if r := f.want(200, "", "GET", "/bucket?versioning", ""); !strings.Contains(r.body, "<Status>"+status+"<") {
			t.Error(r.body)
		}
	}
	const inner = "<VersioningConfiguration>%s</VersioningConfiguration>"
	for body, want := range map[string]string{
		"<Status>enabled</Status>":                         "400 MalformedXML",
		"<Status>Disabled</Status>":                        "400 MalformedXML",
		"<Status>Enabled</Status><Status>Enabled</Status>": "400 MalformedXML",
		"<State>Enabled</State>":                           "400 MalformedXML",
		"":                                                 "400 IllegalVersioningConfigurationException",
		"<Status>Enabled</Status><MfaDelete>Enabled</MfaDelete>": "403 AccessDenied",
	} {
		r := f.do("PUT", "/bucket?versioning", fmt.Sprintf(inner, body))
		if got := fmt.Sprint(r.status, " ", r.code()); got != want {
			t.Errorf("%s: %s, want %s", body, got, want)
		}
	}
	f.want(400, "MissingRequestBodyError", "PUT", "/bucket?versioning", "")
	f.want(400, "BadDigest", "PUT", "/bucket?versioning", fmt.Sprintf(versioningXML, "Suspended"), "Content-MD5", md5Base64("x"))
	f.want(404, "NoSuchBucket", "PUT", "/absent?versioning", fmt.Sprintf(versioningXML, "Enabled"))
	f.want(200, "", "PUT", "/bucket?versioning", fmt.Sprintf(inner, "<Status>Enabled</Status><MfaDelete>Disabled</MfaDelete>"))
}

// TestVersions: what each verb says of versions and markers
// (https://docs.aws.amazon.com/AmazonS3/latest/userguide/DeleteMarker.html).
func TestVersions(t *testing.T) {
	f := newFixture(t, nil)
	id := func(r reply) string { return r.header.Get("x-amz-version-id") }
	if r := f.want(200, "", "PUT", "/bucket/k", "null"); id(r) != "" {
		t.Errorf("a version %q without versioning", id(r))
	}
	f.versioning("Enabled")
	one := id(f.want(200, "", "PUT", "/bucket/k", "one"))
	two := id(f.want(200, "", "PUT", "/bucket/k", "two"))
	for version, body := range map[string]string{"null": "null", one: "one", two: "two"} {
		for _, method := range []string{"GET", "HEAD"} {
			r := f.want(200, "", method, "/bucket/k?versionId="+version, "")
			if id(r) != version || method == "GET" && r.body != body {
				t.Errorf("%s %s: %q is %q", method, version, id(r), r.body)
			}
		}
	}
	if r := f.want(200, "", "GET", "/bucket/k", ""); id(r) != two || r.body != "two" {
		t.Errorf("newest: %s %s", id(r), r.body)
	}
	gone := f.want(204, "", "DELETE", "/bucket/k", "")
	marker := id(gone)
	if gone.header.Get("x-amz-delete-marker") != "true" || marker == "" || marker == two {
		t.Errorf("%v", gone.header)
	}
	for _, method := range []string{"GET", "HEAD"} {
		r := f.do(method, "/bucket/k", "")
		if r.status != 404 || id(r) != marker || r.header.Get("x-amz-delete-marker") != "true" ||
			r.header.Get("Last-Modified") != "" {
			t.Errorf("%s: %d %v", method, r.status, r.header)
		}
		r = f.do(method, "/bucket/k?versionId="+marker, "")
		if r.status != 405 || id(r) != marker || r.header.Get("x-amz-delete-marker") != "true" ||
			r.header.Get("Last-Modified") == "" || r.header.Get("Allow") != "DELETE" {
			t.Errorf("%s of the marker: %d %v", method, r.status, r.header)
		}
	}
	f.want(404, "NoSuchKey", "PUT", "/bucket/copy", "", source, "bucket/k")
	f.want(400, "InvalidRequest", "PUT", "/bucket/copy", "", source, "bucket/k?versionId="+marker)
	copied := f.want(200, "", "PUT", "/bucket/k", "", source, "bucket/k?versionId="+one)
	if copied.header.Get("x-amz-copy-source-version-id") != one || id(copied) == "" || id(copied) == one {
		t.Errorf("%v", copied.header)
	}
	f.want(204, "", "DELETE", "/bucket/k?versionId="+id(copied), "")
	back := f.want(204, "", "DELETE", "/bucket/k?versionId="+marker, "")
	if back.header.Get("x-amz-delete-marker") != "true" || id(back) != marker {
		t.Errorf("%v", back.header)
	}
	if r := f.want(204, "", "DELETE", "/bucket/k?versionId="+two, ""); id(r) != two ||
		r.header.Get("x-amz-delete-marker") != "" {
		t.Errorf("%v", r.header)
	}
	if r := f.want(200, "", "GET", "/bucket/k", ""); r.body != "one" {
		t.Errorf("left is %q", r.body)
	}
	f.want(404, "NoSuchVersion", "GET", "/bucket/k?versionId="+two, "")
	f.want(404, "NoSuchVersion", "GET", "/bucket/absent?versionId=null", "")
	for _, bad := range []string{"", "x", strings.ToUpper(one) + "G", one + "0"} {
		f.want(400, "InvalidArgument", "GET", "/bucket/k?versionId="+bad, "")
		f.want(400, "InvalidArgument", "DELETE", "/bucket/k?versionId="+bad, "")
	}
	f.versioning("Suspended")
	if r := f.want(200, "", "PUT", "/bucket/k", "again"); id(r) != "" {
		t.Errorf("suspended: PUT says %q", id(r))
	}
	if r := f.want(200, "", "HEAD", "/bucket/k", ""); id(r) != "null" {
		t.Errorf("suspended: HEAD says %q", id(r))
	}
	if r := f.want(204, "", "DELETE", "/bucket/k", ""); id(r) != "null" || r.header.Get("x-amz-delete-marker") != "true" {
		t.Errorf("suspended: %v", r.header)
	}
}

// TestVersionConditions: If-Match on DELETE, with a version and without
// (https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-deletes.html).
func TestVersionConditions(t *testing.T) {
	f := newFixture(t, nil)
	f.versioning("Enabled")
	put := f.want(200, "", "PUT", "/bucket/k", "one").header
	f.want(200, "", "PUT", "/bucket/k", "two")
	one := "/bucket/k?versionId=" + put.Get("x-amz-version-id")
	f.want(412, "PreconditionFailed", "DELETE", "/bucket/k", "", "If-Match", put.Get("ETag"))
	f.want(501, "NotImplemented", "DELETE", one, "", "If-Match", put.Get("ETag"))
	f.want(200, "", "GET", one, "")
	f.want(204, "", "DELETE", "/bucket/k", "", "If-Match", "*")
	f.want(404, "NoSuchKey", "DELETE", "/bucket/k", "", "If-Match", "*") // a marker is nothing
	f.want(200, "", "PUT", "/bucket/k", "three", "If-None-Match", "*")
}

// TestBucketOfVersions: one that looks empty is not
// (https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteBucket.html).
func TestBucketOfVersions(t *testing.T) {
	f := newFixture(t, nil)
	f.want(200, "", "PUT", "/bucket/k", "v")
	const versions = "You must delete all versions in the bucket."
	if r := f.want(409, "BucketNotEmpty", "DELETE", "/bucket", ""); strings.Contains(r.body, versions) {
		t.Error(r.body)
	}
	f.versioning("Enabled")
	f.want(204, "", "DELETE", "/bucket/k", "")
	if r := f.want(409, "BucketNotEmpty", "DELETE", "/bucket", ""); !strings.Contains(r.body, versions) {
		t.Error(r.body)
	}
}

// TestDeleteObjectsOfVersions: https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjects.html.
func TestDeleteObjectsOfVersions(t *testing.T) {
	f := newFixture(t, nil)
	f.versioning("Enabled")
	put := f.want(200, "", "PUT", "/bucket/a", "a").header
	etag := f.want(200, "", "PUT", "/bucket/b", "b").header.Get("ETag")
	absent := strings.Repeat("0", 32)
	r := f.deleteKeys("<Delete><Object><Key>a</Key><VersionId>" + put.Get("x-amz-version-id") + "</VersionId></Object>" +
		"<Object><Key>b</Key><ETag>" + etag + "</ETag></Object><Object><Key>c</Key></Object>" +
		"<Object><Key>d</Key><VersionId>" + absent + "</VersionId></Object></Delete>")
	type line struct {
		Key, VersionId, DeleteMarkerVersionId string
		DeleteMarker                          bool
	}
	var got struct{ Deleted []line }
	if err := xml.Unmarshal([]byte(r.body), &got); err != nil || len(got.Deleted) != 4 {
		t.Fatalf("%v %s", err, r.body)
	}
	if d := got.Deleted[0]; d.VersionId != put.Get("x-amz-version-id") || d.DeleteMarker || d.DeleteMarkerVersionId != "" {
		t.Errorf("a version: %+v", d)
	}
	for _, d := range got.Deleted[1:3] {
		if d.VersionId != "" || !d.DeleteMarker || len(d.DeleteMarkerVersionId) != 32 {
			t.Errorf("a key: %+v", d)
		}
	}
	if d := got.Deleted[3]; d.VersionId != absent || d.DeleteMarker {
		t.Errorf("an absent version: %+v", d)
	}
	marker := got.Deleted[1].DeleteMarkerVersionId
	r = f.deleteKeys("<Delete><Object><Key>b</Key><VersionId>" + marker + "</VersionId></Object></Delete>")
	got.Deleted = nil
	if err := xml.Unmarshal([]byte(r.body), &got); err != nil || len(got.Deleted) != 1 ||
		got.Deleted[0] != (line{"b", marker, marker, true}) {
		t.Errorf("%v %s", err, r.body)
	}
	if r := f.want(200, "", "GET", "/bucket/b", ""); r.body != "b" {
		t.Error("b did not come back")
	}
}

// TestVersionActions: faults.md 3.11, a version takes an action of its own everywhere.
func TestVersionActions(t *testing.T) {
	may := only{}
	f := newFixture(t, func(c *Config) { c.Authorizer = may })
	const named = "?versionId=null"
	for _, c := range []struct {
		method, query, plain, version string
	}{
		{"GET", "", "s3:GetObject", "s3:GetObjectVersion"},
		{"HEAD", "", "s3:GetObject", "s3:GetObjectVersion"},
		{"DELETE", "", "s3:DeleteObject", "s3:DeleteObjectVersion"},
		{"GET", "&tagging", "s3:GetObjectTagging", "s3:GetObjectVersionTagging"},
		{"PUT", "&tagging", "s3:PutObjectTagging", "s3:PutObjectVersionTagging"},
		{"DELETE", "&tagging", "s3:DeleteObjectTagging", "s3:DeleteObjectVersionTagging"},
		{"GET", "&attributes", "s3:GetObject", "s3:GetObjectVersion"},
	} {
		clear(may)
		may["s3:GetObjectVersionAttributes bucket/k"] = true
		may[c.plain+" bucket/k"] = true
		if r := f.do(c.method, "/bucket/k"+named+c.query, ""); r.status != 403 {
			t.Errorf("%s %s with %s: %d", c.method, c.query, c.plain, r.status)
		}
		delete(may, c.plain+" bucket/k")
		may[c.version+" bucket/k"] = true
		if r := f.do(c.method, "/bucket/k"+named+c.query, ""); r.status == 403 {
			t.Errorf("%s %s with %s: %d", c.method, c.query, c.version, r.status)
		}
		if r := f.do(c.method, "/bucket/k?"+strings.TrimPrefix(c.query, "&"), ""); r.status != 403 {
			t.Errorf("%s %s without a version, with %s: %d", c.method, c.query, c.version, r.status)
		}
	}
	clear(may)
	may["s3:DeleteObject bucket/"] = true
	may["s3:DeleteObject bucket/k"] = true
	r := f.deleteKeys("<Delete><Object><Key>k</Key><VersionId>null</VersionId></Object></Delete>")
	if r.status != 200 || !strings.Contains(r.body, "<Code>AccessDenied</Code>") {
		t.Errorf("%d %s", r.status, r.body)
	}
}

// TestFieldsAreAuthorized: what a write sets beside its body takes the permission to set that.
func TestFieldsAreAuthorized(t *testing.T) {
	may := only{}
	f := newFixture(t, func(c *Config) { c.Authorizer = may })
	f.store.buckets["bucket"].settings = object.BucketSettings{Versioning: object.Enabled, Lock: true}
	const until = "2099-01-01T00:00:00Z"
	for _, c := range []struct {
		action string
		header []string
	}{
		{"s3:PutObjectTagging", []string{taggingField, "a=b"}},
		{"s3:PutObjectRetention", []string{lockModeField, "GOVERNANCE", lockUntilField, until}},
		{"s3:PutObjectLegalHold", []string{legalHoldField, "OFF"}},
	} {
		for method, to := range map[string]string{"PUT": "/bucket/k", "POST": "/bucket/k?uploads"} {
			clear(may)
			f.store.buckets["bucket"].objects["k"] = &memObject{}
			may["s3:PutObject bucket/k"] = true
			header := append(c.header, "Content-MD5", md5Base64(""))
			f.want(403, "AccessDenied", method, to, "", header...)
			may[c.action+" bucket/k"] = true
			f.want(200, "", method, to, "", header...)
			may["s3:GetObject bucket/k"] = true
			shown := f.want(200, "", "GET", "/bucket/k", "").header // to who may not read them
			for _, name := range []string{"x-amz-tagging-count", lockModeField, lockUntilField, legalHoldField} {
				if got := shown.Get(name); got != "" {
					t.Errorf("%s is shown: %s", name, got)
				}
			}
		}
	}
	clear(may)
	may["s3:CreateBucket locked/"] = true
	f.want(403, "AccessDenied", "PUT", "/locked", "", lockBucketField, "true")
	may["s3:PutBucketObjectLockConfiguration locked/"], may["s3:PutBucketVersioning locked/"] = true, true
	f.want(200, "", "PUT", "/locked", "", lockBucketField, "true")
	clear(may)
	may["s3:GetObject bucket/k"] = true
	f.want(403, "AccessDenied", "GET", "/bucket/k?attributes", "", "x-amz-object-attributes", "ETag")
	may["s3:GetObjectAttributes bucket/k"] = true
	f.want(200, "", "GET", "/bucket/k?attributes", "", "x-amz-object-attributes", "ETag")
}

// versionLines are "key version-number marker newest" of a page.
type versionPage struct {
	Version, DeleteMarker []struct {
		Key, VersionId, ETag, StorageClass string
		IsLatest                           bool
	}
	Prefixes                                        []string `xml:"CommonPrefixes>Prefix"`
	KeyMarker, NextKeyMarker                        string
	VersionIdMarker, NextVersionIdMarker, Delimiter string
	MaxKeys                                         int
	IsTruncated                                     bool
}

func (f *fixture) versions(query string) (p versionPage) {
	f.t.Helper()
	r := f.want(200, "", "GET", "/bucket?versions&"+query, "")
	if err := xml.Unmarshal([]byte(r.body), &p); err != nil {
		f.t.Fatal(err)
	}
	return p
}

// TestListObjectVersions: https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectVersions.html.
func TestListObjectVersions(t *testing.T) {
	f := newFixture(t, nil)
	f.want(200, "", "PUT", "/bucket/a%20b", "null")
	if p := f.versions(""); len(p.Version) != 1 || p.Version[0].VersionId != "null" || !p.Version[0].IsLatest ||
		p.Version[0].ETag == "" || p.Version[0].StorageClass != "STANDARD" || p.MaxKeys != 1000 {
		t.Errorf("%+v", p)
	}
	f.versioning("Enabled")
	f.want(200, "", "PUT", "/bucket/a%20b", "one")
	f.want(204, "", "DELETE", "/bucket/a%20b", "")
	for _, key := range []string{"d/1", "d/2", "e"} {
		f.want(200, "", "PUT", "/bucket/"+key, "x")
	}
	all := f.versions("")
	if len(all.Version) != 5 || len(all.DeleteMarker) != 1 || !all.DeleteMarker[0].IsLatest || all.Version[0].IsLatest ||
		all.DeleteMarker[0].Key != "a b" || all.IsTruncated {
		t.Errorf("%+v", all)
	}
	if p := f.versions("encoding-type=url&prefix=a%20"); len(p.Version) != 2 || p.Version[0].Key != "a%20b" {
		t.Errorf("%+v", p)
	}
	if p := f.versions("delimiter=%2F"); len(p.Version) != 3 || fmt.Sprint(p.Prefixes) != "[d/]" || p.Delimiter != "/" {
		t.Errorf("%+v", p)
	}
	if p := f.versions("max-keys=0"); p.IsTruncated || len(p.Version) != 0 {
		t.Errorf("%+v", p)
	}
	for _, max := range []string{"1", "2", "3", "5"} {
		for _, delimiter := range []string{"", "%2F"} {
			seen, next := "", ""
			for pages := 0; ; pages++ {
				p := f.versions("max-keys=" + max + "&delimiter=" + delimiter + next)
				for _, m := range p.DeleteMarker {
					seen += m.Key + " "
				}
				for _, v := range p.Version {
					seen += v.Key + " "
				}
				seen += strings.Join(p.Prefixes, "p ")
				if !p.IsTruncated || pages > 10 {
					break
				}
				next = "&key-marker=" + url.QueryEscape(p.NextKeyMarker) + "&version-id-marker=" + p.NextVersionIdMarker
				if p.NextVersionIdMarker == "" {
					next = "&key-marker=" + url.QueryEscape(p.NextKeyMarker)
				}
			}
			want := map[string]int{"": 6, "%2F": 5}[delimiter]
			if got := strings.Count(seen, "a b") + strings.Count(seen, "d/") + strings.Count(seen, "e"); got != want {
				t.Errorf("max-keys=%s, delimiter=%s: %q", max, delimiter, seen)
			}
		}
	}
	for _, bad := range []string{"version-id-marker=null", "key-marker=k&version-id-marker=", "max-keys=-1",
		"key-marker=k&version-id-marker=x", "encoding-type=x", "key-marker=&version-id-marker=null"} {
		f.want(400, "InvalidArgument", "GET", "/bucket?versions&"+bad, "")
	}
	if r := f.do("GET", "/bucket?versions&key-marker=k&version-id-marker=", ""); !strings.Contains(r.body,
		"A version-id marker cannot be empty.") {
		t.Error(r.body)
	}
	f.want(404, "NoSuchBucket", "GET", "/absent?versions", "")
	f.want(404, "NoSuchBucket", "GET", "/absent?versions&max-keys=0", "")
}
