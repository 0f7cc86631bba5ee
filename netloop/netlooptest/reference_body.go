package netlooptest

import (
	"strconv"
	"strings"

	"flashstore/netloop"
)

// chunkExtensionsMax is what the extensions of one body may have together, in bytes.
const chunkExtensionsMax = 4 << 10

// readBody returns the body of m and what follows it; whole is false if it is malformed, then
// with a status, or not all there.
func readBody(m *Message, in string, limits *netloop.Limits) (
	body, rest string, whole bool, status int) {
	if m.Length >= 0 {
		if int64(len(in)) < m.Length {
			return "", "", false, 0
		}
		return in[:m.Length], in[m.Length:], true, 0
	}
	return ReadChunked(in, limits)
}

// ReadChunked is Read for a chunked body alone.
func ReadChunked(in string, limits *netloop.Limits) (body, rest string, whole bool, status int) {
	extensions := 0
	for {
		line, after, complete := strings.Cut(in, "\n")
		size, extension, fits := readSize(line, complete)
		extensions += len(extension)
		if !fits || extensions > chunkExtensionsMax {
			return body, "", false, 400
		}
		if !complete {
			return body, "", false, 0
		}
		if size == 0 {
			rest, whole, status = readTrailer(after, limits)
			return body, rest, whole, status
		}
		taken := min(int64(len(after)), size)
		body += after[:taken]
		in = after[taken:]
		if n := min(len(in), len("\r\n")); in[:n] != "\r\n"[:n] {
			return body, "", false, 400
		}
		if len(in) < len("\r\n") {
			return body, "", false, 0
		}
		in = in[len("\r\n"):]
	}
}

// readSize reads a size line without its LF; where that has not come yet, complete is false and
// the line is the beginning of one.
func readSize(line string, complete bool) (size int64, extension string, fits bool) {
	text, ended := strings.CutSuffix(line, "\r")
	if complete && !ended {
		return 0, "", false
	}
	number, extension, extended := strings.Cut(text, ";")
	if number == "" {
		return 0, "", !ended && !extended && !complete
	}
	value, err := strconv.ParseUint(number, 16, 63)
	if err != nil || len(number) > 16 || !made(number, hexDigits) || !fieldText(extension) {
		return 0, "", false
	}
	return int64(value), extension, true
}

// readTrailer reads what comes after the last chunk's line.
func readTrailer(in string, limits *netloop.Limits) (rest string, whole bool, status int) {
	for left := in; ; {
		line, after, complete := strings.Cut(left, "\n")
		if len(in)-len(after) > limits.TrailerBytesMax {
			return "", false, 400
		}
		text, ended := strings.CutSuffix(line, "\r")
		if complete && !ended {
			return "", false, 400
		}
		if text == "" && complete {
			return after, true, 0
		}
		name, value, colon := strings.Cut(text, ":")
		switch {
		case name == "" && !colon && !complete: // nothing, or the CR of the end
		case !made(name, tchars), !colon && (complete || ended), !fieldText(value):
			return "", false, 400
		}
		switch lower(name) {
		case "content-length", "transfer-encoding", "host", "authorization":
			if colon {
				return "", false, 400
			}
		}
		if !complete {
			return "", false, 0
		}
		left = after
	}
}
