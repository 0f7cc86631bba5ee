package conformance

import (
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/minio/minio-go/v7"
)

const (
	ruleLock      = guide + "object-lock.html"
	ruleRetention = api + "API_PutObjectRetention.html"
	ruleHold      = api + "API_PutObjectLegalHold.html"
	ruleLockConf  = api + "API_PutObjectLockConfiguration.html"
	bypass        = "x-amz-bypass-governance-retention"
)

// heldMax is for how long compliance retention lasts here: nobody can end it, so the bucket is
// removed only afterwards.
const heldMax = 3 * time.Second

func lockXML(rule string) string {
	return `<ObjectLockConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/">` +
		`<ObjectLockEnabled>Enabled</ObjectLockEnabled>` + rule + `</ObjectLockConfiguration>`
}

func lockRule(mode, period string) string {
	return "<Rule><DefaultRetention><Mode>" + mode + "</Mode>" + period + "</DefaultRetention></Rule>"
}

func retentionXML(mode string, until time.Time) string {
	return `<Retention xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Mode>` + mode +
		`</Mode><RetainUntilDate>` + stampOf(until) + `</RetainUntilDate></Retention>`
}

func holdXML(status string) string {
	return `<LegalHold xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Status>` + status +
		`</Status></LegalHold>`
}

func stampOf(at time.Time) string { return at.UTC().Format("2006-01-02T15:04:05.000Z") }

// lockBucket has object lock and is removed with what it holds.
func (p *probe) lockBucket() string { return p.bucket("x-amz-bucket-object-lock-enabled", "true") }

func lockCases(l *list) {
	lockConfigCases(l)
	badLockConfigCases(l)
	retentionCases(l)
	holdCases(l)
	lockHeaderCases(l)
	noLockCases(l)
	lockSDKCases(l)
}

func lockConfigCases(l *list) {
	l.raw("configuration: a bucket with lock", api+"API_CreateBucket.html: "+
		"x-amz-bucket-object-lock-enabled", func(p *probe) {
		b := p.lockBucket()
		a := p.sub("GET", b, "", "object-lock", "").status(200)
		root := a.xml("ObjectLockConfiguration")
		a.element(root, "ObjectLockEnabled", "Enabled")
		p.equal("Rule", len(root.all("Rule")), 0)
		a = p.sub("GET", b, "", "versioning", "").status(200)
		a.element(a.xml("VersioningConfiguration"), "Status", "Enabled")
	})
	l.raw("configuration: a bucket without", ruleErrors+": ObjectLockConfigurationNotFoundError",
		func(p *probe) {
			p.sub("GET", p.shared(), "", "object-lock", "").
				fails(404, "ObjectLockConfigurationNotFoundError")
		})
	for _, c := range []struct{ mode, unit, n string }{{"GOVERNANCE", "Days", "1"},
		{"COMPLIANCE", "Days", "30"}, {"GOVERNANCE", "Years", "2"}} {
		l.raw("configuration: default "+c.mode+" "+c.n+" "+c.unit, ruleLockConf, func(p *probe) {
			b := p.lockBucket()
			period := fmt.Sprintf("<%s>%s</%[1]s>", c.unit, c.n)
			p.sub("PUT", b, "", "object-lock", lockXML(lockRule(c.mode, period))).status(200)
			a := p.sub("GET", b, "", "object-lock", "").status(200)
			root := a.xml("ObjectLockConfiguration")
			a.element(root, "Rule/DefaultRetention/Mode", c.mode)
			a.element(root, "Rule/DefaultRetention/"+c.unit, c.n)
		})
	}
	l.raw("configuration: the default is for new objects", ruleLock+": default retention",
		func(p *probe) {
			b := p.lockBucket()
			p.put(b, "before", "x")
			p.sub("PUT", b, "", "object-lock", lockXML(lockRule("GOVERNANCE", "<Days>1</Days>"))).
				status(200)
			p.head(b, "before").status(200).lacks("x-amz-object-lock-mode")
			id := p.req("PUT", b, "after").body("x").md5().send().status(200).get("x-amz-version-id")
			a := p.head(b, "after").status(200).has("x-amz-object-lock-mode", "GOVERNANCE")
			until, err := time.Parse(time.RFC3339, a.get("x-amz-object-lock-retain-until-date"))
			if d := time.Until(until); err != nil || d < 23*time.Hour || d > 25*time.Hour {
				p.errorf("retained for %v, %v", d, err)
			}
			p.version("DELETE", b, "after", id).fails(403, "AccessDenied")
			p.sub("PUT", b, "", "object-lock", lockXML("")).status(200)
			p.put(b, "later", "x")
			p.head(b, "later").status(200).lacks("x-amz-object-lock-mode")
		})
	l.raw("configuration: enabled later", ruleLockConf+": on an existing bucket with versioning",
		func(p *probe) {
			b := p.bucket()
			p.sub("PUT", b, "", "object-lock", lockXML("")).fails(409, "InvalidBucketState")
			p.setVersioning(b, "Enabled")
			p.sub("PUT", b, "", "object-lock", lockXML("")).status(200)
			p.sub("GET", b, "", "object-lock", "").status(200)
		})
	l.raw("configuration: versioning stays", ruleLock+": versioning cannot be suspended",
		func(p *probe) {
			b := p.lockBucket()
			p.sub("PUT", b, "", "versioning", versioningXML("Suspended")).fails(409, "InvalidBucketState")
			p.sub("PUT", b, "", "versioning", versioningXML("Enabled")).status(200)
		})
}

