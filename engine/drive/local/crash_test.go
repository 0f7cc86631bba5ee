package local_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"strings"
	"sync"
	"testing"

	"flashstore/engine/drive"
	"flashstore/engine/drive/local"
)

func commit(d drive.Drive, r *drive.Record) error {
	done := make(chan error, 1)
	d.Commit(r, func(err error) { done <- err })
	return <-done
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// object is write n of a name of its own, with a shard that tells its number.
func object(n uint64, bytes int) *drive.Record {
	r := inlineRecord(n)
	r.Inline = shardOf(n, bytes)
	r.ShardBytes = int64(bytes)
	return r
}

func shardOf(n uint64, size int) []byte {
	return bytes.Repeat([]byte(fmt.Sprintf("%016x", n)), size/16+1)[:size]
}

// isShardOf reports whether p is what shardOf makes.
func isShardOf(n uint64, p []byte) bool {
	for unit := fmt.Sprintf("%016x", n); len(p) > 0; p = p[min(len(p), len(unit)):] {
		if some := min(len(p), len(unit)); string(p[:some]) != unit[:some] {
			return false
		}
	}
	return true
}

// bulkObject is object with its shard in bulk storage.
func bulkObject(t testing.TB, d *local.Drive, n uint64, size int) *drive.Record {
	t.Helper()
	w, err := d.Create(t.Context(), int64(size))
	must(t, err)
	return bulkRecord(t, w, n, size)
}

// bulkRecord writes the shard of bulkObject n to w.
func bulkRecord(t testing.TB, w drive.ShardWriter, n uint64, size int) *drive.Record {
	t.Helper()
	w.Write([][]byte{shardOf(n, size)}, func(error) {})
	ref, err := w.Seal()
	must(t, err)
	r := inlineRecord(n)
	r.Inline, r.ShardBytes, r.Bulk = nil, int64(size), ref
	return r
}

// holds checks that the drive has write n whole.
func holds(t testing.TB, d *local.Drive, r *drive.Record, n uint64) {
	t.Helper()
	s, err := d.Lookup(context.Background(), r.Key, drive.LookupOptions{})
	must(t, err)
	if len(s.Entries) != 1 || s.Entries[0].WriteID != r.WriteID {
		t.Fatalf("write %d is not here: %d entries", n, len(s.Entries))
	}
	p := make([]byte, r.ShardBytes)
	must(t, d.Read(context.Background(), &s.Entries[0], [][]byte{p}, 0))
	if !bytes.Equal(p, shardOf(n, len(p))) {
		t.Fatalf("shard of write %d differs", n)
	}
}

func lacks(t testing.TB, d *local.Drive, r *drive.Record) {
	t.Helper()
	s, err := d.Lookup(context.Background(), r.Key, drive.LookupOptions{})
	must(t, err)
	if len(s.Entries) != 0 {
		t.Fatalf("%q is here", r.Key.Name)
	}
}

// copyTree copies a drive as a crash would leave it; without the index if skip says so.
// Files that go away meanwhile are left out. What log.newest tells of is copied after it.
func copyTree(t testing.TB, from, to, skip string) {
	t.Helper()
	const note = "log.newest"
	if b, err := os.ReadFile(filepath.Join(from, note)); err == nil {
		must(t, errors.Join(os.MkdirAll(to, 0o700), os.WriteFile(filepath.Join(to, note), b, 0o600)))
	}
	must(t, filepath.WalkDir(from, func(path string, e fs.DirEntry, err error) error {
		rel, _ := filepath.Rel(from, path)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return nil
		case err != nil:
			return err
		case e.IsDir() && rel == skip:
			return filepath.SkipDir
		case rel == note:
			return nil
		case e.IsDir():
			return os.MkdirAll(filepath.Join(to, rel), 0o700)
		}
		b, err := os.ReadFile(path)
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err == nil {
			err = os.WriteFile(filepath.Join(to, rel), b, 0o600)
		}
		return err
	}))
}

// damage changes bytes of a file.
func damage(t testing.TB, path string, offset int64, p ...byte) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	must(t, err)
	_, err = f.WriteAt(p, offset)
	must(t, errors.Join(err, f.Close()))
}

const firstLog = "log/00000001.log"

// batchOffsets are where the batches of a log segment begin: one block each in these tests.
func batchOffsets(t testing.TB, path string) (at []int64) {
	t.Helper()
	b, err := os.ReadFile(path)
	must(t, err)
	for off := 0; off < len(b); off += 4096 {
		if string(b[off:off+8]) == "FSLOGB01" {
			at = append(at, int64(off))
		}
	}
	return at
}

func raiseTerm(t testing.TB, d *local.Drive, term uint64) {
	t.Helper()
	must(t, commit(d, &drive.Record{Type: drive.TypeTerm, Token: drive.Order{Term: term}}))
}

