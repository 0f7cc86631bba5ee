package bench

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"

	"flashstore/bench/content"
	"flashstore/bench/peer"
	"flashstore/bench/target"
)

// writers put at once; writesPerKey of them go to the same key, so that overwrites are crashed too.
const (
	writers      = 8
	writesPerKey = 3
)

// writeSizes are drawn from: small, some units of checksums, several stripes.
func writeSizes() []int { return []int{1 << 10, 4 << 10, 100_000, 1<<20 + 17} }

// writes remembers, for each key, what was acknowledged last and what was asked for since. Each
// key belongs to one writer, so its writes are in order.
type writes struct {
	seed    uint64
	lock    sync.Mutex
	keys    map[string]*written
	counter [writers]int
}

type written struct {
	acknowledged int   // number of the last write that was answered 200; -1: none
	before       []int // writes that it has replaced
	since        []int // writes that were not answered
}

func newWrites(seed uint64) *writes { return &writes{seed: seed, keys: map[string]*written{}} }

// body of a write: its size and bytes are a function of its number.
func (w *writes) body(number int) []byte {
	sizes := writeSizes()
	body := make([]byte, sizes[rand.New(rand.NewPCG(w.seed, uint64(number))).IntN(len(sizes))])
	content.Fill(body, w.seed, number)
	return body
}

// until writes until the server is gone; crash ends it. An error means that it did not crash as it
// should have: the server was ended, and nothing follows from what is left.
func (w *writes) until(ctx context.Context, server *target.Server, crash func() error) error {
	var over atomic.Bool
	var running sync.WaitGroup
	for i := range writers {
		running.Go(func() {
			for !over.Load() && ctx.Err() == nil {
				w.one(ctx, server, i)
			}
		})
	}
	err := crash()
	over.Store(true)
	server.Kill()
	running.Wait()
	return err
}

// one puts the next object of a writer and notes how that went.
func (w *writes) one(ctx context.Context, server *target.Server, writer int) {
	w.lock.Lock()
	number := w.counter[writer]*writers + writer
	key := fmt.Sprintf("crash/%d/%06d", writer, w.counter[writer]/writesPerKey)
	w.counter[writer]++
	if w.keys[key] == nil {
		w.keys[key] = &written{acknowledged: -1}
	}
	entry := w.keys[key]
	entry.since = append(entry.since, number)
	w.lock.Unlock()
	err := server.Put(ctx, key, w.body(number))
	w.lock.Lock()
	defer w.lock.Unlock()
	if err == nil {
		entry.acknowledge(number)
	}
}

// acknowledge notes an answer to the newest write of a key.
func (e *written) acknowledge(number int) {
	e.before = append(e.before, e.acknowledged)
	e.before = append(e.before, e.since...)
	e.acknowledged, e.since = number, nil
}

func (w *writes) acknowledged() (n int) {
	for _, entry := range w.keys {
		if entry.acknowledged >= 0 {
			n++
		}
	}
	return n
}

// check reads every key back. What is there must be the last write that was acknowledged, or one
// that was asked for later.
func (w *writes) check(ctx context.Context, server *target.Server, s *peer.Score) error {
	for key, entry := range w.keys {
		got, err := server.Get(ctx, key)
		if ctx.Err() != nil { // which is no fault of the server
			return context.Cause(ctx)
		}
		fate := w.fate(entry, got, err)
		switch {
		case entry.acknowledged >= 0:
			s.Add(fate)
		case fate != peer.Kept && fate != peer.Lost:
			s.Torn++
		}
	}
	return nil
}

// fate is what became of the last acknowledged write of a key, by what a read of it has answered.
// An older write in its place is a loss, not damage.
func (w *writes) fate(e *written, got []byte, err error) peer.Fate {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return peer.Lost
	case err != nil:
		return peer.Unreadable
	case w.isOneOf(got, append([]int{e.acknowledged}, e.since...)):
		return peer.Kept
	case w.isOneOf(got, e.before):
		return peer.Lost
	}
	return peer.Corrupt
}

func (w *writes) isOneOf(got []byte, numbers []int) bool {
	return slices.ContainsFunc(numbers, func(number int) bool {
		return number >= 0 && bytes.Equal(got, w.body(number))
	})
}
