package conformance

import (
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/minio/minio-go/v7"
)

const (
	ruleList     = api + "API_ListObjects.html"
	ruleListV2   = api + "API_ListObjectsV2.html"
	ruleVersions = api + "API_ListObjectVersions.html"
)

// listKeys are the keys below the case's prefix, in the order of lists: by UTF-8 bytes.
var listKeys = []string{"a", "b/1", "b/2", "c", "d/e/f", "d/g", "z z", "ü"}

// listCase is a list and what it has. Keys and prefixes are below the case's prefix; {p} in the
// query stands for it.
type listCase struct {
	query     string
	keys      string // separated by |
	prefixes  string
	truncated bool
}

func listCases() []listCase {
	return []listCase{
		{"prefix={p}", "a|b/1|b/2|c|d/e/f|d/g|z z|ü", "", false},
		{"prefix={p}&delimiter=%2F", "a|c|z z|ü", "b/|d/", false},
		{"prefix={p}b", "b/1|b/2", "", false},
		{"prefix={p}b/", "b/1|b/2", "", false},
		{"prefix={p}b/&delimiter=/", "b/1|b/2", "", false},
		{"prefix={p}b&delimiter=/", "", "b/", false},
		{"prefix={p}d/&delimiter=/", "d/g", "d/e/", false},
		{"prefix={p}d/e/f", "d/e/f", "", false},
		{"prefix={p}d/e/f/", "", "", false},
		{"prefix={p}none", "", "", false},
		{"prefix={p}%C3%BC", "ü", "", false},
		{"prefix={p}z%20", "z z", "", false},
		{"prefix={p}&delimiter=%20", "a|b/1|b/2|c|d/e/f|d/g|ü", "z ", false},
		{"prefix={p}&delimiter=e/f", "a|b/1|b/2|c|d/g|z z|ü", "d/e/f", false},
		{"prefix={p}&delimiter=%C3%BC", "a|b/1|b/2|c|d/e/f|d/g|z z", "ü", false},
		{"prefix={p}&delimiter=none", "a|b/1|b/2|c|d/e/f|d/g|z z|ü", "", false},
		{"prefix={p}&delimiter=", "a|b/1|b/2|c|d/e/f|d/g|z z|ü", "", false},
		{"prefix={p}&max-keys=3", "a|b/1|b/2", "", true},
		{"prefix={p}&max-keys=8", "a|b/1|b/2|c|d/e/f|d/g|z z|ü", "", false},
		{"prefix={p}&max-keys=1", "a", "", true},
		{"prefix={p}&max-keys=0", "", "", false},
		{"prefix={p}&delimiter=/&max-keys=2", "a", "b/", true},
		{"prefix={p}&delimiter=/&max-keys=6", "a|c|z z|ü", "b/|d/", false},
		{"prefix={p}&{after}={p}b/2", "c|d/e/f|d/g|z z|ü", "", false},
		{"prefix={p}&{after}={p}b", "b/1|b/2|c|d/e/f|d/g|z z|ü", "", false},
		{"prefix={p}&{after}={p}%C3%BC", "", "", false},
		{"prefix={p}&{after}={p}none-of-these&max-keys=1", "z z", "", true},
		{"prefix={p}&{after}=0", "a|b/1|b/2|c|d/e/f|d/g|z z|ü", "", false},
		{"prefix={p}&{after}={p}a&delimiter=/", "c|z z|ü", "b/|d/", false},
		{"prefix={p}&{after}={p}c&delimiter=/&max-keys=1", "", "d/", true},
	}
}

func listingCases(l *list) {
	for _, c := range listCases() {
		l.raw("V1 "+c.query, ruleList, func(p *probe) { p.lists(c, "", "marker") })
		l.raw("V2 "+c.query, ruleListV2, func(p *probe) { p.lists(c, "list-type=2&", "start-after") })
		if !strings.Contains(c.query, "{after}") {
			l.raw("versions "+c.query, ruleVersions, func(p *probe) { p.lists(c, "versions&", "") })
		}
	}
	listShapeCases(l)
	listPageCases(l)
	listEncodingCases(l)
	listBadCases(l)
	listSDKCases(l)
	uploadListCases(l)
}

