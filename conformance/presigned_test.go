package conformance

import (
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

const rulePresigned = api + "sigv4-query-string-auth.html"

func presignedCases(l *list) {
	presignedLifeCases(l)
	badPresignedCases(l)
	presignedSDKCases(l)
}

// presigned is a request that is signed in its query.
func (p *probe) presigned(method, key string) *request {
	r := p.req(method, p.shared(), key)
	r.presign = time.Minute
	return r
}

func presignedLifeCases(l *list) {
	l.raw("put, get, head, delete", rulePresigned, func(p *probe) {
		k := p.key("a b+ü&=/o")
		p.presigned("PUT", k).body("hello").send().status(200).has("ETag", etagOf("hello"))
		p.presigned("GET", k).send().status(200).text("hello")
		p.presigned("HEAD", k).send().status(200).has("Content-Length", "5")
		p.presigned("DELETE", k).send().status(204)
		p.get(p.shared(), k).fails(404, "NoSuchKey")
	})
	l.raw("list", rulePresigned, func(p *probe) {
		p.presigned("GET", "").query("list-type=2&prefix=" + escape(p.prefix())).send().status(200).
			xml("ListBucketResult")
	})
	l.raw("with a range", rulePresigned+": Range need not be signed", func(p *probe) {
		b, k := p.shared(), p.key("o")
		p.put(b, k, "0123456789")
		r := p.presigned("GET", k)
		r.tamper = func(req *http.Request) { req.Header.Set("Range", "bytes=2-4") }
		r.send().status(206).text("234")
	})
	l.raw("with a signed header", rulePresigned+": X-Amz-SignedHeaders", func(p *probe) {
		b, k := p.shared(), p.key("o")
		p.presigned("PUT", k).field("x-amz-meta-a", "1").field("Content-Type", "a/b").body("x").send().
			status(200)
		p.head(b, k).status(200).has("x-amz-meta-a", "1").has("Content-Type", "a/b")
	})
	l.raw("with an override", rulePresigned+"; API_GetObject.html: response-*", func(p *probe) {
		p.put(p.shared(), p.key("o"), "x")
		p.presigned("GET", p.key("o")).query("response-content-type=a%2Fb").send().status(200).
			has("Content-Type", "a/b")
	})
	l.raw("for seven days", rulePresigned+": X-Amz-Expires up to 604800", func(p *probe) {
		p.put(p.shared(), p.key("o"), "x")
		r := p.presigned("GET", p.key("o"))
		r.presign = 604_800 * time.Second
		r.send().status(200)
	})
	l.raw("some minutes old", rulePresigned+": until X-Amz-Expires", func(p *probe) {
		p.put(p.shared(), p.key("o"), "x")
		r := p.presigned("GET", p.key("o"))
		r.at, r.presign = time.Now().Add(-time.Hour), 2*time.Hour
		r.send().status(200)
	})
	l.raw("a part", rulePresigned, func(p *probe) {
		u := p.newUpload(p.shared(), p.key("o"))
		r := p.presigned("PUT", u.key).query("partNumber=1&uploadId=" + escape(u.id)).body("hello")
		r.send().status(200)
		u.parts = []part{{number: 1, etag: etagOf("hello")}}
		u.complete().status(200)
	})
}

func badPresignedCases(l *list) {
	l.raw("expired", rulePresigned+"; ErrorResponses.html: AccessDenied", func(p *probe) {
		p.put(p.shared(), p.key("o"), "x")
		r := p.presigned("GET", p.key("o"))
		r.at = time.Now().Add(-2 * time.Minute)
		r.send().fails(403, "AccessDenied")
	})
	l.raw("from the future", rulePresigned+": not valid yet", func(p *probe) {
		p.put(p.shared(), p.key("o"), "x")
		r := p.presigned("GET", p.key("o"))
		r.at = time.Now().Add(time.Hour)
		r.send().failsAny(403, "AccessDenied", "RequestTimeTooSkewed")
	})
	for _, c := range []struct{ name, from, to, codes string }{
		{"Expires 604801", "X-Amz-Expires=60", "X-Amz-Expires=604801", "AuthorizationQueryParametersError"},
		{"Expires -1", "X-Amz-Expires=60", "X-Amz-Expires=-1", "AuthorizationQueryParametersError"},
		{"Expires x", "X-Amz-Expires=60", "X-Amz-Expires=x", "AuthorizationQueryParametersError"},
		{"no Expires", "&X-Amz-Expires=60", "", "AuthorizationQueryParametersError"},
		{"no SignedHeaders", "&X-Amz-SignedHeaders=host", "", "AuthorizationQueryParametersError"},
		{"another algorithm", "AWS4-HMAC-SHA256", "AWS4-HMAC-MD5", "AuthorizationQueryParametersError," +
			"InvalidRequest"},
		{"another service", "%2Fs3%2F", "%2Fec2%2F", "AuthorizationQueryParametersError"},
		{"another scope", "aws4_request", "aws5_request", "AuthorizationQueryParametersError"},
	} {
		l.raw("bad: "+c.name, ruleErrors+": AuthorizationQueryParametersError", func(p *probe) {
			p.put(p.shared(), p.key("o"), "x")
			r := p.presigned("GET", p.key("o"))
			r.tamper = func(req *http.Request) {
				req.URL.RawQuery = strings.Replace(req.URL.RawQuery, c.from, c.to, 1)
			}
			r.send().failsAny(400, strings.Split(c.codes, ",")...)
		})
	}
	l.raw("bad: another region", ruleErrors+": AuthorizationQueryParametersError", func(p *probe) {
		p.put(p.shared(), p.key("o"), "x")
		r := p.presigned("GET", p.key("o"))
		r.region = "mars-north-1"
		r.send().fails(400, "AuthorizationQueryParametersError")
	})
	l.raw("bad: an unknown key", ruleErrors+": InvalidAccessKeyId", func(p *probe) {
		p.presigned("GET", p.key("o")).keys("AKIAIOSFODNN7EXAMPLE", "x").send().
			fails(403, "InvalidAccessKeyId")
	})
	for name, tamper := range map[string]func(*http.Request){
		"the method": func(r *http.Request) { r.Method = "DELETE" },
		"the key":    func(r *http.Request) { r.URL.Path += "2"; r.URL.RawPath = "" },
		"a parameter more": func(r *http.Request) {
			r.URL.RawQuery += "&response-content-type=a%2Fb"
		},
		"a longer time": func(r *http.Request) {
			r.URL.RawQuery = strings.Replace(r.URL.RawQuery, "Expires=60", "Expires=600", 1)
		},
		"the host": func(r *http.Request) { r.Host = "example.com" },
		"the signature": func(r *http.Request) {
			q := r.URL.RawQuery
			r.URL.RawQuery = q[:len(q)-64] + strings.Repeat("0", 64)
		},
	} {
		l.raw("changed: "+name, ruleErrors+": SignatureDoesNotMatch", func(p *probe) {
			b, k := p.shared(), p.key("o")
			p.put(b, k, "x")
			r := p.presigned("GET", k)
			r.tamper = tamper
			r.send().fails(403, "SignatureDoesNotMatch")
			p.get(b, k).status(200)
		})
	}
	l.raw("an unsigned x-amz header", rulePresigned+": must be signed", func(p *probe) {
		r := p.presigned("PUT", p.key("o")).body("x")
		r.tamper = func(req *http.Request) { req.Header.Set("X-Amz-Meta-A", "1") }
		r.send().failsAny(403, "AccessDenied", "SignatureDoesNotMatch")
		p.get(p.shared(), p.key("o")).fails(404, "NoSuchKey")
	})
	l.raw("a signed header that is missing", rulePresigned, func(p *probe) {
		r := p.presigned("PUT", p.key("o")).body("x").field("x-amz-meta-a", "1")
		r.tamper = func(req *http.Request) { req.Header.Del("X-Amz-Meta-A") }
		r.send().failsAny(403, "SignatureDoesNotMatch", "AccessDenied")
		p.get(p.shared(), p.key("o")).fails(404, "NoSuchKey")
	})
	l.raw("both ways at once", ruleErrors+": InvalidArgument, only one auth mechanism", func(p *probe) {
		p.put(p.shared(), p.key("o"), "x")
		r := p.presigned("GET", p.key("o"))
		r.tamper = func(req *http.Request) {
			req.Header.Set("Authorization", algorithm+" Credential=a,SignedHeaders=host,Signature=b")
		}
		r.send().fails(400, "InvalidArgument")
	})
}

func presignedSDKCases(l *list) {
	fetch := func(p *probe, method, address, body string) *answer {
		req, err := http.NewRequestWithContext(p.ctx, method, address, strings.NewReader(body))
		if err != nil {
			p.fatalf("%v", err)
		}
		res, err := p.http.Do(req)
		if err != nil {
			p.fatalf("%v", err)
		}
		defer res.Body.Close()
		got, err := io.ReadAll(res.Body)
		if err != nil {
			p.fatalf("%v", err)
		}
		return &answer{p: p, what: method + " " + address, code: res.StatusCode, header: res.Header,
			bytes: got}
	}
	l.aws("put, get, delete", rulePresigned, func(p *probe) {
		b, k := p.shared(), p.key("a b/ü+")
		c := s3.NewPresignClient(p.aws)
		must := func(r *v4.PresignedHTTPRequest, err error) *v4.PresignedHTTPRequest {
			if err != nil {
				p.fatalf("%v", err)
			}
			return r
		}
		put := must(c.PresignPutObject(p.ctx, &s3.PutObjectInput{Bucket: &b, Key: &k}))
		fetch(p, put.Method, put.URL, "hello").status(200)
		get := must(c.PresignGetObject(p.ctx, &s3.GetObjectInput{Bucket: &b, Key: &k}))
		fetch(p, get.Method, get.URL, "").status(200).text("hello")
		fetch(p, "DELETE", get.URL, "").fails(403, "SignatureDoesNotMatch")
		head := must(c.PresignHeadObject(p.ctx, &s3.HeadObjectInput{Bucket: &b, Key: &k}))
		fetch(p, head.Method, head.URL, "").status(200).has("Content-Length", "5")
		del := must(c.PresignDeleteObject(p.ctx, &s3.DeleteObjectInput{Bucket: &b, Key: &k}))
		fetch(p, del.Method, del.URL, "").status(204)
	})
	l.minio("put, get", rulePresigned, func(p *probe) {
		b, k := p.shared(), p.key("a b/ü+")
		put, err := p.minio.PresignedPutObject(p.ctx, b, k, time.Minute)
		if err != nil {
			p.fatalf("%v", err)
		}
		fetch(p, "PUT", put.String(), "hello").status(200)
		get, err := p.minio.PresignedGetObject(p.ctx, b, k, time.Minute,
			url.Values{"response-content-type": {"a/b"}})
		if err != nil {
			p.fatalf("%v", err)
		}
		fetch(p, "GET", get.String(), "").status(200).text("hello").has("Content-Type", "a/b")
	})
}
