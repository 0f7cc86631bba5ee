package s3api

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"flashstore/engine/object"
)

func (f *fixture) putXML(status int, code, target, body string, header ...string) {
	f.t.Helper()
	f.want(status, code, "PUT", target, body, append(header, "Content-MD5", md5Base64(body))...)
}

// lockFixture has a bucket with object lock.
func lockFixture(t *testing.T) *fixture {
	f := newFixture(t, nil)
	f.want(200, "", "PUT", "/locked", "", lockBucketField, "true")
	return f
}

func inDays(days int) string { return time.Now().AddDate(0, 0, days).UTC().Format(time.RFC3339) }

func retentionXML(mode, until string) string {
	return "<Retention><Mode>" + mode + "</Mode><RetainUntilDate>" + until + "</RetainUntilDate></Retention>"
}

// TestObjectLockConfiguration:
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObjectLockConfiguration.html.
func TestObjectLockConfiguration(t *testing.T) {
	f := lockFixture(t)
	const outer = "<ObjectLockConfiguration><ObjectLockEnabled>Enabled</ObjectLockEnabled>%s</ObjectLockConfiguration>"
	const rule = "<Rule><DefaultRetention><Mode>%s</Mode>%s</DefaultRetention></Rule>"
	if r := f.want(200, "", "GET", "/locked?versioning", ""); !strings.Contains(r.body, "Enabled") {
		t.Errorf("a bucket with object lock has versions: %s", r.body)
	}
	if r := f.want(200, "", "GET", "/locked?object-lock", ""); strings.Contains(r.body, "Rule") ||
		!strings.Contains(r.body, "<ObjectLockEnabled>Enabled<") {
		t.Error(r.body)
	}
	f.want(404, "ObjectLockConfigurationNotFoundError", "GET", "/bucket?object-lock", "")
	for _, period := range []string{"<Days>1</Days>", "<Years>2</Years>", "<Days>36500</Days>", "<Years>100</Years>"} {
		f.putXML(200, "", "/locked?object-lock", fmt.Sprintf(outer, fmt.Sprintf(rule, "COMPLIANCE", period)))
		if r := f.want(200, "", "GET", "/locked?object-lock", ""); !strings.Contains(r.body, "COMPLIANCE</Mode>"+period) {
			t.Error(r.body)
		}
	}
	for inner, code := range map[string]string{
		fmt.Sprintf(rule, "governance", "<Days>1</Days>"):                  "MalformedXML",
		fmt.Sprintf(rule, "GOVERNANCE", "<Days>1</Days><Years>1</Years>"):  "MalformedXML",
		fmt.Sprintf(rule, "GOVERNANCE", ""):                                "MalformedXML",
		fmt.Sprintf(rule, "GOVERNANCE", "<Days>x</Days>"):                  "MalformedXML",
		"<Rule><DefaultRetention><Days>1</Days></DefaultRetention></Rule>": "MalformedXML",
		"<Rule/>": "MalformedXML",
		fmt.Sprintf(rule, "GOVERNANCE", "<Days>0</Days>"):     "InvalidArgument",
		fmt.Sprintf(rule, "GOVERNANCE", "<Days>-1</Days>"):    "InvalidArgument",
		fmt.Sprintf(rule, "GOVERNANCE", "<Years>-1</Years>"):  "InvalidArgument",
		fmt.Sprintf(rule, "GOVERNANCE", "<Days>36501</Days>"): "InvalidArgument",
		fmt.Sprintf(rule, "GOVERNANCE", "<Years>101</Years>"): "InvalidArgument",
	} {
		f.putXML(400, code, "/locked?object-lock", fmt.Sprintf(outer, inner))
	}
	f.putXML(400, "MalformedXML", "/locked?object-lock", "<ObjectLockConfiguration/>")
	f.putXML(400, "MalformedXML", "/locked?object-lock", strings.ReplaceAll(fmt.Sprintf(outer, ""), ">Enabled<", ">Disabled<"))
	f.putXML(400, "MalformedXML", "/locked?object-lock", "")
	f.want(400, "InvalidRequest", "PUT", "/locked?object-lock", fmt.Sprintf(outer, ""))
	f.putXML(409, "InvalidBucketState", "/bucket?object-lock", fmt.Sprintf(outer, ""))
	f.want(409, "InvalidBucketState", "PUT", "/locked?versioning", fmt.Sprintf(versioningXML, "Suspended"))
	f.versioning("Enabled")
	f.putXML(200, "", "/bucket?object-lock", fmt.Sprintf(outer, "")) // of a bucket that was made without
	f.want(200, "", "GET", "/bucket?object-lock", "")
	f.want(409, "BucketAlreadyOwnedByYou", "PUT", "/locked", "", lockBucketField, "true")
}

