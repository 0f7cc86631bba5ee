package conformance

import (
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/minio/minio-go/v7"
)

const ruleCopy = api + "API_CopyObject.html"

// copyReq copies from a bucket and key; more, such as "?versionId=x", is appended to the source.
func (p *probe) copyReq(bucket, from, to, more string, fields ...string) *request {
	return p.req("PUT", bucket, to).fields(fields...).
		field("x-amz-copy-source", "/"+bucket+"/"+escapePath(from)+more)
}

func copyCases(l *list) {
	plainCopyCases(l)
	directiveCases(l)
	copySourceCases(l)
	copyConditionCases(l)
	selfCopyCases(l)
	copyVersionCases(l)
	copySDKCases(l)
}

func plainCopyCases(l *list) {
	for _, n := range []int{0, 1000, 70_000, 1<<20 + 77} {
		l.raw(fmt.Sprintf("%d bytes", n), ruleCopy+": CopyObjectResult with ETag and LastModified",
			func(p *probe) {
				b, content := p.shared(), bytesOf(n)
				p.put(b, p.key("from"), content, "Content-Type", "a/b", "x-amz-meta-a", "1")
				a := p.copyReq(b, p.key("from"), p.key("to"), "").send().status(200).
					has("Content-Type", "application/xml")
				root := a.xml("CopyObjectResult")
				a.element(root, "ETag", etagOf(content))
				if _, err := time.Parse(time.RFC3339, root.at("LastModified")); err != nil {
					p.errorf("LastModified: %v", err)
				}
				p.get(b, p.key("to")).status(200).text(content).has("ETag", etagOf(content)).
					has("Content-Type", "a/b").has("x-amz-meta-a", "1")
				p.get(b, p.key("from")).status(200).text(content)
			})
	}
	l.raw("to another bucket", ruleCopy, func(p *probe) {
		b, other := p.shared(), p.bucket()
		p.put(b, p.key("from"), "x")
		p.req("PUT", other, "to").field("x-amz-copy-source", b+"/"+p.key("from")).send().status(200)
		p.get(other, "to").status(200).text("x")
	})
	l.raw("over an object", ruleCopy, func(p *probe) {
		b := p.shared()
		p.put(b, p.key("from"), "x", "x-amz-meta-a", "1")
		p.put(b, p.key("to"), "before", "x-amz-meta-b", "2")
		p.copyReq(b, p.key("from"), p.key("to"), "").send().status(200)
		p.get(b, p.key("to")).status(200).text("x").has("x-amz-meta-a", "1").lacks("x-amz-meta-b")
	})
	l.raw("outlives its source", ruleCopy, func(p *probe) {
		b, content := p.shared(), bytesOf(300_000)
		p.put(b, p.key("from"), content)
		p.copyReq(b, p.key("from"), p.key("to"), "").send().status(200)
		p.put(b, p.key("from"), "other")
		p.del(b, p.key("from")).status(204)
		p.get(b, p.key("to")).status(200).text(content)
	})
	l.raw("the class is not copied", ruleCopy+": STANDARD unless given", func(p *probe) {
		b := p.shared()
		p.put(b, p.key("from"), "x", "x-amz-storage-class", "REDUCED_REDUNDANCY")
		p.copyReq(b, p.key("from"), p.key("to"), "").send().status(200)
		p.head(b, p.key("to")).status(200).lacks("x-amz-storage-class")
	})
	l.raw("the redirect is not copied", ruleCopy+": x-amz-website-redirect-location", func(p *probe) {
		b := p.shared()
		p.put(b, p.key("from"), "x", "x-amz-website-redirect-location", "/there")
		p.copyReq(b, p.key("from"), p.key("to"), "").send().status(200)
		p.head(b, p.key("to")).status(200).lacks("x-amz-website-redirect-location")
	})
}

