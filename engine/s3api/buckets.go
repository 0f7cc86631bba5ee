package s3api

import (
	"encoding/base64"
	"errors"
	"sort"
	"strings"

	"flashstore/engine/object"
	"flashstore/engine/s3err"
	"flashstore/engine/s3xml"
)

// bucketsMax is the largest page of ListBuckets, which S3 gives to who does not ask for less.
const bucketsMax = 10_000

// listBuckets lists all buckets, or a page of those with a prefix
// (https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListBuckets.html).
func (h *Handler) listBuckets(rq *request) error {
	prefix, _, err := rq.param("prefix")
	if err != nil {
		return err
	}
	max, err := rq.intParam("max-buckets", bucketsMax+1)
	if err != nil {
		return err
	}
	if _, given, _ := rq.param("max-buckets"); !given {
		max = bucketsMax
	}
	if max == 0 || max > bucketsMax {
		return s3err.InvalidArgument.With("max-buckets must be between 1 and 10000.")
	}
	after, _, err := rq.token("continuation-token")
	if err != nil {
		return err
	}
	all, err := h.store.ListBuckets(rq.ctx)
	if err != nil {
		return err
	}
	all = all[sort.Search(len(all), func(i int) bool { return string(all[i].Name) > after }):]
	answer := s3xml.ListBuckets{Owner: h.config.Owner, Prefix: prefix}
	for _, b := range all {
		if !strings.HasPrefix(string(b.Name), prefix) {
			continue
		}
		if len(answer.Buckets) == max {
			answer.ContinuationToken = makeToken(string(answer.Buckets[max-1].Name))
			break
		}
		answer.Buckets = append(answer.Buckets, b)
	}
	return rq.xml(answer.Append(rq.list(len(answer.Buckets))))
}

// createBucket makes a bucket of the one region there is
// (https://docs.aws.amazon.com/AmazonS3/latest/API/API_CreateBucket.html).
func (h *Handler) createBucket(rq *request) error {
	location, err := h.readLocation(rq)
	if err != nil {
		return err
	}
	var settings object.BucketSettings
	if lock, _ := rq.header(lockBucketField); strings.EqualFold(lock, "true") {
		settings = object.BucketSettings{Versioning: object.Enabled, Lock: true}
	}
	if location != "" && location != h.config.Region {
		return s3err.InvalidLocationConstraint.Detail("LocationConstraint", location)
	}
	err = h.store.CreateBucket(rq.ctx, rq.bucket, settings)
	// In us-east-1, and nowhere else, making one's own bucket again succeeds. It changes nothing, so
	// who wants object lock is not told that it is there.
	if err != nil && !(errors.Is(err, object.ErrBucketExists) && !settings.Lock &&
		h.config.Region == defaultRegion) {
		return err
	}
	rq.field("Location", "/"+string(rq.bucket))
	return rq.empty(200)
}

// readLocation reads the body of a CreateBucket, which there need not be.
func (h *Handler) readLocation(rq *request) (string, error) {
	body, err := h.openBody(rq, noChecksum)
	if err != nil {
		return "", err
	}
	defer body.close(h)
	location, err := s3xml.DecodeCreateBucket(body)
	if err != nil {
		return "", err
	}
	return location, body.verify()
}

// headBucket says whether a bucket is there, and where.
func (h *Handler) headBucket(rq *request) error {
	if _, err := h.store.Bucket(rq.ctx, rq.bucket); err != nil {
		return err
	}
	rq.field("x-amz-bucket-region", h.config.Region)
	rq.field("Content-Type", "application/xml")
	return rq.empty(200)
}

// deleteBucket removes an empty bucket.
func (h *Handler) deleteBucket(rq *request) error {
	err := h.store.DeleteBucket(rq.ctx, rq.bucket)
	if errors.Is(err, object.ErrBucketNotEmpty) {
		info, unknown := h.store.Bucket(rq.ctx, rq.bucket)
		if unknown == nil && info.Settings.Versioning != object.Unversioned {
			return s3err.BucketNotEmpty.With("The bucket you tried to delete is not empty. You must " +
				"delete all versions in the bucket.") // a list may well show nothing
		}
	}
	if err != nil {
		return err
	}
	return rq.empty(204)
}

// getBucketLocation tells the region; us-east-1 is told as nothing.
func (h *Handler) getBucketLocation(rq *request) error {
	if _, err := h.store.Bucket(rq.ctx, rq.bucket); err != nil {
		return err
	}
	region := h.config.Region
	if region == defaultRegion {
		region = ""
	}
	return rq.xml(s3xml.AppendLocation(rq.document(smallDocument), region))
}

// tokenMark begins every token before it is encoded: a token is opaque, and one that somebody
// made up is refused.
const tokenMark = "1:"

func makeToken(after string) string {
	return base64.RawURLEncoding.EncodeToString([]byte(tokenMark + after))
}

// token returns where a continuation token goes on. Errors: InvalidArgument.
func (rq *request) token(name string) (after string, given bool, err error) {
	text, given, err := rq.param(name)
	if err != nil || !given || text == "" && name == "continuation-token" && rq.op == OpListBuckets {
		return "", false, err
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(text)
	after, ok := strings.CutPrefix(string(raw), tokenMark)
	if err != nil || !ok {
		return "", true, s3err.InvalidArgument.
			With("The continuation token provided is incorrect.").Detail("ArgumentName", name)
	}
	return after, true, nil
}