// fillList puts the keys of listKeys.
func (p *probe) fillList() (bucket string) {
	bucket = p.shared()
	for _, k := range listKeys {
		p.put(bucket, p.key(k), "x")
	}
	return bucket
}

// lists asks for one page.
func (p *probe) lists(c listCase, first, after string) {
	b := p.fillList()
	query := first + strings.NewReplacer("{p}", p.prefix(), "{after}", after).Replace(c.query)
	a := p.sub("GET", b, "", query, "").status(200).has("Content-Type", "application/xml")
	rootName, item := "ListBucketResult", "Contents"
	if first == "versions&" {
		rootName, item = "ListVersionsResult", "Version"
	}
	root := a.xml(rootName)
	p.equal("keys", p.below(root.texts(item+"/Key")), c.keys)
	p.equal("prefixes", p.below(root.texts("CommonPrefixes/Prefix")), c.prefixes)
	a.element(root, "IsTruncated", fmt.Sprint(c.truncated))
	a.element(root, "Name", b)
	values, _ := url.ParseQuery(query)
	a.element(root, "Prefix", values.Get("prefix"))
	if d := values.Get("delimiter"); d != "" {
		a.element(root, "Delimiter", d)
	} else if len(root.all("Delimiter")) > 0 && root.at("Delimiter") != "" {
		p.errorf("a Delimiter that nobody named: %.300s", a.bytes)
	}
	if m := values.Get("max-keys"); m != "" {
		a.element(root, "MaxKeys", m)
	} else {
		a.element(root, "MaxKeys", "1000")
	}
	switch first {
	case "list-type=2&":
		a.element(root, "KeyCount", fmt.Sprint(len(root.all("Contents"))+len(root.all("CommonPrefixes"))))
		p.equal("a token", root.at("NextContinuationToken") != "", c.truncated)
	case "versions&":
		p.equal("a marker", root.at("NextKeyMarker") != "", c.truncated)
	default:
		a.element(root, "Marker", values.Get("marker"))
		p.equal("a marker", root.at("NextMarker") != "", c.truncated && values.Get("delimiter") != "")
	}
}

// below takes the case's prefix from keys.
func (p *probe) below(keys []string) string {
	for i := range keys {
		keys[i] = strings.TrimPrefix(keys[i], p.prefix())
	}
	return strings.Join(keys, "|")
}

