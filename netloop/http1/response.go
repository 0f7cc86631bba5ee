package http1

import "strconv"

// Continue is the interim answer to Expect: 100-continue.
const Continue = "HTTP/1.1 100 Continue\r\n\r\n"

// Framing lines of a chunked body.
const (
	ChunkEnd  = "\r\n"
	ChunkLast = "0\r\n\r\n"
)

// AppendStatusLine appends the status line of a response.
func AppendStatusLine(dst []byte, status int) []byte {
	if status == 200 {
		return append(dst, "HTTP/1.1 200 OK\r\n"...)
	}
	dst = append(dst, "HTTP/1.1 "...)
	dst = strconv.AppendInt(dst, int64(status), 10)
	dst = append(dst, ' ')
	dst = append(dst, reason(status)...)
	return append(dst, "\r\n"...)
}

// AppendField appends a field line; ok is false, and dst as it was, if the name is no token
// or the value has a byte that no field may have.
func AppendField(dst, name, value []byte) (_ []byte, ok bool) {
	if !allToken(name) || !allFieldBytes(value) {
		return dst, false
	}
	dst = append(dst, name...)
	dst = append(dst, ": "...)
	dst = append(dst, value...)
	return append(dst, "\r\n"...), true
}

// AppendContentLength appends the field Content-Length.
func AppendContentLength(dst []byte, bytes int64) []byte {
	dst = append(dst, "Content-Length: "...)
	dst = strconv.AppendInt(dst, bytes, 10)
	return append(dst, "\r\n"...)
}

// AppendChunkSize appends the line before a chunk of so many bytes, more than 0.
func AppendChunkSize(dst []byte, bytes int64) []byte {
	dst = strconv.AppendInt(dst, bytes, 16)
	return append(dst, "\r\n"...)
}

// reason is the phrase for a status, never empty: RFC 9112, 4 allows an empty one, but botocore,
// while it waits for a 100, takes a line without three words for a broken connection.
func reason(status int) string {
	switch status {
	case 201:
		return "Created"
	case 204:
		return "No Content"
	case 206:
		return "Partial Content"
	case 301:
		return "Moved Permanently"
	case 303:
		return "See Other"
	case 304:
		return "Not Modified"
	case 307:
		return "Temporary Redirect"
	case 400:
		return "Bad Request"
	case 401:
		return "Unauthorized"
	case 403:
		return "Forbidden"
	case 404:
		return "Not Found"
	case 405:
		return "Method Not Allowed"
	case 408:
		return "Request Timeout"
	case 409:
		return "Conflict"
	case 411:
		return "Length Required"
	case 412:
		return "Precondition Failed"
	case 413:
		return "Content Too Large"
	case 414:
		return "URI Too Long"
	case 416:
		return "Range Not Satisfiable"
	case 417:
		return "Expectation Failed"
	case 431:
		return "Request Header Fields Too Large"
	case 500:
		return "Internal Server Error"
	case 501:
		return "Not Implemented"
	case 503:
		return "Service Unavailable"
	case 505:
		return "HTTP Version Not Supported"
	case 507:
		return "Insufficient Storage"
	}
	return "Other"
}
