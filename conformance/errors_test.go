package conformance

import (
	"strings"
)

func errorCases(l *list) {
	anonymousCases(l)
	shapeCases(l)
}

// anonymousCases are those of requests without a signature: a bucket is private unless somebody
// says otherwise.
func anonymousCases(l *list) {
	rule := guide + "access-control-block-public-access.html; ErrorResponses.html: AccessDenied"
	for _, c := range []struct {
		name, method, query, body string
		onKey                     bool
	}{
		{"ListObjects", "GET", "", "", false}, {"ListObjectsV2", "GET", "list-type=2", "", false},
		{"ListObjectVersions", "GET", "versions", "", false},
		{"ListMultipartUploads", "GET", "uploads", "", false}, {"HeadBucket", "HEAD", "", "", false},
		{"GetBucketLocation", "GET", "location", "", false},
		{"GetBucketVersioning", "GET", "versioning", "", false},
		{"PutBucketVersioning", "PUT", "versioning", versioningXML("Enabled"), false},
		{"DeleteBucket", "DELETE", "", "", false},
		{"DeleteObjects", "POST", "delete", "<Delete><Object><Key>{k}</Key></Object></Delete>", false},
		{"GetObject", "GET", "", "", true}, {"HeadObject", "HEAD", "", "", true},
		{"PutObject", "PUT", "", "new", true}, {"DeleteObject", "DELETE", "", "", true},
		{"GetObjectTagging", "GET", "tagging", "", true},
		{"PutObjectTagging", "PUT", "tagging", tagXML("a", "1"), true},
		{"DeleteObjectTagging", "DELETE", "tagging", "", true},
		{"GetObjectAttributes", "GET", "attributes", "", true},
		{"CreateMultipartUpload", "POST", "uploads", "", true},
		{"GetObjectRetention", "GET", "retention", "", true},
		{"PutObjectLegalHold", "PUT", "legal-hold", holdXML("ON"), true},
		{"UploadPart", "PUT", "partNumber=1&uploadId=x", "x", true},
		{"AbortMultipartUpload", "DELETE", "uploadId=x", "", true},
		{"ListParts", "GET", "uploadId=x", "", true},
		{"CompleteMultipartUpload", "POST", "uploadId=x", "<CompleteMultipartUpload/>", true},
	} {
		l.raw("anonymous: "+c.name, rule, func(p *probe) {
			b, k, key := p.shared(), p.key("o"), ""
			p.put(b, k, "x")
			if c.onKey {
				key = k
			}
			r := p.req(c.method, b, key).query(c.query).anon()
			if c.name == "GetObjectAttributes" {
				r.field("x-amz-object-attributes", "ETag")
			}
			if c.body != "" {
				r.body(strings.ReplaceAll(c.body, "{k}", k)).md5()
			}
			r.send().fails(403, "AccessDenied")
			p.get(b, k).status(200).text("x")
		})
	}
	l.raw("anonymous: CopyObject", rule, func(p *probe) {
		b := p.shared()
		p.put(b, p.key("from"), "x")
		p.copyReq(b, p.key("from"), p.key("to"), "").anon().send().fails(403, "AccessDenied")
		p.get(b, p.key("to")).fails(404, "NoSuchKey")
	})
	l.raw("anonymous: of a key that is not there", ruleGet+": 403 without s3:ListBucket",
		func(p *probe) {
			p.req("GET", p.shared(), p.key("none")).anon().send().fails(403, "AccessDenied")
		})
	l.raw("anonymous: with a condition", rule, func(p *probe) {
		b, k := p.shared(), p.key("o")
		p.put(b, k, "x")
		p.req("GET", b, k).anon().field("If-None-Match", etagOf("x")).send().fails(403, "AccessDenied")
		p.req("GET", b, k).anon().field("If-Match", other).send().fails(403, "AccessDenied")
	})
	l.raw("anonymous: CreateBucket", rule, func(p *probe) {
		p.req("PUT", "conf-anon-"+p.id, "").anon().send().fails(403, "AccessDenied")
		p.req("HEAD", "conf-anon-"+p.id, "").send().fails(404, "")
	})
	l.raw("bad signature: of a key that is not there", rule, func(p *probe) {
		p.req("GET", p.shared(), p.key("none")).keys(p.accessKey, "x").send().
			fails(403, "SignatureDoesNotMatch")
	})
}

func shapeCases(l *list) {
	l.raw("request id in header and body", api+"ErrorResponses.html#RESTErrorResponses", func(p *probe) {
		a := p.get(p.shared(), p.key("none")).fails(404, "NoSuchKey")
		root := a.xml("Error")
		p.equal("RequestId", root.at("RequestId"), a.get("x-amz-request-id"))
		p.equal("HostId", root.at("HostId"), a.get("x-amz-id-2"))
	})
	l.raw("each request has its own id", api+"RESTCommonResponseHeaders.html", func(p *probe) {
		b := p.shared()
		one := p.get(b, p.key("none")).fails(404, "NoSuchKey")
		two := p.get(b, p.key("none")).fails(404, "NoSuchKey")
		if one.get("x-amz-request-id") == two.get("x-amz-request-id") {
			p.errorf("both are %s", one.get("x-amz-request-id"))
		}
	})
	l.raw("the bucket's name in NoSuchBucket", ruleErrors+": NoSuchBucket, with BucketName",
		func(p *probe) {
			a := p.get("conf-none-"+p.id, "k").fails(404, "NoSuchBucket")
			a.element(a.xml("Error"), "BucketName", "conf-none-"+p.id)
		})
	for _, c := range [][3]string{{"DELETE", "", ""}, {"PUT", "", ""}, {"POST", "{b}", "k"},
		{"PATCH", "{b}", "k"}, {"PATCH", "{b}", ""}} {
		l.raw("method "+c[0]+" /"+c[1]+"/"+c[2], ruleErrors+": MethodNotAllowed", func(p *probe) {
			b := strings.ReplaceAll(c[1], "{b}", p.shared())
			a := p.req(c[0], b, c[2]).send().fails(405, "MethodNotAllowed")
			a.element(a.xml("Error"), "Method", c[0])
		})
	}
	l.raw("an error of a key with signs", ruleErrors+": text of XML is escaped", func(p *probe) {
		k := p.key("<a>&\"b\"")
		a := p.get(p.shared(), k).fails(404, "NoSuchKey")
		a.element(a.xml("Error"), "Key", k)
	})
	l.raw("the connection outlives an error", "https://www.rfc-editor.org/rfc/rfc9112"+
		"#name-persistence", func(p *probe) {
		b := p.shared()
		for range 3 {
			p.get(b, p.key("none")).fails(404, "NoSuchKey").lacks("Connection")
		}
	})
	l.raw("HEAD of an error says how long it is", "https://www.rfc-editor.org/rfc/rfc9110#name-head",
		func(p *probe) {
			p.head(p.shared(), p.key("none")).fails(404, "").matches("x-amz-request-id", ".+")
		})
}
