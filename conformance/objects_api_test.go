package conformance

import (
	"io"
	"mime"
)

// put stores an object, or ends the case. Fields are name, value, name, value.
func (p *probe) put(bucket, key, content string, fields ...string) *answer {
	return p.req("PUT", bucket, key).body(content).fields(fields...).send().status(200)
}

func (p *probe) get(bucket, key string, fields ...string) *answer {
	return p.req("GET", bucket, key).fields(fields...).send()
}

func (p *probe) head(bucket, key string, fields ...string) *answer {
	return p.req("HEAD", bucket, key).fields(fields...).send()
}

func (p *probe) del(bucket, key string, fields ...string) *answer {
	return p.req("DELETE", bucket, key).fields(fields...).send()
}

// sub asks for a sub-resource.
func (p *probe) sub(method, bucket, key, query, content string, fields ...string) *answer {
	r := p.req(method, bucket, key).query(query).fields(fields...)
	if content != "" {
		r.body(content).md5()
	}
	return r.send()
}

func versioningXML(status string) string {
	return `<VersioningConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Status>` +
		status + `</Status></VersioningConfiguration>`
}

// reads expects exactly this content of a body, and closes it.
func (p *probe) reads(body io.ReadCloser, want string) {
	defer body.Close()
	got, err := io.ReadAll(body)
	if err != nil || string(got) != want {
		p.errorf("read %d bytes, %v, want %d bytes as they were put", len(got), err, len(want))
	}
}

// decodeWord reads one encoded word of RFC 2047, or text that is none.
func decodeWord(s string) string {
	text, err := new(mime.WordDecoder).DecodeHeader(s)
	if err != nil {
		return s
	}
	return text
}
