package local_test

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"flashstore/engine/drive"
	"flashstore/engine/drive/local"
)

var seedFlag = flag.Uint64("local.seed", 0, "seed of the random histories; 0: a new one")

func newSeed(t testing.TB) uint64 {
	seed := *seedFlag
	if seed == 0 {
		seed = uint64(time.Now().UnixNano())
	}
	t.Logf("replay with -local.seed=%d", seed)
	return seed
}

// history commits random records of all types to a drive: writes, settles, discards and fences
// of objects, uploads with parts that are completed, overwritten or aborted.
type history struct {
	t       testing.TB
	random  *rand.Rand
	drive   *local.Drive
	next    uint64
	term    uint64
	open    map[drive.Key][]*drive.Record // what is not settled, by register
	uploads []drive.Key
	tombs   []*drive.Record // settled tombstones
	pending sync.WaitGroup  // settles on their way
}

func newHistory(t testing.TB, seed uint64, d *local.Drive) *history {
	h := &history{t: t, random: rand.New(rand.NewPCG(seed, 1)), drive: d, term: 3,
		open: make(map[drive.Key][]*drive.Record)}
	h.commit(&drive.Record{Type: drive.TypeTerm, Token: drive.Order{Term: 3}})
	return h
}

func (h *history) commit(r *drive.Record) {
	h.t.Helper()
	if err := commit(h.drive, r); err != nil {
		h.t.Fatalf("type %d of %q: %v", r.Type, r.Key.Name, err)
	}
}

// record is the next write of a register.
func (h *history) record(typ drive.Type, key drive.Key) *drive.Record {
	h.next++
	o := drive.Order{Term: h.term, Sequence: h.next}
	r := &drive.Record{Type: typ, Key: key, Order: o, Token: o}
	binary.BigEndian.PutUint64(r.WriteID[:], h.next)
	return r
}

func (h *history) object() drive.Key {
	return drive.Key{Space: drive.SpaceObject, Bucket: drive.BucketID{7},
		Name: fmt.Sprintf("object-%d", h.random.IntN(60))}
}

// write commits r with a random shard.
func (h *history) write(r *drive.Record) {
	switch n := h.random.IntN(100); {
	case r.Type == drive.TypeMarker || r.Type == drive.TypePurge || n < 5:
	case n < 90:
		r.Inline = shardOf(h.next, 1+h.random.IntN(40<<10))
		r.ShardBytes = int64(len(r.Inline))
	default:
		w, err := h.drive.Create(h.t.Context(), 200_000)
		must(h.t, err)
		w.Write([][]byte{shardOf(h.next, 200_000)}, func(error) {})
		r.Bulk, err = w.Seal()
		must(h.t, err)
		r.ShardBytes = 200_000
	}
	h.commit(r)
	h.open[r.Key] = append(h.open[r.Key], r)
}

// about commits a settle or discard; it does not wait for the batch that a settle rides in.
func (h *history) about(r *drive.Record, typ drive.Type) {
	h.pending.Add(1)
	h.drive.Commit(&drive.Record{Type: typ, Key: r.Key, Order: r.Order, Token: drive.Order{
		Term: h.term, Sequence: h.next}, WriteID: r.WriteID}, func(err error) {
		if err != nil {
			h.t.Errorf("type %d of %q: %v", typ, r.Key.Name, err)
		}
		h.pending.Done()
	})
}

// step is one random event.
func (h *history) step() {
	switch n := h.random.IntN(100); {
	case n < 45:
		h.write(h.record(drive.TypePut, h.object()))
	case n < 50:
		h.write(h.record(pick(h.random, drive.TypeMarker, drive.TypePurge), h.object()))
	case n < 75:
		h.settleOrDiscard()
	case n < 77:
		r := h.record(drive.TypeFence, h.object())
		h.commit(r)
	case n < 78:
		h.term++
		h.commit(&drive.Record{Type: drive.TypeTerm, Token: drive.Order{Term: h.term}})
	case n < 82:
		h.begin()
	case n < 84:
		h.forget()
	default:
		h.continueUpload()
	}
}

func pick[T any](r *rand.Rand, of ...T) T { return of[r.IntN(len(of))] }

