package conformance

import (
	"fmt"
	"net/http"
	"strings"
	"time"
)

const (
	ruleHeaderAuth = api + "sig-v4-header-based-auth.html"
	ruleChunks     = api + "sigv4-streaming.html"
	ruleTrailers   = api + "sigv4-streaming-trailers.html"
)

func signatureCases(l *list) {
	badSignatureCases(l)
	tamperCases(l)
	canonicalCases(l)
	payloadCases(l)
	chunkCases(l)
	badChunkCases(l)
	hostCases(l)
}

// refused expects that a PUT is refused, and that nothing was stored.
func (r *request) refused(status int, codes ...string) *answer {
	a := r.send().failsAny(status, codes...)
	key := strings.SplitN(r.path, "/", 3)
	if len(key) == 3 {
		probe := r.p.req("GET", "", "")
		probe.path = r.path
		probe.send().fails(404, "NoSuchKey")
	}
	return a
}

func (p *probe) putReq() *request { return p.req("PUT", p.shared(), p.key("o")).body("hello") }

func badSignatureCases(l *list) {
	l.raw("another secret", ruleErrors+": SignatureDoesNotMatch", func(p *probe) {
		p.putReq().keys(p.accessKey, p.secretKey+"x").refused(403, "SignatureDoesNotMatch")
	})
	l.raw("an unknown access key", ruleErrors+": InvalidAccessKeyId", func(p *probe) {
		p.putReq().keys("AKIAIOSFODNN7EXAMPLE", p.secretKey).refused(403, "InvalidAccessKeyId")
	})
	l.raw("another region", ruleErrors+": AuthorizationHeaderMalformed, with Region", func(p *probe) {
		r := p.putReq()
		r.region = "mars-north-1"
		a := r.refused(400, "AuthorizationHeaderMalformed")
		a.element(a.xml("Error"), "Region", p.region)
	})
	l.raw("another service", ruleErrors+": AuthorizationHeaderMalformed", func(p *probe) {
		r := p.putReq()
		r.service = "ec2"
		r.refused(400, "AuthorizationHeaderMalformed")
	})
	for _, d := range []time.Duration{-20 * time.Minute, 20 * time.Minute, -48 * time.Hour} {
		l.raw(fmt.Sprint("clock off by ", d), ruleErrors+": RequestTimeTooSkewed", func(p *probe) {
			r := p.putReq()
			r.at = time.Now().Add(d)
			r.refused(403, "RequestTimeTooSkewed")
		})
	}
	for _, d := range []time.Duration{-10 * time.Minute, 10 * time.Minute} {
		l.raw(fmt.Sprint("clock off by ", d), guide+"RESTAuthentication.html: 15 minutes are allowed",
			func(p *probe) {
				r := p.putReq()
				r.at = time.Now().Add(d)
				r.send().status(200)
			})
	}
	for _, c := range []struct {
		name, value string // {a} is the access key, {s} scope, {g} signature
		codes       []string
	}{
		{"empty", "", []string{"AccessDenied", "AuthorizationHeaderMalformed", "InvalidRequest"}},
		{"only the algorithm", "AWS4-HMAC-SHA256", []string{"AuthorizationHeaderMalformed"}},
		{"no signature", "AWS4-HMAC-SHA256 Credential={a}/{s},SignedHeaders=host",
			[]string{"AuthorizationHeaderMalformed"}},
		{"no credential", "AWS4-HMAC-SHA256 SignedHeaders=host,Signature={g}",
			[]string{"AuthorizationHeaderMalformed"}},
		{"no signed headers", "AWS4-HMAC-SHA256 Credential={a}/{s},Signature={g}",
			[]string{"AuthorizationHeaderMalformed"}},
		{"a short scope", "AWS4-HMAC-SHA256 Credential={a}/20260101,SignedHeaders=host,Signature={g}",
			[]string{"AuthorizationHeaderMalformed"}},
		{"another kind", "Basic dXNlcjpwYXNz", []string{"InvalidArgument", "InvalidRequest"}},
		{"another algorithm", "AWS4-HMAC-SHA512 Credential={a}/{s},SignedHeaders=host,Signature={g}",
			[]string{"InvalidRequest", "InvalidArgument", "AuthorizationHeaderMalformed"}},
	} {
		l.raw("Authorization: "+c.name, ruleErrors+": AuthorizationHeaderMalformed", func(p *probe) {
			r := p.putReq()
			value := strings.NewReplacer("{a}", p.accessKey, "{s}", r.scope(time.Now().UTC().Format(
				stampLayout)), "{g}", strings.Repeat("0", 64)).Replace(c.value)
			r.tamper = func(req *http.Request) { req.Header.Set("Authorization", value) }
			status := 400
			if c.name == "empty" {
				status = 403
			}
			if a := r.send(); a.code == 400 && status == 403 {
				a.failsAny(400, c.codes...)
			} else {
				a.failsAny(status, c.codes...)
			}
			p.get(p.shared(), p.key("o")).fails(404, "NoSuchKey")
		})
	}
	l.raw("no date", ruleErrors+": AccessDenied", func(p *probe) {
		r := p.putReq()
		r.tamper = func(req *http.Request) { req.Header.Del("X-Amz-Date") }
		r.refused(403, "AccessDenied", "SignatureDoesNotMatch")
	})
	l.raw("no payload hash", ruleHeaderAuth+": x-amz-content-sha256 is required", func(p *probe) {
		r := p.putReq()
		r.tamper = func(req *http.Request) { req.Header.Del("X-Amz-Content-Sha256") }
		r.refused(400, "InvalidRequest")
	})
}

