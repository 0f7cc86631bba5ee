package s3api

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
)

var writePage = flag.Bool("s3api.write", false, "write docs/s3-compatibility.md anew instead of comparing it")

const pagePath = "../../docs/s3-compatibility.md"

// awsOperations are the operations of Amazon S3 for general-purpose buckets, as "name method
// target" (https://docs.aws.amazon.com/AmazonS3/latest/API/API_Operations_Amazon_Simple_Storage_Service.html);
// PostObject is described apart. A target is asked of a server that lacks the operation.
const awsOperations = `
AbortMultipartUpload
CompleteMultipartUpload
CopyObject
CreateBucket
CreateBucketMetadataConfiguration POST /bucket?metadataConfiguration
CreateBucketMetadataTableConfiguration POST /bucket?metadataTable
CreateMultipartUpload
CreateSession GET /bucket?session
DeleteBucket
DeleteBucketAnalyticsConfiguration DELETE /bucket?analytics&id=a
DeleteBucketCors DELETE /bucket?cors
DeleteBucketEncryption DELETE /bucket?encryption
DeleteBucketIntelligentTieringConfiguration DELETE /bucket?intelligent-tiering&id=a
DeleteBucketInventoryConfiguration DELETE /bucket?inventory&id=a
DeleteBucketLifecycle DELETE /bucket?lifecycle
DeleteBucketMetadataConfiguration DELETE /bucket?metadataConfiguration
DeleteBucketMetadataTableConfiguration DELETE /bucket?metadataTable
DeleteBucketMetricsConfiguration DELETE /bucket?metrics&id=a
DeleteBucketOwnershipControls DELETE /bucket?ownershipControls
DeleteBucketPolicy DELETE /bucket?policy
DeleteBucketReplication DELETE /bucket?replication
DeleteBucketTagging DELETE /bucket?tagging
DeleteBucketWebsite DELETE /bucket?website
DeleteObject
DeleteObjects
DeleteObjectTagging
DeletePublicAccessBlock DELETE /bucket?publicAccessBlock
GetBucketAbac GET /bucket?abac
GetBucketAccelerateConfiguration GET /bucket?accelerate
GetBucketAcl GET /bucket?acl
GetBucketAnalyticsConfiguration GET /bucket?analytics&id=a
GetBucketCors GET /bucket?cors
GetBucketEncryption GET /bucket?encryption
GetBucketIntelligentTieringConfiguration GET /bucket?intelligent-tiering&id=a
GetBucketInventoryConfiguration GET /bucket?inventory&id=a
GetBucketLifecycleConfiguration GET /bucket?lifecycle
GetBucketLocation
GetBucketLogging GET /bucket?logging
GetBucketMetadataConfiguration GET /bucket?metadataConfiguration
GetBucketMetadataTableConfiguration GET /bucket?metadataTable
GetBucketMetricsConfiguration GET /bucket?metrics&id=a
GetBucketNotificationConfiguration GET /bucket?notification
GetBucketOwnershipControls GET /bucket?ownershipControls
GetBucketPolicy GET /bucket?policy
GetBucketPolicyStatus GET /bucket?policyStatus
GetBucketReplication GET /bucket?replication
GetBucketRequestPayment GET /bucket?requestPayment
GetBucketTagging GET /bucket?tagging
GetBucketVersioning
GetBucketWebsite GET /bucket?website
GetObject
GetObjectAcl GET /bucket/key?acl
GetObjectAttributes
GetObjectLegalHold
GetObjectLockConfiguration
GetObjectRetention
GetObjectTagging
GetObjectTorrent GET /bucket/key?torrent
GetPublicAccessBlock GET /bucket?publicAccessBlock
HeadBucket
HeadObject
ListBucketAnalyticsConfigurations GET /bucket?analytics
ListBucketIntelligentTieringConfigurations GET /bucket?intelligent-tiering
ListBucketInventoryConfigurations GET /bucket?inventory
ListBucketMetricsConfigurations GET /bucket?metrics
ListBuckets
ListMultipartUploads
ListObjects
ListObjectsV2
ListObjectVersions
ListParts
PostObject
PutBucketAbac PUT /bucket?abac
PutBucketAccelerateConfiguration PUT /bucket?accelerate
PutBucketAcl PUT /bucket?acl
PutBucketAnalyticsConfiguration PUT /bucket?analytics&id=a
PutBucketCors PUT /bucket?cors
PutBucketEncryption PUT /bucket?encryption
PutBucketIntelligentTieringConfiguration PUT /bucket?intelligent-tiering&id=a
PutBucketInventoryConfiguration PUT /bucket?inventory&id=a
PutBucketLifecycleConfiguration PUT /bucket?lifecycle
PutBucketLogging PUT /bucket?logging
PutBucketMetricsConfiguration PUT /bucket?metrics&id=a
PutBucketNotificationConfiguration PUT /bucket?notification
PutBucketOwnershipControls PUT /bucket?ownershipControls
PutBucketPolicy PUT /bucket?policy
PutBucketReplication PUT /bucket?replication
PutBucketRequestPayment PUT /bucket?requestPayment
PutBucketTagging PUT /bucket?tagging
PutBucketVersioning
PutBucketWebsite PUT /bucket?website
PutObject
PutObjectAcl PUT /bucket/key?acl
PutObjectLegalHold
PutObjectLockConfiguration
PutObjectRetention
PutObjectTagging
PutPublicAccessBlock PUT /bucket?publicAccessBlock
RenameObject PUT /bucket/key?renameObject
RestoreObject POST /bucket/key?restore
SelectObjectContent POST /bucket/key?select&select-type=2
UpdateBucketMetadataInventoryTableConfiguration PUT /bucket?metadataInventoryTable
UpdateBucketMetadataJournalTableConfiguration PUT /bucket?metadataJournalTable
UpdateObjectEncryption PUT /bucket/key?encryption
UploadPart
UploadPartCopy
`

