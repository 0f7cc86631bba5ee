package conformance

import (
	"crypto/md5"
	"encoding/base64"
	"fmt"
	"strings"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/minio/minio-go/v7"
)

const (
	ruleInit     = api + "API_CreateMultipartUpload.html"
	rulePart     = api + "API_UploadPart.html"
	ruleComplete = api + "API_CompleteMultipartUpload.html"
	ruleAbort    = api + "API_AbortMultipartUpload.html"
	ruleParts    = api + "API_ListParts.html"
	ruleUploads  = api + "API_ListMultipartUploads.html"

	// partBytes is the least size of a part that is not the last
	// (https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html).
	partBytes = 5 << 20
)

// upload is a multipart upload of a case.
type upload struct {
	p               *probe
	bucket, key, id string
	parts           []part // in the order of Complete
}

// part is one line of Complete.
type part struct {
	number int
	etag   string
	more   string // further elements
}

// newUpload begins an upload, which is aborted after the case.
func (p *probe) newUpload(bucket, key string, fields ...string) *upload {
	a := p.sub("POST", bucket, key, "uploads", "", fields...).status(200)
	root := a.xml("InitiateMultipartUploadResult")
	a.element(root, "Bucket", bucket)
	a.element(root, "Key", key)
	u := &upload{p: p, bucket: bucket, key: key, id: root.at("UploadId")}
	if u.id == "" {
		p.fatalf("no UploadId in %s", a.bytes)
	}
	p.cleanups = append(p.cleanups, func() { _, _ = u.req("DELETE", "").try() })
	return u
}

func (u *upload) req(method, query string) *request {
	return u.p.req(method, u.bucket, u.key).query(query + "uploadId=" + escape(u.id))
}

// put uploads a part and remembers it for Complete.
func (u *upload) put(number int, content string, fields ...string) *answer {
	a := u.req("PUT", fmt.Sprintf("partNumber=%d&", number)).body(content).fields(fields...).send().
		status(200).has("ETag", etagOf(content))
	u.parts = append(u.parts, part{number: number, etag: a.get("ETag")})
	return a
}

// xml is the body of Complete.
func (u *upload) xml() string {
	var b strings.Builder
	b.WriteString(`<CompleteMultipartUpload xmlns="http://s3.amazonaws.com/doc/2006-03-01/">`)
	for _, part := range u.parts {
		fmt.Fprintf(&b, "<Part>%s<PartNumber>%d</PartNumber><ETag>%s</ETag></Part>", part.more,
			part.number, strings.ReplaceAll(part.etag, `"`, "&quot;"))
	}
	return b.String() + "</CompleteMultipartUpload>"
}

func (u *upload) complete(fields ...string) *answer {
	return u.req("POST", "").body(u.xml()).fields(fields...).send()
}

// multiETag is the MD5 of the MD5s of the parts, and their number.
func multiETag(parts ...string) string {
	h := md5.New()
	for _, content := range parts {
		sum := md5.Sum([]byte(content))
		h.Write(sum[:])
	}
	return fmt.Sprintf(`"%x-%d"`, h.Sum(nil), len(parts))
}

func multipartCases(l *list) {
	wholeUploadCases(l)
	partCases(l)
	completeCases(l)
	uploadRaceCases(l)
	noUploadCases(l)
	partCopyCases(l)
	listPartsCases(l)
	multipartSumCases(l)
	multipartSDKCases(l)
}

