package conformance

import (
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"hash"
	"hash/crc32"
	"hash/crc64"
	"reflect"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/minio/minio-go/v7"
)

const (
	ruleSums       = guide + "checking-object-integrity-upload.html"
	ruleAttributes = api + "API_GetObjectAttributes.html"
)

// sumCase is one of the checksum algorithms.
type sumCase struct {
	name  string // as AWS spells it
	new   func() hash.Hash
	full  bool // can be of a whole object that came in parts
	parts bool // can be of the checksums of the parts
	minio minio.ChecksumType
}

// field is the name of the header field.
func (c sumCase) field() string { return "x-amz-checksum-" + strings.ToLower(c.name) }

// of is the checksum as S3 writes it.
func (c sumCase) of(content string) string {
	h := c.new()
	h.Write([]byte(content))
	return base64.StdEncoding.EncodeToString(h.Sum(nil))
}

// element is the name of the element in XML.
func (c sumCase) element() string { return "Checksum" + c.name }

// crc64NVME is the polynomial of the NVM Express base specification, reflected.
const crc64NVME = 0x9a6c9329ac4bc9b5

func sumCases() []sumCase {
	return []sumCase{
		{"CRC32", func() hash.Hash { return crc32.NewIEEE() }, true, true, minio.ChecksumCRC32},
		{"CRC32C", func() hash.Hash { return crc32.New(crc32.MakeTable(crc32.Castagnoli)) }, true,
			true, minio.ChecksumCRC32C},
		{"CRC64NVME", func() hash.Hash { return crc64.New(crc64.MakeTable(crc64NVME)) }, true, false,
			minio.ChecksumCRC64NVME},
		{"SHA1", sha1.New, false, true, minio.ChecksumSHA1},
		{"SHA256", sha256.New, false, true, minio.ChecksumSHA256},
	}
}

func checksumCases(l *list) {
	for _, c := range sumCases() {
		fieldSumCases(l, c)
		trailerSumCases(l, c)
		sdkSumCases(l, c)
	}
	defaultSumCases(l)
	badSumCases(l)
	attributeCases(l)
}

func fieldSumCases(l *list, c sumCase) {
	const content = "some content to sum"
	l.raw(c.name+" in a field", ruleSums, func(p *probe) {
		b, k := p.shared(), p.key("o")
		p.put(b, k, content, c.field(), c.of(content)).has(c.field(), c.of(content)).
			has("x-amz-checksum-type", "FULL_OBJECT")
		for _, method := range []string{"GET", "HEAD"} {
			p.req(method, b, k).field("x-amz-checksum-mode", "ENABLED").send().status(200).
				has(c.field(), c.of(content)).has("x-amz-checksum-type", "FULL_OBJECT")
			p.req(method, b, k).send().status(200).lacks(c.field(), "x-amz-checksum-type")
		}
	})
	l.raw(c.name+" of nothing", ruleSums, func(p *probe) {
		b, k := p.shared(), p.key("o")
		p.put(b, k, "", c.field(), c.of("")).has(c.field(), c.of(""))
		p.head(b, k, "x-amz-checksum-mode", "ENABLED").status(200).has(c.field(), c.of(""))
	})
	l.raw(c.name+" that does not fit", ruleErrors+": BadDigest", func(p *probe) {
		b, k := p.shared(), p.key("o")
		p.req("PUT", b, k).body(content).field(c.field(), c.of("other")).send().
			fails(400, "BadDigest")
		p.get(b, k).fails(404, "NoSuchKey")
	})
	for _, bad := range [][2]string{{"no base64", "!!!"}, {"short", "AA=="},
		{"of another length", base64.StdEncoding.EncodeToString(make([]byte, 24))}} {
		l.raw(c.name+" that is none: "+bad[0], ruleErrors+": InvalidRequest, value is invalid",
			func(p *probe) {
				b, k := p.shared(), p.key("o")
				p.req("PUT", b, k).body(content).field(c.field(), bad[1]).send().
					fails(400, "InvalidRequest")
				p.get(b, k).fails(404, "NoSuchKey")
			})
	}
	l.raw(c.name+" kept by a copy", ruleCopy+": the source's algorithm", func(p *probe) {
		b := p.shared()
		p.put(b, p.key("from"), content, c.field(), c.of(content))
		a := p.copyReq(b, p.key("from"), p.key("to"), "").send().status(200)
		a.element(a.xml("CopyObjectResult"), c.element(), c.of(content))
		p.head(b, p.key("to"), "x-amz-checksum-mode", "ENABLED").status(200).
			has(c.field(), c.of(content))
	})
	l.raw(c.name+" made by a copy", ruleCopy+": x-amz-checksum-algorithm", func(p *probe) {
		b := p.shared()
		p.put(b, p.key("from"), content)
		p.copyReq(b, p.key("from"), p.key("to"), "", "x-amz-checksum-algorithm", c.name).send().
			status(200)
		p.head(b, p.key("to"), "x-amz-checksum-mode", "ENABLED").status(200).
			has(c.field(), c.of(content))
	})
	l.raw(c.name+" in attributes", ruleAttributes+": Checksum", func(p *probe) {
		b, k := p.shared(), p.key("o")
		p.put(b, k, content, c.field(), c.of(content))
		a := p.sub("GET", b, k, "attributes", "", "x-amz-object-attributes", "Checksum").status(200)
		root := a.xml("GetObjectAttributesResponse")
		a.element(root, "Checksum/"+c.element(), c.of(content))
		a.element(root, "Checksum/ChecksumType", "FULL_OBJECT")
	})
	l.raw(c.name+" in a list", api+"API_Object.html: ChecksumAlgorithm, ChecksumType", func(p *probe) {
		b := p.shared()
		p.put(b, p.key("o"), content, c.field(), c.of(content))
		a := p.sub("GET", b, "", "list-type=2&prefix="+p.prefix(), "").status(200)
		root := a.xml("ListBucketResult")
		a.element(root, "Contents/ChecksumAlgorithm", c.name)
		a.element(root, "Contents/ChecksumType", "FULL_OBJECT")
	})
}

