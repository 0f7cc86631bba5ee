package local

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/cockroachdb/pebble/v2"

	"flashstore/engine/drive"
	"flashstore/engine/drive/local/indexfs"
	"flashstore/ioengine"
)

// checkDir is where a census rebuilds the index, to compare it with the one in use.
const checkDir = "index.check"

// Finding is one thing that is wrong on a drive.
type Finding struct {
	Kind string `json:"kind"` // one of the Find constants
	File string `json:"file,omitempty"`
	// OffsetBytes is a place in File.
	OffsetBytes int64  `json:"offset,omitempty"`
	Key         string `json:"key,omitempty"` // the register's name, quoted
	Detail      string `json:"detail"`
	// Register and Write are what a damaged shard belongs to.
	Register drive.Key     `json:"-"`
	Write    drive.WriteID `json:"-"`
}

// The kinds of findings.
const (
	FindTornTail     = "torn-tail"     // an incomplete batch at the log's end
	FindLogDamage    = "log-damage"    // batches are missing in the middle of the log
	FindInline       = "inline-shard"  // a shard in the log does not match its checksums
	FindBulk         = "bulk-shard"    // a shard in bulk storage is unreadable or differs
	FindIndex        = "index"         // the index does not say what the log says
	FindUnreferenced = "unreferenced"  // bulk space that nothing refers to
	FindSegment      = "bulk-segments" // a bulk segment cannot be examined
	FindStopMark     = "stop-mark"     // log.stop is damaged
)

// Report is what a census found; no Findings means that all is well.
type Report struct {
	Path     string         `json:"path"`
	Identity drive.Identity `json:"identity"`
	// Findings are the first of FindingsTotal.
	Findings      []Finding `json:"findings"`
	FindingsTotal int       `json:"findings_total"`
	LogSegments   int       `json:"log_segments"`
	Term          uint64    `json:"term"`
	Batches       uint64    `json:"batches"`
	Records       uint64    `json:"records"`
	Registers     uint64    `json:"registers"`
	Entries       uint64    `json:"entries"`
	Unsettled     int       `json:"unsettled"`
	InlineBytes   int64     `json:"inline_bytes"`
	BulkSegments  int       `json:"bulk_segments"`
	BulkBytes     int64     `json:"bulk_bytes"`
	// UnreferencedBytes of bulk space are findings where a clean stop said that there are none;
	// what a crash left behind, the next start gives back.
	UnreferencedBytes int64 `json:"unreferenced_bytes"`
	// MaxSeen is the highest order in any record.
	MaxSeen drive.Order `json:"-"`
	// Forgot is the highest term whose tombstones the drive may have forgotten.
	Forgot uint64 `json:"-"`
}

// Census examines a drive that no process uses: every batch, record and chunk, the index
// against the log, and bulk space against both. It brings the index up to the end of the log,
// as a start would, and writes nothing else that stays. progress, which may be nil, is
// called often, with what is being done. The error says why it could not be done;
// what is wrong with the drive is in the report.
func Census(ctx context.Context, e ioengine.Engine, path string, progress func(Progress)) (
	Report, error) {
	r := Report{Path: path, Findings: []Finding{}}
	if progress == nil {
		progress = func(Progress) {}
	}
	c := &census{report: &r, ctx: ctx, progress: progress}
	err := c.open(e, path)
	if err == nil {
		err = c.run()
	}
	return r, errors.Join(err, c.close())
}

// census is the work of one Census: a drive without goroutines, and a second machine that
// the whole log is replayed into.
type census struct {
	report   *Report
	ctx      context.Context
	progress func(Progress)
	drive    *Drive
	segments []uint64
	rebuilt  *machine
	// reached is the number of the next batch, as log.stop and the index in use know.
	reached uint64
	// reclaimed: bulk segments below the number should hold nothing that nobody refers to.
	reclaimed uint64
}

