package erasure

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"

	"flashstore/engine/drive"
	"flashstore/engine/erasure/codec"
)

// Shelf is the registers of one drive at rest whose key begins as prefix does, or all if it is
// nil, in the order of space, bucket and name. They belong to whoever asks.
type Shelf func(prefix *drive.Key) iter.Seq2[*drive.Register, error]

// CensusConfig says what to compare.
type CensusConfig struct {
	// Drives by position in the set; nil where one is not there to be examined.
	Drives []Shelf
	Parity int
	// Buckets are the names of those whose documents other sets hold; see BucketsOf.
	Buckets map[drive.BucketID]string
	// Forgot is, by position, up to which term a drive may have forgotten tombstones.
	Forgot []uint64
	// Damaged, if not nil, tells of shards whose bytes are known to be wrong.
	Damaged func(position int, key *drive.Key, write drive.WriteID) bool
	// Find is called for each thing that is wrong.
	Find func(Finding)
	// Progress, if not nil, is called now and then with how many registers are done.
	Progress func(registers uint64)
}

// Finding is one thing that is wrong with a register of a set.
type Finding struct {
	Kind   string `json:"kind"` // one of the Find constants
	Bucket string `json:"bucket,omitempty"`
	Key    string `json:"key,omitempty"` // quoted
	// Positions are the drives it is about, from 0.
	Positions []int  `json:"positions,omitempty"`
	Detail    string `json:"detail"`
}

// The kinds of findings. "Committed" is what has a settle, or is on the write quorum; everything
// that was ever acknowledged is, and so is what was decided since.
const (
	FindShort      = "short"      // committed, and not on every drive that was examined
	FindUnreadable = "unreadable" // committed, and on too few drives to be read
	FindUndecided  = "undecided"  // newer than what is committed, on too few drives to be
	FindMismatch   = "mismatch"   // one write, and drives that say different things of it
	FindOrphan     = "orphan"     // nothing that lives refers to it
)

// Tally counts what a census went through.
type Tally struct {
	Registers  uint64 `json:"registers"`
	Buckets    uint64 `json:"buckets"`
	Objects    uint64 `json:"objects"`
	Versions   uint64 `json:"versions,omitempty"` // but null ones; delete markers too
	Uploads    uint64 `json:"uploads"`
	Parts      uint64 `json:"parts"`
	Tombstones uint64 `json:"tombstones"`
	// Unsettled are committed and lack a settle on some drive: it is sent again when they are
	// next met. Nothing is wrong with them.
	Unsettled uint64 `json:"unsettled"`
}

// Census compares the drives of a set at rest, in one pass over their registers and in bounded
// memory. It looks at records, not at the bytes of shards. The error says why it could not be
// done; what is wrong with the set goes to cfg.Find.
func Census(ctx context.Context, cfg CensusConfig) (Tally, error) {
	n := len(cfg.Drives)
	layout, err := LayoutOf(n, cfg.Parity)
	if err != nil {
		return Tally{}, err
	}
	c := &census{cfg: cfg, ctx: ctx, n: n, quorum: quorumOf(layout.Data, layout.Parity),
		buckets: make(map[drive.BucketID]string)}
	maps.Copy(c.buckets, cfg.Buckets)
	for _, s := range cfg.Drives {
		if s != nil {
			c.examined++
		}
	}
	err = c.merge(nil, c.visit)
	return c.tally, err
}

// census is the work of one Census.
type census struct {
	cfg      CensusConfig
	ctx      context.Context
	n        int
	quorum   quorum // of the default parity
	examined int    // drives
	tally    Tally

	buckets  map[drive.BucketID]string // names of those that may live
	owned    uploadSet                 // uploads whose parts may live
	all      bool                      // with those that versions were made of
	orphaned uploadID                  // the last upload that was found to have no owner
}

// progressEvery registers Progress is called.
const progressEvery = 1024

