package load

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"strconv"
	"time"

	"flashstore/bench/sign"
)

// template is a request as far as it can be made before it is sent.
type template struct {
	head    []byte // whole, or up to the fields that sign it
	path    string // encoded
	payload string // hash, where fields sign it
}

// templates makes all requests of a run.
func templates(c *Config, now time.Time) []template {
	all := make([]template, len(c.Objects))
	for i := range all {
		o, t := &c.Objects[i], &all[i]
		t.path = sign.Path(o.Path)
		target := t.path
		if c.Signer != nil && c.Presigned {
			target = c.Signer.Presign(c.Method, c.Address, t.path, now, presignedFor)
		}
		t.head = fmt.Appendf(nil, "%s %s HTTP/1.1\r\nHost: %s\r\n", c.Method, target, c.Address)
		if c.Method == http.MethodPut {
			t.head = append(t.head, "Content-Length: "...)
			t.head = append(strconv.AppendInt(t.head, o.Bytes, 10), "\r\n"...)
		}
		switch {
		case c.Signer == nil || c.Presigned:
			t.head = append(t.head, "\r\n"...)
		case c.UnsignedPayload:
			t.payload = sign.Unsigned
		case c.Method == http.MethodPut:
			t.payload = sign.Hash(o.Body)
		default:
			t.payload = sign.Hash(nil)
		}
	}
	return all
}

// plan is the order of requests of one thread.
type plan struct {
	config    *Config
	templates []template
	signer    *sign.Signer // nil where heads are whole
	random    *rand.Rand
	at        int // object that is next, where each is asked for once
	step      int
	issued    uint64
}

func newPlan(c *Config, templates []template, thread int) *plan {
	p := &plan{config: c, templates: templates, at: thread, step: max(1, c.Threads),
		random: rand.New(rand.NewPCG(c.Seed, uint64(thread)))}
	if c.Signer != nil && !c.Presigned {
		p.signer = c.Signer.Clone()
	}
	return p
}

// more says whether there is a next request.
func (p *plan) more() bool { return !p.config.Once || p.at < len(p.templates) }

// next chooses an object, and whether the hash of its body is to be checked.
func (p *plan) next() (object int, hashed bool) {
	p.issued++
	if every := uint64(p.config.HashEvery); every > 0 && p.config.Method == http.MethodGet {
		hashed = p.issued%every == 0
	}
	if p.config.Once {
		object = p.at
		p.at += p.step
		return object, hashed
	}
	return p.random.IntN(len(p.templates)), hashed
}

// head is the head of a request for object. scratch is where it may be made; the head belongs to
// the caller until it makes the next one in the same scratch.
func (p *plan) head(object int, scratch []byte) (head, newScratch []byte) {
	t := &p.templates[object]
	if p.signer == nil {
		return t.head, scratch
	}
	b := append(scratch[:0], t.head...)
	b = p.signer.AppendFields(b, p.config.Method, p.config.Address, t.path, t.payload, time.Now())
	b = append(b, "\r\n"...)
	return b, b
}
