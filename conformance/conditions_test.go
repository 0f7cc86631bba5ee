package conformance

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/minio/minio-go/v7"
)

const (
	ruleReadIf   = guide + "conditional-reads.html; API_GetObject.html: If-*"
	ruleWriteIf  = guide + "conditional-writes.html"
	ruleDeleteIf = guide + "conditional-deletes.html"
)

func conditionCases(l *list) {
	readConditionCases(l)
	writeConditionCases(l)
	deleteConditionCases(l)
	raceCases(l)
}

// An hour before and after the object was put, and its own time. A date that lies ahead counts as
// no condition (RFC 9110, 13.1.3), so the time of its own stands for "since".
const (
	before = "<before>"
	same   = "<same>"
	etag   = "<etag>"
	other  = `"00000000000000000000000000000000"`
)

func readConditionCases(l *list) {
	for _, c := range []struct {
		fields string // name=value|…
		status int
	}{
		{"If-Match=" + etag, 200}, {"If-Match=" + other, 412}, {"If-Match=*", 200},
		{"If-None-Match=" + etag, 304}, {"If-None-Match=" + other, 200}, {"If-None-Match=*", 304},
		{"If-Modified-Since=" + before, 200}, {"If-Modified-Since=" + same, 304},
		{"If-Unmodified-Since=" + before, 412}, {"If-Unmodified-Since=" + same, 200},
		{"If-Match=" + etag + "|If-Unmodified-Since=" + before, 200},
		{"If-Match=" + other + "|If-Unmodified-Since=" + same, 412},
		{"If-None-Match=" + etag + "|If-Modified-Since=" + before, 304},
		{"If-None-Match=" + other + "|If-Modified-Since=" + same, 200},
		{"If-Match=" + etag + "|If-None-Match=" + etag, 304},
		{"If-Match=" + other + "|If-None-Match=" + other, 412},
		{"If-Modified-Since=nonsense", 200}, {"If-Unmodified-Since=nonsense", 200},
	} {
		l.raw("read: "+strings.ReplaceAll(c.fields, "|", " and "), ruleReadIf, func(p *probe) {
			b, k := p.shared(), p.key("o")
			content := "content of " + p.id
			p.put(b, k, content)
			modified := p.head(b, k).status(200).get("Last-Modified")
			fields := p.conditionFields(c.fields, etagOf(content), modified)
			for _, method := range []string{"GET", "HEAD"} {
				a := p.req(method, b, k).fields(fields...).send()
				switch c.status {
				case 200:
					a.status(200).has("ETag", etagOf(content))
				case 304:
					a.fails(304, "").has("ETag", etagOf(content)).has("Last-Modified", modified)
				default:
					a.fails(412, "PreconditionFailed")
				}
			}
		})
	}
	l.raw("read: names the condition", ruleErrors+": PreconditionFailed, with Condition",
		func(p *probe) {
			b, k := p.shared(), p.key("o")
			p.put(b, k, "x")
			a := p.get(b, k, "If-Match", other).fails(412, "PreconditionFailed")
			a.element(a.xml("Error"), "Condition", "If-Match")
		})
	l.raw("read: with a range", ruleReadIf, func(p *probe) {
		b, k := p.shared(), p.key("o")
		p.put(b, k, "0123456789")
		p.get(b, k, "Range", "bytes=1-2", "If-Match", etagOf("0123456789")).status(206).text("12")
		p.get(b, k, "Range", "bytes=1-2", "If-Match", other).fails(412, "PreconditionFailed")
		p.get(b, k, "Range", "bytes=1-2", "If-None-Match", etagOf("0123456789")).fails(304, "")
	})
	l.raw("read: of a missing key", ruleErrors+": NoSuchKey", func(p *probe) {
		p.get(p.shared(), p.key("none"), "If-Match", other).fails(404, "NoSuchKey")
		p.get(p.shared(), p.key("none"), "If-None-Match", "*").fails(404, "NoSuchKey")
	})
	l.aws("read: If-Match and If-None-Match", ruleReadIf, func(p *probe) {
		b, k := p.shared(), p.key("o")
		p.put(b, k, "x")
		_, err := p.aws.GetObject(p.ctx, &s3.GetObjectInput{Bucket: &b, Key: &k,
			IfMatch: aws.String(other)})
		p.awsFails(err, "PreconditionFailed")
		_, err = p.aws.HeadObject(p.ctx, &s3.HeadObjectInput{Bucket: &b, Key: &k,
			IfNoneMatch: aws.String(etagOf("x"))})
		p.awsFails(err, "NotModified")
		_, err = p.aws.HeadObject(p.ctx, &s3.HeadObjectInput{Bucket: &b, Key: &k,
			IfUnmodifiedSince: aws.Time(time.Now().Add(-time.Hour))})
		p.awsFails(err, "PreconditionFailed")
	})
	l.minio("read: If-Match", ruleReadIf, func(p *probe) {
		b, k := p.shared(), p.key("o")
		p.put(b, k, "x")
		var o minio.StatObjectOptions
		if err := o.SetMatchETag(strings.Trim(other, `"`)); err != nil {
			p.fatalf("%v", err)
		}
		if _, err := p.minio.StatObject(p.ctx, b, k, o); err == nil ||
			minio.ToErrorResponse(err).StatusCode != 412 {
			p.errorf("StatObject: %v, want 412", err)
		}
	})
}