func (h *history) settleOrDiscard() {
	for key, list := range h.open {
		i := h.random.IntN(len(list))
		if h.random.IntN(8) == 0 {
			h.about(list[i], drive.TypeDiscard)
			h.open[key] = append(list[:i:i], list[i+1:]...)
		} else {
			h.about(list[i], drive.TypeSettle)
			h.open[key] = list[i+1:] // those below are released
			if list[i].Type == drive.TypePurge {
				h.tombs = append(h.tombs, list[i])
			}
		}
		if len(h.open[key]) == 0 {
			delete(h.open, key)
		}
		return
	}
}

// begin starts an upload.
func (h *history) begin() {
	id := make([]byte, 16)
	binary.BigEndian.PutUint64(id, h.random.Uint64())
	key := drive.Key{Space: drive.SpaceUpload, Bucket: drive.BucketID{7},
		Name: h.object().Name + "\x00" + string(id)}
	r := h.record(drive.TypeDocument, key)
	r.Meta = []byte("upload")
	h.commit(r)
	h.about(r, drive.TypeSettle)
	h.uploads = append(h.uploads, key)
}

// continueUpload adds a part, completes or aborts.
func (h *history) continueUpload() {
	if len(h.uploads) == 0 {
		return
	}
	i := h.random.IntN(len(h.uploads))
	key := h.uploads[i]
	at := strings.IndexByte(key.Name, 0)
	name, id := key.Name[:at], key.Name[at+1:]
	switch n := h.random.IntN(10); {
	case n < 7:
		part := drive.Key{Space: drive.SpacePart, Bucket: key.Bucket, Name: id + "\x00" +
			string(rune(h.random.IntN(5)))}
		r := h.record(drive.TypePart, part)
		h.write(r)
		h.about(r, drive.TypeSettle)
		delete(h.open, part)
		return
	case n < 9:
		r := h.record(drive.TypeManifest, drive.Key{Space: drive.SpaceObject, Bucket: key.Bucket,
			Name: name})
		r.Meta = []byte(id + "names its parts")
		h.commit(r)
		h.open[r.Key] = append(h.open[r.Key], r)
		h.purgeUpload(key, "C")
	default:
		h.purgeUpload(key, "")
	}
	h.uploads = append(h.uploads[:i:i], h.uploads[i+1:]...)
}

func (h *history) purgeUpload(key drive.Key, meta string) {
	r := h.record(drive.TypePurge, key)
	r.Meta = []byte(meta)
	h.commit(r)
	h.about(r, drive.TypeSettle)
	h.tombs = append(h.tombs, r)
}

// forget drops a tombstone of an earlier term, if something newer has not done so.
func (h *history) forget() {
	if len(h.tombs) == 0 {
		return
	}
	i := h.random.IntN(len(h.tombs))
	r := h.tombs[i]
	if r.Order.Term == h.term {
		return
	}
	h.pending.Wait()
	h.commit(forgetOf(r, h.term))
	h.tombs = append(h.tombs[:i:i], h.tombs[i+1:]...)
}

// forgetOf is the record that has a drive forget a tombstone, in a term.
func forgetOf(r *drive.Record, term uint64) *drive.Record {
	return &drive.Record{Type: drive.TypeForget, Key: r.Key, Order: r.Order, WriteID: r.WriteID,
		Meta: r.Meta, Token: drive.Order{Term: term, Sequence: 1 << 40}}
}

// contents is everything a drive holds, as text, one register a line.
func contents(t testing.TB, d *local.Drive) string {
	t.Helper()
	var out strings.Builder
	for _, space := range []drive.Space{drive.SpaceDocument, drive.SpaceObject, drive.SpaceUpload,
		drive.SpacePart} {
		page, err := d.Scan(t.Context(), drive.ScanQuery{Space: space,
			Bucket: drive.BucketID{7}, Max: 1 << 20})
		must(t, err)
		for _, r := range page.Registers {
			fmt.Fprintf(&out, "%d %q", space, r.Key.Name)
			for i := range r.State.Entries {
				out.WriteString(entryText(t, d, &r.State.Entries[i]))
			}
			out.WriteByte('\n')
		}
	}
	return out.String()
}

