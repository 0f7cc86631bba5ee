package s3xml

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"flashstore/engine/object"
)

func TestEscapedTextReadsBack(t *testing.T) {
	for _, s := range []string{"", "a", `<>&"'`, "ü\u2028x\u0085", "a\tb\nc\rd", "]]>", "\u007f", "日本"} {
		doc := append(AppendEscaped([]byte("<a>"), s), "</a>"...)
		var got struct {
			Text string `xml:",chardata"`
		}
		if err := xml.Unmarshal(doc, &got); err != nil || got.Text != s {
			t.Errorf("%q: read back %q, %v", s, got.Text, err)
		}
	}
}

func TestControlCharactersNeverNameAnotherKey(t *testing.T) {
	if got := string(AppendEscaped(nil, "a\x01b\uFFFE")); got != "a&#x1;b&#xfffe;" {
		t.Errorf("got %q", got)
	}
	if got := string(AppendEscaped(nil, "\xff\uFFFD")); got != "\uFFFD\uFFFD" {
		t.Errorf("invalid UTF-8: got %q", got)
	}
}

func TestURLEncodedNamesReadBack(t *testing.T) {
	var all []byte
	for i := range 256 {
		all = append(all, byte(i))
	}
	coded := string(AppendURL(nil, string(all)))
	for _, decode := range []func(string) (string, error){url.QueryUnescape, url.PathUnescape} {
		if got, err := decode(coded); err != nil || got != string(all) {
			t.Errorf("read back %q, %v", got, err)
		}
	}
	if got := string(AppendURL(nil, "test_file(3).png")); got != "test_file%283%29.png" {
		t.Errorf("got %s", got) // the example of the API reference
	}
}

func TestDocumentsAreWellFormed(t *testing.T) {
	at := time.Date(2026, 1, 2, 3, 4, 5, 678e6, time.UTC)
	info := object.Info{Key: "k<", ETag: "e", ModTime: at, SizeBytes: 7,
		Checksum: object.Checksum{Algorithm: "CRC32", Value: "v", Type: "COMPOSITE"}}
	user := User{"id", "name"}
	docs := [][]byte{
		AppendError(nil, Error{Code: "C", Extra: [][2]string{{"Region", "r"}}}),
		(&ListBuckets{Owner: user, Buckets: []object.BucketInfo{{Name: "b", Created: at}},
			Prefix: "p", ContinuationToken: "t"}).Append(nil),
		AppendLocation(nil, "eu-west-1"), AppendVersioning(nil, object.Suspended),
		(&List{Entries: []object.ListEntry{{Info: info}, {Prefix: "p"}}, Owner: &user,
			Delimiter: "/", NextMarker: "n"}).Append(nil),
		(&List{V2: true, EncodingType: "url", StartAfter: "s", Token: "t", NextToken: "u",
			Entries: []object.ListEntry{{Info: info}}}).Append(nil),
		AppendDeleteResult(nil, false, []Deleted{{Key: "a", VersionID: "null"}, {Key: "b", Code: "C"}}),
		AppendCreatedUpload(nil, "b", "k", "id"),
		AppendCompleted(nil, "l", "b", &info),
		(&ListParts{Checksum: info.Checksum, Truncated: true,
			Parts: []object.Part{{Number: 1, Info: info}}}).Append(nil),
		(&ListUploads{Truncated: true, CommonPrefixes: []string{"p"},
			Uploads: []object.Upload{{Key: "k", ID: "i", Info: info}}}).Append(nil),
	}
	for _, doc := range append(docs, newer(info)...) {
		d := xml.NewDecoder(bytes.NewReader(doc))
		for {
			_, err := d.Token()
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Fatalf("%v in\n%s", err, doc)
			}
		}
	}
	if want := "<LastModified>2026-01-02T03:04:05.678Z</LastModified>"; !bytes.Contains(docs[4], []byte(want)) {
		t.Errorf("no %s in %s", want, docs[4])
	}
}

func TestQuietDeleteShowsErrorsOnly(t *testing.T) {
	doc := string(AppendDeleteResult(nil, true, []Deleted{{Key: "gone"}, {Key: "bad", Code: "C"}}))
	if strings.Contains(doc, "gone") || !strings.Contains(doc, "bad") {
		t.Error(doc)
	}
}

