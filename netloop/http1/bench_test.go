package http1_test

import (
	"strings"
	"testing"

	"flashstore/netloop/http1"
)

// presignedGET is the head of a GET by a presigned URL, as a browser or curl sends it.
const presignedGET = "GET /bucket/photos/2026/11/25/0123456789abcdef.jpg" +
	"?X-Amz-Algorithm=AWS4-HMAC-SHA256" +
	"&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20261125%2Fus-east-1%2Fs3%2Faws4_request" +
	"&X-Amz-Date=20261125T080000Z&X-Amz-Expires=3600&X-Amz-SignedHeaders=host" +
	"&X-Amz-Signature=0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef" +
	" HTTP/1.1\r\nHost: storage.example.com:9000\r\nUser-Agent: curl/8.5.0\r\nAccept: */*\r\n\r\n"

// signedPUT is the head of a PUT signed in its header, as an SDK sends it.
const signedPUT = "PUT /bucket/photos/2026/11/25/0123456789abcdef.jpg HTTP/1.1\r\n" +
	"Host: storage.example.com:9000\r\n" +
	"User-Agent: aws-sdk-go-v2/1.32.0 os/linux lang/go#1.26.8 md/GOOS#linux md/GOARCH#amd64 " +
	"api/s3#1.66.0\r\n" +
	"Content-Length: 4096\r\nAccept-Encoding: identity\r\n" +
	"Amz-Sdk-Invocation-Id: 3f2504e0-4f89-41d3-9a0c-0305e82c3301\r\n" +
	"Amz-Sdk-Request: attempt=1; max=3\r\nContent-Type: application/octet-stream\r\n" +
	"X-Amz-Checksum-Crc32: AAAAAA==\r\n" +
	"X-Amz-Content-Sha256: e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\r\n" +
	"X-Amz-Date: 20261125T080000Z\r\nX-Amz-Meta-Origin: camera-7\r\n" +
	"Authorization: AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20261125/us-east-1/s3/" +
	"aws4_request, SignedHeaders=accept-encoding;amz-sdk-invocation-id;amz-sdk-request;" +
	"content-length;content-type;host;x-amz-checksum-crc32;x-amz-content-sha256;x-amz-date;" +
	"x-amz-meta-origin, " +
	"Signature=0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\r\n\r\n"

// BenchmarkHead parses a head and lists its fields, as a session does.
func BenchmarkHead(b *testing.B) {
	for name, head := range map[string]string{"presigned GET": presignedGET, "signed PUT": signedPUT} {
		b.Run(name, func(b *testing.B) {
			in := []byte(head)
			p := http1.NewParser(limits())
			fields := make([]http1.Field, 0, 32)
			b.SetBytes(int64(len(in)))
			b.ReportAllocs()
			for b.Loop() {
				p.Reset()
				if n, err := p.Parse(in); n != len(in) || err != nil {
					b.Fatal(n, err)
				}
				fields = p.AppendFields(fields[:0], in)
			}
		})
	}
}

// BenchmarkChunked reads the framing of 1 MiB in chunks of 64 KiB, as SDKs send them.
func BenchmarkChunked(b *testing.B) {
	const chunkBytes = 64 << 10
	in := []byte(strings.Repeat("10000\r\n"+strings.Repeat("x", chunkBytes)+"\r\n", 16) + "0\r\n\r\n")
	var c http1.Chunked
	b.ReportAllocs()
	for b.Loop() {
		c.Reset(1 << 10)
		for used := 0; !c.Done(); {
			n, err := c.Framing(in[used:])
			if err != nil {
				b.Fatal(err)
			}
			used += n
			left := int(c.Left())
			c.Took(left)
			used += left
		}
	}
}