func listShapeCases(l *list) {
	contents := func(p *probe, query string) *node {
		b := p.shared()
		p.put(b, p.key("o"), "hello")
		a := p.sub("GET", b, "", query+"prefix="+p.prefix(), "").status(200)
		root := a.xml("ListBucketResult")
		a.element(root, "Contents/ETag", etagOf("hello"))
		a.element(root, "Contents/Size", "5")
		a.element(root, "Contents/StorageClass", "STANDARD")
		if d := root.at("Contents/LastModified"); len(d) != len("2006-01-02T15:04:05.000Z") {
			p.errorf("LastModified %q", d)
		}
		return root
	}
	l.raw("V1: an item", ruleList+": Owner is always there", func(p *probe) {
		if root := contents(p, ""); root.at("Contents/Owner/ID") == "" {
			p.errorf("no Owner")
		}
	})
	l.raw("V2: an item", ruleListV2+": Owner only with fetch-owner", func(p *probe) {
		if root := contents(p, "list-type=2&"); len(root.all("Contents/Owner")) != 0 {
			p.errorf("an Owner that nobody asked for")
		}
	})
	l.raw("V2: an item with its owner", ruleListV2+": fetch-owner", func(p *probe) {
		if root := contents(p, "list-type=2&fetch-owner=true&"); root.at("Contents/Owner/ID") == "" {
			p.errorf("no Owner")
		}
	})
	l.raw("an empty bucket", ruleListV2, func(p *probe) {
		a := p.sub("GET", p.bucket(), "", "list-type=2", "").status(200)
		root := a.xml("ListBucketResult")
		a.element(root, "KeyCount", "0")
		a.element(root, "IsTruncated", "false")
		a.element(root, "Prefix", "")
		p.equal("Contents", len(root.all("Contents")), 0)
	})
	l.raw("read after write", guide+"Welcome.html#ConsistencyModel: strong consistency of LIST",
		func(p *probe) {
			b := p.shared()
			query := "list-type=2&prefix=" + p.prefix()
			for i := range 5 {
				p.put(b, p.key(fmt.Sprint(i)), "x")
				root := p.sub("GET", b, "", query, "").status(200).xml("ListBucketResult")
				p.equal("KeyCount", root.at("KeyCount"), i+1)
			}
			p.del(b, p.key("0")).status(204)
			root := p.sub("GET", b, "", query, "").status(200).xml("ListBucketResult")
			p.equal("KeyCount", root.at("KeyCount"), 4)
		})
	l.raw("V2: the request comes back", ruleListV2+": StartAfter, ContinuationToken", func(p *probe) {
		b := p.fillList()
		a := p.sub("GET", b, "", "list-type=2&max-keys=2&start-after="+p.key("a")+"&prefix="+
			p.prefix(), "").status(200)
		root := a.xml("ListBucketResult")
		a.element(root, "StartAfter", p.key("a"))
		token := root.at("NextContinuationToken")
		a = p.sub("GET", b, "", "list-type=2&max-keys=2&prefix="+p.prefix()+"&continuation-token="+
			escape(token), "").status(200)
		a.element(a.xml("ListBucketResult"), "ContinuationToken", token)
	})
	l.raw("V2: a token outdoes start-after", ruleListV2+": start-after is ignored then",
		func(p *probe) {
			b := p.fillList()
			q := "list-type=2&max-keys=2&prefix=" + p.prefix()
			token := p.sub("GET", b, "", q, "").status(200).xml("ListBucketResult").
				at("NextContinuationToken")
			root := p.sub("GET", b, "", q+"&start-after="+p.key("d/g")+"&continuation-token="+
				escape(token), "").status(200).xml("ListBucketResult")
			p.equal("keys", p.below(root.texts("Contents/Key")), "b/2|c")
		})
}

func listPageCases(l *list) {
	for _, size := range []int{1, 2, 3, 5} {
		for _, delimiter := range []string{"", "/"} {
			name := fmt.Sprintf("pages of %d, delimiter %q", size, delimiter)
			wantKeys, wantPrefixes := "a|b/1|b/2|c|d/e/f|d/g|z z|ü", ""
			if delimiter != "" {
				wantKeys, wantPrefixes = "a|c|z z|ü", "b/|d/"
			}
			for _, version := range []string{"V1", "V2", "versions"} {
				l.raw(version+" "+name, ruleListV2+", API_ListObjects.html, API_ListObjectVersions.html",
					func(p *probe) {
						keys, prefixes := p.pages(version, size, delimiter)
						p.equal("keys", p.below(keys), wantKeys)
						p.equal("prefixes", p.below(prefixes), wantPrefixes)
					})
			}
		}
	}
}

