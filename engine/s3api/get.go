package s3api

import (
	"io"

	"flashstore/engine/object"
	"flashstore/engine/s3err"
)

// getObject answers with the object, one range or one part of it
// (https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html).
func (h *Handler) getObject(rq *request) error {
	overrides, err := rq.overrides()
	if err != nil {
		return err
	}
	handle, err := h.open(rq)
	if err != nil {
		return err
	}
	defer handle.Close()
	info := handle.Info()
	part, err := rq.choose(&info, handle)
	if err != nil {
		return err
	}
	if part.kind == rangePart && part.length > 0 {
		if err := handle.Select(part.offset, part.length); err != nil {
			return err
		}
	}
	var bufs [][]byte
	if err = io.EOF; part.length > 0 {
		// The first bytes come before the head, so that an error can still be told as one.
		if bufs, err = handle.Next(rq.ctx); err != nil && err != io.EOF {
			return err
		}
	}
	if err := h.objectFields(rq, &info, part, overrides); err != nil {
		return err
	}
	for err == nil {
		if err = rq.write(bufs...); err != nil {
			return err
		}
		bufs, err = handle.Next(rq.ctx)
	}
	if err != io.EOF {
		return err
	}
	return nil
}

// headObject is getObject without the body
// (https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadObject.html).
func (h *Handler) headObject(rq *request) error {
	overrides, err := rq.overrides()
	if err != nil {
		return err
	}
	if rq.now {
		handle, ok := h.nearby.OpenNow(rq.bucket, rq.key, false, rq.ex.Memory)
		if !ok {
			return errNotNow
		}
		defer handle.Close()
		info := handle.Info()
		return h.describe(rq, &info, nil, overrides)
	}
	ref, err := rq.ref()
	if err != nil {
		return err
	}
	if _, given, _ := rq.param("partNumber"); given { // Stat does not know where parts lie
		handle, err := h.store.Open(rq.ctx, ref)
		if err != nil {
			return err
		}
		defer handle.Close()
		info := handle.Info()
		return h.describe(rq, &info, handle, overrides)
	}
	info, err := h.store.Stat(rq.ctx, ref)
	if err != nil {
		return err
	}
	return h.describe(rq, &info, nil, overrides)
}

// describe answers with what a GET would say before the body.
func (h *Handler) describe(rq *request, info *object.Info, handle object.Handle,
	overrides []object.Pair) error {
	part, err := rq.choose(info, handle)
	if err != nil {
		return err
	}
	return h.objectFields(rq, info, part, overrides)
}

// open opens the object; errNotNow on the loop if that takes waiting.
func (h *Handler) open(rq *request) (object.Handle, error) {
	if rq.now {
		if handle, ok := h.nearby.OpenNow(rq.bucket, rq.key, true, rq.ex.Memory); ok {
			return handle, nil
		}
		return nil, errNotNow
	}
	ref, err := rq.ref()
	if err != nil {
		return nil, err
	}
	return h.store.Open(rq.ctx, ref)
}

// choose evaluates preconditions, partNumber and Range. Handle is asked for parts only.
// Errors: PreconditionFailed, NotModified, InvalidRange, InvalidPartNumber, InvalidArgument.
func (rq *request) choose(info *object.Info, handle object.Handle) (span, error) {
	if err := rq.checkConditions(info); err != nil {
		if err == s3err.NotModified {
			rq.etag(info.ETag)
			rq.lastModified(info)
			rq.version(info.Version)
		}
		return span{}, err
	}
	field, ranged := rq.header("range")
	if _, given, _ := rq.param("partNumber"); given {
		if ranged {
			return span{}, s3err.InvalidRequest.With(
				"Cannot specify both Range header and partNumber query parameter.")
		}
		return rq.choosePart(info, handle)
	}
	if !ranged || !rq.rangeApplies(info) {
		return span{kind: rangeWhole, length: info.SizeBytes}, nil
	}
	part := parseRange(field, info.SizeBytes)
	if part.kind == rangeUnsatisfiable {
		size := string(rq.number(info.SizeBytes))
		rq.field("Content-Range", "bytes */"+size)
		return part, s3err.InvalidRange.Detail("RangeRequested", field).
			Detail("ActualObjectSize", size)
	}
	return part, nil
}

// choosePart finds the range of a part. An object of one piece is its own part 1.
func (rq *request) choosePart(info *object.Info, handle object.Handle) (span, error) {
	number, err := rq.partNumber()
	if err != nil {
		return span{}, err
	}
	s, ok := span{kind: rangePart, length: info.SizeBytes, part: number}, number == 1
	switch {
	case info.Parts > 0:
		s.offset, s.length, ok = handle.Part(number)
	case info.SizeBytes == 0:
		s.kind = rangeWhole
	}
	if !ok {
		return s, s3err.InvalidPartNumber.
			Detail("ActualPartCount", string(rq.number(int64(max(info.Parts, 1))))).
			Detail("PartNumberRequested", string(rq.number(int64(number))))
	}
	return s, nil
}
