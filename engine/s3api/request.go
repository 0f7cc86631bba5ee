package s3api

import (
	"context"
	"math/rand/v2"
	"time"

	"flashstore/engine/object"
	"flashstore/engine/sigv4"
	"flashstore/netloop"
)

// request is one request on its way through the Handler; it lives until Handle or TryHandle
// returns. What the answer refers to lives longer: it is in the Exchange's memory.
type request struct {
	ex     *netloop.Exchange
	signed sigv4.Request
	ctx    context.Context
	op     Op
	bucket object.BucketName // valid once validation is done, else ""
	key    object.Key        // likewise
	auth   sigv4.Result
	id     []byte // x-amz-request-id
	// now: the request is on the event loop, where nothing may wait.
	now     bool
	started time.Time
	in      int64 // payload bytes read
	out     int64 // body bytes written
}

// identify gives the request an id, in upper-case hexadecimal as S3 does.
func (rq *request) identify() {
	const hex = "0123456789ABCDEF"
	rq.id = rq.ex.Memory.Alloc(16)
	v := rand.Uint64()
	for i := range rq.id {
		rq.id[i] = hex[v>>60]
		v <<= 4
	}
}

// header returns a header field. A presigned URL may carry x-amz-* fields as parameters
// instead, which count as much.
func (rq *request) header(name string) (string, bool) {
	if v, ok := rq.ex.Request.Lookup(name); ok {
		return rq.text(v), true
	}
	if !rq.auth.Presigned || len(name) < len(amz) || name[:len(amz)] != amz {
		return "", false
	}
	for query := rq.ex.Request.Query; len(query) > 0; {
		var n, v []byte
		n, v, query = nextParam(query)
		if netloop.EqualFold(n, name) {
			value, err := rq.unescape(v, true)
			return value, err == nil
		}
	}
	return "", false
}

// field adds a response header field.
func (rq *request) field(name, value string) { rq.ex.AddField(view(name), view(value)) }

// fieldBytes adds a response header field whose value lives as long as the request.
func (rq *request) fieldBytes(name string, value []byte) { rq.ex.AddField(view(name), value) }

// etag adds the ETag field, quoted.
func (rq *request) etag(etag string) {
	b := append(rq.ex.Memory.Alloc(len(etag) + 2)[:0], '"')
	b = append(b, etag...)
	rq.fieldBytes("ETag", append(b, '"'))
}

// checksum adds the fields of a checksum, if there is one.
func (rq *request) checksum(sum object.Checksum) {
	if a, ok := algorithmOf(sum.Algorithm); ok && sum.Value != "" {
		rq.field(a.header(), sum.Value)
		rq.field("x-amz-checksum-type", sum.Type)
	}
}

// empty answers without a body.
func (rq *request) empty(status int) error {
	rq.ex.SetStatus(status)
	rq.ex.SetContentLength(0)
	return nil
}

// xml answers with a document; the status is 200 unless set before.
func (rq *request) xml(doc []byte) error {
	rq.field("Content-Type", "application/xml")
	rq.ex.SetContentLength(int64(len(doc)))
	return rq.write(doc)
}

func (rq *request) write(bufs ...[]byte) error {
	for _, b := range bufs {
		rq.out += int64(len(b))
	}
	return rq.ex.Write(bufs...)
}

// document returns memory for an XML answer of about that many bytes.
func (rq *request) document(bytes int) []byte { return rq.ex.Memory.Alloc(bytes)[:0] }

// Sizes of XML answers in bytes, so that most are written without growing.
const (
	smallDocument = 1 << 10
	entryDocument = 320 // a line of a list: 230 of tags and fixed values, and the key
)

// list returns memory for an XML answer with that many lines.
func (rq *request) list(lines int) []byte {
	return rq.document(smallDocument + lines*entryDocument)
}
