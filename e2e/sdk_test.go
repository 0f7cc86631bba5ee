package e2e

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awscredentials "github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"
	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
)

var sdkSizes = []int64{0, 1, 70_000, stripeBytes + 1}

// TestAWSSDK uses the SDK of AWS as it comes: checksums in trailers, path style aside.
func TestAWSSDK(t *testing.T) {
	s := newServer(t, 4).start()
	ctx, cancel := context.WithTimeout(context.Background(), callMax)
	defer cancel()
	c := s3.New(s3.Options{Region: "us-east-1", BaseEndpoint: aws.String(s.base),
		UsePathStyle: true,
		Credentials:  awscredentials.NewStaticCredentialsProvider(rootUser, rootPassword, "")})
	bucket, key := aws.String("aws-sdk"), aws.String("dir/a b+ü&.txt")
	if _, err := c.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: bucket}); err != nil {
		t.Fatal(err)
	}
	for i, size := range sdkSizes {
		data := content{uint64(i), size}
		_, err := c.PutObject(ctx, &s3.PutObjectInput{Bucket: bucket, Key: key,
			Body: bytes.NewReader(data.bytes()), Metadata: map[string]string{"colour": "blue"}})
		if err != nil {
			t.Fatalf("%d bytes: %v", size, err)
		}
		got, err := c.GetObject(ctx, &s3.GetObjectInput{Bucket: bucket, Key: key})
		if err != nil {
			t.Fatalf("%d bytes: %v", size, err)
		}
		if err := data.verify(got.Body, 0, size); err != nil || got.Metadata["colour"] != "blue" {
			t.Errorf("%d bytes: %v, metadata %v", size, err, got.Metadata)
		}
	}
	awsMultipart(t, ctx, c, bucket)
	listed, err := c.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: bucket})
	if err != nil || len(listed.Contents) != 2 || *listed.Contents[0].Key != *key {
		t.Errorf("%v, %+v", err, listed)
	}
	signed, err := s3.NewPresignClient(c).PresignGetObject(ctx,
		&s3.GetObjectInput{Bucket: bucket, Key: key}, s3.WithPresignExpires(time.Minute))
	if err != nil {
		t.Fatal(err)
	}
	last := len(sdkSizes) - 1
	fetch(t, s, signed.URL, content{uint64(last), sdkSizes[last]})
	_, err = c.HeadObject(ctx, &s3.HeadObjectInput{Bucket: bucket, Key: aws.String("none")})
	var missing *types.NotFound
	if !errors.As(err, &missing) {
		t.Errorf("HEAD of a missing key: %v", err)
	}
	_, err = c.DeleteBucket(ctx, &s3.DeleteBucketInput{Bucket: bucket})
	var refused smithy.APIError
	if !errors.As(err, &refused) || refused.ErrorCode() != "BucketNotEmpty" {
		t.Errorf("DeleteBucket: %v", err)
	}
	out, err := c.DeleteObjects(ctx, &s3.DeleteObjectsInput{Bucket: bucket, Delete: &types.Delete{
		Objects: []types.ObjectIdentifier{{Key: key}, {Key: aws.String("parts")}}}})
	if err != nil || len(out.Deleted) != 2 {
		t.Errorf("DeleteObjects: %v, %+v", err, out)
	}
	if _, err = c.DeleteBucket(ctx, &s3.DeleteBucketInput{Bucket: bucket}); err != nil {
		t.Error(err)
	}
	s.stop()
}

// awsMultipart uploads two parts, with the default checksums, and reads them back.
func awsMultipart(t *testing.T, ctx context.Context, c *s3.Client, bucket *string) {
	t.Helper()
	key := aws.String("parts")
	up, err := c.CreateMultipartUpload(ctx, &s3.CreateMultipartUploadInput{Bucket: bucket,
		Key: key})
	if err != nil {
		t.Fatal(err)
	}
	whole := content{9, partBytes + 12_345}
	var parts []types.CompletedPart
	for i, size := range []int64{partBytes, 12_345} {
		number := aws.Int32(int32(i + 1))
		part, err := c.UploadPart(ctx, &s3.UploadPartInput{Bucket: bucket, Key: key,
			UploadId: up.UploadId, PartNumber: number,
			Body: bytes.NewReader(whole.slice(int64(i)*partBytes, size))})
		if err != nil {
			t.Fatal(err)
		}
		parts = append(parts, types.CompletedPart{ETag: part.ETag, PartNumber: number,
			ChecksumCRC32: part.ChecksumCRC32})
	}
	if _, err := c.CompleteMultipartUpload(ctx, &s3.CompleteMultipartUploadInput{Bucket: bucket,
		Key: key, UploadId: up.UploadId,
		MultipartUpload: &types.CompletedMultipartUpload{Parts: parts}}); err != nil {
		t.Fatal(err)
	}
	got, err := c.GetObject(ctx, &s3.GetObjectInput{Bucket: bucket, Key: key})
	if err != nil {
		t.Fatal(err)
	}
	if err := whole.verify(got.Body, 0, whole.sizeBytes); err != nil {
		t.Error(err)
	}
}

