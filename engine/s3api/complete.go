package s3api

import (
	"crypto/md5"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"strconv"
	"strings"

	"flashstore/engine/object"
	"flashstore/engine/s3err"
	"flashstore/engine/s3xml"
)

// completeUpload makes an object of the parts a client lists
// (https://docs.aws.amazon.com/AmazonS3/latest/API/API_CompleteMultipartUpload.html).
func (h *Handler) completeUpload(rq *request) error {
	id, err := rq.uploadID()
	if err != nil {
		return err
	}
	// The checksum fields of this call speak of the object, not of its body.
	claimed, err := rq.claimsOf()
	if err != nil {
		return err
	}
	listed, err := h.readComplete(rq)
	if err != nil {
		return err
	}
	upload, err := h.store.Upload(rq.ctx, rq.bucket, rq.key, id)
	// A finished upload may be completed again; then the store answers without a seal.
	finished := errors.Is(err, object.ErrNoSuchUpload)
	if err != nil && !finished {
		return err
	}
	c := completion{listed: listed, sum: upload.Info.Checksum, claimed: claimed,
		finished: finished}
	if c.size, err = rq.objectSize(); err != nil {
		return err
	}
	if err := c.checkType(rq); err != nil {
		return err
	}
	only, err := rq.condition()
	if err != nil {
		return err
	}
	order := object.Complete{Bucket: rq.bucket, Key: rq.key, Upload: id, Seal: c.seal, If: only}
	for i := range listed {
		if i > 0 && listed[i].Number <= listed[i-1].Number {
			return s3err.InvalidPartOrder
		}
		order.Parts = append(order.Parts,
			object.CompletePart{Number: listed[i].Number, ETag: listed[i].ETag})
	}
	info, err := h.store.CompleteUpload(rq.ctx, &order)
	if err != nil {
		return err
	}
	info.Key = rq.key
	rq.made(info.Version)
	return rq.xml(s3xml.AppendCompleted(rq.document(smallDocument), rq.location(),
		string(rq.bucket), &info))
}

// readComplete reads the body, whose own digests are only those of the signature and
// Content-MD5.
func (h *Handler) readComplete(rq *request) ([]s3xml.CompletePart, error) {
	body, err := h.openBody(rq, noChecksum)
	if err != nil {
		return nil, err
	}
	defer body.close(h)
	body.claims.algo, body.claims.value = noChecksum, ""
	listed, err := s3xml.DecodeComplete(body, object.PartNumberMax)
	if err != nil {
		return nil, err
	}
	return listed, body.verify()
}

// checkType wants x-amz-checksum-type, if given, to be that of the upload
// (https://docs.aws.amazon.com/AmazonS3/latest/API/API_CompleteMultipartUpload.html).
// Errors: InvalidRequest.
func (c *completion) checkType(rq *request) error {
	asked, given := rq.header("x-amz-checksum-type")
	kind := c.sum.Type
	if kind == "" {
		kind = fullObject // what S3 chooses for who chooses nothing
	}
	if !given || c.finished || strings.EqualFold(asked, kind) {
		return nil
	}
	return s3err.InvalidRequest.With("The upload was created using the " + kind + " checksum mode. " +
		"The complete request must use the same checksum mode.")
}

// objectSize is x-amz-mp-object-size, -1 without it. Errors: InvalidRequest.
func (rq *request) objectSize() (int64, error) {
	text, ok := rq.header("x-amz-mp-object-size")
	if !ok {
		return -1, nil
	}
	size, err := strconv.ParseInt(text, 10, 64)
	if err != nil || size < 0 {
		return 0, s3err.InvalidRequest.With("Value for x-amz-mp-object-size header is invalid.")
	}
	return size, nil
}

// location is the URL of the object, as the client addressed it.
func (rq *request) location() string {
	scheme := "http://"
	if rq.ex.Request.TLS {
		scheme = "https://"
	}
	return scheme + string(rq.ex.Request.Host) + string(rq.ex.Request.Path)
}

// completion composes ETag and checksum of a multipart object.
type completion struct {
	listed  []s3xml.CompletePart
	sum     object.Checksum // algorithm and type of the upload
	claimed claims
	size    int64 // claimed; -1: not
	// finished: the upload was gone before its Complete, so sum is not known.
	finished bool
}

