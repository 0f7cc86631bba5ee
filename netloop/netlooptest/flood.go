package netlooptest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"flashstore/netloop"
)

const (
	floodClients = 12
	floodWarmups = 5
	// floodControl: of the streams that nobody refuses, one in so many is sent too.
	floodControl = 8
	// rssGrowthMax is the share that the process may have grown by after the flood. Where this one
	// is so small that Go's heap varies by more from one look to the next, rssNoiseBytes count:
	// 21 bytes for each of 50,000 messages.
	rssGrowthMax  = 0.05
	rssNoiseBytes = 1 << 20
)

// Flood sends that many malformed messages, from the table and mutated, each on a connection of
// its own and most behind valid requests. Every answer, its status and the end of the connection
// must be what Read says: no request is seen that is none, none is lost, nothing is answered 5xx,
// except 501 to a transfer coding nobody implements (RFC 9112, section 6.1). Then descriptors,
// goroutines and memory are what they were. FLOOD_SEED replays.
func Flood(t *testing.T, new New, malformed int64) {
	seed, err := strconv.ParseUint(os.Getenv("FLOOD_SEED"), 10, 64)
	if err != nil {
		seed = rand.Uint64()
	}
	t.Logf("FLOOD_SEED=%d", seed)
	if raceEnabled || testing.Short() {
		malformed /= 10
	}
	if _, err := net.Dial("tcp", "127.0.0.1:1"); err == nil { // Go's poller has its descriptors now
		t.Fatal("somebody listens on port 1")
	}
	before := levels(t)
	f := &flood{limits: netloop.DefaultLimits(), streams: NewStreams(seed)}
	f.server = new(t, Setup{Limits: f.limits, Allocator: NewMemory(t)})
	address, err := f.server.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	f.address = address.String()
	served := make(chan error, 1)
	go func() { served <- f.server.Serve(witness{}) }()

	var base held
	for range floodWarmups {
		f.run(t, 2*floodClients, 1000+malformed/100) // twice as many: what grows with them has
		base.raise(f.settled(t, nil))
	}
	begin, sent := time.Now(), f.sent.Load()
	f.run(t, floodClients, malformed)
	took := time.Since(begin)
	after := f.settled(t, &base)
	t.Logf("%d streams, %d malformed, in %v; before: %v; after: %v", f.sent.Load()-sent,
		f.malformed.Load(), took.Round(time.Millisecond), base, after)
	if got, want := f.server.Stats().Malformed, uint64(f.refused.Load()); got != want {
		t.Errorf("the server counted %d malformed, want %d", got, want)
	}

	ctx, cancel := context.WithTimeout(context.Background(), hang)
	defer cancel()
	if err := errors.Join(f.server.Shutdown(ctx), <-served); err != nil {
		t.Error(err)
	}
	poll(t, "goroutines and descriptors to end", func() bool {
		now := levels(t)
		return now.goroutines <= before.goroutines && now.files <= before.files
	})
}

// flood is a server under attack.
type flood struct {
	limits  netloop.Limits
	streams *Streams
	server  netloop.Server
	address string
	next    atomic.Uint64 // stream

	sent, malformed, refused atomic.Int64
}

// run sends streams from many clients until so many were malformed.
func (f *flood) run(t *testing.T, clients int, malformed int64) {
	t.Helper()
	f.malformed.Store(0)
	var failed atomic.Bool
	var wait sync.WaitGroup
	for range clients {
		wait.Go(func() {
			client := newWire(f.address)
			for f.malformed.Load() < malformed && !failed.Load() {
				index := f.next.Add(1)
				stream := f.streams.At(index)
				reading := Read(stream, &f.limits)
				if reading.Status == 0 && index%floodControl != 0 {
					continue
				}
				f.sent.Add(1)
				if reading.Status != 0 {
					f.malformed.Add(1)
					f.refused.Add(1)
				}
				cut := 0
				if index%4 == 0 {
					cut = int(index) % len(stream)
				}
				if err := client.converse(stream, &reading, cut); err != nil {
					failed.Store(true)
					t.Errorf("stream %d: %v\n%q\nwant %+v", index, err, stream, reading)
				}
			}
		})
	}
	wait.Wait()
	if failed.Load() {
		t.FailNow()
	}
}

// settled waits until no connection is left and returns what the process holds then; not before
// it is as little as base, if there is one.
func (f *flood) settled(t *testing.T, base *held) (now held) {
	t.Helper()
	enough := func() bool {
		if f.server.Stats().Connections > 0 {
			return false
		}
		now = levels(t)
		return base == nil || now.within(base)
	}
	for end := time.Now().Add(hang / 2); !enough(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("the process holds %v, before: %v", now, base)
		}
	}
	return now
}

// held is what a process holds.
type held struct {
	goroutines, files int
	rssBytes          int64
}

// within reports whether h is no more than base was.
func (h *held) within(base *held) bool {
	growth := max(rssNoiseBytes, int64(rssGrowthMax*float64(base.rssBytes)))
	return h.files <= base.files && h.goroutines <= base.goroutines &&
		(raceEnabled || h.rssBytes <= base.rssBytes+growth)
}

// raise makes h at least other.
func (h *held) raise(other held) {
	h.goroutines = max(h.goroutines, other.goroutines)
	h.files = max(h.files, other.files)
	h.rssBytes = max(h.rssBytes, other.rssBytes)
}

func (h held) String() string {
	return fmt.Sprintf("%d goroutines, %d descriptors, %.1f MiB", h.goroutines, h.files,
		float64(h.rssBytes)/(1<<20))
}

func levels(t *testing.T) held {
	t.Helper()
	debug.FreeOSMemory()
	h := held{goroutines: runtime.NumGoroutine(), files: openFiles(t)}
	text, err := os.ReadFile("/proc/self/statm") // in pages: all, resident
	if err != nil {
		return h
	}
	pages, err := strconv.ParseInt(strings.Fields(string(text))[1], 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	h.rssBytes = pages * int64(os.Getpagesize())
	return h
}