// pageFields are fields of requests that ask for something, with a value that does; those of PutObject
// but where another operation is named.
const pageFields = `
x-amz-acl=private
x-amz-acl=public-read
x-amz-grant-read=id=x
x-amz-server-side-encryption=AES256
x-amz-server-side-encryption=aws:kms
x-amz-server-side-encryption-customer-algorithm=AES256
x-amz-storage-class=REDUCED_REDUNDANCY
x-amz-storage-class=STANDARD_IA
x-amz-storage-class=INTELLIGENT_TIERING
x-amz-storage-class=GLACIER_IR
x-amz-storage-class=GLACIER
x-amz-storage-class=DEEP_ARCHIVE
x-amz-storage-class=EXPRESS_ONEZONE
x-amz-tagging=a=b
x-amz-website-redirect-location=/other
x-amz-write-offset-bytes=0
x-amz-request-payer=requester
x-amz-expected-bucket-owner=111122223333
x-amz-mfa=serial 123456
If-None-Match=*
If-None-Match="an-etag"
If-Modified-Since=Fri, 27 Nov 2026 10:00:00 GMT
`

// pageNotes are what an operation leaves out, or has in another way than AWS.
var pageNotes = map[string]string{
	"CreateBucket":        "no ACL but `private`, no tags, no directory buckets",
	"PutBucketVersioning": "MFA delete cannot be enabled: 403 AccessDenied",
	"DeleteObject":        "`If-Match` with `versionId`: 501, as in AWS",
	"DeleteObjects":       "`ETag` of a key is a condition; with `Size` or `LastModifiedTime`, of directory buckets, 400 MalformedXML",
	"CopyObject":          "no access points as a source: 501",
	"GetObjectAttributes": "asks for `s3:GetObjectAttributes` or `s3:GetObjectVersionAttributes` too",
	"UploadPartCopy":      "no access points as a source: 501",
	"PostObject":          "forms signed by Signature V2 are refused: 400; a file over 5 MiB is an unfinished upload of its key until it ends",
	"ListObjectsV2":       "no `RestoreStatus`: there is no archive; `metadata=true`, an extension, shows what a HEAD would",
}