func wholeUploadCases(l *list) {
	first, second := bytesOf(partBytes), bytesOf(1234)
	l.raw("two parts", ruleComplete+", "+api+"API_GetObject.html: partNumber", func(p *probe) {
		b, k := p.shared(), p.key("o")
		u := p.newUpload(b, k, "Content-Type", "a/b", "x-amz-meta-a", "1", "Cache-Control", "no-cache")
		u.put(1, first)
		u.put(2, second)
		p.get(b, k).fails(404, "NoSuchKey")
		a := u.complete().status(200).has("Content-Type", "application/xml")
		root := a.xml("CompleteMultipartUploadResult")
		a.element(root, "Bucket", b)
		a.element(root, "Key", k)
		a.element(root, "ETag", multiETag(first, second))
		if root.at("Location") == "" {
			p.errorf("no Location in %s", a.bytes)
		}
		p.get(b, k).status(200).text(first+second).has("ETag", multiETag(first, second)).
			has("Content-Type", "a/b").has("x-amz-meta-a", "1").has("Cache-Control", "no-cache")
		p.partsOf(b, k, first, second)
		p.get(b, k, "Range", fmt.Sprintf("bytes=%d-%d", partBytes-2, partBytes+1)).status(206).
			text(first[partBytes-2:] + second[:2])
	})
	l.raw("one small part", guide+"qfacts.html: no minimum for the last part", func(p *probe) {
		b, k := p.shared(), p.key("o")
		u := p.newUpload(b, k)
		u.put(1, "small")
		u.complete().status(200)
		p.get(b, k).status(200).text("small").has("ETag", multiETag("small"))
		p.sub("HEAD", b, k, "partNumber=1", "").status(206).has("x-amz-mp-parts-count", "1")
	})
	l.raw("one empty part", guide+"qfacts.html: no minimum for the last part", func(p *probe) {
		b, k := p.shared(), p.key("o")
		u := p.newUpload(b, k)
		u.put(1, "")
		u.complete().status(200)
		p.get(b, k).status(200).text("").has("ETag", multiETag(""))
	})
	l.raw("three parts of which one is copied", ruleComplete+", API_UploadPartCopy.html",
		func(p *probe) {
			b, k := p.shared(), p.key("o")
			p.put(b, p.key("from"), first)
			u := p.newUpload(b, k)
			u.put(1, first)
			u.copyPart(2, p.key("from"), "").send().status(200)
			u.parts = append(u.parts, part{number: 2, etag: etagOf(first)})
			u.put(3, second)
			u.complete().status(200).has("Content-Type", "application/xml")
			p.partsOf(b, k, first, first, second)
		})
	l.raw("a copy of what came in parts", ruleCopy+": a single part object", func(p *probe) {
		b, k := p.shared(), p.key("o")
		u := p.newUpload(b, k, "Content-Type", "a/b", "x-amz-meta-a", "1")
		u.put(1, first)
		u.put(2, second)
		u.complete().status(200)
		p.copyReq(b, k, p.key("to"), "").send().status(200)
		p.get(b, p.key("to")).status(200).text(first+second).has("ETag", etagOf(first+second)).
			has("Content-Type", "a/b").has("x-amz-meta-a", "1")
	})
	l.raw("numbers with gaps", ruleComplete+": need not be consecutive", func(p *probe) {
		b, k := p.shared(), p.key("o")
		u := p.newUpload(b, k)
		u.put(7, first)
		u.put(10_000, second)
		u.complete().status(200)
		p.get(b, k).status(200).text(first + second)
	})
	l.raw("only some of the parts", ruleComplete+": the parts that it lists", func(p *probe) {
		b, k := p.shared(), p.key("o")
		u := p.newUpload(b, k)
		u.put(1, "one")
		u.put(2, "two")
		u.parts = u.parts[1:]
		u.complete().status(200)
		p.get(b, k).status(200).text("two").has("ETag", multiETag("two"))
	})
	l.raw("a part again", rulePart+": the previously uploaded part is overwritten", func(p *probe) {
		b, k := p.shared(), p.key("o")
		u := p.newUpload(b, k)
		u.put(1, "before")
		u.put(1, "after")
		u.parts = u.parts[1:]
		u.complete().status(200)
		p.get(b, k).status(200).text("after")
	})
	l.raw("over an object", ruleComplete, func(p *probe) {
		b, k := p.shared(), p.key("o")
		p.put(b, k, "before", "x-amz-meta-a", "1")
		u := p.newUpload(b, k)
		u.put(1, "after")
		p.get(b, k).status(200).text("before")
		u.complete().status(200)
		p.get(b, k).status(200).text("after").lacks("x-amz-meta-a")
	})
	l.raw("tags and class", ruleInit+": x-amz-tagging, x-amz-storage-class", func(p *probe) {
		b, k := p.shared(), p.key("o")
		u := p.newUpload(b, k, "x-amz-tagging", "a=1&b=2", "x-amz-storage-class", "REDUCED_REDUNDANCY")
		u.put(1, "x")
		u.complete().status(200)
		p.head(b, k).status(200).has("x-amz-storage-class", "REDUCED_REDUNDANCY")
		p.equal("tags", p.tags(b, k, ""), "a=1,b=2")
	})
	l.raw("in a versioned bucket", ruleComplete+": x-amz-version-id", func(p *probe) {
		b, k := p.versioned(), p.key("o")
		v := p.put(b, k, "before").get("x-amz-version-id")
		u := p.newUpload(b, k)
		u.put(1, "after")
		made := u.complete().status(200).matches("x-amz-version-id", ".+").get("x-amz-version-id")
		p.sub("GET", b, k, "versionId="+v, "").status(200).text("before")
		p.sub("GET", b, k, "versionId="+made, "").status(200).text("after")
	})
}

// partsOf expects that each part can be had by its number.
func (p *probe) partsOf(bucket, key string, parts ...string) {
	all := strings.Join(parts, "")
	offset := 0
	for i, content := range parts {
		query := fmt.Sprintf("partNumber=%d", i+1)
		span := fmt.Sprintf("bytes %d-%d/%d", offset, offset+len(content)-1, len(all))
		count := fmt.Sprint(len(parts))
		p.sub("GET", bucket, key, query, "").status(206).text(content).has("Content-Range", span).
			has("x-amz-mp-parts-count", count).has("ETag", multiETag(parts...))
		p.sub("HEAD", bucket, key, query, "").status(206).has("x-amz-mp-parts-count", count).
			has("Content-Length", fmt.Sprint(len(content)))
		offset += len(content)
	}
	p.sub("GET", bucket, key, fmt.Sprintf("partNumber=%d", len(parts)+1), "").
		fails(416, "InvalidPartNumber")
}

