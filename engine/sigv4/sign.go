package sigv4

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// UnsignedPayload is the payload hash of a request whose body is not signed.
const UnsignedPayload = unsignedPayload

// Sign signs a request for our own clients: it sets x-amz-date, x-amz-content-sha256 (to
// payloadHash: 64 hexadecimal digits, UnsignedPayload or a streaming mode) and Authorization.
// Every x-amz-* field, Content-Type, Content-MD5, Range and Host are signed; they and the URL
// must not change afterwards. It returns the signature, which seeds chunk signatures.
// Errors: ErrURI.
func Sign(
	req *http.Request, accessKey, secret, region, service, payloadHash string, now time.Time,
) (string, error) {
	amzDate := now.UTC().Format(amzDateForm)
	req.Header.Set("X-Amz-Date", amzDate)
	req.Header.Set("X-Amz-Content-Sha256", payloadHash)
	req.Header.Del("Authorization")
	signed := signedNames(req.Header)
	signature, err := signRequest(req, secret, region, service, signed, payloadHash, amzDate)
	if err != nil {
		return "", err
	}
	req.Header.Set("Authorization", algorithm+" Credential="+accessKey+"/"+
		scopeOf(amzDate, region, service)+", SignedHeaders="+signed+", Signature="+signature)
	return signature, nil
}

// Presign turns req.URL into one that anybody may use until it expires, at most a week on.
// Header fields that Sign would sign are signed too, so whoever uses the URL must send them.
// Errors: ErrURI, ErrMalformedQuery (expires).
func Presign(
	req *http.Request, accessKey, secret, region, service string,
	expires time.Duration, now time.Time,
) error {
	seconds := int64(expires / time.Second)
	if seconds < 1 || seconds > expiresMax {
		return fmt.Errorf("%w: expires %v", ErrMalformedQuery, expires)
	}
	amzDate := now.UTC().Format(amzDateForm)
	signed := signedNames(req.Header)
	query := url.Values{
		"X-Amz-Algorithm":     {algorithm},
		"X-Amz-Credential":    {accessKey + "/" + scopeOf(amzDate, region, service)},
		"X-Amz-Date":          {amzDate},
		"X-Amz-Expires":       {strconv.FormatInt(seconds, 10)},
		"X-Amz-SignedHeaders": {signed},
	}.Encode()
	if req.URL.RawQuery != "" {
		query = req.URL.RawQuery + "&" + query
	}
	req.URL.RawQuery = query
	hash := req.Header.Get("X-Amz-Content-Sha256")
	if hash == "" {
		hash = unsignedPayload
	}
	signature, err := signRequest(req, secret, region, service, signed, hash, amzDate)
	if err != nil {
		return err
	}
	req.URL.RawQuery += "&X-Amz-Signature=" + signature
	return nil
}

func scopeOf(amzDate, region, service string) string {
	return amzDate[:8] + "/" + region + "/" + service + "/aws4_request"
}

// signedNames returns the names of the fields to sign, sorted and joined by semicolons.
func signedNames(header http.Header) string {
	names := []string{"host"}
	for name := range header {
		switch name = strings.ToLower(name); {
		case strings.HasPrefix(name, "x-amz-"), name == "content-type", name == "content-md5",
			name == "range", name == "content-encoding":
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return strings.Join(names, ";")
}

// signRequest signs with the canonical form that Verify uses.
func signRequest(
	req *http.Request, secret, region, service, signed, payload, amzDate string,
) (string, error) {
	host := req.Host
	if host == "" {
		host = req.URL.Host
	}
	r := Request{
		Method: []byte(req.Method),
		Path:   []byte(req.URL.EscapedPath()),
		Query:  []byte(req.URL.RawQuery),
		Host:   []byte(host),
	}
	for name, values := range req.Header {
		for _, v := range values {
			r.Header = append(r.Header, Field{Name: []byte(name), Value: []byte(v)})
		}
	}
	c := claim{
		signedHeaders: []byte(signed),
		payload:       []byte(payload),
		scope:         scope{service: service, tail: "/" + region + "/" + service + "/aws4_request"},
	}
	copy(c.amzDate[:], amzDate)
	var q query
	if err := q.parse(r.Query); err != nil {
		return "", err
	}
	canonical, err := appendCanonicalRequest(nil, &r, &q, &c)
	if err != nil {
		return "", err
	}
	hash := sha256.Sum256(canonical)
	key := deriveKey(secret, amzDate[:8], region, service)
	sum := mac(&key, c.appendText(nil, &hash))
	return hex.EncodeToString(sum[:]), nil
}

// ChunkSigner frames a body as aws-chunked with signatures, for our own clients and for tests.
type ChunkSigner struct {
	c chunkReader // its texts to sign
}

// NewChunkSigner returns the signer of the body of a request that Sign signed at now in a
// streaming mode; seed is the signature that Sign returned.
func NewChunkSigner(seed, secret, region, service string, now time.Time) *ChunkSigner {
	amzDate := now.UTC().Format(amzDateForm)
	result := &Result{
		Payload:   StreamingSigned,
		key:       deriveKey(secret, amzDate[:8], region, service),
		scopeTail: "/" + region + "/" + service + "/aws4_request",
	}
	copy(result.amzDate[:], amzDate)
	s := &ChunkSigner{c: chunkReader{result: result}}
	copy(s.c.prev[:], seed)
	return s
}

// AppendChunk appends a chunk. The last one has no payload and, without trailers, is followed
// by CR LF.
func (s *ChunkSigner) AppendChunk(dst, payload []byte) []byte {
	hash := sha256.Sum256(payload)
	text := s.c.appendText(nil, "AWS4-HMAC-SHA256-PAYLOAD\n")
	text = append(text, emptySHA256+"\n"...)
	s.sign(appendHex(text, &hash))
	dst = strconv.AppendInt(dst, int64(len(payload)), 16)
	dst = append(dst, chunkSignatureMark...)
	dst = append(dst, s.c.prev[:]...)
	dst = append(dst, "\r\n"...)
	if len(payload) == 0 {
		return dst
	}
	dst = append(dst, payload...)
	return append(dst, "\r\n"...)
}

// AppendTrailers appends trailers, lines "name:value" in lower case, and their signature, after
// the last chunk. It ends the body.
func (s *ChunkSigner) AppendTrailers(dst []byte, lines ...string) []byte {
	var signed bytes.Buffer
	for _, line := range lines {
		signed.WriteString(line + "\n")
		dst = append(dst, line+"\r\n"...)
	}
	hash := sha256.Sum256(signed.Bytes())
	s.sign(appendHex(s.c.appendText(nil, "AWS4-HMAC-SHA256-TRAILER\n"), &hash))
	dst = append(dst, trailerSignature+":"...)
	dst = append(dst, s.c.prev[:]...)
	return append(dst, "\r\n\r\n"...)
}

func (s *ChunkSigner) sign(text []byte) {
	sum := mac(&s.c.result.key, text)
	hex.Encode(s.c.prev[:], sum[:])
}
