package sigv4

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/iotest"
)

const testTrailer = "x-amz-checksum-crc32c:sOO8/Q=="

// upload is a request in a streaming mode and its body.
type upload struct {
	result Result
	body   []byte
	chunks [][]byte // the parts of body: chunks, the last one, the tail
}

// newUpload signs an upload of payload in chunks of chunkBytes.
func newUpload(t testing.TB, mode string, payload []byte, chunkBytes int) *upload {
	t.Helper()
	header := []string{fmt.Sprintf("X-Amz-Decoded-Content-Length:%d", len(payload))}
	if strings.HasSuffix(mode, "-TRAILER") {
		header = append(header, "X-Amz-Trailer:x-amz-checksum-crc32c")
	}
	req := newHTTP(t, "PUT", "/b/k", header)
	seed, err := Sign(req, awsKey, awsSecret, "us-east-1", "s3", mode, awsTime)
	if err != nil {
		t.Fatal(err)
	}
	u := new(upload)
	r := fromHTTP(req)
	r.ContentLength = -1
	if u.result, err = awsVerifier(t, awsTime).Verify(r); err != nil {
		t.Fatal(err)
	}
	signer := NewChunkSigner(seed, awsSecret, "us-east-1", "s3", awsTime)
	frame := signer.AppendChunk
	if mode == streamingUnsignedTrailer {
		frame = appendUnsignedChunk
	}
	for len(payload) > 0 {
		n := min(chunkBytes, len(payload))
		u.chunks = append(u.chunks, frame(nil, payload[:n]))
		payload = payload[n:]
	}
	u.chunks = append(u.chunks, frame(nil, nil))
	tail := []byte("\r\n")
	switch mode {
	case streamingSignedTrailer:
		tail = signer.AppendTrailers(nil, testTrailer)
	case streamingUnsignedTrailer:
		tail = []byte(testTrailer + "\r\n\r\n")
	}
	u.chunks = append(u.chunks, tail)
	u.body = bytes.Join(u.chunks, nil)
	return u
}

func appendUnsignedChunk(dst, payload []byte) []byte {
	dst = fmt.Appendf(dst, "%x\r\n%s", len(payload), payload)
	if len(payload) > 0 {
		dst = append(dst, "\r\n"...)
	}
	return dst
}

// read reads a body to its end; length is what the request says, -1 for unknown.
func (u *upload) read(t testing.TB, body io.Reader, length int64) ([]byte, error) {
	t.Helper()
	b, err := u.result.Body(body, length)
	if err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(b)
	if finish := b.Finish(); (finish == nil) != (err == nil) {
		t.Errorf("ReadAll: %v, Finish: %v", err, finish)
	}
	return got, err
}

var streamingModes = []string{streamingSigned, streamingSignedTrailer, streamingUnsignedTrailer}

func TestChunkedSplits(t *testing.T) {
	for _, mode := range streamingModes {
		for _, size := range []int{0, 1, 8192, 8193, 100_000} {
			payload := bytes.Repeat([]byte("0123456789abcde"), size/15+1)[:size]
			u := newUpload(t, mode, payload, 8192)
			for name, src := range map[string]io.Reader{
				"whole":    bytes.NewReader(u.body),
				"bytes":    iotest.OneByteReader(bytes.NewReader(u.body)),
				"halves":   iotest.HalfReader(bytes.NewReader(u.body)),
				"data+eof": iotest.DataErrReader(bytes.NewReader(u.body)),
			} {
				for _, length := range []int64{int64(len(u.body)), -1} {
					if seeker, ok := src.(io.Seeker); ok {
						seeker.Seek(0, io.SeekStart)
					} else if length < 0 {
						continue // used up
					}
					got, err := u.read(t, src, length)
					if err != nil || !bytes.Equal(got, payload) {
						t.Errorf("%s %d %s %d: %d bytes, %v", mode, size, name, length, len(got), err)
					}
				}
			}
		}
	}
}

