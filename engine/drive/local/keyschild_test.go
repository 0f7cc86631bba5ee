package local_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"flashstore/engine/drive"
	"flashstore/engine/drive/local"
	"flashstore/ioengine/uring"
)

var keysChildFlag = flag.String("local.keyschild", "", "for TestMillionsOfKeys itself")

const (
	keysWriters    = 64
	keysSample     = 1000 // lookups of any key, and as many of the newest
	keysShardBytes = 100
)

// TestKeysChild is the process that TestMillionsOfKeys watches.
func TestKeysChild(t *testing.T) {
	if *keysChildFlag == "" {
		t.Skip("TestMillionsOfKeys runs it")
	}
	var job keysJob
	must(t, json.Unmarshal([]byte(*keysChildFlag), &job))
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		os.Exit(1) // the parent is gone
	}()
	if err := job.do(); err != nil {
		say(keysEvent{Event: "failed", Diagnostic: err.Error()})
		t.Fatal(err)
	}
}

func say(e keysEvent) {
	e.Resident, e.Peak = memoryOf("VmRSS"), memoryOf("VmHWM")
	text, err := json.Marshal(e)
	if err != nil {
		panic(err)
	}
	fmt.Println(string(text))
}

func (job *keysJob) do() error {
	e, err := benchEngine(defaultEngineName, filepath.Dir(job.Path))
	if errors.Is(err, uring.ErrUnavailable) {
		e, err = benchEngine("threadpool", "")
	}
	if err != nil {
		return err
	}
	d, err := local.Open(local.Config{Path: job.Path, Engine: e})
	if err != nil {
		return err
	}
	say(keysEvent{Event: "open"})
	if err := job.read(d); err != nil {
		return err
	}
	if err := job.write(d); err != nil {
		return err
	}
	if err := errors.Join(d.Close(), e.Close()); err != nil {
		return err
	}
	say(keysEvent{Event: "closed", Acked: job.To})
	return nil
}

// read looks keys up: some of all, then the newest.
func (job *keysJob) read(d *local.Drive) error {
	began, count := time.Now(), min(keysSample, job.Have)
	for i := range 2 * count {
		n := job.Have - 1 - (i - count)
		if i < count {
			n = rand.Uint64N(job.Have)
		}
		r := smallObject(n, keysShardBytes)
		s, err := d.Lookup(context.Background(), r.Key, drive.LookupOptions{Inline: true})
		if err != nil {
			return fmt.Errorf("key %d: %w", n, err)
		}
		if len(s.Entries) != 1 || s.Entries[0].WriteID != r.WriteID ||
			!bytes.Equal(s.Entries[0].Inline, shardOf(n, keysShardBytes)) {
			return fmt.Errorf("key %d of %d was acknowledged: %d entries", n, job.Have, len(s.Entries))
		}
	}
	say(keysEvent{Event: "read", Lookups: 2 * count, Elapsed: time.Since(began)})
	return nil
}

// write commits keys by many writers, each its own stripe of them, and settles each.
func (job *keysJob) write(d *local.Drive) error {
	if job.From == job.To {
		return nil
	}
	var done [keysWriters]atomic.Uint64 // rounds of each writer
	errs := make(chan error, keysWriters)
	began := time.Now()
	ended := make(chan struct{})
	go func() {
		var wg sync.WaitGroup
		for w := range uint64(keysWriters) {
			wg.Go(func() {
				if err := job.writeStripe(d, job.From+w, &done[w]); err != nil {
					errs <- err
				}
			})
		}
		wg.Wait()
		close(ended)
	}()
	for tick := time.NewTicker(100 * time.Millisecond); ; {
		select {
		case err := <-errs:
			return err
		case <-ended:
			say(keysEvent{Event: "progress", Acked: job.To, Elapsed: time.Since(began)})
			return nil
		case <-tick.C:
			rounds := done[0].Load()
			for w := range done {
				rounds = min(rounds, done[w].Load())
			}
			say(keysEvent{Event: "progress", Acked: job.From + rounds*keysWriters,
				Elapsed: time.Since(began)})
		}
	}
}

func (job *keysJob) writeStripe(d *local.Drive, n uint64, done *atomic.Uint64) error {
	answer := make(chan error, 1)
	for ; n < job.To; n += keysWriters {
		r := smallObject(n, keysShardBytes)
		r.Inline = shardOf(n, keysShardBytes)
		d.Commit(r, func(err error) { answer <- err })
		if err := <-answer; err != nil {
			return fmt.Errorf("key %d: %w", n, err)
		}
		d.Commit(settleOf(r), nil)
		done.Add(1)
	}
	return nil
}
