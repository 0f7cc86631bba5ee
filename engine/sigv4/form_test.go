package sigv4

import (
	"encoding/base64"
	"errors"
	"strings"
	"testing"
	"time"
)

// awsPolicy is that of AWS's example, sigv4-post-example, with its line ends.
var awsPolicy = base64.StdEncoding.EncodeToString([]byte(strings.ReplaceAll(
	`{ "expiration": "2015-12-30T12:00:00.000Z",
  "conditions": [
    {"bucket": "sigv4examplebucket"},
    ["starts-with", "$key", "user/user1/"],
    {"acl": "public-read"},
    {"success_action_redirect": "http://sigv4examplebucket.s3.amazonaws.com/successful_upload.html"},
    ["starts-with", "$Content-Type", "image/"],
    {"x-amz-meta-uuid": "14365123651274"},
    {"x-amz-server-side-encryption": "AES256"},
    ["starts-with", "$x-amz-meta-tag", ""],

    {"x-amz-credential": "AKIAIOSFODNN7EXAMPLE/20151229/us-east-1/s3/aws4_request"},
    {"x-amz-algorithm": "AWS4-HMAC-SHA256"},
    {"x-amz-date": "20151229T000000Z" }
  ]
}`, "\n", "\r\n")))

var awsFormTime = time.Date(2015, 12, 29, 0, 0, 0, 0, time.UTC)

func awsForm() *Form {
	return &Form{Algorithm: []byte("AWS4-HMAC-SHA256"), Date: []byte("20151229T000000Z"),
		Credential: []byte("AKIAIOSFODNN7EXAMPLE/20151229/us-east-1/s3/aws4_request"),
		Policy:     []byte(awsPolicy),
		Signature:  []byte("8afdbf4008c03f22c2cd3cdb72e4afbb1f6a588f3255ac628749a66d7f09699e")}
}

// TestAWSFormExample: https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-post-example.html
func TestAWSFormExample(t *testing.T) {
	result, err := awsVerifier(t, awsFormTime).VerifyForm(awsForm())
	if err != nil || result.AccessKey != awsKey || result.Service != "s3" ||
		result.Payload != PayloadUnsigned {
		t.Fatalf("%+v, %v", result, err)
	}
	fields := SignForm(awsPolicy, awsKey, awsSecret, "us-east-1", "s3", awsFormTime)
	want := awsForm()
	for i, value := range [][]byte{want.Algorithm, want.Credential, want.Date, want.Policy,
		want.Signature} {
		if fields[i][1] != string(value) {
			t.Errorf("%s is %q, want %q", fields[i][0], fields[i][1], value)
		}
	}
}

func TestFaultRow6FormCredentials(t *testing.T) {
	const day, week = 24 * time.Hour, 7 * 24 * time.Hour
	edit := func(slot func(*Form) *[]byte, old, new string) *Form {
		f := awsForm()
		text := strings.Replace(string(*slot(f)), old, new, 1)
		if text == string(*slot(f)) {
			t.Fatalf("%q is not in %q", old, text)
		}
		*slot(f) = []byte(text)
		return f
	}
	credential := func(f *Form) *[]byte { return &f.Credential }
	for _, c := range []struct {
		name  string
		form  *Form
		after time.Duration
		want  error
	}{
		{"as it is", awsForm(), 0, nil},
		{"a week later", awsForm(), week, nil},
		{"older", awsForm(), week + time.Second, ErrExpired},
		{"15 minutes early", awsForm(), -15 * time.Minute, nil},
		{"earlier", awsForm(), -15*time.Minute - time.Second, ErrNotYetValid},
		{"other signature", edit(func(f *Form) *[]byte { return &f.Signature }, "8a", "8b"), 0, ErrSignature},
		{"no signature", edit(func(f *Form) *[]byte { return &f.Signature }, string(awsForm().Signature), ""), 0, ErrSignature},
		{"upper case", edit(func(f *Form) *[]byte { return &f.Signature }, "8a", "8A"), 0, ErrSignature},
		{"other policy", edit(func(f *Form) *[]byte { return &f.Policy }, "ey", "eY"), 0, ErrSignature},
		{"policy cut", edit(func(f *Form) *[]byte { return &f.Policy }, "DQp9", "DQ"), 0, ErrSignature},
		{"unknown key", edit(credential, awsKey, "AKIANOBODY"), 0, ErrUnknownKey},
		{"no key", edit(credential, awsKey+"/", ""), 0, ErrMalformedForm},
		{"empty key", edit(credential, awsKey, ""), 0, ErrMalformedForm},
		{"region", edit(credential, "us-east-1", "eu-west-1"), 0, ErrMalformedForm},
		{"service", edit(credential, "/s3/", "/sts/"), 0, ErrMalformedForm},
		{"terminator", edit(credential, "aws4_request", "aws5_request"), 0, ErrMalformedForm},
		{"another day", edit(credential, "20151229", "20151228"), day, ErrMalformedForm},
		{"no date", edit(func(f *Form) *[]byte { return &f.Date }, "20151229T000000Z", ""), 0, ErrMalformedForm},
		{"HTTP's date", edit(func(f *Form) *[]byte { return &f.Date }, "20151229T000000Z", "Tue, 29 Dec 2015 00:00:00 GMT"), 0, ErrMalformedForm},
		{"SigV4A", edit(func(f *Form) *[]byte { return &f.Algorithm }, "HMAC", "ECDSA-P256"), 0, ErrUnsupported},
		{"no algorithm", edit(func(f *Form) *[]byte { return &f.Algorithm }, "AWS4-HMAC-SHA256", ""), 0, ErrUnsupported},
	} {
		result, err := awsVerifier(t, awsFormTime.Add(c.after)).VerifyForm(c.form)
		if !errors.Is(err, c.want) || err != nil && result.AccessKey != "" {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
	}
	var region *RegionError
	_, err := awsVerifier(t, awsFormTime).VerifyForm(edit(credential, "us-east-1", "eu-west-1"))
	if !errors.As(err, &region) || region.Expected != "us-east-1" {
		t.Errorf("%v is no RegionError", err)
	}
}
