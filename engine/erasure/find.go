package erasure

import (
	"context"
	"fmt"

	"flashstore/engine/drive"
	"flashstore/engine/lock"
	"flashstore/engine/object"
)

// missing is the error of who wants the content of t, which ref led to; nil if it has one. Errors:
// object.ErrNoSuchKey, object.ErrNoSuchVersion, a *object.MarkerError.
func (t *target) missing(ref object.Ref) error {
	switch {
	case t == nil && ref.Version == object.Newest:
		return fmt.Errorf("%w: %s", object.ErrNoSuchKey, ref.Key)
	case t == nil:
		return fmt.Errorf("%w: %s of %s", object.ErrNoSuchVersion, ref.Version, ref.Key)
	case t.info.Marker:
		return &object.MarkerError{Info: t.info, Asked: ref.Version != object.Newest}
	}
	return nil
}

// reader returns the newest state of a register, tombstones and delete markers too.
type reader func(at address) (*write, error)

// free reads without a lock, by whichever drives suffice.
func free(ctx context.Context) reader {
	return func(at address) (*write, error) { return at.newest(ctx, drive.LookupOptions{}) }
}

// under reads under the lock of the key.
func under(ctx context.Context, grant lock.Grant) reader {
	return func(at address) (*write, error) { return at.set.newestHeld(ctx, at.key, grant) }
}

// findHeld finds a version under the lock of its key, with the attributes that it has now; nil if
// there is none.
func (s *Store) findHeld(ctx context.Context, b *bucket, ref object.Ref,
	grant lock.Grant) (*target, error) {
	read := under(ctx, grant)
	head, err := s.headOf(b, ref, read)
	if err != nil {
		return nil, err
	}
	t, err := s.lookFor(b, ref, head, read)
	if err == nil && t != nil && b.settings.Load().attributed {
		_, err = s.readAttributes(b, t, read)
	}
	return t, err
}

// findTries is how often a key may change under whoever reads several of its registers.
const findTries = 5

// find is findHeld without the lock: what it finds was so at one moment while it looked. What
// changes too fast is found under the lock.
func (s *Store) find(ctx context.Context, b *bucket, ref object.Ref) (*target, error) {
	for range findTries {
		t, certain, err := s.findOnce(ctx, b, ref)
		if err != nil || certain {
			return t, err
		}
	}
	at := s.objectAt(b, ref.Key)
	grant, err := at.set.lock(ctx, at.key)
	if err != nil {
		return nil, err
	}
	defer grant.Release()
	return s.findHeld(ctx, b, ref, grant)
}

func (s *Store) findOnce(ctx context.Context, b *bucket, ref object.Ref) (t *target,
	certain bool, err error) {
	read := free(ctx)
	head, err := s.headOf(b, ref, read)
	if err != nil {
		return nil, false, err
	}
	if t, err = s.lookFor(b, ref, head, read); err != nil || b.plain() {
		return t, true, err
	}
	if t == nil || head != nil && t.id != head.id {
		// Was the head moved, and the null version changed, in between?
		again, err := s.headOf(b, ref, read)
		if err != nil || !head.same(again) {
			return nil, false, err
		}
	}
	if t == nil {
		return nil, true, nil
	}
	if !b.settings.Load().attributed {
		return t, true, nil
	}
	if found, err := s.readAttributes(b, t, read); found || err != nil {
		return t, true, err
	}
	// None of this write: unless another one has taken its place, there are none.
	w, err := read(s.versionAt(b, ref.Key, t.version))
	return t, err == nil && w != nil && w.id == t.id, err
}

// readAttributes puts the attributes that t has now in place of those it was written with; false if
// they are still those.
func (s *Store) readAttributes(b *bucket, t *target, read reader) (bool, error) {
	w, err := read(s.attributesAt(b, t.info.Key, t.version))
	if err != nil {
		return false, err
	}
	return applyAttributes(t, w)
}

// headOf is the version that the head of ref's key names, nil where it names none or is not asked.
func (s *Store) headOf(b *bucket, ref object.Ref, read reader) (*target, error) {
	if !b.versioned() || ref.Version != object.Newest {
		return nil, nil
	}
	w, err := read(s.headAt(b, ref.Key))
	if err != nil {
		return nil, err
	}
	h, err := readHead(ref.Key, w)
	return h.target, err
}

// same reports whether two readings of a head saw the same version.
func (t *target) same(other *target) bool {
	if t == nil || other == nil {
		return t == other
	}
	return t.id == other.id && t.version == other.version
}

// lookFor finds a version by its register, or by what the head says of it. Where that names the
// null version, whatever that is now counts: a write in its place may have been cut off before it
// moved the head.
func (s *Store) lookFor(b *bucket, ref object.Ref, head *target, read reader) (t *target,
	err error) {
	if head != nil && head.version != nullVersion {
		return head, nil
	}
	v := nullVersion
	if ref.Version != object.Newest {
		if v, err = parseVersionID(ref.Version); err != nil {
			return nil, nil // no version has such an id
		}
	}
	w, err := read(s.versionAt(b, ref.Key, v))
	if err != nil || w == nil || w.sample.Type == drive.TypePurge {
		return nil, err
	}
	if t, err = targetOf(ref.Key, v, &w.sample.Record); err == nil && !b.versioned() {
		t.info.Version = object.Newest
	}
	return t, err
}