// visit takes the next register of the set. Spaces come in order: owners before parts, but for
// versions.
func (c *census) visit(key *drive.Key, answers []answer) error {
	if c.tally.Registers++; c.tally.Registers%progressEvery == 0 {
		if err := c.ctx.Err(); err != nil {
			return err
		}
		if c.cfg.Progress != nil {
			c.cfg.Progress(c.tally.Registers)
		}
	}
	if key.Space == drive.SpacePart {
		if err := c.ownVersions(); err != nil {
			return err
		}
		c.part(key, answers)
		return nil
	}
	w := c.register(key, answers)
	if w != nil && w.sample.Type == drive.TypePurge {
		c.tally.Tombstones++
	}
	switch key.Space {
	case drive.SpaceDocument:
		c.document(key, answers, w)
	case drive.SpaceObject, drive.SpaceVersion:
		return c.object(key, answers, w)
	case drive.SpaceHead:
		return c.head(key, w)
	case drive.SpaceUpload:
		return c.upload(key, answers, w)
	}
	return nil
}

// register judges one register and returns its committed state, nil if there is none.
func (c *census) register(key *drive.Key, answers []answer) *write {
	for _, w := range writes(answers) {
		if w.settled || w.copies >= w.quorum(c.quorum).w {
			c.committed(key, w, answers)
			return w
		}
		c.undecided(key, w)
	}
	return nil
}

func (c *census) committed(key *drive.Key, w *write, answers []answer) {
	for _, e := range w.holders {
		if e != nil && !e.Settled {
			c.tally.Unsettled++
			break
		}
	}
	if fault := c.disagreement(w); fault != nil {
		c.find(FindMismatch, key, nil, "write %x: %v", w.id, fault)
	}
	need, damaged := w.quorum(c.quorum).k, c.damaged(key, w)
	if w.settled && w.whole() {
		need = 1
	}
	missing := slices.DeleteFunc(c.lacking(w), func(i int) bool { return c.forgot(w, answers, i) })
	if w.copies-len(damaged) < need {
		c.find(FindUnreadable, key, append(missing, damaged...), "write %x is on %d of the %d drives "+
			"examined, and damaged on %d of them; %d are needed to read it", w.id, w.copies,
			c.examined, len(damaged), need)
	} else if len(missing) > 0 {
		c.find(FindShort, key, missing, "write %x is on %d of the %d drives examined, not on %s",
			w.id, w.copies, c.examined, numbers(missing))
	}
}

func (c *census) undecided(key *drive.Key, w *write) {
	what := "it may have been acknowledged, and is decided when enough drives are back"
	switch {
	case w.copies >= w.quorum(c.quorum).k:
		what = "the next start brings it to the others"
	case w.copies+c.n-c.examined < w.quorum(c.quorum).w:
		what = "it was never acknowledged, and goes with the next write of the key"
	}
	c.find(FindUndecided, key, c.lacking(w), "write %x is on %d of the %d drives examined, without "+
		"a settle: %s", w.id, w.copies, c.examined, what)
}

// damaged lists the holders of w whose shard is known to be damaged.
func (c *census) damaged(key *drive.Key, w *write) (positions []int) {
	for i, e := range w.holders {
		if e != nil && c.cfg.Damaged != nil && c.cfg.Damaged(i, key, w.id) {
			positions = append(positions, i)
		}
	}
	return positions
}

// lacking lists the drives that were examined and do not hold w.
func (c *census) lacking(w *write) (positions []int) {
	for i, e := range w.holders {
		if e == nil && c.cfg.Drives[i] != nil {
			positions = append(positions, i)
		}
	}
	return positions
}

// forgot reports whether a drive that has nothing where w is a tombstone may have forgotten it.
func (c *census) forgot(w *write, answers []answer, i int) bool {
	return w.sample.Type == drive.TypePurge && w.settled && len(answers[i].state.Entries) == 0 &&
		i < len(c.cfg.Forgot) && c.cfg.Forgot[i] >= w.order.Term
}

