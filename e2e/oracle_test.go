package e2e

import (
	"crypto/md5"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// oracle is the S3 of the documentation, in maps: it says what a history must look like.
type oracle struct {
	buckets map[string]map[string]oracleObject
}

type oracleObject struct {
	etag  string
	parts []content
}

func (o oracleObject) size() (n int64) {
	for _, p := range o.parts {
		n += p.sizeBytes
	}
	return n
}

// hash is that of the length bytes from offset.
func (o oracleObject) hash(offset, length int64) string {
	h := md5.New()
	for _, p := range o.parts {
		if offset < p.sizeBytes && length > 0 {
			n := min(length, p.sizeBytes-offset)
			h.Write(p.slice(offset, n))
			offset, length = offset+n, length-n
		}
		offset -= p.sizeBytes
		offset = max(offset, 0)
	}
	return hex.EncodeToString(h.Sum(nil))
}

func newOracle() *oracle { return &oracle{buckets: make(map[string]map[string]oracleObject)} }

// run carries out an operation and returns what a client sees.
func (m *oracle) run(o *operation) string {
	switch o.kind {
	case "restart", "crash":
		return "ready"
	case "list-buckets":
		return "200 " + strings.Join(slices.Sorted(maps.Keys(m.buckets)), ",")
	case "make-bucket":
		if m.buckets[o.bucket] != nil {
			return "200" // so in us-east-1; 409 elsewhere
		}
		m.buckets[o.bucket] = make(map[string]oracleObject)
		return "200"
	}
	keys := m.buckets[o.bucket]
	if keys == nil && o.kind == "head" {
		return "404"
	}
	if keys == nil {
		return "404 NoSuchBucket"
	}
	switch o.kind {
	case "drop-bucket":
		if len(keys) > 0 {
			return "409 BucketNotEmpty"
		}
		delete(m.buckets, o.bucket)
		return "204"
	case "put":
		keys[o.key] = oracleObject{o.content.etag(), []content{o.content}}
		return "200 " + keys[o.key].etag
	case "delete":
		delete(keys, o.key)
		return "204"
	case "delete-many":
		for _, k := range o.keys {
			delete(keys, k)
		}
		return "200 " + strings.Join(o.keys, ",")
	case "get", "head", "range":
		return m.read(o, keys)
	case "list-v1", "list-v2":
		return "200 " + oracleList(keys, o.prefix, o.delimiter)
	}
	return m.multipart(o, keys)
}

func (m *oracle) read(o *operation, keys map[string]oracleObject) string {
	v, found := keys[o.key]
	switch {
	case !found && o.kind == "head":
		return "404"
	case !found:
		return "404 NoSuchKey"
	case o.kind == "head":
		return fmt.Sprintf("200 %s %d", v.etag, v.size())
	case o.kind == "get":
		return fmt.Sprintf("200 %s %d %s", v.etag, v.size(), v.hash(0, v.size()))
	}
	first, last := o.first, min(o.last, v.size()-1)
	switch {
	case o.first < 0: // the last bytes
		first, last = max(v.size()-o.last, 0), v.size()-1
	case o.last < 0:
		last = v.size() - 1
	}
	if first > last || v.size() == 0 {
		return "416 InvalidRange"
	}
	return fmt.Sprintf("206 %s %d %s", v.etag, last-first+1, v.hash(first, last-first+1))
}

func (m *oracle) multipart(o *operation, keys map[string]oracleObject) string {
	var tags []string
	all := md5.New()
	for _, p := range o.parts {
		tags = append(tags, p.etag())
		sum, _ := hex.DecodeString(p.etag()) // was encoded a moment ago
		all.Write(sum)
	}
	seen := "200 " + strings.Join(tags, ",")
	switch o.kind {
	case "multipart-abort":
		return seen + " 204 404 NoSuchUpload"
	case "multipart-bad":
		return seen + " 400 EntityTooSmall 204"
	}
	etag := fmt.Sprintf("%x-%d", all.Sum(nil), len(o.parts))
	keys[o.key] = oracleObject{etag, o.parts}
	return fmt.Sprintf("%s 200 %s", seen, etag)
}

// oracleList is keys and common prefixes in the order of their bytes.
func oracleList(keys map[string]oracleObject, prefix, delimiter string) string {
	seen := make(map[string]string)
	for k, v := range keys {
		rest, ok := strings.CutPrefix(k, prefix)
		if !ok {
			continue
		}
		if delimiter != "" {
			if i := strings.Index(rest, delimiter); i >= 0 {
				seen[prefix+rest[:i+len(delimiter)]] = " (prefix)"
				continue
			}
		}
		seen[k] = fmt.Sprintf(" %s %d", v.etag, v.size())
	}
	var lines []string
	for _, name := range slices.Sorted(maps.Keys(seen)) {
		lines = append(lines, name+seen[name])
	}
	return strings.Join(lines, "; ")
}