func badLockConfigCases(l *list) {
	malformed := []string{"MalformedXML"}
	argument := []string{"InvalidArgument", "InvalidRetentionPeriod"}
	for _, c := range []struct {
		name, body string
		codes      []string
	}{
		{"days and years", lockXML(lockRule("GOVERNANCE", "<Days>1</Days><Years>1</Years>")), malformed},
		{"no period", lockXML(lockRule("GOVERNANCE", "")), malformed},
		{"no mode", lockXML("<Rule><DefaultRetention><Days>1</Days></DefaultRetention></Rule>"),
			malformed},
		{"another mode", lockXML(lockRule("SOFT", "<Days>1</Days>")), malformed},
		{"small letters", lockXML(lockRule("governance", "<Days>1</Days>")), malformed},
		{"0 days", lockXML(lockRule("GOVERNANCE", "<Days>0</Days>")), argument},
		{"-1 days", lockXML(lockRule("GOVERNANCE", "<Days>-1</Days>")), argument},
		{"0 years", lockXML(lockRule("GOVERNANCE", "<Years>0</Years>")), argument},
		{"disabled", strings.Replace(lockXML(""), ">Enabled<", ">Disabled<", 1), malformed},
		{"no end", "<ObjectLockConfiguration>", malformed}, {"text", "x", malformed},
	} {
		l.raw("bad configuration: "+c.name, ruleLockConf+", "+ruleErrors, func(p *probe) {
			b := p.locked()
			p.sub("PUT", b, "", "object-lock", c.body).failsAny(400, c.codes...)
		})
	}
}