func directiveCases(l *list) {
	const rule = ruleCopy + ": x-amz-metadata-directive"
	l.raw("directive COPY ignores the request's", rule, func(p *probe) {
		b := p.shared()
		p.put(b, p.key("from"), "x", "x-amz-meta-a", "1", "Cache-Control", "no-cache")
		p.copyReq(b, p.key("from"), p.key("to"), "", "x-amz-metadata-directive", "COPY",
			"x-amz-meta-b", "2", "Content-Type", "a/b").send().status(200)
		p.head(b, p.key("to")).status(200).has("x-amz-meta-a", "1").lacks("x-amz-meta-b").
			has("Cache-Control", "no-cache").has("Content-Type", "binary/octet-stream")
	})
	l.raw("directive REPLACE", rule, func(p *probe) {
		b := p.shared()
		p.put(b, p.key("from"), "x", "x-amz-meta-a", "1", "Cache-Control", "no-cache")
		p.copyReq(b, p.key("from"), p.key("to"), "", "x-amz-metadata-directive", "REPLACE",
			"x-amz-meta-b", "2", "Content-Type", "a/b").send().status(200)
		p.head(b, p.key("to")).status(200).has("x-amz-meta-b", "2").has("Content-Type", "a/b").
			lacks("x-amz-meta-a", "Cache-Control")
	})
	l.raw("directive that is none", rule+": COPY | REPLACE", func(p *probe) {
		b := p.shared()
		p.put(b, p.key("from"), "x")
		p.copyReq(b, p.key("from"), p.key("to"), "", "x-amz-metadata-directive", "MERGE").send().
			fails(400, "InvalidArgument")
		p.get(b, p.key("to")).fails(404, "NoSuchKey")
	})
	const tagRule = ruleCopy + ": x-amz-tagging-directive"
	for _, c := range []struct{ directive, tags, want string }{
		{"", "", "a=1"}, {"COPY", "", "a=1"}, {"REPLACE", "b=2&c=3", "b=2,c=3"}, {"REPLACE", "", ""},
	} {
		l.raw(fmt.Sprintf("tagging directive %q with %q", c.directive, c.tags), tagRule,
			func(p *probe) {
				b := p.shared()
				p.put(b, p.key("from"), "x", "x-amz-tagging", "a=1")
				r := p.copyReq(b, p.key("from"), p.key("to"), "")
				if c.directive != "" {
					r.field("x-amz-tagging-directive", c.directive)
				}
				if c.tags != "" {
					r.field("x-amz-tagging", c.tags)
				}
				r.send().status(200)
				p.equal("tags", p.tags(b, p.key("to"), ""), c.want)
			})
	}
	l.raw("tagging directive that is none", tagRule+": COPY | REPLACE", func(p *probe) {
		b := p.shared()
		p.put(b, p.key("from"), "x")
		p.copyReq(b, p.key("from"), p.key("to"), "", "x-amz-tagging-directive", "x").send().
			fails(400, "InvalidArgument")
	})
}

func copySourceCases(l *list) {
	const rule = ruleCopy + ": x-amz-copy-source, URL-encoded, with or without a leading slash"
	for _, key := range []string{"plain", "a b", "a+b", "a%2Fb", "grüße", "a?b", "a?versionId=x",
		"a//b", "a&b=c", "~!$'()*,;:@"} {
		l.raw("source "+key, rule, func(p *probe) {
			b := p.shared()
			p.put(b, p.key(key), "content of "+key)
			for _, slash := range []string{"", "/"} {
				p.req("PUT", b, p.key("to")).field("x-amz-copy-source", slash+b+"/"+
					escapePath(p.key(key))).send().status(200)
				p.get(b, p.key("to")).status(200).text("content of " + key)
				p.del(b, p.key("to")).status(204)
			}
		})
	}
	l.raw("source with an encoded slash", rule, func(p *probe) {
		b := p.shared()
		p.put(b, p.key("a/b"), "x")
		p.req("PUT", b, p.key("to")).field("x-amz-copy-source", escape(b+"/"+p.key("a/b"))).send().
			status(200)
		p.get(b, p.key("to")).status(200).text("x")
	})
	for _, c := range []struct {
		name, source string
		status       int
		code         string
	}{
		{"without a key", "{b}", 400, "InvalidArgument"},
		{"with an empty key", "{b}/", 400, "InvalidArgument"},
		{"of nothing", "/", 400, "InvalidArgument"},
		{"that is not there", "{b}/{k}none", 404, "NoSuchKey"},
		{"in no bucket", "conf-none-{i}/k", 404, "NoSuchBucket"},
	} {
		l.raw("source "+c.name, ruleCopy+", "+ruleErrors, func(p *probe) {
			b := p.shared()
			source := strings.NewReplacer("{b}", b, "{k}", p.prefix(), "{i}", p.id).Replace(c.source)
			p.req("PUT", b, p.key("to")).field("x-amz-copy-source", source).send().
				fails(c.status, c.code)
			p.get(b, p.key("to")).fails(404, "NoSuchKey")
		})
	}
	l.raw("to no bucket", ruleErrors+": NoSuchBucket", func(p *probe) {
		b := p.shared()
		p.put(b, p.key("from"), "x")
		p.req("PUT", "conf-none-"+p.id, "to").field("x-amz-copy-source", b+"/"+p.key("from")).send().
			fails(404, "NoSuchBucket")
	})
	l.raw("source of another owner", ruleCopy+": x-amz-source-expected-bucket-owner", func(p *probe) {
		b := p.shared()
		p.put(b, p.key("from"), "x")
		p.copyReq(b, p.key("from"), p.key("to"), "", "x-amz-source-expected-bucket-owner",
			"111122223333").send().fails(403, "AccessDenied")
	})
}