func tamperCases(l *list) {
	for name, tamper := range map[string]func(*http.Request){
		"a header of the signature": func(r *http.Request) { r.Header.Set("X-Amz-Meta-A", "2") },
		"a header that is gone":     func(r *http.Request) { r.Header.Del("X-Amz-Meta-A") },
		"the query":                 func(r *http.Request) { r.URL.RawQuery = "x-id=PutObject" },
		"the method":                func(r *http.Request) { r.Method = "DELETE" },
		"the host":                  func(r *http.Request) { r.Host = "example.com" },
		"the signature": func(r *http.Request) {
			v := r.Header.Get("Authorization")
			r.Header.Set("Authorization", v[:len(v)-64]+strings.Repeat("a", 64))
		},
	} {
		l.raw("changed: "+name, ruleErrors+": SignatureDoesNotMatch", func(p *probe) {
			r := p.putReq().field("x-amz-meta-a", "1")
			r.tamper = tamper
			r.refused(403, "SignatureDoesNotMatch", "AccessDenied")
		})
	}
	l.raw("changed: the key", ruleErrors+": SignatureDoesNotMatch", func(p *probe) {
		r := p.putReq()
		r.tamper = func(req *http.Request) { req.URL.Path += "2"; req.URL.RawPath = "" }
		r.send().fails(403, "SignatureDoesNotMatch")
		p.get(p.shared(), p.key("o2")).fails(404, "NoSuchKey")
	})
	for _, name := range []string{"X-Amz-Meta-Late", "X-Amz-Acl", "X-Amz-Copy-Source",
		"X-Amz-Storage-Class", "X-Amz-Tagging"} {
		l.raw("unsigned header "+name, ruleHeaderAuth+": all x-amz-* headers must be signed",
			func(p *probe) {
				r := p.putReq()
				r.tamper = func(req *http.Request) { req.Header.Set(name, "value") }
				r.refused(403, "AccessDenied", "SignatureDoesNotMatch")
			})
	}
}

func canonicalCases(l *list) {
	for _, prefix := range []string{"a b", "a+b", "a=b", "a&b", "a/b", "~-_.", "ü", "%41", "a%2Fb", "*'()!",
		"", "日本", "a\"b", "@:;,$"} {
		l.raw(fmt.Sprintf("query with %q", prefix), ruleHeaderAuth+": CanonicalQueryString",
			func(p *probe) {
				a := p.sub("GET", p.shared(), "", "list-type=2&prefix="+escape(p.key(prefix)), "").
					status(200)
				a.element(a.xml("ListBucketResult"), "Prefix", p.key(prefix))
			})
	}
	for _, query := range []string{"prefix=b&delimiter=a", "delimiter=&prefix=x", "max-keys=1&prefix",
		"x-id=ListObjects&prefix=x", "prefix=A&fetch-owner=a&list-type=2", "z=1&a=2&Z=3&A=4"} {
		l.raw("query "+query, ruleHeaderAuth+": parameters in the order of their names", func(p *probe) {
			p.sub("GET", p.shared(), "", query, "").status(200).xml("ListBucketResult")
		})
	}
	for _, value := range []string{"a  b", " a", "a ", "  many   spaces  between  "} {
		l.raw(fmt.Sprintf("header %q", value), ruleHeaderAuth+": Trim of header values", func(p *probe) {
			p.putReq().field("x-amz-meta-a", value).send().status(200)
		})
	}
	l.raw("Date in place of x-amz-date", ruleHeaderAuth+": Date or x-amz-date", func(p *probe) {
		p.putReq().field("Date", time.Now().UTC().Format(http.TimeFormat)).send().status(200)
	})
	l.raw("spaces in Authorization", ruleHeaderAuth, func(p *probe) {
		r := p.putReq()
		r.tamper = func(req *http.Request) {
			req.Header.Set("Authorization", strings.ReplaceAll(req.Header.Get("Authorization"), ",",
				", "))
		}
		r.send().status(200)
	})
}

