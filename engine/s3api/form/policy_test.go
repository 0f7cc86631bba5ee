package form

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"flashstore/engine/s3err"
)

func encode(policy string) string { return base64.StdEncoding.EncodeToString([]byte(policy)) }

var policyTime = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// with is a policy of conditions that expires later.
func with(conditions string) string {
	return encode(`{"expiration": "2026-01-02T04:00:00Z", "conditions": [` + conditions + `]}`)
}

// verdict is what S3 answers: "" if the form may pass, else the code and what is behind the colon.
func verdict(policy, bucket string, now time.Time, fields ...string) string {
	p, err := ParsePolicy(policy)
	if err == nil {
		f := &Form{}
		for _, field := range fields {
			name, value, _ := strings.Cut(field, "=")
			f.add(strings.ToLower(name), value)
		}
		err = p.Check(f, bucket, now)
	}
	var e *s3err.Error
	if err == nil || !errors.As(err, &e) {
		return fmt.Sprint(err)
	}
	_, why, _ := strings.Cut(e.Message, ": ")
	return e.Code + ": " + why
}

const passes = "<nil>"

func denial(condition string) string {
	return "AccessDenied: Policy Condition failed: " + condition
}

func TestFaultRow6PolicyConditions(t *testing.T) {
	const b = `{"bucket": "b"}`
	for _, c := range []struct {
		conditions string
		fields     string // separated by semicolons
		want       string
	}{
		{b, "", passes},
		{b + `,{"key":"k"}`, "key=k", passes},
		{b + `,{"key":"k"}`, "key=K", denial(`["eq", "$key", "k"]`)},
		{b + `,{"key":"k"}`, "key=kk", denial(`["eq", "$key", "k"]`)},
		{b + `,["eq","$key","k"]`, "key=k", passes},
		{b + `,["EQ","$KEY","k"]`, "Key=k", passes},
		{b + `,["starts-with","$key","u/"]`, "key=u/k", passes},
		{b + `,["StArTs-WiTh","$kEy","u/"]`, "kEy=u/k", passes},
		{b + `,["starts-with","$key","u/"]`, "key=U/k", denial(`["starts-with", "$key", "u/"]`)},
		{b + `,["starts-with","$key",""]`, "key=anything", passes},
		{b + `,["starts-with","$key",""]`, "", denial(`["starts-with", "$key", ""]`)},
		{b + `,["eq","key","k"]`, "key=k", denial(`["eq", "key", "k"]`)},
		{b + `,["starts-with","$key","u/"],["eq","$key","u/k"]`, "key=u/x", denial(`["eq", "$key", "u/k"]`)},
		{b + `,{"a\"b":"c\\d"}`, "", denial(`["eq", "$a\"b", "c\\d"]`)},
		{b, "key=k", "AccessDenied: Extra input fields: key"},
		{b, "X-Amz-Meta-A=1", "AccessDenied: Extra input fields: x-amz-meta-a"},
		{b, "success_action_status=201", "AccessDenied: Extra input fields: success_action_status"},
		{b, "x-amz-checksum-crc32=AAAAAA==", "AccessDenied: Extra input fields: x-amz-checksum-crc32"},
		{b, "x-ignore-a=1;X-Ignore-B=2;policy=p;X-Amz-Signature=s", passes},
		{b, "x-ignore=1", "AccessDenied: Extra input fields: x-ignore"},
		{`{"key":"k"}`, "key=k", "AccessDenied: Extra input fields: bucket"},
		{`{"bucket":"other"}`, "", denial(`["eq", "$bucket", "other"]`)},
		{`["starts-with","$bucket",""]`, "", passes},
		{b + `,["starts-with","$Content-Type","image/"]`, "content-type=image/png,image/gif, image/x", passes},
		{b + `,["starts-with","$Content-Type","image/"]`, "content-type=image/png,text/html", denial(`["starts-with", "$Content-Type", "image/"]`)},
		{b + `,["starts-with","$x-amz-meta-a","image/"]`, "x-amz-meta-a=image/png,text/html", passes},
		{b + `,{"x-amz-meta-a":"1,2"}`, "x-amz-meta-a=1;X-Amz-Meta-A=2", passes},
		{b + `,{"key":"\$\v\u00e4\ud83d\ude00"}`, "key=$\v\u00e4\U0001f600", passes},
		{b + `,["content-length-range",1,"10"]`, "", passes},
		{b + `,["content-length-range","test","10"]`, "", denial(`["content-length-range", "test", "10"]`)},
		{b + `,["content-length-range","-1","10"]`, "", denial(`["content-length-range", "-1", "10"]`)},
		{"", "key=k", "AccessDenied: Extra input fields: bucket"},
	} {
		if got := verdict(with(c.conditions), "b", policyTime, strings.Split(c.fields, ";")[:fieldsIn(c.fields)]...); got != c.want {
			t.Errorf("%s with %q:\n got %s\nwant %s", c.conditions, c.fields, got, c.want)
		}
	}
}