func copyConditionCases(l *list) {
	const prefix = "x-amz-copy-source-"
	for _, c := range []struct {
		fields string
		copied bool
	}{
		{"if-match=" + etag, true}, {"if-match=" + other, false},
		{"if-none-match=" + other, true}, {"if-none-match=" + etag, false},
		{"if-modified-since=" + before, true}, {"if-modified-since=" + same, false},
		{"if-unmodified-since=" + same, true}, {"if-unmodified-since=" + before, false},
		{"if-match=" + etag + "|if-unmodified-since=" + before, true},
		{"if-none-match=" + etag + "|if-modified-since=" + before, false},
		{"if-match=*", true},
	} {
		l.raw("source "+strings.ReplaceAll(c.fields, "|", " and "), ruleCopy+": "+prefix+"if-*: 412",
			func(p *probe) {
				b := p.shared()
				p.put(b, p.key("from"), "x")
				modified := p.head(b, p.key("from")).status(200).get("Last-Modified")
				fields := p.conditionFields(c.fields, etagOf("x"), modified)
				r := p.copyReq(b, p.key("from"), p.key("to"), "")
				for i := 0; i < len(fields); i += 2 {
					r.field(prefix+fields[i], fields[i+1])
				}
				if a := r.send(); c.copied {
					a.status(200)
					p.get(b, p.key("to")).status(200).text("x")
				} else {
					a.fails(412, "PreconditionFailed")
					p.get(b, p.key("to")).fails(404, "NoSuchKey")
				}
			})
	}
	for _, c := range []struct {
		name, field, value string
		there              bool
		status             int
		code               string
	}{
		{"If-None-Match * and none", "If-None-Match", "*", false, 200, ""},
		{"If-None-Match * and one", "If-None-Match", "*", true, 412, "PreconditionFailed"},
		{"If-Match that does", "If-Match", etagOf("before"), true, 200, ""},
		{"If-Match that does not", "If-Match", other, true, 412, "PreconditionFailed"},
		{"If-Match and none", "If-Match", other, false, 404, "NoSuchKey"},
	} {
		l.raw("destination "+c.name, ruleCopy+": If-Match, If-None-Match of the destination",
			func(p *probe) {
				b, want := p.shared(), "copied"
				p.put(b, p.key("from"), "copied")
				if c.there {
					p.put(b, p.key("to"), "before")
				}
				a := p.copyReq(b, p.key("from"), p.key("to"), "", c.field, c.value).send()
				if c.status == 200 {
					a.status(200)
				} else {
					a.fails(c.status, c.code)
					want = "before"
				}
				if c.status == 200 || c.there {
					p.get(b, p.key("to")).status(200).text(want)
				}
			})
	}
}

func selfCopyCases(l *list) {
	l.raw("onto itself", ruleErrors+": InvalidRequest without a change", func(p *probe) {
		b, k := p.shared(), p.key("o")
		p.put(b, k, "x", "x-amz-meta-a", "1")
		p.copyReq(b, k, k, "").send().fails(400, "InvalidRequest")
		p.get(b, k).status(200).text("x").has("x-amz-meta-a", "1")
	})
	l.raw("onto itself with other metadata", ruleCopy+": REPLACE is a change", func(p *probe) {
		b, k, content := p.shared(), p.key("o"), bytesOf(300_000)
		p.put(b, k, content, "x-amz-meta-a", "1")
		for range 3 {
			p.copyReq(b, k, k, "", "x-amz-metadata-directive", "REPLACE", "x-amz-meta-b", "2").send().
				status(200)
			p.get(b, k).status(200).text(content).has("x-amz-meta-b", "2").lacks("x-amz-meta-a")
		}
	})
	l.raw("onto itself with another class", ruleCopy+": a storage class is a change", func(p *probe) {
		b, k := p.shared(), p.key("o")
		p.put(b, k, "x", "x-amz-meta-a", "1")
		p.copyReq(b, k, k, "", "x-amz-storage-class", "REDUCED_REDUNDANCY").send().status(200)
		p.get(b, k).status(200).text("x").has("x-amz-meta-a", "1").
			has("x-amz-storage-class", "REDUCED_REDUNDANCY")
	})
}

