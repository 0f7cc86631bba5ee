package conformance

import (
	"bytes"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/minio/minio-go/v7"
)

const (
	rulePut  = api + "API_PutObject.html"
	ruleGet  = api + "API_GetObject.html"
	ruleHead = api + "API_HeadObject.html"
	ruleMeta = guide + "UsingMetadata.html"
)

func objectCases(l *list) {
	sizeCases(l)
	overwriteCases(l)
	bodyCases(l)
}

func headerCases(l *list) {
	systemFieldCases(l)
	overrideCases(l)
	metadataCases(l)
	classCases(l)
}

// bytesOf is content that no other length begins with.
func bytesOf(n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i*7 + i>>8 + n)
	}
	return string(b)
}

func sizeCases(l *list) {
	for _, n := range []int{0, 1, 4096, 65_536, 65_537, 262_145, 1<<20 + 1} {
		name := fmt.Sprintf("round trip of %d bytes", n)
		content := bytesOf(n)
		l.raw(name, rulePut+", API_GetObject.html: ETag is the MD5", func(p *probe) {
			b, k := p.shared(), p.key("o")
			p.put(b, k, content).has("ETag", etagOf(content)).text("")
			p.get(b, k).status(200).has("ETag", etagOf(content)).text(content).
				has("Content-Length", fmt.Sprint(n)).has("Accept-Ranges", "bytes").
				has("Content-Type", "binary/octet-stream").matches("Last-Modified", httpDate).
				matches("x-amz-request-id", ".+")
			p.head(b, k).status(200).has("ETag", etagOf(content)).text("").
				has("Content-Length", fmt.Sprint(n)).has("Accept-Ranges", "bytes").
				has("Content-Type", "binary/octet-stream").matches("Last-Modified", httpDate)
		})
		l.aws(name, rulePut, func(p *probe) {
			b, k := aws.String(p.shared()), aws.String(p.key("o"))
			put, err := p.aws.PutObject(p.ctx, &s3.PutObjectInput{Bucket: b, Key: k,
				Body: strings.NewReader(content)})
			if err != nil || *put.ETag != etagOf(content) {
				p.fatalf("PutObject: %v, %+v", err, put)
			}
			got, err := p.aws.GetObject(p.ctx, &s3.GetObjectInput{Bucket: b, Key: k})
			if err != nil {
				p.fatalf("GetObject: %v", err)
			}
			p.reads(got.Body, content)
			p.equal("ContentLength", *got.ContentLength, n)
			p.equal("ETag", *got.ETag, etagOf(content))
		})
		l.minio(name, rulePut, func(p *probe) {
			b, k := p.shared(), p.key("o")
			put, err := p.minio.PutObject(p.ctx, b, k, strings.NewReader(content), int64(n),
				minio.PutObjectOptions{})
			if err != nil || `"`+put.ETag+`"` != etagOf(content) {
				p.fatalf("PutObject: %v, %+v", err, put)
			}
			got, err := p.minio.GetObject(p.ctx, b, k, minio.GetObjectOptions{})
			if err != nil {
				p.fatalf("GetObject: %v", err)
			}
			p.reads(got, content)
		})
	}
}

// httpDate is the form of RFC 9110, 5.6.7.
const httpDate = `[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT`

