package s3api

import (
	"fmt"
	"strings"
	"testing"

	"flashstore/engine/object"
)

func taggingXML(tags ...string) string {
	var b strings.Builder
	for i := 0; i < len(tags); i += 2 {
		fmt.Fprintf(&b, "<Tag><Key>%s</Key><Value>%s</Value></Tag>", tags[i], tags[i+1])
	}
	return "<Tagging><TagSet>" + b.String() + "</TagSet></Tagging>"
}

func (f *fixture) tags(key string) string {
	f.t.Helper()
	body := f.want(200, "", "GET", "/bucket/"+key+"?tagging", "").body
	_, set, _ := strings.Cut(body, "<TagSet>")
	set, _, _ = strings.Cut(set, "</TagSet>")
	return strings.NewReplacer("<Tag><Key>", "", "</Key><Value>", "=", "</Value></Tag>", ";").Replace(set)
}

// TestObjectTagging: https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-tagging.html.
func TestObjectTagging(t *testing.T) {
	f := newFixture(t, nil)
	f.store.partMin = 1
	f.want(200, "", "PUT", "/bucket/k", "v")
	if got := f.tags("k"); got != "" {
		t.Error(got)
	}
	f.want(200, "", "PUT", "/bucket/k?tagging", taggingXML("b", "2 +-=._:/@", "ä", ""))
	if got := f.tags("k"); got != "b=2 +-=._:/@;ä=;" {
		t.Error(got)
	}
	for _, method := range []string{"GET", "HEAD"} {
		if got := f.want(200, "", method, "/bucket/k", "").header.Get("x-amz-tagging-count"); got != "2" {
			t.Errorf("%s: count %q", method, got)
		}
	}
	f.want(204, "", "DELETE", "/bucket/k?tagging", "")
	if got := f.want(200, "", "GET", "/bucket/k", "").header.Get("x-amz-tagging-count"); got != "" || f.tags("k") != "" {
		t.Errorf("count %q", got)
	}
	for _, method := range []string{"GET", "DELETE"} {
		f.want(404, "NoSuchKey", method, "/bucket/absent?tagging", "")
		f.want(404, "NoSuchVersion", method, "/bucket/k?tagging&versionId="+strings.Repeat("0", 32), "")
	}
	f.want(404, "NoSuchKey", "PUT", "/bucket/absent?tagging", taggingXML())
	f.want(400, "MissingRequestBodyError", "PUT", "/bucket/k?tagging", "")
}

// TestTagRules: the same rules in the document and in the field.
func TestTagRules(t *testing.T) {
	f := newFixture(t, nil)
	f.want(200, "", "PUT", "/bucket/k", "v")
	eleven := make([]string, 22)
	for i := range eleven {
		eleven[i] = fmt.Sprint("k", i)
	}
	for _, c := range []struct {
		code string
		tags []string
	}{
		{"BadRequest", eleven},
		{"InvalidTag", []string{"", "v"}},
		{"InvalidTag", []string{strings.Repeat("k", 129), "v"}},
		{"InvalidTag", []string{"k", strings.Repeat("v", 257)}},
		{"InvalidTag", []string{strings.Repeat("\U0001D400", 65), "v"}}, // 130 units of UTF-16
		{"InvalidTag", []string{"k", "%20"}},
		{"InvalidTag", []string{"k?", "v"}},
		{"InvalidTag", []string{"k", "a\nb"}},
		{"InvalidTag", []string{"aws:k", "v"}},
		{"InvalidTag", []string{"k", "1", "k", "2"}},
		{"", []string{strings.Repeat("ä", 128), strings.Repeat("ö", 256)}},
		{"", eleven[:20]},
	} {
		status := 400
		if c.code == "" {
			status = 200
		}
		f.check(f.do("PUT", "/bucket/k?tagging", taggingXML(c.tags...)), status, c.code, fmt.Sprintf("%.40q", c.tags))
	}
	for _, body := range []string{"<Tagging/>", "<Tagging><TagSet><Tag><Key>a</Key></Tag></TagSet></Tagging>", "x",
		"<Tagging><TagSet/><TagSet/></Tagging>", "<Tagging><TagSet><Key>a</Key></TagSet></Tagging>",
		"<Tagging><TagSet><Tag><Key>a</Key><Key>b</Key><Value/></Tag></TagSet></Tagging>"} {
		f.want(400, "MalformedXML", "PUT", "/bucket/k?tagging", body)
	}
	for field, want := range map[string]string{
		"a=1&b=x%20y+z": "a=1;b=x y z;", "key": "key=;", "&": "", "&&a=b&": "a=b;", "b=2&a=1": "a=1;b=2;", "": "",
		"a=b=c": "a=b=c;",
		"=":     "!InvalidArgument", "a=1&a=2": "!InvalidArgument", "a=%zz": "!InvalidArgument", "=v": "!InvalidArgument",
		"a=%ff": "!InvalidArgument", "a=%3F": "!InvalidTag", "aws:a=1": "!InvalidTag", "a=%0a": "!InvalidTag",
		"a&b&c&d&e&f&g&h&i&j&k": "!BadRequest",
	} {
		for method, to := range map[string]string{"PUT": "/bucket/h", "POST": "/bucket/h?uploads"} {
			if code, bad := strings.CutPrefix(want, "!"); bad {
				f.want(400, code, method, to, "", taggingField, field)
				continue
			}
			f.want(200, "", method, to, "", taggingField, field)
			if method == "PUT" {
				if got := f.tags("h"); got != want {
					t.Errorf("%q: %q, want %q", field, got, want)
				}
			}
		}
	}
}

