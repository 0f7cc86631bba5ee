package sign

import (
	"bufio"
	"bytes"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsv4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/minio/minio-go/v7/pkg/signer"
)

const (
	accessKey = "AKIA/WITH+SIGNS"
	secretKey = "a secret/with+signs="
	region    = "eu-central-1"
	host      = "127.0.0.1:9000"
)

// paths are what a load may ask for: plain, and each kind of byte that has to be encoded.
func paths() []string {
	return []string{"/bucket/load/007/00000007", "/bucket/a b", "/bucket/%41+~()'!*,;:@&=$",
		"/bucket/grüße/日本", "/bucket/trailing/", "/bucket/\x01\x7f", "/"}
}

func times() []time.Time {
	return []time.Time{
		time.Date(2026, 11, 22, 23, 59, 59, 0, time.UTC),
		time.Date(2026, 11, 23, 0, 0, 0, 0, time.FixedZone("east", 7200)), // an earlier day in UTC
		time.Date(2026, 11, 23, 0, 0, 1, 999, time.UTC),
	}
}

// awsSigner signs the path as it stands, as S3 wants.
func awsSigner() *awsv4.Signer {
	return awsv4.NewSigner(func(o *awsv4.SignerOptions) { o.DisableURIPathEscaping = true })
}

func TestPresignLikeAWS(t *testing.T) {
	keys := aws.Credentials{AccessKeyID: accessKey, SecretAccessKey: secretKey}
	s := New(accessKey, secretKey, region)
	for _, method := range []string{"GET", "HEAD", "PUT"} {
		for _, path := range paths() {
			for _, at := range times() {
				r, err := http.NewRequest(method, "http://"+host+Path(path)+"?X-Amz-Expires=600", nil)
				if err != nil {
					t.Fatal(err)
				}
				want, _, err := awsSigner().PresignHTTP(t.Context(), keys, r, Unsigned, "s3", region, at)
				if err != nil {
					t.Fatal(err)
				}
				got := s.Presign(method, host, Path(path), at, 10*time.Minute)
				if signature(t, got) != signature(t, want) || signature(t, got) == "" {
					t.Errorf("%s %s at %s:\n%s\nwant\n%s", method, path, at, got, want)
				}
			}
		}
	}
}

// signature of a target; it covers everything else of it.
func signature(t *testing.T, target string) string {
	t.Helper()
	r, err := http.NewRequest("GET", target, nil)
	if err != nil {
		t.Fatal(err)
	}
	return r.URL.Query().Get("X-Amz-Signature")
}

func TestFieldsLikeAWS(t *testing.T) {
	keys := aws.Credentials{AccessKeyID: accessKey, SecretAccessKey: secretKey}
	s := New(accessKey, secretKey, region)
	for _, payload := range []string{Unsigned, Hash(nil), Hash([]byte("body"))} {
		for _, path := range paths() {
			for _, at := range times() {
				r, err := http.NewRequest("PUT", "http://"+host+Path(path), nil)
				if err != nil {
					t.Fatal(err)
				}
				r.Header.Set("X-Amz-Content-Sha256", payload)
				err = awsSigner().SignHTTP(t.Context(), keys, r, payload, "s3", region, at)
				if err != nil {
					t.Fatal(err)
				}
				got := parse(t, s.AppendFields(nil, "PUT", host, Path(path), payload, at))
				for name := range got.Header {
					if got.Header.Get(name) != r.Header.Get(name) {
						t.Errorf("%s: %s: %s\nwant %s", path, name, got.Header.Get(name), r.Header.Get(name))
					}
				}
				if len(got.Header) != 3 {
					t.Errorf("fields %v", got.Header)
				}
			}
		}
	}
}

func parse(t *testing.T, fields []byte) *http.Request {
	t.Helper()
	text := fmt.Sprintf("PUT / HTTP/1.1\r\nHost: %s\r\n%s\r\n", host, fields)
	r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(text)))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// The other client signs at its own time, which is taken from what it made.
func TestPresignLikeMinIO(t *testing.T) {
	for _, path := range paths() {
		r, err := http.NewRequest("GET", "http://"+host+Path(path), nil)
		if err != nil {
			t.Fatal(err)
		}
		want := signer.PreSignV4(*r, accessKey, secretKey, "", region, 600)
		at, err := time.Parse(stamp, want.URL.Query().Get("X-Amz-Date"))
		if err != nil {
			t.Fatal(err)
		}
		got := New(accessKey, secretKey, region).Presign("GET", host, Path(path), at, 10*time.Minute)
		if signature(t, got) != signature(t, want.URL.String()) {
			t.Errorf("%s:\n%s\nwant\n%s", path, got, want.URL)
		}
	}
}

// A signer that is reused, in any order of times, signs like a new one.
func TestReuse(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	random := rand.New(rand.NewPCG(seed, 0))
	s := New(accessKey, secretKey, region)
	for range 200 {
		at := times()[random.IntN(len(times()))].Add(time.Duration(random.IntN(100)) * time.Hour)
		path := Path(paths()[random.IntN(len(paths()))])
		if random.IntN(2) == 0 {
			if got, want := s.Presign("GET", host, path, at, time.Hour),
				s.Clone().Presign("GET", host, path, at, time.Hour); got != want {
				t.Fatalf("seed %d: %s, want %s", seed, got, want)
			}
			continue
		}
		got := s.AppendFields(nil, "GET", host, path, Unsigned, at)
		if want := s.Clone().AppendFields(nil, "GET", host, path, Unsigned, at); !bytes.Equal(got, want) {
			t.Fatalf("seed %d: %s, want %s", seed, got, want)
		}
	}
}

func TestAppendFieldsAllocatesNothing(t *testing.T) {
	s := New(accessKey, secretKey, region)
	at, hashed := times()[0], Hash(nil)
	dst := make([]byte, 0, 1024)
	if n := testing.AllocsPerRun(100, func() {
		dst = s.AppendFields(dst[:0], "GET", host, "/bucket/key", hashed, at)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkAppendFields(b *testing.B) {
	s := New(accessKey, secretKey, region)
	at, hashed := times()[0], Hash(nil)
	dst := make([]byte, 0, 1024)
	for b.Loop() {
		dst = s.AppendFields(dst[:0], "GET", host, "/bucket/load/007/00000007", hashed, at)
	}
}
