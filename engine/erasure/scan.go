package erasure

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"flashstore/engine/drive"
	"flashstore/engine/object"
)

const (
	scanWorkers = 8 // registers of a set that are healed at a time while no client is there
	scanBatch   = 256
)

// scan is one pass over all registers of a set: documents, objects and versions with the parts of
// those that were uploaded in parts, uploads with their parts, and the rest. What the drives do
// not hold alike is healed.
type scan struct {
	store *Store
	set   *set
	how   healing
	pace  *pace
	// from is where an interrupted pass goes on.
	from place
	told func(*found) // called behind each register, in order
}

// place is a register in the order of a scan; the zero place comes before all.
type place struct {
	Space  drive.Space    `json:"space"`
	Bucket drive.BucketID `json:"bucket"`
	Name   string         `json:"name"`
}

// compare tells whether p is in a space and bucket, before it or behind it, as a scan goes.
func (p place) compare(space drive.Space, bucket drive.BucketID) int {
	return cmp.Or(cmp.Compare(p.Space, space), bytes.Compare(p.Bucket[:], bucket[:]))
}

// found is a register that a scan met, and how it fares.
type found struct {
	key     drive.Key
	answers []answer
	health  health
	healed  healed
	err     error
	ended   error // of the scan
}

// errEnumerated says that too few drives listed their registers for a scan to have seen all.
var errEnumerated = errors.New("too few complete drives list what they hold")

// run goes through all registers. nil: all were seen, as enough complete drives enumerate them; how
// each of them fared was told.
func (c *scan) run(ctx context.Context) error {
	if err := c.space(ctx, drive.SpaceDocument, drive.BucketID{}); err != nil {
		return err
	}
	buckets, err := c.store.bucketIDs(ctx)
	if err != nil {
		return fmt.Errorf("listing buckets: %w", err)
	}
	for _, space := range []drive.Space{drive.SpaceObject, drive.SpaceUpload, drive.SpaceVersion,
		drive.SpaceHead, drive.SpaceAttributes} {
		for _, b := range buckets {
			if err := c.space(ctx, space, b); err != nil {
				return err
			}
		}
	}
	return nil
}

// bucketIDs lists the incarnations of all buckets, in order.
func (s *Store) bucketIDs(ctx context.Context) (all []drive.BucketID, err error) {
	q := walkQuery{space: drive.SpaceDocument, prefix: bucketPrefix, hint: object.ListMax}
	err = s.walk(ctx, q, func(name string, w *write) (string, bool, error) {
		b, err := readBucket(object.BucketName(name), &w.sample.Record)
		if err == nil {
			all = append(all, b.id)
		}
		return "", true, err
	})
	slices.SortFunc(all, func(a, b drive.BucketID) int { return bytes.Compare(a[:], b[:]) })
	return all, err
}

// space goes through the registers of a space and bucket, from c.from on.
func (c *scan) space(ctx context.Context, space drive.Space, bucket drive.BucketID) error {
	q := walkQuery{space: space, bucket: bucket, hint: object.ListMax}
	switch c.from.compare(space, bucket) {
	case 0:
		q.after = c.from.Name
	case 1:
		return nil // an earlier run has been there
	}
	return c.merge(ctx, q, true)
}

// merge goes through the registers of a query, scanBatch at a time. With owners, the parts of
// uploads that it meets too.
func (c *scan) merge(ctx context.Context, q walkQuery, owners bool) error {
	q.every = true
	w := newSetWalk(c.set, q)
	batch := make([]*found, 0, scanBatch)
	for more := true; more; {
		for batch = batch[:0]; len(batch) < scanBatch; {
			name, any, err := w.next(ctx)
			if err == nil && !w.enough() {
				err = fmt.Errorf("%w: %w", object.ErrUnavailable, errEnumerated)
			}
			if err != nil {
				return err
			}
			if more = any; !more {
				break
			}
			key := drive.Key{Space: q.space, Bucket: q.bucket, Name: name}
			batch = append(batch, &found{key: key, answers: w.take(name)})
		}
		if err := c.healAll(ctx, batch, owners); err != nil {
			return err
		}
	}
	return nil
}

