package record

import (
	"errors"
	"testing"
)

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
