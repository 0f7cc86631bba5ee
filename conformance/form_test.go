package conformance

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"mime/multipart"
	"net/url"
	"strings"
	"time"

	"github.com/minio/minio-go/v7"
)

const (
	rulePost   = api + "RESTObjectPOST.html"
	rulePolicy = api + "sigv4-HTTPPOSTConstructPolicy.html"
)

// form is a POST of a browser: a policy and fields in their order.
type form struct {
	bucket     string
	conditions []string // JSON; those of the signature's fields are added
	fields     [][2]string
	after      [][2]string // behind the file
	filename   string
	content    string
	expires    time.Duration
	noPolicy   bool
	noFile     bool
	policy     string // as it is sent, if not made of the conditions
	spoil      bool   // the signature
	secret     string
}

// newForm allows any key below the case's prefix.
func (p *probe) newForm() *form {
	return &form{bucket: p.shared(), content: "hello", filename: "file.txt", expires: time.Minute,
		secret: p.secretKey, fields: [][2]string{{"key", p.key("o")}},
		conditions: []string{fmt.Sprintf(`{"bucket":"%s"}`, p.shared()),
			fmt.Sprintf(`["starts-with","$key","%s"]`, p.prefix())}}
}

func (f *form) add(name, value string) *form {
	f.fields = append(f.fields, [2]string{name, value})
	return f
}

func (f *form) allow(condition string) *form {
	f.conditions = append(f.conditions, condition)
	return f
}

// send posts the form.
func (p *probe) post(f *form) *answer {
	r := p.req("POST", f.bucket, "").anon()
	r.secret = f.secret
	stamp := time.Now().UTC().Format(stampLayout)
	fields := f.fields
	if !f.noPolicy {
		signed := [][2]string{{"x-amz-algorithm", algorithm},
			{"x-amz-credential", p.accessKey + "/" + r.scope(stamp)}, {"x-amz-date", stamp}}
		policy := f.policy
		if policy == "" {
			conditions := f.conditions
			for _, s := range signed {
				conditions = append(conditions, fmt.Sprintf(`{"%s":"%s"}`, s[0], s[1]))
			}
			policy = base64.StdEncoding.EncodeToString([]byte(fmt.Sprintf(
				`{"expiration":"%s","conditions":[%s]}`, stampOf(time.Now().Add(f.expires)),
				strings.Join(conditions, ","))))
		}
		signature := hex.EncodeToString(mac(r.signingKey(stamp), policy))
		if f.spoil {
			signature = strings.Repeat("0", 64)
		}
		fields = append(append(fields, signed...), [2]string{"policy", policy},
			[2]string{"x-amz-signature", signature})
	}
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	for _, field := range fields {
		_ = w.WriteField(field[0], field[1])
	}
	if !f.noFile {
		part, _ := w.CreateFormFile("file", f.filename)
		_, _ = part.Write([]byte(f.content))
	}
	for _, field := range f.after {
		_ = w.WriteField(field[0], field[1])
	}
	_ = w.Close()
	return r.body(b.String()).field("Content-Type", w.FormDataContentType()).send()
}

func formCases(l *list) {
	formAnswerCases(l)
	formFieldCases(l)
	formPolicyCases(l)
	badFormCases(l)
}

