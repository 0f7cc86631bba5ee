package conformance

import (
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/minio/minio-go/v7"
)

const (
	ruleVersioning = guide + "Versioning.html"
	rulePutVersion = api + "API_PutBucketVersioning.html"
	ruleMarker     = guide + "DeleteMarker.html"
	ruleSuspended  = guide + "VersionSuspendedBehavior.html, AddingObjectstoVersionSuspendedBuckets.html"
)

func versioningCases(l *list) {
	versioningStateCases(l)
	versionLifeCases(l)
	markerCases(l)
	nullVersionCases(l)
	badVersionCases(l)
	versionListCases(l)
	versionSDKCases(l)
}

// setVersioning enables or suspends.
func (p *probe) setVersioning(bucket, status string) {
	p.sub("PUT", bucket, "", "versioning", versioningXML(status)).status(200)
}

// putVersion puts a version and returns its id.
func (p *probe) putVersion(bucket, key, content string) string {
	return p.put(bucket, key, content).matches("x-amz-version-id", ".+").get("x-amz-version-id")
}

func (p *probe) version(method, bucket, key, id string) *answer {
	return p.sub(method, bucket, key, "versionId="+escape(id), "")
}

func versioningStateCases(l *list) {
	state := func(p *probe, b string) string {
		root := p.sub("GET", b, "", "versioning", "").status(200).xml("VersioningConfiguration")
		return strings.Join(root.texts("Status"), ",")
	}
	l.raw("never enabled", api+"API_GetBucketVersioning.html: no Status", func(p *probe) {
		b := p.bucket()
		p.equal("Status", state(p, b), "")
		p.put(b, "k", "x").lacks("x-amz-version-id")
		p.get(b, "k").status(200).lacks("x-amz-version-id")
	})
	l.raw("enabled, suspended, enabled", rulePutVersion, func(p *probe) {
		b := p.bucket()
		for _, status := range []string{"Enabled", "Suspended", "Enabled", "Enabled"} {
			p.setVersioning(b, status)
			p.equal("Status", state(p, b), status)
		}
	})
	l.raw("suspended at first", rulePutVersion, func(p *probe) {
		b := p.bucket()
		p.setVersioning(b, "Suspended")
		p.equal("Status", state(p, b), "Suspended")
	})
	for _, body := range []string{versioningXML("On"), versioningXML(""), versioningXML("enabled"),
		"<VersioningConfiguration>", "text",
		"<Versioning><Status>Enabled</Status></Versioning>"} {
		l.raw("bad: "+strings.TrimPrefix(body, `<VersioningConfiguration xmlns="http://s3.amazonaws.com`),
			ruleErrors+": MalformedXML", func(p *probe) {
				b := p.shared()
				p.sub("PUT", b, "", "versioning", body).
					failsAny(400, "MalformedXML", "IllegalVersioningConfigurationException")
				p.equal("Status", state(p, b), "")
			})
	}
}

