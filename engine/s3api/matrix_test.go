package s3api

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"flashstore/engine/sigv4"
)

// allows permits one access key everything and others nothing.
type allows string

func (a allows) Authorize(accessKey, _, _, _ string) bool { return accessKey == string(a) }

// onlyBucket permits everybody everything in one bucket.
type onlyBucket string

func (o onlyBucket) Authorize(_, _, bucket, _ string) bool { return bucket == string(o) }

// subNames are parameters that ask for the sub-resources of the table, one each.
var subNames = []string{"location", "versioning", "object-lock", "list-type=2", "delete", "uploads",
	"uploadId=0123", "partNumber=1", "versionId=null", "tagging", "attributes", "versions", "retention",
	"legal-hold", "acl", "policy", "cors", "lifecycle", "encryption", "restore", "select", "website", "logging",
	"ownershipControls", "publicAccessBlock", "policyStatus", "requestPayment", "accelerate", "notification",
	"replication", "torrent", "renameObject"}

// row is a request that reaches the route; ok is false if the table has sub-resources unknown here.
func (r *route) row(virtual bool) (target string, header []string, ok bool) {
	target = [...]string{"/", "/bucket", "/bucket/k"}[r.level]
	if virtual && r.level != atService {
		target = [...]string{"", "/", "/k"}[r.level]
		header = append(header, "Host", "bucket.s3.test")
	}
	left, query := r.subs&^subCopySource, ""
	for _, name := range subNames {
		plain, value, _ := strings.Cut(name, "=")
		if bit := subOf([]byte(plain), []byte(value)); bit != 0 && left&bit == bit && bit != subForeign {
			query += "&" + name
			left &^= bit
		}
	}
	if query != "" {
		target += "?" + query[1:]
	}
	if r.subs&subCopySource != 0 {
		header = append(header, "x-amz-copy-source", "/bucket/k")
	}
	return target, header, left == 0
}

// matrix makes requests for one route.
type matrix struct {
	*fixture
	route    *route
	virtual  bool
	uploadID string // "": that of an upload there is not
}

// target is path and query.
func (m *matrix) target() string {
	target, _, _ := m.route.row(m.virtual)
	if m.uploadID == "" {
		return target
	}
	return strings.Replace(target, "uploadId=0123", "uploadId="+m.uploadID, 1)
}

// plain is the request without credentials. Forms are the body of their operation.
func (m *matrix) plain() *http.Request {
	_, header, _ := m.route.row(m.virtual)
	if m.route.op != OpPostObject {
		return m.request(m.route.method, m.target(), "", header...)
	}
	form := postForm{fields: []string{"key=k"}, unsigned: true}
	return m.request(m.route.method, m.target(), form.text(), append(header, "Content-Type", formType)...)
}

// signer says how a request is signed; the zero value signs well.
type signer struct {
	key, secret, region, service, hash string
	after                              time.Duration // the clock of the client
	expires                            time.Duration
}

func (m *matrix) signing(s signer) (signer, time.Time) {
	fill := func(v *string, std string) {
		if *v == "" {
			*v = std
		}
	}
	fill(&s.key, testKey)
	fill(&s.secret, testSecret)
	fill(&s.region, "us-east-1")
	fill(&s.service, "s3")
	fill(&s.hash, sigv4.UnsignedPayload)
	if s.expires == 0 {
		s.expires = time.Minute
	}
	return s, time.Now().Add(s.after)
}

// header signs in the header, and then edits.
func (m *matrix) header(s signer, edit func(*http.Request)) *http.Request {
	req := m.plain()
	s, now := m.signing(s)
	if _, err := sigv4.Sign(req, s.key, s.secret, s.region, s.service, s.hash, now); err != nil {
		m.t.Fatal(err)
	}
	if edit != nil {
		edit(req)
	}
	return req
}

// query signs in the URL, and then edits.
func (m *matrix) query(s signer, edit func(*http.Request)) *http.Request {
	req := m.plain()
	s, now := m.signing(s)
	if err := sigv4.Presign(req, s.key, s.secret, s.region, s.service, s.expires, now); err != nil {
		m.t.Fatal(err)
	}
	if edit != nil {
		edit(req)
	}
	return req
}

