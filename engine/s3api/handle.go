package s3api

import (
	"context"
	"errors"

	"flashstore/engine/object"
	"flashstore/engine/s3err"
	"flashstore/engine/sigv4"
	"flashstore/netloop"
)

// errNotNow: the request cannot be answered on the loop; nothing was done.
var errNotNow = errors.New("s3api: not without waiting")

// Handle answers one request; see netloop.Handler.
func (h *Handler) Handle(ex *netloop.Exchange) {
	rq := &request{}
	h.begin(rq, ex)
	h.end(rq, h.serve(rq))
}

// TryHandle answers a GET or HEAD of an object that is in memory, on the event loop; see
// netloop.InlineHandler.
func (h *Handler) TryHandle(ex *netloop.Exchange) bool {
	if h.nearby == nil || ex.Request.ContentLength != 0 {
		return false
	}
	rq, _ := h.requests.Get().(*request)
	if rq == nil {
		rq = &request{}
	}
	defer func() {
		*rq = request{}
		h.requests.Put(rq)
	}()
	h.begin(rq, ex)
	rq.now = true
	err := h.serve(rq)
	if err == errNotNow {
		ex.Rewind()
		return false
	}
	h.end(rq, err)
	return true
}

// Busy answers a request that the server has no time for: 503 SlowDown; see netloop.BusyHandler.
func (h *Handler) Busy(ex *netloop.Exchange) {
	rq := &request{}
	h.begin(rq, ex)
	rq.field("Retry-After", "1")
	if at, _, _ := h.find(rq); string(at.bucket) == object.ReservedBucket {
		rq.op = OpUnknown // the server's own endpoints: see Mux
	}
	h.end(rq, s3err.SlowDown)
}

func (h *Handler) begin(rq *request, ex *netloop.Exchange) {
	*rq = request{ex: ex, ctx: context.Background(), started: h.config.Now()}
	rq.identify()
	rq.field("Server", "flashstore")
	rq.fieldBytes("x-amz-request-id", rq.id)
	rq.field("x-amz-id-2", h.config.HostID)
}

func (h *Handler) end(rq *request, err error) {
	if err != nil {
		h.fail(rq, err)
	}
	status := rq.ex.Status()
	if status >= 500 && status != 501 {
		h.failed.Add(1)
	}
	took := h.config.Now().Sub(rq.started)
	h.config.Recorder.Observe(int(rq.op), status, took, rq.in, rq.out)
}

// find says what rq names, which operation it asks for (nil if there is none), and of what.
func (h *Handler) find(rq *request) (target, *route, sub) {
	req := &rq.ex.Request
	at := locate(req.Host, req.Path, h.config.Domains)
	subs := subsOf(req.Query)
	if _, copies := req.Lookup("x-amz-copy-source"); copies {
		subs |= subCopySource
	}
	route := dispatch(req.Method, at.level, subs)
	if route != nil {
		rq.op = route.op
	}
	return at, route, subs
}

// serve takes rq through dispatch, authentication, authorization, validation and execution.
func (h *Handler) serve(rq *request) error {
	at, route, subs := h.find(rq)
	// What is in memory are newest versions, and not their parts.
	if rq.now && (rq.op != OpGetObject && rq.op != OpHeadObject || subs != 0) {
		return errNotNow
	}
	if err := h.authenticate(rq); err != nil {
		return err
	}
	bucket, key, err := rq.decode(&at)
	if err != nil {
		return err
	}
	if route == nil {
		if rq.auth.AccessKey == "" {
			return s3err.AccessDenied
		}
		return noRoute(at.level, subs)
	}
	if route.op == OpPostObject {
		return h.servePost(rq, bucket) // who asks, and for what key, is in the form
	}
	action := route.action
	if subs&subVersionID != 0 && route.versioned != "" {
		action = route.versioned
	}
	if !h.allows(rq, action, bucket, key) || !h.allowsMore(rq, subs, bucket, key) {
		return s3err.AccessDenied
	}
	if err := rq.validate(at.level, bucket, key, &h.config); err != nil {
		return err
	}
	rq.ex.Enter(netloop.PhaseExecute)
	return h.hideAbsence(rq, bucket, route.run(h, rq))
}

// allows asks the Authorizer about who sent rq.
func (h *Handler) allows(rq *request, action, bucket, key string) bool {
	return h.config.Authorizer.Authorize(rq.auth.AccessKey, action, bucket, key)
}

// allowsMore asks for what an operation needs permission for beside its own action.
func (h *Handler) allowsMore(rq *request, subs sub, bucket, key string) bool {
	may := func(field, action string) bool {
		if _, given := rq.header(field); given {
			return h.allows(rq, action, bucket, key)
		}
		return true
	}
	switch rq.op {
	case OpPutObject, OpPostObject, OpCopyObject, OpCreateMultipartUpload:
		return may(taggingField, "s3:PutObjectTagging") &&
			may(lockModeField, "s3:PutObjectRetention") &&
			may(lockUntilField, "s3:PutObjectRetention") &&
			may(legalHoldField, "s3:PutObjectLegalHold")
	case OpCreateBucket:
		return may(lockBucketField, "s3:PutBucketObjectLockConfiguration") &&
			may(lockBucketField, "s3:PutBucketVersioning")
	case OpGetObjectAttributes:
		if subs&subVersionID != 0 {
			return h.allows(rq, "s3:GetObjectVersionAttributes", bucket, key)
		}
		return h.allows(rq, "s3:GetObjectAttributes", bucket, key)
	}
	return true
}

// authenticate fills in rq.auth. S3 takes signatures made for S3 only.
func (h *Handler) authenticate(rq *request) error {
	req := &rq.ex.Request
	rq.signed = sigv4.Request{Method: req.Method, Path: req.Path, Query: req.Query, Host: req.Host,
		Header: req.Header, ContentLength: req.ContentLength}
	auth, err := h.config.Verifier.Verify(&rq.signed)
	if err != nil {
		return err
	}
	rq.auth = auth
	if auth.AccessKey != "" && auth.Service != "s3" {
		return s3err.AccessDenied
	}
	return nil
}

// decode undoes the percent escapes of the address.
func (rq *request) decode(t *target) (bucket, key string, err error) {
	if t.virtual {
		bucket = rq.text(t.bucket)
	} else if bucket, err = rq.unescape(t.bucket, false); err != nil {
		return "", "", err
	}
	key, err = rq.unescape(t.key, false)
	return bucket, key, err
}

// validate checks the names and the fields that any operation may come with.
func (rq *request) validate(at level, bucket, key string, config *Config) (err error) {
	if at >= atBucket {
		if rq.bucket, err = object.ValidateBucket(bucket); err != nil {
			return err
		}
	}
	if at == atKey {
		if rq.key, err = object.ValidateKey(key); err != nil {
			return err
		}
	}
	return rq.checkFields(config)
}
