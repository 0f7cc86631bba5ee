package conformance

import (
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/minio/minio-go/v7"
)

const ruleKeys = guide + "object-keys.html"

// keyNames are keys that S3 stores as they are: it knows no folders and normalizes nothing.
func keyNames() []string {
	return []string{
		"plain", "UPPER-lower", "with space", " leading", "trailing ", "a+b", "a%20b", "a%2Fb", "%",
		"100%", "a&b=c", "a?b", "a#b", "a;b", "a:b", "a@b", "a=b", "a,b", "a$b", "a!b", "a'b", "a(b)",
		"a*b", "a~b", "a|b", "a\\b", "a^b", "a`b", "a{b}", "a[b]", "a<b>", `a"b`, "grüße", "日本語",
		"emoji 🚀", "e\u0301 decomposed", "é composed", "a\tb", "a\nb", "a\x7fb", "folder/", "a//b",
		"a///", "/leading", "a/./b", "a/../b", "a/..", "...", ".hidden", "a.", "~user", "-dash",
		"null", "index.html?versionId=x", "uploads", "tagging", strings.Repeat("k", 900),
	}
}

func keyCases(l *list) {
	for _, key := range keyNames() {
		name := fmt.Sprintf("%.40q", key)
		content := "content of " + key
		l.raw(name, ruleKeys, func(p *probe) {
			b, k := p.shared(), p.key(key)
			p.put(b, k, content)
			p.get(b, k).status(200).text(content)
			p.head(b, k).status(200).has("Content-Length", fmt.Sprint(len(content)))
			list := p.sub("GET", b, "", "list-type=2&prefix="+escape(k), "").status(200)
			p.equal("listed", list.xml("ListBucketResult").texts("Contents/Key"), []string{k})
			p.del(b, k).status(204)
			p.get(b, k).fails(404, "NoSuchKey")
		})
		if strings.ContainsAny(key, "\n\t\x7f") {
			continue
		}
		l.aws(name, ruleKeys, func(p *probe) {
			b, k := p.shared(), p.key(key)
			if _, err := p.aws.PutObject(p.ctx, &s3.PutObjectInput{Bucket: &b, Key: &k,
				Body: strings.NewReader(content)}); err != nil {
				p.fatalf("PutObject: %v", err)
			}
			p.get(b, k).status(200).text(content)
			out, err := p.aws.ListObjectsV2(p.ctx, &s3.ListObjectsV2Input{Bucket: &b, Prefix: &k})
			if err != nil || len(out.Contents) != 1 || *out.Contents[0].Key != k {
				p.errorf("ListObjectsV2: %v, %+v", err, out)
			}
			if _, err := p.aws.DeleteObject(p.ctx, &s3.DeleteObjectInput{Bucket: &b,
				Key: &k}); err != nil {
				p.errorf("DeleteObject: %v", err)
			}
			p.get(b, k).fails(404, "NoSuchKey")
		})
		l.minio(name, ruleKeys, func(p *probe) {
			b, k := p.shared(), p.key(key)
			if _, err := p.minio.PutObject(p.ctx, b, k, strings.NewReader(content),
				int64(len(content)), minio.PutObjectOptions{}); err != nil {
				p.fatalf("PutObject: %v", err)
			}
			got, err := p.minio.GetObject(p.ctx, b, k, minio.GetObjectOptions{})
			if err != nil {
				p.fatalf("GetObject: %v", err)
			}
			p.reads(got, content)
			if err := p.minio.RemoveObject(p.ctx, b, k, minio.RemoveObjectOptions{}); err != nil {
				p.errorf("RemoveObject: %v", err)
			}
			p.get(b, k).fails(404, "NoSuchKey")
		})
	}
	keyLimitCases(l)
}

func keyLimitCases(l *list) {
	for _, method := range []string{"PUT", "GET", "DELETE", "HEAD"} {
		l.raw(method+" of a key of 1025 bytes", ruleErrors+": KeyTooLongError", func(p *probe) {
			b := p.shared()
			r := p.req(method, b, strings.Repeat("k", 1025))
			if method == "PUT" {
				r.body("x")
			}
			r.send().fails(400, "KeyTooLongError")
		})
	}
	l.raw("a key of 1024 bytes", ruleKeys+": up to 1,024 bytes", func(p *probe) {
		b := p.shared()
		k := p.key(strings.Repeat("k", 1024-len(p.prefix())))
		p.put(b, k, "x")
		p.get(b, k).status(200).text("x")
	})
	l.raw("a key of 1024 bytes in UTF-8", ruleKeys+": bytes, not characters", func(p *probe) {
		b := p.shared()
		k := p.key(strings.Repeat("k", 1024-2*200-len(p.prefix())) + strings.Repeat("ü", 200))
		p.put(b, k, "x")
		p.get(b, k).status(200).text("x")
		p.req("PUT", b, k+"k").body("x").send().fails(400, "KeyTooLongError")
	})
	l.raw("both spellings of a key are two", ruleKeys+": no normalization", func(p *probe) {
		b := p.shared()
		p.put(b, p.key("é"), "composed")
		p.put(b, p.key("e\u0301"), "decomposed")
		p.get(b, p.key("é")).status(200).text("composed")
		p.get(b, p.key("e\u0301")).status(200).text("decomposed")
	})
	l.raw("small and capital letters are two", ruleKeys, func(p *probe) {
		b := p.shared()
		p.put(b, p.key("a"), "small")
		p.get(b, p.key("A")).fails(404, "NoSuchKey")
	})
	for name, path := range map[string]string{"no UTF-8": "a%FFb", "overlong": "a%C0%AFb",
		"a surrogate": "a%ED%A0%80b"} {
		l.raw("a key with "+name, ruleKeys+": a sequence of Unicode characters in UTF-8",
			func(p *probe) {
				r := p.req("PUT", p.shared(), "").body("x")
				r.path += "/" + p.id + path
				r.send().failsAny(400, "InvalidURI", "InvalidArgument")
			})
	}
}