// TestTornTail ends the log within its last batch, in several ways.
func TestTornTail(t *testing.T) {
	t.Parallel()
	d, c := newDrive(t)
	var all []*drive.Record
	for n := range uint64(5) {
		all = append(all, object(n, 5000))
		must(t, commit(d, all[n]))
	}
	crashed := t.TempDir()
	copyTree(t, c.Path, crashed, "index")
	at := batchOffsets(t, filepath.Join(crashed, firstLog))
	last := at[len(at)-1]
	for name, tear := range map[string]func(t *testing.T, file string){
		"flip":    func(t *testing.T, file string) { damage(t, file, last+4096+7, 0xFF) },
		"no-head": func(t *testing.T, file string) { damage(t, file, last, make([]byte, 4096)...) },
		"no-end": func(t *testing.T, file string) {
			damage(t, file, last+4096, make([]byte, 4096)...)
		},
		"truncated": func(t *testing.T, file string) {
			must(t, os.Truncate(file, last+5000))
			must(t, os.Remove(filepath.Join(filepath.Dir(file), "../log.newest"))) // it would refuse
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := config(newEngine(t), t.TempDir())
			copyTree(t, crashed, c.Path, "")
			tear(t, filepath.Join(c.Path, firstLog))
			checkTorn(t, open(t, c), c, all)
		})
	}
}

func checkTorn(t *testing.T, d *local.Drive, c local.Config, all []*drive.Record) {
	never := drive.Order{Term: math.MaxUint64, Sequence: math.MaxUint64}
	last := len(all) - 1
	for round := range 2 {
		for n, r := range all[:last] {
			holds(t, d, r, uint64(n))
		}
		if i := d.Info(); round == 0 && (!i.TornTail || i.Counters.TornTails != 1) ||
			i.CompleteFrom != never || !i.TornOnly || i.Health != drive.Online {
			t.Fatalf("round %d: %+v", round, i)
		}
		if round == 0 {
			// Nothing is written behind the torn batch.
			if _, err := os.Stat(filepath.Join(c.Path, "log/00000002.log")); err != nil {
				t.Fatal(err)
			}
			lacks(t, d, all[last])
			must(t, commit(d, all[last]))
		}
		holds(t, d, all[last], uint64(last))
		must(t, d.Close())
		d = open(t, c)
	}
	if d.Info().TornTail {
		t.Fatal("a torn tail is reported twice")
	}
	raiseTerm(t, d, 7)
	for range 2 {
		if i := d.Info(); i.CompleteFrom != (drive.Order{Term: 7}) || !i.TornOnly {
			t.Fatalf("CompleteFrom %v, torn only %v", i.CompleteFrom, i.TornOnly)
		}
		must(t, d.Close())
		must(t, os.RemoveAll(filepath.Join(c.Path, "index")))
		d = open(t, c)
		holds(t, d, all[last], uint64(last))
	}
}

// TestDamageInTheMiddle loses one batch that others follow.
func TestDamageInTheMiddle(t *testing.T) {
	t.Parallel()
	d, c := newDrive(t)
	for n := range uint64(5) {
		must(t, commit(d, object(n, 300)))
	}
	must(t, d.Close())
	at := batchOffsets(t, filepath.Join(c.Path, firstLog))
	damage(t, filepath.Join(c.Path, firstLog), at[2]+1000, 0xAA)
	report, err := local.Census(t.Context(), c.Engine, c.Path, nil)
	must(t, err)
	if len(report.Findings) == 0 || report.Findings[0].Kind != local.FindLogDamage ||
		report.Findings[0].OffsetBytes != at[2] {
		t.Fatalf("findings %+v", report.Findings)
	}
	must(t, os.RemoveAll(filepath.Join(c.Path, "index")))
	d = open(t, c)
	for n := range uint64(5) {
		if n == 2 {
			lacks(t, d, object(n, 300))
			continue
		}
		holds(t, d, object(n, 300), n)
	}
	if d.Info().CompleteFrom.Term != math.MaxUint64 || d.Info().TornTail {
		t.Fatalf("%+v", d.Info())
	}
	raiseTerm(t, d, 9)
	for range 2 {
		if i := d.Info(); i.CompleteFrom != (drive.Order{Term: 9}) || i.TornOnly {
			t.Fatalf("%+v", i)
		}
		must(t, d.Close())
		d = open(t, c)
	}
}