// healAll heals a batch, some at a time, and tells of all in order.
func (c *scan) healAll(ctx context.Context, batch []*found, owners bool) error {
	var wg sync.WaitGroup
	places := make(chan struct{}, scanWorkers)
	for _, f := range batch {
		if c.nothingToDo(f, owners) {
			continue
		}
		places <- struct{}{}
		wg.Go(func() {
			defer func() { <-places }()
			c.pace.turn(ctx, func() { f.healed, f.err = c.set.heal(ctx, f.key, c.how) })
			if f.health = f.healed.health; f.err != nil {
				f.health, f.healed.lacking = max(f.health, short), ^uint32(0)
			}
			c.pace.spend(ctx, f.healed.bytes+f.healed.verified)
			if owners && ctx.Err() == nil {
				f.ended = c.parts(ctx, f)
			}
		})
	}
	wg.Wait()
	for _, f := range batch {
		if f.ended != nil {
			return f.ended
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		c.told(f)
	}
	return nil
}

// nothingToDo reports whether all drives that take writes say the same of a register, so that it
// needs no lock.
func (c *scan) nothingToDo(f *found, owners bool) bool {
	w, forgot, alike := c.set.alike(f.answers)
	f.answers = nil
	switch {
	case !alike || w != nil && c.set.mayForget(w):
		return false
	case w == nil:
		return true
	case c.how.verify && !w.whole():
		return false
	}
	if _, owns := ownedBy(f.key, &w.sample.Record); owners && owns {
		return false
	}
	for i, e := range w.holders {
		if e == nil && forgot>>i&1 == 0 {
			f.health, f.healed.lacking = short, f.healed.lacking|1<<i
		}
	}
	return true
}

// enough reports whether so many complete drives list what they hold that every write that was
// acknowledged is on one of them.
func (w *setWalk) enough() bool {
	complete := 0
	for i := range w.cursors {
		if w.cursors[i].err == nil && w.set.mark(i) == (drive.Order{}) {
			complete++
		}
	}
	return complete >= w.set.n-w.set.w+1
}

// alike reports whether every drive that takes writes says the same of a register, which is certain
// and settled; forgot are those that may have forgotten it, a tombstone.
func (s *set) alike(answers []answer) (w *write, forgot uint32, alike bool) {
	v := judge(answers, s.quorum())
	if v.outcome == absent && !v.ignored {
		return nil, 0, true
	}
	if v.outcome != served || v.ignored {
		return nil, 0, false
	}
	forgot = s.forgot(answers, v.write)
	for i, e := range v.write.holders {
		if s.usable(i) && forgot>>i&1 == 0 && (e == nil || !e.Settled) {
			return nil, 0, false
		}
	}
	return v.write, forgot, true
}

// parts heals the parts that a register owns: those of an upload, or of an object made of one. An
// error ends the scan.
func (c *scan) parts(ctx context.Context, f *found) error {
	if !ownsParts(f.key.Space) {
		return nil
	}
	owner, err := c.set.stateOf(ctx, f.key)
	if err != nil { // its parts were not seen: no drive may say no to them
		f.health, f.healed.lacking = undecided, ^uint32(0)
		f.err = errors.Join(f.err, err)
		return ctx.Err()
	}
	if owner == nil {
		return nil
	}
	u, owns := ownedBy(f.key, &owner.sample.Record)
	if !owns {
		return nil
	}
	copied := []drive.Key(nil)
	inner := *c
	inner.told = func(part *found) {
		f.health = max(f.health, part.health)
		f.err = errors.Join(f.err, part.err)
		f.healed.lacking |= part.healed.lacking
		f.healed.copied += part.healed.copied
		f.healed.bytes += part.healed.bytes
		if part.health == whole {
			c.set.repairs.remove(part.key, c.how.verify)
		} else {
			c.set.repairs.add(part.key, c.how.verify)
		}
		if part.healed.copied > 0 {
			copied = append(copied, part.key)
		}
	}
	q := walkQuery{space: drive.SpacePart, bucket: f.key.Bucket, prefix: string(u[:]),
		hint: object.ListMax}
	if err := inner.merge(ctx, q, false); err != nil {
		return err
	}
	return c.dropOrphans(ctx, f.key, owner.id, copied)
}

// ownsParts reports whether registers of a space may own parts.
func ownsParts(space drive.Space) bool {
	return space == drive.SpaceObject || space == drive.SpaceVersion || space == drive.SpaceUpload
}

// ownedBy is the upload whose parts live as long as a register says so.
func ownedBy(owner drive.Key, r *drive.Record) (u uploadID, owns bool) {
	if owner.Space == drive.SpaceObject || owner.Space == drive.SpaceVersion {
		return manifestUpload(r)
	}
	if owner.Space != drive.SpaceUpload || r.Type != drive.TypeDocument || len(owner.Name) < len(u) {
		return u, false
	}
	return uploadID([]byte(owner.Name[len(owner.Name)-len(u):])), true
}

// stateOf is the newest state of a register, by any drives that suffice.
func (s *set) stateOf(ctx context.Context, key drive.Key) (*write, error) {
	return address{set: s, key: key}.resolve(ctx, drive.LookupOptions{})
}

// dropOrphans deletes parts that were copied while their owner went: the drive had dropped its
// own already, and nothing would drop them again.
func (c *scan) dropOrphans(ctx context.Context, owner drive.Key, id drive.WriteID,
	copied []drive.Key) error {
	if len(copied) == 0 {
		return nil
	}
	now, err := c.set.stateOf(ctx, owner)
	if err != nil || now != nil && now.id == id {
		return err
	}
	if owner.Space == drive.SpaceUpload {
		done, err := c.set.wasCompleted(ctx, owner)
		if err != nil || done {
			return err
		}
	}
	for _, key := range copied {
		if err := c.store.purge(ctx, address{set: c.set, key: key}, nil); err != nil {
			return err
		}
	}
	return nil
}

// wasCompleted reports whether an upload that is gone was completed: then its parts live on.
func (s *set) wasCompleted(ctx context.Context, upload drive.Key) (bool, error) {
	grant, err := s.lock(ctx, upload)
	if err != nil {
		return false, err
	}
	defer grant.Release()
	w, err := s.newestHeld(ctx, upload, grant)
	if err != nil || w == nil {
		return false, err
	}
	return len(w.sample.Meta) > 0 && w.sample.Meta[0] == completedMark, nil
}
