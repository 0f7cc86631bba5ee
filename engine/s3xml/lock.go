package s3xml

import (
	"errors"
	"io"
	"strconv"
	"strings"
	"time"

	"flashstore/engine/object"
)

const lockBytesMax = 64 << 10

// DecodeRetention decodes a Retention: mode and time, or neither.
func DecodeRetention(r io.Reader) (object.Retention, error) {
	var mode, until string
	var seen struct{ mode, until bool }
	s := newScanner(r, lockBytesMax)
	err := s.document("Retention", func(name string) error {
		switch name {
		case "Mode":
			return s.choice(&mode, &seen.mode, string(object.Governance), string(object.Compliance))
		case "RetainUntilDate":
			return s.text(&until, &seen.until)
		}
		return s.unknown(name)
	})
	if err == nil && seen.mode != seen.until {
		err = s.fault(errors.New("a retention lacks its mode or its time"))
	}
	if err != nil || !seen.mode {
		return object.Retention{}, err
	}
	t, err := time.Parse(time.RFC3339, strings.TrimSpace(until))
	if err != nil {
		return object.Retention{}, s.fault(err)
	}
	return object.Retention{Mode: object.LockMode(mode), Until: t.UTC()}, nil
}

// AppendRetention writes a Retention.
func AppendRetention(buf []byte, r object.Retention) []byte {
	w := NewWriter(buf)
	w.Root("Retention")
	w.Text("Mode", string(r.Mode))
	w.Time("RetainUntilDate", r.Until)
	w.Close("Retention")
	return w.Bytes()
}

// DecodeLegalHold decodes a LegalHold.
func DecodeLegalHold(r io.Reader) (object.LegalHold, error) {
	var status string
	var seen bool
	s := newScanner(r, lockBytesMax)
	err := s.document("LegalHold", func(name string) error {
		if name == "Status" {
			return s.choice(&status, &seen, string(object.HoldOn), string(object.HoldOff))
		}
		return s.unknown(name)
	})
	if err == nil && !seen {
		err = s.fault(errors.New("a legal hold without status"))
	}
	return object.LegalHold(status), err
}

// AppendLegalHold writes a LegalHold.
func AppendLegalHold(buf []byte, hold object.LegalHold) []byte {
	w := NewWriter(buf)
	w.Root("LegalHold")
	w.Text("Status", string(hold))
	w.Close("LegalHold")
	return w.Bytes()
}

// LockRule is the rule of an ObjectLockConfiguration. Days and Years may be any numbers.
type LockRule struct {
	Mode        object.LockMode // "": there is no rule
	Days, Years int
}

// DecodeObjectLock decodes an ObjectLockConfiguration, which enables object lock.
func DecodeObjectLock(r io.Reader) (rule LockRule, err error) {
	var enabled string
	var seen struct{ enabled, rule bool }
	s := newScanner(r, lockBytesMax)
	err = s.document("ObjectLockConfiguration", func(name string) error {
		switch {
		case name == "ObjectLockEnabled":
			return s.choice(&enabled, &seen.enabled, "Enabled")
		case name == "Rule" && !seen.rule:
			seen.rule = true
			return s.lockRule(&rule)
		}
		return s.unknown(name)
	})
	if err == nil && !seen.enabled {
		err = s.fault(errors.New("object lock is not enabled"))
	}
	return rule, err
}

func (s *scanner) lockRule(rule *LockRule) error {
	err := s.children(func(name string) error {
		if name != "DefaultRetention" || rule.Mode != "" {
			return s.unknown(name)
		}
		return s.defaultRetention(rule)
	})
	if err == nil && rule.Mode == "" {
		err = s.fault(errors.New("a rule without default retention"))
	}
	return err
}

func (s *scanner) defaultRetention(rule *LockRule) error {
	var mode string
	var seen struct{ mode, days, years bool }
	err := s.children(func(name string) error {
		switch name {
		case "Mode":
			return s.choice(&mode, &seen.mode, string(object.Governance), string(object.Compliance))
		case "Days":
			return s.int(&rule.Days, &seen.days)
		case "Years":
			return s.int(&rule.Years, &seen.years)
		}
		return s.unknown(name)
	})
	if err == nil && (!seen.mode || seen.days == seen.years) {
		err = s.fault(errors.New("a default retention has a mode, and days or years"))
	}
	rule.Mode = object.LockMode(mode)
	return err
}

// int is text that is a number of 32 bits.
func (s *scanner) int(into *int, seen *bool) error {
	var text string
	if err := s.text(&text, seen); err != nil {
		return err
	}
	n, err := strconv.ParseInt(strings.TrimSpace(text), 10, 32)
	if err != nil {
		return s.fault(errors.New("not a number"))
	}
	*into = int(n)
	return nil
}

// AppendObjectLock writes the ObjectLockConfiguration of a bucket that has object lock.
func AppendObjectLock(buf []byte, d object.DefaultRetention) []byte {
	w := NewWriter(buf)
	w.Root("ObjectLockConfiguration")
	w.Text("ObjectLockEnabled", "Enabled")
	if d.Mode != "" {
		w.Open("Rule")
		w.Open("DefaultRetention")
		w.Text("Mode", string(d.Mode))
		if d.Years > 0 {
			w.Int("Years", int64(d.Years))
		} else {
			w.Int("Days", int64(d.Days))
		}
		w.Close("DefaultRetention")
		w.Close("Rule")
	}
	w.Close("ObjectLockConfiguration")
	return w.Bytes()
}
