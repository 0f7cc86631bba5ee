package object

import (
	"errors"
	"strings"
	"testing"
)

func TestValidateBucket(t *testing.T) {
	for _, good := range []string{"abc", "a.b-c", "0ab", "flashstore-x", strings.Repeat("a", 63)} {
		if got, err := ValidateBucket(good); err != nil || string(got) != good {
			t.Errorf("%q is refused: %v", good, err)
		}
	}
	for _, bad := range []string{"", "ab", strings.Repeat("a", 64), "Abc", "a_b", "a..b", "-ab",
		"ab-", ".ab", "ab.", "192.168.5.4", "flashstore", "xn--abc", "sthree-abc", "a-s3alias",
		"a--ol-s3", "amzn-s3-demo-a", "a.mrap", "a--x-s3", "a--table-s3", "ä-b", "a/b", "a b"} {
		if _, err := ValidateBucket(bad); !errors.Is(err, ErrBucketName) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

func TestValidateKey(t *testing.T) {
	long := strings.Repeat("k", KeyBytesMax)
	for _, good := range []string{"a", "..", "a/../b", "//", "a/", "%2e%2e", `a\b`, "ä ö", long} {
		if got, err := ValidateKey(good); err != nil || string(got) != good {
			t.Errorf("%q is refused or changed: %v", good, err)
		}
	}
	for bad, want := range map[string]error{"": ErrKeyInvalid, "a\x00b": ErrKeyInvalid,
		"\xff": ErrKeyInvalid, "a\xc0\xafb": ErrKeyInvalid, long + "k": ErrKeyTooLong} {
		if _, err := ValidateKey(bad); !errors.Is(err, want) {
			t.Errorf("%q: %v, want %v", bad, err, want)
		}
	}
}
