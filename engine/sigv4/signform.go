package sigv4

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"time"
)

// SignForm returns the fields that sign a form for our own clients, in the order they are sent;
// policy is in base64, and has a condition for each of these fields but for policy and
// x-amz-signature: those that FormCredentials returns.
func SignForm(policy, accessKey, secret, region, service string, now time.Time) [][2]string {
	fields := FormCredentials(accessKey, region, service, now)
	key := deriveKey(secret, fields[2][1][:8], region, service)
	sum := hmac.New(sha256.New, key[:])
	sum.Write([]byte(policy))
	return append(fields, [2]string{"policy", policy},
		[2]string{"x-amz-signature", hex.EncodeToString(sum.Sum(nil))})
}

// FormCredentials returns the fields that say who signs, and when.
func FormCredentials(accessKey, region, service string, now time.Time) [][2]string {
	date := now.UTC().Format(amzDateForm)
	return [][2]string{{"x-amz-algorithm", algorithm},
		{"x-amz-credential", accessKey + "/" + scopeOf(date, region, service)}, {"x-amz-date", date}}
}