func TestDecodeDelete(t *testing.T) {
	const doc = `<?xml version="1.0" encoding="UTF-8"?>
<!-- a comment --><Delete xmlns="http://s3.amazonaws.com/doc/2006-03-01/">
 <Quiet>true</Quiet><Object><Key> a&amp;b&#10;</Key><VersionId>null</VersionId></Object>
 <Object><Key>c</Key><ETag>x</ETag></Object></Delete>
`
	got, err := DecodeDelete(iotest.OneByteReader(strings.NewReader(doc)), 2)
	want := Delete{Quiet: true, Objects: []DeleteObject{{Key: " a&b\n", VersionID: "null"},
		{Key: "c", ETag: "x", HasETag: true}}}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestDecodeComplete(t *testing.T) {
	const doc = `<CompleteMultipartUpload><Part><PartNumber>2</PartNumber><ETag>"ab"</ETag></Part>` +
		`<Part><ETag>&quot;cd&quot;</ETag><ChecksumSHA256>x=</ChecksumSHA256>` +
		`<PartNumber> 1 </PartNumber></Part></CompleteMultipartUpload>`
	got, err := DecodeComplete(strings.NewReader(doc), 10)
	want := []CompletePart{{Number: 2, ETag: "ab"},
		{Number: 1, ETag: "cd", Algorithm: "SHA256", Checksum: "x="}}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestDecodeCreateBucket(t *testing.T) {
	for doc, want := range map[string]string{
		"":                             "",
		"<CreateBucketConfiguration/>": "",
		`<CreateBucketConfiguration xmlns="x"><LocationConstraint>eu-west-1</LocationConstraint>` +
			`</CreateBucketConfiguration>`: "eu-west-1",
	} {
		if got, err := DecodeCreateBucket(strings.NewReader(doc)); err != nil || got != want {
			t.Errorf("%q: got %q, %v", doc, got, err)
		}
	}
	_, err := DecodeCreateBucket(strings.NewReader(
		"<CreateBucketConfiguration><Tags/></CreateBucketConfiguration>"))
	if !errors.Is(err, ErrUnsupported) {
		t.Errorf("tags: %v", err)
	}
}

// row17 are the documents of the fault list: each is refused by each decoder.
func row17() map[string]string {
	object := "<Object><Key>k</Key></Object>"
	part := "<Part><PartNumber>1</PartNumber><ETag>e</ETag></Part>"
	in := func(s string) string { return "<Delete>" + s + "</Delete>" }
	return map[string]string{
		"white space only": " \n", "not XML": "hello", "NUL": "\x00", "truncated": "<Delete><Object>",
		"entity bomb": `<!DOCTYPE d [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]>` + in(object),
		"entity":      in("<Object><Key>&b;</Key></Object>"),
		"doctype":     `<!DOCTYPE Delete>` + in(object), "PI": `<?php x?>` + in(object),
		"late declaration": in(`<?xml version="1.0"?>` + object),
		"depth":            strings.Repeat("<a>", 10_000), "depth inside": in(strings.Repeat("<Object>", 10_000)),
		"1001 keys": in(strings.Repeat(object, 1001)),
		"parts": "<CompleteMultipartUpload>" + strings.Repeat(part, 1001) +
			"</CompleteMultipartUpload>",
		"two keys":        in("<Object><Key>a</Key><Key>b</Key></Object>"),
		"two quiets":      in("<Quiet>true</Quiet><Quiet>false</Quiet>" + object),
		"empty quiet":     in("<Quiet></Quiet>" + object),
		"no key":          in("<Object></Object>"),
		"empty":           in(""),
		"unknown":         in(object + "<Other/>"),
		"text":            in("text" + object),
		"NUL inside":      in("<Object><Key>a\x00b</Key></Object>"),
		"bad UTF-8":       in("<Object><Key>a\xffb</Key></Object>"),
		"UTF-16":          "\xff\xfe<\x00D\x00",
		"charset":         `<?xml version="1.0" encoding="UTF-16"?>` + in(object),
		"trailing":        in(object) + "x",
		"attribute twice": `<Delete a="1" a="2">` + object + "</Delete>",
		"many attributes": "<Delete" + manyAttributes(17) + ">" + object + "</Delete>",
		"second root":     in(object) + in(object),
		"negative":        "<CompleteMultipartUpload><Part><PartNumber>-1</PartNumber><ETag>e</ETag></Part></CompleteMultipartUpload>",
		"zero":            "<CompleteMultipartUpload><Part><PartNumber>0</PartNumber><ETag>e</ETag></Part></CompleteMultipartUpload>",
		"no ETag":         "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber></Part></CompleteMultipartUpload>",
		"two sums":        "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>e</ETag><ChecksumSHA1>a</ChecksumSHA1><ChecksumCRC32>a</ChecksumCRC32></Part></CompleteMultipartUpload>",
		"not a number":    "<CompleteMultipartUpload><Part><PartNumber>0x1</PartNumber><ETag>e</ETag></Part></CompleteMultipartUpload>",
	}
}

func manyAttributes(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, ` a%d="x"`, i)
	}
	return b.String()
}