func trailerSumCases(l *list, c sumCase) {
	const content, rule = "content with a trailer", guide +
		"checking-object-integrity-upload.html: trailing checksums"
	for _, signed := range []bool{false, true} {
		name := " in an unsigned trailer"
		if signed {
			name = " in a signed trailer"
		}
		l.raw(c.name+name, rule, func(p *probe) {
			b, k := p.shared(), p.key("o")
			s := stream{signed: signed, trailer: c.field(), sum: c.of(content)}
			p.req("PUT", b, k).chunks(s, content).send().status(200).
				has(c.field(), c.of(content)).has("ETag", etagOf(content))
			p.get(b, k, "x-amz-checksum-mode", "ENABLED").status(200).text(content).
				has(c.field(), c.of(content)).lacks("Content-Encoding")
		})
		l.raw(c.name+name+" that does not fit", ruleErrors+": BadDigest", func(p *probe) {
			b, k := p.shared(), p.key("o")
			s := stream{signed: signed, trailer: c.field(), sum: c.of("other")}
			p.req("PUT", b, k).chunks(s, content).send().fails(400, "BadDigest")
			p.get(b, k).fails(404, "NoSuchKey")
		})
	}
}

func sdkSumCases(l *list, c sumCase) {
	const content = "content of an SDK"
	l.aws(c.name, ruleSums, func(p *probe) {
		b, k := p.shared(), p.key("o")
		put, err := p.aws.PutObject(p.ctx, &s3.PutObjectInput{Bucket: &b, Key: &k,
			Body: strings.NewReader(content), ChecksumAlgorithm: types.ChecksumAlgorithm(c.name)})
		if err != nil {
			p.fatalf("PutObject: %v", err)
		}
		p.equal("of the PUT", awsSum(put, c), c.of(content))
		head, err := p.aws.HeadObject(p.ctx, &s3.HeadObjectInput{Bucket: &b, Key: &k,
			ChecksumMode: types.ChecksumModeEnabled})
		if err != nil {
			p.fatalf("HeadObject: %v", err)
		}
		p.equal("of the HEAD", awsSum(head, c), c.of(content))
		got, err := p.aws.GetObject(p.ctx, &s3.GetObjectInput{Bucket: &b, Key: &k})
		if err != nil {
			p.fatalf("GetObject: %v", err)
		}
		p.reads(got.Body, content)
		p.equal("of the GET", awsSum(got, c), c.of(content))
	})
	l.minio(c.name, ruleSums, func(p *probe) {
		b, k := p.shared(), p.key("o")
		_, err := p.minio.PutObject(p.ctx, b, k, strings.NewReader(content), int64(len(content)),
			minio.PutObjectOptions{Checksum: c.minio})
		if err != nil {
			p.fatalf("PutObject: %v", err)
		}
		got, err := p.minio.StatObject(p.ctx, b, k, minio.StatObjectOptions{Checksum: true})
		if err != nil {
			p.fatalf("StatObject: %v", err)
		}
		p.equal("StatObject", minioSum(got, c), c.of(content))
	})
}

