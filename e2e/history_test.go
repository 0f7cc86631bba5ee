package e2e

import (
	"bytes"
	"crypto/md5"
	"encoding/hex"
	"encoding/xml"
	"fmt"
	"net/url"
	"strconv"
	"strings"
)

// runner carries out operations on a server and returns what a client sees, without dates and
// ids.
type runner struct{ *server }

func (r runner) run(o *operation) string {
	path := "/" + o.bucket
	switch o.kind {
	case "restart":
		r.stop()
		r.start()
		return "ready"
	case "crash":
		r.kill()
		r.start()
		return "ready"
	case "list-buckets":
		return r.listBuckets()
	case "make-bucket":
		return r.seen(request{method: "PUT", path: path})
	case "drop-bucket":
		return r.seen(request{method: "DELETE", path: path})
	case "delete-many":
		return r.deleteMany(o)
	case "list-v1", "list-v2":
		return r.list(o)
	}
	path += "/" + o.key
	switch o.kind {
	case "put":
		return r.seen(request{method: "PUT", path: path, body: o.content.bytes()})
	case "get":
		return r.seen(request{method: "GET", path: path})
	case "head":
		return r.seen(request{method: "HEAD", path: path})
	case "delete":
		return r.seen(request{method: "DELETE", path: path})
	case "range":
		return r.seen(request{method: "GET", path: path,
			header: map[string]string{"Range": o.rangeField()}})
	}
	return r.multipart(o, path)
}

// seen is a request's outcome: status, then code, or ETag, size and hash of the body.
func (r runner) seen(q request) string {
	a, err := r.do(q)
	if err != nil {
		return err.Error()
	}
	words := []string{strconv.Itoa(a.status)}
	switch {
	case a.code != "":
		words = append(words, a.code)
	case a.status >= 300:
	case a.etag() != "":
		words = append(words, a.etag())
		if q.method != "PUT" {
			words = append(words, a.header.Get("Content-Length"))
		}
		if q.method == "GET" {
			sum := md5.Sum(a.body)
			words = append(words, hex.EncodeToString(sum[:]))
		}
	}
	return strings.Join(words, " ")
}

// failed is the outcome of an answer that ends an operation.
func failed(a *answer, err error) string {
	if err != nil {
		return err.Error()
	}
	return strings.TrimSpace(fmt.Sprintf("%d %s", a.status, a.code))
}

func (r runner) listBuckets() string {
	a, err := r.do(request{method: "GET", path: "/"})
	if err != nil || a.status != 200 {
		return failed(a, err)
	}
	var doc struct {
		Names []string `xml:"Buckets>Bucket>Name"`
	}
	if err := xml.Unmarshal(a.body, &doc); err != nil {
		return err.Error()
	}
	return "200 " + strings.Join(doc.Names, ",")
}

func (r runner) deleteMany(o *operation) string {
	var body bytes.Buffer
	body.WriteString("<Delete>")
	for _, k := range o.keys {
		body.WriteString("<Object><Key>")
		_ = xml.EscapeText(&body, []byte(k)) // to memory
		body.WriteString("</Key></Object>")
	}
	body.WriteString("</Delete>")
	a, err := r.do(request{method: "POST", path: "/" + o.bucket,
		query: url.Values{"delete": {""}}, body: body.Bytes(), header: contentMD5(body.Bytes())})
	if err != nil || a.status != 200 {
		return failed(a, err)
	}
	var doc struct {
		Deleted []string `xml:"Deleted>Key"`
		Errors  []string `xml:"Error>Code"`
	}
	if err := xml.Unmarshal(a.body, &doc); err != nil {
		return err.Error()
	}
	return "200 " + strings.Join(append(doc.Deleted, doc.Errors...), ",")
}

// page is an answer to either version of the list call.
type page struct {
	Contents []struct {
		Key, ETag string
		Size      int64
	}
	CommonPrefixes        []struct{ Prefix string }
	IsTruncated           bool
	KeyCount              int
	NextMarker            string
	NextContinuationToken string
}

// list follows all pages. Keys and prefixes are merged as the bytes order them, which S3 leaves
// to the client; each page must be full but the last.
func (r runner) list(o *operation) string {
	q := url.Values{"prefix": {o.prefix}, "delimiter": {o.delimiter},
		"max-keys": {strconv.Itoa(o.page)}}
	var lines []string
	for pages := 0; pages < 100; pages++ {
		if o.kind == "list-v2" {
			q.Set("list-type", "2")
		}
		a, err := r.do(request{method: "GET", path: "/" + o.bucket, query: q})
		if err != nil || a.status != 200 {
			return failed(a, err)
		}
		var p page
		if err := xml.Unmarshal(a.body, &p); err != nil {
			return err.Error()
		}
		merged := p.lines()
		lines = append(lines, merged...)
		if !p.IsTruncated {
			return "200 " + strings.Join(lines, "; ")
		}
		if len(merged) != o.page || o.kind == "list-v2" && p.KeyCount != o.page {
			return fmt.Sprintf("page %d has %d entries and says %d", pages, len(merged),
				p.KeyCount)
		}
		p.next(o.kind, q)
	}
	return "the pages do not end"
}

// next puts what asks for the following page into q.
func (p *page) next(kind string, q url.Values) {
	switch {
	case kind == "list-v2":
		q.Set("continuation-token", p.NextContinuationToken)
	case p.NextMarker != "":
		q.Set("marker", p.NextMarker)
	default: // without a delimiter, version 1 leaves it to the client
		q.Set("marker", p.Contents[len(p.Contents)-1].Key)
	}
}

func (p *page) lines() (all []string) {
	prefixes := p.CommonPrefixes
	for _, c := range p.Contents {
		for len(prefixes) > 0 && prefixes[0].Prefix < c.Key {
			all = append(all, prefixes[0].Prefix+" (prefix)")
			prefixes = prefixes[1:]
		}
		all = append(all, fmt.Sprintf("%s %s %d", c.Key, strings.Trim(c.ETag, `"`), c.Size))
	}
	for _, x := range prefixes {
		all = append(all, x.Prefix+" (prefix)")
	}
	return all
}

// multipart uploads all parts, then completes or aborts.
func (r runner) multipart(o *operation, path string) string {
	a, err := r.do(request{method: "POST", path: path, query: url.Values{"uploads": {""}}})
	if err != nil || a.status != 200 {
		return failed(a, err)
	}
	id := uploadID(a)
	var tags []string
	for i, p := range o.parts {
		a, err := r.do(request{method: "PUT", path: path, body: p.bytes(), query: url.Values{
			"uploadId": {id}, "partNumber": {strconv.Itoa(i + 1)}}})
		if err != nil || a.status != 200 {
			return failed(a, err)
		}
		tags = append(tags, a.etag())
	}
	seen := "200 " + strings.Join(tags, ",") + " "
	upload := url.Values{"uploadId": {id}}
	complete := request{method: "POST", path: path, query: upload, body: completeXML(tags)}
	abort := request{method: "DELETE", path: path, query: upload}
	switch o.kind {
	case "multipart-abort":
		return seen + r.seen(abort) + " " + r.seen(complete)
	case "multipart-bad":
		return seen + r.seen(complete) + " " + r.seen(abort)
	}
	if a, err = r.do(complete); err != nil || a.status != 200 || a.code != "" {
		return seen + failed(a, err)
	}
	var doc struct{ ETag string }
	if err := xml.Unmarshal(a.body, &doc); err != nil {
		return err.Error()
	}
	return seen + "200 " + strings.Trim(doc.ETag, `"`)
}
