package s3api

import "bytes"

// target is what a request is about, as sent: still percent-encoded.
type target struct {
	level       level
	bucket, key []byte
	virtual     bool // the bucket came from the host name, where nothing is escaped
}

// locate splits path-style and virtual-host-style addresses. It never normalises: in "//k" the
// bucket is empty, and so refused, and "/b//" is the key "/".
func locate(host, path []byte, domains []string) target {
	if bucket, ok := virtualBucket(host, domains); ok {
		t := target{level: atBucket, bucket: bucket, virtual: true}
		if len(path) > 1 {
			t.level, t.key = atKey, path[1:]
		}
		return t
	}
	if len(path) <= 1 {
		return target{level: atService}
	}
	bucket, key, _ := bytes.Cut(path[1:], []byte{'/'})
	t := target{level: atBucket, bucket: bucket, key: key}
	if len(key) > 0 {
		t.level = atKey
	}
	return t
}

// virtualBucket returns what stands before a domain in host, if something does. Where several
// domains fit, the longest counts. The bucket is as sent, but in lower case.
func virtualBucket(host []byte, domains []string) ([]byte, bool) {
	if len(domains) == 0 {
		return nil, false
	}
	if i := bytes.LastIndexByte(host, ':'); i >= 0 && bytes.IndexByte(host[i:], ']') < 0 {
		host = host[:i]
	}
	host = bytes.ToLower(host)
	best := -1
	for i, d := range domains {
		if string(host) == d {
			return nil, false
		}
		at := len(host) - len(d) - 1
		if at > 0 && host[at] == '.' && string(host[at+1:]) == d &&
			(best < 0 || len(d) > len(domains[best])) {
			best = i
		}
	}
	if best < 0 {
		return nil, false
	}
	return host[:len(host)-len(domains[best])-1], true
}
