package conformance

import (
	"fmt"
	"io"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/minio/minio-go/v7"
)

const (
	ruleRange  = ruleGet + ": Range; https://www.rfc-editor.org/rfc/rfc9110#name-range"
	ruleNumber = ruleGet + ": partNumber"
)

// rangeCase asks for part of an object of ten bytes, or of none.
type rangeCase struct {
	field, want  string
	contentRange string
	status       int
}

func rangeCases(l *list) {
	const ten = "0123456789"
	satisfiable := []rangeCase{
		{"bytes=0-0", "0", "bytes 0-0/10", 206}, {"bytes=0-4", "01234", "bytes 0-4/10", 206},
		{"bytes=5-", "56789", "bytes 5-9/10", 206}, {"bytes=9-", "9", "bytes 9-9/10", 206},
		{"bytes=-1", "9", "bytes 9-9/10", 206}, {"bytes=-3", "789", "bytes 7-9/10", 206},
		{"bytes=-10", ten, "bytes 0-9/10", 206}, {"bytes=-99", ten, "bytes 0-9/10", 206},
		{"bytes=0-", ten, "bytes 0-9/10", 206}, {"bytes=0-9", ten, "bytes 0-9/10", 206},
		{"bytes=0-99", ten, "bytes 0-9/10", 206}, {"bytes=8-99", "89", "bytes 8-9/10", 206},
		{"bytes=3-3", "3", "bytes 3-3/10", 206},
		{"bytes=2-9223372036854775807", "23456789", "bytes 2-9/10", 206},
	}
	for _, c := range satisfiable {
		l.raw(c.field, ruleRange, func(p *probe) {
			b, k := p.shared(), p.key("o")
			p.put(b, k, ten, "x-amz-meta-a", "1")
			p.get(b, k, "Range", c.field).status(c.status).text(c.want).
				has("Content-Range", c.contentRange).has("ETag", etagOf(ten)).
				has("Content-Length", fmt.Sprint(len(c.want))).has("x-amz-meta-a", "1")
			p.head(b, k, "Range", c.field).status(c.status).has("Content-Range", c.contentRange).
				has("Content-Length", fmt.Sprint(len(c.want)))
		})
		l.aws(c.field, ruleRange, func(p *probe) {
			b, k := p.shared(), p.key("o")
			p.put(b, k, ten)
			got, err := p.aws.GetObject(p.ctx, &s3.GetObjectInput{Bucket: &b, Key: &k,
				Range: &c.field})
			if err != nil {
				p.fatalf("GetObject: %v", err)
			}
			p.equal("ContentRange", aws.ToString(got.ContentRange), c.contentRange)
			p.reads(got.Body, c.want)
		})
	}
	for _, field := range []string{"bytes=5-2", "bytes=a-b", "bytes", "bytes=", "items=0-1",
		"bytes=-", "bytes=1-2,4-5", "bytes=--1"} {
		l.raw("ignored: "+field, ruleRange+": one that is invalid, or several, are ignored",
			func(p *probe) {
				b, k := p.shared(), p.key("o")
				p.put(b, k, ten)
				p.get(b, k, "Range", field).status(200).text(ten).lacks("Content-Range")
			})
	}
	unsatisfiableCases(l)
	largeRangeCases(l)
	simplePartNumberCases(l)
}