// decoders are all there are; TestEveryDecoderIsListed holds them against the source.
func decoders() map[string]func(io.Reader) error {
	return map[string]func(io.Reader) error{
		"DecodeCreateBucket": func(r io.Reader) error { _, err := DecodeCreateBucket(r); return err },
		"DecodeDelete":       func(r io.Reader) error { _, err := DecodeDelete(r, 1000); return err },
		"DecodeComplete":     func(r io.Reader) error { _, err := DecodeComplete(r, 1000); return err },
		"DecodeRetention":    func(r io.Reader) error { _, err := DecodeRetention(r); return err },
		"DecodeLegalHold":    func(r io.Reader) error { _, err := DecodeLegalHold(r); return err },
		"DecodeObjectLock":   func(r io.Reader) error { _, err := DecodeObjectLock(r); return err },
		"DecodeTagging":      func(r io.Reader) error { _, err := DecodeTagging(r); return err },
		"DecodeVersioning":   func(r io.Reader) error { _, err := DecodeVersioning(r); return err },
	}
}

func TestEveryDecoderIsListed(t *testing.T) {
	names, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	listed, declared := decoders(), regexp.MustCompile(`(?m)^func (Decode\w+)\(`)
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range declared.FindAllSubmatch(text, -1) {
			if listed[string(m[1])] == nil {
				t.Errorf("%s is not taken past bad documents", m[1])
			}
		}
	}
}

func TestBadDocumentsAreRefused(t *testing.T) {
	for name, doc := range row17() {
		for who, decode := range decoders() {
			if err := decode(strings.NewReader(doc)); !errors.Is(err, ErrMalformed) {
				t.Errorf("%s, %s: %v", who, name, err)
			}
		}
	}
}

func TestLengthIsBounded(t *testing.T) {
	_, err := DecodeDelete(io.MultiReader(strings.NewReader("<Delete>"), endless(' ')), 1)
	if !errors.Is(err, ErrTooLarge) {
		t.Errorf("white space: %v", err)
	}
	_, err = DecodeCreateBucket(io.MultiReader(strings.NewReader("<"), endless('a')))
	if !errors.Is(err, ErrTooLarge) {
		t.Errorf("name: %v", err)
	}
}

func TestErrorOfTheSourceIsReturned(t *testing.T) {
	broken := errors.New("bad chunk signature")
	const doc = "<Delete><Object><Key>k</Key></Object></Delete>"
	for n := range len(doc) + 1 {
		_, err := DecodeDelete(io.MultiReader(strings.NewReader(doc[:n]), iotest.ErrReader(broken)), 1)
		if err != broken {
			t.Fatalf("after %d bytes: %v", n, err)
		}
	}
}

type endless byte

func (e endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = byte(e)
	}
	return len(p), nil
}

func FuzzDecode(f *testing.F) {
	for _, doc := range row17() {
		f.Add(doc)
	}
	f.Fuzz(func(t *testing.T, doc string) {
		d, err := DecodeDelete(strings.NewReader(doc), 5)
		if err == nil && (len(d.Objects) == 0 || len(d.Objects) > 5) {
			t.Errorf("%d objects", len(d.Objects))
		}
		parts, err := DecodeComplete(strings.NewReader(doc), 5)
		if err == nil && (len(parts) == 0 || len(parts) > 5) {
			t.Errorf("%d parts", len(parts))
		}
		for who, decode := range decoders() {
			err := decode(strings.NewReader(doc))
			known := errors.Is(err, ErrMalformed) || errors.Is(err, ErrTooLarge) || errors.Is(err, ErrUnsupported)
			if err != nil && !known {
				t.Errorf("%s: %v", who, err)
			}
			if broken := wellFormed(doc); err == nil && doc != "" && broken != nil {
				t.Errorf("%s takes %q: %v", who, doc, broken)
			}
		}
	})
}

// wellFormed reads a document with the decoder of the library and looks at nothing in it.
func wellFormed(doc string) error {
	d := xml.NewDecoder(strings.NewReader(doc))
	for {
		if _, err := d.Token(); err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
	}
}

func FuzzEscaped(f *testing.F) {
	f.Add("a&b")
	f.Fuzz(func(t *testing.T, s string) {
		out := string(AppendEscaped(nil, s))
		if strings.ContainsAny(out, "<>\"\x00\r\n") {
			t.Errorf("%q became %q", s, out)
		}
		if back, err := url.PathUnescape(string(AppendURL(nil, s))); err != nil || back != s {
			t.Errorf("%q became %q, %v", s, back, err)
		}
	})
}
