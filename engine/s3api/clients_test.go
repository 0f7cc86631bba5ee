package s3api

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awscreds "github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"
	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
)

func TestMinioClient(t *testing.T) {
	f := newFixture(t, nil)
	ctx := context.Background()
	for name, options := range map[string]minio.Options{
		"streaming": {}, "trailing": {TrailingHeaders: true},
	} {
		options.Creds = credentials.NewStaticV4(testKey, testSecret, "")
		c, err := minio.New(f.address, &options)
		if err != nil {
			t.Fatal(err)
		}
		if err := c.MakeBucket(ctx, "made-by-minio", minio.MakeBucketOptions{}); err != nil {
			t.Fatal(err)
		}
		if ok, err := c.BucketExists(ctx, "made-by-minio"); err != nil || !ok {
			t.Fatal(ok, err)
		}
		for _, size := range []int{0, 1, 70_000, 6 << 20} { // the last one in parts
			data := bytes.Repeat([]byte("x"), size)
			info, err := c.PutObject(ctx, "made-by-minio", "dir/key +ü", bytes.NewReader(data), int64(size),
				minio.PutObjectOptions{ContentType: "text/plain", PartSize: 5 << 20,
					UserMetadata: map[string]string{"Colour": "blue"}})
			if err != nil {
				t.Fatalf("%s: put %d: %v", name, size, err)
			}
			o, err := c.GetObject(ctx, "made-by-minio", "dir/key +ü", minio.GetObjectOptions{})
			if err != nil {
				t.Fatal(err)
			}
			got, err := io.ReadAll(o)
			if err != nil || !bytes.Equal(got, data) {
				t.Errorf("%s: get %d: %d bytes, %v", name, size, len(got), err)
			}
			stat, err := o.Stat()
			if err != nil || stat.ETag != info.ETag || stat.UserMetadata["Colour"] != "blue" {
				t.Errorf("%s: stat %+v, %v", name, stat, err)
			}
		}
		for o := range c.ListObjects(ctx, "made-by-minio", minio.ListObjectsOptions{Recursive: true}) {
			if o.Err != nil || o.Key != "dir/key +ü" {
				t.Errorf("%s: listed %q, %v", name, o.Key, o.Err)
			}
		}
		keys := make(chan minio.ObjectInfo, 1)
		keys <- minio.ObjectInfo{Key: "dir/key +ü"}
		close(keys)
		for e := range c.RemoveObjects(ctx, "made-by-minio", keys, minio.RemoveObjectsOptions{}) {
			t.Errorf("%s: %v", name, e.Err)
		}
		if _, err := c.StatObject(ctx, "made-by-minio", "dir/key +ü", minio.StatObjectOptions{}); minio.ToErrorResponse(err).Code != "NoSuchKey" {
			t.Errorf("%s: %v", name, err)
		}
		if err := c.RemoveBucket(ctx, "made-by-minio"); err != nil {
			t.Error(err)
		}
	}
}

