package s3api

import (
	"strings"

	"flashstore/engine/object"
	"flashstore/engine/s3xml"
)

// listUploads lists unfinished uploads
// (https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListMultipartUploads.html).
func (h *Handler) listUploads(rq *request) error {
	answer := s3xml.ListUploads{Bucket: string(rq.bucket), Owner: h.config.Owner}
	for _, p := range []struct {
		name string
		into *string
	}{
		{"prefix", &answer.Prefix}, {"delimiter", &answer.Delimiter},
		{"key-marker", &answer.KeyMarker}, {"upload-id-marker", &answer.IDMarker},
	} {
		var err error
		if *p.into, _, err = rq.param(p.name); err != nil {
			return err
		}
	}
	var err error
	if answer.EncodingType, err = rq.encodingType(); err != nil {
		return err
	}
	if answer.Max, err = rq.intParam("max-uploads", object.ListMax); err != nil {
		return err
	}
	if answer.Max == 0 {
		_, err = h.store.Bucket(rq.ctx, rq.bucket)
	} else {
		err = h.fillUploads(rq, &answer)
	}
	if err != nil {
		return err
	}
	return rq.xml(answer.Append(rq.list(2 * len(answer.Uploads))))
}

// pastAll follows every key that begins with what stands before it: 0xFF is in no UTF-8.
const pastAll = "\xff"

// fillUploads collects a page. Behind a common prefix it goes on after all its keys, so that
// no page is longer than what is shown of it.
func (h *Handler) fillUploads(rq *request, l *s3xml.ListUploads) error {
	key, id := l.KeyMarker, object.UploadID(l.IDMarker)
	if key == "" {
		id = "" // S3 ignores an id without a key
	} else if cut := commonPrefixOf(key, l.Prefix, l.Delimiter); cut == key {
		key, id = key+pastAll, ""
	}
	for {
		left := l.Max - len(l.Uploads) - len(l.CommonPrefixes)
		page, more, err := h.store.ListUploads(rq.ctx, rq.bucket, l.Prefix, key, id, max(left, 1))
		if err != nil {
			return err
		}
		if left == 0 {
			l.Truncated = len(page) > 0
			return nil
		}
		skipped := false
		for i := range page {
			u := &page[i]
			cut := commonPrefixOf(string(u.Key), l.Prefix, l.Delimiter)
			if cut == "" {
				l.Uploads = append(l.Uploads, *u)
				key, id = string(u.Key), u.ID
				l.NextKeyMarker, l.NextIDMarker = key, string(id)
				continue
			}
			l.CommonPrefixes = append(l.CommonPrefixes, cut)
			l.NextKeyMarker, l.NextIDMarker = cut, ""
			key, id, skipped = cut+pastAll, "", true
			break
		}
		if !more && !skipped {
			return nil
		}
	}
}

// commonPrefixOf returns key up to the first delimiter behind prefix; "" if there is none.
func commonPrefixOf(key, prefix, delimiter string) string {
	rest, ok := strings.CutPrefix(key, prefix)
	if !ok || delimiter == "" {
		return ""
	}
	if i := strings.Index(rest, delimiter); i >= 0 {
		return key[:len(prefix)+i+len(delimiter)]
	}
	return ""
}