func payloadCases(l *list) {
	l.raw("payload that is another", ruleErrors+": XAmzContentSHA256Mismatch", func(p *probe) {
		p.putReq().hash(sha256Hex([]byte("other"))).refused(400, "XAmzContentSHA256Mismatch")
	})
	l.raw("payload that is unsigned", ruleHeaderAuth+": UNSIGNED-PAYLOAD", func(p *probe) {
		p.putReq().hash(unsignedPayload).send().status(200)
		p.get(p.shared(), p.key("o")).status(200).text("hello")
	})
	for _, hash := range []string{"nonsense", "STREAMING-NONSENSE", strings.Repeat("g", 64),
		strings.Repeat("a", 63)} {
		l.raw("payload hash "+hash, ruleHeaderAuth+": a hash, or one of the fixed values",
			func(p *probe) {
				r := p.putReq().hash(hash)
				if a := r.send(); a.code != 400 && a.code != 403 && a.code != 501 {
					p.errorf("%v, want 400, 403 or 501", a)
				}
				p.get(p.shared(), p.key("o")).fails(404, "NoSuchKey")
			})
	}
	l.raw("payload of a list", ruleErrors+": XAmzContentSHA256Mismatch", func(p *probe) {
		b := p.shared()
		p.put(b, p.key("o"), "x")
		p.req("POST", b, "").query("delete").body(deleteXML(false, p.key("o"))).md5().
			hash(sha256Hex(nil)).send().fails(400, "XAmzContentSHA256Mismatch")
		p.get(b, p.key("o")).status(200)
	})
	l.raw("Expect: 100-continue", "https://www.rfc-editor.org/rfc/rfc9110#field.expect", func(p *probe) {
		p.putReq().field("Expect", "100-continue").send().status(200)
		p.get(p.shared(), p.key("o")).status(200).text("hello")
	})
	l.raw("Expect: 100-continue with a bad signature", "https://www.rfc-editor.org/rfc/rfc9110"+
		"#field.expect", func(p *probe) {
		p.putReq().field("Expect", "100-continue").keys(p.accessKey, "x").
			refused(403, "SignatureDoesNotMatch")
	})
}

func chunkCases(l *list) {
	for _, n := range []int{0, 1, 8192, 8193, 65_536, 65_537, 200_000} {
		for _, s := range []stream{{signed: true, chunkBytes: 8192}, {signed: true},
			{trailer: "x-amz-checksum-crc32"}, {signed: true, trailer: "x-amz-checksum-crc32"}} {
			name := fmt.Sprintf("%d bytes, %s, chunks of %d", n, s.payload(), s.chunkBytes)
			l.raw(name, ruleChunks+", sigv4-streaming-trailers.html", func(p *probe) {
				b, k, content := p.shared(), p.key("o"), bytesOf(n)
				if s.trailer != "" {
					s.sum = sumCases()[0].of(content)
				}
				p.req("PUT", b, k).chunks(s, content).send().status(200).has("ETag", etagOf(content))
				p.get(b, k).status(200).text(content).lacks("Content-Encoding").
					has("Content-Length", fmt.Sprint(n))
			})
		}
	}
	l.raw("chunks with another encoding", ruleChunks+": aws-chunked is not stored", func(p *probe) {
		b, k := p.shared(), p.key("o")
		p.req("PUT", b, k).field("Content-Encoding", "aws-chunked,gzip").chunks(stream{signed: true},
			"hello").send().status(200)
		p.get(b, k).status(200).has("Content-Encoding", "gzip").text("hello")
	})
	l.raw("chunks of a part", ruleChunks, func(p *probe) {
		u := p.newUpload(p.shared(), p.key("o"))
		u.req("PUT", "partNumber=1&").chunks(stream{signed: true}, "hello").send().status(200).
			has("ETag", etagOf("hello"))
		u.parts = []part{{number: 1, etag: etagOf("hello")}}
		u.complete().status(200)
		p.get(u.bucket, u.key).status(200).text("hello")
	})
	l.raw("chunks without Content-Encoding", ruleChunks+": x-amz-content-sha256 says it",
		func(p *probe) {
			b, k := p.shared(), p.key("o")
			r := p.req("PUT", b, k).chunks(stream{signed: true}, "hello")
			delete(r.header, "Content-Encoding")
			r.send().status(200)
			p.get(b, k).status(200).text("hello")
		})
}