func (c *census) open(e ioengine.Engine, path string) error {
	format, err := readFormat(e, path)
	if err != nil {
		return err
	}
	c.report.Identity, c.report.Forgot = format.Identity, format.Forgot
	held, err := lock(e.Files(), path)
	if err != nil {
		return err
	}
	d := newDrive(Config{Path: path, Engine: e}.withDefaults(), format.Identity, held)
	c.drive = d
	fresh, segments, err := d.openLog(&format)
	if err != nil {
		return err
	}
	c.segments = segments
	c.openIndex(fresh)
	scratch := filepath.Join(path, checkDir)
	if err := indexfs.Clear(e.Files(), scratch); err != nil { // of one that was killed
		return err
	}
	x, err := openIndex(&d.config, scratch, indexfs.Hooks{})
	if err != nil {
		return err
	}
	c.rebuilt = newMachine(x, fresh, tableMin)
	return nil
}

// openIndex opens the index in use, unless the log lacks what it should hold or the index cannot be
// read: these are findings.
func (c *census) openIndex(fresh position) {
	d := c.drive
	if err := d.checkLog(c.segments); err != nil {
		c.find(FindLogDamage, d.log.path, 0, "", err)
		return
	}
	mark, doubt, err := d.log.cleanStop(c.segments)
	if err != nil {
		c.find(FindLogDamage, d.log.path, 0, "", err)
		return
	}
	c.reached = mark.number
	if doubt != nil {
		c.find(FindStopMark, d.log.stopMark, 0, "", doubt)
	}
	if err = d.checkIndex(fresh, c.segments, mark); err == nil {
		err = d.loadMachine(fresh)
	}
	if err == nil {
		return
	}
	kind := FindIndex
	if _, isLost := errors.AsType[damaged](err); isLost {
		kind = FindLogDamage
	}
	index := filepath.Join(d.config.Path, indexDir)
	c.find(kind, index, 0, "", err)
	if err := d.closeMachine(); err != nil {
		c.find(FindIndex, index, 0, "", err)
	}
}

func (c *census) run() error {
	d := c.drive
	if d.machine != nil {
		c.reached = max(c.reached, d.machine.pos.number)
	}
	whole, err := c.replay()
	if err != nil {
		return err
	}
	if d.machine != nil && whole { // otherwise the index knows what the log has lost
		before := d.machine.pos
		if _, err := replay(d.machine, d.log, c.segments, nil); err != nil {
			c.find(FindIndex, filepath.Join(d.config.Path, indexDir), 0, "", err)
		} else if err := c.compare(); err != nil {
			return err
		}
		if d.machine.pos.number == before.number {
			c.reclaimed = before.reclaimed
		}
	}
	if d.bulk, err = openBulk(&d.config, c.rebuilt.live); err != nil {
		return err
	}
	if err := c.registers(); err != nil {
		return err
	}
	return c.space()
}

// replay rebuilds the index from the whole log and verifies the inline shards on the way. whole: no
// batch is lost.
func (c *census) replay() (whole bool, err error) {
	d, r := c.drive, c.report
	r.LogSegments = len(c.segments)
	progress, err := d.log.progress(c.segments, "log", c.progress)
	if err != nil {
		return false, err
	}
	scan, err := replay(c.rebuilt, d.log, c.segments, func(h *batchHeader, s *stored, at int) error {
		r.Records++
		progress(h)
		if s.shard == shardInline {
			r.InlineBytes += s.ShardBytes
			if !s.algorithm.allMatch(s.sums, s.Inline) {
				c.findShard(FindInline, d.log.name(h.segment), h.offsetBytes+int64(at), &s.Record,
					errShardSum)
			}
		}
		return c.ctx.Err()
	})
	if err != nil {
		return false, err
	}
	r.Batches, r.Term, r.MaxSeen = scan.number-1, c.rebuilt.pos.term, c.rebuilt.pos.maxSeen
	scan.reached(c.reached)
	for _, g := range scan.damage {
		c.find(FindLogDamage, d.log.name(g.Segment), g.OffsetBytes, "",
			fmt.Errorf("%d batches are lost", g.Lost))
	}
	if j := scan.junk; j != nil {
		c.find(FindTornTail, d.log.name(j.Segment), j.OffsetBytes, "", errBatch)
	}
	return len(scan.damage) == 0, nil
}

