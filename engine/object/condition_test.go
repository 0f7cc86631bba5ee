package object

import (
	"errors"
	"testing"
)

func TestCondition(t *testing.T) {
	list := func(tags ...string) []string { return tags }
	for _, c := range []struct {
		match, none []string
		there       bool
		want        error
	}{
		{nil, nil, false, nil},
		{nil, nil, true, nil},
		{list("e"), nil, true, nil},
		{list("x", "e"), nil, true, nil},
		{list("x"), nil, true, ErrIfMatch},
		{list(""), nil, true, ErrIfMatch},
		{list("*"), nil, true, nil},
		{list("e"), nil, false, ErrNoSuchKey},
		{list("*"), nil, false, ErrNoSuchKey},
		{nil, list("*"), true, ErrIfNoneMatch},
		{nil, list("x", "e"), true, ErrIfNoneMatch},
		{nil, list("x"), true, nil},
		{nil, list("*"), false, nil},
		{nil, list("e"), false, nil},
		{list("e"), list("x"), true, nil},
		{list("e"), list("*"), true, ErrIfNoneMatch},
		{list("x"), list("*"), true, ErrIfMatch},
		{list("e"), list("*"), false, ErrNoSuchKey},
	} {
		only := Condition{c.match, c.none}
		if got := only.Check(c.there, "e"); !errors.Is(got, c.want) {
			t.Errorf("%q, none of %q, there %v: %v, want %v", c.match, c.none, c.there, got, c.want)
		}
		if only.None() != (c.match == nil && c.none == nil) {
			t.Errorf("%q, none of %q: None is %v", c.match, c.none, only.None())
		}
	}
}