// conditionFields puts values for the names that stand for them.
func (p *probe) conditionFields(text, tag, modified string) (fields []string) {
	at, err := http.ParseTime(modified)
	if err != nil {
		p.fatalf("Last-Modified: %v", err)
	}
	r := strings.NewReplacer(etag, tag, same, modified,
		before, at.Add(-time.Hour).Format(http.TimeFormat))
	for _, f := range strings.Split(text, "|") {
		name, value, _ := strings.Cut(f, "=")
		fields = append(fields, name, r.Replace(value))
	}
	return fields
}

func writeConditionCases(l *list) {
	for _, c := range []struct {
		name, field, value string
		there              bool
		status             int
		code               string
	}{
		{"If-None-Match * and none", "If-None-Match", "*", false, 200, ""},
		{"If-None-Match * and one", "If-None-Match", "*", true, 412, "PreconditionFailed"},
		{"If-Match that does", "If-Match", etag, true, 200, ""},
		{"If-Match that does not", "If-Match", other, true, 412, "PreconditionFailed"},
		{"If-Match and none", "If-Match", other, false, 404, "NoSuchKey"},
	} {
		l.raw("write: "+c.name, ruleWriteIf, func(p *probe) {
			b, k := p.shared(), p.key("o")
			if c.there {
				p.put(b, k, "first")
			}
			value := strings.Replace(c.value, etag, etagOf("first"), 1)
			a := p.req("PUT", b, k).body("second").field(c.field, value).send()
			switch {
			case c.status == 200:
				a.status(200).has("ETag", etagOf("second"))
				p.get(b, k).status(200).text("second")
			case c.there:
				a.fails(c.status, c.code)
				p.get(b, k).status(200).text("first")
			default:
				a.fails(c.status, c.code)
				p.get(b, k).fails(404, "NoSuchKey")
			}
		})
	}
	l.raw("write: If-None-Match of an ETag", rulePut+": If-None-Match expects *", func(p *probe) {
		b, k := p.shared(), p.key("o")
		p.put(b, k, "first")
		p.req("PUT", b, k).body("second").field("If-None-Match", other).send().
			fails(501, "NotImplemented")
		p.get(b, k).status(200).text("first")
	})
	l.raw("write: If-None-Match * after a delete", ruleWriteIf, func(p *probe) {
		b, k := p.shared(), p.key("o")
		p.put(b, k, "first")
		p.del(b, k).status(204)
		p.put(b, k, "second", "If-None-Match", "*")
		p.get(b, k).status(200).text("second")
	})
	l.raw("write: If-None-Match * on a delete marker", ruleWriteIf+": a marker is no current "+
		"version", func(p *probe) {
		b, k := p.versioned(), p.key("o")
		p.put(b, k, "first")
		p.del(b, k).status(204)
		p.put(b, k, "second", "If-None-Match", "*")
		p.req("PUT", b, k).body("third").field("If-None-Match", "*").send().
			fails(412, "PreconditionFailed")
	})
	l.raw("write: If-Match on a delete marker", ruleWriteIf+": 404 if the current version is a "+
		"marker", func(p *probe) {
		b, k := p.versioned(), p.key("o")
		p.put(b, k, "first")
		p.del(b, k).status(204)
		p.req("PUT", b, k).body("second").field("If-Match", etagOf("first")).send().
			fails(404, "NoSuchKey")
	})
	l.aws("write: If-None-Match", ruleWriteIf, func(p *probe) {
		b, k := p.shared(), p.key("o")
		put := func(content string) error {
			_, err := p.aws.PutObject(p.ctx, &s3.PutObjectInput{Bucket: &b, Key: &k,
				Body: strings.NewReader(content), IfNoneMatch: aws.String("*")})
			return err
		}
		if err := put("first"); err != nil {
			p.fatalf("PutObject: %v", err)
		}
		p.awsFails(put("second"), "PreconditionFailed")
		p.get(b, k).status(200).text("first")
	})
	l.minio("write: If-Match", ruleWriteIf, func(p *probe) {
		b, k := p.shared(), p.key("o")
		p.put(b, k, "first")
		put := func(tag string) error {
			var o minio.PutObjectOptions
			o.SetMatchETag(strings.Trim(tag, `"`))
			_, err := p.minio.PutObject(p.ctx, b, k, strings.NewReader("second"), 6, o)
			return err
		}
		p.minioFails(put(other), "PreconditionFailed")
		p.get(b, k).status(200).text("first")
		if err := put(etagOf("first")); err != nil {
			p.errorf("PutObject: %v", err)
		}
		p.get(b, k).status(200).text("second")
	})
}