// TestCompatibilityPage keeps docs/s3-compatibility.md true: what is there stands in the dispatch
// table, and what is not is asked for.
func TestCompatibilityPage(t *testing.T) {
	page := compatibilityPage(t)
	if *writePage {
		if err := os.WriteFile(pagePath, []byte(page), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	committed, err := os.ReadFile(pagePath)
	if err != nil {
		t.Fatal(err)
	}
	if string(committed) != page {
		t.Errorf("docs/s3-compatibility.md is not what the dispatch table says: " +
			"go test ./engine/s3api -run TestCompatibilityPage -s3api.write")
	}
}

func compatibilityPage(t *testing.T) string {
	f := newFixture(t, nil)
	f.want(200, "", "PUT", "/bucket/key", "body")
	known := map[string]*route{}
	for i := range routes {
		known[routes[i].op.String()] = &routes[i]
	}
	there, missing, count := "", "", 0
	for line := range strings.Lines(strings.TrimSpace(awsOperations)) {
		words := strings.SplitN(strings.TrimSpace(line), " ", 3)
		count++
		if r := known[words[0]]; r != nil {
			there += pageRoute(r)
			delete(known, words[0])
			if len(words) > 1 {
				t.Errorf("%s is there: its request need not be named", words[0])
			}
			continue
		}
		if len(words) < 3 {
			t.Errorf("%s is not there, and no request asks for it", words[0])
			continue
		}
		r := f.do(words[1], words[2], "")
		if r.status < 400 {
			t.Errorf("%s is not there, and answered %d", words[0], r.status)
		}
		missing += fmt.Sprintf("| %s | `%s %s` | %d %s |\n", words[0], words[1], words[2], r.status, r.code())
	}
	for name := range known {
		t.Errorf("%s is no operation of AWS's list", name)
	}
	for name := range pageNotes {
		if !strings.Contains(there, "| "+name+" |") {
			t.Errorf("a note on %s, which is not there", name)
		}
	}
	return fmt.Sprintf(pageText, len(routes), count, there, missing, pageFieldRows(f))
}

func pageRoute(r *route) string {
	target, _, _ := r.row(false)
	target = strings.Replace(target, "/bucket/k", "/bucket/key", 1)
	target = strings.Replace(target, "uploadId=0123", "uploadId=…", 1)
	target = strings.Replace(target, "partNumber=1", "partNumber=…", 1)
	request := "`" + r.method + " " + target + "`"
	if r.subs&subCopySource != 0 {
		request += " with `x-amz-copy-source`"
	}
	if r.optional&subVersionID != 0 {
		request += ", `versionId`"
	}
	if r.optional&subPartNumber != 0 {
		request += ", `partNumber`"
	}
	action := "`" + r.action + "`"
	if r.versioned != "" {
		action += "; of a version `" + r.versioned + "`"
	}
	return fmt.Sprintf("| %v | %s | %s | %s |\n", r.op, request, action, pageNotes[r.op.String()])
}

func pageFieldRows(f *fixture) (rows string) {
	for line := range strings.Lines(strings.TrimSpace(pageFields)) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		r := f.do("PUT", "/bucket/new", "body", name, value)
		rows += fmt.Sprintf("| `%s: %s` | %s |\n", name, value, strings.TrimSpace(fmt.Sprint(r.status, " ", r.code())))
		f.do("DELETE", "/bucket/new", "")
	}
	return rows
}

const pageText = `# What there is of S3

Written by a test from the dispatch table and from answers of the handler; do not edit:

    go test ./engine/s3api -run TestCompatibilityPage -s3api.write

Of the operations of [Amazon S3](https://docs.aws.amazon.com/AmazonS3/latest/API/API_Operations_Amazon_Simple_Storage_Service.html)
for general-purpose buckets %d of %d are there. What AWS answers is the definition: status, code, message, shape. The
[conformance suite](../conformance/doc.go) asks for it from outside.

## Operations that are there

What stands behind a comma may be given as well. The action is what the Authorizer is asked; copies ask for their
source too, x-amz-tagging and x-amz-object-lock-* for what they set, DeleteObjects for each key.

| operation | request | action | differs |
|---|---|---|---|
%s
## Operations that are not

Nobody without permission is told so: 403 comes first.

| operation | request | answer |
|---|---|---|
%s
## Fields of a PUT

A field of S3's that is not known is refused, never ignored: 501, or what AWS answers to such a value.

| field | answer |
|---|---|
%s`