// compare walks the index in use and the rebuilt one side by side.
func (c *census) compare() error {
	c.progress(Progress{What: "index"})
	var its [2]*pebble.Iterator
	var ok [2]bool
	for i, m := range []*machine{c.drive.machine, c.rebuilt} {
		it, err := m.index.newIter(nil)
		if err != nil {
			return err
		}
		defer it.Close()
		its[i], ok[i] = it, it.First()
	}
	for ok[0] || ok[1] {
		if err := c.ctx.Err(); err != nil {
			return err
		}
		order := 0
		switch {
		case !ok[1]:
			order = -1
		case !ok[0]:
			order = 1
		default:
			order = bytes.Compare(its[0].Key(), its[1].Key())
		}
		c.compareRow(order, its)
		if order <= 0 {
			ok[0] = its[0].Next()
		}
		if order >= 0 {
			ok[1] = its[1].Next()
		}
	}
	return errors.Join(its[0].Error(), its[1].Error())
}

// compareRow looks at the rows the two iterators are on: order < 0 means that only the index
// in use has it. Rows of space to be given back, and the position, may differ.
func (c *census) compareRow(order int, its [2]*pebble.Iterator) {
	it := its[0]
	if order > 0 {
		it = its[1]
	}
	row := it.Key()
	var what string
	switch {
	case row[0] == rowFree || row[0] == rowPosition:
		return
	case order < 0:
		what = "a row that the log does not account for"
	case order > 0:
		what = "a row is missing"
	case !bytes.Equal(its[0].Value(), its[1].Value()):
		what = "a row differs from what the log says"
	default:
		return
	}
	if row[0] < firstOwnSpace && c.sameChain(order, its) {
		return
	}
	name := ""
	if row[0] == rowUnsettled {
		row = row[1:]
	}
	if key, err := parseRowKey(row); err == nil {
		name = key.Name
	}
	c.find(FindIndex, filepath.Join(c.drive.config.Path, indexDir), 0, name,
		fmt.Errorf("%s: key %x", what, row))
}

// sameChain reports whether the rows say the same: fences of earlier terms refuse nothing, and
// discarded write ids have no order.
func (c *census) sameChain(order int, its [2]*pebble.Iterator) bool {
	var text [2][]byte
	for i, it := range its {
		if order < 0 && i == 1 || order > 0 && i == 0 {
			continue // it has no such row
		}
		have, err := parseChain(&drive.Key{}, it.Value(), nil)
		if err != nil {
			return false
		}
		text[i] = have.essence(c.rebuilt.pos.term)
	}
	return bytes.Equal(text[0], text[1])
}

// find adds a finding about a register, or about none if name is "".
func (c *census) find(kind, file string, offsetBytes int64, name string, err error) {
	c.add(Finding{Kind: kind, File: file, OffsetBytes: offsetBytes, Detail: err.Error(),
		Register: drive.Key{Name: name}})
}

// findShard adds a finding about the shard of r.
func (c *census) findShard(kind, file string, offsetBytes int64, r *drive.Record, err error) {
	c.add(Finding{Kind: kind, File: file, OffsetBytes: offsetBytes, Detail: err.Error(),
		Register: r.Key, Write: r.WriteID})
}

func (c *census) add(f Finding) {
	if c.report.FindingsTotal++; len(c.report.Findings) == findingsMax {
		return
	}
	if f.Register.Name != "" {
		f.Key = fmt.Sprintf("%q", f.Register.Name)
	}
	c.report.Findings = append(c.report.Findings, f)
}

// close lets go of the drive and removes the rebuilt index.
func (c *census) close() (err error) {
	if c.drive == nil {
		return nil
	}
	if c.rebuilt != nil {
		err = c.rebuilt.close()
	}
	err = errors.Join(err, indexfs.Clear(c.drive.config.Engine.Files(),
		filepath.Join(c.drive.config.Path, checkDir)))
	return errors.Join(err, c.drive.closeFiles())
}