func TestFaultRow2ChunksCVE202121390(t *testing.T) {
	payload := bytes.Repeat([]byte("x"), 3*8192+100)
	join := func(parts ...[]byte) []byte { return bytes.Join(parts, nil) }
	replace := func(b []byte, old, new string) []byte {
		return bytes.Replace(bytes.Clone(b), []byte(old), []byte(new), 1)
	}
	last := len("\r\n")
	for _, mode := range streamingModes {
		c := newUpload(t, mode, payload, 8192).chunks // four, zero, tail
		signed := mode != streamingUnsignedTrailer
		either := func(ifSigned, ifNot error) error {
			if signed {
				return ifSigned
			}
			return ifNot
		}
		tests := map[string]chunkFault{
			"intact": {join(c...), nil},
			"payload changed": {join(c[0], replace(c[1], "xx", "xy"), c[2], c[3], c[4], c[5]),
				either(ErrChunkSignature, nil)},
			"chunk twice": {join(c[0], c[0], c[1], c[2], c[3], c[4], c[5]),
				either(ErrChunkSignature, ErrIncompleteBody)},
			"chunk missing": {join(c[0], c[2], c[3], c[4], c[5]),
				either(ErrChunkSignature, ErrIncompleteBody)},
			"no final chunk":    {join(c[:4]...), either(ErrChunkSignature, ErrIncompleteBody)},
			"final chunk early": {join(c[0], c[4], c[5]), ErrIncompleteBody},
			"no tail":           {join(c[:5]...), ErrIncompleteBody},
			"tail cut":          {join(c...)[:len(join(c...))-last], ErrIncompleteBody},
			"bytes after it":    {join(join(c...), []byte("GET / HTTP/1.1\r\n\r\n")), ErrChunk},
			"cut in a payload":  {join(c[0], c[1][:2000]), ErrIncompleteBody},
			"cut in a head":     {join(c[0], c[1][:2]), ErrIncompleteBody},
			"empty":             {nil, either(ErrChunkSignature, ErrIncompleteBody)},
			"LF for CRLF":       {join(replace(c[0], "\r\n", "\n"), c[1], c[2], c[3], c[4], c[5]), ErrChunk},
			"no CRLF after the payload": {join(replace(c[0], "x\r\n", "xxx"), c[1], c[2], c[3], c[4],
				c[5]), ErrChunk},
			"size with a sign":  {join([]byte("+"), join(c...)), ErrChunk},
			"size with 0x":      {join([]byte("0x"), join(c...)), ErrChunk},
			"size of 17 digits": {join([]byte("0000000000000"), join(c...)), ErrChunk},
			"size too large":    {replace(join(c...), "2000", "ffffffffffffffff"), ErrChunk},
			"size over the rest": {replace(join(c...), "2000", "7fffffffffffffff"),
				ErrIncompleteBody},
			"endless head": {[]byte(strings.Repeat("0", 1<<20)), ErrChunk},
		}
		if signed {
			tests["reordered"] = chunkFault{join(c[1], c[0], c[2], c[3], c[4], c[5]),
				ErrChunkSignature}
			tests["no signature"] = chunkFault{join([]byte("2000\r\n"), join(c...)),
				ErrChunkSignature}
			tests["replayed"] = chunkFault{join(c[0], c[0], c[2], c[3], c[4], c[5]),
				ErrChunkSignature}
			tests["extension"] = chunkFault{replace(join(c...), ";chunk", ";x=y;chunk"),
				ErrChunkSignature}
			tests["long extension"] = chunkFault{replace(join(c...), ";chunk",
				";x="+strings.Repeat("y", 99)+";chunk"), ErrChunk}
			tests["wrong final signature"] = chunkFault{join(c[0], c[1], c[2], c[3],
				replace(c[4], "=", "=0")[:len(c[4])-2], []byte("\r\n"), c[5]), ErrChunkSignature}
		}
		for name, test := range tests {
			t.Run(mode+"/"+name, func(t *testing.T) {
				u := newUpload(t, mode, payload, 8192)
				for _, length := range []int64{int64(len(test.body)), -1} {
					got, err := u.read(t, bytes.NewReader(test.body), length)
					if !errors.Is(err, test.want) {
						t.Errorf("%v, want %v", err, test.want)
					}
					if err != nil && len(got) >= len(payload) {
						t.Error("the whole payload came out of a broken body")
					}
				}
			})
		}
	}
}