// awsSum is the field of an output of the SDK that has the checksum.
func awsSum(output any, c sumCase) string {
	f := reflect.ValueOf(output).Elem().FieldByName(c.element())
	if !f.IsValid() || f.IsNil() {
		return ""
	}
	return f.Elem().String()
}

func minioSum(o minio.ObjectInfo, c sumCase) string {
	return reflect.ValueOf(o).FieldByName(c.element()).String()
}

func defaultSumCases(l *list) {
	nvme := sumCases()[2]
	const rule = guide + "checking-object-integrity-upload.html: CRC64NVME if the client sends none"
	l.raw("the default is CRC64NVME", rule, func(p *probe) {
		b, k := p.shared(), p.key("o")
		p.put(b, k, "hello").has(nvme.field(), nvme.of("hello")).
			has("x-amz-checksum-type", "FULL_OBJECT")
		p.get(b, k, "x-amz-checksum-mode", "ENABLED").status(200).
			has(nvme.field(), nvme.of("hello")).has("x-amz-checksum-type", "FULL_OBJECT")
	})
	l.raw("the default with Content-MD5", rule, func(p *probe) {
		b, k := p.shared(), p.key("o")
		p.req("PUT", b, k).body("hello").md5().send().status(200)
		p.head(b, k, "x-amz-checksum-mode", "ENABLED").status(200).has(nvme.field(), nvme.of("hello"))
	})
	l.raw("the default in attributes and list", rule, func(p *probe) {
		b, k := p.shared(), p.key("o")
		p.put(b, k, "hello")
		a := p.sub("GET", b, k, "attributes", "", "x-amz-object-attributes", "Checksum").status(200)
		a.element(a.xml("GetObjectAttributesResponse"), "Checksum/ChecksumCRC64NVME", nvme.of("hello"))
		a = p.sub("GET", b, "", "list-type=2&prefix="+p.prefix(), "").status(200)
		a.element(a.xml("ListBucketResult"), "Contents/ChecksumAlgorithm", "CRC64NVME")
	})
	l.raw("an overwrite has another checksum", rule, func(p *probe) {
		b, k := p.shared(), p.key("o")
		sha := sumCases()[4]
		p.put(b, k, "hello", sha.field(), sha.of("hello"))
		p.put(b, k, "hello")
		p.head(b, k, "x-amz-checksum-mode", "ENABLED").status(200).lacks(sha.field()).
			has(nvme.field(), nvme.of("hello"))
	})
	l.aws("the SDK's default is CRC32", ruleSums, func(p *probe) {
		b, k := p.shared(), p.key("o")
		crc := sumCases()[0]
		put, err := p.aws.PutObject(p.ctx, &s3.PutObjectInput{Bucket: &b, Key: &k,
			Body: strings.NewReader("hello")})
		if err != nil || aws.ToString(put.ChecksumCRC32) != crc.of("hello") {
			p.errorf("PutObject: %v, %+v", err, put)
		}
	})
}

func badSumCases(l *list) {
	crc, sha := sumCases()[0], sumCases()[4]
	l.raw("two checksums", ruleErrors+": InvalidRequest, expecting a single one", func(p *probe) {
		p.req("PUT", p.shared(), p.key("o")).body("x").field(crc.field(), crc.of("x")).
			field(sha.field(), sha.of("x")).send().fails(400, "InvalidRequest")
	})
	l.raw("an algorithm that is none", rulePut+": x-amz-sdk-checksum-algorithm", func(p *probe) {
		p.req("PUT", p.shared(), p.key("o")).body("x").
			field("x-amz-sdk-checksum-algorithm", "CRC99").send().fails(400, "InvalidRequest")
	})
	l.raw("a trailer that is none", ruleErrors+": InvalidRequest", func(p *probe) {
		s := stream{trailer: "x-amz-checksum-crc99", sum: "AAAA"}
		p.req("PUT", p.shared(), p.key("o")).chunks(s, "x").send().
			failsAny(400, "InvalidRequest", "MalformedTrailerError")
	})
	l.raw("a trailer that is promised and missing", ruleErrors+": MalformedTrailerError",
		func(p *probe) {
			b, k := p.shared(), p.key("o")
			s := stream{trailer: crc.field(), sum: crc.of("x"), drop: true}
			p.req("PUT", b, k).chunks(s, "x").send().
				failsAny(400, "MalformedTrailerError", "InvalidRequest", "IncompleteBody")
			p.get(b, k).fails(404, "NoSuchKey")
		})
	l.raw("a trailer beside another field", ruleErrors+": InvalidRequest", func(p *probe) {
		s := stream{trailer: crc.field(), sum: crc.of("x")}
		p.req("PUT", p.shared(), p.key("o")).field(sha.field(), sha.of("x")).chunks(s, "x").send().
			fails(400, "InvalidRequest")
	})
}