func copyVersionCases(l *list) {
	const rule = ruleCopy + ": ?versionId= of x-amz-copy-source; x-amz-copy-source-version-id"
	l.raw("the current version", rule, func(p *probe) {
		b := p.versioned()
		v := p.put(b, p.key("from"), "x").get("x-amz-version-id")
		a := p.copyReq(b, p.key("from"), p.key("to"), "").send().status(200).
			has("x-amz-copy-source-version-id", v).matches("x-amz-version-id", ".+")
		if a.get("x-amz-version-id") == v {
			p.errorf("the copy has the source's version id %s", v)
		}
	})
	l.raw("an old version", rule, func(p *probe) {
		b := p.versioned()
		v := p.put(b, p.key("from"), "old").get("x-amz-version-id")
		p.put(b, p.key("from"), "new")
		p.copyReq(b, p.key("from"), p.key("to"), "?versionId="+v).send().status(200).
			has("x-amz-copy-source-version-id", v)
		p.get(b, p.key("to")).status(200).text("old")
	})
	l.raw("an old version onto its own key", guide+"RestoringPreviousVersions.html", func(p *probe) {
		b, k := p.versioned(), p.key("o")
		v := p.put(b, k, "old", "x-amz-meta-a", "1").get("x-amz-version-id")
		p.put(b, k, "new")
		p.copyReq(b, k, k, "?versionId="+v).send().status(200)
		p.get(b, k).status(200).text("old").has("x-amz-meta-a", "1")
		p.sub("GET", b, k, "versionId="+v, "").status(200).text("old")
	})
	l.raw("a delete marker", ruleCopy+": as if the object was deleted", func(p *probe) {
		b := p.versioned()
		p.put(b, p.key("from"), "x")
		marker := p.del(b, p.key("from")).status(204).get("x-amz-version-id")
		p.copyReq(b, p.key("from"), p.key("to"), "").send().fails(404, "NoSuchKey")
		p.copyReq(b, p.key("from"), p.key("to"), "?versionId="+marker).send().
			fails(400, "InvalidRequest")
	})
	l.raw("a version that is not there", ruleErrors+": NoSuchVersion", func(p *probe) {
		b := p.versioned()
		v := p.put(b, p.key("other"), "x").get("x-amz-version-id")
		p.put(b, p.key("from"), "x")
		p.copyReq(b, p.key("from"), p.key("to"), "?versionId="+v).send().fails(404, "NoSuchVersion")
	})
}

func copySDKCases(l *list) {
	l.aws("replace metadata", ruleCopy, func(p *probe) {
		b, from, to := p.shared(), p.key("a b/ü"), p.key("to")
		p.put(b, from, "x", "x-amz-meta-a", "1")
		out, err := p.aws.CopyObject(p.ctx, &s3.CopyObjectInput{Bucket: &b, Key: &to,
			CopySource: aws.String(b + "/" + escapePath(from)), Metadata: map[string]string{"b": "2"},
			MetadataDirective: types.MetadataDirectiveReplace})
		if err != nil || aws.ToString(out.CopyObjectResult.ETag) != etagOf("x") {
			p.fatalf("CopyObject: %v, %+v", err, out)
		}
		p.get(b, to).status(200).text("x").has("x-amz-meta-b", "2").lacks("x-amz-meta-a")
	})
	l.aws("condition", ruleCopy, func(p *probe) {
		b, from, to := p.shared(), p.key("from"), p.key("to")
		p.put(b, from, "x")
		_, err := p.aws.CopyObject(p.ctx, &s3.CopyObjectInput{Bucket: &b, Key: &to,
			CopySource: aws.String(b + "/" + from), CopySourceIfMatch: aws.String(other)})
		p.awsFails(err, "PreconditionFailed")
		_, err = p.aws.CopyObject(p.ctx, &s3.CopyObjectInput{Bucket: &b, Key: &to,
			CopySource:                  aws.String(b + "/" + from),
			CopySourceIfUnmodifiedSince: aws.Time(time.Now().Add(-time.Hour))})
		p.awsFails(err, "PreconditionFailed")
	})
	l.minio("replace metadata", ruleCopy, func(p *probe) {
		b, from, to := p.shared(), p.key("a b/ü"), p.key("to")
		p.put(b, from, "x", "x-amz-meta-a", "1")
		info, err := p.minio.CopyObject(p.ctx, minio.CopyDestOptions{Bucket: b, Object: to,
			ReplaceMetadata: true, UserMetadata: map[string]string{"b": "2"}},
			minio.CopySrcOptions{Bucket: b, Object: from})
		if err != nil || `"`+info.ETag+`"` != etagOf("x") {
			p.fatalf("CopyObject: %v, %+v", err, info)
		}
		p.get(b, to).status(200).text("x").has("x-amz-meta-b", "2").lacks("x-amz-meta-a")
	})
	l.minio("condition", ruleCopy, func(p *probe) {
		b, from, to := p.shared(), p.key("from"), p.key("to")
		p.put(b, from, "x")
		_, err := p.minio.CopyObject(p.ctx, minio.CopyDestOptions{Bucket: b, Object: to},
			minio.CopySrcOptions{Bucket: b, Object: from, NoMatchETag: strings.Trim(etagOf("x"), `"`)})
		p.minioFails(err, "PreconditionFailed")
	})
}
