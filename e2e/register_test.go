package e2e

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strconv"
)

// register is what one writer knows about one key: its state at the last acknowledgement or
// read, and what may have come after it. Only its writer uses it.
type register struct {
	path    string
	number  uint64 // makes the contents of two registers different
	first   uint64 // sequence number of the oldest attempt that is remembered
	last    uint64 // sequence number of the latest attempt
	settled uint64 // sequence number of the state that is known, 0: absent
	pending []uint64
	deletes map[uint64]bool // attempts that were deletes
	sizes   map[uint64][]int64
}

// attemptsKept is how many attempts before the settled one are remembered, for better messages.
const attemptsKept = 64

func newRegister(path string, number int) *register {
	return &register{path: path, number: uint64(number), deletes: make(map[uint64]bool),
		sizes: make(map[uint64][]int64)}
}

var (
	// errNoAnswer: the connection broke, so nobody knows.
	errNoAnswer = errors.New("no answer")
	// errUnavailable: the server says that it could not, so nobody knows either.
	errUnavailable = errors.New("unavailable")
	// errLost: what was acknowledged, or read before, is not there.
	errLost = errors.New("lost")
	// errMixed: bytes that no single attempt wrote.
	errMixed = errors.New("mixed")
)

// content is that of part i of an attempt. It is found again from the key and the sequence
// number, which the object's metadata tell.
func (g *register) content(sequence uint64, i int) content {
	return content{g.number<<40 + sequence<<8 + uint64(i), g.sizes[sequence][i]}
}

// attempt makes one change; an upload is multipart even with a single part. It returns
// errNoAnswer when the server died, errUnavailable when it could not, and another error when it
// answered what it must not.
func (g *register) attempt(c *client, r *rand.Rand, sizes []int64, upload bool) error {
	g.last++
	s := g.last
	g.pending = append(g.pending, s)
	var err error
	switch {
	case g.settled != 0 && r.IntN(6) == 0:
		g.deletes[s] = true
		_, err = ask(c, request{method: "DELETE", path: g.path}, http.StatusNoContent)
	case !upload:
		g.sizes[s] = sizes
		_, err = ask(c, request{method: "PUT", path: g.path, body: g.content(s, 0).bytes(),
			header: sequenceHeader(s)}, http.StatusOK)
	default:
		g.sizes[s] = sizes
		err = g.upload(c, s)
	}
	if err == nil {
		g.settle(s)
	}
	return err
}

func sequenceHeader(s uint64) map[string]string {
	return map[string]string{"X-Amz-Meta-Sequence": strconv.FormatUint(s, 10)}
}

// ask sends a request and wants one status.
func ask(c *client, q request, status int) (*answer, error) {
	a, err := c.do(q)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errNoAnswer, err)
	}
	if a.status >= http.StatusInternalServerError || a.code == "InternalError" ||
		a.code == "ServiceUnavailable" { // also behind a 200 that was sent before the work
		return nil, fmt.Errorf("%w: %s %s %v: %v", errUnavailable, q.method, q.path, q.query, a)
	}
	if a.status != status || status == http.StatusOK && a.code != "" {
		return nil, fmt.Errorf("%s %s %v: %v", q.method, q.path, q.query, a)
	}
	return a, nil
}

// upload is attempt by multipart.
func (g *register) upload(c *client, s uint64) error {
	a, err := ask(c, request{method: "POST", path: g.path, query: url.Values{"uploads": {""}},
		header: sequenceHeader(s)}, http.StatusOK)
	if err != nil {
		return err
	}
	id := uploadID(a)
	var tags []string
	for i := range g.sizes[s] {
		a, err := ask(c, request{method: "PUT", path: g.path, body: g.content(s, i).bytes(),
			query: url.Values{"uploadId": {id}, "partNumber": {strconv.Itoa(i + 1)}}},
			http.StatusOK)
		if err != nil {
			return err
		}
		tags = append(tags, a.etag())
	}
	_, err = ask(c, request{method: "POST", path: g.path, query: url.Values{"uploadId": {id}},
		body: completeXML(tags)}, http.StatusOK)
	return err
}

// settle notes that s is the state now: nothing before it can come back. What was tried after
// it, without an answer, may still take effect.
func (g *register) settle(s uint64) {
	for ; g.first+attemptsKept < s; g.first++ {
		delete(g.deletes, g.first)
		delete(g.sizes, g.first)
	}
	g.pending = slices.DeleteFunc(g.pending, func(p uint64) bool { return p <= s })
	g.settled = s
	if g.deletes[s] {
		g.settled = 0
	}
}

// mayBe reports whether the key can be there, or not be there.
func (g *register) mayBe(there bool) bool {
	return there == (g.settled != 0) || slices.ContainsFunc(g.pending, func(s uint64) bool {
		return there == !g.deletes[s]
	})
}

// allowAll takes any attempt that is remembered, or none, for the state: nothing is known.
func (g *register) allowAll() {
	g.settled, g.pending = 0, g.pending[:0]
	for s := max(g.first, 1); s <= g.last; s++ {
		g.pending = append(g.pending, s)
	}
}

// check reads the key: it must be in the known state or in a later one that was attempted. What
// was read is the known state from then on, so a second check finds what goes back in time.
// Attempts after it without an answer stay possible: nobody can say when they take effect, only
// that a later acknowledgement rules them out.
func (g *register) check(c *client) error {
	ctx, cancel := context.WithTimeout(context.Background(), callMax)
	defer cancel()
	res, err := c.open(ctx, request{method: "GET", path: g.path})
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode == http.StatusNotFound {
		return g.checkAbsent()
	}
	if res.StatusCode != http.StatusOK {
		a, err := readAnswer(res)
		if res.StatusCode >= http.StatusInternalServerError {
			err = errors.Join(errUnavailable, err)
		}
		return errors.Join(fmt.Errorf("GET %s: %v", g.path, a), err)
	}
	s, err := strconv.ParseUint(res.Header.Get("X-Amz-Meta-Sequence"), 10, 64)
	if err != nil || s == 0 || s > g.last || g.deletes[s] {
		return fmt.Errorf("GET %s: %w: attempt %d was never made, %v", g.path, errMixed, s, err)
	}
	if g.sizes[s] == nil || s != g.settled && !g.isPending(s) {
		return fmt.Errorf("GET %s: %w: attempt %d, acknowledged %d, later %v", g.path, errLost, s,
			g.settled, g.pending)
	}
	for i := range g.sizes[s] {
		part := g.content(s, i)
		body := &exactly{res.Body, part.sizeBytes}
		if i == len(g.sizes[s])-1 {
			body.n = 1 << 62 // the last one must end where the object does
		}
		if err := part.verify(body, 0, part.sizeBytes); err != nil {
			return fmt.Errorf("GET %s: %w: attempt %d, part %d: %w", g.path, errMixed, s, i+1, err)
		}
	}
	g.settle(s)
	return nil
}

func (g *register) isPending(s uint64) bool {
	return slices.Contains(g.pending, s)
}

func (g *register) checkAbsent() error {
	if g.settled == 0 {
		return nil
	}
	for _, s := range g.pending {
		if g.deletes[s] {
			g.settle(s)
			return nil
		}
	}
	return fmt.Errorf("GET %s: %w: absent, acknowledged %d, later %v", g.path, errLost, g.settled,
		g.pending)
}