func versionLifeCases(l *list) {
	l.raw("three versions", ruleVersioning, func(p *probe) {
		b, k := p.versioned(), p.key("o")
		var ids []string
		for i := range 3 {
			ids = append(ids, p.putVersion(b, k, fmt.Sprint("content ", i)))
		}
		slices.Sort(ids)
		p.equal("different ids", len(slices.Compact(ids)), 3)
		p.get(b, k).status(200).text("content 2").matches("x-amz-version-id", ".+")
	})
	l.raw("each version can be read", api+"API_GetObject.html: versionId", func(p *probe) {
		b, k := p.versioned(), p.key("o")
		old := p.put(b, k, "old", "x-amz-meta-a", "1", "Content-Type", "a/b").get("x-amz-version-id")
		p.putVersion(b, k, "new")
		for _, method := range []string{"GET", "HEAD"} {
			p.version(method, b, k, old).status(200).has("x-amz-version-id", old).
				has("ETag", etagOf("old")).has("x-amz-meta-a", "1").has("Content-Type", "a/b")
		}
		p.version("GET", b, k, old).text("old")
		p.sub("GET", b, k, "versionId="+old, "", "Range", "bytes=1-1").status(206).text("l")
		p.sub("GET", b, k, "versionId="+old, "", "If-None-Match", etagOf("old")).fails(304, "")
		p.sub("GET", b, k, "versionId="+old, "", "If-Match", etagOf("new")).
			fails(412, "PreconditionFailed")
	})
	l.raw("delete of a version", guide+"DeletingObjectVersions.html: for good", func(p *probe) {
		b, k := p.versioned(), p.key("o")
		old, current := p.putVersion(b, k, "old"), p.putVersion(b, k, "new")
		p.version("DELETE", b, k, old).status(204).has("x-amz-version-id", old).
			lacks("x-amz-delete-marker")
		p.version("GET", b, k, old).fails(404, "NoSuchVersion")
		p.get(b, k).status(200).text("new").has("x-amz-version-id", current)
	})
	l.raw("delete of the current version", guide+"DeletingObjectVersions.html: the one before "+
		"becomes current", func(p *probe) {
		b, k := p.versioned(), p.key("o")
		old, current := p.putVersion(b, k, "old"), p.putVersion(b, k, "new")
		p.version("DELETE", b, k, current).status(204)
		p.get(b, k).status(200).text("old").has("x-amz-version-id", old)
		p.version("DELETE", b, k, old).status(204)
		p.get(b, k).fails(404, "NoSuchKey")
	})
	l.raw("a large version", ruleVersioning, func(p *probe) {
		b, k := p.versioned(), p.key("o")
		old := p.putVersion(b, k, bytesOf(1<<20))
		p.putVersion(b, k, bytesOf(700_000))
		p.version("GET", b, k, old).status(200).text(bytesOf(1 << 20))
		p.version("DELETE", b, k, old).status(204)
		p.get(b, k).status(200).text(bytesOf(700_000))
	})
	l.raw("delete with a condition keeps it", ruleDeleteIf, func(p *probe) {
		b, k := p.versioned(), p.key("o")
		p.putVersion(b, k, "x")
		p.del(b, k, "If-Match", other).fails(412, "PreconditionFailed")
		p.get(b, k).status(200).text("x")
		p.del(b, k, "If-Match", etagOf("x")).status(204).has("x-amz-delete-marker", "true")
	})
}

func markerCases(l *list) {
	l.raw("delete makes a marker", ruleMarker, func(p *probe) {
		b, k := p.versioned(), p.key("o")
		id := p.putVersion(b, k, "x")
		marker := p.del(b, k).status(204).has("x-amz-delete-marker", "true").
			matches("x-amz-version-id", ".+").get("x-amz-version-id")
		p.get(b, k).fails(404, "NoSuchKey").has("x-amz-delete-marker", "true").
			has("x-amz-version-id", marker)
		p.head(b, k).fails(404, "").has("x-amz-delete-marker", "true")
		p.version("GET", b, k, id).status(200).text("x")
	})
	l.raw("a marker cannot be read", ruleMarker+": 405, Allow: DELETE", func(p *probe) {
		b, k := p.versioned(), p.key("o")
		p.putVersion(b, k, "x")
		marker := p.del(b, k).status(204).get("x-amz-version-id")
		p.version("GET", b, k, marker).fails(405, "MethodNotAllowed").
			has("x-amz-delete-marker", "true").has("Allow", "DELETE").matches("Last-Modified", httpDate)
		p.version("HEAD", b, k, marker).fails(405, "").has("x-amz-delete-marker", "true")
	})
	l.raw("delete of a marker", ruleMarker+": the object is there again", func(p *probe) {
		b, k := p.versioned(), p.key("o")
		p.putVersion(b, k, "x")
		marker := p.del(b, k).status(204).get("x-amz-version-id")
		p.version("DELETE", b, k, marker).status(204).has("x-amz-delete-marker", "true").
			has("x-amz-version-id", marker)
		p.get(b, k).status(200).text("x")
	})
	l.raw("a marker on a marker", ruleMarker, func(p *probe) {
		b, k := p.versioned(), p.key("o")
		p.putVersion(b, k, "x")
		one := p.del(b, k).status(204).get("x-amz-version-id")
		two := p.del(b, k).status(204).get("x-amz-version-id")
		if one == two {
			p.errorf("both markers are %s", one)
		}
		p.version("DELETE", b, k, two).status(204)
		p.get(b, k).fails(404, "NoSuchKey").has("x-amz-version-id", one)
	})
	l.raw("a marker on nothing", ruleMarker, func(p *probe) {
		b, k := p.versioned(), p.key("none")
		p.del(b, k).status(204).has("x-amz-delete-marker", "true")
		p.get(b, k).fails(404, "NoSuchKey").has("x-amz-delete-marker", "true")
	})
	l.raw("put on a marker", ruleMarker, func(p *probe) {
		b, k := p.versioned(), p.key("o")
		p.putVersion(b, k, "old")
		p.del(b, k).status(204)
		p.putVersion(b, k, "new")
		p.get(b, k).status(200).text("new").lacks("x-amz-delete-marker")
	})
	l.raw("a marker is not in a list of objects", ruleMarker, func(p *probe) {
		b := p.versioned()
		p.putVersion(b, p.key("o"), "x")
		p.putVersion(b, p.key("kept"), "x")
		p.del(b, p.key("o")).status(204)
		root := p.sub("GET", b, "", "list-type=2&prefix="+p.prefix(), "").status(200).
			xml("ListBucketResult")
		p.equal("keys", p.below(root.texts("Contents/Key")), "kept")
	})
}