func unsatisfiableCases(l *list) {
	for _, c := range []struct{ field, content string }{
		{"bytes=10-", "0123456789"}, {"bytes=10-20", "0123456789"}, {"bytes=99-100", "0123456789"},
		{"bytes=-0", "0123456789"}, {"bytes=0-0", ""}, {"bytes=0-", ""}, {"bytes=-1", ""},
	} {
		name := fmt.Sprintf("unsatisfiable: %s of %d", c.field, len(c.content))
		l.raw(name, ruleErrors+": InvalidRange, 416", func(p *probe) {
			b, k := p.shared(), p.key("o")
			p.put(b, k, c.content)
			a := p.get(b, k, "Range", c.field).fails(416, "InvalidRange")
			root := a.xml("Error")
			a.element(root, "ActualObjectSize", fmt.Sprint(len(c.content)))
			a.element(root, "RangeRequested", c.field)
			p.head(b, k, "Range", c.field).fails(416, "")
		})
	}
	l.aws("unsatisfiable", ruleErrors+": InvalidRange", func(p *probe) {
		b, k := p.shared(), p.key("o")
		p.put(b, k, "x")
		_, err := p.aws.GetObject(p.ctx, &s3.GetObjectInput{Bucket: &b, Key: &k,
			Range: aws.String("bytes=5-6")})
		p.awsFails(err, "InvalidRange")
	})
	l.minio("unsatisfiable", ruleErrors+": InvalidRange", func(p *probe) {
		b, k := p.shared(), p.key("o")
		p.put(b, k, "x")
		var o minio.GetObjectOptions
		if err := o.SetRange(5, 6); err != nil {
			p.fatalf("%v", err)
		}
		_, _, _, err := minio.Core{Client: p.minio}.GetObject(p.ctx, b, k, o)
		p.minioFails(err, "InvalidRange")
	})
	l.raw("of a missing key", ruleErrors+": NoSuchKey", func(p *probe) {
		p.get(p.shared(), p.key("none"), "Range", "bytes=0-1").fails(404, "NoSuchKey")
	})
}

func largeRangeCases(l *list) {
	const size = 1<<20 + 4321
	for _, r := range [][2]int{{0, 65_535}, {65_535, 65_536}, {65_536, 131_072}, {1<<20 - 1, 1 << 20},
		{1 << 20, size - 1}, {1000, size - 1000}} {
		l.minio(fmt.Sprintf("%d to %d", r[0], r[1]), ruleRange, func(p *probe) {
			b, k := p.sharedLarge(size)
			o, err := p.minio.GetObject(p.ctx, b, k, minio.GetObjectOptions{})
			if err != nil {
				p.fatalf("GetObject: %v", err)
			}
			defer o.Close()
			got := make([]byte, r[1]-r[0]+1)
			if _, err := o.ReadAt(got, int64(r[0])); err != nil && err != io.EOF ||
				string(got) != bytesOf(size)[r[0]:r[1]+1] {
				p.errorf("%v, or other bytes", err)
			}
		})
	}
}

// sharedLarge puts an object of this size.
func (p *probe) sharedLarge(size int) (bucket, key string) {
	bucket, key = p.shared(), p.key("large")
	p.put(bucket, key, bytesOf(size))
	return bucket, key
}

// simplePartNumberCases are about objects that were not uploaded in parts.
func simplePartNumberCases(l *list) {
	l.raw("partNumber=1 of an object without parts", ruleNumber, func(p *probe) {
		b, k := p.shared(), p.key("o")
		p.put(b, k, "0123456789")
		a := p.sub("GET", b, k, "partNumber=1", "").status(206).text("0123456789")
		a.has("Content-Range", "bytes 0-9/10").lacks("x-amz-mp-parts-count")
		p.sub("HEAD", b, k, "partNumber=1", "").status(206).has("Content-Length", "10")
	})
	l.raw("partNumber=2 of an object without parts", ruleErrors+": InvalidPartNumber, 416",
		func(p *probe) {
			b, k := p.shared(), p.key("o")
			p.put(b, k, "0123456789")
			p.sub("GET", b, k, "partNumber=2", "").fails(416, "InvalidPartNumber")
			p.sub("HEAD", b, k, "partNumber=2", "").fails(416, "")
		})
	for _, n := range []string{"0", "-1", "10001", "x", "1.5"} {
		l.raw("partNumber="+n, ruleNumber+": a positive integer between 1 and 10,000", func(p *probe) {
			b, k := p.shared(), p.key("o")
			p.put(b, k, "x")
			p.sub("GET", b, k, "partNumber="+n, "").fails(400, "InvalidArgument")
		})
	}
	l.raw("partNumber and Range", ruleNumber+"; both at once are InvalidRequest", func(p *probe) {
		b, k := p.shared(), p.key("o")
		p.put(b, k, "0123456789")
		p.sub("GET", b, k, "partNumber=1", "", "Range", "bytes=0-1").fails(400, "InvalidRequest")
	})
}
