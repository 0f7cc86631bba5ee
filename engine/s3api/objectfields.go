package s3api

import (
	"errors"
	"strconv"

	"flashstore/engine/object"
	"flashstore/netloop"
)

// objectFields sets status, length and fields of an answer with an object.
// Errors: those of the store, of the checksum of a part.
func (h *Handler) objectFields(rq *request, info *object.Info, part span,
	overrides []object.Pair) error {
	sum, err := h.shownChecksum(rq, info, part)
	if err != nil {
		return err
	}
	rq.ex.SetContentLength(part.length)
	if part.kind == rangePart {
		rq.ex.SetStatus(206)
		if part.length > 0 {
			rq.contentRange(part, info.SizeBytes)
		}
	}
	if part.part > 0 && info.Parts > 0 {
		rq.fieldBytes("x-amz-mp-parts-count", rq.number(int64(info.Parts)))
	}
	rq.etag(info.ETag)
	rq.lastModified(info)
	rq.field("Accept-Ranges", "bytes")
	rq.version(info.Version)
	rq.storedHeaders(info, overrides)
	rq.checksum(sum)
	if !info.Attributes.None() {
		h.attributeFields(rq, &info.Attributes)
	}
	return nil
}

func (rq *request) contentRange(part span, sizeBytes int64) {
	b := append(rq.ex.Memory.Alloc(72)[:0], "bytes "...)
	b = append(b, rq.number(part.offset)...)
	b = append(append(b, '-'), rq.number(part.offset+part.length-1)...)
	b = append(append(b, '/'), rq.number(sizeBytes)...)
	rq.fieldBytes("Content-Range", b)
}

// storedHeaders adds what is stored with an object, or what stands in its place.
func (rq *request) storedHeaders(info *object.Info, overrides []object.Pair) {
	typed := false
	for i := range info.Headers {
		p := &info.Headers[i]
		value := p.Value
		for j := range overrides {
			if overrides[j].Name == p.Name {
				value = overrides[j].Value
				overrides[j].Name = ""
			}
		}
		typed = typed || p.Name == "content-type"
		rq.field(p.Name, value)
	}
	for _, p := range overrides {
		if p.Name != "" {
			typed = typed || p.Name == "content-type"
			rq.field(p.Name, p.Value)
		}
	}
	if !typed {
		rq.field("Content-Type", "binary/octet-stream")
	}
}

// shownChecksum is the checksum of what is answered, if somebody asked for it and there is one: of
// a whole object, or of a part if that of the object is made of those of its parts.
func (h *Handler) shownChecksum(rq *request, info *object.Info, part span) (object.Checksum,
	error) {
	var none object.Checksum
	mode, ok := rq.header("x-amz-checksum-mode")
	switch {
	case !ok || !netloop.EqualFold([]byte(mode), "enabled"):
		return none, nil
	case part.part > 0 && info.Checksum.Type == composite:
		ref, err := rq.ref()
		if err != nil {
			return none, err
		}
		parts, _, err := h.partsOf(rq, ref, info, part.part-1, 1)
		switch {
		case errors.Is(err, errAnother), errors.Is(err, object.ErrNoSuchKey),
			errors.Is(err, object.ErrNoSuchVersion):
			return none, nil // it is gone, which who reads it need not know
		case err != nil || len(parts) == 0 || parts[0].Number != part.part:
			return none, err
		}
		sum := parts[0].Info.Checksum
		sum.Type = info.Checksum.Type
		return sum, nil
	case part.kind == rangeWhole || part.part > 0 && info.Parts <= 1:
		return info.Checksum, nil
	}
	return none, nil
}

// attributeFields adds what may change of an object, as far as whoever asks may see it.
func (h *Handler) attributeFields(rq *request, a *object.Attributes) {
	bucket, key := string(rq.bucket), string(rq.key)
	if len(a.Tags) > 0 && h.allows(rq, rq.tagging("Get"), bucket, key) {
		rq.field("x-amz-tagging-count", strconv.Itoa(len(a.Tags)))
	}
	if a.Retention.Mode != "" && h.allows(rq, "s3:GetObjectRetention", bucket, key) {
		rq.field(lockModeField, string(a.Retention.Mode))
		rq.field(lockUntilField, a.Retention.Until.UTC().Format(lockTime))
	}
	if a.LegalHold != "" && h.allows(rq, "s3:GetObjectLegalHold", bucket, key) {
		rq.field(legalHoldField, string(a.LegalHold))
	}
}

// tagging is the action on tags of the version that the request is about: Get, Put or Delete.
func (rq *request) tagging(verb string) string {
	if _, given, _ := rq.param("versionId"); given {
		return "s3:" + verb + "ObjectVersionTagging"
	}
	return "s3:" + verb + "ObjectTagging"
}

func (rq *request) lastModified(info *object.Info) {
	b := rq.ex.Memory.Alloc(len(httpTime))[:0]
	rq.fieldBytes("Last-Modified", info.ModTime.UTC().AppendFormat(b, httpTime))
}
