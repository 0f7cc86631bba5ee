package conformance

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awscredentials "github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
)

// target is the server under test and the clients that ask it.
type target struct {
	base, host           string // with and without the scheme
	accessKey, secretKey string
	region               string
	domain               string // of virtual-host style requests
	http                 *http.Client
	aws                  *s3.Client
	minio                *minio.Client
	shares               *shares
	ended                func() // is called, if set, when a case has ended, before it removes what it made
}

// connectionsMax is how many idle connections are kept: no case waits for a handshake.
const connectionsMax = 64

func newTarget(base, accessKey, secretKey, region string) (*target, error) {
	u, err := url.Parse(base)
	if err != nil || u.Host == "" {
		return nil, fmt.Errorf("endpoint %q: %w", base, errors.Join(err, errEndpoint))
	}
	t := &target{base: strings.TrimSuffix(base, "/"), host: u.Host, accessKey: accessKey,
		secretKey: secretKey, region: region, domain: u.Hostname(),
		shares: &shares{made: map[string]*share{}}}
	transport := &http.Transport{MaxIdleConns: connectionsMax, DisableCompression: true,
		MaxIdleConnsPerHost: connectionsMax, ExpectContinueTimeout: time.Second}
	t.http = &http.Client{Transport: transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	// The values of LoadDefaultConfig, which needs one more module: all else is the SDK's default.
	t.aws = s3.New(s3.Options{Region: region, BaseEndpoint: aws.String(t.base), UsePathStyle: true,
		RequestChecksumCalculation: aws.RequestChecksumCalculationWhenSupported,
		ResponseChecksumValidation: aws.ResponseChecksumValidationWhenSupported,
		HTTPClient:                 &http.Client{Transport: transport},
		Credentials: awscredentials.NewStaticCredentialsProvider(accessKey,
			secretKey, "")})
	t.minio, err = minio.New(t.host, &minio.Options{Secure: u.Scheme == "https",
		Creds: credentials.NewStaticV4(accessKey, secretKey, ""), Transport: transport,
		Region: region, TrailingHeaders: true})
	return t, err
}

var errEndpoint = errors.New("want http://host:port")

// shares are the buckets that the cases of an area have in common.
type shares struct {
	mu   sync.Mutex
	made map[string]*share
}

type share struct {
	once sync.Once
	name string
	err  error
}

// get makes the bucket at the first call. A bucket that cannot be had fails every case that
// wants it.
func (s *shares) get(p *probe, area, kind string) (string, error) {
	s.mu.Lock()
	one := s.made[area+kind]
	if one == nil {
		one = &share{}
		s.made[area+kind] = one
	}
	s.mu.Unlock()
	one.once.Do(func() { one.name, one.err = p.makeShare(kind) })
	return one.name, one.err
}

func (p *probe) makeShare(kind string) (string, error) {
	name := "conf-" + p.id + "-" + kind
	put := p.req("PUT", name, "")
	if kind == "locked" {
		put.field("x-amz-bucket-object-lock-enabled", "true")
	}
	if a, err := put.try(); err != nil || a.code != 200 {
		return "", fmt.Errorf("CreateBucket: %v %w", a, err)
	}
	if kind == "versioned" {
		if a, err := p.req("PUT", name, "").query("versioning").body(versioningXML(
			"Enabled")).try(); err != nil || a.code != 200 {
			return name, fmt.Errorf("PutBucketVersioning: %v %w", a, err)
		}
	}
	return name, nil
}

// sweep removes all shared buckets with what they have.
func (s *shares) sweep(t *target) {
	s.mu.Lock()
	defer s.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), sweepMax)
	defer cancel()
	p := &probe{target: t, ctx: ctx}
	for _, one := range s.made {
		if one.name != "" {
			p.sweep(one.name)
		}
	}
}

const sweepMax = time.Minute
