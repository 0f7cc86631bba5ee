package iam

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"flashstore/engine/sigv4"
)

var _ sigv4.KeySource = (*Root)(nil)

func TestRootAndNobodyElse(t *testing.T) {
	r, err := NewRoot(Credentials{"root-user", "correct horse"})
	if err != nil {
		t.Fatal(err)
	}
	secret, generation, ok := r.Secret([]byte("root-user"))
	if !ok || secret != "correct horse" || generation == 0 {
		t.Errorf("got %q, %d, %v", secret, generation, ok)
	}
	if !r.Authorize("root-user", "s3:PutObject", "b", "k") || !r.AuthorizeAdmin("root-user", "x") {
		t.Error("root is refused")
	}
	for _, other := range []string{"", "root-use", "root-user2", "ROOT-USER"} {
		if _, _, ok := r.Secret([]byte(other)); ok {
			t.Errorf("%q has a secret", other)
		}
		if r.Authorize(other, "s3:GetObject", "b", "k") || r.AuthorizeAdmin(other, "x") {
			t.Errorf("%q is allowed", other)
		}
	}
}

func TestBadCredentialsAreRefused(t *testing.T) {
	for c, want := range map[Credentials]error{
		{"ab", "long enough"}: ErrShort, {"abc", "1234567"}: ErrShort, {"", ""}: ErrShort,
		{"minioadmin", "minioadmin"}: ErrWellKnown, {"admin", "PassWord"}: ErrWellKnown,
		{"samesame", "samesame"}: ErrWellKnown, {"abc", "zzzzzzzzzzz"}: ErrWellKnown,
		{"a/b", "long enough"}: ErrCharacters, {"a b", "long enough"}: ErrCharacters,
		{"abc", "long\nenough"}:                   ErrCharacters,
		{strings.Repeat("a", 129), "long enough"}: ErrCharacters,
	} {
		_, err := NewRoot(c)
		if !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", c, err, want)
		}
		if err != nil && len(c.Secret) > 3 && strings.Contains(err.Error(), c.Secret) {
			t.Errorf("the error tells the secret: %v", err)
		}
	}
}

func TestGeneratedAreGoodAndDiffer(t *testing.T) {
	a, b := Generate(), Generate()
	if a == b || a.Validate() != nil || b.Validate() != nil {
		t.Errorf("%v, %v", a.Validate(), b.Validate())
	}
	if s := fmt.Sprintf("%v %+v %#v %s", a, a, a, a); strings.Contains(s, a.Secret) {
		t.Errorf("printed: %s", s)
	}
}
