package sigv4

import (
	"bytes"
	"fmt"
	"net/http"
	"strconv"
	"time"
)

const (
	algorithm    = "AWS4-HMAC-SHA256"
	amzDateForm  = "20060102T150405Z"
	amzDateBytes = len(amzDateForm)
	expiresMax   = 604800 // seconds, a week; the longest life of a presigned URL
)

// claim is what a signed request says about its signature.
type claim struct {
	accessKey     []byte
	amzDate       [amzDateBytes]byte // the scope begins with its day
	scope         scope
	signedHeaders []byte
	signature     []byte // as given
	payload       []byte // the last line of the canonical request
	presigned     bool
	form          bool
}

func (c *claim) malformed() error {
	switch {
	case c.form:
		return ErrMalformedForm
	case c.presigned:
		return ErrMalformedQuery
	}
	return ErrMalformedHeader
}

func (c *claim) day() [8]byte { return [8]byte(c.amzDate[:8]) }

// headerClaim reads an Authorization header:
//
//	AWS4-HMAC-SHA256 Credential=…, SignedHeaders=…, Signature=…
//
// Errors: ErrUnsupported, ErrMalformedHeader, ErrMissingDate, ErrSkewed, ErrMissingHash.
func (v *Verifier) headerClaim(f *fields) (c claim, err error) {
	scheme, rest, _ := bytes.Cut(f.authorization, []byte{' '})
	if string(scheme) != algorithm {
		return c, fmt.Errorf("%w in the Authorization header", ErrUnsupported)
	}
	var credential []byte
	for len(rest) > 0 {
		var part []byte
		part, rest, _ = bytes.Cut(rest, []byte{','})
		name, value, _ := bytes.Cut(bytes.Trim(part, " "), []byte{'='})
		var slot *[]byte
		switch string(name) {
		case "Credential":
			slot = &credential
		case "SignedHeaders":
			slot = &c.signedHeaders
		case "Signature":
			slot = &c.signature
		default:
			return c, fmt.Errorf("%w: unknown part", ErrMalformedHeader)
		}
		if *slot != nil || len(value) == 0 {
			return c, fmt.Errorf("%w: %s is empty or given twice", ErrMalformedHeader, name)
		}
		*slot = value
	}
	if credential == nil || c.signedHeaders == nil || c.signature == nil {
		return c, fmt.Errorf("%w: needs Credential, SignedHeaders and Signature",
			ErrMalformedHeader)
	}
	when, ok := c.headerDate(f)
	if !ok {
		return c, ErrMissingDate
	}
	if err := v.readCredential(&c, credential); err != nil {
		return c, err
	}
	if skew := v.config.Now().Sub(when); skew > v.config.SkewMax || skew < -v.config.SkewMax {
		return c, ErrSkewed
	}
	if len(f.sha256) == 0 {
		return c, ErrMissingHash
	}
	c.payload = f.sha256
	return c, nil
}

// headerDate reads x-amz-date or, without one, Date.
func (c *claim) headerDate(f *fields) (time.Time, bool) {
	if f.amzDate != nil {
		copy(c.amzDate[:], f.amzDate)
		return parseAmzDate(f.amzDate)
	}
	if when, ok := parseAmzDate(f.date); ok {
		copy(c.amzDate[:], f.date)
		return when, true
	}
	when, err := http.ParseTime(string(f.date))
	if err != nil || when.Year() < 1 || when.Year() > 9999 {
		return time.Time{}, false
	}
	when.UTC().AppendFormat(c.amzDate[:0], amzDateForm)
	return when, true
}

