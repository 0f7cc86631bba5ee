package e2e

import (
	"fmt"
	"math/rand/v2"
	"strings"
)

// operation is one line of a history: what to do, decided by the seed alone. Fields that its
// kind does not need are zero.
type operation struct {
	kind      string
	bucket    string
	key       string
	content   content
	first     int64  // of a range, or -1
	last      int64  // of a range, or -1
	prefix    string // of a list
	delimiter string
	page      int
	keys      []string  // of a multi-delete
	parts     []content // of a multipart upload
}

// String is the operation as it stands in a history.
func (o *operation) String() string {
	s := fmt.Sprintf("%s %s/%s", o.kind, o.bucket, o.key)
	switch o.kind {
	case "put":
		s += fmt.Sprintf(" %d bytes", o.content.sizeBytes)
	case "range":
		s += " " + o.rangeField()
	case "list-v1", "list-v2":
		s += fmt.Sprintf(" prefix=%q delimiter=%q page=%d", o.prefix, o.delimiter, o.page)
	case "delete-many":
		s += " " + strings.Join(o.keys, ",")
	case "multipart", "multipart-abort", "multipart-bad":
		for _, p := range o.parts {
			s += fmt.Sprintf(" +%d", p.sizeBytes)
		}
	}
	return s
}

func (o *operation) rangeField() string {
	switch {
	case o.first < 0:
		return fmt.Sprintf("bytes=-%d", o.last)
	case o.last < 0:
		return fmt.Sprintf("bytes=%d-", o.first)
	}
	return fmt.Sprintf("bytes=%d-%d", o.first, o.last)
}

// Few names, so that operations meet on them; keys that would collide as paths.
var (
	historyBuckets = []string{"alpha", "beta.bucket", "never-made"}
	historyKeys    = []string{"a", "a/", "a/b", "a/b/c", "a//b", "a b+c", "ü/ö", "..", "z/%2F&<>",
		"dir/one", "dir/two", "dir/sub/three"}
	historySizes = []int64{0, 1, 1000, 4 << 10, 2*inlineShardBytes - 1, 2 * inlineShardBytes,
		2*inlineShardBytes + 1, stripeBytes - 1, stripeBytes, stripeBytes + 1, 2*stripeBytes + 77}
)

// weights say how often a kind comes, relative to the others.
var weights = []struct {
	kind string
	n    int
}{
	{"put", 30}, {"get", 18}, {"range", 14}, {"head", 8}, {"delete", 8}, {"delete-many", 4},
	{"list-v1", 8}, {"list-v2", 8}, {"make-bucket", 3}, {"drop-bucket", 4}, {"list-buckets", 2},
	{"multipart", 3}, {"multipart-abort", 2}, {"multipart-bad", 1}, {"restart", 1}, {"crash", 1},
}

// newHistory makes a list of n operations.
func newHistory(r *rand.Rand, n int) []operation {
	var kinds []string
	for _, w := range weights {
		for range w.n {
			kinds = append(kinds, w.kind)
		}
	}
	all := []operation{{kind: "list-buckets"}, {kind: "make-bucket", bucket: historyBuckets[0]},
		{kind: "make-bucket", bucket: historyBuckets[1]}}
	for len(all) < n-2 {
		all = append(all, newOperation(r, pick(r, kinds)))
	}
	// Each history restarts once, whatever the seed says.
	return append(all, operation{kind: "crash"}, operation{kind: "list-v2",
		bucket: historyBuckets[0], page: 1000})
}

func pick[T any](r *rand.Rand, from []T) T { return from[r.IntN(len(from))] }

func newOperation(r *rand.Rand, kind string) operation {
	o := operation{kind: kind}
	switch kind {
	case "list-buckets", "restart", "crash":
		return o
	}
	o.bucket = historyBuckets[min(r.IntN(20)/10+r.IntN(20)/19, 2)] // the last one is rare
	switch kind {
	case "put":
		o.key, o.content = pick(r, historyKeys), content{r.Uint64(), pick(r, historySizes)}
	case "get", "head", "delete":
		o.key = pick(r, historyKeys)
	case "range":
		o.key = pick(r, historyKeys)
		at := pick(r, historySizes) - r.Int64N(3)
		o.first, o.last = max(at, 0), max(at, 0)+r.Int64N(2*stripeBytes)
		if end := r.IntN(6); end == 0 {
			o.first = -1
		} else if end == 1 {
			o.last = -1
		}
	case "list-v1", "list-v2":
		o.prefix, o.delimiter = pick(r, []string{"", "", "a", "a/", "dir/", "ü", "none"}),
			pick(r, []string{"", "/", "/", "b"})
		o.page = pick(r, []int{1, 2, 3, 7, 1000})
	case "delete-many":
		for range 1 + r.IntN(4) {
			o.keys = append(o.keys, pick(r, historyKeys))
		}
	case "multipart", "multipart-abort":
		o.key = pick(r, historyKeys)
		o.parts = []content{{r.Uint64(), partBytes}, {r.Uint64(), 1 + r.Int64N(stripeBytes)}}
	case "multipart-bad": // the first part is too small
		o.key = pick(r, historyKeys)
		o.parts = []content{{r.Uint64(), 1000}, {r.Uint64(), 1000}}
	}
	return o
}