func entryText(t testing.TB, d *local.Drive, e *drive.Entry) string {
	t.Helper()
	if e.ShardBytes > 0 {
		p := make([]byte, e.ShardBytes)
		must(t, d.Read(context.Background(), e, [][]byte{p}, 0))
		n := binary.BigEndian.Uint64(e.WriteID[:])
		if !isShardOf(n, p) {
			t.Fatalf("the shard of write %d differs", n)
		}
	}
	meta := fmt.Sprintf("%q", e.Meta)
	if len(e.Meta) > 100 {
		meta = fmt.Sprintf("%x", sha256.Sum256(e.Meta))
	}
	return fmt.Sprintf(" %d.%x.%v.%t.%d.%s", e.Type, e.WriteID[:8], e.Order, e.Settled, e.ShardBytes,
		meta)
}

func census(t testing.TB, c local.Config) {
	t.Helper()
	report, err := local.Census(context.Background(), c.Engine, c.Path, nil)
	must(t, err)
	for _, f := range report.Findings {
		t.Errorf("%+v", f)
	}
}

func smallSegments(c local.Config) local.Config {
	c.LogSegmentBytes = 1 << 20
	c.CompactBytesPerSecond = 1 << 40
	return c
}

// TestCompactionKeepsTheFold: after random histories with compaction, restarts and rebuilt
// indexes in between, a drive holds exactly what one holds that saw the same and never
// compacted.
func TestCompactionKeepsTheFold(t *testing.T) {
	t.Parallel()
	seed := newSeed(t)
	for run := range uint64(4) {
		t.Run(fmt.Sprint(run), func(t *testing.T) {
			t.Parallel()
			compactHistory(t, seed+run)
		})
	}
}

func compactHistory(t *testing.T, seed uint64) {
	_, c := newDriveClosed(t)
	c = smallSegments(c)
	d := open(t, c)
	h := newHistory(t, seed, d)
	compacted := uint64(0)
	for round := range 6 {
		for range 250 {
			h.step()
		}
		h.pending.Wait()
		before := contents(t, d)
		must(t, d.Compact(t.Context()))
		if after := contents(t, d); after != before {
			t.Fatalf("round %d: compaction changed what the drive holds\n%s", round,
				firstDifference(before, after))
		}
		compacted += d.Info().Counters.CompactedSegments
		must(t, d.Close())
		census(t, c)
		if t.Failed() {
			t.FailNow()
		}
		if round%2 == 1 {
			must(t, os.RemoveAll(filepath.Join(c.Path, "index")))
		}
		d = open(t, c)
		h.drive = d
		if after := contents(t, d); after != before {
			t.Fatalf("round %d: another drive after the restart\n%s", round,
				firstDifference(before, after))
		}
	}
	if compacted < 20 {
		t.Fatalf("only %d segments were compacted", compacted)
	}
}

func firstDifference(a, b string) string {
	x, y := strings.Split(a, "\n"), strings.Split(b, "\n")
	for i := range min(len(x), len(y)) {
		if x[i] != y[i] {
			return x[i] + "\n" + y[i]
		}
	}
	return fmt.Sprintf("%d and %d lines", len(x), len(y))
}

func logFiles(t testing.TB, c local.Config) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(c.Path, "log/*.log"))
	must(t, err)
	return files
}

// TestCompactionGivesSpaceBack overwrites a few names many times: the log stays short.
func TestCompactionGivesSpaceBack(t *testing.T) {
	t.Parallel()
	_, c := newDriveClosed(t)
	c = smallSegments(c)
	d := open(t, c)
	for n := range uint64(600) {
		r := object(n%10, 60_000)
		r.Order.Sequence, r.Token.Sequence = n, n
		binary.BigEndian.PutUint64(r.WriteID[:], n+1)
		must(t, commit(d, r))
		d.Commit(settleOf(r), nil)
	}
	must(t, d.Compact(t.Context()))
	if n := len(logFiles(t, c)); n > 6 {
		t.Fatalf("%d segments for 600 KiB of live data", n)
	}
	i := d.Info().Counters
	if i.CompactedSegments < 30 || i.MovedBytes > 20<<20 {
		t.Fatalf("%d segments compacted, %d bytes moved", i.CompactedSegments, i.MovedBytes)
	}
	must(t, d.Close())
	census(t, c)
}

