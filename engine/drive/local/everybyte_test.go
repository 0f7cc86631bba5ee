package local_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"path"
	"runtime/debug"
	"slices"
	"strings"
	"testing"

	"flashstore/engine/drive"
	"flashstore/engine/drive/local"
	"flashstore/engine/drive/local/indexfs"
	"flashstore/ioengine/crashsim"
)

var flipsFlag = flag.Int("local.flips", 150,
	"about how many bytes of each drive TestEveryByteOfADrive flips; 0: every single one")

// smallFile is the size up to which every byte is flipped: format.json, log.newest and
// log/retired.
const smallFile = 512

// quiet is a drive at rest, with a small object in its log and one in bulk storage, both settled.
type quiet struct {
	*simulated
	name    string
	objects []*drive.Record
	whole   string // all it holds, as text
}

// quietDrives are one as it was written, one whose objects compaction has moved, with a
// list of retired segments, and one with checksums of HighwayHash.
func quietDrives(t *testing.T, seed uint64) []*quiet {
	t.Helper()
	var all []*quiet
	for _, name := range []string{"written", "moved", local.HighwayHash} {
		f := flow{config: func(c *local.Config) {
			if name == local.HighwayHash {
				c.Checksum = name
			}
		}}
		q := &quiet{simulated: newSimulated(t, &f, seed), name: name}
		q.objects = []*drive.Record{q.put("small", 300), q.bulk("large", 10_000)}
		for _, r := range q.objects {
			q.settleNow(r)
		}
		if name == "moved" {
			q.moveAll()
		}
		q.whole = contents(t, q.drive)
		must(t, q.drive.Close())
		noFindings(t, q.simulated.config)
		all = append(all, q)
	}
	return all
}

// moveAll lets the first log segment be compacted.
func (q *quiet) moveAll() {
	for range 3 {
		q.commit(q.put("filler", 200_000))
	}
	q.settleNow(q.record(drive.TypePurge, q.put("filler", 0).Key))
	must(q.t, q.drive.Compact(q.t.Context()))
	if q.disk.Peek(path.Join(drivePath, "log/retired")) == nil {
		q.t.Fatal("nothing was compacted")
	}
}

// stretch is a run of bytes of a file.
type stretch struct {
	what     string
	file     string
	from, to int64
	indexed  bool // the drive still has its index
	carries  bool // somebody reads them: a flip must be found, or refused
	many     bool // too many to flip each: they all do the same
}

// stretches are all bytes of the drive. What carries nothing, if it is not what has been written
// with zeros ahead of its use, is the padding of bulk shards; and of the index, which is a
// cache, what Pebble does not read.
func (q *quiet) stretches() (all []stretch) {
	for _, file := range q.files("") {
		text := q.disk.Peek(file)
		size := int64(len(text))
		switch dir := path.Base(path.Dir(file)); {
		case dir == "index":
			all = append(all, stretch{"index", file, 0, size, true, false, false})
		case dir == "bulk":
			shard := shardOf(binary.BigEndian.Uint64(q.objects[1].WriteID[:]), 10_000)
			at := int64(bytes.Index(text, shard))
			end := at + 10_000
			next := (end + 4095) / 4096 * 4096
			all = append(all, stretch{"shard", file, at, end, true, true, false},
				stretch{"padding of a shard", file, end, next, true, false, false},
				stretch{"hole", file, next, size, true, true, true})
		default: // log, retired, format.json: with the index, and without
			end := int64(len(bytes.TrimRight(text, "\x00"))+4095) / 4096 * 4096
			end = min(end, size)
			for _, indexed := range []bool{true, false} {
				all = append(all, stretch{path.Base(file), file, 0, end, indexed, true, false},
					stretch{"zeros of " + path.Base(file), file, end, size, indexed, true, true})
			}
		}
	}
	return slices.DeleteFunc(all, func(s stretch) bool { return s.from >= s.to })
}

