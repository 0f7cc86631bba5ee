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
	last    uint64 // sequence number of the latest attempt
	settled uint64 // sequence number of the state that is known, 0: absent
	pending []uint64
	deletes map[uint64]bool // attempts that were deletes
	sizes   map[uint64][]int64
}

func newRegister(path string, number int) *register {
	return &register{path: path, number: uint64(number), deletes: make(map[uint64]bool),
		sizes: make(map[uint64][]int64)}
}

// errNoAnswer: the connection broke, so nobody knows.
var errNoAnswer = errors.New("no answer")

// content is that of part i of an attempt. It is found again from the key and the sequence
// number, which the object's metadata tell.
func (g *register) content(sequence uint64, i int) content {
	return content{g.number<<40 + sequence<<8 + uint64(i), g.sizes[sequence][i]}
}

// attempt makes one change. It returns errNoAnswer when the server died, and another error when
// it answered what it must not.
func (g *register) attempt(c *client, r *rand.Rand, sizes []int64) error {
	g.last++
	s := g.last
	g.pending = append(g.pending, s)
	var err error
	switch {
	case g.settled != 0 && r.IntN(6) == 0:
		g.deletes[s] = true
		_, err = ask(c, request{method: "DELETE", path: g.path}, http.StatusNoContent)
	case len(sizes) == 1:
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

// settle notes that s is the state now; nothing before it can come back.
func (g *register) settle(s uint64) {
	if g.deletes[s] {
		s = 0
	}
	g.settled, g.pending = s, g.pending[:0]
}

// check reads the key: it must be in the known state or in a later one that was attempted. What
// was read is the known state from then on, so a second check finds what goes back in time.
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
		return errors.Join(fmt.Errorf("GET %s: %v", g.path, a), err)
	}
	s, err := strconv.ParseUint(res.Header.Get("X-Amz-Meta-Sequence"), 10, 64)
	if err != nil || g.sizes[s] == nil || s != g.settled && !g.isPending(s) {
		return fmt.Errorf("GET %s: attempt %d, acknowledged %d, later %v", g.path, s, g.settled,
			g.pending)
	}
	for i := range g.sizes[s] {
		part := g.content(s, i)
		body := &exactly{res.Body, part.sizeBytes}
		if i == len(g.sizes[s])-1 {
			body.n = 1 << 62 // the last one must end where the object does
		}
		if err := part.verify(body, 0, part.sizeBytes); err != nil {
			return fmt.Errorf("GET %s: attempt %d, part %d: %w", g.path, s, i+1, err)
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
		g.pending = g.pending[:0]
		return nil
	}
	for _, s := range g.pending {
		if g.deletes[s] {
			g.settle(s)
			return nil
		}
	}
	return fmt.Errorf("GET %s: absent, acknowledged %d, later %v", g.path, g.settled, g.pending)
}