// TestReadersDuringCompaction reads all the time while names are overwritten and segments go.
func TestReadersDuringCompaction(t *testing.T) {
	t.Parallel()
	_, c := newDriveClosed(t)
	c = smallSegments(c)
	d := open(t, c)
	const names = 40
	key := func(n uint64) drive.Key { return object(n%names, 10).Key }
	var wg sync.WaitGroup
	stop := make(chan struct{})
	for w := range uint64(4) {
		wg.Go(func() {
			for n := w; ; n++ {
				select {
				case <-stop:
					return
				default:
				}
				s, err := d.Lookup(context.Background(), key(n), drive.LookupOptions{Inline: n%2 == 0})
				if err != nil {
					t.Errorf("lookup: %v", err)
					return
				}
				if len(s.Entries) == 0 {
					continue
				}
				e := &s.Entries[0]
				if e.Inline == nil {
					e.Inline = make([]byte, e.ShardBytes)
					err = d.Read(context.Background(), e, [][]byte{e.Inline}, 0)
				}
				number := binary.BigEndian.Uint64(e.WriteID[:])
				if errors.Is(err, drive.ErrNotHere) {
					continue // superseded and settled since the lookup
				}
				if err != nil || !isShardOf(number, e.Inline) {
					t.Errorf("write %d: %v", number, err)
					return
				}
			}
		})
	}
	for n := range uint64(1500) {
		r := object(n%names, 30_000)
		r.Order.Sequence, r.Token.Sequence = n+1, n+1
		r.Inline = shardOf(n+1, 30_000)
		binary.BigEndian.PutUint64(r.WriteID[:], n+1)
		must(t, commit(d, r))
		if n%names < names-3 { // some stay, with all their older writes
			d.Commit(settleOf(r), nil)
		}
	}
	must(t, d.Compact(t.Context()))
	close(stop)
	wg.Wait()
	if d.Info().Counters.CompactedSegments < 10 {
		t.Fatalf("%+v", d.Info().Counters)
	}
}

func settleOf(r *drive.Record) *drive.Record {
	return &drive.Record{Type: drive.TypeSettle, Key: r.Key, Order: r.Order, Token: r.Token,
		WriteID: r.WriteID}
}

// TestBulkCompaction leaves one shard in twenty: few segments stay, and what lives moved.
func TestBulkCompaction(t *testing.T) {
	t.Parallel()
	_, c := newDriveClosed(t)
	c = smallSegments(c)
	c.BulkSegmentBytes = 1 << 20
	d := open(t, c)
	var kept []*drive.Record
	for n := range uint64(200) {
		r := bulkObject(t, d, n, 200_000)
		must(t, commit(d, r))
		if n%20 == 3 {
			d.Commit(settleOf(r), nil)
			kept = append(kept, r)
			continue
		}
		purge := *r
		purge.Type, purge.Bulk, purge.ShardBytes = drive.TypePurge, nil, 0
		purge.Order.Sequence += 1000
		purge.WriteID[15]++
		must(t, commit(d, &purge))
		d.Commit(settleOf(&purge), nil)
	}
	must(t, commit(d, object(1000, 10))) // the settles before it are done
	segments := func() int {
		files, err := filepath.Glob(filepath.Join(c.Path, "bulk/*.seg"))
		must(t, err)
		return len(files)
	}
	must(t, d.Close())
	d = open(t, c) // nothing is active
	before := segments()
	must(t, d.Compact(t.Context()))
	for _, r := range kept {
		holds(t, d, r, r.Order.Sequence)
	}
	must(t, d.Close())
	if after := segments(); before < bulkSegmentsMin || after > before/2 {
		t.Fatalf("%d segments before, %d after", before, after)
	}
	census(t, c)
	must(t, os.RemoveAll(filepath.Join(c.Path, "index")))
	d = open(t, c)
	for _, r := range kept {
		holds(t, d, r, r.Order.Sequence)
	}
}

const bulkSegmentsMin = 8 // fewer are not worth a walk over the index
