package erasure

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	"flashstore/engine/object"
)

// client is one goroutine that does one operation after the other on one key.
type client struct {
	round  *round
	key    object.Key
	random *rand.Rand
	events []event
	last   int // the state that it saw last
}

// outcomes count operations by what came of them.
type outcomes struct {
	done, refused, unknown, unanswered atomic.Int64
}

func (o *outcomes) total() int64 {
	return o.done.Load() + o.refused.Load() + o.unknown.Load() + o.unanswered.Load()
}

func (o *outcomes) add(more *outcomes) {
	o.done.Add(more.done.Load())
	o.refused.Add(more.refused.Load())
	o.unknown.Add(more.unknown.Load())
	o.unanswered.Add(more.unanswered.Load())
}

// sizeOf and contentOf are what write number n stores: nothing, an inline shard, or one in bulk
// storage.
func sizeOf(n int) int {
	switch n % 12 {
	case 0:
		return 0
	case 1, 2:
		return 3<<10 + n%(20<<10)
	default:
		return 1 + n%900
	}
}

func contentOf(n int) []byte { return pattern(sizeOf(n), uint64(n)) }

func tagOf(n int) string { return "w" + strconv.Itoa(n) }

// numberOf is the write that an entity tag is of.
func numberOf(tag string) (int, error) {
	if !strings.HasPrefix(tag, "w") {
		return 0, fmt.Errorf("the entity tag %q is of no write", tag)
	}
	return strconv.Atoi(tag[1:])
}

// only makes a condition of a state, and none of anything.
func only(state int) object.Condition {
	switch state {
	case anything:
		return object.Condition{}
	case absentState:
		return noneMatch(object.AnyETag)
	default:
		return match(tagOf(state))
	}
}

// act does one operation.
func (c *client) act(ctx context.Context) {
	switch p := c.random.IntN(100); {
	case p < 18:
		c.read("GET", func() (int, error) { return c.get(ctx) })
	case p < 28:
		c.read("HEAD", func() (int, error) { return c.head(ctx) })
	case p < 36:
		c.read("LIST", func() (int, error) { return c.list(ctx) })
	case p < 50:
		c.read("GET at once", c.getNow)
	case p < 62:
		c.write("PUT", anything, c.put(ctx))
	case p < 72:
		c.write("PUT", absentState, c.put(ctx))
	case p < 82:
		c.write("PUT", c.wanted(), c.put(ctx))
	case p < 88:
		c.upload(ctx)
	case p < 94:
		c.write("DELETE", anything, c.remove(ctx))
	default:
		if at := c.wanted(); at > absentState {
			c.write("DELETE", at, c.remove(ctx))
		}
	}
}

// wanted is a state for a condition: mostly the last that was seen.
func (c *client) wanted() int {
	if c.last == absentState && c.random.IntN(4) > 0 {
		return anything
	}
	return c.last
}

var errNotAtOnce = errors.New("not in memory")

// read does an operation that sees a state. What is not answered says nothing.
func (c *client) read(what string, do func() (int, error)) {
	e := event{what: what, deed: deedSee, only: anything, call: c.round.clock.tick()}
	state, err := do()
	e.end, e.state = c.round.clock.tick(), state
	switch {
	case errors.Is(err, object.ErrNoSuchKey):
		e.state, err = absentState, nil
	case errors.Is(err, errNotAtOnce):
		return
	}
	if err != nil {
		c.round.counts.unanswered.Add(1)
		c.round.expect(c.key, what, err)
		return
	}
	c.round.counts.done.Add(1)
	c.last = e.state
	c.events = append(c.events, e)
}

// write does an operation that changes the state, where the condition holds.
func (c *client) write(what string, want int, do func(number int, only object.Condition) error) {
	e := event{what: what, deed: deedWrite, state: c.round.numbers.next(), only: want,
		call: c.round.clock.tick()}
	if what == "DELETE" {
		e.deed, e.state = deedRemove, absentState
	}
	err := do(e.state, only(want))
	e.end = c.round.clock.tick()
	c.answered(e, err)
}

// answered adds a write with what its client was told.
func (c *client) answered(e event, err error) {
	counts := &c.round.counts
	switch {
	case err == nil:
		counts.done.Add(1)
		c.last = e.state
	case errors.Is(err, object.ErrNoSuchKey) && e.only > absentState:
		counts.refused.Add(1)
		e.deed, e.state = deedSee, absentState
	case errors.Is(err, object.ErrIfMatch), errors.Is(err, object.ErrIfNoneMatch):
		counts.refused.Add(1)
		at, fault := numberOf(err.Error()[strings.LastIndex(err.Error(), " ")+1:])
		if fault != nil || at == e.only || e.only == anything {
			c.round.fail("%s of %s on %d: %v", e.what, c.key, e.only, err)
		}
		e.deed, e.state = deedSee, at
	default:
		counts.unknown.Add(1)
		c.round.expect(c.key, e.what, err)
		e.unknown = true
	}
	if e.deed == deedSee {
		e.what, e.only, c.last = e.what+" refused", anything, e.state
	}
	c.events = append(c.events, e)
}

