package s3api

import (
	"io"

	"flashstore/engine/object"
	"flashstore/engine/s3err"
	"flashstore/netloop"
)

// getObject answers with the object or one range of it
// (https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html).
func (h *Handler) getObject(rq *request) error {
	if err := rq.checkVersion(); err != nil {
		return err
	}
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
	part, err := rq.choose(&info)
	if err != nil {
		return err
	}
	if part.kind == rangePart {
		if err := handle.Select(part.offset, part.length); err != nil {
			return err
		}
	}
	// The first bytes come before the head, so that an error can still be told as one.
	bufs, err := handle.Next(rq.ctx)
	if err != nil && err != io.EOF {
		return err
	}
	rq.objectFields(&info, part, overrides)
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

// headObject is getObject without the body.
func (h *Handler) headObject(rq *request) error {
	if err := rq.checkVersion(); err != nil {
		return err
	}
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
		return rq.describe(handle.Info(), overrides)
	}
	info, err := h.store.Stat(rq.ctx, rq.ref())
	if err != nil {
		return err
	}
	return rq.describe(info, overrides)
}

// describe answers with what a GET would say before the body.
func (rq *request) describe(info object.Info, overrides []object.Pair) error {
	part, err := rq.choose(&info)
	if err != nil {
		return err
	}
	rq.objectFields(&info, part, overrides)
	return nil
}

// open opens the object; errNotNow on the loop if that takes waiting.
func (h *Handler) open(rq *request) (object.Handle, error) {
	if !rq.now {
		return h.store.Open(rq.ctx, rq.ref())
	}
	if handle, ok := h.nearby.OpenNow(rq.bucket, rq.key, true, rq.ex.Memory); ok {
		return handle, nil
	}
	return nil, errNotNow
}

// checkVersion accepts the one version there is: buckets never had versioning, so its id is
// "null".
func (rq *request) checkVersion() error {
	id, given, err := rq.param("versionId")
	switch {
	case err != nil:
		return err
	case given && id != "null":
		return s3err.InvalidArgument.With("Invalid version id specified.").
			Detail("ArgumentName", "versionId").Detail("ArgumentValue", id)
	}
	return nil
}

// choose evaluates preconditions, partNumber and Range.
// Errors: PreconditionFailed, NotModified, InvalidRange, InvalidPartNumber, InvalidArgument,
// NotImplemented.
func (rq *request) choose(info *object.Info) (span, error) {
	if err := rq.checkConditions(info); err != nil {
		if err == s3err.NotModified {
			rq.etag(info.ETag)
			rq.lastModified(info)
		}
		return span{}, err
	}
	field, ranged := rq.header("range")
	if _, given, _ := rq.param("partNumber"); given {
		if ranged {
			return span{}, s3err.InvalidRequest.With(
				"Cannot specify both Range header and partNumber query parameter.")
		}
		return rq.choosePart(info)
	}
	if !ranged || !rq.rangeApplies(info) {
		return span{rangeWhole, 0, info.SizeBytes}, nil
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

// choosePart treats an object of one piece as its own part 1. The parts of a multipart object
// are not told apart after Complete.
func (rq *request) choosePart(info *object.Info) (span, error) {
	number, err := rq.partNumber()
	switch {
	case err != nil:
		return span{}, err
	case info.Parts > 0:
		return span{}, s3err.NotImplemented.Detail("Header", "partNumber")
	case number != 1:
		return span{}, s3err.InvalidPartNumber
	case info.SizeBytes == 0:
		return span{rangeWhole, 0, 0}, nil
	}
	return span{rangePart, 0, info.SizeBytes}, nil
}

// objectFields sets status, length and fields of an answer with an object.
func (rq *request) objectFields(info *object.Info, part span, overrides []object.Pair) {
	rq.ex.SetContentLength(part.length)
	if part.kind == rangePart {
		rq.ex.SetStatus(206)
		b := append(rq.ex.Memory.Alloc(72)[:0], "bytes "...)
		b = append(b, rq.number(part.offset)...)
		b = append(append(b, '-'), rq.number(part.offset+part.length-1)...)
		b = append(append(b, '/'), rq.number(info.SizeBytes)...)
		rq.fieldBytes("Content-Range", b)
	}
	rq.etag(info.ETag)
	rq.lastModified(info)
	rq.field("Accept-Ranges", "bytes")
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
	if mode, ok := rq.header("x-amz-checksum-mode"); ok && part.kind == rangeWhole &&
		netloop.EqualFold([]byte(mode), "enabled") {
		rq.checksum(info.Checksum)
	}
}

func (rq *request) lastModified(info *object.Info) {
	b := rq.ex.Memory.Alloc(len(httpTime))[:0]
	rq.fieldBytes("Last-Modified", info.ModTime.UTC().AppendFormat(b, httpTime))
}

// overrides returns what response-* parameters put in place of stored fields; signed requests
// only may ask for that. Errors: InvalidRequest, InvalidArgument (control characters).
func (rq *request) overrides() ([]object.Pair, error) {
	var pairs []object.Pair
	for query := rq.ex.Request.Query; len(query) > 0; {
		var name, raw []byte
		name, raw, query = nextParam(query)
		field := overridden(name)
		if field == "" {
			continue
		}
		if rq.auth.AccessKey == "" {
			return nil, s3err.InvalidRequest.With("Request specific response headers cannot be " +
				"used for anonymous GET requests.")
		}
		value, err := rq.unescape(raw, true)
		if err != nil {
			return nil, err
		}
		for i := range len(value) {
			if value[i] < ' ' && value[i] != '\t' || value[i] == 0x7F {
				return nil, s3err.InvalidArgument.With("Header value cannot be represented.").
					Detail("ArgumentName", string(name))
			}
		}
		pairs = append(pairs, object.Pair{Name: field, Value: value})
	}
	return pairs, nil
}

func overridden(param []byte) string {
	switch string(param) {
	case "response-content-type":
		return "content-type"
	case "response-content-language":
		return "content-language"
	case "response-expires":
		return "expires"
	case "response-cache-control":
		return "cache-control"
	case "response-content-disposition":
		return "content-disposition"
	case "response-content-encoding":
		return "content-encoding"
	}
	return ""
}