// TestLockFields: x-amz-object-lock-* of PUT, CreateMultipartUpload and CopyObject
// (https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-lock-configure.html).
func TestLockFields(t *testing.T) {
	f := lockFixture(t)
	f.store.partMin = 1
	until := inDays(2)
	lock := []string{lockModeField, "COMPLIANCE", lockUntilField, until, legalHoldField, "ON", "Content-MD5", md5Base64("v")}
	f.want(200, "", "PUT", "/locked/put", "v", lock...)
	f.want(200, "", "PUT", "/locked/copy", "", append(lock[:6:6], source, "locked/put")...)
	f.want(200, "", "PUT", "/locked/plain", "", source, "locked/put") // protection does not travel
	for key, mode := range map[string]string{"put": "COMPLIANCE", "copy": "COMPLIANCE", "plain": ""} {
		h := f.want(200, "", "HEAD", "/locked/"+key, "").header
		shown, _ := time.Parse(lockTime, h.Get(lockUntilField))
		if h.Get(lockModeField) != mode || mode != "" && (h.Get(legalHoldField) != "ON" || shown.Format(time.RFC3339) != until) {
			t.Errorf("%s: %v", key, h)
		}
	}
	for _, c := range [][]string{
		{lockModeField, "COMPLIANCE"}, {lockUntilField, until}, {legalHoldField, "on"}, {legalHoldField, ""},
		{lockModeField, "compliance", lockUntilField, until}, {lockModeField, "GOVERNANCE", lockUntilField, "tomorrow"},
		{lockModeField, "GOVERNANCE", lockUntilField, inDays(-1)},
	} {
		f.want(400, "InvalidArgument", "PUT", "/locked/bad", "v", append(c, "Content-MD5", md5Base64("v"))...)
		f.want(400, "InvalidArgument", "POST", "/locked/bad?uploads", "", c...)
		f.want(400, "InvalidArgument", "PUT", "/locked/bad", "", append(c, source, "locked/put")...)
	}
	f.want(400, "InvalidRequest", "PUT", "/bucket/k", "v", lock...)
	f.want(400, "InvalidRequest", "PUT", "/locked/bad", "v", lock[:6]...) // nothing is claimed of the body
	f.want(404, "NoSuchKey", "GET", "/locked/bad", "")
	f.nothingStored()
}

// TestDefaultRetention: a version gets the retention of its bucket, and its body a digest.
func TestDefaultRetention(t *testing.T) {
	f := lockFixture(t)
	f.store.buckets["locked"].settings.Default = object.DefaultRetention{Mode: object.Governance, Days: 3}
	f.want(400, "InvalidRequest", "PUT", "/locked/k", "v")
	put := f.want(200, "", "PUT", "/locked/k", "v", "x-amz-checksum-sha256", sumOf(sumSHA256, "v"))
	h := f.want(200, "", "HEAD", "/locked/k", "").header
	if until, err := time.Parse(lockTime, h.Get(lockUntilField)); err != nil || h.Get(lockModeField) != "GOVERNANCE" ||
		until.Before(time.Now().AddDate(0, 0, 2)) {
		t.Errorf("%v %v", err, h)
	}
	version := "/locked/k?versionId=" + put.header.Get("x-amz-version-id")
	f.want(403, "AccessDenied", "DELETE", version, "")
	f.want(204, "", "DELETE", "/locked/k", "") // a marker destroys nothing
	f.want(403, "AccessDenied", "DELETE", version, "", bypassField, "false")
	f.want(204, "", "DELETE", version, "", bypassField, "true")
	id := f.want(200, "", "POST", "/locked/k?uploads", "").body
	_, id, _ = strings.Cut(id, "<UploadId>")
	at := "/locked/k?partNumber=1&uploadId=" + id[:32]
	f.want(400, "InvalidRequest", "PUT", at, "v")
	f.want(200, "", "PUT", at, "v", "Content-MD5", md5Base64("v"))
}

