package conformance

import (
	"crypto/hmac"
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

const (
	algorithm       = "AWS4-HMAC-SHA256"
	stampLayout     = "20060102T150405Z"
	unsignedPayload = "UNSIGNED-PAYLOAD"
)

// sign signs all header fields there are, as
// https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html says, or the query.
func (r *request) sign(req *http.Request) {
	at := r.at
	if at.IsZero() {
		at = time.Now()
	}
	stamp := at.UTC().Format(stampLayout)
	if r.presign != 0 {
		r.signQuery(req, stamp)
		return
	}
	payload := r.payload
	if payload == "" {
		payload = sha256Hex(r.content)
	}
	req.Header.Set("X-Amz-Date", stamp)
	req.Header.Set("X-Amz-Content-Sha256", payload)
	names, signature := r.signature(req, stamp, payload)
	req.Header.Set("Authorization", fmt.Sprintf("%s Credential=%s/%s,SignedHeaders=%s,Signature=%s",
		algorithm, r.access, r.scope(stamp), names, signature))
}

// signQuery presigns; see sigv4-query-string-auth.html beside the other page.
func (r *request) signQuery(req *http.Request, stamp string) {
	names := r.signedNames(req)
	query := []string{"X-Amz-Algorithm=" + algorithm,
		"X-Amz-Credential=" + escape(r.access+"/"+r.scope(stamp)), "X-Amz-Date=" + stamp,
		"X-Amz-Expires=" + strconv.Itoa(int(r.presign/time.Second)),
		"X-Amz-SignedHeaders=" + escape(strings.Join(names, ";"))}
	if req.URL.RawQuery != "" {
		query = append([]string{req.URL.RawQuery}, query...)
	}
	req.URL.RawQuery = strings.Join(query, "&")
	payload := r.payload
	if payload == "" {
		payload = unsignedPayload
	}
	_, signature := r.signature(req, stamp, payload)
	req.URL.RawQuery += "&X-Amz-Signature=" + signature
}

// signature returns the signed names and the signature.
func (r *request) signature(req *http.Request, stamp, payload string) (names, signature string) {
	all := r.signedNames(req)
	var fields strings.Builder
	for _, name := range all {
		value := strings.Join(req.Header.Values(name), ",")
		if name == "host" {
			value = req.Host
		}
		fields.WriteString(name + ":" + strings.Join(strings.Fields(value), " ") + "\n")
	}
	names = strings.Join(all, ";")
	canonical := strings.Join([]string{req.Method, req.URL.EscapedPath(),
		canonicalQuery(req.URL.RawQuery), fields.String(), names, payload}, "\n")
	text := strings.Join([]string{algorithm, stamp, r.scope(stamp),
		sha256Hex([]byte(canonical))}, "\n")
	return names, hex.EncodeToString(mac(r.signingKey(stamp), text))
}

func (r *request) signedNames(req *http.Request) []string {
	names := []string{"host"}
	for name := range req.Header {
		if lower := strings.ToLower(name); lower != "authorization" && lower != "user-agent" &&
			lower != "expect" {
			names = append(names, lower)
		}
	}
	slices.Sort(names)
	return names
}

func (r *request) scope(stamp string) string {
	return stamp[:8] + "/" + r.region + "/" + r.service + "/aws4_request"
}

func (r *request) signingKey(stamp string) []byte {
	key := []byte("AWS4" + r.secret)
	for _, word := range []string{stamp[:8], r.region, r.service, "aws4_request"} {
		key = mac(key, word)
	}
	return key
}

// canonicalQuery sorts a query, and encodes each byte that has to be.
func canonicalQuery(raw string) string {
	if raw == "" {
		return ""
	}
	pairs := strings.Split(raw, "&")
	for i, pair := range pairs {
		name, value, _ := strings.Cut(pair, "=")
		pairs[i] = reencode(name) + "=" + reencode(value)
	}
	slices.SortFunc(pairs, func(a, b string) int {
		an, av, _ := strings.Cut(a, "=")
		bn, bv, _ := strings.Cut(b, "=")
		if an != bn {
			return strings.Compare(an, bn)
		}
		return strings.Compare(av, bv)
	})
	return strings.Join(pairs, "&")
}

// reencode encodes all bytes of what may be encoded in part; what cannot be decoded is left.
func reencode(s string) string {
	if decoded, err := url.PathUnescape(s); err == nil {
		return escape(decoded)
	}
	return s
}

func mac(key []byte, text string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(text))
	return h.Sum(nil)
}

func sha256Hex(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}