func partCases(l *list) {
	for _, n := range []string{"0", "10001", "-1", "x", "1.0", ""} {
		l.raw("part number "+fmt.Sprintf("%q", n), rulePart+": an integer between 1 and 10,000",
			func(p *probe) {
				u := p.newUpload(p.shared(), p.key("o"))
				u.req("PUT", "partNumber="+n+"&").body("x").send().fails(400, "InvalidArgument")
			})
	}
	l.raw("Content-MD5 of something else", ruleErrors+": BadDigest", func(p *probe) {
		u := p.newUpload(p.shared(), p.key("o"))
		u.req("PUT", "partNumber=1&").body("x").field("Content-MD5", md5Base64(nil)).send().
			fails(400, "BadDigest")
		p.equal("parts", len(u.req("GET", "").send().status(200).xml("ListPartsResult").all("Part")), 0)
	})
	l.raw("the answer has no more than an ETag", rulePart, func(p *probe) {
		u := p.newUpload(p.shared(), p.key("o"))
		u.put(1, "x").text("").has("Content-Length", "0")
	})
	l.raw("a key of another upload", ruleErrors+": NoSuchUpload", func(p *probe) {
		u := p.newUpload(p.shared(), p.key("o"))
		p.req("PUT", u.bucket, p.key("another")).query("partNumber=1&uploadId="+escape(u.id)).
			body("x").send().fails(404, "NoSuchUpload")
	})
}

