package s3err

import (
	"errors"
	"slices"

	"flashstore/engine/sigv4"
)

// Error is one S3 error code as a Go error. The variables of this package are never changed;
// With and Detail return copies.
type Error struct {
	Code    string
	Status  int // of HTTP
	Message string
	// Extra are further elements of the XML answer, as name and value.
	Extra [][2]string
}

func (e *Error) Error() string { return "s3: " + e.Code + ": " + e.Message }

// Is makes errors.Is compare by code.
func (e *Error) Is(target error) bool {
	t, ok := target.(*Error)
	return ok && t.Code == e.Code
}

// With returns e with another message, which the client will read.
func (e *Error) With(message string) *Error {
	c := *e
	c.Message = message
	return &c
}

// Detail returns e with one more element in its XML answer.
func (e *Error) Detail(name, value string) *Error {
	c := *e
	c.Extra = append(slices.Clone(e.Extra), [2]string{name, value})
	return &c
}

// Of returns the code that err becomes, and whether it is a foreseen one: an unforeseen error
// is InternalError and belongs in the log.
func Of(err error) (e *Error, foreseen bool) {
	if errors.As(err, &e) {
		return e, true
	}
	for i := range table {
		if errors.Is(err, table[i].sentinel) {
			e = table[i].code
			var region *sigv4.RegionError
			if errors.As(err, &region) {
				e = e.With("The region of the credential is wrong; expecting '"+
					region.Expected+"'.").Detail("Region", region.Expected)
			}
			return e, true
		}
	}
	return InternalError, false
}

// ByCode returns the error of a code as AWS spells it.
func ByCode(code string) (*Error, bool) {
	for _, e := range codes {
		if e.Code == code {
			return e, true
		}
	}
	return nil, false
}