// TestCopyWhileRunning copies log and bulk at moments of a running drive: what was
// acknowledged before the copy began is in it.
func TestCopyWhileRunning(t *testing.T) {
	t.Parallel()
	d, c := newDrive(t)
	const writers, rounds = 8, 3
	acked := make(chan uint64, 1<<16)
	stop := make(chan struct{})
	var wg sync.WaitGroup
	for w := range uint64(writers) {
		wg.Go(func() {
			for n := w; ; n += writers {
				select {
				case <-stop:
					return
				default:
				}
				if err := commit(d, object(n, 700)); err != nil {
					t.Error(err)
					return
				}
				acked <- n
			}
		})
	}
	var before []uint64
	for round := range rounds {
		for len(before) < 200*(round+1) {
			before = append(before, <-acked)
		}
		e := config(c.Engine, filepath.Join(t.TempDir(), fmt.Sprint(round)))
		copyTree(t, c.Path, e.Path, "index")
		copied := open(t, e)
		for _, n := range before {
			holds(t, copied, object(n, 700), n)
		}
		must(t, copied.Close())
	}
	close(stop)
	wg.Wait()
}

const childVariable = "FLASHSTORE_TEST_DRIVE"

// TestMain runs the child of TestKill when asked to. Tests leave more garbage between two collections
// than a server does: who tries every moment of a disk makes drives and throws them away all the
// time, and little of it lives.
func TestMain(m *testing.M) {
	if path := os.Getenv(childVariable); path != "" {
		commitForEver(path)
	}
	debug.SetGCPercent(400)
	os.Exit(m.Run())
}

// commitForEver prints the number of every acknowledged write.
func commitForEver(path string) {
	t := &testing.B{}
	d, err := local.Open(config(newEngine(t), path))
	if err != nil {
		fmt.Println("open:", err)
		os.Exit(1)
	}
	first := d.Info().MaxSeen.Sequence + 1
	const writers = 8
	for w := range uint64(writers) {
		go func() {
			for n := first + w; ; n += writers {
				r := object(n, 900)
				if n%50 == 0 {
					r = bulkObject(t, d, n, 300_000)
				}
				if err := commit(d, r); err != nil {
					fmt.Println("commit:", err)
					os.Exit(1)
				}
				_, _ = fmt.Printf("ack %d\n", n)
				if n%3 == 0 {
					s := &drive.Record{Type: drive.TypeSettle, Key: r.Key, Order: r.Order,
						Token: r.Token, WriteID: r.WriteID}
					d.Commit(s, nil)
				}
			}
		}()
	}
	select {}
}

// TestKill kills a process in the middle of its commits, several times on one drive.
func TestKill(t *testing.T) {
	t.Parallel()
	d, c := newDrive(t)
	must(t, d.Close())
	acked := make(map[uint64]bool)
	for round := range 3 {
		child := exec.Command(os.Args[0])
		child.Env = append(os.Environ(), childVariable+"="+c.Path)
		out, err := child.StdoutPipe()
		must(t, err)
		must(t, child.Start())
		lines := bufio.NewScanner(out)
		for len(acked) < 300*(round+1) && lines.Scan() {
			addAck(t, acked, lines.Text())
		}
		must(t, child.Process.Kill())
		for lines.Scan() { // what it said before it died counts too
			if strings.Count(lines.Text(), " ") == 1 {
				addAck(t, acked, lines.Text())
			}
		}
		_ = child.Wait() // killed
		d := open(t, c)
		for n := range acked {
			r := object(n, 900)
			if n%50 == 0 {
				r = object(n, 300_000)
			}
			holds(t, d, r, n)
		}
		must(t, d.Close())
		report, err := local.Census(t.Context(), c.Engine, c.Path, nil)
		must(t, err)
		if len(report.Findings) != 0 {
			t.Fatalf("after the kill, a start and a stop: %+v", report.Findings)
		}
	}
}

func addAck(t *testing.T, acked map[uint64]bool, line string) {
	t.Helper()
	var n uint64
	if _, err := fmt.Sscanf(line, "ack %d", &n); err != nil {
		t.Fatalf("child: %s", line)
	}
	acked[n] = true
}

// TestEveryByte flips each byte of a small object's shard on disk: the drive answers
// drive.ErrCorrupt, and nothing else.
func TestEveryByte(t *testing.T) {
	t.Parallel()
	d, c := newDrive(t)
	r := object(1, 300)
	must(t, commit(d, r))
	file := filepath.Join(c.Path, firstLog)
	log, err := os.ReadFile(file)
	must(t, err)
	at := int64(bytes.Index(log, r.Inline))
	opt := drive.LookupOptions{Inline: true}
	for i := range r.Inline {
		damage(t, file, at+int64(i), r.Inline[i]^0x10)
		if s, err := d.Lookup(t.Context(), r.Key, opt); !errors.Is(err, drive.ErrCorrupt) {
			t.Fatalf("byte %d flipped: %v, %q", i, err, s.Entries[0].Inline)
		}
		damage(t, file, at+int64(i), r.Inline[i])
	}
	if _, err := d.Lookup(t.Context(), r.Key, opt); err != nil {
		t.Fatal(err)
	}
	if n := d.Info().Counters.CorruptChunks; n != uint64(len(r.Inline)) {
		t.Fatalf("%d corrupt chunks", n)
	}
}
