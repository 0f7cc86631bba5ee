package s3api

import (
	"fmt"
	"io"
	"strings"

	"flashstore/engine/object"
	"flashstore/engine/s3api/form"
	"flashstore/engine/s3err"
	"flashstore/engine/s3xml"
	"flashstore/engine/sigv4"
	"flashstore/netloop"
)

// servePost takes an upload by form
// (https://docs.aws.amazon.com/AmazonS3/latest/API/RESTObjectPOST.html) through what serve does for
// the others: authentication and authorization by the form's fields, then validation and execution.
// Nothing of the file is read before.
func (h *Handler) servePost(rq *request, bucket string) error {
	signed := rq.auth.AccessKey != ""
	if signed && !h.config.Authorizer.Authorize(rq.auth.AccessKey, postAction, bucket, "") {
		return s3err.AccessDenied
	}
	kind, _ := rq.ex.Request.Lookup("content-type")
	boundary, err := form.Boundary(string(kind))
	if err != nil {
		return err
	}
	if signed { // "does not accept query string authentication", and a head signs no form
		return fmt.Errorf("%w: a form brings its own", sigv4.ErrAmbiguous)
	}
	if p := rq.auth.Payload; p != sigv4.PayloadNone && p != sigv4.PayloadUnsigned {
		return fmt.Errorf("%w: a form is not read to its end", sigv4.ErrPayloadMode)
	}
	src, err := rq.auth.Body(rq.ex, rq.ex.Request.ContentLength)
	if err != nil {
		return err
	}
	f, err := h.readForm(src, boundary)
	if err != nil {
		return err
	}
	key, found := f.Get("key")
	if !found {
		return missingField("key")
	}
	if err := h.authenticateForm(rq, f); err != nil {
		return err
	}
	if !h.config.Authorizer.Authorize(rq.auth.AccessKey, postAction, bucket, key) {
		return s3err.AccessDenied
	}
	policy, err := policyOf(f, bucket, rq)
	if err != nil {
		return err
	}
	if err := rq.validate(atKey, bucket, key, &h.config); err != nil {
		return err
	}
	if err := rq.takeFields(f, &h.config); err != nil {
		return err
	}
	rq.ex.Enter(netloop.PhaseExecute)
	return h.postObject(rq, f, policy)
}

// readForm reads a form up to its file, if there is room.
func (h *Handler) readForm(src io.Reader, boundary string) (*form.Form, error) {
	leave, err := h.windows.enter()
	if err != nil {
		return nil, err
	}
	defer leave()
	return form.Read(src, boundary)
}

// postAction is asked of the Authorizer for the key of a form, as for any other upload
// (CVE-2021-21362).
const postAction = "s3:PutObject"

// postObject stores the file of a form.
func (h *Handler) postObject(rq *request, f *form.Form, policy *form.Policy) error {
	fields, err := rq.storedFields()
	if err != nil {
		return err
	}
	claims, err := rq.claimsOf()
	if err != nil {
		return err
	}
	attributes, err := h.formAttributes(rq, f)
	if err != nil {
		return err
	}
	if err := h.requireDigest(rq, &claims, &attributes, "Put Object"); err != nil {
		return err
	}
	u := formUpload{h: h, rq: rq, policy: policy, headers: fields, attributes: attributes,
		body: h.newBody(rq, &formPayload{file: f.File}, claims, noChecksum)}
	defer u.body.close(h)
	info, err := u.store()
	if err != nil {
		return err
	}
	return rq.answerForm(f, &info)
}

// formAttributes are those of the object of a form: fields stand in place of the header, and
// tags are a document. Errors: AccessDenied, those of lockOf, DecodeTagging and checkTags.
func (h *Handler) formAttributes(rq *request, f *form.Form) (a object.Attributes, err error) {
	bucket, key := string(rq.bucket), string(rq.key)
	if !h.allowsMore(rq, 0, bucket, key) {
		return a, s3err.AccessDenied
	}
	if a, err = h.lockOf(rq); err != nil {
		return a, err
	}
	text, found := f.Get("tagging")
	if !found {
		return a, nil
	}
	if !h.allows(rq, "s3:PutObjectTagging", bucket, key) {
		return a, s3err.AccessDenied
	}
	tags, err := s3xml.DecodeTagging(strings.NewReader(text))
	if err != nil {
		return a, err
	}
	a.Tags, err = checkTags(tags)
	return a, err
}

// authenticateForm fills in rq.auth. A form without any field of a signature is anonymous.
// Errors: those of VerifyForm, InvalidArgument (a field is missing), InvalidToken.
func (h *Handler) authenticateForm(rq *request, f *form.Form) error {
	names := [...]string{"X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Date", "X-Amz-Signature",
		"Policy"}
	var values [len(names)][]byte
	claimed, missing := false, ""
	for i, name := range names {
		value, found := f.Get(string(lower(nil, []byte(name))))
		values[i] = []byte(value)
		claimed = claimed || found && name != "Policy" // alone it says nothing about who sends it
		if !found && missing == "" {
			missing = name
		}
	}
	_, v2 := f.Get("awsaccesskeyid")
	_, v2Signature := f.Get("signature")
	_, token := f.Get("x-amz-security-token")
	switch {
	case v2 || v2Signature:
		return fmt.Errorf("%w: signature version 2", sigv4.ErrUnsupported)
	case token:
		return fmt.Errorf("%w: a token in a form", sigv4.ErrToken) // nothing here issues any
	case !claimed:
		return nil
	case missing != "":
		return missingField(missing)
	}
	auth, err := h.config.Verifier.VerifyForm(&sigv4.Form{Algorithm: values[0], Credential: values[1],
		Date: values[2], Signature: values[3], Policy: values[4]})
	if err == nil && auth.Service != "s3" {
		return s3err.AccessDenied
	}
	rq.auth = auth
	return err
}

// missingField is S3's answer to a form that lacks a field before its file.
func missingField(name string) error {
	return s3err.InvalidArgument.With("Bucket POST must contain a field named '"+name+"'.  If it is "+
		"specified, please check the order of the fields.").
		Detail("ArgumentName", name).Detail("ArgumentValue", "")
}

// policyOf returns the policy of a form, which the form obeys; one that allows all if it has none.
// Who comes with a policy and no signature has nobody's permission by it, but is held to it.
func policyOf(f *form.Form, bucket string, rq *request) (*form.Policy, error) {
	text, found := f.Get("policy")
	if !found {
		return &form.Policy{SizeMax: object.PutBytesMax}, nil
	}
	policy, err := form.ParsePolicy(text)
	if err != nil {
		return nil, err
	}
	return policy, policy.Check(f, bucket, rq.started)
}
