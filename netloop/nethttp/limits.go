package nethttp

import (
	"net/http"
	"time"
)

// overLimit returns the status that refuses a head which net/http let pass and Limits do not, or 0.
// net/http counts no fields, knows no limit of the target, and reads 4 KiB more than it is told.
// What it drops, such as white space around a value, is not counted.
func (s *Server) overLimit(r *http.Request) int {
	limits := &s.config.Limits
	const requestLineRest = len("  HTTP/1.1\r\n")
	fields, size := 0, requestLineRest+len(r.Method)+len(r.RequestURI)+len("\r\n")
	count := func(name, value string) {
		fields++
		size += len(name) + len(":") + len(value) + len("\r\n")
	}
	if r.Host != "" {
		count("Host", r.Host)
	}
	for _, coding := range r.TransferEncoding {
		count("Transfer-Encoding", coding)
	}
	if len(r.Trailer) > 0 {
		count("Trailer", "")
	}
	for name, values := range r.Header {
		for _, value := range values {
			count(name, value)
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

// refuse answers a head that is over a limit, and bounds the drain of its body; see boundDrain.
func (s *Server) refuse(w http.ResponseWriter, status int) {
	s.counters.Malformed.Add(1)
	control := http.NewResponseController(w)
	w.Header().Set("Connection", "close")
	w.WriteHeader(status)
	_ = control.SetReadDeadline(time.Now().Add(s.config.Limits.DrainTimeout))
}
