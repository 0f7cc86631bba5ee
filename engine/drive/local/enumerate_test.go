package local_test

import (
	"context"
	"encoding/binary"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"path"
	"testing"

	"flashstore/engine/drive"
	"flashstore/engine/drive/local"
	"flashstore/ioengine/crashsim"
)

var cutSeedsFlag = flag.Int("local.cutseeds", 1,
	"how often each power cut that leaves things to chance is made")

// drivePath is where the drive is on a simulated disk.
const drivePath = "/mnt/d1"

// simulated is a drive on a simulated disk, with all that it acknowledged: the history of a test
// whose every moment a power cut is tried at.
type simulated struct {
	*history
	disk   *crashsim.Disk
	config local.Config
	marks  []mark
	// racing are writes that were under way together; see race.
	racing []mark
	// compaction ends the holding back of compaction, where a flow does that.
	compaction func()
}

// mark is a step of a test: what the drive held after it, and which operations of the disk it
// lies between. begun is the last one before it, acked the last one when it was acknowledged.
type mark struct {
	begun, acked int
	state        string
	record       *drive.Record // of a racing write
}

// flow is a history of one kind. prepare comes before the operations that are enumerated.
type flow struct {
	name    string
	config  func(*local.Config)
	prepare func(*simulated)
	act     func(*simulated)
}

func simConfig(disk *crashsim.Disk) local.Config {
	c := config(disk.Engine(), drivePath)
	c.LogSegmentBytes, c.BulkSegmentBytes = 1<<20, 1<<20
	c.TableBytes = 64 << 10
	c.CompactBytesPerSecond = 1 << 40
	c.Logger = slog.New(slog.DiscardHandler)
	return c
}

func newDisk(t testing.TB, seed uint64) *crashsim.Disk {
	t.Helper()
	disk, err := crashsim.New(crashsim.Config{Seed: seed})
	must(t, err)
	must(t, disk.MakeDir(path.Dir(drivePath)))
	must(t, disk.SyncDir("/"))
	return disk
}

// newSimulated formats a drive and opens it.
func newSimulated(t testing.TB, f *flow, seed uint64) *simulated {
	t.Helper()
	s := &simulated{disk: newDisk(t, seed)}
	s.config = simConfig(s.disk)
	if f.config != nil {
		f.config(&s.config)
	}
	must(t, local.Format(s.config.Engine, drivePath, identity))
	d, err := local.Open(s.config)
	must(t, err)
	s.history = newHistory(t, seed, d)
	s.marks = []mark{{state: contents(t, s.drive)}}
	return s
}

// step does something that returns once it is acknowledged.
func (s *simulated) step(f func()) {
	s.t.Helper()
	if s.disk == nil { // nobody will cut its power
		f()
		return
	}
	m := mark{begun: s.disk.Ops()}
	f()
	m.acked = s.disk.Ops()
	m.state = contents(s.t, s.drive)
	s.marks = append(s.marks, m)
}

// commitStep is a step of one record.
func (s *simulated) commitStep(r *drive.Record) *drive.Record {
	s.t.Helper()
	s.step(func() { s.commit(r) })
	return r
}

// settleStep settles r and waits until that is durable.
func (s *simulated) settleStep(r *drive.Record) {
	s.t.Helper()
	s.commitStep(&drive.Record{Type: drive.TypeSettle, Key: r.Key, Order: r.Order,
		Token: drive.Order{Term: s.term, Sequence: s.next}, WriteID: r.WriteID})
}

// put is a write of a name with an inline shard.
func (s *simulated) put(name string, bytes int) *drive.Record {
	r := s.record(drive.TypePut, drive.Key{Space: drive.SpaceObject, Bucket: drive.BucketID{7},
		Name: name})
	r.Meta = []byte("meta of " + name)
	r.Inline, r.ShardBytes = shardOf(s.next, bytes), int64(bytes)
	return r
}

// bulk is put with its shard in bulk storage.
func (s *simulated) bulk(name string, bytes int) *drive.Record {
	r := s.put(name, bytes)
	w, err := s.drive.Create(context.Background(), r.ShardBytes)
	must(s.t, err)
	p := r.Inline
	const most = 16 * drive.ChunkBytes
	for ; len(p) > 0; p = p[min(len(p), most):] {
		w.Write([][]byte{p[:min(len(p), most)]}, func(error) {})
	}
	r.Bulk, err = w.Seal()
	must(s.t, err)
	r.Inline = nil
	return r
}

// reopen stops the drive cleanly and starts it.
func (s *simulated) reopen() {
	s.t.Helper()
	must(s.t, s.drive.Close())
	s.drive = open(s.t, s.config)
}

