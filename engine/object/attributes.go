package object

import (
	"fmt"
	"slices"
	"time"
)

// Attributes are what may change of a version while its content stays.
type Attributes struct {
	Tags      []Pair // by name
	Retention Retention
	LegalHold LegalHold
}

// LockMode says how strict a Retention is
// (https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-lock.html).
type LockMode string

// The modes.
const (
	Governance LockMode = "GOVERNANCE" // may be bypassed by whoever has the permission
	Compliance LockMode = "COMPLIANCE" // by nobody
)

// Retention protects a version from being deleted until some time. The zero value does not.
type Retention struct {
	Mode  LockMode
	Until time.Time
}

// LegalHold protects a version for as long as it is HoldOn.
type LegalHold string

// The holds; "" was never set.
const (
	HoldOn  LegalHold = "ON"
	HoldOff LegalHold = "OFF"
)

// None reports whether nothing was set.
func (a *Attributes) None() bool {
	return len(a.Tags) == 0 && a.Retention == Retention{} && a.LegalHold == ""
}

// MayDelete says whether a version may be deleted for good; bypass as in Delete.
// Errors: ErrLocked.
func (a *Attributes) MayDelete(now time.Time, bypass bool) error {
	if a.LegalHold == HoldOn {
		return fmt.Errorf("%w: legal hold", ErrLocked)
	}
	return a.Retention.mayEnd(now, bypass)
}

// mayEnd says whether the protection may end now.
func (r *Retention) mayEnd(now time.Time, bypass bool) error {
	switch {
	case r.Mode == "" || !now.Before(r.Until):
		return nil
	case r.Mode == Governance && bypass:
		return nil
	}
	return fmt.Errorf("%w: %s until %s", ErrLocked, r.Mode, r.Until.UTC().Format(time.RFC3339))
}

// MayBecome says whether a retention may be replaced by next: it may always be made longer;
// anything else, governance that becomes compliance too, alters it and takes a bypass
// (https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-lock.html). Errors: ErrLocked.
func (r *Retention) MayBecome(next Retention, now time.Time, bypass bool) error {
	if next.Mode == r.Mode && !next.Until.Before(r.Until) {
		return nil
	}
	return r.mayEnd(now, bypass)
}

// Equal reports whether two versions have the same attributes.
func (a *Attributes) Equal(b *Attributes) bool {
	return slices.Equal(a.Tags, b.Tags) && a.LegalHold == b.LegalHold &&
		a.Retention.Mode == b.Retention.Mode && a.Retention.Until.Equal(b.Retention.Until)
}
