package s3api

import (
	"flashstore/engine/object"
	"flashstore/engine/s3err"
	"flashstore/engine/s3xml"
)

// listObjectVersions lists versions and delete markers, the newest of each key first
// (https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectVersions.html).
func (h *Handler) listObjectVersions(rq *request) error {
	common, err := h.newList(rq)
	if err != nil {
		return err
	}
	list := s3xml.ListVersions{Bucket: common.Bucket, Prefix: common.Prefix,
		Delimiter: common.Delimiter, EncodingType: common.EncodingType, MaxKeys: common.MaxKeys,
		Owner: h.config.Owner}
	if err := rq.versionMarkers(&list); err != nil {
		return err
	}
	if list.MaxKeys == 0 { // nothing, and nothing left, as in the other lists
		_, err = h.store.Bucket(rq.ctx, rq.bucket)
	} else {
		err = h.versionPage(rq, &list)
	}
	if err != nil {
		return err
	}
	return rq.xml(list.Append(rq.list(2 * len(list.Entries)))) // a line names an owner as well
}

// versionMarkers reads where the page begins. Errors: InvalidArgument.
func (rq *request) versionMarkers(list *s3xml.ListVersions) error {
	var keyed bool
	var err error
	if list.KeyMarker, keyed, err = rq.param("key-marker"); err != nil {
		return err
	}
	id, given, err := rq.param("version-id-marker")
	switch {
	case err != nil || !given:
		return err
	case !keyed || list.KeyMarker == "":
		if id == "" {
			return nil // what SDKs send of markers that they do not have
		}
		return versionMarkerFault("A version-id marker cannot be specified without a key marker.", id)
	case id == "":
		return versionMarkerFault("A version-id marker cannot be empty.", id)
	}
	if list.VersionMarker, err = parseVersion(id); err != nil {
		return versionMarkerFault("Invalid version id specified", id)
	}
	return nil
}

func versionMarkerFault(message, id string) error {
	return s3err.InvalidArgument.With(message).
		Detail("ArgumentName", "version-id-marker").Detail("ArgumentValue", id)
}

func (h *Handler) versionPage(rq *request, list *s3xml.ListVersions) error {
	page, err := h.store.ListVersions(rq.ctx, rq.bucket, object.VersionQuery{
		Prefix: list.Prefix, Delimiter: list.Delimiter, AfterKey: list.KeyMarker,
		AfterVersion: list.VersionMarker, Max: list.MaxKeys,
	})
	if err != nil {
		return err
	}
	list.Entries, list.Truncated = page.Entries, page.NextKey != ""
	list.NextKey, list.NextVersion = page.NextKey, page.NextVersion
	return nil
}