// disagreement says in what the holders of w differ, or what none of them can be right about.
func (c *census) disagreement(w *write) error {
	first := -1
	for i, e := range w.holders {
		switch {
		case e == nil:
			continue
		case first < 0:
			first = i
		}
		a, b := w.holders[first], e
		switch {
		case a.Type != b.Type || a.Order != b.Order || a.Version != b.Version ||
			a.SizeBytes != b.SizeBytes || a.ShardBytes != b.ShardBytes ||
			a.Geometry.Data != b.Geometry.Data || a.Geometry.Parity != b.Geometry.Parity:
			return fmt.Errorf("number %d says %s, number %d says %s", first+1, shape(a), i+1,
				shape(b))
		case a.ModTimeNanos != b.ModTimeNanos || string(a.Meta) != string(b.Meta):
			return fmt.Errorf("numbers %d and %d have different metadata", first+1, i+1)
		case !w.whole() && (i-int(b.Geometry.Index)+c.n)%c.n != (first-int(a.Geometry.Index)+c.n)%c.n:
			return fmt.Errorf("number %d holds shard %d, and number %d shard %d", first+1,
				a.Geometry.Index, i+1, b.Geometry.Index)
		}
	}
	e := w.sample
	layout := codec.Layout{Data: int(e.Geometry.Data), Parity: int(e.Geometry.Parity)}
	switch {
	case layout.Total() != c.n || layout.Data < c.quorum.k || layout.Validate() != nil:
		return fmt.Errorf("it was cut into %d+%d shards, the set has %d+%d", layout.Data,
			layout.Parity, c.quorum.k, c.n-c.quorum.k)
	case !w.whole() && e.ShardBytes != layout.ShardBytes(e.SizeBytes):
		return fmt.Errorf("shards of %d bytes, and %d bytes make shards of %d", e.ShardBytes,
			e.SizeBytes, layout.ShardBytes(e.SizeBytes))
	}
	return nil
}

// shape is what all drives must agree on, for a message.
func shape(e *drive.Entry) string {
	return fmt.Sprintf("type %d, order %d.%d, version %x, %d bytes in shards of %d (%d+%d)", e.Type,
		e.Order.Term, e.Order.Sequence, e.Version, e.SizeBytes, e.ShardBytes, e.Geometry.Data,
		e.Geometry.Parity)
}

// numbers is positions as people count.
func numbers(positions []int) string {
	words := make([]string, len(positions))
	for i, p := range positions {
		words[i] = fmt.Sprint(p + 1)
	}
	return "number " + strings.Join(words, ", ")
}

func (c *census) find(kind string, key *drive.Key, positions []int, format string, args ...any) {
	f := Finding{Kind: kind, Positions: positions, Detail: fmt.Sprintf(format, args...)}
	if key.Bucket != (drive.BucketID{}) {
		if f.Bucket = c.buckets[key.Bucket]; f.Bucket == "" {
			f.Bucket = fmt.Sprintf("%x", key.Bucket)
		}
	}
	f.Key = keyText(key)
	c.cfg.Find(f)
}

// head is where the merge stands on one drive.
type head struct {
	next     func() (*drive.Register, error, bool)
	register *drive.Register // nil at the end
}

func (h *head) advance() error {
	r, err, _ := h.next()
	h.register = r
	return err
}

// merge visits the registers below prefix, each with what all drives say of it.
func (c *census) merge(prefix *drive.Key,
	visit func(key *drive.Key, answers []answer) error) error {
	heads := make([]head, c.n)
	for i, shelf := range c.cfg.Drives {
		if shelf == nil {
			continue
		}
		next, stop := iter.Pull2(shelf(prefix))
		defer stop()
		heads[i].next = next
		if err := heads[i].advance(); err != nil {
			return c.unread(i, err)
		}
	}
	answers := make([]answer, c.n)
	for {
		var lowest *drive.Key
		for i := range heads {
			if r := heads[i].register; r != nil && (lowest == nil || compareKeys(&r.Key, lowest) < 0) {
				lowest = &r.Key
			}
		}
		if lowest == nil {
			return nil
		}
		for i := range heads {
			answers[i] = answer{answered: c.cfg.Drives[i] != nil}
			if r := heads[i].register; r != nil && compareKeys(&r.Key, lowest) == 0 {
				answers[i].state = r.State
				if err := heads[i].advance(); err != nil {
					return c.unread(i, err)
				}
			}
		}
		if err := visit(lowest, answers); err != nil {
			return err
		}
	}
}

// ErrUnread: the registers of a drive could not be read to their end.
var ErrUnread = errors.New("erasure: a drive cannot be compared")

func (c *census) unread(position int, err error) error {
	return fmt.Errorf("%w: number %d: %w", ErrUnread, position+1, err)
}

func compareKeys(a, b *drive.Key) int {
	return cmp.Or(cmp.Compare(a.Space, b.Space),
		strings.Compare(string(a.Bucket[:]), string(b.Bucket[:])), strings.Compare(a.Name, b.Name))
}
