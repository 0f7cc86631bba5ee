package e2e

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// opaqueKeys are names that a file system, a shell, a proxy or a decoder would take for something else.
func opaqueKeys() []string {
	return []string{"..", "../../../../etc/passwd", "a/../b", "%2e%2e", "%252e", "%2F", `a\b`, `..\..\x`, "trailing/",
		"//", "/", "/leading", "a//b", "a", "a/b", "a/b/", ".", "./a", "a/.", "flashstore/health", "~", "$(id)", "a;b", "a b",
		" a ", "+", "a+b", "\x01\x1b[2J\x7f", "\r\nX: y", "a\tb", "<a>&\"'", "]]>", "\u202eoverride", "\ufeffbom", "e\u0301", "é",
		"\U0001f600", "CON", "nul", "a:b", "?query", "#fragment", strings.Repeat("k", 1024),
		strings.Repeat("ä", 512), strings.Repeat("d/", 512)}
}

// TestFaultRow16KeysAreOpaque stores each under itself: none is another one's, none leads anywhere on the
// server's disks, and lists give them back.
func TestFaultRow16KeysAreOpaque(t *testing.T) {
	for _, netloop := range []string{"epoll", "nethttp", "netconn"} {
		t.Run(netloop, func(t *testing.T) {
			t.Parallel()
			s := newServer(t, 1, "--netloop", netloop).start()
			s.must(t, http.StatusOK, request{method: "PUT", path: "/keys"})
			before := files(t, s.dir)
			keys := opaqueKeys()
			for _, key := range keys {
				s.must(t, http.StatusOK, request{method: "PUT", path: "/keys/" + key, body: []byte("of " + key)})
			}
			for _, key := range keys {
				if a := s.must(t, http.StatusOK, request{method: "GET", path: "/keys/" + key}); string(a.body) != "of "+key {
					t.Errorf("%.40q holds %.60q", key, a.body)
				}
			}
			listed := s.listed(t, "keys")
			for _, key := range keys {
				if !listed[key] {
					t.Errorf("%.40q is not listed", key)
				}
			}
			if len(listed) != len(keys) {
				t.Errorf("%d keys are listed, of %d", len(listed), len(keys))
			}
			for name := range files(t, s.dir) {
				if base := filepath.Base(name); !before[name] && strings.ToLower(filepath.Ext(base)) != ".log" &&
					!strings.HasPrefix(filepath.Base(filepath.Dir(name)), "index") && filepath.Ext(base) != ".seg" {
					t.Errorf("a file came: %s", name)
				}
			}
			for bad, want := range map[string]string{"nul\x00": "InvalidURI", "\xff": "InvalidURI", "\xc0\xaf": "InvalidURI",
				"\xed\xa0\x80": "InvalidURI", strings.Repeat("k", 1025): "KeyTooLongError"} {
				for _, method := range []string{"PUT", "GET", "DELETE"} {
					a, err := s.do(request{method: method, path: "/keys/" + bad})
					if err != nil || a.status != http.StatusBadRequest || a.code != want {
						t.Errorf("%s %.20q: %v, %v", method, bad, a, err)
					}
				}
			}
			for _, key := range keys {
				s.must(t, http.StatusNoContent, request{method: "DELETE", path: "/keys/" + key})
			}
			if left := s.listed(t, "keys"); len(left) != 0 {
				t.Errorf("%d keys are left", len(left))
			}
			s.stop()
		})
	}
}

// listed reads a list in which keys are percent-encoded, as XML cannot carry all of them.
func (s *server) listed(t *testing.T, bucket string) map[string]bool {
	t.Helper()
	a := s.must(t, http.StatusOK, request{method: "GET", path: "/" + bucket,
		query: url.Values{"list-type": {"2"}, "encoding-type": {"url"}}})
	var p page
	if err := xml.Unmarshal(a.body, &p); err != nil || p.IsTruncated {
		t.Fatalf("LIST: %v, truncated %v", err, p.IsTruncated)
	}
	keys := map[string]bool{}
	for _, c := range p.Contents {
		key, err := url.QueryUnescape(c.Key)
		if err != nil {
			t.Errorf("%q: %v", c.Key, err)
		}
		keys[key] = true
	}
	return keys
}