// chunkFault is a body and what must be said of it.
type chunkFault = struct {
	body []byte
	want error
}

func TestFaultRow2Trailers(t *testing.T) {
	signedTail := newUpload(t, streamingSignedTrailer, nil, 1).chunks[1]
	signature := signedTail[bytes.Index(signedTail, []byte(trailerSignature)):]
	for _, test := range []struct {
		name, mode, tail string
		want             error
	}{
		{"intact", streamingSignedTrailer, string(signedTail), nil},
		{"minio's line ends", streamingSignedTrailer,
			testTrailer + "\n\r\n" + string(signature), nil},
		{"upper case and spaces", streamingSignedTrailer,
			"X-Amz-Checksum-Crc32c: sOO8/Q== \r\n" + string(signature), nil},
		{"value changed", streamingSignedTrailer,
			strings.Replace(string(signedTail), "sOO8", "sOO9", 1), ErrChunkSignature},
		{"no signature", streamingSignedTrailer, testTrailer + "\r\n\r\n", ErrChunkSignature},
		{"nothing", streamingSignedTrailer, "\r\n", ErrChunkSignature},
		{"signature in upper case", streamingSignedTrailer,
			testTrailer + "\r\n" + strings.ToUpper(string(signature)), ErrChunkSignature},
		{"signature first", streamingSignedTrailer, strings.TrimSuffix(string(signature), "\r\n") +
			testTrailer + "\r\n\r\n", ErrTrailer},
		{"intact unsigned", streamingUnsignedTrailer, testTrailer + "\r\n\r\n", nil},
		{"minio's unsigned", streamingUnsignedTrailer, testTrailer + "\n\r\n\r\n", nil},
		{"absent", streamingUnsignedTrailer, "\r\n", ErrTrailer},
		{"twice", streamingUnsignedTrailer, testTrailer + "\r\n" + testTrailer + "\r\n\r\n", ErrTrailer},
		{"not announced", streamingUnsignedTrailer,
			testTrailer + "\r\nx-amz-meta-a:b\r\n\r\n", ErrTrailer},
		{"smuggled", streamingUnsignedTrailer,
			testTrailer + "\r\ncontent-length:5\r\n\r\n", ErrTrailer},
		{"signature where none is due", streamingUnsignedTrailer,
			testTrailer + "\r\n" + string(signature), ErrTrailer},
		{"no colon", streamingUnsignedTrailer, "x-amz-checksum-crc32c\r\n\r\n", ErrTrailer},
		{"space before the colon", streamingUnsignedTrailer,
			"x-amz-checksum-crc32c :a\r\n\r\n", ErrTrailer},
		{"CR in the value", streamingUnsignedTrailer,
			"x-amz-checksum-crc32c:a\rb\r\n\r\n", ErrTrailer},
		{"too long", streamingUnsignedTrailer,
			testTrailer + strings.Repeat("=", 5000) + "\r\n\r\n", ErrTrailer},
		{"no empty line", streamingUnsignedTrailer, testTrailer + "\r\n", ErrIncompleteBody},
	} {
		t.Run(test.name, func(t *testing.T) {
			u := newUpload(t, test.mode, nil, 1)
			body := string(u.chunks[0]) + test.tail
			b, err := u.result.Body(strings.NewReader(body), int64(len(body)))
			if err != nil {
				t.Fatal(err)
			}
			if err := b.Finish(); !errors.Is(err, test.want) {
				t.Errorf("%v, want %v", err, test.want)
			}
			value, ok := b.Trailer("x-amz-checksum-crc32c")
			if ok != (test.want == nil) || ok && value != "sOO8/Q==" {
				t.Errorf("Trailer = %q, %v", value, ok)
			}
		})
	}
	for _, names := range []string{"", "x-amz-a,", "content-length", trailerSignature,
		"x-amz-a b", strings.Repeat("x-amz-a,", 9) + "x-amz-a"} {
		r := signed(t, "PUT", "/b/k", streamingUnsignedTrailer, "X-Amz-Decoded-Content-Length:0",
			"X-Amz-Trailer:"+names)
		result, err := awsVerifier(t, awsTime).Verify(r)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := result.Body(strings.NewReader(""), 0); !errors.Is(err, ErrTrailer) {
			t.Errorf("x-amz-trailer %q: %v", names, err)
		}
	}
}