// files lists those of the drive, below a directory.
func (q *quiet) files(below string) (all []string) {
	names, err := q.disk.List(path.Join(drivePath, below))
	must(q.t, err)
	for _, n := range names {
		name := path.Join(below, n)
		if _, err := q.disk.List(path.Join(drivePath, name)); err == nil {
			all = append(all, q.files(name)...)
		} else {
			all = append(all, path.Join(drivePath, name))
		}
	}
	return all
}

// TestEveryByteOfADrive flips a random bit of a byte of every file of a drive, in its log before
// and after its index was lost, and starts: an object's bytes come back as they were, or the
// drive says that they, or it, are damaged. It never says no and means it. A census finds every
// flip, but for those that carry nothing: then the drive holds what it held.
func TestEveryByteOfADrive(t *testing.T) {
	t.Parallel()
	seed := newSeed(t)
	if *flipsFlag == 0 { // half of the time goes into what each start allocates and gives up
		before := debug.SetGCPercent(800)
		t.Cleanup(func() { debug.SetGCPercent(before) })
	}
	for i, q := range quietDrives(t, seed) {
		stretches, total := q.stretches(), int64(0)
		for _, s := range stretches {
			if !s.many {
				total += s.to - s.from
			}
		}
		for j, s := range stretches {
			t.Run(fmt.Sprintf("%s/%s/indexed=%v", q.name, s.what, s.indexed), func(t *testing.T) {
				t.Parallel()
				random := rand.New(rand.NewPCG(seed, uint64(i<<16+j)))
				q.flipAll(t, &s, random, total)
			})
		}
	}
}

// flipAll tries the bytes of a stretch, or its share of those that are asked for.
func (q *quiet) flipAll(t *testing.T, s *stretch, random *rand.Rand, total int64) {
	most := s.to - s.from
	switch asked := int64(*flipsFlag); {
	case s.many:
		most = min(most, 5)
	case asked > 0 && most > smallFile:
		most = max(10, asked*most/total)
	case asked > 0 && s.what == "index":
		most = min(most, 40)
	}
	step := float64(s.to-s.from) / float64(most)
	for n := range most {
		from, to := int64(step*float64(n)), int64(step*float64(n+1))
		at := s.from + from + random.Int64N(max(1, to-from))
		mask := byte(1) << random.IntN(8)
		if err := q.try(s, at, mask); err != nil {
			t.Fatalf("%s at %d, mask %#x: %v", s.file, at, mask, err)
		}
	}
}

// fork is the drive with a flipped byte, on a disk of its own.
func (q *quiet) fork(s *stretch, at int64, mask byte) (local.Config, error) {
	disk := q.disk.After(q.disk.Ops(), crashsim.LoseNone, 0)
	c := q.simulated.config
	c.Engine = disk.Engine()
	c.IndexMemtableBytes, c.IndexCacheBytes = 64<<10, 1<<20 // cleared at each start
	if s.indexed {
		return c, disk.Flip(s.file, at, mask)
	}
	return c, errors.Join(indexfs.Clear(disk, path.Join(drivePath, "index")),
		disk.Flip(s.file, at, mask))
}

// try says what is wrong with the answers of a drive and of its census.
func (q *quiet) try(s *stretch, at int64, mask byte) error {
	c, err := q.fork(s, at, mask)
	if err != nil {
		return err
	}
	found, err := q.start(c)
	if err != nil {
		return fmt.Errorf("start: %w", err)
	}
	examined, err := q.fork(s, at, mask)
	if err != nil {
		return err
	}
	report, err := local.Census(context.Background(), examined.Engine, drivePath, nil)
	switch {
	case err != nil && !refusal(err):
		return fmt.Errorf("census: %w", err)
	case err != nil || report.FindingsTotal > 0:
		return nil
	case s.carries || found:
		return fmt.Errorf("the census finds nothing (the start did: %v)", found)
	}
	return nil
}

// refusal reports whether an error is of a class that says that the drive is at fault.
func refusal(err error) bool {
	return errors.Is(err, drive.ErrCorrupt) || errors.Is(err, drive.ErrForeign) ||
		errors.Is(err, drive.ErrNewer)
}