func replaceIn(name, old, new string) func(*http.Request) {
	return func(r *http.Request) {
		value := r.Header.Get(name)
		if !strings.Contains(value, old) {
			panic(old + " is not in " + value)
		}
		r.Header.Set(name, strings.Replace(value, old, new, 1))
	}
}

func replaceQuery(old, new string) func(*http.Request) {
	return func(r *http.Request) {
		if !strings.Contains(r.URL.RawQuery, old) {
			panic(old + " is not in " + r.URL.RawQuery)
		}
		r.URL.RawQuery = strings.Replace(r.URL.RawQuery, old, new, 1)
	}
}

func setHeader(name, value string) func(*http.Request) {
	return func(r *http.Request) { r.Header[name] = append(r.Header[name], value) }
}

// otherMethod is another one that a signature made for the first must not do for.
func otherMethod(r *http.Request) {
	if r.Method == "GET" {
		r.Method = "DELETE"
	} else {
		r.Method = "GET"
	}
}

// intruders are all who may not use an operation, what they send, and what they are told.
var intruders = []struct {
	who    string
	status int
	code   string
	send   func(*matrix) *http.Request
}{
	{"anonymous", 403, "AccessDenied", (*matrix).plain},
	{"not permitted", 403, "AccessDenied", func(m *matrix) *http.Request { return m.header(signer{}, nil) }},
	{"not permitted, presigned", 403, "AccessDenied", func(m *matrix) *http.Request { return m.query(signer{}, nil) }},
	{"bad signature", 403, "SignatureDoesNotMatch", func(m *matrix) *http.Request { return m.header(signer{secret: "wrong-secret"}, nil) }},
	{"bad signature, presigned", 403, "SignatureDoesNotMatch", func(m *matrix) *http.Request { return m.query(signer{secret: "wrong-secret"}, nil) }},
	{"unknown key", 403, "InvalidAccessKeyId", func(m *matrix) *http.Request { return m.header(signer{key: "stranger"}, nil) }},
	{"unknown key, presigned", 403, "InvalidAccessKeyId", func(m *matrix) *http.Request { return m.query(signer{key: "stranger"}, nil) }},
	{"expired", 403, "AccessDenied", func(m *matrix) *http.Request { return m.query(signer{after: -time.Hour}, nil) }},
	{"of the future", 403, "AccessDenied", func(m *matrix) *http.Request { return m.query(signer{after: 16 * time.Minute}, nil) }},
	{"clock behind", 403, "RequestTimeTooSkewed", func(m *matrix) *http.Request { return m.header(signer{after: -16 * time.Minute}, nil) }},
	{"clock ahead", 403, "RequestTimeTooSkewed", func(m *matrix) *http.Request { return m.header(signer{after: 16 * time.Minute}, nil) }},
	{"wrong region", 400, "AuthorizationHeaderMalformed", func(m *matrix) *http.Request { return m.header(signer{region: "eu-west-1"}, nil) }},
	{"wrong region, presigned", 400, "AuthorizationQueryParametersError", func(m *matrix) *http.Request { return m.query(signer{region: "eu-west-1"}, nil) }},
	{"wrong service", 400, "AuthorizationHeaderMalformed", func(m *matrix) *http.Request { return m.header(signer{service: "sts"}, nil) }},
	{"wrong service, presigned", 400, "AuthorizationQueryParametersError", func(m *matrix) *http.Request { return m.query(signer{service: "sts"}, nil) }},
	{"no signature", 400, "AuthorizationHeaderMalformed", func(m *matrix) *http.Request {
		return m.header(signer{}, replaceIn("Authorization", ", Signature=", ", Nothing="))
	}},
	{"no signature, presigned", 400, "AuthorizationQueryParametersError", func(m *matrix) *http.Request { return m.query(signer{}, replaceQuery("X-Amz-Signature", "x-nothing")) }},
	{"header and query", 400, "InvalidArgument", func(m *matrix) *http.Request {
		return m.query(signer{}, func(r *http.Request) {
			r.Header.Set("Authorization", m.header(signer{}, nil).Header.Get("Authorization"))
		})
	}},
	{"two Authorization headers", 400, "AuthorizationHeaderMalformed", func(m *matrix) *http.Request {
		return m.header(signer{}, setHeader("Authorization", "AWS4-HMAC-SHA256 x"))
	}},
	{"a parameter twice", 400, "AuthorizationQueryParametersError", func(m *matrix) *http.Request {
		return m.query(signer{}, replaceQuery("X-Amz-Date", "X-Amz-Expires=7&X-Amz-Date"))
	}},
	{"expires 0", 400, "AuthorizationQueryParametersError", func(m *matrix) *http.Request { return m.query(signer{}, replaceQuery("Expires=60", "Expires=0")) }},
	{"expires -1", 400, "AuthorizationQueryParametersError", func(m *matrix) *http.Request { return m.query(signer{}, replaceQuery("Expires=60", "Expires=-1")) }},
	{"expires after a week", 400, "AuthorizationQueryParametersError", func(m *matrix) *http.Request { return m.query(signer{}, replaceQuery("Expires=60", "Expires=604801")) }},
	{"expires never", 400, "AuthorizationQueryParametersError", func(m *matrix) *http.Request { return m.query(signer{}, replaceQuery("Expires=60", "Expires=never")) }},
	{"expires later than signed", 403, "SignatureDoesNotMatch", func(m *matrix) *http.Request { return m.query(signer{}, replaceQuery("Expires=60", "Expires=61")) }},
	{"another method", 403, "SignatureDoesNotMatch", func(m *matrix) *http.Request { return m.header(signer{}, otherMethod) }},
	{"another method, presigned", 403, "SignatureDoesNotMatch", func(m *matrix) *http.Request { return m.query(signer{}, otherMethod) }},
	{"another parameter", 403, "SignatureDoesNotMatch", func(m *matrix) *http.Request { return m.query(signer{}, replaceQuery("X-Amz-Date", "a=b&X-Amz-Date")) }},
	{"another path", 403, "SignatureDoesNotMatch", func(m *matrix) *http.Request { return m.query(signer{}, func(r *http.Request) { r.URL.Path += "x" }) }},
	{"host not signed", 403, "AccessDenied", func(m *matrix) *http.Request { return m.header(signer{}, replaceIn("Authorization", "host;", "")) }},
	{"host not signed, presigned", 403, "AccessDenied", func(m *matrix) *http.Request {
		return m.query(signer{}, replaceQuery("host", "user-agent"))
	}},
	{"a field not signed", 403, "AccessDenied", func(m *matrix) *http.Request { return m.header(signer{}, setHeader("X-Amz-Meta-A", "b")) }},
	{"a field not signed, presigned", 403, "AccessDenied", func(m *matrix) *http.Request { return m.query(signer{}, setHeader("X-Amz-Meta-A", "b")) }},
	{"session token", 403, "InvalidToken", func(m *matrix) *http.Request {
		return m.signedWith("X-Amz-Security-Token", "token")
	}},
	{"token without signature", 403, "InvalidToken", func(m *matrix) *http.Request {
		req := m.plain()
		req.Header.Set("X-Amz-Security-Token", "token")
		return req
	}},
	{"signature version 2", 400, "InvalidRequest", func(m *matrix) *http.Request {
		return m.header(signer{}, func(r *http.Request) { r.Header.Set("Authorization", "AWS "+testKey+":c2lnbmF0dXJl") })
	}},
	{"signature version 4A", 400, "InvalidRequest", func(m *matrix) *http.Request {
		return m.header(signer{}, replaceIn("Authorization", "AWS4-HMAC-SHA256", "AWS4-ECDSA-P256-SHA256"))
	}},
	{"signature version 4A, presigned", 400, "InvalidRequest", func(m *matrix) *http.Request {
		return m.query(signer{}, replaceQuery("AWS4-HMAC-SHA256", "AWS4-ECDSA-P256-SHA256"))
	}},
	{"no payload hash", 400, "InvalidRequest", func(m *matrix) *http.Request {
		return m.header(signer{}, func(r *http.Request) { r.Header.Del("X-Amz-Content-Sha256") })
	}},
	{"unknown payload mode", 403, "AccessDenied", func(m *matrix) *http.Request { return m.header(signer{hash: "STREAMING-SOMETHING"}, nil) }},
	{"payload mode of version 4A", 403, "AccessDenied", func(m *matrix) *http.Request {
		return m.header(signer{hash: "STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD"}, nil)
	}},
	{"bearer token", 400, "InvalidRequest", func(m *matrix) *http.Request {
		return m.header(signer{}, func(r *http.Request) { r.Header.Set("Authorization", "Bearer token") })
	}},
}

