package s3api

import (
	"net/url"
	"strings"

	"flashstore/engine/object"
	"flashstore/engine/s3api/form"
	"flashstore/engine/s3xml"
)

// answerForm answers a form whose file is stored: by a redirect, if it asks for one to an address
// that can be understood, else with the status it asks for.
func (rq *request) answerForm(f *form.Form, info *object.Info) error {
	rq.made(info.Version)
	rq.etag(info.ETag)
	rq.checksum(info.Checksum)
	if to, ok := redirectOf(f, string(rq.bucket), string(rq.key), info.ETag); ok {
		rq.field("Location", to)
		return rq.empty(303)
	}
	location := rq.formLocation()
	rq.field("Location", location)
	switch status, _ := f.Get("success_action_status"); status {
	case "200":
		return rq.empty(200)
	case "201":
		rq.ex.SetStatus(201)
		return rq.xml(s3xml.AppendPosted(rq.document(smallDocument), location, string(rq.bucket),
			string(rq.key), info.ETag))
	default: // "If the value is not set or not valid, S3 returns an empty document with a 204"
		return rq.empty(204)
	}
}

// formLocation is the URL of the object that a form made, with the key escaped as S3 does here,
// slashes too.
func (rq *request) formLocation() string {
	bucket := strings.TrimSuffix(rq.location(), "/")
	return bucket + "/" + strings.ReplaceAll(url.QueryEscape(string(rq.key)), "+", "%20")
}

// redirectOf returns where a form wants its sender to be sent: an absolute URL, with bucket, key
// and etag appended to its query. "If Amazon S3 cannot interpret the URL, it acts as if the field
// is not present."
func redirectOf(f *form.Form, bucket, key, etag string) (string, bool) {
	to, found := f.Get("success_action_redirect")
	if !found {
		to, _ = f.Get("redirect") // the deprecated name
	}
	u, err := url.Parse(to)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return "", false
	}
	to, fragment, hasFragment := strings.Cut(to, "#")
	if separator := "?"; strings.Contains(to, separator) {
		to += "&"
	} else {
		to += separator
	}
	to += "bucket=" + bucket + "&key=" + url.QueryEscape(key) +
		"&etag=" + url.QueryEscape(`"`+etag+`"`)
	if hasFragment {
		to += "#" + fragment
	}
	return to, true
}