func overwriteCases(l *list) {
	l.raw("overwrite replaces everything", rulePut+": never adds partially", func(p *probe) {
		b, k := p.shared(), p.key("o")
		p.put(b, k, "first", "Content-Type", "text/plain", "x-amz-meta-a", "1", "Cache-Control", "no")
		p.put(b, k, "second, longer", "x-amz-meta-b", "2")
		p.get(b, k).status(200).text("second, longer").has("x-amz-meta-b", "2").
			has("Content-Type", "binary/octet-stream").lacks("x-amz-meta-a", "Cache-Control")
	})
	l.raw("overwrite by nothing", rulePut, func(p *probe) {
		b, k := p.shared(), p.key("o")
		p.put(b, k, bytesOf(70_000))
		p.put(b, k, "")
		p.get(b, k).status(200).text("").has("Content-Length", "0")
	})
	l.raw("no such key: GET", ruleErrors+": NoSuchKey, with Key", func(p *probe) {
		a := p.get(p.shared(), p.key("none")).fails(404, "NoSuchKey")
		a.element(a.xml("Error"), "Key", p.key("none"))
	})
	l.raw("no such key: HEAD", ruleHead+": 404 without a body", func(p *probe) {
		p.head(p.shared(), p.key("none")).fails(404, "")
	})
	l.aws("no such key", ruleErrors+": NoSuchKey", func(p *probe) {
		b, k := aws.String(p.shared()), aws.String(p.key("none"))
		_, err := p.aws.GetObject(p.ctx, &s3.GetObjectInput{Bucket: b, Key: k})
		p.awsFails(err, "NoSuchKey")
		_, err = p.aws.HeadObject(p.ctx, &s3.HeadObjectInput{Bucket: b, Key: k})
		p.awsFails(err, "NotFound")
	})
	l.minio("no such key", ruleErrors+": NoSuchKey", func(p *probe) {
		_, err := p.minio.StatObject(p.ctx, p.shared(), p.key("none"), minio.StatObjectOptions{})
		p.minioFails(err, "NoSuchKey")
	})
	l.raw("a key below another", guide+"object-keys.html: a flat structure", func(p *probe) {
		b := p.shared()
		p.put(b, p.key("a"), "file")
		p.put(b, p.key("a/b"), "below")
		p.put(b, p.key("a/"), "folder")
		p.get(b, p.key("a")).status(200).text("file")
		p.get(b, p.key("a/b")).status(200).text("below")
		p.get(b, p.key("a/")).status(200).text("folder")
		p.del(b, p.key("a")).status(204)
		p.get(b, p.key("a/b")).status(200).text("below")
	})
}

func bodyCases(l *list) {
	l.raw("Content-MD5 that fits", rulePut+": Content-MD5", func(p *probe) {
		p.req("PUT", p.shared(), p.key("o")).body("hello").md5().send().status(200)
	})
	l.raw("Content-MD5 of something else", ruleErrors+": BadDigest", func(p *probe) {
		b, k := p.shared(), p.key("o")
		p.req("PUT", b, k).body("hello").field("Content-MD5", md5Base64([]byte("other"))).send().
			fails(400, "BadDigest")
		p.get(b, k).fails(404, "NoSuchKey")
	})
	for _, c := range [][2]string{{"no base64", "nonsense!"}, {"short", "aGVsbG8="},
		{"empty", ""}, {"hexadecimal", "5d41402abc4b2a76b9719d911017c592"}} {
		l.raw("Content-MD5 that is none: "+c[0], ruleErrors+": InvalidDigest", func(p *probe) {
			b, k := p.shared(), p.key("o")
			p.req("PUT", b, k).body("hello").field("Content-MD5", c[1]).send().
				fails(400, "InvalidDigest")
			p.get(b, k).fails(404, "NoSuchKey")
		})
	}
	l.raw("no length", ruleErrors+": MissingContentLength", func(p *probe) {
		r := p.req("PUT", p.shared(), p.key("o")).body("hello").hash(unsignedPayload)
		r.unsized = true
		r.send().fails(411, "MissingContentLength")
	})
	l.raw("a failed overwrite leaves the object", rulePut+": never adds partially", func(p *probe) {
		b, k := p.shared(), p.key("o")
		p.put(b, k, "first")
		p.req("PUT", b, k).body("second").field("Content-MD5", md5Base64(nil)).send().
			fails(400, "BadDigest")
		p.get(b, k).status(200).text("first")
	})
	l.raw("Last-Modified is the time of the PUT", ruleGet+": Last-Modified", func(p *probe) {
		b, k := p.shared(), p.key("o")
		p.put(b, k, "x")
		at, err := http.ParseTime(p.head(b, k).status(200).get("Last-Modified"))
		if d := time.Since(at); err != nil || d < -time.Minute || d > time.Minute {
			p.errorf("Last-Modified is %v off, %v", d, err)
		}
	})
	l.raw("Date and request id", api+"RESTCommonResponseHeaders.html", func(p *probe) {
		p.put(p.shared(), p.key("o"), "x").matches("Date", httpDate).
			matches("x-amz-request-id", ".+").has("Content-Length", "0")
	})
}

