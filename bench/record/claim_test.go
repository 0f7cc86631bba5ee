package record

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

// What a file calls a session makes no folder elsewhere.
func TestClaimStaysBeside(t *testing.T) {
	x := open(t)
	for _, id := range []string{"", ".", "..", "../s", "/s", "a/b", "a/../../b", "s\n", "s\x00"} {
		if c, err := x.Claim(id); !errors.Is(err, errID) {
			t.Errorf("%q: %v, error %v", id, c, err)
		}
	}
	if made, err := os.ReadDir(filepath.Dir(filepath.Dir(x.Path()))); err != nil || len(made) > 0 {
		t.Errorf("made: %v, error %v", made, err)
	}
}

// One writer a session: the next one is told, until the first is gone.
func TestClaim(t *testing.T) {
	x := open(t)
	first, err := x.Claim("s")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := x.Claim("s"); !errors.Is(err, ErrLive) {
		t.Errorf("claimed twice: %v", err)
	}
	other, err := x.Claim("other")
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(first.Release(), other.Release()); err != nil {
		t.Error(err)
	}
	again, err := x.Claim("s")
	if err != nil {
		t.Fatal(err)
	}
	if err := again.Release(); err != nil {
		t.Error(err)
	}
}