func completeCases(l *list) {
	bad := func(name, rule string, status int, code string, spoil func(u *upload)) {
		l.raw(name, rule, func(p *probe) {
			u := p.newUpload(p.shared(), p.key("o"))
			u.put(1, "one")
			u.put(2, "two")
			spoil(u)
			u.complete().fails(status, code)
			p.get(u.bucket, u.key).fails(404, "NoSuchKey")
			u.req("GET", "").send().status(200)
		})
	}
	bad("first part too small", ruleErrors+": EntityTooSmall", 400, "EntityTooSmall",
		func(*upload) {})
	bad("not in order", ruleErrors+": InvalidPartOrder", 400, "InvalidPartOrder",
		func(u *upload) { u.parts[0], u.parts[1] = u.parts[1], u.parts[0] })
	bad("a part twice", ruleErrors+": InvalidPartOrder", 400, "InvalidPartOrder",
		func(u *upload) { u.parts[1] = u.parts[0] })
	bad("a part that was not uploaded", ruleErrors+": InvalidPart", 400, "InvalidPart",
		func(u *upload) { u.parts = []part{{number: 3, etag: u.parts[0].etag}} })
	bad("another ETag", ruleErrors+": InvalidPart", 400, "InvalidPart",
		func(u *upload) { u.parts = []part{{number: 1, etag: other}} })
	bad("no parts", ruleErrors+": MalformedXML", 400, "MalformedXML",
		func(u *upload) { u.parts = nil })
	bad("part number 0", ruleErrors+": MalformedXML", 400, "MalformedXML",
		func(u *upload) { u.parts = []part{{number: 0, etag: u.parts[0].etag}} })
	l.raw("ETag without quotes", ruleComplete, func(p *probe) {
		u := p.newUpload(p.shared(), p.key("o"))
		u.put(1, "x")
		u.parts[0].etag = strings.Trim(u.parts[0].etag, `"`)
		u.complete().status(200)
	})
	for _, body := range []string{"", "<", "<CompleteMultipartUpload>", "<Other></Other>", "text"} {
		l.raw(fmt.Sprintf("body %q", body), ruleErrors+": MalformedXML", func(p *probe) {
			u := p.newUpload(p.shared(), p.key("o"))
			u.put(1, "x")
			u.req("POST", "").body(body).send().failsAny(400, "MalformedXML", "InvalidRequest")
			u.complete().status(200)
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
		{"the size that fits", "x-amz-mp-object-size", "5", false, 200, ""},
		{"a size that does not fit", "x-amz-mp-object-size", "6", false, 400, "InvalidRequest"},
	} {
		l.raw("with "+c.name, ruleComplete+", "+ruleWriteIf, func(p *probe) {
			b, k := p.shared(), p.key("o")
			if c.there {
				p.put(b, k, "before")
			}
			u := p.newUpload(b, k)
			u.put(1, "after")
			a := u.complete(c.field, c.value)
			switch {
			case c.status == 200:
				a.status(200)
				p.get(b, k).status(200).text("after")
			case c.there:
				a.fails(c.status, c.code)
				p.get(b, k).status(200).text("before")
			default:
				a.fails(c.status, c.code)
				p.get(b, k).fails(404, "NoSuchKey")
			}
		})
	}
}

func uploadRaceCases(l *list) {
	l.raw("complete again", ruleComplete+": may be retried; ErrorResponses.html: NoSuchUpload",
		func(p *probe) {
			u := p.newUpload(p.shared(), p.key("o"))
			u.put(1, "x")
			u.complete().status(200)
			if a := u.complete(); a.code != 200 {
				a.fails(404, "NoSuchUpload")
			} else {
				a.element(a.xml("CompleteMultipartUploadResult"), "ETag", multiETag("x"))
			}
			p.get(u.bucket, u.key).status(200).text("x")
		})
	l.raw("8 completes at once", ruleComplete+": one object, whole", func(p *probe) {
		u := p.newUpload(p.shared(), p.key("o"))
		u.put(1, "x")
		won := 0
		for _, a := range p.atOnce(8, func() *request { return u.req("POST", "").body(u.xml()) }) {
			if a.code == 200 {
				won++
				a.element(a.xml("CompleteMultipartUploadResult"), "ETag", multiETag("x"))
			} else if a.code != 409 && a.code != 503 {
				a.fails(404, "NoSuchUpload")
			}
		}
		if won == 0 {
			p.errorf("no Complete succeeded")
		}
		p.get(u.bucket, u.key).status(200).text("x")
	})
	l.raw("a part after the end", ruleErrors+": NoSuchUpload", func(p *probe) {
		u := p.newUpload(p.shared(), p.key("o"))
		u.put(1, "x")
		u.complete().status(200)
		u.req("PUT", "partNumber=1&").body("late").send().fails(404, "NoSuchUpload")
		p.get(u.bucket, u.key).status(200).text("x")
	})
	l.raw("abort", ruleAbort+": 204; the parts are freed", func(p *probe) {
		u := p.newUpload(p.shared(), p.key("o"))
		u.put(1, "x")
		u.req("DELETE", "").send().status(204).text("")
		u.req("PUT", "partNumber=1&").body("x").send().fails(404, "NoSuchUpload")
		u.req("GET", "").send().fails(404, "NoSuchUpload")
		u.complete().fails(404, "NoSuchUpload")
		p.get(u.bucket, u.key).fails(404, "NoSuchKey")
	})
	l.raw("two uploads of a key", ruleInit+": each has an id", func(p *probe) {
		b, k := p.shared(), p.key("o")
		one, two := p.newUpload(b, k), p.newUpload(b, k)
		one.put(1, "one")
		two.put(1, "two")
		two.complete().status(200)
		p.get(b, k).status(200).text("two")
		one.complete().status(200)
		p.get(b, k).status(200).text("one")
	})
}

// atOnce sends n requests together; each must be answered.
func (p *probe) atOnce(n int, make func() *request) (all []*answer) {
	all = append(all, (&[64]*answer{})[:n]...)
	errs := (&[64]error{})[:n]
	var wg sync.WaitGroup
	for i := range n {
		r := make()
		wg.Go(func() { all[i], errs[i] = r.try() })
	}
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			p.fatalf("%v", err)
		}
	}
	return all
}

func noUploadCases(l *list) {
	for _, id := range []string{"nonsense", "", "0000000000000000000000000000000000000000"} {
		for _, c := range [][3]string{{"UploadPart", "PUT", "partNumber=1&"},
			{"ListParts", "GET", ""}, {"AbortMultipartUpload", "DELETE", ""},
			{"CompleteMultipartUpload", "POST", ""}} {
			l.raw(fmt.Sprintf("no upload %q: %s", id, c[0]), ruleErrors+": NoSuchUpload",
				func(p *probe) {
					u := &upload{p: p, bucket: p.shared(), key: p.key("o"), id: id,
						parts: []part{{number: 1, etag: other}}}
					r := u.req(c[1], c[2])
					if c[1] == "POST" {
						r.body(u.xml())
					} else if c[1] == "PUT" {
						r.body("x")
					}
					r.send().fails(404, "NoSuchUpload")
				})
		}
	}
}