// seal is the Seal of an object.Complete. Parts are those listed, in that order.
// Errors: InvalidPart, InvalidRequest, BadDigest, NoSuchUpload.
func (c *completion) seal(parts []object.Part, info *object.Info) error {
	if c.finished {
		return object.ErrNoSuchUpload
	}
	hash := md5.New()
	var size int64
	for i := range parts {
		p := &parts[i].Info
		size += p.SizeBytes
		var raw [md5.Size]byte
		digits := strings.TrimSuffix(p.ETag, fastSuffix) // of either mode, and of both in one upload
		if n, err := hex.Decode(raw[:], []byte(digits)); err != nil || n != len(raw) {
			return s3err.InternalError
		}
		hash.Write(raw[:])
		l := &c.listed[i]
		if c.sum.Type == composite && l.Checksum == "" {
			return c.missingChecksum(l.Number)
		}
		same := l.Algorithm == p.Checksum.Algorithm
		if same && l.Checksum != p.Checksum.Value || !same && l.Checksum != "" && c.sum.Algorithm != "" {
			return s3err.InvalidPart // one that it does not have is none of its own
		}
	}
	if c.size >= 0 && c.size != size {
		return s3err.InvalidRequest.With("The provided 'x-amz-mp-object-size' header value " +
			strconv.FormatInt(c.size, 10) + " does not match what was computed: " +
			strconv.FormatInt(size, 10))
	}
	info.ETag = hex.EncodeToString(hash.Sum(nil)) + "-" + strconv.Itoa(len(parts))
	info.Parts = len(parts)
	info.Checksum = composeChecksum(c.sum, parts)
	return c.checkClaim(info.Checksum)
}

// missingChecksum: who chose a checksum of checksums names that of each part
// (https://docs.aws.amazon.com/AmazonS3/latest/userguide/mpuoverview.html).
func (c *completion) missingChecksum(number int) error {
	return s3err.InvalidRequest.With("The upload was created using a " +
		strings.ToLower(c.sum.Algorithm) + " checksum. The complete request must include the " +
		"checksum for each part. It was missing for part " + strconv.Itoa(number) +
		" in the request.")
}

func (c *completion) checkClaim(got object.Checksum) error {
	if c.claimed.algo == noChecksum {
		return nil
	}
	plain, _, _ := strings.Cut(got.Value, "-")
	if c.claimed.algo.String() != got.Algorithm ||
		c.claimed.value != got.Value && c.claimed.value != plain {
		return s3err.BadDigest.With("The " + c.claimed.algo.String() +
			" you specified did not match the calculated checksum.")
	}
	return nil
}

// composeChecksum makes the checksum of an object from those of its parts, of the kind the
// upload asked for. It is empty if a part lacks its own.
func composeChecksum(kind object.Checksum, parts []object.Part) object.Checksum {
	a, known := algorithmOf(kind.Algorithm)
	if !known {
		a, kind.Type = sumCRC64NVME, fullObject
	}
	kind.Algorithm = a.String()
	raw := make([]byte, 0, len(parts)*a.size())
	for i := range parts {
		value, err := base64.StdEncoding.DecodeString(parts[i].Info.Checksum.Value)
		if err != nil || parts[i].Info.Checksum.Algorithm != kind.Algorithm || len(value) != a.size() {
			return object.Checksum{}
		}
		raw = append(raw, value...)
	}
	if kind.Type == composite {
		hash := a.new()
		hash.Write(raw)
		kind.Value = base64.StdEncoding.EncodeToString(hash.Sum(nil)) + "-" +
			strconv.Itoa(len(parts))
		return kind
	}
	p := polynomialOf(a)
	var crc uint64
	for i := range parts {
		var wide [8]byte
		copy(wide[8-a.size():], raw[i*a.size():])
		crc = p.combine(crc, binary.BigEndian.Uint64(wide[:]), parts[i].Info.SizeBytes)
	}
	var wide [8]byte
	binary.BigEndian.PutUint64(wide[:], crc)
	kind.Value = base64.StdEncoding.EncodeToString(wide[8-a.size():])
	return kind
}