func TestMinioPresigned(t *testing.T) {
	f := newFixture(t, nil)
	ctx := context.Background()
	c, err := minio.New(f.address, &minio.Options{Creds: credentials.NewStaticV4(testKey, testSecret, ""),
		Region: "us-east-1"})
	if err != nil {
		t.Fatal(err)
	}
	put, err := c.PresignedPutObject(ctx, "bucket", "a b", time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequest("PUT", put.String(), strings.NewReader("value"))
	if err != nil {
		t.Fatal(err)
	}
	f.check(f.send(req), 200, "", "presigned PUT")
	get, err := c.PresignedGetObject(ctx, "bucket", "a b", time.Minute,
		map[string][]string{"response-content-type": {"a/b"}})
	if err != nil {
		t.Fatal(err)
	}
	if req, err = http.NewRequest("GET", get.String(), nil); err != nil {
		t.Fatal(err)
	}
	if r := f.send(req); r.body != "value" || r.header.Get("Content-Type") != "a/b" {
		t.Errorf("%+v", r)
	}
}

func newAWS(f *fixture) *s3.Client {
	return s3.New(s3.Options{
		Region: "us-east-1", BaseEndpoint: aws.String("http://" + f.address), UsePathStyle: true,
		Credentials: awscreds.NewStaticCredentialsProvider(testKey, testSecret, ""),
		Retryer:     aws.NopRetryer{},
	})
}

func codeOf(err error) string {
	var api smithy.APIError
	if errors.As(err, &api) {
		return api.ErrorCode()
	}
	return ""
}

func TestAWSClient(t *testing.T) {
	f := newFixture(t, nil)
	ctx := context.Background()
	c := newAWS(f)
	bucket, key := aws.String("made-by-aws"), aws.String("dir/a b+ü")
	if _, err := c.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: bucket}); err != nil {
		t.Fatal(err)
	}
	for _, a := range []types.ChecksumAlgorithm{"", types.ChecksumAlgorithmCrc32, types.ChecksumAlgorithmCrc32c,
		types.ChecksumAlgorithmCrc64nvme, types.ChecksumAlgorithmSha1, types.ChecksumAlgorithmSha256} {
		if _, err := c.PutObject(ctx, &s3.PutObjectInput{Bucket: bucket, Key: key, ChecksumAlgorithm: a,
			Body: strings.NewReader("hello"), Metadata: map[string]string{"colour": "blue"}}); err != nil {
			t.Fatalf("%s: %v", a, err)
		}
		got, err := c.GetObject(ctx, &s3.GetObjectInput{Bucket: bucket, Key: key,
			ChecksumMode: types.ChecksumModeEnabled})
		if err != nil {
			t.Fatalf("%s: %v", a, err)
		}
		body, err := io.ReadAll(got.Body) // the client verifies the checksum
		if err != nil || string(body) != "hello" || got.Metadata["colour"] != "blue" {
			t.Errorf("%s: %q, %v, %v", a, body, got.Metadata, err)
		}
	}
	list, err := c.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: bucket, Delimiter: aws.String("/")})
	if err != nil || len(list.CommonPrefixes) != 1 || *list.CommonPrefixes[0].Prefix != "dir/" {
		t.Errorf("%+v, %v", list, err)
	}
	if _, err := c.HeadObject(ctx, &s3.HeadObjectInput{Bucket: bucket, Key: aws.String("absent")}); codeOf(err) != "NotFound" {
		t.Error(err)
	}
	if _, err := c.GetObject(ctx, &s3.GetObjectInput{Bucket: bucket, Key: aws.String("absent")}); codeOf(err) != "NoSuchKey" {
		t.Error(err)
	}
	if _, err := c.GetObjectAcl(ctx, &s3.GetObjectAclInput{Bucket: bucket, Key: key}); codeOf(err) != "NotImplemented" {
		t.Error(err)
	}
	deleted, err := c.DeleteObjects(ctx, &s3.DeleteObjectsInput{Bucket: bucket,
		Delete: &types.Delete{Objects: []types.ObjectIdentifier{{Key: key}, {Key: aws.String("b")}}}})
	if err != nil || len(deleted.Deleted) != 2 || len(deleted.Errors) != 0 {
		t.Errorf("%+v, %v", deleted, err)
	}
	if _, err := c.DeleteBucket(ctx, &s3.DeleteBucketInput{Bucket: bucket}); err != nil {
		t.Error(err)
	}
	buckets, err := c.ListBuckets(ctx, &s3.ListBucketsInput{})
	if err != nil || len(buckets.Buckets) != 1 {
		t.Errorf("%+v, %v", buckets, err)
	}
}

func TestAWSMultipart(t *testing.T) {
	f := newFixture(t, nil)
	ctx := context.Background()
	c := newAWS(f)
	f.store.partMin = 1
	bucket, key := aws.String("bucket"), aws.String("k")
	for _, a := range []types.ChecksumAlgorithm{"", types.ChecksumAlgorithmCrc32, types.ChecksumAlgorithmCrc64nvme,
		types.ChecksumAlgorithmSha256} {
		up, err := c.CreateMultipartUpload(ctx, &s3.CreateMultipartUploadInput{Bucket: bucket, Key: key,
			ChecksumAlgorithm: a})
		if err != nil {
			t.Fatal(err)
		}
		var parts []types.CompletedPart
		bodies := []string{strings.Repeat("0123456789abcdef", 5000), "tail"}
		for i, body := range bodies {
			p, err := c.UploadPart(ctx, &s3.UploadPartInput{Bucket: bucket, Key: key, UploadId: up.UploadId,
				PartNumber: aws.Int32(int32(i + 1)), Body: strings.NewReader(body), ChecksumAlgorithm: a})
			if err != nil {
				t.Fatalf("%s: %v", a, err)
			}
			parts = append(parts, types.CompletedPart{PartNumber: aws.Int32(int32(i + 1)), ETag: p.ETag,
				ChecksumCRC32: p.ChecksumCRC32, ChecksumCRC64NVME: p.ChecksumCRC64NVME,
				ChecksumSHA256: p.ChecksumSHA256})
		}
		if _, err := c.CompleteMultipartUpload(ctx, &s3.CompleteMultipartUploadInput{Bucket: bucket, Key: key,
			UploadId: up.UploadId, MultipartUpload: &types.CompletedMultipartUpload{Parts: parts}}); err != nil {
			t.Fatalf("%s: %v", a, err)
		}
		got, err := c.GetObject(ctx, &s3.GetObjectInput{Bucket: bucket, Key: key})
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(got.Body)
		if err != nil || string(body) != bodies[0]+bodies[1] {
			t.Errorf("%s: %d bytes, %v", a, len(body), err)
		}
	}
}