// files are all names below a directory.
func files(t *testing.T, dir string) map[string]bool {
	t.Helper()
	all := map[string]bool{}
	err := filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		all[path] = true
		if os.IsNotExist(err) { // went away meanwhile
			return nil
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// badDocuments are refused by whoever reads documents, whatever they were to say.
func badDocuments() map[string]string {
	object, part := "<Object><Key>k</Key></Object>", "<Part><PartNumber>%d</PartNumber><ETag>e</ETag></Part>"
	var parts strings.Builder
	for n := range 10_001 {
		fmt.Fprintf(&parts, part, n+1)
	}
	remove := func(s string) string { return "<Delete>" + s + "</Delete>" }
	complete := func(s string) string { return "<CompleteMultipartUpload>" + s + "</CompleteMultipartUpload>" }
	lol := `<!DOCTYPE lolz [<!ENTITY lol "lol">`
	for n := range 9 {
		lol += fmt.Sprintf(`<!ENTITY lol%d "%s">`, n+1, strings.Repeat(fmt.Sprintf("&lol%d;", n), 10))
	}
	return map[string]string{
		"billion laughs":   lol + "]>" + remove("<Object><Key>&lol9;</Key></Object>"),
		"external entity":  `<!DOCTYPE d [<!ENTITY x SYSTEM "file:///etc/passwd">]>` + remove("<Object><Key>&x;</Key></Object>"),
		"parameter entity": `<!DOCTYPE d [<!ENTITY % x SYSTEM "http://127.0.0.1:1/">%x;]>` + remove(object),
		"depth 10,000":     remove(strings.Repeat("<Object>", 10_000)), "depth of the root": strings.Repeat("<Delete>", 10_000),
		"1,001 keys": remove(strings.Repeat(object, 1001)), "10,001 parts": complete(parts.String()),
		"a part twice":  complete("<Part><PartNumber>1</PartNumber><PartNumber>2</PartNumber><ETag>e</ETag></Part>"),
		"negative part": complete("<Part><PartNumber>-1</PartNumber><ETag>e</ETag></Part>"),
		"huge part":     complete("<Part><PartNumber>99999999999999999999</PartNumber><ETag>e</ETag></Part>"),
		"two keys":      remove("<Object><Key>a</Key><Key>b</Key></Object>"),
		"NUL":           remove("<Object><Key>a\x00</Key></Object>"), "NUL reference": remove("<Object><Key>a&#0;</Key></Object>"),
		"invalid UTF-8": remove("<Object><Key>a\xff</Key></Object>"), "UTF-16": "\xff\xfe<\x00D\x00e\x00l\x00e\x00t\x00e\x00/\x00>\x00",
		"declared UTF-16": `<?xml version="1.0" encoding="UTF-16"?>` + remove(object),
		"trailing junk":   remove(object) + "junk", "second document": remove(object) + remove(object),
		"JSON": `{"Delete":{"Objects":[{"Key":"k"}]}}`, "white space": strings.Repeat(" ", 1000),
		"attribute twice": `<Delete a="1" a="2">` + object + "</Delete>", "no end": "<Delete>" + object,
	}
}

// TestFaultRow17Documents sends each to all who read documents: 400, nothing changes, and the memory
// of the server does not care.
func TestFaultRow17Documents(t *testing.T) {
	s := newServer(t, 1).start()
	s.must(t, http.StatusOK, request{method: "PUT", path: "/documents"})
	s.must(t, http.StatusOK, request{method: "PUT", path: "/documents/k", body: []byte("there")})
	id := uploadID(s.must(t, http.StatusOK, request{method: "POST", path: "/documents/k", query: url.Values{"uploads": {""}}}))
	readers := map[string]request{
		"DeleteObjects":           {method: "POST", path: "/documents", query: url.Values{"delete": {""}}},
		"CompleteMultipartUpload": {method: "POST", path: "/documents/k", query: url.Values{"uploadId": {id}}},
		"CreateBucket":            {method: "PUT", path: "/documents-two"},
		"PutObjectTagging":        {method: "PUT", path: "/documents/k", query: url.Values{"tagging": {""}}},
		"PutBucketVersioning":     {method: "PUT", path: "/documents", query: url.Values{"versioning": {""}}},
	}
	const slack = 64 << 20 // far less than what the bombs would be
	before := s.memory("VmRSS")
	for range 20 {
		for name, doc := range badDocuments() {
			for who, r := range readers {
				r.body, r.header = []byte(doc), contentMD5([]byte(doc))
				a, err := s.do(r)
				if err != nil || a.status != http.StatusBadRequest || a.code != "MalformedXML" {
					t.Fatalf("%s, %s: %v, %v", who, name, a, err)
				}
			}
		}
	}
	if now := s.highWater(); now > before+slack {
		t.Errorf("%d MiB, before %d MiB", now>>20, before>>20)
	}
	if keys := s.listKeys("documents"); len(keys) != 1 {
		t.Errorf("keys %v", keys)
	}
	if a := s.must(t, http.StatusOK, request{method: "GET", path: "/"}); bytes.Count(a.body, []byte("<Name>")) != 1 {
		t.Errorf("buckets: %s", a.body)
	}
	s.stop()
}

// TestFaultRow17Parameters: numbers are bounded, names are escaped, and no parameter makes a header field.
func TestFaultRow17Parameters(t *testing.T) {
	for _, netloop := range []string{"epoll", "nethttp", "netconn"} {
		t.Run(netloop, func(t *testing.T) {
			t.Parallel()
			s := newServer(t, 1, "--netloop", netloop).start()
			s.must(t, http.StatusOK, request{method: "PUT", path: "/parameters"})
			const key = `<Key>&amp;"]]>` + "\r\n\t\x01"
			s.must(t, http.StatusOK, request{method: "PUT", path: "/parameters/" + key})
			for _, query := range []url.Values{{"list-type": {"2"}}, {}, {"versions": {""}}, {"prefix": {"<"}, "delimiter": {"&"}}} {
				a := s.must(t, http.StatusOK, request{method: "GET", path: "/parameters", query: query})
				if bytes.Contains(a.body, []byte("<Key><Key>")) || bytes.Contains(a.body, []byte("]]>")) ||
					bytes.Count(a.body, []byte("&lt;")) == 0 {
					t.Errorf("%v: %q", query, a.body)
				}
			}
			for value, want := range map[string]string{"1001": "<MaxKeys>1000</MaxKeys>", "2147483647": "<MaxKeys>1000</MaxKeys>",
				"0": "<MaxKeys>0</MaxKeys>", "-1": "InvalidArgument", "2147483648": "InvalidArgument", "1e3": "InvalidArgument",
				"0x10": "InvalidArgument", "+5": "InvalidArgument", "１": "InvalidArgument"} {
				a, err := s.do(request{method: "GET", path: "/parameters", query: url.Values{"max-keys": {value}}})
				if err != nil || !strings.Contains(string(a.body), want) {
					t.Errorf("max-keys=%s: %v, %v", value, a, err)
				}
			}
			for _, name := range []string{"content-type", "content-language", "expires", "cache-control", "content-disposition",
				"content-encoding"} {
				for _, value := range []string{"a\r\nX-Evil: 1", "a\nX-Evil: 1", "a\rX-Evil: 1", "a\x00", "\x7f"} {
					a, err := s.do(request{method: "GET", path: "/parameters/" + key, query: url.Values{"response-" + name: {value}}})
					if err != nil || a.status != http.StatusBadRequest || a.code != "InvalidArgument" || a.header.Get("X-Evil") != "" {
						t.Errorf("response-%s=%q: %v, %v", name, value, a, err)
					}
				}
			}
			s.stop()
		})
	}
}
