package conformance

import (
	"encoding/xml"
	"fmt"
	"net/http"
	"regexp"
	"strings"
)

// answer is what came back. Its methods assert, and return it.
type answer struct {
	p           *probe
	what        string
	code        int
	header      http.Header
	bytes       []byte
	lengthBytes int64 // Content-Length, -1 without one
}

func (a *answer) String() string {
	if a == nil {
		return "no answer"
	}
	return fmt.Sprintf("%s: %d %.300s", a.what, a.code, a.bytes)
}

// status ends the case if the status is another one: nothing that follows would make sense.
func (a *answer) status(want int) *answer {
	if a.code != want {
		a.p.fatalf("%s: status %d, want %d: %.300s", a.what, a.code, want, a.bytes)
	}
	return a
}

// fails expects an error: its status, its code, and the form that all errors have
// (https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html).
func (a *answer) fails(status int, code string) *answer {
	if strings.HasPrefix(a.what, "HEAD ") || status == http.StatusNotModified {
		if a.status(status); len(a.bytes) != 0 {
			a.p.errorf("%s: %d has a body: %.200s", a.what, status, a.bytes)
		}
		return a
	}
	if a.code != status || !strings.Contains(string(a.bytes), "<Code>"+code+"</Code>") {
		a.p.fatalf("%s: got %d %.400s, want %d %s", a.what, a.code, a.bytes, status, code)
	}
	a.has("Content-Type", "application/xml")
	root := a.xml("Error")
	if root.at("Code") != code || root.at("Message") == "" || root.at("RequestId") == "" {
		a.p.errorf("%s: Code, Message and RequestId in %s", a.what, a.bytes)
	}
	return a
}

// failsAny expects one of several codes, where AWS's pages differ or name none.
func (a *answer) failsAny(status int, codes ...string) *answer {
	for _, code := range codes {
		if strings.Contains(string(a.bytes), "<Code>"+code+"</Code>") {
			return a.fails(status, code)
		}
	}
	return a.fails(status, codes[0])
}

// has expects a header field with exactly this value.
func (a *answer) has(name, want string) *answer {
	if got := a.header.Values(name); len(got) != 1 || got[0] != want {
		a.p.errorf("%s: %s is %q, want %q", a.what, name, got, want)
	}
	return a
}

// matches expects one header field that the whole pattern matches.
func (a *answer) matches(name, pattern string) *answer {
	got := a.header.Values(name)
	if len(got) != 1 || !regexp.MustCompile("^(?:"+pattern+")$").MatchString(got[0]) {
		a.p.errorf("%s: %s is %q, want %s", a.what, name, got, pattern)
	}
	return a
}

// lacks expects that there is no such field.
func (a *answer) lacks(names ...string) *answer {
	for _, name := range names {
		if got := a.header.Values(name); len(got) != 0 {
			a.p.errorf("%s: %s is %q, want none", a.what, name, got)
		}
	}
	return a
}

func (a *answer) text(want string) *answer {
	if got := string(a.bytes); got != want {
		a.p.errorf("%s: body of %d bytes %.100q, want %d bytes %.100q", a.what, len(got), got,
			len(want), want)
	}
	return a
}

func (a *answer) get(name string) string { return a.header.Get(name) }

// node is an element of any XML.
type node struct {
	XMLName xml.Name
	Attrs   []xml.Attr `xml:",any,attr"`
	Nodes   []*node    `xml:",any"`
	Text    string     `xml:",chardata"`
}

// xml reads the body, whose root must be so named and, but for errors, in the name space of S3.
func (a *answer) xml(root string) *node {
	n := &node{}
	if err := xml.Unmarshal(a.bytes, n); err != nil {
		a.p.fatalf("%s: %v in %.300s", a.what, err, a.bytes)
	}
	space := "http://s3.amazonaws.com/doc/2006-03-01/"
	if root == "Error" {
		space = ""
	}
	if n.XMLName.Local != root || n.XMLName.Space != space {
		a.p.errorf("%s: root %q in the name space %q, want %s in %q", a.what, n.XMLName.Local,
			n.XMLName.Space, root, space)
	}
	if !strings.HasPrefix(string(a.bytes), "<?xml ") {
		a.p.errorf("%s: no XML declaration: %.60q", a.what, a.bytes)
	}
	return n
}

// all are the elements at a path, such as "Contents/Owner".
func (n *node) all(path string) []*node {
	first, rest, more := strings.Cut(path, "/")
	var found []*node
	for _, c := range n.Nodes {
		if c.XMLName.Local == first {
			if more {
				found = append(found, c.all(rest)...)
			} else {
				found = append(found, c)
			}
		}
	}
	return found
}

// at is the text of the first element at a path; "" without one.
func (n *node) at(path string) string {
	if found := n.all(path); len(found) > 0 {
		return found[0].Text
	}
	return ""
}

// texts are those of all elements at a path.
func (n *node) texts(path string) (all []string) {
	for _, c := range n.all(path) {
		all = append(all, c.Text)
	}
	return all
}

// has expects the text at a path.
func (a *answer) element(n *node, path, want string) {
	found := n.all(path)
	if len(found) != 1 || found[0].Text != want {
		a.p.errorf("%s: %s is %q, want %q once, in %.500s", a.what, path, n.texts(path), want, a.bytes)
	}
}
