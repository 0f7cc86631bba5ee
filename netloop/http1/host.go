package http1

import (
	"bytes"
	"strings"
)

// validHost accepts host [":" port] of RFC 3986 section 3.2.2, without userinfo and without
// comma, which is legal there but splits lists elsewhere. An empty host is legal there as well, but
// no http URI has one (RFC 9110 section 4.2.1).
func validHost(b []byte) bool {
	if len(b) > 0 && b[0] == '[' {
		end := bytes.IndexByte(b, ']')
		return end > 0 && validIPv6(b[1:end]) && validPort(b[end+1:])
	}
	colon := bytes.IndexByte(b, ':')
	if colon < 0 {
		colon = len(b)
	}
	return colon > 0 && validName(b[:colon]) && validPort(b[colon:])
}

func validPort(b []byte) bool {
	if len(b) == 0 {
		return true
	}
	if b[0] != ':' || len(b) > len(":65535") {
		return false
	}
	for _, c := range b[1:] {
		if c < '0' || c > '9' {
			return false
		}
	}
	return true
}

// validName: a reg-name, which an IPv4 address is too; escapes are whole.
func validName(b []byte) bool {
	for i := 0; i < len(b); i++ {
		if b[i] == '%' {
			if len(b) < i+3 || !isHexDigit(b[i+1]) || !isHexDigit(b[i+2]) {
				return false
			}
			i += 2
		} else if !isHostByte(b[i]) {
			return false
		}
	}
	return true
}

// isHostByte: unreserved, and sub-delims without comma.
func isHostByte(c byte) bool {
	switch {
	case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		return true
	}
	return strings.IndexByte("-._~!$&'()*+;=", c) >= 0
}

// validIPv6 accepts an IPv6 address without a zone.
func validIPv6(b []byte) bool {
	groups, gap := 0, false
	if len(b) >= 2 && b[0] == ':' && b[1] == ':' {
		gap, b = true, b[2:]
	}
	for len(b) > 0 {
		digits := 0
		for digits < len(b) && isHexDigit(b[digits]) {
			digits++
		}
		if digits < len(b) && b[digits] == '.' {
			groups += 2
			if !validIPv4(b) {
				return false
			}
			break
		}
		if digits == 0 || digits > 4 {
			return false
		}
		groups++
		if b = b[digits:]; len(b) == 0 {
			break
		}
		if b[0] != ':' || len(b) == 1 {
			return false
		}
		if b = b[1:]; b[0] == ':' {
			if gap {
				return false
			}
			gap, b = true, b[1:]
		}
	}
	return groups == 8 && !gap || groups < 8 && gap
}

// validIPv4 accepts four numbers up to 255 without leading zeros.
func validIPv4(b []byte) bool {
	for part := 1; ; part++ {
		value, digits := 0, 0
		for digits < len(b) && '0' <= b[digits] && b[digits] <= '9' && digits < 4 {
			value = value*10 + int(b[digits]-'0')
			digits++
		}
		if digits == 0 || value > 255 || digits > 1 && b[0] == '0' {
			return false
		}
		b = b[digits:]
		if part == 4 {
			return len(b) == 0
		}
		if len(b) == 0 || b[0] != '.' {
			return false
		}
		b = b[1:]
	}
}

func isHexDigit(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F'
}