func (c *client) put(ctx context.Context) func(int, object.Condition) error {
	return func(n int, only object.Condition) error {
		_, err := c.round.store().PutObject(ctx, putNumber(c.key, n, tagOf(n), only))
		return err
	}
}

func putNumber(key object.Key, n int, tag string, only object.Condition) *object.Put {
	return &object.Put{Bucket: "bucket", Key: key, SizeBytes: int64(sizeOf(n)), If: only,
		Body: bytes.NewReader(contentOf(n)),
		Seal: func(i *object.Info) error { i.ETag = tag; return nil }}
}

func (c *client) remove(ctx context.Context) func(int, object.Condition) error {
	return func(_ int, only object.Condition) error {
		return removeIf(ctx, c.round.store(), "bucket", c.key, only)
	}
}

// upload makes an object of one part. The write is the Complete; an upload that does not get there is
// none.
func (c *client) upload(ctx context.Context) {
	s, n := c.round.store(), c.round.numbers.next()
	id, err := s.CreateUpload(ctx, &object.NewUpload{Bucket: "bucket", Key: c.key})
	if err == nil {
		p := putNumber(c.key, n, "part", object.Condition{})
		_, err = s.PutPart(ctx, &object.PutPart{Put: *p, Upload: id, Number: 1})
	}
	if err != nil {
		c.round.expect(c.key, "upload", err)
		return
	}
	want := []int{anything, absentState, c.wanted()}[c.random.IntN(3)]
	complete := func() error {
		_, err := s.CompleteUpload(ctx, &object.Complete{Bucket: "bucket", Key: c.key, Upload: id,
			If: only(want), Parts: []object.CompletePart{{Number: 1, ETag: "part"}},
			Seal: func(_ []object.Part, i *object.Info) error { i.ETag = tagOf(n); return nil }})
		return err
	}
	e := event{what: "Complete", deed: deedWrite, state: n, only: want, call: c.round.clock.tick()}
	err = complete()
	e.end = c.round.clock.tick()
	c.answered(e, err)
	if e := &c.events[len(c.events)-1]; e.unknown {
		c.again(e, complete, func() error { return s.AbortUpload(ctx, "bucket", c.key, id) })
	}
}

// again repeats a Complete whose outcome is unknown, or aborts it. However often it is called, it takes
// effect once; and not behind an Abort, nor once the upload is gone.
func (c *client) again(e *event, complete, abort func() error) {
	for range c.random.IntN(4) {
		what, do := "Complete again", complete
		if c.random.IntN(3) == 0 {
			what, do = "Abort", abort
		}
		err := do()
		switch end := c.round.clock.tick(); {
		case err == nil && what != "Abort":
			e.what, e.unknown, e.end = e.what+", again", false, end
			c.last = e.state
			return
		case err == nil, errors.Is(err, object.ErrNoSuchUpload):
			e.what, e.until = e.what+", "+what, end
			return
		case errors.Is(err, object.ErrNoSuchKey), errors.Is(err, object.ErrIfMatch),
			errors.Is(err, object.ErrIfNoneMatch):
			return
		default:
			c.round.expect(c.key, what, err)
		}
	}
}

func (c *client) get(ctx context.Context) (int, error) {
	h, err := c.round.store().Open(ctx, object.Ref{Bucket: "bucket", Key: c.key})
	if err != nil {
		return 0, err
	}
	return c.content(ctx, h)
}

// heap is the memory of a Nearby.
type heap struct{}

func (heap) Alloc(bytes int) []byte { return make([]byte, bytes) }

func (c *client) getNow() (int, error) {
	h, now := c.round.store().OpenNow("bucket", c.key, true, heap{})
	if !now {
		return 0, errNotAtOnce
	}
	return c.content(context.Background(), h)
}

// content reads an object to its end: it is that of one write, whole.
func (c *client) content(ctx context.Context, h object.Handle) (int, error) {
	defer h.Close()
	n, err := numberOf(h.Info().ETag)
	if err != nil {
		c.round.fail("%s: %v", c.key, err)
		return 0, err
	}
	var got []byte
	for {
		bufs, err := h.Next(ctx)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return 0, err
		}
		got = append(got, bytes.Join(bufs, nil)...)
	}
	if !bytes.Equal(got, contentOf(n)) {
		c.round.fail("%s: %d bytes that are not those of write %d", c.key, len(got), n)
	}
	return n, nil
}

func (c *client) head(ctx context.Context) (int, error) {
	info, err := c.round.store().Stat(ctx, object.Ref{Bucket: "bucket", Key: c.key})
	if err != nil {
		return 0, err
	}
	return numberOf(info.ETag)
}

func (c *client) list(ctx context.Context) (int, error) {
	page, err := c.round.store().List(ctx, "bucket", object.ListQuery{Prefix: string(c.key), Max: 2})
	switch {
	case err != nil:
		return 0, err
	case len(page.Entries) == 0:
		return absentState, nil
	case len(page.Entries) > 1 || page.Entries[0].Info.Key != c.key:
		c.round.fail("the list of %s: %+v", c.key, page)
	}
	return numberOf(page.Entries[0].Info.ETag)
}

// numbering hands out numbers of writes.
type numbering struct {
	mu sync.Mutex
	n  int
}

func (n *numbering) next() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.n++
	return n.n
}
