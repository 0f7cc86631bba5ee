package sigv4

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"math/rand/v2"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
)

func TestAppendPath(t *testing.T) {
	for _, test := range [][2]string{
		{"", "/"}, {"/", "/"}, {"/a b", "/a%20b"}, {"/a+b", "/a%2Bb"}, {"/a%2bb", "/a%2Bb"},
		{"/%41%7e", "/A~"}, {"/a%2fb", "/a%2Fb"}, {"//.//..", "//.//.."}, {"/ü", "/%C3%BC"},
		{"/$&,:;=@!'()*", "/%24%26%2C%3A%3B%3D%40%21%27%28%29%2A"}, {"/%00", "/%00"},
		{"/%", ""}, {"/%4", ""}, {"/%4g", ""},
	} {
		got, ok := appendPath(nil, []byte(test[0]))
		if ok != (test[1] != "") || ok && string(got) != test[1] {
			t.Errorf("%q: %q, %v, want %q", test[0], got, ok, test[1])
		}
	}
}

func TestPathAsSentForgesNoLines(t *testing.T) {
	for path, want := range map[string]bool{
		"/a%2bb": true, "/a+b": true, "/ab": false, "": false,
		"/a\nb": false, "/a b": false, "/a\x7f": false, "/a\r+": false,
	} {
		canonical, _ := appendPath([]byte("GET\n"), []byte(path))
		canonical = append(canonical, "\nq=\n"...)
		got, ok := withPathAsSent(canonical, &Request{Method: []byte("GET"), Path: []byte(path)})
		if ok != want || ok && string(got) != "GET\n"+path+"\nq=\n" {
			t.Errorf("%q: %q, %v", path, got, ok)
		}
	}
}

func TestQueryCanonical(t *testing.T) {
	for _, test := range [][2]string{
		{"", ""}, {"&", ""}, {"acl", "acl="}, {"b=2&a=1", "a=1&b=2"}, {"a=b=c", "a=b%3Dc"},
		{"a-b=1&a=2", "a=2&a-b=1"}, {"a=2&a=1", "a=1&a=2"}, {"a=x+y", "a=x%20y"},
		{"a=%2f", "a=%2F"}, {"A=1&a=1&B=1", "A=1&B=1&a=1"}, {"a;b=1", "a%3Bb=1"},
		{"X-Amz-Signature=1&a=1&X-Amz-Signatures=2", "X-Amz-Signatures=2&a=1"},
	} {
		var q query
		if err := q.parse([]byte(test[0])); err != nil {
			t.Fatal(err)
		}
		if got := q.appendCanonical(nil); string(got) != test[1] {
			t.Errorf("%q: %q, want %q", test[0], got, test[1])
		}
	}
}

func TestAppendValue(t *testing.T) {
	for _, test := range [][2]string{
		{"", ""}, {" a ", "a"}, {"a  b   c", "a b c"}, {" \t a", "a"}, {"a\t b", "a\t b"},
		{"\"a  b\"", "\"a b\""}, {"    ", ""},
	} {
		if got := appendValue(nil, []byte(test[0])); string(got) != test[1] {
			t.Errorf("%q: %q, want %q", test[0], got, test[1])
		}
	}
}

// dumbEncode is UriEncode as AWS words it, of decoded text.
func dumbEncode(s string, slash bool) string {
	s = strings.ReplaceAll(url.QueryEscape(s), "+", "%20")
	if slash {
		s = strings.ReplaceAll(s, "%2F", "/")
	}
	return s
}

// FuzzCanonical compares the canonical forms with dumb ones made of net/url.
func FuzzCanonical(f *testing.F) {
	f.Add([]byte("/a%2Fb/+/%zz"), []byte("b=1&a=%20+&a&;=1&&%=x"))
	f.Add([]byte("/ü//./..%41"), []byte("a=b=c&a-b=1"))
	f.Fuzz(func(t *testing.T, path, raw []byte) {
		got, ok := appendPath(nil, path)
		decoded, err := url.PathUnescape(string(path))
		if ok != (err == nil) {
			t.Fatalf("path %q: %v, net/url: %v", path, ok, err)
		}
		if ok && len(path) > 0 {
			// Segment by segment, as an escaped slash is no separator.
			parts := strings.Split(string(path), "/")
			for i, p := range parts {
				p, _ = url.PathUnescape(p)
				parts[i] = dumbEncode(p, false)
			}
			if want := strings.Join(parts, "/"); string(got) != want {
				t.Errorf("path %q: %q, want %q", path, got, want)
			}
			if back := appendDecoded(nil, got); string(back) != decoded {
				t.Errorf("path %q: decodes to %q, want %q", path, back, decoded)
			}
			again, ok := appendPath(nil, got)
			if !ok || !bytes.Equal(again, got) {
				t.Errorf("path %q: canonical %q is not its own canonical form: %q", path, got, again)
			}
		}
		fuzzQuery(t, raw)
	})
}

