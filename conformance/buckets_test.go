package conformance

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go"
	"github.com/minio/minio-go/v7"
)

const (
	ruleNames  = guide + "bucketnamingrules.html: 3 to 63 of a-z 0-9 . -, reserved prefixes and suffixes"
	ruleCreate = api + "API_CreateBucket.html"
	ruleDelete = api + "API_DeleteBucket.html"
	ruleErrors = api + "ErrorResponses.html"
)

func bucketCases(l *list) {
	bucketNameCases(l)
	bucketLifeCases(l)
	bucketListCases(l)
	missingBucketCases(l)
	bucketSDKCases(l)
}

func bucketNameCases(l *list) {
	for _, c := range []struct{ what, name string }{
		{"two letters", "ab"}, {"64 letters", strings.Repeat("a", 64)}, {"upper case", "Conf-Upper"},
		{"underscore", "conf_under"}, {"first dash", "-conf-dash"}, {"last dash", "conf-dash-"},
		{"first dot", ".conf-dot"}, {"last dot", "conf-dot."}, {"two dots", "conf..dots"},
		{"address", "192.168.5.4"}, {"space", "conf space"}, {"percent", "conf%name"},
		{"umlaut", "conf-grüße"}, {"prefix xn", "xn--conformance"},
		{"prefix sthree", "sthree-conformance"}, {"suffix alias", "conformance-s3alias"},
		{"suffix ol", "conformance--ol-s3"}, {"prefix demo", "amzn-s3-demo-conformance"},
		{"suffix mrap", "conformance.mrap"},
	} {
		l.raw("invalid name: "+c.what, ruleNames, func(p *probe) {
			a := p.req("PUT", c.name, "").send()
			if a.code == 200 {
				p.remove(c.name)
			}
			a.fails(400, "InvalidBucketName")
		})
	}
	for _, c := range []struct{ what, name string }{
		{"with digits", "%s0123456789"}, {"with dots", "%s.and.dots"}, {"with dashes", "%s--dashes"},
		{"first a digit", "9%s"}, {"63 letters", "%s" + strings.Repeat("x", 63-12)},
	} {
		l.raw("valid name: "+c.what, ruleNames, func(p *probe) {
			name := fmt.Sprintf(c.name, p.id)
			p.req("PUT", name, "").send().status(200).has("Location", "/"+name)
			p.remove(name)
			p.req("HEAD", name, "").send().status(200)
		})
	}
}

func bucketLifeCases(l *list) {
	location := func(region string) string {
		return `<CreateBucketConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/">` +
			`<LocationConstraint>` + region + `</LocationConstraint></CreateBucketConfiguration>`
	}
	l.raw("create twice", ruleErrors+": BucketAlreadyOwnedByYou, or 200 in us-east-1", func(p *probe) {
		b := p.bucket()
		if a := p.req("PUT", b, "").send(); a.code != 200 {
			a.fails(409, "BucketAlreadyOwnedByYou")
		}
	})
	l.raw("create with an unknown location", ruleErrors+": InvalidLocationConstraint", func(p *probe) {
		p.req("PUT", "conf-"+p.id, "").body(location("nowhere-9")).send().
			failsAny(400, "InvalidLocationConstraint", "IllegalLocationConstraintException")
		p.req("HEAD", "conf-"+p.id, "").send().status(404)
	})
	l.raw("create with an empty configuration", ruleCreate, func(p *probe) {
		p.req("PUT", "conf-"+p.id, "").body(`<CreateBucketConfiguration ` +
			`xmlns="http://s3.amazonaws.com/doc/2006-03-01/"/>`).send().status(200)
		p.remove("conf-" + p.id)
	})
	l.raw("create with bad XML", ruleErrors+": MalformedXML", func(p *probe) {
		p.req("PUT", "conf-"+p.id, "").body("<CreateBucketConfiguration>").send().
			fails(400, "MalformedXML")
		p.req("HEAD", "conf-"+p.id, "").send().status(404)
	})
	l.raw("create with another root", ruleErrors+": MalformedXML", func(p *probe) {
		p.req("PUT", "conf-"+p.id, "").body("<Nonsense></Nonsense>").send().fails(400, "MalformedXML")
	})
	l.raw("head names the region", api+"API_HeadBucket.html: x-amz-bucket-region", func(p *probe) {
		p.req("HEAD", p.bucket(), "").send().status(200).has("x-amz-bucket-region", p.region)
	})
	l.raw("location of us-east-1", api+"API_GetBucketLocation.html: us-east-1 is null", func(p *probe) {
		a := p.sub("GET", p.bucket(), "", "location", "").status(200)
		want := p.region
		if want == "us-east-1" {
			want = ""
		}
		p.equal("LocationConstraint", a.xml("LocationConstraint").Text, want)
	})
	l.raw("delete", ruleDelete+": 204", func(p *probe) {
		b := p.bucket()
		p.req("DELETE", b, "").send().status(204).text("")
		p.req("HEAD", b, "").send().fails(404, "")
		p.req("DELETE", b, "").send().fails(404, "NoSuchBucket")
	})
	l.raw("delete one that is not empty", ruleErrors+": BucketNotEmpty", func(p *probe) {
		b := p.bucket()
		p.put(b, "k", "x")
		p.req("DELETE", b, "").send().fails(409, "BucketNotEmpty")
		p.get(b, "k").status(200).text("x")
		p.del(b, "k").status(204)
		p.req("DELETE", b, "").send().status(204)
	})
	l.raw("a new one is empty", ruleDelete, func(p *probe) {
		b := p.bucket()
		p.put(b, "k", "x")
		p.del(b, "k").status(204)
		p.req("DELETE", b, "").send().status(204)
		p.req("PUT", b, "").send().status(200)
		p.get(b, "k").fails(404, "NoSuchKey")
	})
	l.raw("one with only versions is not empty", ruleDelete+": all versions and markers", func(p *probe) {
		b := p.bucket()
		p.sub("PUT", b, "", "versioning", versioningXML("Enabled")).status(200)
		p.put(b, "k", "x")
		p.del(b, "k").status(204)
		p.req("DELETE", b, "").send().fails(409, "BucketNotEmpty")
	})
	l.raw("expected owner who is another", guide+"bucket-owner-condition.html: 403", func(p *probe) {
		b := p.bucket()
		const name, other = "x-amz-expected-bucket-owner", "111122223333"
		p.req("GET", b, "").field(name, other).send().fails(403, "AccessDenied")
		p.req("HEAD", b, "").field(name, other).send().status(403)
		p.req("PUT", b, "k").field(name, other).body("x").send().fails(403, "AccessDenied")
		p.req("DELETE", b, "").field(name, other).send().fails(403, "AccessDenied")
	})
	l.raw("slash behind the name", api+"RESTAPI.html: the path style names a bucket", func(p *probe) {
		r := p.req("GET", p.bucket(), "")
		r.path += "/"
		r.send().status(200).xml("ListBucketResult")
	})
}