// TestRetention: who may make it shorter, and what is told of it
// (https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-lock-managing.html).
func TestRetention(t *testing.T) {
	f := lockFixture(t)
	put := f.want(200, "", "PUT", "/locked/k", "v").header
	f.want(404, "NoSuchObjectLockConfiguration", "GET", "/locked/k?retention", "")
	for _, bad := range []string{retentionXML("governance", inDays(1)), retentionXML("GOVERNANCE", "soon"),
		"<Retention><Mode>GOVERNANCE</Mode></Retention>", "<Retention><RetainUntilDate>" + inDays(1) + "</RetainUntilDate></Retention>"} {
		f.putXML(400, "MalformedXML", "/locked/k?retention", bad)
	}
	f.putXML(400, "InvalidArgument", "/locked/k?retention", retentionXML("GOVERNANCE", inDays(-1)))
	f.putXML(400, "MalformedXML", "/locked/k?retention", "")
	f.want(400, "InvalidRequest", "PUT", "/locked/k?retention", retentionXML("GOVERNANCE", inDays(5)))
	f.putXML(200, "", "/locked/k?retention", retentionXML("GOVERNANCE", inDays(5)))
	f.putXML(200, "", "/locked/k?retention", retentionXML("GOVERNANCE", inDays(6)))
	f.putXML(403, "AccessDenied", "/locked/k?retention", retentionXML("GOVERNANCE", inDays(4)))
	f.putXML(403, "AccessDenied", "/locked/k?retention", "<Retention/>")
	f.putXML(200, "", "/locked/k?retention", "<Retention/>", bypassField, "true")
	f.putXML(200, "", "/locked/k?retention", retentionXML("GOVERNANCE", inDays(5)))
	f.putXML(200, "", "/locked/k?retention", retentionXML("GOVERNANCE", inDays(3)), bypassField, "TRUE")
	at := "/locked/k?retention&versionId=" + put.Get("x-amz-version-id")
	f.putXML(403, "AccessDenied", at, retentionXML("COMPLIANCE", inDays(4)))
	f.putXML(200, "", at, retentionXML("COMPLIANCE", inDays(3)), bypassField, "true")
	f.putXML(403, "AccessDenied", "/locked/k?retention", retentionXML("COMPLIANCE", inDays(2)), bypassField, "true")
	f.putXML(403, "AccessDenied", "/locked/k?retention", retentionXML("GOVERNANCE", inDays(9)), bypassField, "true")
	if r := f.want(200, "", "GET", "/locked/k?retention", ""); !strings.Contains(r.body,
		"<Mode>COMPLIANCE</Mode><RetainUntilDate>"+inDays(3)[:10]) {
		t.Error(r.body)
	}
	version := put.Get("x-amz-version-id")
	f.want(403, "AccessDenied", "DELETE", "/locked/k?versionId="+version, "", bypassField, "true")
	body := "<Delete><Object><Key>k</Key><VersionId>" + version + "</VersionId></Object></Delete>"
	r := f.do("POST", "/locked?delete", body, "Content-MD5", md5Base64(body), bypassField, "true")
	if r.status != 200 || !strings.Contains(r.body, "<Code>AccessDenied</Code>") {
		t.Errorf("%d %s", r.status, r.body)
	}
	f.want(200, "", "PUT", "/bucket/k", "v")
	f.putXML(400, "InvalidRequest", "/bucket/k?retention", retentionXML("GOVERNANCE", inDays(1)))
	f.want(400, "InvalidRequest", "GET", "/bucket/k?retention", "")
	f.putXML(404, "NoSuchKey", "/locked/absent?retention", retentionXML("GOVERNANCE", inDays(1)))
}

