package form

import (
	"encoding/base64"
	"strconv"
	"strings"
	"time"

	"flashstore/engine/s3err"
)

// Policy says what a form may be, and until when.
type Policy struct {
	expires    time.Time
	conditions []condition
	// SizeMin and SizeMax bound the file in bytes; both are inclusive.
	SizeMin, SizeMax int64
}

// condition is one about a field.
type condition struct {
	prefix bool   // starts-with, else eq
	field  string // in lower case, without the dollar; "" without one: then nothing meets it
	value  string
	text   string // as S3 writes it
}

// Operations of conditions, which are read in any case.
const (
	opEqual  = "eq"
	opPrefix = "starts-with"
	opRange  = "content-length-range"
)

// ParsePolicy reads the field of that name: base64 of a JSON document. Errors:
// InvalidPolicyDocument, AccessDenied (a range of what are no numbers).
func ParsePolicy(encoded string) (*Policy, error) {
	text, err := base64.StdEncoding.Strict().DecodeString(encoded)
	if err != nil {
		return nil, invalid("invalid Base64 encoding.")
	}
	d := document{scanner: scanner{text: string(text)}, policy: &Policy{SizeMax: 1<<63 - 1}}
	d.read()
	switch {
	case d.fault != nil:
		return nil, d.fault
	case d.bad:
		return nil, invalid("Invalid JSON.")
	case !d.expiring:
		return nil, invalid("Policy missing expiration.")
	case !d.conditional:
		return nil, invalid("Policy missing conditions.")
	}
	return d.policy, nil
}

func invalid(what string) error {
	return s3err.InvalidPolicyDocument.With("Invalid Policy: " + what)
}

// document reads a policy up to its first fault.
type document struct {
	scanner
	policy                *Policy
	fault                 error // other than of the JSON
	expiring, conditional bool  // seen
}

// fail ends the reading.
func (d *document) fail(err error) {
	if !d.bad {
		d.bad, d.fault = true, err
	}
}

// read reads the whole document. The names of its members have one case, other than those of
// fields.
func (d *document) read() {
	d.each('{', '}', func() {
		name := d.string()
		d.want(':')
		switch {
		case name == "expiration" && !d.expiring:
			d.expiring = true
			d.expiration(d.string())
		case name == "conditions" && !d.conditional:
			d.conditional = true
			d.each('[', ']', d.condition)
		default:
			d.fail(invalid("Unexpected: '" + strings.ToLower(name) + "'"))
		}
	})
	if d.peek() != 0 {
		d.bad = true
	}
}

// expiration takes a time in UTC, to the second or finer, as S3 does: no offset, no space for the
// T.
func (d *document) expiration(text string) {
	when, err := time.Parse("2006-01-02T15:04:05Z", text) // takes a fraction as well
	if err != nil || strings.Contains(text, ",") {
		d.fail(invalid("Invalid 'expiration' value: '" + text + "'"))
	}
	d.policy.expires = when
}

func (d *document) condition() {
	switch d.peek() {
	case '{':
		d.simple()
	case '[':
		d.list()
	default:
		d.fail(invalid("Invalid condition: must be a List or Object."))
	}
}

// simple reads {"acl": "private"}.
func (d *document) simple() {
	members := 0
	d.each('{', '}', func() {
		name := d.string()
		d.want(':')
		if c := d.peek(); '0' <= c && c <= '9' {
			d.fail(invalid("Invalid Simple-Condition: value must be a string."))
		}
		value := d.string()
		d.add(opEqual, "$"+name, value)
		members++
	})
	if members != 1 {
		d.fail(invalid("Invalid Simple-Condition: Simple-Conditions must have exactly one " +
			"property specified."))
	}
}

// list reads ["starts-with", "$key", "user/"] or ["content-length-range", 1, 10].
func (d *document) list() {
	var items []string
	numbers := 0
	d.each('[', ']', func() {
		if len(items) == 3 {
			d.fail(invalid("Invalid Condition: wrong number of arguments."))
		}
		if c := d.peek(); len(items) > 0 && '0' <= c && c <= '9' {
			numbers++
			items = append(items, d.number())
			return
		}
		items = append(items, d.string())
	})
	if len(items) == 0 {
		d.fail(invalid("Invalid Condition: missing operation identifier."))
		return
	}
	op := strings.ToLower(items[0])
	switch {
	case op != opEqual && op != opPrefix && op != opRange:
		d.fail(invalid("Invalid Condition: unknown operation '" + items[0] + "'."))
	case len(items) != 3:
		d.fail(invalid("Invalid " + op + ": wrong number of arguments."))
	case op == opRange:
		d.sizes(items[1], items[2])
	case numbers > 0:
		d.bad = true
	default:
		d.add(op, items[1], items[2])
	}
}

// sizes narrows the range: of several each must hold. Numbers may be written as strings.
func (d *document) sizes(low, high string) {
	least, errLow := strconv.ParseUint(low, 10, 63)
	most, errHigh := strconv.ParseUint(high, 10, 63)
	if errLow != nil || errHigh != nil {
		d.fail(failed(conditionText(opRange, low, high)))
		return
	}
	d.policy.SizeMin = max(d.policy.SizeMin, int64(least))
	d.policy.SizeMax = min(d.policy.SizeMax, int64(most))
}

func (d *document) add(op, field, value string) {
	c := condition{prefix: op == opPrefix, value: value, text: conditionText(op, field, value)}
	if name, dollar := strings.CutPrefix(field, "$"); dollar {
		c.field = strings.ToLower(name)
	}
	d.policy.conditions = append(d.policy.conditions, c)
}

var quotes = strings.NewReplacer(`\`, `\\`, `"`, `\"`)

// conditionText is a condition as S3 tells it, simple ones too.
func conditionText(op, field, value string) string {
	return `["` + op + `", "` + quotes.Replace(field) + `", "` + quotes.Replace(value) + `"]`
}
