package s3api

import (
	"io"

	"flashstore/engine/object"
	"flashstore/engine/s3err"
	"flashstore/engine/s3xml"
)

// copyObject makes an object of what another one is, or the same one
// (https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html).
func (h *Handler) copyObject(rq *request) error {
	source, err := h.copySource(rq)
	if err != nil {
		return err
	}
	c, err := h.newCopy(rq, source)
	if err != nil {
		return err
	}
	algo, err := rq.copyChecksum()
	if err != nil {
		return err
	}
	sums := copySums{h: h, rq: rq, from: source, tagged: c.ReplaceTags, algo: algo}
	defer sums.close()
	c.Sums = sums.begin
	info, err := h.store.CopyObject(rq.ctx, c)
	if err != nil {
		return sourceFault(err)
	}
	rq.made(info.Version)
	rq.copiedVersion(&sums.source)
	return rq.xml(s3xml.AppendCopied(rq.document(smallDocument), "CopyObjectResult", &info))
}

// newCopy reads what the copy is to be, of its bytes abstracted.
// Errors: InvalidArgument, InvalidRequest (a copy onto itself), those of storedFields.
func (h *Handler) newCopy(rq *request, source object.Ref) (*object.Copy, error) {
	only, err := rq.condition()
	if err != nil {
		return nil, err
	}
	c := &object.Copy{Source: source, Bucket: rq.bucket, Key: rq.key, If: only}
	fields, own, err := h.newObject(rq)
	if err != nil {
		return nil, err
	}
	c.Tags, c.Retention, c.LegalHold = own.Tags, own.Retention, own.LegalHold
	if c.ReplaceTags, err = rq.replaces("x-amz-tagging-directive", "tagging"); err != nil {
		return nil, err
	}
	if c.Replace, err = rq.replaces("x-amz-metadata-directive", "metadata"); err != nil {
		return nil, err
	}
	if c.Replace {
		c.Headers = fields
	}
	class, classed := rq.header(object.ClassField)
	c.Class = object.Class(class)
	redirect, redirected := rq.header(object.RedirectField)
	c.Redirect = redirect
	self := source == object.Ref{Bucket: rq.bucket, Key: rq.key}
	if self && !c.Replace && !classed && !redirected {
		return nil, s3err.InvalidRequest.With("This copy request is illegal because it is trying " +
			"to copy an object to itself without changing the object's metadata, storage class, " +
			"website redirect location or encryption attributes.")
	}
	return c, nil
}

// replaces reads a directive: the new object has what the request says, or what the source has.
// Errors: InvalidArgument.
func (rq *request) replaces(name, what string) (bool, error) {
	directive, given := rq.header(name)
	switch {
	case !given || directive == "COPY":
		return false, nil
	case directive == "REPLACE":
		return true, nil
	}
	return false, s3err.InvalidArgument.With("Unknown "+what+" directive.").
		Detail("ArgumentName", name).Detail("ArgumentValue", directive)
}

// copyChecksum is the checksum that the copy is to have; none: that of the source.
// Errors: InvalidRequest.
func (rq *request) copyChecksum() (algorithm, error) {
	name, given := rq.header("x-amz-checksum-algorithm")
	if !given {
		return noChecksum, nil
	}
	a, known := algorithmOf(name)
	if !known {
		return noChecksum, errChecksumAlgorithm()
	}
	return a, nil
}

// copySums finds ETag and checksum of a copy: the source's where they are of all its bytes, else
// new ones, computed as the bytes pass.
type copySums struct {
	h      *Handler
	rq     *request
	from   object.Ref
	tagged bool      // the copy has tags of its own
	algo   algorithm // asked for
	source object.Info
	digest digest
}

// begin is the Sums of an object.Copy. Errors: PreconditionFailed, InvalidRequest, AccessDenied.
func (s *copySums) begin(source object.Info) (io.Writer, object.Seal, error) {
	s.source = source
	if err := s.rq.checkSource(&source); err != nil {
		return nil, nil, err
	}
	if source.SizeBytes > object.PutBytesMax {
		return nil, nil, errCopySize()
	}
	if !s.tagged && len(source.Attributes.Tags) > 0 && !s.mayCopyTags() {
		return nil, nil, s3err.AccessDenied
	}
	kept := source.Checksum
	if s.algo == noChecksum {
		if s.algo, _ = algorithmOf(kept.Algorithm); s.algo == noChecksum {
			s.algo = sumCRC64NVME // as of a PUT
		}
	}
	s.digest.h = s.h
	if source.Parts > 0 || source.ETag == "" {
		s.digest.addETag()
	}
	if kept.Algorithm != s.algo.String() || kept.Type != fullObject || kept.Value == "" {
		s.digest.addSum(s.algo)
	}
	if s.digest.empty() {
		return nil, s.seal, nil
	}
	return &s.digest, s.seal, nil
}

// mayCopyTags: tags are read and written with permissions of their own
// (https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html).
func (s *copySums) mayCopyTags() bool {
	read := "s3:GetObjectTagging"
	if s.from.Version != object.Newest {
		read = "s3:GetObjectVersionTagging"
	}
	return s.h.allows(s.rq, read, string(s.from.Bucket), string(s.from.Key)) &&
		s.h.allows(s.rq, "s3:PutObjectTagging", string(s.rq.bucket), string(s.rq.key))
}

func (s *copySums) seal(info *object.Info) error {
	info.ETag, info.Checksum = s.source.ETag, s.source.Checksum
	return s.digest.seal(info)
}

func (s *copySums) close() { s.digest.close() }

// errCopySize: what is to be copied is larger than one PUT may be.
func errCopySize() error {
	return s3err.InvalidRequest.With("The specified copy source is larger than the maximum " +
		"allowable size for a copy source: 5368709120")
}
