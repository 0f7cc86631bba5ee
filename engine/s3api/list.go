package s3api

import (
	"flashstore/engine/object"
	"flashstore/engine/s3err"
	"flashstore/engine/s3xml"
)

// listObjects is the first version of the call
// (https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjects.html).
func (h *Handler) listObjects(rq *request) error {
	list, err := h.newList(rq)
	if err != nil {
		return err
	}
	if list.Marker, _, err = rq.param("marker"); err != nil {
		return err
	}
	list.Owner = &h.config.Owner
	next, err := h.page(rq, list, list.Marker)
	if err != nil {
		return err
	}
	if list.Delimiter != "" {
		list.NextMarker = next
	}
	return rq.xml(list.Append(rq.list(len(list.Entries))))
}

// listObjectsV2 is the second version
// (https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html).
func (h *Handler) listObjectsV2(rq *request) error {
	if version, _, err := rq.param("list-type"); err != nil || version != "2" {
		return s3err.InvalidArgument.With("Invalid List Type specified in Request.").
			Detail("ArgumentName", "list-type").Detail("ArgumentValue", version)
	}
	list, err := h.newList(rq)
	if err != nil {
		return err
	}
	list.V2 = true
	if list.StartAfter, _, err = rq.param("start-after"); err != nil {
		return err
	}
	after, given, err := rq.token("continuation-token")
	if err != nil {
		return err
	}
	if given {
		list.Token, _, _ = rq.param("continuation-token")
	} else {
		after = list.StartAfter
	}
	if owner, _, err := rq.param("fetch-owner"); err == nil && owner == "true" {
		list.Owner = &h.config.Owner
	}
	next, err := h.page(rq, list, after)
	if err != nil {
		return err
	}
	if next != "" {
		list.NextToken = makeToken(next)
	}
	if metadata, _, err := rq.param("metadata"); err == nil && metadata == "true" {
		h.listMetadata(rq, list)
	}
	return rq.xml(list.Append(rq.list(len(list.Entries))))
}

// listMetadata adds what a HEAD of each object would show, to who may ask for that. It is an
// extension that minio-go knows as ListObjectsOptions.WithMetadata; S3 ignores the parameter.
func (h *Handler) listMetadata(rq *request, list *s3xml.List) {
	list.Metadata = make([]s3xml.Metadata, len(list.Entries))
	for i := range list.Entries {
		info, m := &list.Entries[i].Info, &list.Metadata[i]
		bucket, key := string(rq.bucket), string(info.Key)
		if list.Entries[i].Prefix != "" || !h.allows(rq, "s3:GetObject", bucket, key) {
			continue
		}
		m.Headers = info.Headers
		if tags := info.Attributes.Tags; len(tags) > 0 &&
			h.allows(rq, "s3:GetObjectTagging", bucket, key) {
			m.Tags = tagQuery(tags)
		}
	}
}

// newList reads what both versions have in common. Errors: InvalidArgument.
func (h *Handler) newList(rq *request) (*s3xml.List, error) {
	list := &s3xml.List{Bucket: string(rq.bucket)}
	var err error
	if list.Prefix, _, err = rq.param("prefix"); err != nil {
		return nil, err
	}
	if list.Delimiter, _, err = rq.param("delimiter"); err != nil {
		return nil, err
	}
	if list.EncodingType, err = rq.encodingType(); err != nil {
		return nil, err
	}
	list.MaxKeys, err = rq.intParam("max-keys", object.ListMax)
	return list, err
}

// encodingType is "" or "url". Errors: InvalidArgument.
func (rq *request) encodingType() (string, error) {
	text, given, err := rq.param("encoding-type")
	if err != nil || !given || text == "url" {
		return text, err
	}
	return "", s3err.InvalidArgument.With("Invalid Encoding Method specified in Request.").
		Detail("ArgumentName", "encoding-type").Detail("ArgumentValue", text)
}

// page fills list with the entries after a key and returns where the next page begins.
func (h *Handler) page(rq *request, list *s3xml.List, after string) (next string, err error) {
	if list.MaxKeys == 0 { // S3 answers with nothing, and says that nothing is left
		_, err = h.store.Bucket(rq.ctx, rq.bucket)
		return "", err
	}
	page, err := h.store.List(rq.ctx, rq.bucket, object.ListQuery{
		Prefix: list.Prefix, Delimiter: list.Delimiter, After: after, Max: list.MaxKeys,
	})
	if err != nil {
		return "", err
	}
	list.Entries, list.Truncated = page.Entries, page.Next != ""
	return page.Next, nil
}
