package http1

// Refusal is why a message is not accepted, and the status that says so. All refusals are the
// variables below; compare them with errors.Is.
type Refusal struct {
	Status int
	reason string
}

func (r *Refusal) Error() string { return "http1: " + r.reason }

// Refusals of a request head or a chunked body.
var (
	ErrLineEnd        = &Refusal{400, "a line does not end in CRLF"}
	ErrRequestLine    = &Refusal{400, "malformed request line"}
	ErrMethod         = &Refusal{400, "malformed method"}
	ErrTarget         = &Refusal{400, "malformed request target"}
	ErrVersion        = &Refusal{400, "HTTP version not supported"}
	ErrFieldName      = &Refusal{400, "malformed field name"}
	ErrFieldValue     = &Refusal{400, "forbidden byte in a field value"}
	ErrFold           = &Refusal{400, "field line starts with white space"}
	ErrHost           = &Refusal{400, "Host missing, repeated, malformed or not the target's"}
	ErrContentLength  = &Refusal{400, "malformed or repeated Content-Length"}
	ErrEncoding       = &Refusal{400, "malformed, repeated or misplaced Transfer-Encoding"}
	ErrCoding         = &Refusal{501, "transfer coding not implemented"}
	ErrLengthAndCodec = &Refusal{400, "Content-Length together with Transfer-Encoding"}
	ErrExpect         = &Refusal{417, "expectation not known"}
	ErrTargetLong     = &Refusal{414, "request target too long"}
	ErrHeadLong       = &Refusal{431, "head too long"}
	ErrFieldCount     = &Refusal{431, "too many fields"}
	ErrChunkSize      = &Refusal{400, "malformed chunk size"}
	ErrChunkExtension = &Refusal{400, "malformed or excessive chunk extension"}
	ErrChunkEnd       = &Refusal{400, "chunk data not followed by CRLF"}
	ErrTrailer        = &Refusal{400, "malformed trailer"}
	ErrTrailerLong    = &Refusal{431, "trailer too long"}
)
