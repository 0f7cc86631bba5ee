package s3api

import (
	"strconv"
	"strings"

	"flashstore/engine/object"
	"flashstore/engine/s3err"
	"flashstore/engine/s3xml"
)

// uploadPart stores one part
// (https://docs.aws.amazon.com/AmazonS3/latest/API/API_UploadPart.html).
func (h *Handler) uploadPart(rq *request) error {
	part, err := h.namedPart(rq)
	if err != nil {
		return err
	}
	upload, stored, asked := &part.upload, part.stored, part.asked
	if err := rq.requireLength(); err != nil {
		return err
	}
	body, err := h.openBody(rq, stored)
	if err != nil {
		return err
	}
	defer body.close(h)
	if asked {
		if err := checkPartClaim(upload.Info.Checksum.Type, stored, body.claims.algo); err != nil {
			return err
		}
	}
	err = h.requireDigest(rq, &body.claims, &upload.Info.Attributes, "Put Part")
	if err != nil {
		return err
	}
	info, err := h.store.PutPart(rq.ctx, &object.PutPart{
		Put: object.Put{Bucket: rq.bucket, Key: rq.key, SizeBytes: body.size, Body: body,
			Seal: body.seal},
		Upload: upload.ID, Number: part.number,
	})
	if err != nil {
		return err
	}
	rq.etag(info.ETag)
	if asked {
		rq.field(stored.header(), info.Checksum.Value)
	} else if body.claims.algo != noChecksum {
		rq.field(body.claims.algo.header(), body.claimed())
	}
	return rq.empty(200)
}

// namedPart is the part that a request names, of an upload that is under way.
type namedPart struct {
	upload object.Upload
	number int
	stored algorithm // of the checksum it is kept with
	asked  bool      // the upload was begun with that
}

// namedPart reads which part rq is about. Errors: InvalidArgument, NoSuchUpload, those of the
// store.
func (h *Handler) namedPart(rq *request) (p namedPart, err error) {
	if p.number, err = rq.partNumber(); err != nil {
		return p, err
	}
	id, err := rq.uploadID()
	if err != nil {
		return p, err
	}
	if p.upload, err = h.store.Upload(rq.ctx, rq.bucket, rq.key, id); err != nil {
		return p, err
	}
	if p.stored, p.asked = algorithmOf(p.upload.Info.Checksum.Algorithm); !p.asked {
		p.stored = sumCRC64NVME // what the whole object gets
	}
	return p, nil
}

// checkPartClaim wants the checksum of a part to be the one that the upload is to have; where that
// is to be a checksum of those, there must be one. Errors: InvalidRequest.
func checkPartClaim(kind string, stored, claimed algorithm) error {
	actual := strings.ToLower(claimed.String())
	switch {
	case claimed == stored, claimed == noChecksum && kind != composite:
		return nil
	case claimed == noChecksum:
		actual = "null"
	}
	return s3err.InvalidRequest.With("Checksum Type mismatch occurred, expected checksum Type: " +
		strings.ToLower(stored.String()) + ", actual checksum Type: " + actual)
}

// partNumber reads the parameter of that name. Errors: InvalidArgument.
func (rq *request) partNumber() (int, error) {
	text, _, err := rq.param("partNumber")
	if err != nil {
		return 0, err
	}
	n, err := strconv.ParseUint(text, 10, 31)
	if err != nil || n < 1 || n > object.PartNumberMax {
		return 0, s3err.InvalidArgument.
			With("Part number must be an integer between 1 and 10000, inclusive.").
			Detail("ArgumentName", "partNumber").Detail("ArgumentValue", text)
	}
	return int(n), nil
}

// listParts lists the parts of an unfinished upload
// (https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListParts.html).
func (h *Handler) listParts(rq *request) error {
	id, err := rq.uploadID()
	if err != nil {
		return err
	}
	max, err := rq.intParam("max-parts", object.ListMax)
	if err != nil {
		return err
	}
	after := 0
	if _, given, _ := rq.param("part-number-marker"); given {
		if after, err = rq.intParam("part-number-marker", object.PartNumberMax); err != nil {
			return err
		}
	}
	upload, err := h.store.Upload(rq.ctx, rq.bucket, rq.key, id)
	if err != nil {
		return err
	}
	answer := s3xml.ListParts{Bucket: string(rq.bucket), Key: string(rq.key),
		UploadID: string(id), Owner: h.config.Owner, Checksum: upload.Info.Checksum,
		After: after, Max: max, Class: object.ClassOf(upload.Info.Headers)}
	if max > 0 {
		answer.Parts, answer.Truncated, err = h.store.ListParts(rq.ctx, rq.bucket, rq.key, id,
			after, max)
		if err != nil {
			return err
		}
	}
	if upload.Info.Checksum.Algorithm == "" { // then the parts' are nobody's business
		for i := range answer.Parts {
			answer.Parts[i].Info.Checksum = object.Checksum{}
		}
	}
	return rq.xml(answer.Append(rq.list(len(answer.Parts))))
}