func nullVersionCases(l *list) {
	l.raw("null: what was there before", ruleVersioning+": version ID null", func(p *probe) {
		b := p.bucket()
		p.put(b, "k", "before")
		p.setVersioning(b, "Enabled")
		p.get(b, "k").status(200).text("before").has("x-amz-version-id", "null")
		id := p.putVersion(b, "k", "after")
		p.version("GET", b, "k", "null").status(200).text("before").has("x-amz-version-id", "null")
		p.version("DELETE", b, "k", id).status(204)
		p.get(b, "k").status(200).text("before")
		p.version("DELETE", b, "k", "null").status(204)
		p.get(b, "k").fails(404, "NoSuchKey")
	})
	l.raw("null: in a bucket without versions", ruleVersioning, func(p *probe) {
		b, k := p.shared(), p.key("o")
		p.put(b, k, "x")
		p.version("GET", b, k, "null").status(200).text("x")
		p.version("DELETE", b, k, "null").status(204)
		p.get(b, k).fails(404, "NoSuchKey")
	})
	l.raw("suspended: put", ruleSuspended+": overwrites the null version only", func(p *probe) {
		b := p.bucket()
		p.setVersioning(b, "Enabled")
		id := p.putVersion(b, "k", "one")
		p.setVersioning(b, "Suspended")
		for _, content := range []string{"two", "three"} {
			if v := p.put(b, "k", content).get("x-amz-version-id"); v != "" && v != "null" {
				p.errorf("x-amz-version-id %s, want null", v)
			}
		}
		p.get(b, "k").status(200).text("three").has("x-amz-version-id", "null")
		p.version("GET", b, "k", id).status(200).text("one")
		p.equal("versions", p.versions(b, "k"), "null|"+id)
	})
	l.raw("suspended: delete", guide+"DeletingObjectsfromVersionSuspendedBuckets.html: a null marker "+
		"replaces the null version", func(p *probe) {
		b := p.bucket()
		p.setVersioning(b, "Enabled")
		id := p.putVersion(b, "k", "one")
		p.setVersioning(b, "Suspended")
		p.put(b, "k", "two")
		p.del(b, "k").status(204).has("x-amz-delete-marker", "true").has("x-amz-version-id", "null")
		p.get(b, "k").fails(404, "NoSuchKey").has("x-amz-delete-marker", "true")
		p.version("GET", b, "k", id).status(200).text("one")
		p.equal("versions", p.versions(b, "k"), "null marker|"+id)
		p.del(b, "k").status(204)
		p.equal("versions", p.versions(b, "k"), "null marker|"+id)
		p.version("DELETE", b, "k", "null").status(204)
		p.get(b, "k").status(200).text("one")
	})
	l.raw("suspended: delete of what has no null version", guide+
		"DeletingObjectsfromVersionSuspendedBuckets.html", func(p *probe) {
		b := p.bucket()
		p.setVersioning(b, "Enabled")
		id := p.putVersion(b, "k", "one")
		p.setVersioning(b, "Suspended")
		p.del(b, "k").status(204)
		p.equal("versions", p.versions(b, "k"), "null marker|"+id)
	})
	l.raw("enabled again: the null version stays", ruleVersioning, func(p *probe) {
		b := p.bucket()
		p.setVersioning(b, "Suspended")
		p.put(b, "k", "null")
		p.setVersioning(b, "Enabled")
		id := p.putVersion(b, "k", "two")
		p.equal("versions", p.versions(b, "k"), id+"|null")
	})
}

// versions are those of a key, the newest first.
func (p *probe) versions(bucket, key string) string {
	root := p.sub("GET", bucket, "", "versions&prefix="+escape(key), "").status(200).
		xml("ListVersionsResult")
	var all []string
	for _, n := range root.Nodes {
		if n.at("Key") != key {
			continue
		}
		text := n.at("VersionId")
		if n.XMLName.Local == "DeleteMarker" {
			text += " marker"
		}
		all = append(all, text)
	}
	return strings.Join(all, "|")
}