func fuzzQuery(t *testing.T, raw []byte) {
	var q query
	err := q.parse(raw)
	var pairs [][2]string
	for part := range strings.SplitSeq(string(raw), "&") {
		if part == "" {
			continue
		}
		name, value, _ := strings.Cut(part, "=")
		n, errName := url.QueryUnescape(name)
		v, errValue := url.QueryUnescape(value)
		if errName != nil || errValue != nil {
			if err == nil {
				t.Fatalf("query %q: no error", raw)
			}
			return
		}
		if n != "X-Amz-Signature" {
			pairs = append(pairs, [2]string{dumbEncode(n, false), dumbEncode(v, false)})
		}
	}
	if err != nil {
		t.Fatalf("query %q: %v", raw, err)
	}
	slices.SortFunc(pairs, func(a, b [2]string) int { return slices.Compare(a[:], b[:]) })
	var want []string
	for _, p := range pairs {
		want = append(want, p[0]+"="+p[1])
	}
	if got := q.appendCanonical(nil); string(got) != strings.Join(want, "&") {
		t.Errorf("query %q: %q, want %q", raw, got, strings.Join(want, "&"))
	}
}

// FuzzVerify feeds any head: it must be refused, or be anonymous, and never panic.
func FuzzVerify(f *testing.F) {
	f.Add("GET", "/b/k", "a=1", "AWS4-HMAC-SHA256 Credential="+awsScope+
		",SignedHeaders=host;x-amz-date,Signature=00", awsDate, emptySHA256)
	f.Add("PUT", "/b/k", strings.SplitN(awsPresigned, "?", 2)[1], "", "", streamingSigned)
	v := awsVerifier(f, awsTime)
	f.Fuzz(func(t *testing.T, method, path, query, authorization, date, hash string) {
		r := &Request{Method: []byte(method), Path: []byte(path), Query: []byte(query)}
		for name, value := range map[string]string{
			"Authorization": authorization, "X-Amz-Date": date, "X-Amz-Content-Sha256": hash,
		} {
			if value != "" {
				r.Header = append(r.Header, Field{Name: []byte(name), Value: []byte(value)})
			}
		}
		result, err := v.Verify(r)
		if err == nil && (result.AccessKey != "" || authorization != "") {
			t.Errorf("believed %+v", result)
		}
	})
}

func TestMACMatchesCryptoHMAC(t *testing.T) {
	seed := rand.Uint64()
	r := rand.New(rand.NewPCG(seed, 0))
	for n := range textBytesMax + 1 {
		var key signingKey
		text := make([]byte, n)
		for i := range key {
			key[i] = byte(r.Uint32())
		}
		for i := range text {
			text[i] = byte(r.Uint32())
		}
		h := hmac.New(sha256.New, key[:])
		h.Write(text)
		if got := mac(&key, text); !hmac.Equal(got[:], h.Sum(nil)) {
			t.Fatalf("seed %d: differs at %d bytes", seed, n)
		}
	}
}

func TestVerifyConcurrently(t *testing.T) {
	v := awsVerifier(t, awsTime)
	good := signed(t, "GET", "/b/k?a=1", emptySHA256)
	url := presigned(t, "GET", "/b/other?b=2")
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			for range 200 {
				for _, r := range []*Request{good, url} {
					if result, err := v.Verify(r); err != nil || result.AccessKey != awsKey {
						t.Errorf("%q, %v", result.AccessKey, err)
						return
					}
				}
			}
		})
	}
	group.Wait()
}

func TestVerifyAllocates(t *testing.T) {
	v := awsVerifier(t, awsTime)
	r := signed(t, "GET", "/b/k", emptySHA256)
	// The pool may be emptied by a collection; on average nothing is left.
	if n := testing.AllocsPerRun(200, func() {
		if _, err := v.Verify(r); err != nil {
			t.Fatal(err)
		}
	}); n >= 1 && !raceEnabled {
		t.Errorf("%v heap objects a request", n)
	}
}
