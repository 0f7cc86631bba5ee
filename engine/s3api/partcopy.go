package s3api

import (
	"io"
	"strconv"
	"strings"

	"flashstore/engine/object"
	"flashstore/engine/s3err"
	"flashstore/engine/s3xml"
)

// uploadPartCopy stores a part that is an object, or a range of one
// (https://docs.aws.amazon.com/AmazonS3/latest/API/API_UploadPartCopy.html).
func (h *Handler) uploadPartCopy(rq *request) error {
	source, err := h.copySource(rq)
	if err != nil {
		return err
	}
	part, err := h.namedPart(rq)
	if err != nil {
		return err
	}
	handle, err := h.store.Open(rq.ctx, source)
	if err != nil {
		return sourceFault(err)
	}
	defer handle.Close()
	from := handle.Info()
	if err := rq.checkSource(&from); err != nil {
		return err
	}
	lengthBytes, err := rq.selectSource(handle, from.SizeBytes)
	if err != nil {
		return err
	}
	sums := digest{h: h}
	sums.addETag()
	sums.addSum(part.stored)
	defer sums.close()
	info, err := h.store.PutPart(rq.ctx, &object.PutPart{
		Put: object.Put{Bucket: rq.bucket, Key: rq.key, SizeBytes: lengthBytes, Seal: sums.seal,
			Body: io.TeeReader(object.NewReader(rq.ctx, handle), &sums)},
		Upload: part.upload.ID, Number: part.number,
	})
	if err != nil {
		return err
	}
	if !part.asked {
		info.Checksum = object.Checksum{}
	}
	rq.copiedVersion(&from)
	return rq.xml(s3xml.AppendCopied(rq.document(smallDocument), "CopyPartResult", &info))
}

// selectSource chooses what is copied of a source of sizeBytes, and returns how much that is.
// Errors: InvalidArgument, InvalidRequest.
func (rq *request) selectSource(source object.Handle, sizeBytes int64) (int64, error) {
	const name = "x-amz-copy-source-range"
	lengthBytes := sizeBytes
	if field, given := rq.header(name); given {
		first, last, ok := parseSourceRange(field)
		if !ok {
			return 0, s3err.InvalidArgument.With("The x-amz-copy-source-range value must be of the "+
				"form bytes=first-last where first and last are the zero-based offsets of the first "+
				"and last bytes to copy").Detail("ArgumentName", name).Detail("ArgumentValue", field)
		}
		if last >= sizeBytes {
			return 0, s3err.InvalidArgument.With("Range specified is not valid for source object of "+
				"size: "+strconv.FormatInt(sizeBytes, 10)).
				Detail("ArgumentName", name).Detail("ArgumentValue", field)
		}
		lengthBytes = last - first + 1
		if err := source.Select(first, lengthBytes); err != nil {
			return 0, err
		}
	}
	if lengthBytes > object.PutBytesMax {
		return 0, errCopySize()
	}
	return lengthBytes, nil
}

// parseSourceRange accepts bytes=first-last and nothing else.
func parseSourceRange(field string) (first, last int64, ok bool) {
	set, ok := strings.CutPrefix(field, "bytes=")
	if !ok {
		return 0, 0, false
	}
	from, to, ok := strings.Cut(set, "-")
	if !ok {
		return 0, 0, false
	}
	first, isFirst := digits(from)
	last, isLast := digits(to)
	return first, last, isFirst && isLast && first <= last
}
