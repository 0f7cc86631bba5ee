package sigv4

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"time"
)

// The examples that AWS publishes for S3, pages sig-v4-header-based-auth,
// sigv4-query-string-auth, sigv4-streaming and sigv4-streaming-trailers.

const (
	awsKey    = "AKIAIOSFODNN7EXAMPLE"
	awsSecret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
	awsScope  = awsKey + "/20130524/us-east-1/s3/aws4_request"
	awsHost   = "examplebucket.s3.amazonaws.com"
	awsDate   = "20130524T000000Z"
)

var awsTime = time.Date(2013, 5, 24, 0, 0, 0, 0, time.UTC)

// keys is a KeySource for tests.
type keys map[string]string

func (k keys) Secret(accessKey []byte) (string, uint64, bool) {
	s, ok := k[string(accessKey)]
	return s, 1, ok
}

func awsVerifier(t testing.TB, now time.Time) *Verifier {
	t.Helper()
	v, err := New(Config{
		Keys: keys{awsKey: awsSecret},
		Now:  func() time.Time { return now },
	})
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// head builds a Request from "METHOD target" and header lines.
func head(line string, header ...string) *Request {
	method, target, _ := strings.Cut(line, " ")
	path, query, _ := strings.Cut(target, "?")
	r := &Request{Method: []byte(method), Path: []byte(path), Query: []byte(query)}
	for _, h := range header {
		name, value, _ := strings.Cut(h, ":")
		if strings.EqualFold(name, "host") {
			r.Host = []byte(value)
			continue
		}
		r.Header = append(r.Header, Field{Name: []byte(name), Value: []byte(value)})
	}
	return r
}

func authorization(signed, signature string) string {
	return "Authorization:AWS4-HMAC-SHA256 Credential=" + awsScope +
		",SignedHeaders=" + signed + ",Signature=" + signature
}

func TestAWSHeaderExamples(t *testing.T) {
	const emptyHash = "x-amz-content-sha256:" + emptySHA256
	for name, r := range map[string]*Request{
		"get object range": head("GET /test.txt", "Host:"+awsHost, "Range:bytes=0-9", emptyHash,
			"x-amz-date:"+awsDate, authorization("host;range;x-amz-content-sha256;x-amz-date",
				"f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41")),
		"put object": head("PUT /test$file.text", "Host:"+awsHost,
			"Date:Fri, 24 May 2013 00:00:00 GMT", "x-amz-date:"+awsDate,
			"x-amz-storage-class:REDUCED_REDUNDANCY", "x-amz-content-sha256:"+
				"44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072",
			authorization("date;host;x-amz-content-sha256;x-amz-date;x-amz-storage-class",
				"98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd")),
		"get lifecycle": head("GET /?lifecycle", "Host:"+awsHost, emptyHash, "x-amz-date:"+awsDate,
			authorization("host;x-amz-content-sha256;x-amz-date",
				"fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543")),
		"list": head("GET /?max-keys=2&prefix=J", "Host:"+awsHost, emptyHash, "x-amz-date:"+awsDate,
			authorization("host;x-amz-content-sha256;x-amz-date",
				"34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7")),
	} {
		t.Run(name, func(t *testing.T) {
			r.ContentLength = -1
			result, err := awsVerifier(t, awsTime).Verify(r)
			if err != nil {
				t.Fatal(err)
			}
			if result.AccessKey != awsKey || result.Service != "s3" || result.Presigned {
				t.Errorf("result = %+v", result)
			}
			r.Method = []byte("DELETE")
			if _, err := awsVerifier(t, awsTime).Verify(r); !errors.Is(err, ErrSignature) {
				t.Errorf("another method: %v, want ErrSignature", err)
			}
		})
	}
}

const awsPresigned = "GET /test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256" +
	"&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request" +
	"&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host&X-Amz-Signature=" +
	"aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404"

func TestAWSPresignedExample(t *testing.T) {
	r := head(awsPresigned, "Host:"+awsHost)
	result, err := awsVerifier(t, awsTime.Add(86400*time.Second)).Verify(r)
	if err != nil {
		t.Fatal(err)
	}
	if result.AccessKey != awsKey || !result.Presigned || result.Payload != PayloadUnsigned {
		t.Errorf("result = %+v", result)
	}
	_, err = awsVerifier(t, awsTime.Add(86401*time.Second)).Verify(r)
	if !errors.Is(err, ErrExpired) {
		t.Errorf("a second later: %v, want ErrExpired", err)
	}
}

// awsChunked is the PUT of 66,560 letters a in chunks of 65,536 and 1,024 bytes.
func awsChunked(seed, mode string, extra ...string) *Request {
	header := append([]string{"Host:s3.amazonaws.com", "x-amz-date:" + awsDate,
		"x-amz-storage-class:REDUCED_REDUNDANCY", "x-amz-content-sha256:" + mode,
		"Content-Encoding:aws-chunked", "x-amz-decoded-content-length:66560"}, extra...)
	signed := "content-encoding;host;x-amz-content-sha256;x-amz-date;" +
		"x-amz-decoded-content-length;x-amz-storage-class"
	if len(extra) > 0 {
		signed += ";x-amz-trailer"
	} else {
		header = append(header, "Content-Length:66824")
		signed = strings.Replace(signed, "host", "content-length;host", 1)
	}
	header = append(header, authorization(signed, seed))
	return head("PUT /examplebucket/chunkObject.txt", header...)
}

func awsChunk(size, signature string) string {
	n := map[string]int{"10000": 65536, "400": 1024}[size]
	text := size + ";chunk-signature=" + signature + "\r\n" + strings.Repeat("a", n)
	if n > 0 {
		text += "\r\n"
	}
	return text
}

func awsChunkedRequest() (*Request, string) {
	return awsChunked("4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9",
			"STREAMING-AWS4-HMAC-SHA256-PAYLOAD"),
		awsChunk("10000", "ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648") +
			awsChunk("400", "0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497") +
			awsChunk("0", "b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9") +
			"\r\n"
}

func awsTrailerRequest() (*Request, string) {
	return awsChunked("106e2a8a18243abcf37539882f36619c00e2dfc72633413f02d3b74544bfeb8e",
			"STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER", "x-amz-trailer:x-amz-checksum-crc32c"),
		awsChunk("10000", "b474d8862b1487a5145d686f57f013e54db672cee1c953b3010fb58501ef5aa2") +
			awsChunk("400", "1c1344b170168f8e65b41376b44b20fe354e373826ccbbe2c1d40a8cae51e5c7") +
			awsChunk("0", "2ca2aba2005185cf7159c6277faf83795951dd77a3a99e6e65d5c9f85863f992") +
			"x-amz-checksum-crc32c:sOO8/Q==\r\nx-amz-trailer-signature:" +
			"d81f82fc3505edab99d459891051a732e8730629a2e4a59689829ca17fe2e435\r\n\r\n"
}

func TestAWSChunkedExamples(t *testing.T) {
	for name, example := range map[string]func() (*Request, string){
		"plain": awsChunkedRequest, "trailer": awsTrailerRequest,
	} {
		t.Run(name, func(t *testing.T) {
			r, body := example()
			r.ContentLength = int64(len(body))
			result, err := awsVerifier(t, awsTime).Verify(r)
			if err != nil {
				t.Fatal(err)
			}
			b, err := result.Body(strings.NewReader(body), r.ContentLength)
			if err != nil {
				t.Fatal(err)
			}
			if b.Size() != 66560 {
				t.Errorf("Size = %d", b.Size())
			}
			got, err := io.ReadAll(b)
			if err != nil || !bytes.Equal(got, bytes.Repeat([]byte("a"), 66560)) {
				t.Errorf("%d bytes, %v", len(got), err)
			}
			crc, ok := b.Trailer("x-amz-checksum-crc32c")
			if ok != (name == "trailer") || ok && crc != "sOO8/Q==" {
				t.Errorf("trailer = %q, %v", crc, ok)
			}
		})
	}
}