func badVersionCases(l *list) {
	for _, method := range []string{"GET", "HEAD"} {
		l.raw(method+" of another key's version", ruleErrors+": NoSuchVersion", func(p *probe) {
			b := p.versioned()
			id := p.putVersion(b, p.key("other"), "x")
			p.putVersion(b, p.key("o"), "x")
			p.version(method, b, p.key("o"), id).fails(404, "NoSuchVersion")
			p.version(method, b, p.key("none"), id).fails(404, "NoSuchVersion")
		})
		l.raw(method+" of a version that is none", ruleErrors+": InvalidArgument, invalid version id",
			func(p *probe) {
				b, k := p.versioned(), p.key("o")
				p.putVersion(b, k, "x")
				p.version(method, b, k, "not a version").fails(400, "InvalidArgument")
			})
	}
	l.raw("DELETE of a version that is none", ruleErrors+": InvalidArgument", func(p *probe) {
		b, k := p.versioned(), p.key("o")
		p.putVersion(b, k, "x")
		p.version("DELETE", b, k, "not a version").fails(400, "InvalidArgument")
		p.get(b, k).status(200)
	})
	l.raw("DELETE of another key's version", ruleDeleteObject+": 204, and nothing happens",
		func(p *probe) {
			b := p.versioned()
			id := p.putVersion(b, p.key("other"), "x")
			p.putVersion(b, p.key("o"), "y")
			p.version("DELETE", b, p.key("o"), id).status(204)
			p.version("GET", b, p.key("other"), id).status(200).text("x")
			p.get(b, p.key("o")).status(200).text("y")
		})
	l.raw("an empty version id", ruleErrors+": InvalidArgument", func(p *probe) {
		b, k := p.versioned(), p.key("o")
		p.putVersion(b, k, "x")
		p.version("GET", b, k, "").fails(400, "InvalidArgument")
	})
}

func versionListCases(l *list) {
	l.raw("list: an item", ruleVersions, func(p *probe) {
		b, k := p.versioned(), p.key("o")
		old, current := p.putVersion(b, k, "old!"), p.putVersion(b, k, "new")
		a := p.sub("GET", b, "", "versions&prefix="+k, "").status(200)
		root := a.xml("ListVersionsResult")
		p.equal("VersionId", root.texts("Version/VersionId"), []string{current, old})
		p.equal("IsLatest", root.texts("Version/IsLatest"), []string{"true", "false"})
		p.equal("Size", root.texts("Version/Size"), []string{"3", "4"})
		p.equal("ETag", root.texts("Version/ETag"), []string{etagOf("new"), etagOf("old!")})
		p.equal("StorageClass", root.texts("Version/StorageClass"), []string{"STANDARD", "STANDARD"})
		p.equal("LastModified", len(root.texts("Version/LastModified")), 2)
		if root.at("Version/Owner/ID") == "" {
			p.errorf("no Owner: %s", a.bytes)
		}
	})
	l.raw("list: markers", ruleVersions+": DeleteMarker", func(p *probe) {
		b, k := p.versioned(), p.key("o")
		id := p.putVersion(b, k, "x")
		marker := p.del(b, k).status(204).get("x-amz-version-id")
		a := p.sub("GET", b, "", "versions&prefix="+k, "").status(200)
		root := a.xml("ListVersionsResult")
		a.element(root, "DeleteMarker/VersionId", marker)
		a.element(root, "DeleteMarker/IsLatest", "true")
		a.element(root, "DeleteMarker/Key", k)
		a.element(root, "Version/IsLatest", "false")
		p.equal("versions", p.versions(b, k), marker+" marker|"+id)
		if root.at("DeleteMarker/Owner/ID") == "" || root.at("DeleteMarker/LastModified") == "" {
			p.errorf("no Owner or LastModified: %s", a.bytes)
		}
	})
	for _, size := range []int{1, 2, 3, 4} {
		l.raw(fmt.Sprintf("list: in pages of %d", size), ruleVersions+": key-marker, version-id-marker",
			func(p *probe) {
				b := p.versioned()
				var want []string
				for _, k := range []string{"a", "b"} {
					var ids []string
					for i := range 3 {
						ids = append([]string{p.putVersion(b, p.key(k), fmt.Sprint(i))}, ids...)
					}
					want = append(want, ids...)
				}
				p.equal("versions", p.versionPages(b, size), want)
			})
	}
	l.raw("list: behind a key", ruleVersions+": key-marker", func(p *probe) {
		b := p.versioned()
		p.putVersion(b, p.key("a"), "x")
		id := p.putVersion(b, p.key("b"), "x")
		root := p.sub("GET", b, "", "versions&prefix="+p.prefix()+"&key-marker="+p.key("a"), "").
			status(200).xml("ListVersionsResult")
		p.equal("versions", root.texts("Version/VersionId"), []string{id})
		p.equal("KeyMarker", root.at("KeyMarker"), p.key("a"))
	})
	l.raw("list: behind a version", ruleVersions+": version-id-marker", func(p *probe) {
		b, k := p.versioned(), p.key("o")
		old := p.putVersion(b, k, "1")
		middle := p.putVersion(b, k, "2")
		p.putVersion(b, k, "3")
		root := p.sub("GET", b, "", "versions&prefix="+k+"&key-marker="+k+"&version-id-marker="+
			middle, "").status(200).xml("ListVersionsResult")
		p.equal("versions", root.texts("Version/VersionId"), []string{old})
		p.equal("VersionIdMarker", root.at("VersionIdMarker"), middle)
	})
}

