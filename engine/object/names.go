package object

import (
	"fmt"
	"net/netip"
	"strings"
	"unicode/utf8"
)

// ReservedBucket is the path under which the server answers for itself.
const ReservedBucket = "flashstore"

// ValidateBucket applies the general-purpose bucket naming rules of S3
// (https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html).
// Errors wrap ErrBucketName and say which rule was broken.
func ValidateBucket(name string) (BucketName, error) {
	why := bucketFault(name)
	if why != "" {
		return "", fmt.Errorf("%w: %s", ErrBucketName, why)
	}
	return BucketName(name), nil
}

func bucketFault(name string) string {
	switch {
	case len(name) < BucketNameMin || len(name) > BucketNameMax:
		return "3 to 63 characters are allowed"
	case name == ReservedBucket:
		return "the name is reserved"
	case strings.Contains(name, ".."):
		return "two dots stand together"
	case hasAny(name, strings.HasPrefix, "xn--", "sthree-", "amzn-s3-demo-"):
		return "the prefix is reserved"
	case hasAny(name, strings.HasSuffix, "-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3"):
		return "the suffix is reserved"
	}
	for i := 0; i < len(name); i++ {
		c := name[i]
		alnum := 'a' <= c && c <= 'z' || '0' <= c && c <= '9'
		if !alnum && c != '-' && c != '.' {
			return "lower-case letters, digits, dots and hyphens are allowed"
		}
		if !alnum && (i == 0 || i == len(name)-1) {
			return "it begins and ends with a letter or digit"
		}
	}
	// Only digits and dots can be one here; the error of others would be made for nothing.
	if strings.Trim(name, "0123456789.") != "" {
		return ""
	}
	if _, err := netip.ParseAddr(name); err == nil {
		return "it looks like an IP address"
	}
	return ""
}

func hasAny(name string, has func(name, part string) bool, parts ...string) bool {
	for _, part := range parts {
		if has(name, part) {
			return true
		}
	}
	return false
}

// ValidateKey accepts 1 to 1,024 bytes of UTF-8 without NUL; nothing else is interpreted.
// Errors wrap ErrKeyTooLong or ErrKeyInvalid.
func ValidateKey(key string) (Key, error) {
	switch {
	case len(key) > KeyBytesMax:
		return "", ErrKeyTooLong
	case key == "" || !utf8.ValidString(key) || strings.IndexByte(key, 0) >= 0:
		return "", ErrKeyInvalid
	}
	return Key(key), nil
}
