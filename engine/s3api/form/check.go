package form

import (
	"strings"
	"time"

	"flashstore/engine/s3err"
)

// Check enforces a policy on a form that was sent to a bucket at a time: it has not expired, each
// condition holds, and each field has one. The bucket is that of the URL, whatever a field of that
// name says (CVE-2023-43040). Sizes are the caller's, who reads the file.
// Error: AccessDenied.
func (p *Policy) Check(f *Form, bucket string, now time.Time) error {
	if !now.Before(p.expires) {
		return denied("Policy expired.")
	}
	for i := range p.conditions {
		if c := &p.conditions[i]; !c.holds(f, bucket) {
			return failed(c.text)
		}
	}
	if !p.covers("bucket") {
		return denied("Extra input fields: bucket")
	}
	for i := range f.Fields {
		if name := f.Fields[i].Name; !exempt(name) && !p.covers(name) {
			return denied("Extra input fields: " + name)
		}
	}
	return nil
}

func denied(why string) error {
	return s3err.AccessDenied.With("Invalid according to Policy: " + why)
}

func failed(condition string) error { return denied("Policy Condition failed: " + condition) }

// exempt: "Each form field that you specify in a form (except x-amz-signature, file, policy, and
// field names that have an x-ignore- prefix) must appear in the list of conditions."
func exempt(name string) bool {
	return name == "x-amz-signature" || name == "policy" || strings.HasPrefix(name, "x-ignore-")
}

func (p *Policy) covers(name string) bool {
	for i := range p.conditions {
		if p.conditions[i].field == name {
			return true
		}
	}
	return false
}

// holds: a field that is not there meets no condition, not even that it starts with nothing.
func (c *condition) holds(f *Form, bucket string) bool {
	value, there := f.Get(c.field)
	if c.field == "bucket" {
		value, there = bucket, true
	}
	switch {
	case c.field == "" || !there:
		return false
	case !c.prefix:
		return value == c.value
	case c.field != "content-type":
		return strings.HasPrefix(value, c.value)
	}
	// "Content-Types values for a starts-with condition that include commas are interpreted as lists.
	// Each value in the list must meet the condition for the whole condition to pass."
	for kind := range strings.SplitSeq(value, ",") {
		if !strings.HasPrefix(strings.TrimLeft(kind, " \t"), c.value) {
			return false
		}
	}
	return true
}