// TestEveryPowerCut cuts the power at every operation that changes the disk, in each flow: with
// all unsynced data lost, with a random half of it, and in the middle of the operation. What the
// next start finds is what was acknowledged, with or without the step that was under way;
// nothing of it changes by writing on, by a rebuilt index or by one more cut; and the census is
// clean.
func TestEveryPowerCut(t *testing.T) {
	t.Parallel()
	seed := newSeed(t)
	for _, f := range append(flows(), overlapping()) {
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			s := newSimulated(t, &f, seed)
			f.prepare(s)
			s.step(func() {}) // a look at what it came to
			from := s.disk.Ops()
			f.act(s)
			must(t, s.drive.Close())
			to := s.disk.Ops()
			census(t, s.config) // of what no replay has made anew
			cuts := 0
			for n := from; n <= to && !t.Failed(); n++ {
				cuts += s.cutAt(n, n > from, seed)
			}
			t.Logf("%d operations, %d power cuts", to-from, cuts)
		})
	}
}

// cutAt tries all losses at one moment; tear: also in the middle of the operation before it.
func (s *simulated) cutAt(n int, tear bool, seed uint64) (cuts int) {
	losses := []crashsim.Loss{crashsim.LoseAll, crashsim.LoseHalf}
	if tear { // the last one of the preparation was of no step
		losses = append(losses, crashsim.Torn)
	}
	if s.config.Durability == local.Relaxed { // else LoseAll takes more
		losses = append(losses, crashsim.LoseNone)
	}
	for _, loss := range losses {
		tosses := 1
		if loss == crashsim.LoseHalf || loss == crashsim.Torn {
			tosses = *cutSeedsFlag
		}
		for i := range tosses {
			c := cut{s, n, loss, seed + uint64(i)}
			c.check()
			cuts++
			if s.t.Failed() {
				s.t.Fatalf("power cut after %s: %s, seed %d", s.disk.Describe(n), loss, c.seed)
			}
		}
	}
	return cuts
}

// cut is one power cut.
type cut struct {
	*simulated
	n    int
	loss crashsim.Loss
	seed uint64
}

// check starts the drive on what the power cut left.
func (c cut) check() {
	t := c.t
	disk := c.disk.After(c.n, c.loss, c.seed)
	config := c.on(disk)
	d, err := local.Open(config)
	if err != nil {
		t.Errorf("no start: %v", err)
		return
	}
	if c.config.Durability == local.Relaxed && c.loss != crashsim.LoseNone {
		c.checkRelaxed(d, config)
		return
	}
	state := contents(t, d)
	c.allowed(d, state)
	if c.seed%3 == uint64(c.n)%3 { // a third of them is cut once more
		c.again(disk, state)
	}
	c.goOn(d, config)
	if d, err = local.Open(config); err != nil {
		t.Errorf("no second start: %v", err)
		return
	}
	if have := contents(t, d); have != state {
		t.Errorf("another drive after a clean stop\n%s", firstDifference(state, have))
	}
	must(t, d.Close())
	census(t, config)
	if c.n%4 == 0 {
		c.rebuild(config, state)
	}
}

// goOn uses the drive, in a space of its own, and stops it.
func (c cut) goOn(d *local.Drive, config local.Config) {
	fresh := &drive.Record{Type: drive.TypePut, Key: drive.Key{Space: drive.SpaceDocument,
		Name: "fresh"}, Order: drive.Order{Term: c.term + 1}, Token: drive.Order{Term: c.term + 1}}
	if err := commit(d, fresh); err != nil {
		c.t.Errorf("no commit after the start: %v", err)
	}
	if err := errors.Join(d.Compact(context.Background()), d.Close()); err != nil {
		c.t.Error(err)
	}
}

// checkRelaxed checks what a drive holds that never synced: whole writes, or damage that is
// called damage. An index that knows more than the log would be a finding of another kind.
func (c cut) checkRelaxed(d *local.Drive, config local.Config) {
	t := c.t
	for _, space := range []drive.Space{drive.SpaceObject, drive.SpaceUpload, drive.SpacePart} {
		page, err := d.Scan(context.Background(), drive.ScanQuery{Space: space,
			Bucket: drive.BucketID{7}, Max: 1 << 20})
		must(t, err)
		for _, r := range page.Registers {
			for i := range r.State.Entries {
				e := &r.State.Entries[i]
				p := make([]byte, e.ShardBytes)
				err := d.Read(context.Background(), e, [][]byte{p}, 0)
				n := binary.BigEndian.Uint64(e.WriteID[:])
				if err == nil && !isShardOf(n, p) ||
					err != nil && !errors.Is(err, drive.ErrCorrupt) {
					t.Errorf("the shard of write %d: %v", n, err)
				}
			}
		}
	}
	c.goOn(d, config)
	report, err := local.Census(context.Background(), config.Engine, config.Path, nil)
	must(t, err)
	for _, f := range report.Findings {
		if f.Kind != local.FindLogDamage && f.Kind != local.FindBulk {
			t.Errorf("%+v", f)
		}
	}
}

// on is the drive's configuration on another disk.
func (c cut) on(disk *crashsim.Disk) local.Config {
	config := c.config
	config.Engine = disk.Engine()
	return config
}