// start opens a drive and looks at all it says. found: it says that something is wrong.
func (q *quiet) start(c local.Config) (found bool, err error) {
	d, err := local.Open(c)
	if err != nil {
		if !refusal(err) {
			return false, err
		}
		return true, nil
	}
	text, damaged, err := q.look(d)
	complete := d.Info().CompleteFrom == (drive.Order{})
	found = damaged || !complete || d.Info().TornTail
	if err == nil && !found && text != q.whole {
		err = fmt.Errorf("it says that all is well, and holds something else\n%s",
			firstDifference(q.whole, text))
	}
	for _, r := range q.objects {
		s, lookupErr := d.Lookup(context.Background(), r.Key, drive.LookupOptions{Inline: true})
		switch {
		case lookupErr != nil && !errors.Is(lookupErr, drive.ErrCorrupt):
			err = errors.Join(err, lookupErr)
		case lookupErr == nil && len(s.Entries) == 0 && complete:
			err = errors.Join(err, fmt.Errorf("%q is not here, it says", r.Key.Name))
		}
	}
	return found, errors.Join(err, d.Close())
}

// look is contents for a drive that may be damaged, and reports whether it says that it is. An
// error is wrong bytes, or a fault of another class.
func (q *quiet) look(d *local.Drive) (text string, damaged bool, err error) {
	var out strings.Builder
	page, err := d.Scan(context.Background(), drive.ScanQuery{Space: drive.SpaceObject,
		Bucket: drive.BucketID{7}, Max: 100})
	if errors.Is(err, drive.ErrCorrupt) {
		return "", true, nil
	}
	for _, r := range page.Registers {
		fmt.Fprintf(&out, "%d %q", r.Key.Space, r.Key.Name)
		for i := range r.State.Entries {
			e := &r.State.Entries[i]
			p := make([]byte, e.ShardBytes)
			readErr := d.Read(context.Background(), e, [][]byte{p}, 0)
			n := binary.BigEndian.Uint64(e.WriteID[:])
			switch {
			case errors.Is(readErr, drive.ErrCorrupt):
				damaged = true
			case readErr != nil:
				err = errors.Join(err, readErr)
			case !bytes.Equal(p, shardOf(n, len(p))):
				err = errors.Join(err, fmt.Errorf("wrong bytes of %q", r.Key.Name))
			}
			fmt.Fprintf(&out, " %d.%x.%v.%t.%d.%q", e.Type, e.WriteID[:8], e.Order, e.Settled,
				e.ShardBytes, e.Meta)
		}
		out.WriteByte('\n')
	}
	return out.String(), damaged, err
}

// TestEveryByteUnderADrive flips each byte of log and bulk storage under a drive that is open, and
// reads: right bytes, or drive.ErrCorrupt.
func TestEveryByteUnderADrive(t *testing.T) {
	t.Parallel()
	seed := newSeed(t)
	for _, q := range quietDrives(t, seed) {
		random := rand.New(rand.NewPCG(seed, 3))
		d := open(t, q.simulated.config)
		damaged := make(map[string]int)
		for _, s := range q.stretches() {
			if s.what == "index" || s.many || !s.indexed {
				continue
			}
			for at := s.from; at < s.to; at++ {
				mask := byte(1) << random.IntN(8)
				must(t, q.disk.Flip(s.file, at, mask))
				_, bad, err := q.look(d)
				if err != nil || bad && !s.carries {
					t.Fatalf("%s at %d, mask %#x: damaged %v, %v", s.file, at, mask, bad, err)
				}
				if bad {
					damaged[s.what]++
				}
				must(t, q.disk.Flip(s.file, at, mask))
			}
		}
		log := slices.Collect(maps.Keys(damaged))
		if len(log) != 2 || damaged["shard"] != 10_000 {
			t.Errorf("%s: of 10,000 and 300 bytes, these were found: %v", q.name, damaged)
		}
		for what, n := range damaged {
			if what != "shard" && n != 300 {
				t.Errorf("%s: %d bytes of %s were found, of 300", q.name, n, what)
			}
		}
	}
}