func bucketListCases(l *list) {
	const rule = api + "API_ListBuckets.html"
	l.raw("list: shape", rule, func(p *probe) {
		b := p.bucket()
		a := p.req("GET", "", "").send().status(200).has("Content-Type", "application/xml")
		root := a.xml("ListAllMyBucketsResult")
		if root.at("Owner/ID") == "" || !slices.Contains(root.texts("Buckets/Bucket/Name"), b) {
			p.errorf("no owner, or %s is not listed: %.500s", b, a.bytes)
		}
		if !slices.IsSorted(root.texts("Buckets/Bucket/Name")) {
			p.errorf("not in order of names")
		}
		for _, date := range root.texts("Buckets/Bucket/CreationDate") {
			if len(date) != len("2006-01-02T15:04:05.000Z") || !strings.HasSuffix(date, "Z") {
				p.errorf("CreationDate %q", date)
			}
		}
	})
	l.raw("list: pages of a prefix", rule+": max-buckets, prefix, continuation-token", func(p *probe) {
		var want, got []string
		for range 3 {
			want = append(want, p.bucket())
		}
		query := "max-buckets=2&prefix=conf-" + p.id
		for token := ""; ; {
			q := query
			if token != "" {
				q += "&continuation-token=" + escape(token)
			}
			root := p.sub("GET", "", "", q, "").status(200).xml("ListAllMyBucketsResult")
			p.equal("Prefix", root.at("Prefix"), "conf-"+p.id)
			got = append(got, root.texts("Buckets/Bucket/Name")...)
			if token = root.at("ContinuationToken"); token == "" || len(got) > 3 {
				break
			}
		}
		p.equal("buckets", got, want)
	})
	l.raw("list: a prefix of none", rule+": prefix", func(p *probe) {
		root := p.sub("GET", "", "", "prefix=none-"+p.id, "").status(200).xml("ListAllMyBucketsResult")
		p.equal("buckets", len(root.all("Buckets/Bucket")), 0)
		p.equal("Buckets", len(root.all("Buckets")), 1)
	})
	for _, value := range []string{"0", "10001", "-1", "many"} {
		l.raw("list: max-buckets="+value, rule+": 1 to 10000", func(p *probe) {
			p.sub("GET", "", "", "max-buckets="+value, "").fails(400, "InvalidArgument")
		})
	}
	l.raw("list: a region", rule+": bucket-region", func(p *probe) {
		b := p.bucket()
		root := p.sub("GET", "", "", "bucket-region="+p.region+"&prefix="+b, "").status(200).
			xml("ListAllMyBucketsResult")
		p.equal("buckets", root.texts("Buckets/Bucket/Name"), []string{b})
	})
}

