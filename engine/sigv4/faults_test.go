package sigv4

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

// signed returns a request signed by Sign at awsTime in a payload mode.
func signed(t *testing.T, method, target, mode string, header ...string) *Request {
	t.Helper()
	req := newHTTP(t, method, target, header)
	if _, err := Sign(req, awsKey, awsSecret, "us-east-1", "s3", mode, awsTime); err != nil {
		t.Fatal(err)
	}
	return fromHTTP(req)
}

// presigned returns a request presigned at awsTime for an hour.
func presigned(t *testing.T, method, target string, header ...string) *Request {
	t.Helper()
	req := newHTTP(t, method, target, header)
	if err := Presign(req, awsKey, awsSecret, "us-east-1", "s3", time.Hour, awsTime); err != nil {
		t.Fatal(err)
	}
	return fromHTTP(req)
}

func newHTTP(t testing.TB, method, target string, header []string) *http.Request {
	t.Helper()
	req, err := http.NewRequest(method, "http://127.0.0.1:9000"+target, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, h := range header {
		name, value, _ := strings.Cut(h, ":")
		req.Header.Add(name, value)
	}
	return req
}

// add appends a header field after signing.
func (r *Request) add(name, value string) *Request {
	r.Header = append(r.Header, Field{Name: []byte(name), Value: []byte(value)})
	return r
}

// edit replaces text in a header field after signing.
func (r *Request) edit(name, old, new string) *Request {
	for i := range r.Header {
		if strings.EqualFold(string(r.Header[i].Name), name) {
			value := strings.ReplaceAll(string(r.Header[i].Value), old, new)
			r.Header[i].Value = []byte(value)
		}
	}
	return r
}

// editQuery replaces text in the query after signing.
func (r *Request) editQuery(old, new string) *Request {
	r.Query = []byte(strings.ReplaceAll(string(r.Query), old, new))
	return r
}

func (r *Request) editPath(path string) *Request {
	r.Path = []byte(path)
	return r
}

// fault is a request that must be refused.
type fault struct {
	name string
	r    *Request
	want error
}

func refuse(t *testing.T, faults []fault) {
	t.Helper()
	for _, f := range faults {
		t.Run(f.name, func(t *testing.T) {
			result, err := awsVerifier(t, awsTime).Verify(f.r)
			if !errors.Is(err, f.want) {
				t.Errorf("err = %v, want %v", err, f.want)
			}
			if err != nil && strings.Contains(err.Error(), awsSecret) {
				t.Error("the secret is in the error")
			}
			if result.AccessKey != "" {
				t.Errorf("refused, yet the result names %q", result.AccessKey)
			}
		})
	}
}

func TestFaultRow1PayloadModesCVE202531489CVE202640344(t *testing.T) {
	const target = "/b/k"
	length := "X-Amz-Decoded-Content-Length:1"
	refuse(t, []fault{
		{"unknown mode", signed(t, "PUT", target, "STREAMING-SOMETHING"), ErrPayloadMode},
		{"ecdsa mode", signed(t, "PUT", target,
			"STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD", length), ErrPayloadMode},
		{"mode in lower case", signed(t, "PUT", target, "unsigned-payload"), ErrPayloadMode},
		{"hash with a bad digit", signed(t, "PUT", target, strings.Repeat("g", 64)),
			ErrPayloadMode},
		{"no mode", signed(t, "PUT", target, ""), ErrMissingHash},
		{"aws-chunked without a streaming mode", signed(t, "PUT", target, UnsignedPayload,
			"Content-Encoding:aws-chunked"), ErrPayloadMode},
		{"aws-chunked in a list", signed(t, "PUT", target, UnsignedPayload,
			"Content-Encoding:gzip , AWS-Chunked"), ErrPayloadMode},
		{"trailer without a trailer mode", signed(t, "PUT", target, streamingSigned, length,
			"X-Amz-Trailer:x-amz-checksum-crc32"), ErrTrailer},
		{"no decoded length", signed(t, "PUT", target, streamingSigned), ErrMissingLength},
		{"decoded length -1", signed(t, "PUT", target, streamingUnsignedTrailer,
			"X-Amz-Decoded-Content-Length:-1"), ErrMissingLength},
		{"anonymous with signed chunks", head("PUT "+target, "Host:h",
			"x-amz-content-sha256:"+streamingSigned, length), ErrPayloadMode},
		{"anonymous with an unknown mode", head("PUT "+target, "Host:h",
			"x-amz-content-sha256:X"), ErrPayloadMode},
		{"presigned with signed chunks", presigned(t, "PUT", target,
			"X-Amz-Content-Sha256:"+streamingSignedTrailer, length), ErrPayloadMode},
		// The signature of CVE-2025-31489 and CVE-2026-40344: any, with an unsigned trailer mode.
		{"unsigned trailer with a bad signature", signed(t, "PUT", target,
			streamingUnsignedTrailer, length).edit("Authorization", "Signature=", "Signature=0"),
			ErrSignature},
		{"unsigned trailer with query credentials", presigned(t, "PUT", target,
			"X-Amz-Content-Sha256:"+streamingUnsignedTrailer, length).
			editQuery("X-Amz-Signature=", "X-Amz-Signature=0"), ErrSignature},
		{"unsigned trailer with half the query credentials", head("PUT "+target+
			"?X-Amz-Credential="+awsKey, "Host:h",
			"x-amz-content-sha256:"+streamingUnsignedTrailer, length), ErrMalformedQuery},
		{"mode changed after signing", signed(t, "PUT", target, emptySHA256).
			edit("X-Amz-Content-Sha256", emptySHA256, UnsignedPayload), ErrSignature},
	})
}

func TestFaultRow1TwoMechanisms(t *testing.T) {
	both := signed(t, "GET", "/b/k", emptySHA256)
	both.Query = presigned(t, "GET", "/b/k").Query
	half := signed(t, "GET", "/b/k", emptySHA256)
	half.Query = []byte("X-Amz-Expires=60")
	v2 := signed(t, "GET", "/b/k", emptySHA256)
	v2.Query = []byte("AWSAccessKeyId=a&Signature=b&Expires=1")
	refuse(t, []fault{
		{"header and query", both, ErrAmbiguous},
		{"header and half a query", half, ErrAmbiguous},
		{"header and v2 query", v2, ErrAmbiguous},
		{"presigned and v2 query", presigned(t, "GET", "/b/k?Signature=x"), ErrAmbiguous},
		{"v2 query", head("GET /b/k?AWSAccessKeyId=a&Signature=b&Expires=1"), ErrUnsupported},
		{"v2 header", head("GET /b/k", "Authorization:AWS AKID:c2ln"), ErrUnsupported},
		{"ecdsa header", head("GET /b/k",
			"Authorization:AWS4-ECDSA-P256-SHA256 Credential=a"), ErrUnsupported},
		{"ecdsa query", presigned(t, "GET", "/b/k").editQuery("AWS4-HMAC-SHA256",
			"AWS4-ECDSA-P256-SHA256"), ErrUnsupported},
		{"basic", head("GET /b/k", "Authorization:Basic YTpi"), ErrUnsupported},
		{"empty authorization", head("GET /b/k", "Authorization:"), ErrUnsupported},
		{"a token and nothing else", head("GET /b/k", "X-Amz-Security-Token:x"), ErrToken},
		{"a token with a static key", signed(t, "GET", "/b/k", emptySHA256,
			"X-Amz-Security-Token:x"), ErrToken},
		{"a token in the query with a static key",
			presigned(t, "GET", "/b/k?X-Amz-Security-Token=x"), ErrToken},
	})
}

func TestFaultRow3UnsignedFields(t *testing.T) {
	noHost := func(r *Request) *Request { return r.edit("Authorization", "host;", "") }
	refuse(t, []fault{
		{"x-amz on a presigned URL", presigned(t, "PUT", "/b/k").add("x-amz-tagging", "a=b"),
			ErrUnsignedHeader},
		{"x-amz in odd case on a presigned URL", presigned(t, "PUT", "/b/k").
			add("X-aMz-Copy-Source", "/other/secret"), ErrUnsignedHeader},
		{"payload hash on a presigned URL", presigned(t, "PUT", "/b/k").
			add("x-amz-content-sha256", UnsignedPayload), ErrUnsignedHeader},
		{"x-amz beside a header signature", signed(t, "PUT", "/b/k", emptySHA256).
			add("x-amz-acl", "public-read"), ErrUnsignedHeader},
		{"second value of a signed field", signed(t, "PUT", "/b/k", emptySHA256,
			"X-Amz-Meta-A:1").add("x-amz-meta-a", "2"), ErrSignature},
		{"host not signed", noHost(signed(t, "GET", "/b/k", emptySHA256)), ErrUnsignedHeader},
		{"host not signed in the query", presigned(t, "GET", "/b/k", "Range:bytes=0-1").
			editQuery("SignedHeaders=host%3Brange", "SignedHeaders=range"), ErrUnsignedHeader},
		{"another host", func() *Request {
			r := signed(t, "GET", "/b/k", emptySHA256)
			r.Host = []byte("evil:9000")
			return r
		}(), ErrSignature},
		{"signed field changed", presigned(t, "GET", "/b/k", "Range:bytes=0-1").
			edit("Range", "bytes=0-1", "bytes=0-2"), ErrSignature},
		{"signed empty field absent", func() *Request {
			r := presigned(t, "GET", "/b/k", "Range:")
			r.Header = nil
			return r
		}(), ErrSignature},
		{"signed names out of order", signed(t, "GET", "/b/k", emptySHA256).edit("Authorization",
			"host;x-amz-content-sha256;x-amz-date", "x-amz-date;host"), ErrMalformedHeader},
		{"signed names in upper case", signed(t, "GET", "/b/k", emptySHA256).
			edit("Authorization", "host;", "Host;"), ErrMalformedHeader},
		{"signed name twice", signed(t, "GET", "/b/k", emptySHA256).
			edit("Authorization", "host;", "host;host;"), ErrMalformedHeader},
		{"empty signed name", signed(t, "GET", "/b/k", emptySHA256).
			edit("Authorization", "host;", ";host;"), ErrMalformedHeader},
		{"empty signed name at the end", signed(t, "GET", "/b/k", emptySHA256).
			edit("Authorization", ", Signature=", ";, Signature="), ErrMalformedHeader},
	})
}

func TestFaultRow4Malformed(t *testing.T) {
	get := func() *Request { return signed(t, "GET", "/b/k", emptySHA256) }
	url := func() *Request { return presigned(t, "GET", "/b/k") }
	refuse(t, []fault{
		{"two authorization fields", get().add("authorization", "AWS4-HMAC-SHA256 x"),
			ErrMalformedHeader},
		{"two dates", get().add("x-amz-date", awsDate), ErrMalformedHeader},
		{"two payload hashes", get().add("X-Amz-Content-SHA256", emptySHA256),
			ErrMalformedHeader},
		{"part twice", get().edit("Authorization", "Signature=", "Signature=a,Signature="),
			ErrMalformedHeader},
		{"unknown part", get().edit("Authorization", "Signature=", "Foo=a,Signature="),
			ErrMalformedHeader},
		{"no signature", get().edit("Authorization", "Signature=", "SignedHeaders="),
			ErrMalformedHeader},
		{"signature in upper case", upperSignature(get()), ErrSignature},
		{"parameter twice", url().editQuery("&X-Amz-Date=", "&X-Amz-Date=x&X-Amz-Date="),
			ErrMalformedQuery},
		{"signature twice", url().editQuery("&X-Amz-Signature=",
			"&X-Amz-Signature=0&X%2DAmz-Signature="), ErrMalformedQuery},
		{"any x-amz parameter twice", presigned(t, "GET", "/b/k?x-amz-acl=a&x-amz-acl=b"),
			ErrMalformedQuery},
		{"parameter in lower case", url().editQuery("X-Amz-Signature", "x-amz-signature"),
			ErrMalformedQuery},
		{"expires empty", url().editQuery("Expires=3600", "Expires="), ErrMalformedQuery},
		{"expires absent", url().editQuery("X-Amz-Expires=3600&", ""), ErrMalformedQuery},
		{"expires 0", url().editQuery("Expires=3600", "Expires=0"), ErrMalformedQuery},
		{"expires negative", url().editQuery("Expires=3600", "Expires=-1"), ErrMalformedQuery},
		{"expires signed", url().editQuery("Expires=3600", "Expires=%2B1"), ErrMalformedQuery},
		{"expires over a week", url().editQuery("Expires=3600", "Expires=604801"),
			ErrMalformedQuery},
		{"expires huge", url().editQuery("Expires=3600", "Expires=18446744073709551617"),
			ErrMalformedQuery},
		{"expires a word", url().editQuery("Expires=3600", "Expires=1h"), ErrMalformedQuery},
		{"expires longer than signed", url().editQuery("Expires=3600", "Expires=7200"),
			ErrSignature},
		{"date of no day", url().editQuery("20130524T", "20130231T"), ErrMalformedQuery},
		{"method swapped", func() *Request {
			r := url()
			r.Method = []byte("DELETE")
			return r
		}(), ErrSignature},
		{"broken escape in the path", get().editPath("/b/%zz"), ErrURI},
		{"cut escape in the query", url().editQuery("Expires=3600", "Expires=%3"), ErrURI},
	})
}

func upperSignature(r *Request) *Request {
	for i := range r.Header {
		if string(r.Header[i].Name) == "Authorization" {
			head, signature, _ := strings.Cut(string(r.Header[i].Value), "Signature=")
			r.Header[i].Value = []byte(head + "Signature=" + strings.ToUpper(signature))
		}
	}
	return r
}

func TestFaultRow4PathsAreNotNormalised(t *testing.T) {
	for _, pair := range [][2]string{
		{"/b/a+b", "/b/a%20b"}, {"/b/a%2Fb", "/b/a/b"}, {"/b//a", "/b/a"}, {"/b/./a", "/b/a"},
		{"/b/x/../a", "/b/a"}, {"/b/a/", "/b/a"}, {"/b/%2e%2e/a", "/b/a"}, {"/b/a%252Fb", "/b/a%2Fb"},
	} {
		for i := range pair {
			v := awsVerifier(t, awsTime)
			r := signed(t, "GET", pair[i], emptySHA256)
			if _, err := v.Verify(r); err != nil {
				t.Errorf("%s: %v", pair[i], err)
			}
			r.Path = []byte(pair[1-i])
			if _, err := v.Verify(r); !errors.Is(err, ErrSignature) {
				t.Errorf("signed %s, sent %s: %v, want ErrSignature", pair[i], pair[1-i], err)
			}
		}
	}
}

func TestFaultRow4Times(t *testing.T) {
	const skew = 15 * time.Minute
	for _, test := range []struct {
		url   bool
		after time.Duration
		want  error
	}{
		{false, skew, nil}, {false, -skew, nil},
		{false, skew + 1, ErrSkewed}, {false, -skew - 1, ErrSkewed},
		{true, time.Hour, nil}, {true, time.Hour + 1, ErrExpired},
		{true, -skew, nil}, {true, -skew - 1, ErrNotYetValid},
	} {
		r := signed(t, "GET", "/b/k", emptySHA256)
		if test.url {
			r = presigned(t, "GET", "/b/k")
		}
		_, err := awsVerifier(t, awsTime.Add(test.after)).Verify(r)
		if !errors.Is(err, test.want) {
			t.Errorf("%+v: %v", test, err)
		}
	}
	noDate := signed(t, "GET", "/b/k", emptySHA256).edit("X-Amz-Date", awsDate, "yesterday")
	refuse(t, []fault{{"no date", noDate, ErrMissingDate}})
}

func TestFaultRow5Scope(t *testing.T) {
	get := func(old, new string) *Request {
		return signed(t, "GET", "/b/k", emptySHA256).edit("Authorization", old, new)
	}
	url := func(old, new string) *Request {
		return presigned(t, "GET", "/b/k").editQuery(old, new)
	}
	refuse(t, []fault{
		{"region", get("us-east-1", "eu-west-1"), ErrMalformedHeader},
		{"service", get("/s3/", "/sts/"), ErrMalformedHeader},
		{"date", get("/20130524/", "/20130523/"), ErrMalformedHeader},
		{"terminator", get("aws4_request", "aws5_request"), ErrMalformedHeader},
		{"no access key", get(awsKey+"/", ""), ErrMalformedHeader},
		{"empty access key", get(awsKey, ""), ErrMalformedHeader},
		{"unknown key", get(awsKey, "AKIANOBODY"), ErrUnknownKey},
		{"region in the query", url("us-east-1", "eu-west-1"), ErrMalformedQuery},
		{"service in the query", url("%2Fs3%2F", "%2Fsts%2F"), ErrMalformedQuery},
		{"date in the query", url("%2F20130524%2F", "%2F20130523%2F"), ErrMalformedQuery},
		{"unknown key in the query", url(awsKey, "AKIANOBODY"), ErrUnknownKey},
		{"hash of an empty body", signed(t, "PUT", "/b/k", strings.Repeat("00", 32)),
			ErrPayloadMismatch},
	})
	var region *RegionError
	_, err := awsVerifier(t, awsTime).Verify(get("us-east-1", "eu-west-1"))
	if !errors.As(err, &region) || region.Expected != "us-east-1" {
		t.Errorf("%v is no RegionError", err)
	}
}

func TestFaultRow5BodyHash(t *testing.T) {
	const body = "hello"
	hash := "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"
	if _, err := hex.DecodeString(hash); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		sent string
		want error
	}{
		{body, nil}, {"hellp", ErrPayloadMismatch}, {"hell", ErrIncompleteBody},
		{"", ErrIncompleteBody},
	} {
		for _, length := range []int64{int64(len(body)), -1} {
			want := test.want
			if length < 0 && want == ErrIncompleteBody {
				want = ErrPayloadMismatch // nobody knows the length
			}
			r := signed(t, "PUT", "/b/k", hash)
			r.ContentLength = length
			result, err := awsVerifier(t, awsTime).Verify(r)
			if err != nil {
				t.Fatal(err)
			}
			b, err := result.Body(strings.NewReader(test.sent), length)
			if err != nil {
				t.Fatal(err)
			}
			if _, err = io.ReadAll(b); !errors.Is(err, want) || b.Finish() == nil != (want == nil) {
				t.Errorf("%q of %d: %v, want %v", test.sent, length, err, want)
			}
			if length < 0 {
				continue
			}
			// A reader that stops at the last byte must not miss the error.
			b, _ = result.Body(strings.NewReader(test.sent), length)
			_, err = io.ReadFull(b, make([]byte, len(body)))
			if (err == nil) != (want == nil) {
				t.Errorf("ReadFull of %q: %v", test.sent, err)
			}
		}
	}
}