func systemFieldCases(l *list) {
	for _, c := range [][2]string{
		{"Content-Type", "text/plain; charset=utf-8"}, {"Content-Type", "x/y"},
		{"Cache-Control", "max-age=60, public"}, {"Content-Disposition", `attachment; filename="a b"`},
		{"Content-Encoding", "gzip"}, {"Content-Encoding", "gzip, br"},
		{"Content-Language", "de-AT, en"}, {"Expires", "Thu, 01 Dec 2044 16:00:00 GMT"},
		{"Expires", "not a date at all"},
		{"x-amz-website-redirect-location", "/other"},
		{"x-amz-website-redirect-location", "https://example.com/there"},
	} {
		l.raw("stored: "+c[0]+" "+c[1], guide+"UsingMetadata.html#SysMetadata", func(p *probe) {
			b, k := p.shared(), p.key("o")
			p.put(b, k, "x", c[0], c[1])
			p.get(b, k).status(200).has(c[0], c[1])
			p.head(b, k).status(200).has(c[0], c[1])
		})
	}
	l.raw("redirect to nowhere", rulePut+": x-amz-website-redirect-location begins /, http:// or "+
		"https://", func(p *probe) {
		p.req("PUT", p.shared(), p.key("o")).body("x").
			field("x-amz-website-redirect-location", "ftp://example.com").send().status(400)
	})
	l.aws("system fields", guide+"UsingMetadata.html#SysMetadata", func(p *probe) {
		b, k := aws.String(p.shared()), aws.String(p.key("o"))
		_, err := p.aws.PutObject(p.ctx, &s3.PutObjectInput{Bucket: b, Key: k,
			Body: bytes.NewReader(nil), CacheControl: aws.String("no-cache"),
			ContentType: aws.String("a/b"), ContentLanguage: aws.String("fr"),
			ContentDisposition: aws.String("inline"), ContentEncoding: aws.String("deflate")})
		if err != nil {
			p.fatalf("PutObject: %v", err)
		}
		h, err := p.aws.HeadObject(p.ctx, &s3.HeadObjectInput{Bucket: b, Key: k})
		if err != nil {
			p.fatalf("HeadObject: %v", err)
		}
		p.equal("CacheControl", aws.ToString(h.CacheControl), "no-cache")
		p.equal("ContentType", aws.ToString(h.ContentType), "a/b")
		p.equal("ContentLanguage", aws.ToString(h.ContentLanguage), "fr")
		p.equal("ContentDisposition", aws.ToString(h.ContentDisposition), "inline")
		p.equal("ContentEncoding", aws.ToString(h.ContentEncoding), "deflate")
	})
	l.minio("system fields", guide+"UsingMetadata.html#SysMetadata", func(p *probe) {
		b, k := p.shared(), p.key("o")
		_, err := p.minio.PutObject(p.ctx, b, k, strings.NewReader("x"), 1, minio.PutObjectOptions{
			ContentType: "a/b", CacheControl: "no-cache", ContentEncoding: "gzip",
			ContentDisposition: "inline", ContentLanguage: "fr"})
		if err != nil {
			p.fatalf("PutObject: %v", err)
		}
		p.head(b, k).status(200).has("Content-Type", "a/b").has("Cache-Control", "no-cache").
			has("Content-Encoding", "gzip").has("Content-Disposition", "inline").
			has("Content-Language", "fr")
	})
}

func overrideCases(l *list) {
	for _, c := range [][3]string{
		{"response-content-type", "Content-Type", "a/b; c=d"},
		{"response-content-language", "Content-Language", "en-US"},
		{"response-expires", "Expires", "Thu, 01 Dec 2044 16:00:00 GMT"},
		{"response-cache-control", "Cache-Control", "no-store, max-age=0"},
		{"response-content-disposition", "Content-Disposition", `attachment; filename="ü b.txt"`},
		{"response-content-encoding", "Content-Encoding", "x-gzip"},
	} {
		l.raw("override "+c[1], ruleGet+": overriding response header values", func(p *probe) {
			b, k := p.shared(), p.key("o")
			p.put(b, k, "x", "Content-Type", "text/plain")
			query := c[0] + "=" + escape(c[2])
			p.sub("GET", b, k, query, "").status(200).has(c[1], c[2]).text("x")
			p.sub("HEAD", b, k, query, "").status(200).has(c[1], c[2])
			if c[1] != "Content-Type" {
				p.head(b, k).status(200).lacks(c[1])
			}
		})
	}
	l.raw("override in part of an object", ruleGet+": overriding response header values", func(p *probe) {
		b, k := p.shared(), p.key("o")
		p.put(b, k, "0123456789")
		p.sub("GET", b, k, "response-content-type=a%2Fb", "", "Range", "bytes=2-3").status(206).
			has("Content-Type", "a/b").text("23")
	})
	l.raw("no override of an error", ruleGet+": only for 200", func(p *probe) {
		p.sub("GET", p.shared(), p.key("none"), "response-content-type=a%2Fb", "").
			fails(404, "NoSuchKey")
	})
	l.raw("override with a line end", ruleGet+": a header value", func(p *probe) {
		b, k := p.shared(), p.key("o")
		p.put(b, k, "x")
		a := p.sub("GET", b, k, "response-content-type=a%0D%0AX-Injected%3A%20yes", "")
		if a.lacks("X-Injected"); a.code != 400 {
			p.errorf("status %d, want 400", a.code)
		}
	})
}

