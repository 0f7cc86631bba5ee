package conformance

import (
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/tags"
)

const (
	ruleTags   = guide + "object-tagging.html"
	rulePutTag = api + "API_PutObjectTagging.html"
)

// tagXML is the body of PutObjectTagging, of names and values.
func tagXML(all ...string) string {
	var b strings.Builder
	b.WriteString(`<Tagging xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><TagSet>`)
	for i := 0; i+1 < len(all); i += 2 {
		b.WriteString("<Tag><Key>" + xmlEscape(all[i]) + "</Key><Value>" + xmlEscape(all[i+1]) +
			"</Value></Tag>")
	}
	return b.String() + "</TagSet></Tagging>"
}

func taggingCases(l *list) {
	tagLifeCases(l)
	tagLimitCases(l)
	tagHeaderCases(l)
	tagSDKCases(l)
}

func tagLifeCases(l *list) {
	l.raw("put, get, replace, delete", ruleTags, func(p *probe) {
		b, k := p.shared(), p.key("o")
		p.put(b, k, "x", "x-amz-meta-a", "1")
		p.equal("tags", p.tags(b, k, ""), "")
		p.get(b, k).status(200).lacks("x-amz-tagging-count")
		p.sub("PUT", b, k, "tagging", tagXML("a", "1", "b", "")).status(200)
		p.equal("tags", p.tags(b, k, ""), "a=1,b=")
		p.get(b, k).status(200).has("x-amz-tagging-count", "2").has("x-amz-meta-a", "1").text("x")
		p.sub("PUT", b, k, "tagging", tagXML("c", "3")).status(200)
		p.equal("tags", p.tags(b, k, ""), "c=3")
		p.sub("DELETE", b, k, "tagging", "").status(204).text("")
		p.equal("tags", p.tags(b, k, ""), "")
		p.sub("DELETE", b, k, "tagging", "").status(204)
		p.get(b, k).status(200).has("ETag", etagOf("x")).lacks("x-amz-tagging-count")
	})
	l.raw("an empty set", rulePutTag, func(p *probe) {
		b, k := p.shared(), p.key("o")
		p.put(b, k, "x", "x-amz-tagging", "a=1")
		p.sub("PUT", b, k, "tagging", tagXML()).status(200)
		p.equal("tags", p.tags(b, k, ""), "")
	})
	l.raw("an overwrite has no tags", ruleTags, func(p *probe) {
		b, k := p.shared(), p.key("o")
		p.put(b, k, "x", "x-amz-tagging", "a=1")
		p.put(b, k, "y")
		p.equal("tags", p.tags(b, k, ""), "")
	})
	l.raw("signs that are allowed", ruleTags+": letters, digits, spaces, + - = . _ : / @",
		func(p *probe) {
			b, k := p.shared(), p.key("o")
			p.put(b, k, "x")
			p.sub("PUT", b, k, "tagging", tagXML("a b+c-d=e.f_g:h/i@j", "grüße 9+-=._:/@")).status(200)
			p.equal("tags", p.tags(b, k, ""), "a b+c-d=e.f_g:h/i@j=grüße 9+-=._:/@")
		})
	for _, method := range []string{"GET", "PUT", "DELETE"} {
		l.raw(method+" of nothing", ruleErrors+": NoSuchKey", func(p *probe) {
			body := ""
			if method == "PUT" {
				body = tagXML("a", "1")
			}
			a := p.sub(method, p.shared(), p.key("none"), "tagging", body)
			a.fails(404, "NoSuchKey")
		})
	}
	l.raw("of a version", rulePutTag+": versionId; x-amz-version-id", func(p *probe) {
		b, k := p.versioned(), p.key("o")
		v := p.put(b, k, "old", "x-amz-tagging", "a=1").get("x-amz-version-id")
		p.put(b, k, "new", "x-amz-tagging", "b=2")
		p.equal("tags", p.tags(b, k, "versionId="+v), "a=1")
		p.sub("PUT", b, k, "tagging&versionId="+v, tagXML("c", "3")).status(200).
			has("x-amz-version-id", v)
		p.equal("tags", p.tags(b, k, "versionId="+v), "c=3")
		p.equal("tags of the new one", p.tags(b, k, ""), "b=2")
		p.sub("DELETE", b, k, "tagging&versionId="+v, "").status(204)
		p.equal("tags", p.tags(b, k, "versionId="+v), "")
	})
	l.raw("of a delete marker", ruleErrors+": MethodNotAllowed", func(p *probe) {
		b, k := p.versioned(), p.key("o")
		p.put(b, k, "x", "x-amz-tagging", "a=1")
		marker := p.del(b, k).status(204).get("x-amz-version-id")
		p.sub("GET", b, k, "tagging", "").failsAny(404, "NoSuchKey")
		p.sub("GET", b, k, "tagging&versionId="+marker, "").fails(405, "MethodNotAllowed")
	})
}