// TestUnknownKeyTakesTheSameWay counts the work, since a clock would make a flaky test: the
// dummy's key is cached like any other, so both ways hash and compare the same.
func TestUnknownKeyTakesTheSameWay(t *testing.T) {
	v := awsVerifier(t, awsTime)
	unknown := signed(t, "GET", "/b/k", emptySHA256).
		edit("Authorization", awsKey, "AKIANOBODY7EXAMPLE00")
	wrong := signed(t, "GET", "/b/k", emptySHA256).
		edit("Authorization", "Signature=", "Signature=0")
	count := func(r *Request, want error) float64 {
		return testing.AllocsPerRun(100, func() {
			if _, err := v.Verify(r); !errors.Is(err, want) {
				t.Fatal(err)
			}
		})
	}
	a, b := count(unknown, ErrUnknownKey), count(wrong, ErrSignature)
	if a != b && !raceEnabled {
		t.Errorf("allocations: %v for an unknown key, %v for a wrong signature", a, b)
	}
	used := 0
	for i := range v.cache.slot {
		if v.cache.slot[i].Load() != nil {
			used++
		}
	}
	if used != 2 {
		t.Errorf("%d cached keys, want the known one and the dummy", used)
	}
}

func TestAnonymous(t *testing.T) {
	for _, test := range []struct {
		r    *Request
		want PayloadMode
	}{
		{head("GET /b/k?prefix=a", "Host:h"), PayloadNone},
		{head("PUT /b/k", "Host:h", "x-amz-content-sha256:UNSIGNED-PAYLOAD"), PayloadUnsigned},
		{head("PUT /b/k", "Host:h", "x-amz-content-sha256:"+emptySHA256), PayloadSigned},
		{head("PUT /b/k", "Host:h", "x-amz-content-sha256:"+streamingUnsignedTrailer,
			"x-amz-decoded-content-length:3"), StreamingUnsignedTrailer},
	} {
		result, err := awsVerifier(t, awsTime).Verify(test.r)
		if err != nil || result.AccessKey != "" || result.Payload != test.want {
			t.Errorf("%s: %+v, %v", test.r.Path, result.Payload, err)
		}
	}
}