func retentionCases(l *list) {
	hour := func() time.Time { return time.Now().Add(time.Hour).Truncate(time.Second) }
	l.raw("governance: holds a version", ruleLock, func(p *probe) {
		b, k := p.locked(), p.key("o")
		id := p.putVersion(b, k, "x")
		until := hour()
		p.sub("PUT", b, k, "retention", retentionXML("GOVERNANCE", until)).status(200)
		a := p.sub("GET", b, k, "retention", "").status(200)
		root := a.xml("Retention")
		a.element(root, "Mode", "GOVERNANCE")
		got, err := time.Parse(time.RFC3339, root.at("RetainUntilDate"))
		if err != nil || !got.Equal(until) {
			p.errorf("RetainUntilDate %v, %v, want %v", got, err, until)
		}
		p.head(b, k).status(200).has("x-amz-object-lock-mode", "GOVERNANCE").
			matches("x-amz-object-lock-retain-until-date", ".+")
		p.version("DELETE", b, k, id).fails(403, "AccessDenied")
		p.get(b, k).status(200).text("x")
		p.sub("DELETE", b, k, "versionId="+id, "", bypass, "true").status(204)
		p.version("GET", b, k, id).fails(404, "NoSuchVersion")
	})
	l.raw("governance: a marker and a new version go", ruleLock+": delete markers", func(p *probe) {
		b, k := p.locked(), p.key("o")
		id := p.putVersion(b, k, "x")
		p.sub("PUT", b, k, "retention", retentionXML("GOVERNANCE", hour())).status(200)
		p.putVersion(b, k, "new")
		p.del(b, k).status(204).has("x-amz-delete-marker", "true")
		p.version("GET", b, k, id).status(200).text("x")
	})
	l.raw("governance: longer, and shorter with the bypass", ruleRetention, func(p *probe) {
		b, k := p.locked(), p.key("o")
		p.putVersion(b, k, "x")
		until := hour()
		p.sub("PUT", b, k, "retention", retentionXML("GOVERNANCE", until)).status(200)
		p.sub("PUT", b, k, "retention", retentionXML("GOVERNANCE", until.Add(time.Hour))).status(200)
		p.sub("PUT", b, k, "retention", retentionXML("GOVERNANCE", until)).fails(403, "AccessDenied")
		p.sub("PUT", b, k, "retention", retentionXML("GOVERNANCE", until), bypass, "true").status(200)
	})
	l.raw("governance: to compliance with the bypass only", ruleLock+": change needs the bypass",
		func(p *probe) {
			b, k := p.locked(), p.key("o")
			id := p.putVersion(b, k, "x")
			until := time.Now().Add(heldMax).Truncate(time.Second)
			p.sub("PUT", b, k, "retention", retentionXML("GOVERNANCE", until)).status(200)
			p.sub("PUT", b, k, "retention", retentionXML("COMPLIANCE", until)).fails(403, "AccessDenied")
			p.sub("PUT", b, k, "retention", retentionXML("COMPLIANCE", until), bypass, "true").status(200)
			p.sub("DELETE", b, k, "versionId="+id, "", bypass, "true").fails(403, "AccessDenied")
		})
	l.raw("governance: taken away", ruleRetention+": an empty Retention with the bypass",
		func(p *probe) {
			b, k := p.locked(), p.key("o")
			id := p.putVersion(b, k, "x")
			p.sub("PUT", b, k, "retention", retentionXML("GOVERNANCE", hour())).status(200)
			p.sub("PUT", b, k, "retention", "<Retention/>").fails(403, "AccessDenied")
			p.sub("PUT", b, k, "retention", "<Retention/>", bypass, "true").status(200)
			p.version("DELETE", b, k, id).status(204)
		})
	l.raw("retention that ends by itself", ruleLock+": until the date", func(p *probe) {
		b, k := p.locked(), p.key("o")
		id := p.putVersion(b, k, "x")
		until := time.Now().Add(2 * time.Second).Truncate(time.Second)
		p.sub("PUT", b, k, "retention", retentionXML("COMPLIANCE", until)).status(200)
		p.version("DELETE", b, k, id).fails(403, "AccessDenied")
		for { // the server's clock may be another: whatever it says, it says in time
			if a := p.version("DELETE", b, k, id); a.code == 204 {
				break
			} else if a.fails(403, "AccessDenied"); time.Since(until) > heldMax {
				p.fatalf("still held")
			}
			time.Sleep(100 * time.Millisecond)
		}
	})
	l.raw("compliance: holds against everybody", ruleLock, func(p *probe) {
		b, k := p.locked(), p.key("o")
		id := p.putVersion(b, k, "x")
		until := time.Now().Add(heldMax).Truncate(time.Second)
		p.sub("PUT", b, k, "retention", retentionXML("COMPLIANCE", until)).status(200)
		p.version("DELETE", b, k, id).fails(403, "AccessDenied")
		p.sub("DELETE", b, k, "versionId="+id, "", bypass, "true").fails(403, "AccessDenied")
		p.sub("PUT", b, k, "retention", retentionXML("GOVERNANCE", until), bypass, "true").
			fails(403, "AccessDenied")
		p.sub("PUT", b, k, "retention", retentionXML("COMPLIANCE", until.Add(-time.Second)), bypass,
			"true").fails(403, "AccessDenied")
		p.sub("PUT", b, k, "retention", retentionXML("COMPLIANCE", until.Add(time.Second))).status(200)
		p.version("GET", b, k, id).status(200).text("x")
	})
	l.raw("many: what is held stays", ruleDeleteObjects+": AccessDenied by key", func(p *probe) {
		b, k := p.locked(), p.key("o")
		id := p.putVersion(b, k, "x")
		p.sub("PUT", b, k, "retention", retentionXML("GOVERNANCE", hour())).status(200)
		body := "<Delete><Object><Key>" + k + "</Key><VersionId>" + id + "</VersionId></Object></Delete>"
		a := p.sub("POST", b, "", "delete", body).status(200)
		a.element(a.xml("DeleteResult"), "Error/Code", "AccessDenied")
		a.element(a.xml("DeleteResult"), "Error/VersionId", id)
		a = p.sub("POST", b, "", "delete", body, bypass, "true").status(200)
		a.element(a.xml("DeleteResult"), "Deleted/VersionId", id)
	})
	l.raw("retention of a version", ruleRetention+": versionId", func(p *probe) {
		b, k := p.locked(), p.key("o")
		id := p.putVersion(b, k, "x")
		current := p.putVersion(b, k, "y")
		p.sub("PUT", b, k, "retention&versionId="+id, retentionXML("GOVERNANCE", hour())).status(200)
		p.version("DELETE", b, k, id).fails(403, "AccessDenied")
		p.version("DELETE", b, k, current).status(204)
	})
	l.raw("retention of none", ruleErrors+": NoSuchObjectLockConfiguration", func(p *probe) {
		b, k := p.locked(), p.key("o")
		p.putVersion(b, k, "x")
		p.sub("GET", b, k, "retention", "").fails(404, "NoSuchObjectLockConfiguration")
	})
	l.raw("retention in the past", ruleErrors+": InvalidArgument, in the future", func(p *probe) {
		b, k := p.locked(), p.key("o")
		p.putVersion(b, k, "x")
		p.sub("PUT", b, k, "retention", retentionXML("GOVERNANCE", time.Now().Add(-time.Hour))).
			fails(400, "InvalidArgument")
	})
	for _, c := range [][2]string{{"another mode", retentionXML("SOFT", hour())},
		{"small letters", retentionXML("governance", hour())}, {"no end", "<Retention>"},
		{"text", "x"}, {"no date", "<Retention><Mode>GOVERNANCE</Mode></Retention>"},
		{"a date that is none", "<Retention><Mode>GOVERNANCE</Mode><RetainUntilDate>soon" +
			"</RetainUntilDate></Retention>"}} {
		l.raw("retention that is none: "+c[0], ruleErrors+": MalformedXML", func(p *probe) {
			b, k := p.locked(), p.key("o")
			p.putVersion(b, k, "x")
			p.sub("PUT", b, k, "retention", c[1]).fails(400, "MalformedXML")
		})
	}
	l.raw("retention of nothing", ruleErrors+": NoSuchKey", func(p *probe) {
		p.sub("PUT", p.locked(), p.key("none"), "retention", retentionXML("GOVERNANCE", hour())).
			fails(404, "NoSuchKey")
		p.sub("GET", p.locked(), p.key("none"), "retention", "").fails(404, "NoSuchKey")
	})
}