// versionPages are the ids of all versions, read in pages.
func (p *probe) versionPages(b string, size int) (ids []string) {
	query := fmt.Sprintf("versions&prefix=%s&max-keys=%d", p.prefix(), size)
	more := ""
	for range 10 {
		root := p.sub("GET", b, "", query+more, "").status(200).xml("ListVersionsResult")
		ids = append(ids, root.texts("Version/VersionId")...)
		if root.at("IsTruncated") == "false" {
			return ids
		}
		more = "&key-marker=" + escape(root.at("NextKeyMarker")) + "&version-id-marker=" +
			escape(root.at("NextVersionIdMarker"))
	}
	return ids
}

func versionSDKCases(l *list) {
	l.aws("put, delete, restore", ruleVersioning, func(p *probe) {
		b, k := p.bucket(), p.key("o")
		if _, err := p.aws.PutBucketVersioning(p.ctx, &s3.PutBucketVersioningInput{Bucket: &b,
			VersioningConfiguration: &types.VersioningConfiguration{
				Status: types.BucketVersioningStatusEnabled}}); err != nil {
			p.fatalf("PutBucketVersioning: %v", err)
		}
		put, err := p.aws.PutObject(p.ctx, &s3.PutObjectInput{Bucket: &b, Key: &k,
			Body: strings.NewReader("x")})
		if err != nil || aws.ToString(put.VersionId) == "" {
			p.fatalf("PutObject: %v, %+v", err, put)
		}
		gone, err := p.aws.DeleteObject(p.ctx, &s3.DeleteObjectInput{Bucket: &b, Key: &k})
		if err != nil || !aws.ToBool(gone.DeleteMarker) {
			p.fatalf("DeleteObject: %v, %+v", err, gone)
		}
		_, err = p.aws.GetObject(p.ctx, &s3.GetObjectInput{Bucket: &b, Key: &k})
		p.awsFails(err, "NoSuchKey")
		if _, err = p.aws.DeleteObject(p.ctx, &s3.DeleteObjectInput{Bucket: &b, Key: &k,
			VersionId: gone.VersionId}); err != nil {
			p.errorf("DeleteObject: %v", err)
		}
		got, err := p.aws.GetObject(p.ctx, &s3.GetObjectInput{Bucket: &b, Key: &k})
		if err != nil {
			p.fatalf("GetObject: %v", err)
		}
		p.reads(got.Body, "x")
	})
	l.minio("list with versions", ruleVersions, func(p *probe) {
		b, k := p.bucket(), "k"
		if err := p.minio.EnableVersioning(p.ctx, b); err != nil {
			p.fatalf("EnableVersioning: %v", err)
		}
		config, err := p.minio.GetBucketVersioning(p.ctx, b)
		if err != nil || !config.Enabled() {
			p.errorf("GetBucketVersioning: %v, %+v", err, config)
		}
		p.putVersion(b, k, "1")
		p.putVersion(b, k, "2")
		if err := p.minio.RemoveObject(p.ctx, b, k, minio.RemoveObjectOptions{}); err != nil {
			p.fatalf("RemoveObject: %v", err)
		}
		var got []string
		for o := range p.minio.ListObjects(p.ctx, b, minio.ListObjectsOptions{WithVersions: true,
			Recursive: true}) {
			got = append(got, fmt.Sprint(o.Size, o.IsLatest, o.IsDeleteMarker, o.Err))
		}
		p.equal("versions", got, []string{"0 true true <nil>", "1 false false <nil>",
			"1 false false <nil>"})
	})
}