// queryClaim reads the parameters of a presigned URL. Decoded text goes to scratch.
// Errors: ErrUnsupported, ErrMalformedQuery, ErrExpired, ErrNotYetValid.
func (v *Verifier) queryClaim(q *presignParams, f *fields, scratch []byte) (claim, error) {
	c := claim{presigned: true}
	for p, value := range q.value[:paramToken] {
		if len(value) == 0 {
			return c, fmt.Errorf("%w: %s is missing", ErrMalformedQuery, authParamNames[p])
		}
	}
	if string(q.value[paramAlgorithm]) != algorithm {
		return c, fmt.Errorf("%w in X-Amz-Algorithm", ErrUnsupported)
	}
	when, ok := parseAmzDate(q.value[paramDate])
	if !ok {
		return c, fmt.Errorf("%w: X-Amz-Date is not a date", ErrMalformedQuery)
	}
	copy(c.amzDate[:], q.value[paramDate])
	expires, ok := parseExpires(q.value[paramExpires])
	if !ok {
		return c, fmt.Errorf("%w: X-Amz-Expires is not a number from 1 to %d",
			ErrMalformedQuery, expiresMax)
	}
	scratch = appendDecoded(scratch, q.value[paramSignedHeaders])
	c.signedHeaders = scratch
	credential := appendDecoded(scratch[len(scratch):], q.value[paramCredential])
	c.signature = q.value[paramSignature]
	if err := v.readCredential(&c, credential); err != nil {
		return c, err
	}
	switch now := v.config.Now(); {
	case when.Sub(now) > v.config.SkewMax:
		return c, ErrNotYetValid
	case now.Sub(when) > expires:
		return c, ErrExpired
	}
	// The body's hash: in the query, else in a header field (which appendHeaders wants
	// signed), else nobody's business.
	switch inQuery := q.value[paramSHA256]; {
	case inQuery != nil && f.sha256 != nil && !bytes.Equal(inQuery, f.sha256):
		return c, fmt.Errorf("%w: two different payload hashes", ErrMalformedQuery)
	case inQuery != nil:
		c.payload = inQuery
	case f.sha256 != nil:
		c.payload = f.sha256
	default:
		c.payload = append(credential[len(credential):], unsignedPayload...)
	}
	return c, nil
}

// readCredential reads accessKey/YYYYMMDD/region/service/aws4_request into c. An access key may
// itself contain slashes, so it is read from the end.
// Errors: c.malformed(), also as RegionError.
func (v *Verifier) readCredential(c *claim, credential []byte) error {
	for _, s := range v.scopes {
		head, ok := bytes.CutSuffix(credential, []byte(s.tail))
		if !ok {
			continue
		}
		cut := len(head) - len("/YYYYMMDD")
		if cut < 1 || head[cut] != '/' {
			return fmt.Errorf("%w: credential lacks access key or date", c.malformed())
		}
		if !bytes.Equal(head[cut+1:], c.amzDate[:8]) {
			return fmt.Errorf("%w: the date of the scope is not that of the request",
				c.malformed())
		}
		c.accessKey, c.scope = head[:cut], s
		return nil
	}
	part := bytes.Split(credential, []byte{'/'})
	if len(part) < 5 || string(part[len(part)-1]) != "aws4_request" {
		return fmt.Errorf("%w: credential is not <key>/<date>/<region>/<service>/aws4_request",
			c.malformed())
	}
	if string(part[len(part)-3]) != v.config.Region {
		return &RegionError{Expected: v.config.Region, kind: c.malformed()}
	}
	return fmt.Errorf("%w: the service is wrong; expecting '%s'",
		c.malformed(), v.scopes[0].service)
}

// parseAmzDate reads YYYYMMDD'T'HHMMSS'Z'.
func parseAmzDate(s []byte) (time.Time, bool) {
	if len(s) != amzDateBytes || s[8] != 'T' || s[15] != 'Z' {
		return time.Time{}, false
	}
	number := func(digits []byte) (n int) {
		for _, c := range digits {
			if c < '0' || c > '9' {
				return -1 << 20
			}
			n = 10*n + int(c-'0')
		}
		return n
	}
	year, month, day := number(s[:4]), number(s[4:6]), number(s[6:8])
	hour, minute, second := number(s[9:11]), number(s[11:13]), number(s[13:15])
	t := time.Date(year, time.Month(month), day, hour, minute, second, 0, time.UTC)
	// A field out of range moves the others.
	ok := t.Year() == year && t.Month() == time.Month(month) && t.Day() == day &&
		t.Hour() == hour && t.Minute() == minute && t.Second() == second
	return t, ok
}

func parseExpires(s []byte) (time.Duration, bool) {
	if len(s) > 6 || s[0] < '0' || s[0] > '9' {
		return 0, false
	}
	n, err := strconv.Atoi(string(s))
	return time.Duration(n) * time.Second, err == nil && 1 <= n && n <= expiresMax
}
