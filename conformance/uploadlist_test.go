package conformance

import (
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

func uploadListCases(l *list) {
	for _, c := range []listCase{
		{"uploads&prefix={p}", "a|b/1|b/2|c", "", false},
		{"uploads&prefix={p}&delimiter=/", "a|c", "b/", false},
		{"uploads&prefix={p}b", "b/1|b/2", "", false},
		{"uploads&prefix={p}none", "", "", false},
		{"uploads&prefix={p}&max-uploads=2", "a|b/1", "", true},
		{"uploads&prefix={p}&max-uploads=4", "a|b/1|b/2|c", "", false},
		{"uploads&prefix={p}&key-marker={p}b/1", "b/2|c", "", false},
		{"uploads&prefix={p}&key-marker={p}c", "", "", false},
		{"uploads&prefix={p}&delimiter=/&max-uploads=2", "a", "b/", true},
	} {
		l.raw(c.query, ruleUploads, func(p *probe) {
			b := p.shared()
			for _, k := range []string{"c", "b/2", "a", "b/1"} {
				p.newUpload(b, p.key(k))
			}
			query := strings.ReplaceAll(c.query, "{p}", p.prefix())
			a := p.sub("GET", b, "", query, "").status(200)
			root := a.xml("ListMultipartUploadsResult")
			p.equal("keys", p.below(root.texts("Upload/Key")), c.keys)
			p.equal("prefixes", p.below(root.texts("CommonPrefixes/Prefix")), c.prefixes)
			a.element(root, "IsTruncated", fmt.Sprint(c.truncated))
			a.element(root, "Bucket", b)
			values, _ := url.ParseQuery(query)
			a.element(root, "KeyMarker", values.Get("key-marker"))
			p.equal("a marker", root.at("NextKeyMarker") != "", c.truncated)
			if n := len(root.all("Upload")); n != len(root.all("Upload/Initiator/ID")) ||
				n != len(root.all("Upload/Owner/ID")) || n != len(root.all("Upload/Initiated")) ||
				n != len(root.all("Upload/UploadId")) || n != len(root.all("Upload/StorageClass")) {
				p.errorf("Initiator, Owner, Initiated, UploadId or StorageClass is missing: %s", a.bytes)
			}
		})
	}
	l.raw("uploads of one key in pages", ruleUploads+": upload-id-marker", func(p *probe) {
		b, k := p.shared(), p.key("o")
		var want, got []string
		for range 3 {
			want = append(want, p.newUpload(b, k).id)
		}
		more := ""
		for range 5 {
			root := p.sub("GET", b, "", "uploads&max-uploads=1&prefix="+k+more, "").status(200).
				xml("ListMultipartUploadsResult")
			got = append(got, root.texts("Upload/UploadId")...)
			if root.at("IsTruncated") == "false" {
				break
			}
			more = "&key-marker=" + root.at("NextKeyMarker") + "&upload-id-marker=" +
				escape(root.at("NextUploadIdMarker"))
		}
		slices.Sort(want)
		slices.Sort(got)
		p.equal("uploads", got, want)
	})
	l.raw("uploads with encoding-type=url", ruleUploads+": encoding-type", func(p *probe) {
		b, k := p.shared(), p.key("a b+ü")
		p.newUpload(b, k)
		root := p.sub("GET", b, "", "uploads&encoding-type=url&prefix="+p.prefix(), "").status(200).
			xml("ListMultipartUploadsResult")
		decoded, err := url.QueryUnescape(root.at("Upload/Key"))
		if err != nil || decoded != k || strings.Contains(root.at("Upload/Key"), " ") {
			p.errorf("%v, %q", err, root.at("Upload/Key"))
		}
	})
	l.raw("an upload that ended is not listed", ruleUploads+": in-progress uploads", func(p *probe) {
		b := p.shared()
		done, gone := p.newUpload(b, p.key("done")), p.newUpload(b, p.key("gone"))
		done.put(1, "x")
		done.complete().status(200)
		gone.req("DELETE", "").send().status(204)
		root := p.sub("GET", b, "", "uploads&prefix="+p.prefix(), "").status(200).
			xml("ListMultipartUploadsResult")
		p.equal("uploads", len(root.all("Upload")), 0)
	})
	l.raw("an upload is no object yet", ruleListV2, func(p *probe) {
		b := p.shared()
		p.newUpload(b, p.key("o")).put(1, "x")
		root := p.sub("GET", b, "", "list-type=2&prefix="+p.prefix(), "").status(200).
			xml("ListBucketResult")
		p.equal("KeyCount", root.at("KeyCount"), "0")
	})
	l.aws("uploads", ruleUploads, func(p *probe) {
		b := p.shared()
		u := p.newUpload(b, p.key("o"))
		out, err := p.aws.ListMultipartUploads(p.ctx, &s3.ListMultipartUploadsInput{Bucket: &b,
			Prefix: aws.String(p.prefix())})
		if err != nil || len(out.Uploads) != 1 || *out.Uploads[0].UploadId != u.id ||
			out.Uploads[0].Initiated.IsZero() {
			p.errorf("%v, %+v", err, out)
		}
	})
	l.minio("uploads", ruleUploads, func(p *probe) {
		b := p.shared()
		u := p.newUpload(b, p.key("o"))
		u.put(1, "12345")
		n := 0
		for item := range p.minio.ListIncompleteUploads(p.ctx, b, p.prefix(), true) {
			if n++; item.Err != nil || item.UploadID != u.id || item.Key != u.key {
				p.errorf("%+v", item)
			}
		}
		p.equal("uploads", n, 1)
	})
	l.minio("remove an incomplete upload", ruleAbort, func(p *probe) {
		b := p.shared()
		u := p.newUpload(b, p.key("o"))
		if err := p.minio.RemoveIncompleteUpload(p.ctx, b, u.key); err != nil {
			p.errorf("%v", err)
		}
		u.req("GET", "").send().fails(404, "NoSuchUpload")
	})
}