func TestChunkSizes(t *testing.T) {
	payload := make([]byte, 20_000)
	for _, mode := range streamingModes {
		u := newUpload(t, mode, payload, ChunkBytesMin-1)
		if _, err := u.read(t, bytes.NewReader(u.body), -1); !errors.Is(err, ErrChunkSize) {
			t.Errorf("%s: chunks of %d bytes: %v", mode, ChunkBytesMin-1, err)
		}
	}
}

func TestSourceErrors(t *testing.T) {
	broken := errors.New("broken")
	u := newUpload(t, streamingSigned, make([]byte, 9000), 8192)
	for _, at := range []int{0, 50, 100, 8192, 8300, len(u.body) - 1} {
		src := io.MultiReader(bytes.NewReader(u.body[:at]), iotest.ErrReader(broken))
		if _, err := u.read(t, src, int64(len(u.body))); !errors.Is(err, broken) {
			t.Errorf("broken after %d bytes: %v", at, err)
		}
		src = io.MultiReader(bytes.NewReader(u.body[:at]), iotest.ErrReader(io.ErrUnexpectedEOF))
		if _, err := u.read(t, src, -1); !errors.Is(err, ErrIncompleteBody) {
			t.Errorf("unexpected EOF after %d bytes: %v", at, err)
		}
		src = bytes.NewReader(u.body[:at])
		if _, err := u.read(t, src, int64(len(u.body))); !errors.Is(err, ErrIncompleteBody) {
			t.Errorf("EOF after %d bytes of %d: %v", at, len(u.body), err)
		}
	}
	none := iotest.ErrReader(nil) // neither bytes nor an error
	if _, err := u.read(t, none, -1); !errors.Is(err, io.ErrNoProgress) {
		t.Errorf("no progress: %v", err)
	}
}

// splitReader returns as many bytes at a time as a random source says.
type splitReader struct {
	b []byte
	r *rand.Rand
}

func (s *splitReader) Read(p []byte) (int, error) {
	if len(s.b) == 0 {
		return 0, io.EOF
	}
	n := min(1+s.r.IntN(300), len(p), len(s.b))
	copy(p, s.b[:n])
	s.b = s.b[n:]
	return n, nil
}

// FuzzChunked reads any bytes as a body: however they are split, bytes and error are the same.
func FuzzChunked(f *testing.F) {
	uploads := make([]*upload, len(streamingModes))
	for i, mode := range streamingModes {
		uploads[i] = newUpload(f, mode, bytes.Repeat([]byte("fuzz"), 2100), 8192)
		f.Add(i, uint64(i), uploads[i].body)
		f.Add(i, uint64(7), uploads[i].body[:8300])
	}
	f.Fuzz(func(t *testing.T, mode int, seed uint64, body []byte) {
		u := uploads[uint(mode)%uint(len(uploads))]
		want, wantErr := u.read(t, bytes.NewReader(body), int64(len(body)))
		r := rand.New(rand.NewPCG(seed, 0))
		got, err := u.read(t, &splitReader{body, r}, -1)
		if fmt.Sprint(err) != fmt.Sprint(wantErr) {
			t.Errorf("seed %d: %v, whole: %v", seed, err, wantErr)
		}
		if err == nil && !bytes.Equal(got, want) {
			t.Errorf("seed %d: %d bytes, whole: %d", seed, len(got), len(want))
		}
	})
}
