package conformance

import (
	"io"
	"slices"
	"strings"
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

func readCloser(s string) io.ReadCloser { return io.NopCloser(strings.NewReader(s)) }

// tags are those of an object as "a=1,b=2", in order.
func (p *probe) tags(bucket, key, query string) string {
	q := "tagging"
	if query != "" {
		q += "&" + query
	}
	root := p.sub("GET", bucket, key, q, "").status(200).xml("Tagging")
	var all []string
	for _, t := range root.all("TagSet/Tag") {
		all = append(all, t.at("Key")+"="+t.at("Value"))
	}
	slices.Sort(all)
	return strings.Join(all, ",")
}