// pages reads a list to its end.
func (p *probe) pages(version string, size int, delimiter string) (keys, prefixes []string) {
	b := p.fillList()
	query := fmt.Sprintf("prefix=%s&max-keys=%d&delimiter=%s", p.prefix(), size, escape(delimiter))
	rootName, item := "ListBucketResult", "Contents"
	switch version {
	case "V2":
		query = "list-type=2&" + query
	case "versions":
		query = "versions&" + query
		rootName, item = "ListVersionsResult", "Version"
	}
	more := ""
	for range 20 {
		root := p.sub("GET", b, "", query+more, "").status(200).xml(rootName)
		k, c := root.texts(item+"/Key"), root.texts("CommonPrefixes/Prefix")
		keys, prefixes = append(keys, k...), append(prefixes, c...)
		if n := len(k) + len(c); n > size || n == 0 {
			p.fatalf("%d items in a page of %d", n, size)
		}
		if root.at("IsTruncated") == "false" {
			return keys, prefixes
		}
		switch version {
		case "V2":
			more = "&continuation-token=" + escape(root.at("NextContinuationToken"))
		case "versions":
			more = "&key-marker=" + escape(root.at("NextKeyMarker"))
			if v := root.at("NextVersionIdMarker"); v != "" {
				more += "&version-id-marker=" + escape(v)
			}
		default:
			next := root.at("NextMarker")
			if delimiter == "" {
				next = k[len(k)-1]
			}
			more = "&marker=" + escape(next)
		}
	}
	p.fatalf("no end of pages")
	return nil, nil
}

func listEncodingCases(l *list) {
	for _, version := range []string{"", "list-type=2&", "versions&"} {
		l.raw(version+"encoding-type=url", ruleListV2+": encoding-type of Key, Prefix, Delimiter",
			func(p *probe) {
				b := p.shared()
				key := p.key("a b+c&<ü>\x01/x")
				p.put(b, key, "x")
				rootName, item := "ListBucketResult", "Contents"
				if version == "versions&" {
					rootName, item = "ListVersionsResult", "Version"
				}
				a := p.sub("GET", b, "", version+"encoding-type=url&prefix="+escape(p.key("a b")), "").
					status(200)
				root := a.xml(rootName)
				a.element(root, "EncodingType", "url")
				for path, want := range map[string]string{item + "/Key": key, "Prefix": p.key("a b")} {
					got := root.at(path)
					decoded, err := url.QueryUnescape(got)
					if err != nil || decoded != want || strings.ContainsAny(got, " <>\x01ü") {
						p.errorf("%s: %q, which is %q", path, got, decoded)
					}
				}
				root = p.sub("GET", b, "", version+"encoding-type=url&delimiter=%2Fx&prefix="+
					escape(p.prefix()), "").status(200).xml(rootName)
				decoded, _ := url.QueryUnescape(root.at("CommonPrefixes/Prefix"))
				p.equal("CommonPrefixes", decoded, key)
				decoded, _ = url.QueryUnescape(root.at("Delimiter"))
				p.equal("Delimiter", decoded, "/x")
			})
	}
	l.raw("the example of encoding-type", ruleListV2+": test_file(3).png appears as "+
		"test_file%283%29.png", func(p *probe) {
		b := p.shared()
		p.put(b, p.key("test_file(3).png"), "x")
		a := p.sub("GET", b, "", "list-type=2&encoding-type=url&prefix="+p.prefix(), "").status(200)
		a.element(a.xml("ListBucketResult"), "Contents/Key", p.key("test_file%283%29.png"))
	})
	l.raw("keys in XML", ruleListV2+": text of XML is escaped", func(p *probe) {
		b, key := p.shared(), p.key(`<a> & "b" 'c' ]]>`)
		p.put(b, key, "x")
		root := p.sub("GET", b, "", "list-type=2&prefix="+p.prefix(), "").status(200).
			xml("ListBucketResult")
		p.equal("keys", root.texts("Contents/Key"), []string{key})
	})
	l.raw("line ends in keys", ruleListV2+": text of XML is escaped", func(p *probe) {
		b, key := p.shared(), p.key("a\rb\nc\td")
		p.put(b, key, "x")
		root := p.sub("GET", b, "", "list-type=2&prefix="+p.prefix(), "").status(200).
			xml("ListBucketResult")
		p.equal("keys", root.texts("Contents/Key"), []string{key})
	})
}