func deleteConditionCases(l *list) {
	l.raw("delete: If-Match that does", ruleDeleteIf, func(p *probe) {
		b, k := p.shared(), p.key("o")
		p.put(b, k, "x")
		p.del(b, k, "If-Match", etagOf("x")).status(204)
		p.get(b, k).fails(404, "NoSuchKey")
	})
	l.raw("delete: If-Match *", ruleDeleteIf, func(p *probe) {
		b, k := p.shared(), p.key("o")
		p.put(b, k, "x")
		p.del(b, k, "If-Match", "*").status(204)
		p.get(b, k).fails(404, "NoSuchKey")
	})
	l.raw("delete: If-Match that does not", ruleDeleteIf+": 412", func(p *probe) {
		b, k := p.shared(), p.key("o")
		p.put(b, k, "x")
		p.del(b, k, "If-Match", other).fails(412, "PreconditionFailed")
		p.get(b, k).status(200).text("x")
	})
	l.raw("delete: If-Match in DeleteObjects", ruleDeleteIf+": ETag in each object", func(p *probe) {
		b := p.shared()
		p.put(b, p.key("a"), "a")
		p.put(b, p.key("b"), "b")
		object := func(key, tag string) string {
			return "<Object><Key>" + key + "</Key><ETag>" + tag + "</ETag></Object>"
		}
		a := p.sub("POST", b, "", "delete", "<Delete>"+object(p.key("a"), etagOf("a"))+
			object(p.key("b"), other)+"</Delete>").status(200)
		root := a.xml("DeleteResult")
		a.element(root, "Deleted/Key", p.key("a"))
		a.element(root, "Error/Key", p.key("b"))
		a.element(root, "Error/Code", "PreconditionFailed")
		p.get(b, p.key("a")).fails(404, "NoSuchKey")
		p.get(b, p.key("b")).status(200).text("b")
	})
	l.aws("delete: If-Match", ruleDeleteIf, func(p *probe) {
		b, k := p.shared(), p.key("o")
		p.put(b, k, "x")
		_, err := p.aws.DeleteObject(p.ctx, &s3.DeleteObjectInput{Bucket: &b, Key: &k,
			IfMatch: aws.String(other)})
		p.awsFails(err, "PreconditionFailed")
		p.get(b, k).status(200)
	})
}

func raceCases(l *list) {
	const writers = 16
	race := func(p *probe, b, k string, fields ...string) (won []int) {
		answers := make([]*answer, writers)
		var wg sync.WaitGroup
		for i := range writers {
			r := p.req("PUT", b, k).body(fmt.Sprint("writer ", i)).fields(fields...)
			wg.Go(func() { answers[i], _ = r.try() })
		}
		wg.Wait()
		for i, a := range answers {
			switch {
			case a == nil:
				p.errorf("writer %d had no answer", i)
			case a.code == 200:
				won = append(won, i)
			case a.code == 409:
				a.failsAny(409, "ConditionalRequestConflict", "OperationAborted")
			default:
				a.fails(412, "PreconditionFailed")
			}
		}
		return won
	}
	for _, c := range []struct{ name, field string }{
		{"race: 16 writers of a new key", "If-None-Match"},
		{"race: 16 writers who replace one", "If-Match"},
	} {
		l.raw(c.name, ruleWriteIf+": the first to finish wins, all others 412 or 409", func(p *probe) {
			b, k, value := p.shared(), p.key("o"), "*"
			if c.field == "If-Match" {
				p.put(b, k, "first")
				value = etagOf("first")
			}
			won := race(p, b, k, c.field, value)
			if len(won) != 1 {
				p.fatalf("%d winners: %v", len(won), won)
			}
			p.get(b, k).status(200).text(fmt.Sprint("writer ", won[0]))
		})
	}
}