// TestTagsTravel: with a version, a multipart upload and a copy.
func TestTagsTravel(t *testing.T) {
	f := newFixture(t, nil)
	f.store.partMin = 1
	id := f.begin(taggingField, "a=1")
	f.want(200, "", "POST", "/bucket/k?uploadId="+id, completeXML("1", f.part(id, 1, "x").header.Get("ETag")))
	for _, c := range []struct {
		want   string
		header []string
	}{
		{"a=1;", nil},
		{"a=1;", []string{taggingField, "b=2"}}, // the directive is COPY
		{"a=1;", []string{"x-amz-tagging-directive", "COPY"}},
		{"b=2;", []string{"x-amz-tagging-directive", "REPLACE", taggingField, "b=2"}},
		{"", []string{"x-amz-tagging-directive", "REPLACE"}},
	} {
		f.want(200, "", "PUT", "/bucket/copy", "", append(c.header, source, "bucket/k")...)
		if got := f.tags("copy"); got != c.want {
			t.Errorf("%q: %q, want %q", c.header, got, c.want)
		}
	}
	f.want(400, "InvalidArgument", "PUT", "/bucket/copy", "", source, "bucket/k", "x-amz-tagging-directive", "x")
	f.versioning("Enabled")
	second := f.want(200, "", "PUT", "/bucket/k", "y", taggingField, "c=3").header.Get("x-amz-version-id")
	r := f.want(200, "", "PUT", "/bucket/k?tagging&versionId=null", taggingXML("d", "4"))
	if r.header.Get("x-amz-version-id") != "null" {
		t.Errorf("%v", r.header)
	}
	if got := f.tags("k"); got != "c=3;" {
		t.Errorf("version %s has %q", second, got)
	}
	f.want(204, "", "DELETE", "/bucket/k", "")
	f.want(404, "NoSuchKey", "GET", "/bucket/k?tagging", "")
}

// TestCopyOfTagsIsAuthorized: tags are read with a permission of their own.
func TestCopyOfTagsIsAuthorized(t *testing.T) {
	may := only{"s3:PutObject bucket/to": true, "s3:GetObject bucket/from": true}
	f := newFixture(t, func(c *Config) { c.Authorizer = may })
	f.store.buckets["bucket"].objects["from"] = &memObject{info: object.Info{Key: "from", ETag: "e",
		Attributes: object.Attributes{Tags: []object.Pair{{Name: "a", Value: "b"}}}}}
	f.want(403, "AccessDenied", "PUT", "/bucket/to", "", source, "bucket/from")
	f.want(200, "", "PUT", "/bucket/to", "", source, "bucket/from", "x-amz-tagging-directive", "REPLACE")
	may["s3:GetObjectTagging bucket/from"] = true
	f.want(403, "AccessDenied", "PUT", "/bucket/to", "", source, "bucket/from")
	may["s3:PutObjectTagging bucket/to"] = true
	f.want(200, "", "PUT", "/bucket/to", "", source, "bucket/from")
}

func FuzzTagging(f *testing.F) {
	for _, s := range []string{"a=1&b=2", "&&", "=", "a=%zz", "a=%c3%a4", "a+b=c+d", "a=b=c"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, field string) {
		tags, ok := parseTagging(field)
		if !ok {
			return
		}
		tags, err := checkTags(tags)
		if err != nil {
			return
		}
		for i, tag := range tags {
			if tag.Name == "" || len(tag.Name) > 3*tagKeyMax || len(tag.Value) > 3*tagValueMax ||
				strings.ContainsAny(tag.Name+tag.Value, "&%\r\n<>\"") || i > 0 && tags[i-1].Name >= tag.Name {
				t.Errorf("%q became %q", field, tags)
			}
		}
		if len(tags) > tagsMax {
			t.Errorf("%q: %d tags", field, len(tags))
		}
	})
}