// rebuild makes the index anew from the log.
func (c cut) rebuild(config local.Config, state string) {
	must(c.t, local.RebuildIndex(context.Background(), config.Engine, drivePath, nil))
	d, err := local.Open(config)
	must(c.t, err)
	if have := contents(c.t, d); have != state {
		c.t.Errorf("another drive after a rebuild of the index\n%s", firstDifference(state, have))
	}
	must(c.t, d.Close())
}

// again cuts the power at a moment of the start that followed the first cut: what that start
// found, this one finds.
func (c cut) again(disk *crashsim.Disk, state string) {
	n := rand.New(rand.NewPCG(c.seed, uint64(c.n))).IntN(disk.Ops() + 1)
	after := disk.After(n, c.loss, c.seed)
	d, err := local.Open(c.on(after))
	if err != nil {
		c.t.Errorf("no start after %s of the first start: %v", disk.Describe(n), err)
		return
	}
	if have := contents(c.t, d); have != state {
		c.t.Errorf("another drive after one more cut, after %s\n%s", disk.Describe(n),
			firstDifference(state, have))
	}
	must(c.t, d.Close())
}

// allowed checks what the drive holds: all that was acknowledged when the power failed, and
// nothing that had not begun.
func (c cut) allowed(d *local.Drive, state string) {
	done := c.n // operations that were over
	if c.loss == crashsim.Torn {
		done--
	}
	for i := len(c.marks) - 1; i >= 0; i-- {
		m := &c.marks[i]
		if m.state == state && (m.begun < c.n || m.begun == m.acked) {
			break
		}
		if i == 0 || m.acked <= done {
			c.t.Errorf("the drive does not hold what it acknowledged, step %d\n%s", i,
				firstDifference(m.state, state))
			break
		}
	}
	for i := range c.racing {
		m := &c.racing[i]
		s, err := d.Lookup(context.Background(), m.record.Key, drive.LookupOptions{})
		must(c.t, err)
		switch {
		case len(s.Entries) == 1 && m.begun < c.n && s.Entries[0].WriteID == m.record.WriteID:
			entryText(c.t, d, &s.Entries[0])
		case len(s.Entries) == 0 && m.acked > done:
		default:
			c.t.Errorf("%q, under way from %d to %d: %d entries", m.record.Key.Name, m.begun,
				m.acked, len(s.Entries))
		}
	}
}

// TestEveryPowerCutOfFormat cuts the power at every operation of the first format and start: the
// directory is a drive, or one that can be formatted.
func TestEveryPowerCutOfFormat(t *testing.T) {
	t.Parallel()
	seed := newSeed(t)
	disk := newDisk(t, seed)
	config := simConfig(disk)
	from := disk.Ops()
	must(t, local.Format(config.Engine, drivePath, identity))
	formatted := disk.Ops()
	d := open(t, config)
	must(t, commit(d, object(1, 100)))
	acked := disk.Ops()
	must(t, d.Close())
	for n := from + 1; n <= disk.Ops(); n++ {
		for _, loss := range []crashsim.Loss{crashsim.LoseAll, crashsim.LoseHalf, crashsim.Torn} {
			after := simConfig(disk.After(n, loss, seed))
			what := fmt.Sprintf("%s, %s, seed %d", disk.Describe(n), loss, seed)
			_, err := local.Inspect(after.Engine, drivePath)
			if errors.Is(err, drive.ErrUnformatted) && n <= formatted {
				err = local.Format(after.Engine, drivePath, identity)
			}
			if err != nil {
				t.Fatalf("after %s: %v", what, err)
			}
			d, err := local.Open(after)
			if err != nil {
				t.Fatalf("after %s: %v", what, err)
			}
			s, err := d.Lookup(t.Context(), object(1, 100).Key, drive.LookupOptions{Inline: true})
			if err != nil || len(s.Entries) == 0 && n > acked {
				t.Fatalf("after %s: %d entries, %v", what, len(s.Entries), err)
			}
			must(t, errors.Join(commit(d, object(2, 100)), d.Close()))
			census(t, after)
			if t.Failed() {
				t.Fatal(what)
			}
		}
	}
	t.Logf("%d operations", disk.Ops()-from)
}

// upload begins an upload and returns its key and id.
func (s *simulated) upload(name string) (key drive.Key, id string) {
	id = fmt.Sprintf("upload-%09d", s.next)
	r := s.record(drive.TypeDocument, drive.Key{Space: drive.SpaceUpload,
		Bucket: drive.BucketID{7}, Name: name + "\x00" + id})
	r.Meta = []byte("upload")
	s.settleStep(s.commitStep(r))
	return r.Key, id
}

// part is a part of an upload with an inline shard, or a long one in bulk storage.
func (s *simulated) part(id string, number, bytes int) *drive.Record {
	r := s.put("", bytes)
	if bytes > 128<<10 {
		r = s.bulk("", bytes)
	}
	r.Type = drive.TypePart
	r.Key = drive.Key{Space: drive.SpacePart, Bucket: drive.BucketID{7},
		Name: id + "\x00" + string(rune(number))}
	return r
}
