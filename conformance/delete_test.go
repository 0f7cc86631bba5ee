package conformance

import (
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/minio/minio-go/v7"
)

const (
	ruleDeleteObject  = api + "API_DeleteObject.html"
	ruleDeleteObjects = api + "API_DeleteObjects.html"
)

func deleteCases(l *list) {
	l.raw("delete", ruleDeleteObject+": 204", func(p *probe) {
		b, k := p.shared(), p.key("o")
		p.put(b, k, "x")
		p.del(b, k).status(204).text("").lacks("x-amz-delete-marker", "x-amz-version-id")
		p.get(b, k).fails(404, "NoSuchKey")
		p.head(b, k).fails(404, "")
	})
	l.raw("delete of nothing", ruleDeleteObject+": 204 as well", func(p *probe) {
		p.del(p.shared(), p.key("none")).status(204)
	})
	l.raw("delete of a large object", ruleDeleteObject, func(p *probe) {
		b, k := p.sharedLarge(1 << 20)
		p.del(b, k).status(204)
		p.get(b, k).fails(404, "NoSuchKey")
	})
	l.raw("put after delete", ruleDeleteObject, func(p *probe) {
		b, k := p.shared(), p.key("o")
		for i := range 5 {
			p.put(b, k, fmt.Sprint(i))
			p.get(b, k).status(200).text(fmt.Sprint(i))
			p.del(b, k).status(204)
			p.get(b, k).fails(404, "NoSuchKey")
		}
	})
	deleteManyCases(l)
	badDeleteManyCases(l)
	deleteSDKCases(l)
}

// deleteXML is the body of DeleteObjects.
func deleteXML(quiet bool, keys ...string) string {
	var b strings.Builder
	b.WriteString(`<Delete xmlns="http://s3.amazonaws.com/doc/2006-03-01/">`)
	if quiet {
		b.WriteString("<Quiet>true</Quiet>")
	}
	for _, k := range keys {
		b.WriteString("<Object><Key>" + xmlEscape(k) + "</Key></Object>")
	}
	return b.String() + "</Delete>"
}

func xmlEscape(s string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;", "\r", "&#13;",
		"\n", "&#10;").Replace(s)
}

func deleteManyCases(l *list) {
	for _, quiet := range []bool{false, true} {
		l.raw(fmt.Sprintf("many, quiet %v", quiet), ruleDeleteObjects+": Quiet", func(p *probe) {
			b := p.shared()
			keys := []string{p.key("a"), p.key("b"), p.key("none")}
			p.put(b, keys[0], "x")
			p.put(b, keys[1], "x")
			p.put(b, p.key("kept"), "x")
			root := p.sub("POST", b, "", "delete", deleteXML(quiet, keys...)).status(200).
				xml("DeleteResult")
			if quiet {
				keys = nil
			}
			p.equal("Deleted", root.texts("Deleted/Key"), keys)
			p.equal("Error", len(root.all("Error")), 0)
			p.get(b, p.key("a")).fails(404, "NoSuchKey")
			p.get(b, p.key("b")).fails(404, "NoSuchKey")
			p.get(b, p.key("kept")).status(200)
		})
	}
	for _, key := range []string{"a b", "a&b", "<tag>", `"quoted"`, "grüße", "a+b%20c", "a\nb"} {
		l.raw(fmt.Sprintf("many: %q", key), ruleDeleteObjects+": keys as XML text", func(p *probe) {
			b := p.shared()
			p.put(b, p.key(key), "x")
			root := p.sub("POST", b, "", "delete", deleteXML(false, p.key(key))).status(200).
				xml("DeleteResult")
			p.equal("Deleted", root.texts("Deleted/Key"), []string{p.key(key)})
			p.get(b, p.key(key)).fails(404, "NoSuchKey")
		})
	}
	l.raw("many: 1000", ruleDeleteObjects+": up to 1,000 keys", func(p *probe) {
		b := p.shared()
		keys := make([]string, 1000)
		for i := range keys {
			keys[i] = p.key(fmt.Sprintf("%04d", i))
		}
		for _, i := range []int{0, 500, 999} {
			p.put(b, keys[i], "x")
		}
		root := p.sub("POST", b, "", "delete", deleteXML(false, keys...)).status(200).
			xml("DeleteResult")
		p.equal("Deleted", len(root.all("Deleted")), 1000)
		list := p.sub("GET", b, "", "list-type=2&prefix="+p.prefix(), "").status(200)
		p.equal("left", list.xml("ListBucketResult").at("KeyCount"), "0")
	})
	l.raw("many: by a checksum", ruleDeleteObjects+": Content-MD5 or another checksum", func(p *probe) {
		b, crc := p.shared(), sumCases()[0]
		p.put(b, p.key("o"), "x")
		body := deleteXML(false, p.key("o"))
		p.req("POST", b, "").query("delete").body(body).field(crc.field(), crc.of(body)).send().
			status(200)
		p.get(b, p.key("o")).fails(404, "NoSuchKey")
	})
	l.raw("many: a version", ruleDeleteObjects+": VersionId", func(p *probe) {
		b, k := p.versioned(), p.key("o")
		v := p.put(b, k, "old").get("x-amz-version-id")
		p.put(b, k, "new")
		a := p.sub("POST", b, "", "delete", "<Delete><Object><Key>"+k+"</Key><VersionId>"+v+
			"</VersionId></Object></Delete>").status(200)
		root := a.xml("DeleteResult")
		a.element(root, "Deleted/Key", k)
		a.element(root, "Deleted/VersionId", v)
		p.sub("GET", b, k, "versionId="+v, "").fails(404, "NoSuchVersion")
		p.get(b, k).status(200).text("new")
	})
	l.raw("many: with markers", ruleDeleteObjects+": DeleteMarker, DeleteMarkerVersionId",
		func(p *probe) {
			b, k := p.versioned(), p.key("o")
			p.put(b, k, "x")
			a := p.sub("POST", b, "", "delete", deleteXML(false, k)).status(200)
			root := a.xml("DeleteResult")
			a.element(root, "Deleted/DeleteMarker", "true")
			marker := root.at("Deleted/DeleteMarkerVersionId")
			p.get(b, k).fails(404, "NoSuchKey").has("x-amz-version-id", marker)
			a = p.sub("POST", b, "", "delete", "<Delete><Object><Key>"+k+"</Key><VersionId>"+marker+
				"</VersionId></Object></Delete>").status(200)
			root = a.xml("DeleteResult")
			a.element(root, "Deleted/DeleteMarker", "true")
			a.element(root, "Deleted/DeleteMarkerVersionId", marker)
			p.get(b, k).status(200).text("x")
		})
}

