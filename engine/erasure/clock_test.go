package erasure

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"flashstore/engine/object"
)

// clocked is a set whose clock is another one at each start, and what it was told.
type clocked struct {
	*fixture
	clock time.Time
	state map[object.Key]clockedObject
	begun object.UploadID // in the epoch before
}

type clockedObject struct {
	body []byte
	time time.Time
}

// TestClockIsSetBetweenStarts: whatever the clock says at each start, the last state that was
// acknowledged is what is read and listed, with drives away and healed in between, and its time is
// what the clock said (Garage c82d91c6: a delete with an older clock was lost).
func TestClockIsSetBetweenStarts(t *testing.T) {
	first := time.Date(2026, 2, 3, 4, 5, 6, 789, time.UTC)
	c := &clocked{clock: first, state: make(map[object.Key]clockedObject)}
	c.fixture = newFixture(t, 4, 2)
	c.now = func() time.Time { return c.clock }
	c.restart()
	c.bucket("bucket")
	for epoch, e := range []struct {
		shift time.Duration
		away  []int
	}{
		{shift: 0},
		{shift: -time.Hour, away: []int{1}},
		{shift: time.Hour},
		{shift: -30 * time.Hour, away: []int{2}},
		{shift: -29 * time.Hour},
		{shift: 10_000 * time.Hour},
		{shift: -time.Hour, away: []int{0}},
		{shift: 0},
	} {
		c.stop()
		c.clock = first.Add(e.shift)
		c.start(e.away...)
		c.check("after the start")
		c.change(epoch)
		c.check("after the changes")
		if len(e.away) == 0 {
			c.wantWhole("all drives are here")
			c.check("healed")
		}
	}
	c.awaitSettles()
	for _, away := range [][]int{{0, 1}, {2, 3}} {
		c.restart(away...)
		c.check("two drives away")
	}
	c.restart()
	c.awaitSettles()
	c.censusClean()
}

// change overwrites, deletes and writes again, small and large ones, and completes an upload that
// began in the epoch before.
func (c *clocked) change(epoch int) {
	c.t.Helper()
	for i, size := range []int{100, 300_000} {
		body := pattern(size+epoch, uint64(epoch))
		c.write(object.Key(fmt.Sprint("always-", i)), body)
		for turn := range 2 {
			key := object.Key(fmt.Sprint("now-and-then-", i, turn))
			if epoch%2 == turn {
				c.write(key, body)
				continue
			}
			c.mustDelete(key)
			delete(c.state, key)
		}
	}
	part := pattern(90_000, uint64(epoch))
	if epoch > 0 {
		if err := c.complete("parts", c.begun, map[int]int{1: 90_000}, 1); err != nil {
			c.t.Fatal(err)
		}
		c.state["parts"] = clockedObject{pattern(90_000, uint64(epoch-1)), c.clock}
	}
	c.begun = c.upload("parts")
	if err := c.part("parts", c.begun, 1, part); err != nil {
		c.t.Fatal(err)
	}
}

func (c *clocked) write(key object.Key, body []byte) {
	c.t.Helper()
	c.mustPut(key, body)
	c.state[key] = clockedObject{body, c.clock}
}

// check reads and lists all of it.
func (c *clocked) check(when string) {
	c.t.Helper()
	keys := slices.Sorted(maps.Keys(c.state))
	page, err := c.store.List(c.t.Context(), "bucket", object.ListQuery{Max: 100})
	if err != nil || len(page.Entries) != len(keys) {
		c.t.Fatalf("%s: %d of %d listed, %v", when, len(page.Entries), len(keys), err)
	}
	for i, key := range keys {
		want := c.state[key]
		info, err := c.store.Stat(c.t.Context(), object.Ref{Bucket: "bucket", Key: key})
		got, readErr := c.get(key, 0, -1)
		if err = errors.Join(err, readErr); err != nil || !bytes.Equal(got, want.body) {
			c.t.Fatalf("%s: %s: %d bytes, want %d, %v", when, key, len(got), len(want.body), err)
		}
		listed := page.Entries[i].Info
		if said := want.time.Truncate(time.Second); listed.Key != key ||
			!listed.ModTime.Equal(said) || !info.ModTime.Equal(said) {
			c.t.Fatalf("%s: %s of %v is listed as %s of %v, and said to be of %v", when, key, said,
				listed.Key, listed.ModTime, info.ModTime)
		}
	}
}

// TestScrubByAClockThatGoesBack: a scrub that was done by a clock which was ahead is not the last
// one for as long as that: the next is a period away.
func TestScrubByAClockThatGoesBack(t *testing.T) {
	const period = 24 * time.Hour
	clock := time.Date(2026, 2, 3, 4, 5, 6, 0, time.UTC)
	h := &healer{config: HealConfig{ScrubPeriod: period},
		state: healState{Scrubbed: clock.Add(10_000 * time.Hour)}}
	for _, step := range []struct {
		after time.Duration
		due   bool
	}{{0, false}, {period - time.Second, false}, {time.Second, true}} {
		if clock = clock.Add(step.after); h.scrubDue(clock) != step.due {
			t.Errorf("%v: due %t", clock, !step.due)
		}
	}
}
