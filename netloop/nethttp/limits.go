package nethttp

import "net/http"

// overLimit returns the status that refuses a head which net/http let pass and Limits do not, or 0.
// net/http counts no fields, knows no limit of the target, and reads 4 KiB more than it is told.
func (s *Server) overLimit(r *http.Request) int {
	limits := &s.config.Limits
	const lineEnds = len("  HTTP/1.1\r\n") + len("\r\n")
	fields, size := 1, lineEnds+len(r.Method)+len(r.RequestURI)+fieldBytes("Host", r.Host)
	for _, coding := range r.TransferEncoding {
		fields, size = fields+1, size+fieldBytes("Transfer-Encoding", coding)
	}
	for name, values := range r.Header {
		for _, value := range values {
			fields, size = fields+1, size+fieldBytes(name, value)
		}
	}
	switch {
	case len(r.RequestURI) > limits.TargetBytesMax:
		return http.StatusRequestURITooLong
	case fields > limits.HeaderCountMax, size > limits.HeadBytesMax:
		return http.StatusRequestHeaderFieldsTooLarge
	}
	return 0
}

// fieldBytes is what a header field takes on a connection of HTTP/1.1.
func fieldBytes(name, value string) int { return len(name) + len(": ") + len(value) + len("\r\n") }