// signedWith signs a request with one more field.
func (m *matrix) signedWith(name, value string) *http.Request {
	req := m.plain()
	req.Header.Set(name, value)
	return m.sign(req)
}

// sign signs a request as it is.
func (m *matrix) sign(req *http.Request) *http.Request {
	s, now := m.signing(signer{})
	if _, err := sigv4.Sign(req, s.key, s.secret, s.region, s.service, s.hash, now); err != nil {
		m.t.Fatal(err)
	}
	return req
}

// TestAuthorizationMatrix takes every operation of the table, in both styles, past everybody who may
// not use it: each is told so, and the store is never asked. Root may, by header and by URL.
// An operation without a row fails.
func TestAuthorizationMatrix(t *testing.T) {
	domains := func(c *Config) { c.Domains = []string{"s3.test"} }
	f := newFixture(t, func(c *Config) {
		domains(c)
		c.Authorizer = allows("somebody-else")
	})
	open := newFixture(t, domains)
	public := newFixture(t, func(c *Config) {
		domains(c)
		c.Authorizer = allows("") // anybody
	})
	elsewhere := newFixture(t, func(c *Config) {
		domains(c)
		c.Authorizer = onlyBucket("another")
	})
	f.store.fail = func(method string) error {
		t.Errorf("the store was asked for %s", method)
		return errors.New("not reached")
	}
	elsewhere.store.fail = f.store.fail
	for i := range routes {
		r := &routes[i]
		for _, virtual := range []bool{false, true} {
			if target, _, ok := r.row(virtual); !ok {
				t.Errorf("%v has no row: %s is not all of it", r.op, target)
				continue
			}
			m := &matrix{f, r, virtual, ""}
			for _, who := range intruders {
				f.seen.forget()
				got := f.send(who.send(m))
				if got.status != who.status || r.method != "HEAD" && got.code() != who.code {
					t.Errorf("%v, %s: %d %s, want %d %s", r.op, who.who, got.status, got.code(), who.status, who.code)
				}
				if line := fmt.Sprintf("%v %d ", r.op, who.status); who.who == "anonymous" && !f.seen.begins(line) {
					t.Errorf("the row of %v reached another operation: %v", r.op, f.seen.list)
				}
			}
			m = &matrix{elsewhere, r, virtual, ""}
			if got := elsewhere.send(m.header(signer{}, nil)); got.status != 403 {
				t.Errorf("%v, whose bucket is another: %d %s", r.op, got.status, got.code())
			}
			m = &matrix{public, r, virtual, ""}
			if got := public.send(m.plain()); got.status == 403 || got.status == 501 {
				t.Errorf("%v, anonymous and permitted: %d %s", r.op, got.status, got.code())
			}
			m = &matrix{open, r, virtual, ""}
			for who, req := range m.root() {
				if got := open.send(req); got.status == 403 || got.status == 501 {
					t.Errorf("%v, %s: %d %s", r.op, who, got.status, got.code())
				}
			}
		}
	}
}

// root is who may do everything. A form is signed by its fields.
func (m *matrix) root() map[string]*http.Request {
	if m.route.op != OpPostObject {
		return map[string]*http.Request{"root": m.header(signer{}, nil), "root, presigned": m.query(signer{}, nil)}
	}
	target, header, _ := m.route.row(m.virtual)
	form := postForm{fields: []string{"key=k"}}
	return map[string]*http.Request{"root": m.request("POST", target, form.text(), append(header, "Content-Type", formType)...)}
}

func (o *observations) forget() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.list = nil
}

func (o *observations) begins(prefix string) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, line := range o.list {
		if strings.HasPrefix(line, prefix) {
			return true
		}
	}
	return false
}