// TestLegalHold: nothing passes it by.
func TestLegalHold(t *testing.T) {
	f := lockFixture(t)
	const hold = "<LegalHold><Status>%s</Status></LegalHold>"
	put := f.want(200, "", "PUT", "/locked/k", "v").header
	version := "/locked/k?versionId=" + put.Get("x-amz-version-id")
	f.want(404, "NoSuchObjectLockConfiguration", "GET", "/locked/k?legal-hold", "")
	for _, bad := range []string{"<LegalHold/>", fmt.Sprintf(hold, "on"), fmt.Sprintf(hold, "")} {
		f.putXML(400, "MalformedXML", "/locked/k?legal-hold", bad)
	}
	f.want(400, "InvalidRequest", "PUT", "/locked/k?legal-hold", fmt.Sprintf(hold, "ON"))
	f.putXML(200, "", "/locked/k?legal-hold", fmt.Sprintf(hold, "ON"))
	f.want(403, "AccessDenied", "DELETE", version, "", bypassField, "true")
	if r := f.want(200, "", "GET", "/locked/k?legal-hold", ""); !strings.Contains(r.body, "<Status>ON</Status>") {
		t.Error(r.body)
	}
	f.putXML(200, "", "/locked/k?legal-hold", fmt.Sprintf(hold, "OFF"))
	if r := f.want(200, "", "GET", version+"&legal-hold", ""); !strings.Contains(r.body, "<Status>OFF</Status>") {
		t.Error(r.body)
	}
	f.want(204, "", "DELETE", version, "")
	f.want(400, "InvalidRequest", "GET", "/bucket/k?legal-hold", "")
	f.want(400, "InvalidArgument", "DELETE", "/bucket/k", "", bypassField, "true")
	const many = "<Delete><Object><Key>k</Key></Object></Delete>"
	f.want(400, "InvalidArgument", "POST", "/bucket?delete", many, "Content-MD5", md5Base64(many), bypassField, "true")
	f.want(204, "", "DELETE", "/bucket/k", "", bypassField, "false")
}

// TestGovernanceBypassTakesPermissionCVE202325812: CVE-2023-25812, the header alone passes nothing by.
func TestGovernanceBypassTakesPermissionCVE202325812(t *testing.T) {
	may := only{"s3:PutObject locked/k": true, "s3:DeleteObjectVersion locked/k": true, "s3:DeleteObject locked/": true,
		"s3:PutObjectRetention locked/k": true}
	f := newFixture(t, func(c *Config) { c.Authorizer = may })
	f.store.buckets["locked"] = &memBucket{time.Now(), object.BucketSettings{Versioning: object.Enabled, Lock: true},
		map[object.Key]*memObject{}, map[object.UploadID]*memUpload{}}
	version := f.want(200, "", "PUT", "/locked/k", "v", lockModeField, "GOVERNANCE", lockUntilField, inDays(1),
		"Content-MD5", md5Base64("v")).header.Get("x-amz-version-id")
	at := "/locked/k?versionId=" + version
	body := "<Delete><Object><Key>k</Key><VersionId>" + version + "</VersionId></Object></Delete>"
	many := func() reply {
		return f.do("POST", "/locked?delete", body, "Content-MD5", md5Base64(body), bypassField, "true")
	}
	f.want(403, "AccessDenied", "DELETE", at, "", bypassField, "true")
	f.putXML(403, "AccessDenied", at+"&retention", "<Retention/>", bypassField, "true")
	if r := many(); !strings.Contains(r.body, "<Code>AccessDenied</Code>") {
		t.Error(r.body)
	}
	may["s3:BypassGovernanceRetention locked/k"] = true
	f.want(403, "AccessDenied", "DELETE", at, "")
	f.putXML(200, "", at+"&retention", retentionXML("GOVERNANCE", inDays(1)), bypassField, "true")
	if r := many(); !strings.Contains(r.body, "<Deleted>") {
		t.Error(r.body)
	}
}

// TestLockFailsClosed: where the settings of a bucket cannot be read, nothing is stored or deleted.
func TestLockFailsClosed(t *testing.T) {
	f := lockFixture(t)
	version := f.want(200, "", "PUT", "/locked/k", "v").header.Get("x-amz-version-id")
	f.store.fail = func(method string) error {
		if method == "Bucket" {
			return object.ErrUnavailable
		}
		return nil
	}
	f.want(503, "ServiceUnavailable", "PUT", "/locked/k", "v") // the bucket may have a default
	f.want(503, "ServiceUnavailable", "PUT", "/locked/k", "v", legalHoldField, "ON", "Content-MD5", md5Base64("v"))
	f.putXML(503, "ServiceUnavailable", "/locked/k?versionId="+version+"&retention", retentionXML("GOVERNANCE", inDays(1)))
	f.want(503, "ServiceUnavailable", "GET", "/locked/k?legal-hold", "")
}