func missingBucketCases(l *list) {
	for _, c := range []struct{ name, method, key, query, body string }{
		{"GetObject", "GET", "k", "", ""}, {"PutObject", "PUT", "k", "", "x"},
		{"DeleteObject", "DELETE", "k", "", ""}, {"HeadObject", "HEAD", "k", "", ""},
		{"ListObjects", "GET", "", "", ""}, {"ListObjectsV2", "GET", "", "list-type=2", ""},
		{"ListObjectVersions", "GET", "", "versions", ""},
		{"ListMultipartUploads", "GET", "", "uploads", ""},
		{"CreateMultipartUpload", "POST", "k", "uploads", ""},
		{"DeleteObjects", "POST", "", "delete", "<Delete><Object><Key>k</Key></Object></Delete>"},
		{"GetBucketLocation", "GET", "", "location", ""},
		{"GetBucketVersioning", "GET", "", "versioning", ""},
		{"PutBucketVersioning", "PUT", "", "versioning", versioningXML("Enabled")},
		{"GetObjectLockConfiguration", "GET", "", "object-lock", ""},
		{"GetObjectTagging", "GET", "k", "tagging", ""},
		{"HeadBucket", "HEAD", "", "", ""},
	} {
		l.raw("no such bucket: "+c.name, ruleErrors+": NoSuchBucket", func(p *probe) {
			r := p.req(c.method, "conf-none-"+p.id, c.key).query(c.query)
			if c.body != "" {
				r.body(c.body).md5()
			}
			r.send().fails(404, "NoSuchBucket")
		})
	}
}

func bucketSDKCases(l *list) {
	l.aws("create, head, list, delete", ruleCreate, func(p *probe) {
		name := aws.String("conf-" + p.id)
		made, err := p.aws.CreateBucket(p.ctx, &s3.CreateBucketInput{Bucket: name})
		if err != nil || *made.Location != "/"+*name {
			p.fatalf("%v, %+v", err, made)
		}
		p.remove(*name)
		head, err := p.aws.HeadBucket(p.ctx, &s3.HeadBucketInput{Bucket: name})
		if err != nil || aws.ToString(head.BucketRegion) != p.region {
			p.errorf("HeadBucket: %v, %+v", err, head)
		}
		all, err := p.aws.ListBuckets(p.ctx, &s3.ListBucketsInput{Prefix: name})
		if err != nil || len(all.Buckets) != 1 || *all.Buckets[0].Name != *name ||
			all.Buckets[0].CreationDate.IsZero() {
			p.errorf("ListBuckets: %v, %+v", err, all)
		}
		_, err = p.aws.DeleteBucket(p.ctx, &s3.DeleteBucketInput{Bucket: name})
		if err != nil {
			p.errorf("DeleteBucket: %v", err)
		}
	})
	l.aws("delete one that is not there", ruleErrors+": NoSuchBucket", func(p *probe) {
		_, err := p.aws.DeleteBucket(p.ctx,
			&s3.DeleteBucketInput{Bucket: aws.String("conf-none-" + p.id)})
		p.awsFails(err, "NoSuchBucket")
	})
	l.aws("location", api+"API_GetBucketLocation.html", func(p *probe) {
		b := p.bucket()
		got, err := p.aws.GetBucketLocation(p.ctx, &s3.GetBucketLocationInput{Bucket: &b})
		if err != nil || p.region == "us-east-1" && got.LocationConstraint != "" {
			p.errorf("%v, %+v", err, got)
		}
	})
	l.minio("create, exists, list, delete", ruleCreate, func(p *probe) {
		name := "conf-" + p.id
		if err := p.minio.MakeBucket(p.ctx, name, minio.MakeBucketOptions{}); err != nil {
			p.fatalf("MakeBucket: %v", err)
		}
		p.remove(name)
		if there, err := p.minio.BucketExists(p.ctx, name); err != nil || !there {
			p.errorf("BucketExists: %v, %v", there, err)
		}
		all, err := p.minio.ListBuckets(p.ctx)
		if err != nil || !slices.ContainsFunc(all, func(b minio.BucketInfo) bool {
			return b.Name == name && !b.CreationDate.IsZero()
		}) {
			p.errorf("ListBuckets: %v, %v", all, err)
		}
		if err := p.minio.RemoveBucket(p.ctx, name); err != nil {
			p.errorf("RemoveBucket: %v", err)
		}
		if there, err := p.minio.BucketExists(p.ctx, name); err != nil || there {
			p.errorf("BucketExists: %v, %v", there, err)
		}
	})
	l.minio("remove one that is not empty", ruleErrors+": BucketNotEmpty", func(p *probe) {
		b := p.bucket()
		p.put(b, "k", "x")
		p.minioFails(p.minio.RemoveBucket(p.ctx, b), "BucketNotEmpty")
	})
}

// awsFails expects an error code from the SDK of AWS.
func (p *probe) awsFails(err error, code string) {
	var e smithy.APIError
	if !errors.As(err, &e) || e.ErrorCode() != code {
		p.errorf("got the error %v, want %s", err, code)
	}
}

// minioFails expects an error code from minio-go.
func (p *probe) minioFails(err error, code string) {
	if got := minio.ToErrorResponse(err).Code; err == nil || got != code {
		p.errorf("got the error %v, code %q, want %s", err, got, code)
	}
}