func holdCases(l *list) {
	l.raw("hold: on and off", ruleLock+": legal hold", func(p *probe) {
		b, k := p.locked(), p.key("o")
		id := p.putVersion(b, k, "x")
		p.sub("PUT", b, k, "legal-hold", holdXML("ON")).status(200)
		a := p.sub("GET", b, k, "legal-hold", "").status(200)
		a.element(a.xml("LegalHold"), "Status", "ON")
		p.head(b, k).status(200).has("x-amz-object-lock-legal-hold", "ON")
		p.version("DELETE", b, k, id).fails(403, "AccessDenied")
		p.sub("DELETE", b, k, "versionId="+id, "", bypass, "true").fails(403, "AccessDenied")
		p.sub("PUT", b, k, "legal-hold", holdXML("OFF")).status(200)
		a = p.sub("GET", b, k, "legal-hold", "").status(200)
		a.element(a.xml("LegalHold"), "Status", "OFF")
		p.version("DELETE", b, k, id).status(204)
	})
	l.raw("hold: of none", ruleErrors+": NoSuchObjectLockConfiguration", func(p *probe) {
		b, k := p.locked(), p.key("o")
		p.putVersion(b, k, "x")
		p.sub("GET", b, k, "legal-hold", "").fails(404, "NoSuchObjectLockConfiguration")
	})
	for _, body := range []string{holdXML("YES"), holdXML("on"), "<LegalHold>", "x"} {
		l.raw("hold that is none: "+body[max(0, len(body)-40):], ruleErrors+": MalformedXML",
			func(p *probe) {
				b, k := p.locked(), p.key("o")
				p.putVersion(b, k, "x")
				p.sub("PUT", b, k, "legal-hold", body).fails(400, "MalformedXML")
			})
	}
	l.raw("hold: of nothing", ruleErrors+": NoSuchKey", func(p *probe) {
		p.sub("PUT", p.locked(), p.key("none"), "legal-hold", holdXML("ON")).fails(404, "NoSuchKey")
	})
}