func metadataCases(l *list) {
	for _, c := range [][3]string{
		{"plain", "colour", "blue"}, {"upper case name", "Mixed-Case", "Value Kept"},
		{"number", "n-1", "12345"}, {"signs", "signs", `!"#$%&'()*+,-./:;<=>?@[]^_{|}~`},
		{"inner spaces", "spaces", "a b c"}, {"long", "long", strings.Repeat("v", 1500)},
		{"comma", "list", "a,b, c"}, {"name with underscore", "under_score", "x"},
	} {
		l.raw("metadata: "+c[0], ruleMeta+": keys in lower case, values kept", func(p *probe) {
			b, k := p.shared(), p.key("o")
			p.put(b, k, "x", "x-amz-meta-"+c[1], c[2])
			p.get(b, k).status(200).has("x-amz-meta-"+c[1], c[2])
			p.head(b, k).status(200).has("x-amz-meta-"+c[1], c[2])
		})
		l.aws("metadata: "+c[0], ruleMeta, func(p *probe) {
			b, k := aws.String(p.shared()), aws.String(p.key("o"))
			_, err := p.aws.PutObject(p.ctx, &s3.PutObjectInput{Bucket: b, Key: k,
				Body: strings.NewReader("x"), Metadata: map[string]string{c[1]: c[2]}})
			if err != nil {
				p.fatalf("PutObject: %v", err)
			}
			h, err := p.aws.HeadObject(p.ctx, &s3.HeadObjectInput{Bucket: b, Key: k})
			if err != nil {
				p.fatalf("HeadObject: %v", err)
			}
			p.equal("Metadata", h.Metadata, map[string]string{strings.ToLower(c[1]): c[2]})
		})
	}
	l.raw("metadata: twice the same name", ruleMeta+": combined into a list with commas",
		func(p *probe) {
			b, k := p.shared(), p.key("o")
			r := p.req("PUT", b, k).body("x")
			r.header["X-Amz-Meta-Twice"] = []string{"a", "b"}
			r.send().status(200)
			p.head(b, k).status(200).matches("x-amz-meta-twice", "a, ?b")
		})
	l.raw("metadata: RFC 2047", ruleMeta+": characters beyond US-ASCII are encoded", func(p *probe) {
		b, k := p.shared(), p.key("o")
		p.put(b, k, "x", "x-amz-meta-name", "=?UTF-8?B?w4PChMODwp3Dg8K9w4PCqA==?=")
		p.head(b, k).status(200).has("x-amz-meta-name", "=?UTF-8?B?w4PChMODwp3Dg8K9w4PCqA==?=")
	})
	// The example of the page: the bytes count as Latin-1, which the answer has as UTF-8.
	l.raw("metadata: UTF-8 comes back in RFC 2047", ruleMeta+": encoded as per RFC 2047 before "+
		"returning, with an example", func(p *probe) {
		b, k := p.shared(), p.key("o")
		p.put(b, k, "x", "x-amz-meta-nonascii", "ÄMÄZÕÑ S3")
		p.head(b, k).status(200).
			has("x-amz-meta-nonascii", "=?UTF-8?B?w4PChE3Dg8KEWsODwpXDg8KRIFMz?=")
	})
	l.raw("metadata: 2048 bytes", ruleMeta+": 2 KB of names and values", func(p *probe) {
		b, k := p.shared(), p.key("o")
		p.put(b, k, "x", "x-amz-meta-a", strings.Repeat("v", 2047))
		p.req("PUT", b, k).body("y").field("x-amz-meta-a", strings.Repeat("v", 2048)).send().
			fails(400, "MetadataTooLarge")
		p.get(b, k).status(200).text("x")
	})
	l.raw("metadata: 2 KB in all", ruleMeta+": 2 KB of names and values", func(p *probe) {
		r := p.req("PUT", p.shared(), p.key("o")).body("y")
		for i := range 22 {
			r.field(fmt.Sprintf("x-amz-meta-%02d", i), strings.Repeat("v", 98))
		}
		r.send().fails(400, "MetadataTooLarge")
	})
	l.raw("metadata: an empty value", ruleMeta+": a name-value pair", func(p *probe) {
		b, k := p.shared(), p.key("o")
		p.put(b, k, "x", "x-amz-meta-empty", "", "x-amz-meta-a", "1")
		p.head(b, k).status(200).has("x-amz-meta-empty", "").has("x-amz-meta-a", "1")
	})
	l.raw("metadata: of other clients", ruleMeta+": names of rclone, s3cmd and aws", func(p *probe) {
		b, k := p.shared(), p.key("o")
		for _, f := range [][2]string{{"x-amz-meta-mtime", "1700000000.123456789"},
			{"x-amz-meta-s3cmd-attrs", "atime:1/ctime:2/md5:d41d8cd98f00b204e9800998ecf8427e"},
			{"x-amz-meta-md5chksum", "1B2M2Y8AsgTpgAmY7PhCfg=="}} {
			p.put(b, k, "x", f[0], f[1])
			p.head(b, k).status(200).has(f[0], f[1])
		}
	})
	l.raw("metadata: other fields are not kept", guide+"UsingMetadata.html#SysMetadata", func(p *probe) {
		b, k := p.shared(), p.key("o")
		p.put(b, k, "x", "X-Other", "value", "Content-Location", "/x")
		p.head(b, k).status(200).lacks("X-Other", "Content-Location")
	})
	l.minio("metadata", ruleMeta, func(p *probe) {
		b, k := p.shared(), p.key("o")
		_, err := p.minio.PutObject(p.ctx, b, k, strings.NewReader("x"), 1, minio.PutObjectOptions{
			UserMetadata: map[string]string{"Colour": "blue", "N": "1"}})
		if err != nil {
			p.fatalf("PutObject: %v", err)
		}
		got, err := p.minio.StatObject(p.ctx, b, k, minio.StatObjectOptions{})
		if err != nil {
			p.fatalf("StatObject: %v", err)
		}
		p.equal("UserMetadata", got.UserMetadata, map[string]string{"Colour": "blue", "N": "1"})
	})
}

