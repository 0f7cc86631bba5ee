package conformance

import (
	"context"
	"net/url"
	"sync"
	"time"
)

// sweep empties and removes a bucket. It asserts nothing: a server that cannot list versions is
// listed without, and a case may have removed the bucket itself.
func (p *probe) sweep(bucket string) {
	ctx, cancel := context.WithTimeout(context.Background(), sweepMax)
	defer cancel()
	q := &probe{target: p.target, ctx: ctx}
	defer func() {
		if r := recover(); r != nil {
			if _, ok := r.(stopped); !ok {
				panic(r)
			}
		}
	}()
	q.sweepUploads(bucket)
	for range sweepRounds {
		if !q.sweepVersions(bucket) && !q.sweepObjects(bucket) {
			break
		}
	}
	_, _ = q.req("DELETE", bucket, "").try()
}

// sweepRounds is how often a bucket is listed: each time 1,000 go, or a retention ends.
const sweepRounds = 8

func (p *probe) sweepUploads(bucket string) {
	a, err := p.req("GET", bucket, "").query("uploads&encoding-type=url").try()
	if err != nil || a.code != 200 {
		return
	}
	for _, u := range a.xml("ListMultipartUploadsResult").all("Upload") {
		_, _ = p.req("DELETE", bucket, plain(u)).query("uploadId=" + u.at("UploadId")).try()
	}
}

// sweepVersions deletes a page of versions and markers, and says whether there were any.
func (p *probe) sweepVersions(bucket string) bool {
	a, err := p.req("GET", bucket, "").query("versions&encoding-type=url").try()
	if err != nil || a.code != 200 {
		return false
	}
	root := a.xml("ListVersionsResult")
	all := append(root.all("Version"), root.all("DeleteMarker")...)
	p.each(all, func(v *node) {
		query := "versionId=" + escape(v.at("VersionId"))
		a, err := p.req("DELETE", bucket, plain(v)).query(query).
			field("x-amz-bypass-governance-retention", "true").try()
		if err == nil && a.code == 403 { // held, or retained for a moment
			_, _ = p.req("PUT", bucket, plain(v)).query("legal-hold&" + query).
				body("<LegalHold><Status>OFF</Status></LegalHold>").md5().try()
			time.Sleep(200 * time.Millisecond) // between rounds, for retention that ends by itself
		}
	})
	return len(all) > 0
}

func (p *probe) sweepObjects(bucket string) bool {
	a, err := p.req("GET", bucket, "").query("list-type=2&encoding-type=url").try()
	if err != nil || a.code != 200 {
		return false
	}
	all := a.xml("ListBucketResult").all("Contents")
	p.each(all, func(o *node) { _, _ = p.req("DELETE", bucket, plain(o)).try() })
	return len(all) > 0
}

// plain is the key of an item of a list with encoding-type=url.
func plain(n *node) string {
	key, err := url.QueryUnescape(n.at("Key"))
	if err != nil {
		return n.at("Key")
	}
	return key
}

// each runs do for all nodes, some at once.
func (p *probe) each(all []*node, do func(*node)) {
	var wg sync.WaitGroup
	slots := make(chan struct{}, 8)
	for _, n := range all {
		slots <- struct{}{}
		wg.Go(func() { do(n); <-slots })
	}
	wg.Wait()
}