func tagLimitCases(l *list) {
	set := func(name, rule string, ok bool, codes []string, all ...string) {
		l.raw(name, rule, func(p *probe) {
			b, k := p.shared(), p.key("o")
			p.put(b, k, "x", "x-amz-tagging", "before=1")
			a := p.sub("PUT", b, k, "tagging", tagXML(all...))
			if ok {
				a.status(200)
				p.equal("number", strings.Count(p.tags(b, k, ""), "="), len(all)/2)
				return
			}
			a.failsAny(400, codes...)
			p.equal("tags", p.tags(b, k, ""), "before=1")
		})
	}
	invalid := []string{"InvalidTag"}
	var eleven []string
	for i := range 11 {
		eleven = append(eleven, fmt.Sprint("k", i), "v")
	}
	rule := ruleTags + ": up to 10, keys of 128 and values of 256 characters"
	set("10 tags", rule, true, nil, eleven[:20]...)
	set("11 tags", rule, false, []string{"BadRequest", "InvalidTag"}, eleven...)
	set("key of 128", rule, true, nil, strings.Repeat("k", 128), "v")
	set("key of 129", rule, false, invalid, strings.Repeat("k", 129), "v")
	set("key of 128 umlauts", rule, true, nil, strings.Repeat("ü", 128), "v")
	set("value of 256", rule, true, nil, "k", strings.Repeat("v", 256))
	set("value of 257", rule, false, invalid, "k", strings.Repeat("v", 257))
	set("an empty key", rule, false, invalid, "", "v")
	set("a key twice", ruleErrors+": InvalidTag", false, invalid, "k", "1", "k", "2")
	set("signs that are not allowed", ruleTags, false, invalid, "k", "a{b}*c")
	set("the prefix aws:", guide+"tagging-managing.html: aws: is reserved", false, invalid, "aws:k",
		"v")
	for _, c := range [][2]string{{"no end", "<Tagging><TagSet>"}, {"text", "x"},
		{"another root", "<Tags></Tags>"}, {"no set", "<Tagging></Tagging>"},
		{"no key", "<Tagging><TagSet><Tag><Value>v</Value></Tag></TagSet></Tagging>"}} {
		l.raw("XML with "+c[0], ruleErrors+": MalformedXML", func(p *probe) {
			b, k := p.shared(), p.key("o")
			p.put(b, k, "x")
			p.sub("PUT", b, k, "tagging", c[1]).fails(400, "MalformedXML")
		})
	}
}