func partCopyCases(l *list) {
	const rule = api + "API_UploadPartCopy.html"
	content := bytesOf(10_000)
	l.raw("part of a copy", rule+": CopyPartResult", func(p *probe) {
		b := p.shared()
		p.put(b, p.key("a b"), content)
		u := p.newUpload(b, p.key("o"))
		a := u.copyPart(1, p.key("a b"), "").send().status(200)
		root := a.xml("CopyPartResult")
		a.element(root, "ETag", etagOf(content))
		if root.at("LastModified") == "" {
			p.errorf("no LastModified: %s", a.bytes)
		}
		u.parts = []part{{number: 1, etag: root.at("ETag")}}
		u.complete().status(200)
		p.get(b, u.key).status(200).text(content)
	})
	for _, c := range []struct {
		span, want string
	}{{"bytes=0-0", content[:1]}, {"bytes=10-99", content[10:100]}, {"bytes=9999-9999", content[9999:]},
		{"bytes=0-9999", content}} {
		l.raw("part of a copy: "+c.span, rule+": x-amz-copy-source-range", func(p *probe) {
			b := p.shared()
			p.put(b, p.key("from"), content)
			u := p.newUpload(b, p.key("o"))
			a := u.copyPart(1, p.key("from"), c.span).send().status(200)
			a.element(a.xml("CopyPartResult"), "ETag", etagOf(c.want))
			u.parts = []part{{number: 1, etag: etagOf(c.want)}}
			u.complete().status(200)
			p.get(b, u.key).status(200).text(c.want)
		})
	}
	for _, span := range []string{"0-9", "bytes=0", "bytes=a-b", "bytes=0-", "bytes=-5", "bytes=5-2",
		"bytes=0-10000", "bytes=10000-10001"} {
		l.raw("part of a copy: not "+span, rule+": bytes=first-last, within the source", func(p *probe) {
			b := p.shared()
			p.put(b, p.key("from"), content)
			u := p.newUpload(b, p.key("o"))
			if a := u.copyPart(1, p.key("from"), span).send(); a.code != 416 {
				a.failsAny(400, "InvalidArgument", "InvalidRange")
			} else {
				a.fails(416, "InvalidRange")
			}
		})
	}
	l.raw("part of a copy of nothing", ruleErrors+": NoSuchKey", func(p *probe) {
		u := p.newUpload(p.shared(), p.key("o"))
		u.copyPart(1, p.key("none"), "").send().fails(404, "NoSuchKey")
	})
	l.raw("part of a copy with a condition", rule+": 412", func(p *probe) {
		b := p.shared()
		p.put(b, p.key("from"), "x")
		u := p.newUpload(b, p.key("o"))
		u.copyPart(1, p.key("from"), "").field("x-amz-copy-source-if-match", other).send().
			fails(412, "PreconditionFailed")
		u.copyPart(1, p.key("from"), "").field("x-amz-copy-source-if-match", etagOf("x")).send().
			status(200)
	})
	l.raw("part of a copy of a version", rule+": x-amz-copy-source-version-id", func(p *probe) {
		b := p.versioned()
		v := p.put(b, p.key("from"), "old").get("x-amz-version-id")
		p.put(b, p.key("from"), "new")
		u := p.newUpload(b, p.key("o"))
		u.copyPart(1, p.key("from")+"?versionId="+v, "").field("x-amz-copy-source", b+"/"+
			p.key("from")+"?versionId="+v).send().status(200).has("x-amz-copy-source-version-id", v)
		u.parts = []part{{number: 1, etag: etagOf("old")}}
		u.complete().status(200)
		p.get(b, u.key).status(200).text("old")
	})
	l.aws("part of a copy", rule, func(p *probe) {
		b := p.shared()
		p.put(b, p.key("from"), content)
		u := p.newUpload(b, p.key("o"))
		out, err := p.aws.UploadPartCopy(p.ctx, &s3.UploadPartCopyInput{Bucket: &b, Key: &u.key,
			UploadId: &u.id, PartNumber: aws.Int32(1), CopySource: aws.String(b + "/" + p.key("from")),
			CopySourceRange: aws.String("bytes=5-9")})
		if err != nil || aws.ToString(out.CopyPartResult.ETag) != etagOf(content[5:10]) {
			p.errorf("%v, %+v", err, out)
		}
	})
	l.minio("compose", rule, func(p *probe) {
		b := p.shared()
		first := bytesOf(partBytes)
		p.put(b, p.key("a"), first)
		p.put(b, p.key("b"), "end")
		_, err := p.minio.ComposeObject(p.ctx, minio.CopyDestOptions{Bucket: b, Object: p.key("o")},
			minio.CopySrcOptions{Bucket: b, Object: p.key("a")},
			minio.CopySrcOptions{Bucket: b, Object: p.key("b")})
		if err != nil {
			p.fatalf("ComposeObject: %v", err)
		}
		p.get(b, p.key("o")).status(200).text(first + "end")
	})
}

func (u *upload) copyPart(number int, from, span string) *request {
	r := u.req("PUT", fmt.Sprintf("partNumber=%d&", number)).
		field("x-amz-copy-source", u.bucket+"/"+escapePath(from))
	if span != "" {
		r.field("x-amz-copy-source-range", span)
	}
	return r
}