func lockHeaderCases(l *list) {
	const mode, date, hold = "x-amz-object-lock-mode", "x-amz-object-lock-retain-until-date",
		"x-amz-object-lock-legal-hold"
	soon := func() string { return stampOf(time.Now().Add(time.Hour)) }
	l.raw("put with retention and hold", rulePut+": x-amz-object-lock-*", func(p *probe) {
		b, k := p.locked(), p.key("o")
		id := p.req("PUT", b, k).body("x").md5().fields(mode, "GOVERNANCE", date, soon(), hold, "ON").
			send().status(200).get("x-amz-version-id")
		for _, method := range []string{"GET", "HEAD"} {
			p.version(method, b, k, id).status(200).has(mode, "GOVERNANCE").has(hold, "ON").
				matches(date, `\d{4}-.*Z`)
		}
		p.version("DELETE", b, k, id).fails(403, "AccessDenied")
		p.sub("PUT", b, k, "legal-hold", holdXML("OFF")).status(200)
		p.version("DELETE", b, k, id).fails(403, "AccessDenied")
		p.sub("DELETE", b, k, "versionId="+id, "", bypass, "true").status(204)
	})
	l.raw("upload with retention", ruleInit+": x-amz-object-lock-*", func(p *probe) {
		b, k := p.locked(), p.key("o")
		u := p.newUpload(b, k, mode, "GOVERNANCE", date, soon())
		u.req("PUT", "partNumber=1&").body("x").md5().send().status(200)
		u.parts = []part{{number: 1, etag: etagOf("x")}}
		id := u.complete().status(200).get("x-amz-version-id")
		p.head(b, k).status(200).has(mode, "GOVERNANCE")
		p.version("DELETE", b, k, id).fails(403, "AccessDenied")
	})
	l.raw("copy with retention", ruleCopy+": x-amz-object-lock-*; not copied from the source",
		func(p *probe) {
			b := p.locked()
			p.put(b, p.key("from"), "x")
			p.copyReq(b, p.key("from"), p.key("to"), "", mode, "GOVERNANCE", date, soon()).send().
				status(200)
			p.head(b, p.key("to")).status(200).has(mode, "GOVERNANCE")
			p.copyReq(b, p.key("to"), p.key("next"), "").send().status(200)
			p.head(b, p.key("next")).status(200).lacks(mode)
		})
	l.raw("put with retention and no checksum", rulePut+": Content-MD5 or a checksum is required",
		func(p *probe) {
			b, k := p.locked(), p.key("o")
			p.req("PUT", b, k).body("x").fields(mode, "GOVERNANCE", date, soon()).send().
				fails(400, "InvalidRequest")
			p.get(b, k).fails(404, "NoSuchKey")
		})
	for _, c := range []struct {
		name   string
		fields []string
	}{
		{"a mode without a date", []string{mode, "GOVERNANCE"}}, {"a date without a mode", []string{date,
			"{soon}"}}, {"another mode", []string{mode, "SOFT", date, "{soon}"}},
		{"a date that is none", []string{mode, "GOVERNANCE", date, "soon"}},
		{"a date in the past", []string{mode, "GOVERNANCE", date, "2001-01-01T00:00:00.000Z"}},
		{"another hold", []string{hold, "YES"}},
	} {
		l.raw("put with "+c.name, ruleErrors+": InvalidArgument", func(p *probe) {
			b, k := p.locked(), p.key("o")
			r := p.req("PUT", b, k).body("x").md5()
			for i := 0; i < len(c.fields); i += 2 {
				r.field(c.fields[i], strings.ReplaceAll(c.fields[i+1], "{soon}", soon()))
			}
			r.send().fails(400, "InvalidArgument")
			p.get(b, k).fails(404, "NoSuchKey")
		})
	}
}