func fieldsIn(list string) int {
	if list == "" {
		return 0
	}
	return strings.Count(list, ";") + 1
}

// TestPolicyBucketIsThatOfTheURLCVE202343040: a field that names another bucket changes nothing.
func TestPolicyBucketIsThatOfTheURLCVE202343040(t *testing.T) {
	for url, want := range map[string]string{"signed": passes, "target": denial(`["eq", "$bucket", "signed"]`)} {
		for _, field := range []string{"signed", "target", ""} {
			got := verdict(with(`{"bucket":"signed"}`), url, policyTime, "bucket="+field)
			if got != want {
				t.Errorf("to %s with field %q: %s", url, field, got)
			}
		}
	}
}

func TestFaultRow6ExpiredPolicy(t *testing.T) {
	policy := with(`{"bucket":"b"}`)
	expires := time.Date(2026, 1, 2, 4, 0, 0, 0, time.UTC)
	for after, want := range map[time.Duration]string{-time.Second: passes, -1: passes, 0: "AccessDenied: Policy expired.",
		time.Second: "AccessDenied: Policy expired.", 24 * time.Hour: "AccessDenied: Policy expired."} {
		if got := verdict(policy, "b", expires.Add(after)); got != want {
			t.Errorf("%v after: %s", after, got)
		}
	}
	for text, ok := range map[string]bool{"2026-01-02T04:00:00Z": true, "2026-01-02T04:00:00.000Z": true,
		"2026-01-02T04:00:00.5Z": true, "2026-01-02 04:00:00Z": false, "2026-01-02T04:00:00+02:00": false,
		"2026-01-02T04:00:00": false, "2026-01-02": false, "": false, "2026-02-30T00:00:00Z": false,
		"2026-01-02T04:00:00,5Z": false, "1767326400": false} {
		got := verdict(encode(`{"expiration":"`+text+`","conditions":[{"bucket":"b"}]}`), "b", policyTime)
		want := "InvalidPolicyDocument: Invalid 'expiration' value: '" + text + "'"
		if ok {
			want = passes
		}
		if got != want {
			t.Errorf("%q: %s", text, got)
		}
	}
}

func TestFaultRow6MalformedPolicies(t *testing.T) {
	const invalidJSON = "Invalid JSON."
	for text, want := range map[string]string{
		``: invalidJSON, `[]`: invalidJSON, `{`: invalidJSON, `null`: invalidJSON, `"x"`: invalidJSON,
		`{}`: "Policy missing expiration.", `{"expiration":"2026-01-02T04:00:00Z"}`: "Policy missing conditions.",
		`{"conditions":[{"bucket":"b"}]}`:                                           "Policy missing expiration.",
		`{"EXPIRATION":"2026-01-02T04:00:00Z","conditions":[]}`:                     "Unexpected: 'expiration'",
		`{"expiration":"2026-01-02T04:00:00Z","CONDITIONS":[]}`:                     "Unexpected: 'conditions'",
		`{"Statement":[{"a":1}]}`:                                                   "Unexpected: 'statement'",
		`{"conditions":[],"conditions":[{"bucket":"b"}]}`:                           "Unexpected: 'conditions'",
		`{"expiration":"2026-01-02T04:00:00Z","expiration":"9999-01-01T00:00:00Z"}`: "Unexpected: 'expiration'",
		`{"expiration":1,"conditions":[]}`:                                          invalidJSON,
		`{"expiration":null}`:                                                       invalidJSON,
		`{"conditions":{}}`:                                                         invalidJSON,
		`{"conditions":[1]}`:                                                        "Invalid condition: must be a List or Object.",
		`{"conditions":["eq"]}`:                                                     "Invalid condition: must be a List or Object.",
		`{"conditions":[{}]}`:                                                       "Invalid Simple-Condition: Simple-Conditions must have exactly one property specified.",
		`{"conditions":[{"a":"1","b":"2"}]}`:                                        "Invalid Simple-Condition: Simple-Conditions must have exactly one property specified.",
		`{"conditions":[{"a":1}]}`:                                                  "Invalid Simple-Condition: value must be a string.",
		`{"conditions":[{"a":null}]}`:                                               invalidJSON, `{"conditions":[{"a":["b"]}]}`: invalidJSON,
		`{"conditions":[[]]}`:                                                   "Invalid Condition: missing operation identifier.",
		`{"conditions":[[1,2,3]]}`:                                              invalidJSON,
		`{"conditions":[["eq","$a"]]}`:                                          "Invalid eq: wrong number of arguments.",
		`{"conditions":[["eq","$a","b","c"]]}`:                                  "Invalid Condition: wrong number of arguments.",
		`{"conditions":[["ends-with","$a","b"]]}`:                               "Invalid Condition: unknown operation 'ends-with'.",
		`{"conditions":[["eq","$a",1]]}`:                                        invalidJSON,
		`{"conditions":[["content-length-range",0]]}`:                           "Invalid content-length-range: wrong number of arguments.",
		`{"conditions":[["content-length-range",-1,0]]}`:                        invalidJSON,
		`{"conditions":[["content-length-range",0,512.0]]}`:                     invalidJSON,
		`{"conditions":[["content-length-range",0,1e9]]}`:                       invalidJSON,
		`{"conditions":[["content-length-range",00,1]]}`:                        invalidJSON,
		`{"conditions":[["content-length-range",0,null]]}`:                      invalidJSON,
		`{"conditions":[{"bucket":"b"},]}`:                                      "Invalid condition: must be a List or Object.",
		`{"conditions":[{"bucket":"b"}] "expiration":""}`:                       invalidJSON,
		`{"conditions":[{'bucket':'b'}]}`:                                       invalidJSON,
		`{"conditions":[{"bucket":"b` + "\n" + `"}]}`:                           invalidJSON,
		`{"conditions":[{"bucket":"b` + "\xff" + `"}]}`:                         invalidJSON,
		`{"conditions":[{"bucket":"\x"}]}`:                                      invalidJSON,
		`{"conditions":[{"bucket":"\ud800"}]}`:                                  invalidJSON,
		`{"conditions":[{"bucket":"\u12"}]}`:                                    invalidJSON,
		`{"expiration":"2026-01-02T04:00:00Z","conditions":[{"bucket":"b"}]} x`: invalidJSON,
		`{"conditions":` + strings.Repeat("[", 10_000):                          invalidJSON,
		"\x00": invalidJSON, "\xfe\xff\x00{": invalidJSON,
	} {
		got := verdict(encode(text), "b", policyTime)
		if got != "InvalidPolicyDocument: "+want {
			t.Errorf("%.80s: %s, want %s", text, got, want)
		}
	}
	for _, text := range []string{"!", "e30", "e31=", "e30==", "e30=e30="} {
		if got := verdict(text, "b", policyTime); got != "InvalidPolicyDocument: invalid Base64 encoding." {
			t.Errorf("%q: %s", text, got)
		}
	}
}