// fetch reads what a presigned URL promises, and that it promises nothing else.
func fetch(t *testing.T, s *server, url string, want content) {
	t.Helper()
	path := strings.TrimPrefix(url, s.base)
	a, err := s.plain("GET", path, nil)
	if err != nil || a.status != http.StatusOK {
		t.Fatalf("presigned: %v, %v", a, err)
	}
	if err := want.verify(bytes.NewReader(a.body), 0, want.sizeBytes); err != nil {
		t.Errorf("presigned: %v", err)
	}
	for name, other := range map[string]struct{ method, path, code string }{
		"method": {"DELETE", path, "SignatureDoesNotMatch"},
		"key":    {"GET", strings.Replace(path, ".txt", ".txt2", 1), "SignatureDoesNotMatch"},
		"expires": {"GET", strings.Replace(path, "Expires=60", "Expires=600", 1),
			"SignatureDoesNotMatch"},
	} {
		if a, err := s.plain(other.method, other.path, nil); err != nil || a.status != 403 ||
			a.code != other.code {
			t.Errorf("presigned, %s swapped: %v, %v", name, a, err)
		}
	}
}

// TestMinioSDK uses minio-go with signed chunks and with trailers.
func TestMinioSDK(t *testing.T) {
	s := newServer(t, 4).start()
	ctx, cancel := context.WithTimeout(context.Background(), callMax)
	defer cancel()
	for i, trailers := range []bool{false, true} {
		c, err := minio.New(s.host(), &minio.Options{
			Creds:           credentials.NewStaticV4(rootUser, rootPassword, ""),
			TrailingHeaders: trailers})
		if err != nil {
			t.Fatal(err)
		}
		bucket := fmt.Sprintf("minio-sdk-%d", i)
		if err := c.MakeBucket(ctx, bucket, minio.MakeBucketOptions{}); err != nil {
			t.Fatal(err)
		}
		const key = "dir/a b+ü&.txt"
		var data content
		for _, size := range append([]int64{partBytes + 12_345}, sdkSizes...) {
			data = content{uint64(size), size}
			_, err := c.PutObject(ctx, bucket, key, data.reader(), size, minio.PutObjectOptions{
				PartSize: partBytes, UserMetadata: map[string]string{"Colour": "blue"}})
			if err != nil {
				t.Fatalf("%d bytes: %v", size, err)
			}
			o, err := c.GetObject(ctx, bucket, key, minio.GetObjectOptions{})
			if err != nil {
				t.Fatal(err)
			}
			if err := data.verify(o, 0, size); err != nil {
				t.Errorf("%d bytes: %v", size, err)
			}
			stat, err := c.StatObject(ctx, bucket, key, minio.StatObjectOptions{})
			if err != nil || stat.Size != size || stat.UserMetadata["Colour"] != "blue" {
				t.Errorf("%d bytes: %v, size %d, %v", size, err, stat.Size, stat.UserMetadata)
			}
		}
		signed, err := c.PresignedGetObject(ctx, bucket, key, time.Minute, nil)
		if err != nil {
			t.Fatal(err)
		}
		fetch(t, s, signed.String(), data)
		minioPage(t, ctx, c, bucket, key)
	}
	s.stop()
}

// minioPage lists more keys than a page holds, and removes them all.
func minioPage(t *testing.T, ctx context.Context, c *minio.Client, bucket, key string) {
	t.Helper()
	const count = 25
	for i := range count {
		if _, err := c.PutObject(ctx, bucket, fmt.Sprintf("page/%02d", i), strings.NewReader("x"),
			1, minio.PutObjectOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	found := make(chan minio.ObjectInfo, count+1)
	for o := range c.ListObjects(ctx, bucket, minio.ListObjectsOptions{Recursive: true,
		MaxKeys: 7}) {
		if o.Err != nil {
			t.Fatal(o.Err)
		}
		found <- o
	}
	close(found)
	if len(found) != count+1 {
		t.Errorf("%d keys, want %d", len(found), count+1)
	}
	for e := range c.RemoveObjects(ctx, bucket, found, minio.RemoveObjectsOptions{}) {
		t.Errorf("%s: %v", e.ObjectName, e.Err)
	}
	if _, err := c.StatObject(ctx, bucket, key, minio.StatObjectOptions{}); minio.ToErrorResponse(
		err).Code != "NoSuchKey" {
		t.Errorf("after the removal: %v", err)
	}
	if err := c.RemoveBucket(ctx, bucket); err != nil {
		t.Error(err)
	}
}