func listBadCases(l *list) {
	for _, q := range []string{"max-keys=-1", "max-keys=x", "max-keys=1.5", "max-keys=99999999999999999999",
		"encoding-type=base64", "list-type=2&max-keys=-1", "list-type=2&max-keys=x",
		"list-type=2&encoding-type=x", "list-type=2&continuation-token=nonsense",
		"versions&max-keys=-1", "versions&max-keys=x", "versions&encoding-type=x",
		"versions&version-id-marker=null", "uploads&max-uploads=-1", "uploads&max-uploads=x",
		"uploads&encoding-type=x"} {
		l.raw("bad: "+q, ruleErrors+": InvalidArgument", func(p *probe) {
			p.sub("GET", p.shared(), "", q, "").fails(400, "InvalidArgument")
		})
	}
	l.raw("max-keys above 1000", ruleListV2+": never more than 1,000", func(p *probe) {
		a := p.sub("GET", p.shared(), "", "list-type=2&max-keys=5000&prefix="+p.prefix(), "").status(200)
		a.element(a.xml("ListBucketResult"), "MaxKeys", "1000")
	})
}

func listSDKCases(l *list) {
	l.aws("V2 in pages", ruleListV2, func(p *probe) {
		b := p.fillList()
		var keys []string
		pages := s3.NewListObjectsV2Paginator(p.aws, &s3.ListObjectsV2Input{Bucket: &b,
			Prefix: aws.String(p.prefix()), MaxKeys: aws.Int32(3)})
		for pages.HasMorePages() {
			page, err := pages.NextPage(p.ctx)
			if err != nil {
				p.fatalf("%v", err)
			}
			for _, o := range page.Contents {
				keys = append(keys, *o.Key)
			}
		}
		p.equal("keys", p.below(keys), strings.Join(listKeys, "|"))
	})
	l.aws("V1 with a delimiter", ruleList, func(p *probe) {
		b := p.fillList()
		out, err := p.aws.ListObjects(p.ctx, &s3.ListObjectsInput{Bucket: &b,
			Prefix: aws.String(p.prefix()), Delimiter: aws.String("/")})
		if err != nil || len(out.Contents) != 4 || len(out.CommonPrefixes) != 2 {
			p.errorf("%v, %+v", err, out)
		}
	})
	l.aws("versions", ruleVersions, func(p *probe) {
		b := p.fillList()
		out, err := p.aws.ListObjectVersions(p.ctx, &s3.ListObjectVersionsInput{Bucket: &b,
			Prefix: aws.String(p.prefix())})
		if err != nil || len(out.Versions) != len(listKeys) ||
			aws.ToString(out.Versions[0].VersionId) != "null" || !aws.ToBool(out.Versions[0].IsLatest) {
			p.errorf("%v, %+v", err, out)
		}
	})
	for _, o := range []minio.ListObjectsOptions{{Recursive: true, MaxKeys: 3},
		{Recursive: true, UseV1: true, MaxKeys: 3}, {Recursive: true, WithVersions: true, MaxKeys: 3}} {
		name := fmt.Sprintf("recursive, V1 %v, versions %v", o.UseV1, o.WithVersions)
		l.minio(name, ruleListV2, func(p *probe) {
			b := p.fillList()
			o.Prefix = p.prefix()
			var keys []string
			for item := range p.minio.ListObjects(p.ctx, b, o) {
				if item.Err != nil {
					p.fatalf("%v", item.Err)
				}
				keys = append(keys, item.Key)
			}
			p.equal("keys", p.below(keys), strings.Join(listKeys, "|"))
		})
	}
	l.minio("with a delimiter", ruleListV2, func(p *probe) {
		b := p.fillList()
		var keys []string
		for item := range p.minio.ListObjects(p.ctx, b, minio.ListObjectsOptions{Prefix: p.prefix()}) {
			if item.Err != nil {
				p.fatalf("%v", item.Err)
			}
			keys = append(keys, item.Key)
		}
		slices.Sort(keys)
		p.equal("keys", p.below(keys), "a|b/|c|d/|z z|ü")
	})
}
