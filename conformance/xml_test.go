package conformance

import (
	"fmt"
	"strings"
)

// xmlOp is an operation whose request is XML, and one that it takes.
type xmlOp struct {
	name, method, query string
	good                string // with {k} for the key
	locked, versioned   bool   // what bucket it needs
	upload              bool
	onKey               bool
	status              int
}

func xmlOps() []xmlOp {
	return []xmlOp{
		{name: "DeleteObjects", method: "POST", query: "delete", status: 200,
			good: "<Delete><Object><Key>{k}</Key></Object></Delete>"},
		{name: "CompleteMultipartUpload", method: "POST", upload: true, onKey: true, status: 200,
			good: "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>{e}</ETag></Part>" +
				"</CompleteMultipartUpload>"},
		{name: "PutObjectTagging", method: "PUT", query: "tagging", onKey: true, status: 200,
			good: "<Tagging><TagSet><Tag><Key>a</Key><Value>1</Value></Tag></TagSet></Tagging>"},
		{name: "PutBucketVersioning", method: "PUT", query: "versioning", versioned: true, status: 200,
			good: "<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>"},
		{name: "PutObjectLegalHold", method: "PUT", query: "legal-hold", onKey: true, locked: true,
			status: 200, good: "<LegalHold><Status>OFF</Status></LegalHold>"},
		{name: "PutObjectLockConfiguration", method: "PUT", query: "object-lock", locked: true,
			status: 200, good: "<ObjectLockConfiguration><ObjectLockEnabled>Enabled" +
				"</ObjectLockEnabled></ObjectLockConfiguration>"},
	}
}

func xmlCases(l *list) {
	ns := func(s string) string {
		i := strings.IndexAny(s, ">")
		return s[:i] + ` xmlns="http://s3.amazonaws.com/doc/2006-03-01/"` + s[i:]
	}
	for _, op := range xmlOps() {
		for _, c := range []struct{ name, body string }{
			{"without a name space", op.good}, {"with the name space", ns(op.good)},
			{"with a declaration", `<?xml version="1.0" encoding="UTF-8"?>` + "\n" + ns(op.good)},
			{"with white space", "\n " + strings.ReplaceAll(op.good, "><", "> \n\t<") + "\r\n"},
			{"with comments", "<!-- a -->" + strings.ReplaceAll(op.good, "><", "><!-- b --><")},
		} {
			l.raw(op.name+" "+c.name, "https://docs.aws.amazon.com/AmazonS3/latest/API/API_"+op.name+
				".html", func(p *probe) { p.sendXML(op, c.body).status(op.status) })
		}
		for _, c := range []struct{ name, body string }{
			{"cut off", op.good[:len(op.good)-5]}, {"that is text", "hello"},
			{"with another root", "<Other>" + op.good + "</Other>"},
			{"with crossed tags", strings.Replace(op.good, "</", "</x></", 1)},
			{"with junk behind it", op.good + "<more/>"},
			{"with a NUL", strings.Replace(op.good, "><", ">\x00<", 1)},
			{"that is not UTF-8", strings.Replace(op.good, "><", ">\xff<", 1)},
			{"in UTF-16", utf16(op.good)},
			{"with an entity bomb", bomb(op.good)},
			{"with an external entity", `<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>` +
				strings.Replace(op.good, "><", ">&e;<", 1)},
			{"with an unknown entity", strings.Replace(op.good, "><", ">&nothing;<", 1)},
			{"10,000 deep", strings.Repeat("<a>", 10_000) + strings.Repeat("</a>", 10_000)},
		} {
			l.raw(op.name+" "+c.name, ruleErrors+": MalformedXML", func(p *probe) {
				a := p.sendXML(op, c.body)
				a.failsAny(400, "MalformedXML", "InvalidArgument", "MaxMessageLengthExceeded")
			})
		}
	}
}

// sendXML asks for op with what it needs.
func (p *probe) sendXML(op xmlOp, body string) *answer {
	b, k := p.shared(), p.key("o")
	switch {
	case op.locked:
		b = p.locked()
	case op.versioned:
		b = p.versioned()
	}
	p.put(b, k, "x")
	query, key := op.query, ""
	if op.onKey {
		key = k
	}
	if op.upload {
		u := p.newUpload(b, k)
		u.put(1, "x")
		query = "uploadId=" + escape(u.id)
	}
	body = strings.NewReplacer("{k}", k, "{e}", "&quot;"+strings.Trim(etagOf("x"), `"`)+"&quot;").
		Replace(body)
	a := p.req(op.method, b, key).query(query).body(body).md5().send()
	if a.code != op.status && op.name == "DeleteObjects" {
		p.get(b, k).status(200).text("x")
	}
	return a
}

// utf16 is s in UTF-16, little-endian with its mark, where the XML says nothing of it.
func utf16(s string) string {
	var b strings.Builder
	b.WriteString("\xff\xfe")
	for i := range len(s) {
		b.WriteByte(s[i])
		b.WriteByte(0)
	}
	return b.String()
}

// bomb has an entity that grows a thousandfold with each of its levels.
func bomb(good string) string {
	var b strings.Builder
	b.WriteString(`<!DOCTYPE x [<!ENTITY a0 "ha">`)
	for i := 1; i < 6; i++ {
		fmt.Fprintf(&b, `<!ENTITY a%d "%s">`, i, strings.Repeat(fmt.Sprintf("&a%d;", i-1), 10))
	}
	return b.String() + "]>" + strings.Replace(good, "><", ">&a5;<", 1)
}
