package drivetest

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"testing"

	"flashstore/engine/drive"
)

// New makes an empty drive for a test; reopen closes it in order and opens it again.
type New func(t *testing.T) (d drive.Drive, reopen func() drive.Drive)

// Term is the term the suite writes in.
const Term = 3

var bucket = drive.BucketID{1, 2, 3}

// harness is a drive with short ways to use it; it fails the test on what must not happen.
type harness struct {
	*testing.T
	drive.Drive
	reopenDrive func() drive.Drive
}

func newHarness(t *testing.T, newDrive New) *harness {
	h := &harness{T: t}
	h.Drive, h.reopenDrive = newDrive(t)
	h.must(h.commit(&drive.Record{Type: drive.TypeTerm, Token: drive.Order{Term: Term}}))
	return h
}

func (h *harness) reopen() { h.Drive = h.reopenDrive() }

func (h *harness) must(err error) {
	h.Helper()
	if err != nil {
		h.Fatal(err)
	}
}

func (h *harness) want(err, target error) {
	h.Helper()
	if !errors.Is(err, target) {
		h.Fatalf("error %v, want %v", err, target)
	}
}

// commit commits r and waits.
func (h *harness) commit(r *drive.Record) error {
	done := make(chan error, 1)
	h.Commit(r, func(err error) { done <- err })
	return <-done
}

func key(name string) drive.Key {
	return drive.Key{Space: drive.SpaceObject, Bucket: bucket, Name: name}
}

func id(n uint64) (w drive.WriteID) {
	binary.BigEndian.PutUint64(w[:], n)
	return w
}

// put is a record of write id n, order (Term, n), with an inline shard if there is one.
func put(name string, n uint64, shard []byte) *drive.Record {
	o := drive.Order{Term: Term, Sequence: n}
	return &drive.Record{Type: drive.TypePut, Key: key(name), Order: o, Token: o, WriteID: id(n),
		Geometry: drive.Geometry{Data: 2, Parity: 2, Index: 1}, SizeBytes: 2 * int64(len(shard)),
		ShardBytes: int64(len(shard)), ModTimeNanos: 1, Meta: []byte("meta of " + name),
		Inline: shard}
}

// about is a settle, discard or fence of r's register.
func about(r *drive.Record, kind drive.Type) *drive.Record {
	return &drive.Record{Type: kind, Key: r.Key, Order: r.Order, Token: r.Token,
		WriteID: r.WriteID}
}

func (h *harness) settle(r *drive.Record) {
	h.Helper()
	h.must(h.commit(about(r, drive.TypeSettle)))
}

func (h *harness) lookup(k drive.Key) drive.State {
	h.Helper()
	s, err := h.Lookup(context.Background(), k, drive.LookupOptions{Inline: true})
	h.must(err)
	return s
}

// chain checks that a register has exactly these write ids, newest first.
func (h *harness) chain(k drive.Key, ids ...uint64) drive.State {
	h.Helper()
	s := h.lookup(k)
	var have []drive.WriteID
	for i := range s.Entries {
		have = append(have, s.Entries[i].WriteID)
	}
	if len(have) != len(ids) {
		h.Fatalf("%q has %d entries %x, want %d", k.Name, len(have), have, ids)
	}
	for i, n := range ids {
		if have[i] != id(n) {
			h.Fatalf("%q: entry %d is %x, want %d", k.Name, i, have[i], n)
		}
	}
	return s
}

// newest is chain's newest entry.
func (h *harness) newest(k drive.Key, ids ...uint64) *drive.Entry {
	h.Helper()
	s := h.chain(k, ids...)
	return s.Newest()
}

// pattern is bytes that tell their place, so that mixed-up chunks are seen.
func pattern(seed, n int) []byte {
	p := make([]byte, n)
	x := uint32(seed)*2654435761 + 1
	for i := range p {
		x = x*1664525 + 1013904223
		p[i] = byte(x >> 24)
	}
	return p
}

// bulk writes a shard through a ShardWriter and returns a record that carries it.
func (h *harness) bulk(name string, n uint64, shard []byte) *drive.Record {
	h.Helper()
	w, err := h.Create(h.Context(), int64(len(shard)))
	h.must(err)
	done := make(chan error, len(shard)/drive.ChunkBytes+1)
	writes := 0
	for rest := shard; len(rest) > 0; writes++ {
		k := min(len(rest), 3*drive.ChunkBytes)
		w.Write([][]byte{rest[:k]}, func(err error) { done <- err })
		rest = rest[k:]
	}
	for range writes {
		h.must(<-done)
	}
	ref, err := w.Seal()
	h.must(err)
	r := put(name, n, nil)
	r.ShardBytes, r.Bulk = int64(len(shard)), ref
	return r
}

// read checks that the shard of e from offset on is want.
func (h *harness) read(e *drive.Entry, want []byte, offset int) {
	h.Helper()
	have := make([]byte, len(want))
	half := len(have) / 2
	h.must(h.Read(context.Background(), e, [][]byte{have[:half], have[half:]}, int64(offset)))
	if !bytes.Equal(have, want) {
		h.Fatalf("shard of %q at %d differs", e.Key.Name, offset)
	}
}

// scan returns the names of a space by pages of max.
func (h *harness) scan(q drive.ScanQuery) (names []string) {
	h.Helper()
	for range 1000 {
		page, err := h.Scan(context.Background(), q)
		h.must(err)
		if len(page.Registers) > q.Max {
			h.Fatalf("a page of %d registers, at most %d", len(page.Registers), q.Max)
		}
		for _, r := range page.Registers {
			names = append(names, r.Key.Name)
		}
		if q.After = page.Next; q.After == "" {
			return names
		}
	}
	h.Fatal("the scan does not end")
	return nil
}
