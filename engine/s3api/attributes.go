package s3api

import (
	"errors"
	"strings"

	"flashstore/engine/object"
	"flashstore/engine/s3err"
	"flashstore/engine/s3xml"
	"flashstore/netloop"
)

// Names of what GetObjectAttributes can tell.
const (
	attrETag     = "ETag"
	attrChecksum = "Checksum"
	attrParts    = "ObjectParts"
	attrClass    = "StorageClass"
	attrSize     = "ObjectSize"
)

// getObjectAttributes tells what a client asks about an object
// (https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObjectAttributes.html).
func (h *Handler) getObjectAttributes(rq *request) error {
	wanted, err := rq.wantedAttributes()
	if err != nil {
		return err
	}
	ref, err := rq.ref()
	if err != nil {
		return err
	}
	for range attributeTries {
		info, err := h.store.Stat(rq.ctx, ref)
		if err != nil {
			return err
		}
		if err := rq.checkConditions(&info); err != nil {
			return err
		}
		answer, err := h.attributes(rq, ref, &info, wanted)
		if errors.Is(err, errAnother) {
			continue
		}
		if err != nil {
			return err
		}
		rq.lastModified(&info)
		rq.version(info.Version)
		lines := 0
		if answer.Parts != nil {
			lines = len(answer.Parts.Parts)
		}
		return rq.xml(answer.Append(rq.list(lines)))
	}
	return object.ErrBusy
}

// attributeTries is how often an object may be replaced between a look at it and one at its parts.
const attributeTries = 3

// attributes is what an answer says of info. Errors: errAnother, those of the store.
func (h *Handler) attributes(rq *request, ref object.Ref, info *object.Info,
	wanted map[string]bool) (answer s3xml.Attributes, err error) {
	if wanted[attrETag] {
		answer.ETag = info.ETag
	}
	if wanted[attrChecksum] {
		answer.Checksum = info.Checksum
		// Here S3 leaves out how many parts a composite one is of.
		answer.Checksum.Value, _, _ = strings.Cut(info.Checksum.Value, "-")
	}
	if wanted[attrParts] && info.Parts > 0 {
		if answer.Parts, err = h.attributeParts(rq, ref, info); err != nil {
			return answer, err
		}
	}
	if wanted[attrClass] {
		answer.Class = object.ClassOf(info.Headers)
	}
	answer.Sized, answer.SizeBytes = wanted[attrSize], info.SizeBytes
	return answer, nil
}

// wantedAttributes reads x-amz-object-attributes, which may come several times.
// Errors: InvalidRequest, InvalidArgument.
func (rq *request) wantedAttributes() (map[string]bool, error) {
	const field = "x-amz-object-attributes"
	wanted := map[string]bool{}
	for _, list := range rq.headers(field) {
		for name := range strings.SplitSeq(list, ",") {
			switch name = strings.TrimSpace(name); name {
			case attrETag, attrChecksum, attrParts, attrClass, attrSize:
				wanted[name] = true
			case "":
			default:
				return nil, s3err.InvalidArgument.With("Invalid attribute name specified.").
					Detail("ArgumentName", field).Detail("ArgumentValue", name)
			}
		}
	}
	if len(wanted) == 0 {
		return nil, s3err.InvalidRequest.With("The x-amz-object-attributes header specifying the " +
			"attributes to be retrieved is either missing or empty")
	}
	return wanted, nil
}

// headers are the values of a field that may come several times, or once in a presigned URL.
func (rq *request) headers(name string) (values []string) {
	header := rq.ex.Request.Header
	for i := range header {
		if netloop.EqualFold(header[i].Name, name) {
			values = append(values, string(header[i].Value))
		}
	}
	if value, given := rq.header(name); len(values) == 0 && given {
		values = append(values, value)
	}
	return values
}

// attributeParts is the page of parts that a client asks for. S3 lists them only where they have
// checksums that the object's is made of, and takes numbers that are none for absent ones.
func (h *Handler) attributeParts(rq *request, ref object.Ref, info *object.Info) (
	*s3xml.AttributeParts, error) {
	p := &s3xml.AttributeParts{Count: info.Parts, Max: object.ListMax}
	if info.Checksum.Type != composite {
		return p, nil
	}
	p.Listed = true
	if text, given := rq.header("x-amz-max-parts"); given {
		if n, ok := digits(text); ok {
			p.Max = int(min(n, object.ListMax))
		}
	}
	if text, given := rq.header("x-amz-part-number-marker"); given {
		if n, ok := digits(text); ok {
			p.After = int(min(n, object.PartNumberMax))
		}
	}
	if p.Max == 0 {
		return p, nil
	}
	var err error
	p.Parts, p.Truncated, err = h.partsOf(rq, ref, info, p.After, p.Max)
	return p, err
}

// errAnother: what was found is of another object, which has been written meanwhile.
var errAnother = errors.New("s3api: another object")

// partsOf returns parts of the object that info describes, and of no other one of that name.
// Errors: errAnother, those of the store.
func (h *Handler) partsOf(rq *request, ref object.Ref, info *object.Info, after, max int) (
	[]object.Part, bool, error) {
	if info.Version != object.Newest {
		ref.Version = info.Version
	}
	parts, more, err := h.store.ObjectParts(rq.ctx, ref, after, max)
	if err != nil || ref.Version != object.Newest && ref.Version != object.NullVersion {
		return parts, more, err
	}
	now, err := h.store.Stat(rq.ctx, ref) // these may have been replaced; others never are
	if err == nil && now.ETag != info.ETag {
		err = errAnother
	}
	return parts, more, err
}