func TestPolicySizes(t *testing.T) {
	for conditions, want := range map[string][2]int64{
		``: {0, 1<<63 - 1}, `["content-length-range",5,10]`: {5, 10}, `["content-length-range","5","10"]`: {5, 10},
		`["content-length-range",0,100],["content-length-range",5,10]`: {5, 10},
		`["content-length-range",5,10],["content-length-range",0,100]`: {5, 10},
		`["Content-Length-Range",0,9223372036854775807]`:               {0, 1<<63 - 1},
	} {
		p, err := ParsePolicy(with(conditions))
		if err != nil || p.SizeMin != want[0] || p.SizeMax != want[1] {
			t.Errorf("%s: %+v, %v", conditions, p, err)
		}
	}
	if got := verdict(with(`["content-length-range",0,9223372036854775808]`), "b", policyTime); !strings.HasPrefix(got, "AccessDenied") {
		t.Errorf("2^63: %s", got)
	}
}

// FuzzPolicy: whatever is accepted is JSON to Go's library as well, but for AWS's own escapes, and
// whatever a policy allows it allows by a condition of its text.
func FuzzPolicy(f *testing.F) {
	f.Add(`{"expiration":"2026-01-02T04:00:00Z","conditions":[{"bucket":"b"},["starts-with","$key",""]]}`, "key", "v")
	f.Add(`{"expiration":"2026-01-02T04:00:00.000Z","conditions":[{"bucket":"b"},["content-length-range",1,2]]}`, "", "")
	f.Add(`{"conditions":[["eq","$a\u0041\$","\ud83d\ude00"]]}`, "a", "b")
	f.Fuzz(func(t *testing.T, text, name, value string) {
		p, err := ParsePolicy(encode(text))
		if err != nil {
			var e *s3err.Error
			if !errors.As(err, &e) || e.Status != 400 && e.Status != 403 {
				t.Fatalf("%q: %v", text, err)
			}
			return
		}
		plain := strings.NewReplacer(`\\`, `\\`, `\$`, `$`, `\v`, ` `).Replace(text)
		if !json.Valid([]byte(plain)) {
			t.Fatalf("%q is no JSON", text)
		}
		if name = strings.ToLower(name); p.Check(&Form{Fields: []Field{{name, value}}}, "b", time.Time{}) == nil && !exempt(name) {
			quoted, _ := json.Marshal(name)
			folded := strings.ToLower(text)
			if !strings.Contains(folded, strings.Trim(string(quoted), `"`)) && !strings.Contains(text, `\`) &&
				!strings.ContainsFunc(name, func(r rune) bool { return r > 0x7e || strings.ContainsRune(`<>&`, r) }) {
				t.Fatalf("%q allows the field %q", text, name)
			}
		}
	})
}