func listPartsCases(l *list) {
	l.raw("list of parts", ruleParts, func(p *probe) {
		u := p.newUpload(p.shared(), p.key("o"))
		for i := range 3 {
			u.put(i+1, fmt.Sprint("part ", i+1))
		}
		a := u.req("GET", "").send().status(200)
		root := a.xml("ListPartsResult")
		for path, want := range map[string]string{"Bucket": u.bucket, "Key": u.key, "UploadId": u.id,
			"PartNumberMarker": "0", "MaxParts": "1000", "IsTruncated": "false",
			"StorageClass": "STANDARD"} {
			a.element(root, path, want)
		}
		if root.at("Initiator/ID") == "" || root.at("Owner/ID") == "" {
			p.errorf("no Initiator or Owner: %s", a.bytes)
		}
		p.equal("numbers", root.texts("Part/PartNumber"), []string{"1", "2", "3"})
		p.equal("sizes", root.texts("Part/Size"), []string{"6", "6", "6"})
		p.equal("ETags", root.texts("Part/ETag"), []string{etagOf("part 1"), etagOf("part 2"),
			etagOf("part 3")})
		p.equal("times", len(root.texts("Part/LastModified")), 3)
	})
	l.raw("list of parts in pages", ruleParts+": max-parts, part-number-marker", func(p *probe) {
		u := p.newUpload(p.shared(), p.key("o"))
		for i := range 5 {
			u.put(2*i+1, "x")
		}
		var got []string
		marker := "0"
		for range 4 {
			a := u.req("GET", "max-parts=2&part-number-marker="+marker+"&").send().status(200)
			root := a.xml("ListPartsResult")
			a.element(root, "MaxParts", "2")
			a.element(root, "PartNumberMarker", marker)
			got = append(got, root.texts("Part/PartNumber")...)
			if root.at("IsTruncated") == "false" {
				break
			}
			marker = root.at("NextPartNumberMarker")
			p.equal("NextPartNumberMarker", marker, got[len(got)-1])
		}
		p.equal("numbers", got, []string{"1", "3", "5", "7", "9"})
	})
	for _, q := range []string{"max-parts=-1&", "max-parts=x&", "part-number-marker=x&"} {
		l.raw("list of parts with "+strings.Trim(q, "&"), ruleErrors+": InvalidArgument", func(p *probe) {
			p.newUpload(p.shared(), p.key("o")).req("GET", q).send().fails(400, "InvalidArgument")
		})
	}
}

func multipartSumCases(l *list) {
	for _, c := range sumCases() {
		one, two := bytesOf(partBytes), "second part"
		if c.parts {
			l.raw("composite "+c.name, guide+"checking-object-integrity-upload.html: composite",
				func(p *probe) {
					b, k := p.shared(), p.key("o")
					u := p.newUpload(b, k, "x-amz-checksum-algorithm", c.name)
					u.putSum(c, 1, "part one")
					want := c.composite("part one") + "-1"
					a := u.complete().status(200)
					root := a.xml("CompleteMultipartUploadResult")
					a.element(root, c.element(), want)
					a.element(root, "ChecksumType", "COMPOSITE")
					p.head(b, k, "x-amz-checksum-mode", "ENABLED").status(200).has(c.field(), want).
						has("x-amz-checksum-type", "COMPOSITE")
				})
		}
		if c.full {
			l.raw("full object "+c.name, guide+"checking-object-integrity-upload.html: full object",
				func(p *probe) {
					b, k := p.shared(), p.key("o")
					u := p.newUpload(b, k, "x-amz-checksum-algorithm", c.name, "x-amz-checksum-type",
						"FULL_OBJECT")
					u.putSum(c, 1, one)
					u.putSum(c, 2, two)
					want := c.of(one + two)
					a := u.complete(c.field(), want, "x-amz-checksum-type", "FULL_OBJECT").status(200)
					a.element(a.xml("CompleteMultipartUploadResult"), c.element(), want)
					p.head(b, k, "x-amz-checksum-mode", "ENABLED").status(200).has(c.field(), want).
						has("x-amz-checksum-type", "FULL_OBJECT")
				})
			l.raw("full object "+c.name+" that does not fit", ruleErrors+": BadDigest", func(p *probe) {
				u := p.newUpload(p.shared(), p.key("o"), "x-amz-checksum-algorithm", c.name,
					"x-amz-checksum-type", "FULL_OBJECT")
				u.putSum(c, 1, "x")
				u.complete(c.field(), c.of("y"), "x-amz-checksum-type", "FULL_OBJECT").
					fails(400, "BadDigest")
				p.get(u.bucket, u.key).fails(404, "NoSuchKey")
			})
		} else {
			l.raw("full object "+c.name+" is not possible", ruleInit+": only CRCs", func(p *probe) {
				p.sub("POST", p.shared(), p.key("o"), "uploads", "", "x-amz-checksum-algorithm", c.name,
					"x-amz-checksum-type", "FULL_OBJECT").fails(400, "InvalidRequest")
			})
		}
		l.raw("part with another "+c.name, ruleErrors+": BadDigest", func(p *probe) {
			u := p.newUpload(p.shared(), p.key("o"), "x-amz-checksum-algorithm", c.name)
			u.req("PUT", "partNumber=1&").body("x").field(c.field(), c.of("y")).send().
				fails(400, "BadDigest")
		})
	}
	compositeCases(l)
}