func badDeleteManyCases(l *list) {
	l.raw("many: 1001", ruleErrors+": MalformedXML above 1,000 keys", func(p *probe) {
		b := p.shared()
		p.put(b, p.key("o"), "x")
		keys := append([]string{p.key("o")}, make([]string, 1000)...)
		for i := range 1000 {
			keys[i+1] = p.key(fmt.Sprint(i))
		}
		p.sub("POST", b, "", "delete", deleteXML(false, keys...)).fails(400, "MalformedXML")
		p.get(b, p.key("o")).status(200)
	})
	for _, c := range [][2]string{{"nothing", ""}, {"no keys", "<Delete></Delete>"},
		{"no end", "<Delete><Object><Key>k</Key></Object>"}, {"text", "Delete"},
		{"another root", "<Remove><Object><Key>k</Key></Object></Remove>"},
		{"no key", "<Delete><Object></Object></Delete>"}} {
		l.raw("many: XML with "+c[0], ruleErrors+": MalformedXML", func(p *probe) {
			p.req("POST", p.shared(), "").query("delete").body(c[1]).md5().send().
				failsAny(400, "MalformedXML", "MissingRequestBodyError")
		})
	}
	l.raw("many: no checksum", ruleDeleteObjects+": Content-MD5 or a checksum is required",
		func(p *probe) {
			b := p.shared()
			p.put(b, p.key("o"), "x")
			p.req("POST", b, "").query("delete").body(deleteXML(false, p.key("o"))).send().
				fails(400, "InvalidRequest")
			p.get(b, p.key("o")).status(200)
		})
	l.raw("many: another Content-MD5", ruleErrors+": BadDigest", func(p *probe) {
		b := p.shared()
		p.put(b, p.key("o"), "x")
		p.req("POST", b, "").query("delete").body(deleteXML(false, p.key("o"))).
			field("Content-MD5", md5Base64(nil)).send().fails(400, "BadDigest")
		p.get(b, p.key("o")).status(200)
	})
}

func deleteSDKCases(l *list) {
	l.aws("many", ruleDeleteObjects, func(p *probe) {
		b := p.shared()
		p.put(b, p.key("a"), "x")
		p.put(b, p.key("b ü"), "x")
		out, err := p.aws.DeleteObjects(p.ctx, &s3.DeleteObjectsInput{Bucket: &b,
			Delete: &types.Delete{Objects: []types.ObjectIdentifier{{Key: aws.String(p.key("a"))},
				{Key: aws.String(p.key("b ü"))}}}})
		if err != nil || len(out.Deleted) != 2 || len(out.Errors) != 0 {
			p.errorf("%v, %+v", err, out)
		}
		p.get(b, p.key("b ü")).fails(404, "NoSuchKey")
	})
	l.aws("one", ruleDeleteObject, func(p *probe) {
		b, k := p.shared(), p.key("o")
		p.put(b, k, "x")
		if _, err := p.aws.DeleteObject(p.ctx, &s3.DeleteObjectInput{Bucket: &b, Key: &k}); err != nil {
			p.errorf("%v", err)
		}
		p.get(b, k).fails(404, "NoSuchKey")
	})
	l.minio("many", ruleDeleteObjects, func(p *probe) {
		b := p.shared()
		objects := make(chan minio.ObjectInfo, 2)
		for _, k := range []string{p.key("a"), p.key("b ü")} {
			p.put(b, k, "x")
			objects <- minio.ObjectInfo{Key: k}
		}
		close(objects)
		for e := range p.minio.RemoveObjects(p.ctx, b, objects, minio.RemoveObjectsOptions{}) {
			p.errorf("%s: %v", e.ObjectName, e.Err)
		}
		p.get(b, p.key("a")).fails(404, "NoSuchKey")
		p.get(b, p.key("b ü")).fails(404, "NoSuchKey")
	})
	l.minio("one", ruleDeleteObject, func(p *probe) {
		b, k := p.shared(), p.key("o")
		p.put(b, k, "x")
		if err := p.minio.RemoveObject(p.ctx, b, k, minio.RemoveObjectOptions{}); err != nil {
			p.errorf("%v", err)
		}
		p.get(b, k).fails(404, "NoSuchKey")
	})
}
