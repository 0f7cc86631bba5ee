package load

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"hash"
	"net/http"
)

// headBytesMax bounds the head of an answer.
const headBytesMax = 16 << 10

// Kinds of errors, as Result.Errors counts them. A status other than 200 is "status" and the code.
const (
	KindConnect = "connect" // no connection
	KindReset   = "reset"   // the connection broke
	KindClosed  = "closed"  // the server closed it before the answer was whole
	KindTimeout = "timeout" // no whole answer within Timeout
	KindFraming = "framing" // not an answer, or more than one
	KindLength  = "length"  // not as long as the object
	KindHash    = "hash"    // as long, and other bytes
	KindUnsent  = "unsent"  // open loop: due, and never sent
)

// fault is what is wrong with an answer.
type fault struct{ kind, detail string }

// answer reads one answer.
type answer struct {
	object  *Object
	noBody  bool // of a HEAD
	want    bool // its length is the object's
	hashed  bool
	sum     hash.Hash // made when first needed
	partial []byte    // of a head that came in pieces
	inBody  bool
	left    int64  // bytes of the body to come
	closes  bool   // the server closes the connection after it
	refused *fault // another status than 200, in an answer that is whole otherwise
}

// begin expects the answer to a request for o.
func (a *answer) begin(method string, o *Object, hashed bool) {
	a.object, a.noBody, a.want = o, method == http.MethodHead, method != http.MethodPut
	a.hashed, a.inBody, a.closes, a.refused = hashed, false, false, nil
	a.partial = a.partial[:0]
	if hashed {
		if a.sum == nil {
			a.sum = sha256.New()
		}
		a.sum.Reset()
	}
}

// feed takes the next bytes. It is done with the last one; then, or where something is wrong, no
// more may be fed until begin.
func (a *answer) feed(p []byte) (done bool, wrong *fault) {
	if !a.inBody {
		if len(a.partial) > 0 {
			a.partial = append(a.partial, p...)
			p = a.partial
		}
		end := bytes.Index(p, []byte("\r\n\r\n"))
		if end < 0 {
			if len(p) > headBytesMax {
				return false, &fault{KindFraming, "a head without an end"}
			}
			if len(a.partial) == 0 {
				a.partial = append(a.partial, p...)
			}
			return false, nil
		}
		if wrong := a.enter(p[:end+2], p[end+4:]); wrong != nil {
			return false, wrong
		}
		p = p[end+4:]
	}
	if int64(len(p)) > a.left {
		return false, &fault{KindFraming, fmt.Sprintf("%d bytes beyond the answer",
			int64(len(p))-a.left)}
	}
	if a.hashed {
		a.sum.Write(p)
	}
	if a.left -= int64(len(p)); a.left > 0 {
		return false, nil
	}
	if a.hashed && [sha256.Size]byte(a.sum.Sum(nil)) != a.object.Sum {
		return false, &fault{KindHash, a.object.Path}
	}
	return true, nil
}

// detailBytes of what a server says about an error are quoted.
const detailBytes = 400

// enter judges the head; body is what of the body came with it.
func (a *answer) enter(text, body []byte) *fault {
	head, ok := parseHead(text)
	switch {
	case !ok:
		return &fault{KindFraming, fmt.Sprintf("%.100q", text)}
	case head.status != http.StatusOK:
		a.refused = &fault{fmt.Sprintf("status %d", head.status), fmt.Sprintf("%s: %.*s",
			a.object.Path, detailBytes, body)}
		if a.hashed = false; head.length < 0 {
			return a.refused
		}
	case head.length < 0:
		return &fault{KindFraming, "an answer without Content-Length"}
	case a.want && head.length != a.object.Bytes:
		return &fault{KindLength, fmt.Sprintf("%s: %d bytes, want %d", a.object.Path, head.length,
			a.object.Bytes)}
	}
	a.inBody, a.left, a.closes = true, head.length, head.closes
	if a.noBody {
		a.left = 0
	}
	return nil
}