func badChunkCases(l *list) {
	content := bytesOf(30_000)
	flip := func(s string) string {
		i := strings.Index(s, "chunk-signature=") + len("chunk-signature=")
		return s[:i] + strings.Repeat("0", 64) + s[i+64:]
	}
	for _, c := range []struct {
		name   string
		mangle func(chunks []string) []string
		status int
		codes  []string
	}{
		{"the first signature is wrong", func(c []string) []string { c[0] = flip(c[0]); return c }, 403,
			[]string{"SignatureDoesNotMatch"}},
		{"the last signature is wrong", func(c []string) []string {
			c[len(c)-1] = flip(c[len(c)-1])
			return c
		}, 403, []string{"SignatureDoesNotMatch"}},
		{"out of order", func(c []string) []string { c[0], c[1] = c[1], c[0]; return c }, 403,
			[]string{"SignatureDoesNotMatch"}},
		{"one twice", func(c []string) []string { c[1] = c[0]; return c }, 403,
			[]string{"SignatureDoesNotMatch"}},
		{"other bytes", func(c []string) []string {
			c[1] = strings.Replace(c[1], "\r\n"+content[8192:8200], "\r\nXXXXXXXX", 1)
			return c
		}, 403, []string{"SignatureDoesNotMatch"}},
		{"no last chunk", func(c []string) []string { return c[:len(c)-1] }, 403,
			[]string{"SignatureDoesNotMatch"}},
		{"no signature", func(c []string) []string {
			i := strings.Index(c[0], ";")
			c[0] = c[0][:i] + c[0][i+len(";chunk-signature=")+64:]
			return c
		}, 400, []string{"InvalidRequest", "InvalidArgument", "IncompleteBody", "SignatureDoesNotMatch"}},
		{"a size that is none", func(c []string) []string { c[0] = "zz" + c[0][4:]; return c }, 400,
			[]string{"InvalidRequest", "InvalidArgument", "IncompleteBody"}},
	} {
		l.raw("bad chunks: "+c.name, ruleChunks, func(p *probe) {
			s := stream{signed: true, chunkBytes: 8192, mangle: c.mangle}
			r := p.req("PUT", p.shared(), p.key("o")).chunks(s, content)
			a := r.send()
			switch {
			case c.name == "no signature" && a.code == 403:
				a.failsAny(403, "SignatureDoesNotMatch", "AccessDenied")
			case c.name == "no last chunk" && a.code == 400:
				a.failsAny(400, "IncompleteBody", "InvalidRequest")
			default:
				a.failsAny(c.status, c.codes...)
			}
			p.get(p.shared(), p.key("o")).fails(404, "NoSuchKey")
		})
	}
	for _, d := range []int{-1, 1} {
		l.raw(fmt.Sprintf("bad chunks: decoded length off by %d", d), ruleErrors+": IncompleteBody",
			func(p *probe) {
				s := stream{signed: true, decoded: len(content) + d}
				p.req("PUT", p.shared(), p.key("o")).chunks(s, content).
					refused(400, "IncompleteBody", "InvalidRequest")
			})
	}
	l.raw("bad chunks: no decoded length", ruleErrors+": MissingContentLength", func(p *probe) {
		r := p.req("PUT", p.shared(), p.key("o")).chunks(stream{signed: true}, content)
		delete(r.header, "X-Amz-Decoded-Content-Length")
		r.refused(411, "MissingContentLength")
	})
	l.raw("bad chunks: signature of the trailer", ruleTrailers, func(p *probe) {
		s := stream{signed: true, trailer: "x-amz-checksum-crc32", sum: sumCases()[0].of(content),
			spoilTrailer: true}
		p.req("PUT", p.shared(), p.key("o")).chunks(s, content).refused(403, "SignatureDoesNotMatch")
	})
}

func hostCases(l *list) {
	const rule = guide + "VirtualHosting.html"
	l.raw("virtual-host style", rule, func(p *probe) {
		b, k := p.shared(), p.key("o")
		at := func(method, key string) *request {
			r := p.req(method, "", "")
			r.path, r.host = "/"+escapePath(key), b+"."+p.domain
			return r
		}
		at("PUT", k).body("hello").send().status(200)
		p.get(b, k).status(200).text("hello")
		at("GET", k).send().status(200).text("hello")
		at("HEAD", "").send().status(200)
		a := at("GET", "").query("list-type=2&prefix=" + p.prefix()).send().status(200)
		a.element(a.xml("ListBucketResult"), "Contents/Key", k)
		at("DELETE", k).send().status(204)
		p.get(b, k).fails(404, "NoSuchKey")
	})
	l.raw("virtual-host style: no bucket", rule, func(p *probe) {
		r := p.req("GET", "", "")
		r.host = "conf-none-" + p.id + "." + p.domain
		r.send().fails(404, "NoSuchBucket")
	})
	l.raw("virtual-host style: create and delete", rule, func(p *probe) {
		r := p.req("PUT", "", "")
		r.host = "conf-" + p.id + "." + p.domain
		r.send().status(200)
		p.remove("conf-" + p.id)
		p.req("HEAD", "conf-"+p.id, "").send().status(200)
		r.method = "DELETE"
		r.send().status(204)
	})
}
