package sign

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"strings"
	"time"
)

const (
	algorithm = "AWS4-HMAC-SHA256"
	stamp     = "20060102T150405Z"
	dayBytes  = len("20060102")
)

// Unsigned stands for the hash of a payload that is not signed.
const Unsigned = "UNSIGNED-PAYLOAD"

// Hash is the payload hash that a signed request carries.
func Hash(payload []byte) string {
	sum := sha256.Sum256(payload)
	return hex.EncodeToString(sum[:])
}

// Signer signs with one key pair for one region. It keeps the day's key and buffers, so one
// goroutine at a time may use it; Clone makes one for another.
type Signer struct {
	accessKey, secretKey, region string

	sum     hash.Hash // SHA-256
	mac     hash.Hash // HMAC with the key of day
	second  int64     // of time, Unix, that the next two are of
	time    string
	day     string
	scope   string // day/region/s3/aws4_request
	text    []byte // of what is hashed
	scratch [sha256.Size]byte
}

// New returns a signer for the service s3.
func New(accessKey, secretKey, region string) *Signer {
	return &Signer{accessKey: accessKey, secretKey: secretKey, region: region, sum: sha256.New()}
}

// Clone returns a signer with the same keys that shares nothing with s.
func (s *Signer) Clone() *Signer { return New(s.accessKey, s.secretKey, s.region) }

// Presign returns the target, path and query, of a request that needs no further header than
// Host. path is encoded by Path; the payload is unsigned.
func (s *Signer) Presign(
	method, host, path string, at time.Time, validity time.Duration,
) string {
	s.enter(at)
	// In the order of canonical queries, so that it can be signed as it is sent.
	query := fmt.Sprintf("X-Amz-Algorithm=%s&X-Amz-Credential=%s&X-Amz-Date=%s&"+
		"X-Amz-Expires=%d&X-Amz-SignedHeaders=host", algorithm,
		strings.ReplaceAll(Path(s.accessKey+"/"+s.scope), "/", "%2F"), s.time,
		int(validity/time.Second))
	b := append(s.text[:0], method...)
	b = append(append(b, '\n'), path...)
	b = append(append(b, '\n'), query...)
	b = append(append(b, "\nhost:"...), host...)
	b = append(b, "\n\nhost\n"+Unsigned...)
	s.text = b
	return path + "?" + query + "&X-Amz-Signature=" + string(s.appendSignature(nil))
}

// AppendFields appends the header fields that sign a request without a query: X-Amz-Content-Sha256,
// X-Amz-Date and Authorization, each with its line end. Host is not among them. path is encoded by
// Path; payload is the body's Hash, or Unsigned.
func (s *Signer) AppendFields(
	dst []byte, method, host, path, payload string, at time.Time,
) []byte {
	s.enter(at)
	const signed = "host;x-amz-content-sha256;x-amz-date"
	b := append(s.text[:0], method...)
	b = append(append(b, '\n'), path...)
	b = append(append(b, "\n\nhost:"...), host...)
	b = append(append(b, "\nx-amz-content-sha256:"...), payload...)
	b = append(append(b, "\nx-amz-date:"...), s.time...)
	b = append(b, "\n\n"+signed+"\n"...)
	s.text = append(b, payload...)
	dst = append(append(dst, "X-Amz-Content-Sha256: "...), payload...)
	dst = append(append(dst, "\r\nX-Amz-Date: "...), s.time...)
	dst = append(append(dst, "\r\nAuthorization: "+algorithm+" Credential="...), s.accessKey...)
	dst = append(append(dst, '/'), s.scope...)
	dst = append(dst, ", SignedHeaders="+signed+", Signature="...)
	return append(s.appendSignature(dst), "\r\n"...)
}

// appendSignature signs the canonical request in s.text, in hexadecimal.
func (s *Signer) appendSignature(dst []byte) []byte {
	s.sum.Reset()
	s.sum.Write(s.text)
	hashed := s.sum.Sum(s.scratch[:0])
	b := append(s.text[:0], algorithm+"\n"...)
	b = append(append(b, s.time...), '\n')
	b = append(append(b, s.scope...), '\n')
	s.text = hex.AppendEncode(b, hashed)
	s.mac.Reset()
	s.mac.Write(s.text)
	return hex.AppendEncode(dst, s.mac.Sum(s.scratch[:0]))
}

// enter makes the text of at, and the key where its day is another than the last one.
func (s *Signer) enter(at time.Time) {
	if at.Unix() == s.second && s.mac != nil {
		return
	}
	s.second = at.Unix()
	s.time = at.UTC().Format(stamp)
	day := s.time[:dayBytes]
	if day == s.day {
		return
	}
	s.day = day
	s.scope = day + "/" + s.region + "/s3/aws4_request"
	key := []byte("AWS4" + s.secretKey)
	for _, word := range []string{day, s.region, "s3", "aws4_request"} {
		mac := hmac.New(sha256.New, key)
		mac.Write([]byte(word))
		key = mac.Sum(nil)
	}
	s.mac = hmac.New(sha256.New, key)
}