func classCases(l *list) {
	const rule = guide + "storage-class-intro.html; x-amz-storage-class comes back unless STANDARD"
	l.raw("class STANDARD", rule, func(p *probe) {
		b, k := p.shared(), p.key("o")
		p.put(b, k, "x", "x-amz-storage-class", "STANDARD")
		p.head(b, k).status(200).lacks("x-amz-storage-class")
		p.get(b, k).status(200).lacks("x-amz-storage-class")
	})
	l.raw("class that is none", ruleErrors+": InvalidStorageClass", func(p *probe) {
		b, k := p.shared(), p.key("o")
		p.req("PUT", b, k).body("x").field("x-amz-storage-class", "NONSENSE").send().
			fails(400, "InvalidStorageClass")
		p.get(b, k).fails(404, "NoSuchKey")
	})
	l.raw("class in a list", api+"API_Object.html: StorageClass", func(p *probe) {
		b := p.shared()
		p.put(b, p.key("o"), "x")
		root := p.sub("GET", b, "", "list-type=2&prefix="+p.prefix(), "").status(200).
			xml("ListBucketResult")
		p.equal("StorageClass", root.texts("Contents/StorageClass"), []string{"STANDARD"})
	})
	for _, class := range []string{"STANDARD_IA", "REDUCED_REDUNDANCY", "ONEZONE_IA",
		"INTELLIGENT_TIERING"} {
		l.raw("class "+class, rule, func(p *probe) {
			b, k := p.shared(), p.key("o")
			p.put(b, k, "x", "x-amz-storage-class", class)
			p.head(b, k).status(200).has("x-amz-storage-class", class)
			root := p.sub("GET", b, "", "list-type=2&prefix="+p.prefix(), "").status(200).
				xml("ListBucketResult")
			p.equal("StorageClass", root.texts("Contents/StorageClass"), []string{class})
		})
	}
}