func compositeCases(l *list) {
	sha := sumCases()[4]
	l.raw("composite CRC64NVME is not possible", ruleInit+": full object only", func(p *probe) {
		p.sub("POST", p.shared(), p.key("o"), "uploads", "", "x-amz-checksum-algorithm", "CRC64NVME",
			"x-amz-checksum-type", "COMPOSITE").fails(400, "InvalidRequest")
	})
	l.raw("an algorithm that is none", ruleInit+": x-amz-checksum-algorithm", func(p *probe) {
		p.sub("POST", p.shared(), p.key("o"), "uploads", "", "x-amz-checksum-algorithm", "CRC99").
			fails(400, "InvalidRequest")
	})
	l.raw("a part without its checksum in Complete", ruleErrors+": InvalidRequest, must include "+
		"the checksum for each part", func(p *probe) {
		u := p.newUpload(p.shared(), p.key("o"), "x-amz-checksum-algorithm", "SHA256")
		u.putSum(sha, 1, "x")
		u.parts[0].more = ""
		u.complete().fails(400, "InvalidRequest")
	})
	l.raw("a part with another checksum in Complete", ruleErrors+": InvalidPart", func(p *probe) {
		u := p.newUpload(p.shared(), p.key("o"), "x-amz-checksum-algorithm", "SHA256")
		u.putSum(sha, 1, "x")
		u.parts[0].more = "<ChecksumSHA256>" + sha.of("y") + "</ChecksumSHA256>"
		u.complete().failsAny(400, "InvalidPart", "BadDigest")
	})
	l.raw("the algorithm is announced", ruleInit+": x-amz-checksum-algorithm comes back",
		func(p *probe) {
			b, k := p.shared(), p.key("o")
			a := p.sub("POST", b, k, "uploads", "", "x-amz-checksum-algorithm", "SHA256").status(200).
				has("x-amz-checksum-algorithm", "SHA256").has("x-amz-checksum-type", "COMPOSITE")
			id := a.xml("InitiateMultipartUploadResult").at("UploadId")
			a = p.sub("GET", b, k, "uploadId="+escape(id), "").status(200)
			a.element(a.xml("ListPartsResult"), "ChecksumAlgorithm", "SHA256")
			a.element(a.xml("ListPartsResult"), "ChecksumType", "COMPOSITE")
			p.sub("DELETE", b, k, "uploadId="+escape(id), "").status(204)
		})
	l.raw("checksums in a list of parts", ruleParts+": ChecksumSHA256", func(p *probe) {
		u := p.newUpload(p.shared(), p.key("o"), "x-amz-checksum-algorithm", "SHA256")
		u.putSum(sha, 1, "x")
		a := u.req("GET", "").send().status(200)
		a.element(a.xml("ListPartsResult"), "Part/ChecksumSHA256", sha.of("x"))
	})
	l.raw("parts in attributes", ruleAttributes+": ObjectParts", func(p *probe) {
		b, k := p.shared(), p.key("o")
		u := p.newUpload(b, k, "x-amz-checksum-algorithm", "SHA256")
		u.putSum(sha, 1, bytesOf(partBytes))
		u.putSum(sha, 2, "end")
		u.complete().status(200)
		a := p.sub("GET", b, k, "attributes", "", "x-amz-object-attributes", "ObjectParts,Checksum").
			status(200)
		root := a.xml("GetObjectAttributesResponse")
		a.element(root, "ObjectParts/PartsCount", "2")
		a.element(root, "Checksum/ChecksumType", "COMPOSITE")
		p.equal("sizes", root.texts("ObjectParts/Part/Size"), []string{fmt.Sprint(partBytes), "3"})
		p.equal("checksum", root.texts("ObjectParts/Part/ChecksumSHA256")[1:], []string{sha.of("end")})
		a = p.sub("GET", b, k, "attributes", "", "x-amz-object-attributes", "ObjectParts",
			"x-amz-max-parts", "1").status(200)
		root = a.xml("GetObjectAttributesResponse")
		a.element(root, "ObjectParts/IsTruncated", "true")
		a.element(root, "ObjectParts/NextPartNumberMarker", "1")
		a = p.sub("GET", b, k, "attributes", "", "x-amz-object-attributes", "ObjectParts",
			"x-amz-part-number-marker", "1").status(200)
		a.element(a.xml("GetObjectAttributesResponse"), "ObjectParts/Part/PartNumber", "2")
	})
	l.raw("the default of an upload is CRC64NVME", guide+
		"checking-object-integrity-upload.html: full object CRC64NVME", func(p *probe) {
		nvme := sumCases()[2]
		b, k := p.shared(), p.key("o")
		u := p.newUpload(b, k)
		u.put(1, "hello")
		u.complete().status(200)
		p.head(b, k, "x-amz-checksum-mode", "ENABLED").status(200).has(nvme.field(), nvme.of("hello")).
			has("x-amz-checksum-type", "FULL_OBJECT")
	})
}

