package erasure

import (
	"bytes"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"testing"

	"flashstore/engine/drive"
	"flashstore/engine/object"
)

// flip changes a byte of the shard that drive i holds of an object, on its device, and reports which
// shard that is.
func (f *fixture) flip(key object.Key, i int) (index int) {
	f.t.Helper()
	b, err := f.store.bucket(f.t.Context(), "bucket")
	if err != nil {
		f.t.Fatal(err)
	}
	d := f.drives[i]
	d.pending.Wait() // it may be the straggler, whom the put did not wait for
	state, err := d.Lookup(f.t.Context(), objectKey(b, key), drive.LookupOptions{})
	if err != nil || state.Newest() == nil {
		f.t.Fatalf("%+v, %v", state, err)
	}
	e := state.Newest()
	chunk := make([]byte, min(e.ShardBytes, drive.ChunkBytes))
	if err := d.Read(f.t.Context(), e, [][]byte{chunk}, 0); err != nil {
		f.t.Fatal(err)
	}
	files, _ := filepath.Glob(filepath.Join(f.path(i), "bulk", "*"))
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			f.t.Fatal(err)
		}
		if at := bytes.Index(text, chunk[:512]); at >= 0 {
			file, err := os.OpenFile(name, os.O_WRONLY, 0)
			if err != nil {
				f.t.Fatal(err)
			}
			defer file.Close()
			if _, err := file.WriteAt([]byte{^chunk[100]}, int64(at)+100); err != nil {
				f.t.Fatal(err)
			}
			return int(e.Geometry.Index)
		}
	}
	f.t.Fatal("the shard is nowhere")
	return 0
}

// unhurried lets no read ask other drives because one is slow.
func (f *fixture) unhurried() {
	p := &f.set().patience
	p.mu.Lock()
	defer p.mu.Unlock()
	p.hedges = math.Inf(-1)
}

// TestBitrotIsRepaired (RustFS #5822): a damaged shard is served around, replaced by a read of it or,
// where no read looks at it, by a scrub; then all other redundancy goes, and the object is read from
// what was repaired.
func TestBitrotIsRepaired(t *testing.T) {
	f := newFixture(t, 4, 2)
	f.bucket("bucket")
	for number := range 4 {
		key, want := object.Key(fmt.Sprint("k", number)), pattern(900_000, uint64(number))
		f.mustPut(key, want)
		f.awaitSettles()
		index := f.flip(key, number)
		scrub := index >= f.m // a parity shard, which no read asks for
		f.unhurried()         // a read that asks others too may pass over the shard
		f.wantBody(key, want)
		if s := f.heal(scrub); !s.Whole || s.Healed == 0 {
			t.Fatalf("shard %d of drive %d: %+v", index, number, s)
		}
		var away []int
		for i := range 4 {
			if i != number && len(away) < 2 {
				away = append(away, i)
			}
		}
		f.restart(away...)
		f.wantBody(key, want)
		f.restart()
	}
	f.wantWhole("all drives are here")
	f.awaitSettles()
	f.censusClean()
}

// TestBitrotInTheLog: a small object's shard, which stands in a record of the log.
func TestBitrotInTheLog(t *testing.T) {
	f := newFixture(t, 4, 2)
	f.bucket("bucket")
	want := pattern(40_000, 5)
	f.mustPut("k", want)
	f.awaitSettles()
	f.stop()
	rot := rotation(slot("bucket", "k"), 1, 4)
	victim := position(rot, 0, 4)
	log := filepath.Join(f.path(victim), "log", "00000001.log")
	text, err := os.ReadFile(log)
	if err != nil {
		t.Fatal(err)
	}
	at := bytes.Index(text, want[:512])
	if at < 0 {
		t.Fatal("the shard is nowhere")
	}
	text[at+100] ^= 1
	if err := os.WriteFile(log, text, 0o600); err != nil {
		t.Fatal(err)
	}
	f.start()
	f.wantBody("k", want)
	f.wantWhole("read")
	f.restart(position(rot, 1, 4), position(rot, 2, 4))
	f.wantBody("k", want)
}