func formAnswerCases(l *list) {
	for _, c := range []struct {
		status string
		want   int
	}{{"", 204}, {"200", 200}, {"201", 201}, {"204", 204}, {"404", 204}} {
		l.raw(fmt.Sprintf("form: success_action_status %q", c.status), rulePost+
			": success_action_status", func(p *probe) {
			f := p.newForm()
			if c.status != "" {
				f.add("success_action_status", c.status).allow(`["starts-with","$success_action_status",""]`)
			}
			a := p.post(f).status(c.want).has("ETag", etagOf("hello")).matches("Location", ".+")
			if c.want == 201 {
				root := p.plainXML(a, "PostResponse")
				a.element(root, "Bucket", f.bucket)
				a.element(root, "Key", p.key("o"))
				a.element(root, "ETag", etagOf("hello"))
				p.equal("Location", root.at("Location") != "", true)
			} else {
				a.text("")
			}
			p.get(f.bucket, p.key("o")).status(200).text("hello")
		})
	}
	l.raw("form: success_action_redirect", rulePost+": 303 with bucket, key and etag", func(p *probe) {
		f := p.newForm().add("success_action_redirect", "http://example.com/done?x=1").
			allow(`["starts-with","$success_action_redirect","http://example.com/"]`)
		a := p.post(f).status(303)
		u, err := url.Parse(a.get("Location"))
		if err != nil || u.Host != "example.com" || u.Query().Get("bucket") != f.bucket ||
			u.Query().Get("key") != p.key("o") || u.Query().Get("etag") != etagOf("hello") ||
			u.Query().Get("x") != "1" {
			p.errorf("Location %q, %v", a.get("Location"), err)
		}
	})
}

// plainXML is a body that has no name space on AWS.
func (p *probe) plainXML(a *answer, root string) *node {
	copied := *a
	copied.p = &probe{target: p.target, ctx: p.ctx} // the name space may be missing
	n := copied.xml(root)
	if n.XMLName.Local != root {
		p.errorf("%v, want %s", a, root)
	}
	return n
}

func formFieldCases(l *list) {
	l.raw("form: ${filename}", rulePost+": ${filename} in key", func(p *probe) {
		f := p.newForm()
		f.fields[0][1] = p.prefix() + "up-${filename}"
		f.filename = "a b.txt"
		p.post(f).status(204)
		p.get(f.bucket, p.key("up-a b.txt")).status(200).text("hello")
	})
	l.raw("form: type and metadata", rulePost+": Content-Type, x-amz-meta-*", func(p *probe) {
		f := p.newForm().add("Content-Type", "a/b").add("x-amz-meta-colour", "blue").
			add("Cache-Control", "no-cache").allow(`{"Content-Type":"a/b"}`).
			allow(`["eq","$x-amz-meta-colour","blue"]`).allow(`{"Cache-Control":"no-cache"}`)
		p.post(f).status(204)
		p.head(f.bucket, p.key("o")).status(200).has("Content-Type", "a/b").
			has("x-amz-meta-colour", "blue").has("Cache-Control", "no-cache")
	})
	l.raw("form: tags", rulePost+": tagging", func(p *probe) {
		f := p.newForm().add("tagging", "<Tagging><TagSet><Tag><Key>a</Key><Value>1</Value></Tag>"+
			"</TagSet></Tagging>").allow(`["starts-with","$tagging",""]`)
		p.post(f).status(204)
		p.equal("tags", p.tags(f.bucket, p.key("o"), ""), "a=1")
	})
	l.raw("form: fields behind the file", rulePost+": are ignored", func(p *probe) {
		f := p.newForm()
		f.after = [][2]string{{"x-amz-meta-late", "1"}, {"key", p.key("other")}}
		p.post(f).status(204)
		p.head(f.bucket, p.key("o")).status(200).lacks("x-amz-meta-late")
		p.get(f.bucket, p.key("other")).fails(404, "NoSuchKey")
	})
	l.raw("form: large and empty files", rulePost, func(p *probe) {
		for _, n := range []int{0, 1, 100_000} {
			f := p.newForm()
			f.content = bytesOf(n)
			p.post(f).status(204)
			p.get(f.bucket, p.key("o")).status(200).text(bytesOf(n))
		}
	})
	l.raw("form: x-ignore-", rulePolicy+": fields that begin so need no condition", func(p *probe) {
		p.post(p.newForm().add("x-ignore-me", "1")).status(204)
	})
	l.raw("form: names in other letters", rulePost+": names of fields in any case", func(p *probe) {
		f := p.newForm()
		f.fields[0][0] = "Key"
		p.post(f).status(204)
		p.get(f.bucket, p.key("o")).status(200).text("hello")
	})
	l.minio("form", rulePost, func(p *probe) {
		policy := minio.NewPostPolicy()
		b, k := p.shared(), p.key("o")
		if err := firstOf(policy.SetBucket(b), policy.SetKey(k), policy.SetContentType("a/b"),
			policy.SetExpires(time.Now().Add(time.Minute)),
			policy.SetContentLengthRange(1, 10)); err != nil {
			p.fatalf("%v", err)
		}
		_, fields, err := p.minio.PresignedPostPolicy(p.ctx, policy)
		if err != nil {
			p.fatalf("%v", err)
		}
		f := &form{bucket: b, noPolicy: true, content: "hello", filename: "f"}
		for name, value := range fields {
			f.add(name, value)
		}
		p.post(f).status(204)
		p.get(b, k).status(200).text("hello").has("Content-Type", "a/b")
	})
}