// putSum uploads a part with its checksum, which Complete names.
func (u *upload) putSum(c sumCase, number int, content string) {
	u.put(number, content, c.field(), c.of(content)).has(c.field(), c.of(content))
	u.parts[len(u.parts)-1].more = fmt.Sprintf("<%s>%s</%[1]s>", c.element(), c.of(content))
}

// composite is the checksum of the checksums of parts.
func (c sumCase) composite(parts ...string) string {
	h := c.new()
	for _, content := range parts {
		sum, _ := base64.StdEncoding.DecodeString(c.of(content))
		h.Write(sum)
	}
	return base64.StdEncoding.EncodeToString(h.Sum(nil))
}

func multipartSDKCases(l *list) {
	l.aws("two parts", ruleComplete, func(p *probe) {
		b, k := p.shared(), p.key("o")
		made, err := p.aws.CreateMultipartUpload(p.ctx, &s3.CreateMultipartUploadInput{Bucket: &b,
			Key: &k})
		if err != nil {
			p.fatalf("CreateMultipartUpload: %v", err)
		}
		var parts []types.CompletedPart
		contents := []string{bytesOf(partBytes), "end"}
		for i, content := range contents {
			n := aws.Int32(int32(i + 1))
			out, err := p.aws.UploadPart(p.ctx, &s3.UploadPartInput{Bucket: &b, Key: &k,
				UploadId: made.UploadId, PartNumber: n, Body: strings.NewReader(content)})
			if err != nil {
				p.fatalf("UploadPart: %v", err)
			}
			parts = append(parts, types.CompletedPart{PartNumber: n, ETag: out.ETag,
				ChecksumCRC32: out.ChecksumCRC32})
		}
		listed, err := p.aws.ListParts(p.ctx, &s3.ListPartsInput{Bucket: &b, Key: &k,
			UploadId: made.UploadId})
		if err != nil || len(listed.Parts) != 2 || aws.ToInt64(listed.Parts[1].Size) != 3 {
			p.errorf("ListParts: %v, %+v", err, listed)
		}
		done, err := p.aws.CompleteMultipartUpload(p.ctx, &s3.CompleteMultipartUploadInput{Bucket: &b,
			Key: &k, UploadId: made.UploadId,
			MultipartUpload: &types.CompletedMultipartUpload{Parts: parts}})
		if err != nil || aws.ToString(done.ETag) != multiETag(contents...) {
			p.fatalf("CompleteMultipartUpload: %v, %+v", err, done)
		}
		got, err := p.aws.GetObject(p.ctx, &s3.GetObjectInput{Bucket: &b, Key: &k,
			PartNumber: aws.Int32(2)})
		if err != nil || aws.ToInt32(got.PartsCount) != 2 {
			p.fatalf("GetObject of part 2: %v, %+v", err, got)
		}
		p.reads(got.Body, "end")
	})
	l.aws("abort", ruleAbort, func(p *probe) {
		b, k := p.shared(), p.key("o")
		u := p.newUpload(b, k)
		if _, err := p.aws.AbortMultipartUpload(p.ctx, &s3.AbortMultipartUploadInput{Bucket: &b,
			Key: &k, UploadId: &u.id}); err != nil {
			p.errorf("AbortMultipartUpload: %v", err)
		}
		_, err := p.aws.ListParts(p.ctx, &s3.ListPartsInput{Bucket: &b, Key: &k, UploadId: &u.id})
		p.awsFails(err, "NoSuchUpload")
	})
	l.minio("two parts", ruleComplete, func(p *probe) {
		b, k := p.shared(), p.key("o")
		content := bytesOf(partBytes + 99)
		out, err := p.minio.PutObject(p.ctx, b, k, strings.NewReader(content), int64(len(content)),
			minio.PutObjectOptions{PartSize: partBytes, UserMetadata: map[string]string{"A": "1"}})
		if err != nil || `"`+out.ETag+`"` != multiETag(content[:partBytes], content[partBytes:]) {
			p.fatalf("PutObject: %v, %+v", err, out)
		}
		p.get(b, k).status(200).text(content).has("x-amz-meta-a", "1")
	})
	l.minio("unknown length", ruleComplete, func(p *probe) {
		b, k := p.shared(), p.key("o")
		_, err := p.minio.PutObject(p.ctx, b, k, strings.NewReader("of unknown length"), -1,
			minio.PutObjectOptions{PartSize: partBytes})
		if err != nil {
			p.fatalf("PutObject: %v", err)
		}
		p.get(b, k).status(200).text("of unknown length")
	})
}