func attributeCases(l *list) {
	l.raw("attributes: all", ruleAttributes, func(p *probe) {
		b, k := p.shared(), p.key("o")
		p.put(b, k, "hello")
		a := p.sub("GET", b, k, "attributes", "", "x-amz-object-attributes",
			"ETag,Checksum,ObjectParts,StorageClass,ObjectSize").status(200).
			matches("Last-Modified", httpDate)
		root := a.xml("GetObjectAttributesResponse")
		a.element(root, "ETag", strings.Trim(etagOf("hello"), `"`))
		a.element(root, "StorageClass", "STANDARD")
		a.element(root, "ObjectSize", "5")
		if len(root.all("ObjectParts")) != 0 || len(root.all("Checksum")) != 1 {
			p.errorf("ObjectParts of an object without parts, or no Checksum: %s", a.bytes)
		}
	})
	for _, c := range [][2]string{{"ETag", "ETag"}, {"ObjectSize", "ObjectSize"},
		{"StorageClass", "StorageClass"}} {
		l.raw("attributes: only "+c[0], ruleAttributes+": no more than asked for", func(p *probe) {
			b, k := p.shared(), p.key("o")
			p.put(b, k, "hello")
			a := p.sub("GET", b, k, "attributes", "", "x-amz-object-attributes", c[0]).status(200)
			root := a.xml("GetObjectAttributesResponse")
			if len(root.Nodes) != 1 || root.Nodes[0].XMLName.Local != c[1] {
				p.errorf("%s", a.bytes)
			}
		})
	}
	l.raw("attributes: none named", ruleAttributes+": x-amz-object-attributes is required",
		func(p *probe) {
			b, k := p.shared(), p.key("o")
			p.put(b, k, "hello")
			p.sub("GET", b, k, "attributes", "").failsAny(400, "InvalidArgument", "InvalidRequest")
		})
	l.raw("attributes: one that is none", ruleAttributes+": valid values", func(p *probe) {
		b, k := p.shared(), p.key("o")
		p.put(b, k, "hello")
		p.sub("GET", b, k, "attributes", "", "x-amz-object-attributes", "ETag,Colour").
			fails(400, "InvalidArgument")
	})
	l.raw("attributes: of nothing", ruleErrors+": NoSuchKey", func(p *probe) {
		p.sub("GET", p.shared(), p.key("none"), "attributes", "", "x-amz-object-attributes", "ETag").
			fails(404, "NoSuchKey")
	})
	l.raw("attributes: of a version", ruleAttributes+": versionId", func(p *probe) {
		b, k := p.versioned(), p.key("o")
		v := p.put(b, k, "old!").get("x-amz-version-id")
		p.put(b, k, "new")
		a := p.sub("GET", b, k, "attributes&versionId="+v, "", "x-amz-object-attributes",
			"ObjectSize").status(200).has("x-amz-version-id", v)
		a.element(a.xml("GetObjectAttributesResponse"), "ObjectSize", "4")
	})
	l.aws("attributes", ruleAttributes, func(p *probe) {
		b, k := p.shared(), p.key("o")
		p.put(b, k, "hello")
		out, err := p.aws.GetObjectAttributes(p.ctx, &s3.GetObjectAttributesInput{Bucket: &b, Key: &k,
			ObjectAttributes: []types.ObjectAttributes{"ETag", "ObjectSize", "StorageClass"}})
		if err != nil || aws.ToInt64(out.ObjectSize) != 5 || out.StorageClass != "STANDARD" ||
			aws.ToString(out.ETag) != strings.Trim(etagOf("hello"), `"`) {
			p.errorf("%v, %+v", err, out)
		}
	})
	l.minio("attributes", ruleAttributes, func(p *probe) {
		b, k := p.shared(), p.key("o")
		p.put(b, k, "hello")
		out, err := p.minio.GetObjectAttributes(p.ctx, b, k, minio.ObjectAttributesOptions{})
		if err != nil || out.ObjectSize != 5 || out.ETag != strings.Trim(etagOf("hello"), `"`) {
			p.errorf("%v, %+v", err, out)
		}
	})
}
