//go:build amd64 || arm64

package uring

import (
	"slices"
	"sync"
	"syscall"
	"testing"

	"flashstore/ioengine"
)

// counter notes how many requests of operations each enter hands over.
type counter struct {
	mu    sync.Mutex
	taken []int
	// gate, if set, holds the first enter that has some until it is closed; met is closed then.
	gate, met chan struct{}
}

func (c *counter) enter(q *queues, submit, wait int) syscall.Errno {
	n := 0
	q.waiting(func(s *sqe) {
		if uint32(s.userData) != wakeSlot {
			n++
		}
	})
	if n > 0 {
		c.mu.Lock()
		c.taken = append(c.taken, n)
		first := len(c.taken) == 1
		c.mu.Unlock()
		if first && c.gate != nil {
			close(c.met)
			<-c.gate
		}
	}
	return enter(q.fd, submit, wait)
}

func (c *counter) mustHave(t *testing.T, want ...int) {
	t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	if !slices.Equal(c.taken, want) {
		t.Fatalf("enters handed over %v requests, not %v", c.taken, want)
	}
}

// shards are the operations of one request on k+m drives.
const shards = 12

func shardOps(t *testing.T, e *Engine, kind ioengine.Kind) []ioengine.Op {
	t.Helper()
	data := blocks(shards)
	var ops []ioengine.Op
	for i := range shards {
		f := newFile(t, e, true)
		at := i * ioengine.AlignBytes
		op := write(f, 0, data[at:at+ioengine.AlignBytes])
		op.Kind, op.DSync = kind, kind == ioengine.Write
		ops = append(ops, op)
	}
	return ops
}

// TestOneEnterPerRequest: all shard operations of a request go to the kernel in one call.
func TestOneEnterPerRequest(t *testing.T) {
	for name, kind := range map[string]ioengine.Kind{
		"write": ioengine.Write, "sync": ioengine.DataSync,
	} {
		t.Run(name, func(t *testing.T) {
			var c counter
			e := testEngine(t, Config{}, c.enter)
			mustRun(t, e, shardOps(t, e, kind)...)
			c.mustHave(t, shards)
			mustClose(t, e)
		})
	}
}

// TestOneEnterForRequestsInLine: so do the operations of all requests that came while the ring
// was at work.
func TestOneEnterForRequestsInLine(t *testing.T) {
	c := counter{gate: make(chan struct{}), met: make(chan struct{})}
	e := testEngine(t, Config{}, c.enter)
	var all sync.WaitGroup
	submit := func() {
		all.Add(1)
		e.Submit(&ioengine.Batch{Ops: shardOps(t, e, ioengine.Write), Done: func(b *ioengine.Batch) {
			if err := b.Err(); err != nil {
				t.Error(err)
			}
			all.Done()
		}})
	}
	submit()
	<-c.met
	for range 3 {
		submit()
	}
	close(c.gate)
	all.Wait()
	c.mustHave(t, shards, 3*shards)
	mustClose(t, e)
}