func tagHeaderCases(l *list) {
	rule := rulePut + ": x-amz-tagging, encoded as URL query parameters"
	for _, c := range [][2]string{{"a=1", "a=1"}, {"a=1&b=2", "a=1,b=2"}, {"a=", "a="}, {"a", "a="},
		{"a=b%20c", "a=b c"}, {"a=b+c", "a=b c"}, {"%C3%BC=%2B", "ü=+"}, {"a=b%3Dc", "a=b=c"}} {
		l.raw("header "+c[0], rule, func(p *probe) {
			b, k := p.shared(), p.key("o")
			p.put(b, k, "x", "x-amz-tagging", c[0])
			p.equal("tags", p.tags(b, k, ""), c[1])
			p.head(b, k).status(200)
		})
	}
	for _, c := range [][2]string{{"11", "a=1&b=1&c=1&d=1&e=1&f=1&g=1&h=1&i=1&j=1&k=1"},
		{"a key twice", "a=1&a=2"}, {"a long key", strings.Repeat("k", 129) + "=1"},
		{"a long value", "a=" + strings.Repeat("v", 257)}, {"no key", "=1"}, {"bad escape", "a=%zz"},
		{"the prefix aws", "aws%3Ak=1"}} {
		l.raw("header with "+c[0], ruleTags, func(p *probe) {
			b, k := p.shared(), p.key("o")
			p.req("PUT", b, k).body("x").field("x-amz-tagging", c[1]).send().
				failsAny(400, "InvalidTag", "BadRequest", "InvalidArgument")
			p.get(b, k).fails(404, "NoSuchKey")
		})
	}
}

func tagSDKCases(l *list) {
	l.aws("put, get, delete", ruleTags, func(p *probe) {
		b, k := p.shared(), p.key("o")
		p.put(b, k, "x")
		_, err := p.aws.PutObjectTagging(p.ctx, &s3.PutObjectTaggingInput{Bucket: &b, Key: &k,
			Tagging: &types.Tagging{TagSet: []types.Tag{{Key: aws.String("a"), Value: aws.String("1")}}}})
		if err != nil {
			p.fatalf("PutObjectTagging: %v", err)
		}
		got, err := p.aws.GetObjectTagging(p.ctx, &s3.GetObjectTaggingInput{Bucket: &b, Key: &k})
		if err != nil || len(got.TagSet) != 1 || *got.TagSet[0].Key != "a" || *got.TagSet[0].Value != "1" {
			p.errorf("GetObjectTagging: %v, %+v", err, got)
		}
		if _, err = p.aws.DeleteObjectTagging(p.ctx, &s3.DeleteObjectTaggingInput{Bucket: &b,
			Key: &k}); err != nil {
			p.errorf("DeleteObjectTagging: %v", err)
		}
		p.equal("tags", p.tags(b, k, ""), "")
	})
	l.aws("with a put", ruleTags, func(p *probe) {
		b, k := p.shared(), p.key("o")
		_, err := p.aws.PutObject(p.ctx, &s3.PutObjectInput{Bucket: &b, Key: &k,
			Body: strings.NewReader("x"), Tagging: aws.String("a=1&b=2")})
		if err != nil {
			p.fatalf("PutObject: %v", err)
		}
		got, err := p.aws.GetObject(p.ctx, &s3.GetObjectInput{Bucket: &b, Key: &k})
		if err != nil || aws.ToInt32(got.TagCount) != 2 {
			p.fatalf("GetObject: %v, %+v", err, got)
		}
		p.reads(got.Body, "x")
	})
	l.minio("put, get, delete", ruleTags, func(p *probe) {
		b, k := p.shared(), p.key("o")
		p.put(b, k, "x")
		set, err := tags.NewTags(map[string]string{"a": "1", "b": "2"}, true)
		if err == nil {
			err = p.minio.PutObjectTagging(p.ctx, b, k, set, minio.PutObjectTaggingOptions{})
		}
		if err != nil {
			p.fatalf("PutObjectTagging: %v", err)
		}
		got, err := p.minio.GetObjectTagging(p.ctx, b, k, minio.GetObjectTaggingOptions{})
		if err != nil || got.String() != set.String() {
			p.errorf("GetObjectTagging: %v, %v", err, got)
		}
		if err := p.minio.RemoveObjectTagging(p.ctx, b, k,
			minio.RemoveObjectTaggingOptions{}); err != nil {
			p.errorf("RemoveObjectTagging: %v", err)
		}
		p.equal("tags", p.tags(b, k, ""), "")
	})
}