func firstOf(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

func formPolicyCases(l *list) {
	l.raw("policy: operators in other letters", rulePolicy+": names of fields and operators",
		func(p *probe) {
			f := p.newForm().add("Content-Type", "a/b").allow(`["StArTs-WiTh","$cOnTeNt-TyPe","a/"]`)
			p.post(f).status(204)
			p.head(f.bucket, p.key("o")).status(200).has("Content-Type", "a/b")
		})
	l.raw("policy: the condition in the message", rulePolicy+"; quotes stand as they are",
		func(p *probe) {
			f := p.newForm().add("x-amz-meta-a", "2").allow(`["eq","$x-amz-meta-a","1"]`)
			a := p.post(f).fails(403, "AccessDenied")
			const want = `Policy Condition failed: ["eq", "$x-amz-meta-a", "1"]`
			if !strings.Contains(string(a.bytes), want) {
				p.errorf("no %s in %s", want, a.bytes)
			}
		})
	l.raw("policy: expiration that is none", ruleErrors+": InvalidPolicyDocument", func(p *probe) {
		f := p.newForm()
		f.policy = base64.StdEncoding.EncodeToString([]byte(
			`{"expiration":"tomorrow","conditions":[]}`))
		p.post(f).failsAny(400, "InvalidPolicyDocument", "MalformedPolicy")
	})
	for _, bad := range []string{`["content-length-range",0]`, `["content-length-range","a","b"]`,
		`["eq","$key"]`, `["starts-with","key","a"]`, `"text"`, `[]`} {
		l.raw("policy: condition "+bad, ruleErrors+": InvalidPolicyDocument", func(p *probe) {
			f := p.newForm().allow(bad)
			if a := p.post(f); a.code == 403 {
				a.fails(403, "AccessDenied")
			} else {
				a.failsAny(400, "InvalidPolicyDocument", "MalformedPolicy", "InvalidArgument")
			}
			p.get(f.bucket, p.key("o")).fails(404, "NoSuchKey")
		})
	}
	for _, c := range []struct {
		name, condition string
		field           [2]string
		ok              bool
	}{
		{"eq", `["eq","$x-amz-meta-a","1"]`, [2]string{"x-amz-meta-a", "1"}, true},
		{"eq that does not hold", `["eq","$x-amz-meta-a","1"]`, [2]string{"x-amz-meta-a", "2"}, false},
		{"eq with a longer value", `["eq","$x-amz-meta-a","1"]`, [2]string{"x-amz-meta-a", "11"}, false},
		{"starts-with", `["starts-with","$x-amz-meta-a","ab"]`, [2]string{"x-amz-meta-a", "abc"}, true},
		{"starts-with that does not hold", `["starts-with","$x-amz-meta-a","ab"]`,
			[2]string{"x-amz-meta-a", "ba"}, false},
		{"starts-with anything", `["starts-with","$x-amz-meta-a",""]`, [2]string{"x-amz-meta-a", "z"},
			true},
		{"a field without a condition", ``, [2]string{"x-amz-meta-a", "1"}, false},
		{"a condition without its field", `{"x-amz-meta-b":"1"}`, [2]string{}, false},
		{"another bucket", `{"bucket":"another-bucket"}`, [2]string{}, false},
		{"another key", `["starts-with","$key","nowhere/"]`, [2]string{}, false},
		{"content-length-range", `["content-length-range",5,5]`, [2]string{}, true},
	} {
		l.raw("policy: "+c.name, rulePolicy, func(p *probe) {
			f := p.newForm()
			if c.condition != "" {
				f.allow(c.condition)
			}
			if c.field[0] != "" {
				f.add(c.field[0], c.field[1])
			}
			if a := p.post(f); c.ok {
				a.status(204)
				p.get(f.bucket, p.key("o")).status(200).text("hello")
			} else {
				a.fails(403, "AccessDenied")
				p.get(f.bucket, p.key("o")).fails(404, "NoSuchKey")
			}
		})
	}
	for _, c := range [][3]string{{"too large", `["content-length-range",0,4]`, "EntityTooLarge"},
		{"too small", `["content-length-range",6,10]`, "EntityTooSmall"}} {
		l.raw("policy: a file that is "+c[0], rulePolicy+": content-length-range", func(p *probe) {
			f := p.newForm().allow(c[1])
			p.post(f).fails(400, c[2])
			p.get(f.bucket, p.key("o")).fails(404, "NoSuchKey")
		})
	}
	l.raw("policy: expired", rulePolicy+": expiration", func(p *probe) {
		f := p.newForm()
		f.expires = -time.Minute
		p.post(f).fails(403, "AccessDenied")
		p.get(f.bucket, p.key("o")).fails(404, "NoSuchKey")
	})
	for _, c := range [][2]string{{"no base64", "!!!"}, {"no JSON", "aGVsbG8="},
		{"no expiration", base64.StdEncoding.EncodeToString([]byte(`{"conditions":[]}`))},
		{"no conditions", base64.StdEncoding.EncodeToString([]byte(
			`{"expiration":"2099-01-01T00:00:00.000Z"}`))},
		{"another kind of condition", base64.StdEncoding.EncodeToString([]byte(
			`{"expiration":"2099-01-01T00:00:00.000Z","conditions":[["ends-with","$key","a"]]}`))}} {
		l.raw("policy: with "+c[0], ruleErrors+": InvalidPolicyDocument", func(p *probe) {
			f := p.newForm()
			f.policy = c[1]
			p.post(f).failsAny(400, "InvalidPolicyDocument", "MalformedPolicy")
			p.get(f.bucket, p.key("o")).fails(404, "NoSuchKey")
		})
	}
}

func badFormCases(l *list) {
	l.raw("form: another signature", ruleErrors+": SignatureDoesNotMatch", func(p *probe) {
		f := p.newForm()
		f.spoil = true
		p.post(f).fails(403, "SignatureDoesNotMatch")
		p.get(f.bucket, p.key("o")).fails(404, "NoSuchKey")
	})
	l.raw("form: another secret", ruleErrors+": SignatureDoesNotMatch", func(p *probe) {
		f := p.newForm()
		f.secret = "another"
		p.post(f).fails(403, "SignatureDoesNotMatch")
	})
	l.raw("form: without a policy", rulePost+": an anonymous request", func(p *probe) {
		f := p.newForm()
		f.noPolicy = true
		p.post(f).fails(403, "AccessDenied")
		p.get(f.bucket, p.key("o")).fails(404, "NoSuchKey")
	})
	l.raw("form: without a key", ruleErrors+": InvalidArgument, must contain a field named key",
		func(p *probe) {
			f := p.newForm()
			f.fields = nil
			p.post(f).failsAny(400, "InvalidArgument", "UserKeyMustBeSpecified")
		})
	l.raw("form: without a file", ruleErrors+": InvalidArgument, exactly one file", func(p *probe) {
		f := p.newForm()
		f.noFile = true
		p.post(f).failsAny(400, "InvalidArgument", "IncorrectNumberOfFilesInPostRequest")
	})
	l.raw("form: to no bucket", ruleErrors+": NoSuchBucket", func(p *probe) {
		f := p.newForm()
		f.bucket = "conf-none-" + p.id
		f.conditions[0] = `{"bucket":"` + f.bucket + `"}`
		p.post(f).fails(404, "NoSuchBucket")
	})
}