func noLockCases(l *list) {
	for _, c := range []struct{ method, query, body string }{
		{"PUT", "retention", retentionXML("GOVERNANCE", time.Now().Add(time.Hour))},
		{"GET", "retention", ""}, {"PUT", "legal-hold", holdXML("ON")}, {"GET", "legal-hold", ""},
	} {
		l.raw("without lock: "+c.method+" "+c.query, ruleErrors+": InvalidRequest, bucket is missing "+
			"Object Lock Configuration", func(p *probe) {
			b, k := p.shared(), p.key("o")
			p.put(b, k, "x")
			p.sub(c.method, b, k, c.query, c.body).fails(400, "InvalidRequest")
		})
	}
	l.raw("without lock: put with a hold", ruleErrors+": InvalidRequest", func(p *probe) {
		b, k := p.shared(), p.key("o")
		p.req("PUT", b, k).body("x").md5().field("x-amz-object-lock-legal-hold", "ON").send().
			fails(400, "InvalidRequest")
		p.get(b, k).fails(404, "NoSuchKey")
	})
}

func lockSDKCases(l *list) {
	l.aws("retention and hold", ruleLock, func(p *probe) {
		b, k := p.locked(), p.key("o")
		until := time.Now().Add(time.Hour)
		put, err := p.aws.PutObject(p.ctx, &s3.PutObjectInput{Bucket: &b, Key: &k,
			Body: strings.NewReader("x"), ObjectLockMode: types.ObjectLockModeGovernance,
			ObjectLockRetainUntilDate: &until})
		if err != nil {
			p.fatalf("PutObject: %v", err)
		}
		if _, err = p.aws.PutObjectLegalHold(p.ctx, &s3.PutObjectLegalHoldInput{Bucket: &b, Key: &k,
			LegalHold: &types.ObjectLockLegalHold{Status: types.ObjectLockLegalHoldStatusOn}}); err != nil {
			p.fatalf("PutObjectLegalHold: %v", err)
		}
		_, err = p.aws.DeleteObject(p.ctx, &s3.DeleteObjectInput{Bucket: &b, Key: &k,
			VersionId: put.VersionId, BypassGovernanceRetention: aws.Bool(true)})
		p.awsFails(err, "AccessDenied")
		got, err := p.aws.GetObjectRetention(p.ctx, &s3.GetObjectRetentionInput{Bucket: &b, Key: &k})
		if err != nil || got.Retention.Mode != types.ObjectLockRetentionModeGovernance {
			p.errorf("GetObjectRetention: %v, %+v", err, got)
		}
	})
	l.minio("configuration and retention", ruleLock, func(p *probe) {
		b, k := p.lockBucket(), "k"
		mode, unit, n := minio.Governance, minio.Days, uint(1)
		if err := p.minio.SetBucketObjectLockConfig(p.ctx, b, &mode, &n, &unit); err != nil {
			p.fatalf("SetBucketObjectLockConfig: %v", err)
		}
		if _, err := p.minio.PutObject(p.ctx, b, k, strings.NewReader("x"), 1,
			minio.PutObjectOptions{SendContentMd5: true}); err != nil {
			p.fatalf("PutObject: %v", err)
		}
		got, until, err := p.minio.GetObjectRetention(p.ctx, b, k, "")
		if err != nil || got == nil || *got != minio.Governance || until.Before(time.Now()) {
			p.errorf("GetObjectRetention: %v, %v, %v", got, until, err)
		}
	})
}