func TestKeyGenerations(t *testing.T) {
	source := &turningKeys{secret: awsSecret, generation: 1}
	v, err := New(Config{Keys: source, Now: func() time.Time { return awsTime }})
	if err != nil {
		t.Fatal(err)
	}
	r := signed(t, "GET", "/b/k", emptySHA256)
	for i, secret := range []string{awsSecret, "another", awsSecret} {
		source.secret, source.generation = secret, uint64(i)
		want := error(nil)
		if secret != awsSecret {
			want = ErrSignature
		}
		if _, err := v.Verify(r); !errors.Is(err, want) {
			t.Errorf("generation %d: %v, want %v", i, err, want)
		}
	}
}

type turningKeys struct {
	secret     string
	generation uint64
}

func (k *turningKeys) Secret([]byte) (string, uint64, bool) { return k.secret, k.generation, true }

func TestConfigValidate(t *testing.T) {
	for i, c := range []Config{
		{}, {Keys: keys{}, SkewMax: -1}, {Keys: keys{}, Region: "a/b"},
		{Keys: keys{}, Services: []string{}}, {Keys: keys{}, Services: []string{"S3"}},
		{Keys: keys{}, Region: strings.Repeat("a", 65)},
	} {
		if _, err := New(c); err == nil {
			t.Error(fmt.Sprint("config ", i, " was taken"))
		}
	}
}
