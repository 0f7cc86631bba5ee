package erasure

import (
	"context"
	"encoding/binary"
	"time"

	"flashstore/engine/drive"
	"flashstore/engine/lock"
	"flashstore/engine/object"
)

// Attributes that a version is written with are in its record. What changes later is a register of
// its own, which names the write that it is about: one of an earlier object of the key counts for
// nothing. Only in buckets that say so in their settings is it looked for.

// attributesForm is the version of the form of that register:
//
//	form (1) | write id (16) | tags (pairs) | retention: mode, end (varint, Unix seconds) |
//	legal hold
const attributesForm = 1

// appendAttributes appends tags, retention and legal hold.
func appendAttributes(b []byte, a *object.Attributes) []byte {
	b = appendPairs(b, a.Tags)
	b = appendString(b, string(a.Retention.Mode))
	until := int64(0)
	if a.Retention.Mode != "" {
		until = a.Retention.Until.Unix()
	}
	b = binary.AppendVarint(b, until)
	return appendString(b, string(a.LegalHold))
}

func (d *decoder) attributes() (a object.Attributes) {
	a.Tags = d.pairs(nil)
	a.Retention.Mode = object.LockMode(d.string())
	if until := d.varint(); a.Retention.Mode != "" {
		a.Retention.Until = time.Unix(until, 0).UTC()
	}
	a.LegalHold = object.LegalHold(d.string())
	return a
}

// applyAttributes puts what the register of a version's attributes says in place of what t was
// written with; false if it says nothing of this write.
func applyAttributes(t *target, w *write) (bool, error) {
	if content(w) == nil {
		return false, nil
	}
	d := decoder{rest: w.sample.Meta}
	if d.byte() != attributesForm {
		return false, errMeta
	}
	if drive.WriteID(append(make([]byte, 0, 16), d.bytes(16)...)) != t.id {
		return false, nil
	}
	t.info.Attributes = d.attributes()
	if d.bad {
		return false, errMeta
	}
	return true, nil
}

// SetAttributes changes attributes of a version; see object.Objects.
func (s *Store) SetAttributes(ctx context.Context, ref object.Ref,
	change func(*object.Info) error) (object.Info, error) {
	b, err := s.expectAttributes(ctx, ref.Bucket)
	if err != nil {
		return object.Info{}, err
	}
	if err := b.enter(); err != nil {
		return object.Info{}, err
	}
	defer b.leave()
	at := s.objectAt(b, ref.Key)
	grant, _, err := s.lockKey(ctx, b, ref.Key)
	if err != nil {
		return object.Info{}, err
	}
	defer grant.Release()
	t, err := s.findCertain(ctx, b, ref, grant)
	if err == nil {
		err = t.missing(ref)
	}
	if err != nil {
		return object.Info{}, err
	}
	before := t.info.Attributes
	if err := change(&t.info); err != nil || before.Equal(&t.info.Attributes) {
		return t.info, err
	}
	meta := append(append(make([]byte, 0, 128), attributesForm), t.id[:]...)
	r := &drive.Record{Type: drive.TypeDocument, Key: s.attributesAt(b, ref.Key, t.version).key,
		Meta: appendAttributes(meta, &t.info.Attributes), ModTimeNanos: s.now().UnixNano()}
	return t.info, s.publishObject(address{at.set, r.Key, at.rotation}, r, nil, grant, nil)
}

// findCertain is findHeld of a version that nothing can take away any more which was begun
// before: a deletion that may yet arrive is waited for, with object.ErrUnavailable. Else what is
// protected now could go.
func (s *Store) findCertain(ctx context.Context, b *bucket, ref object.Ref,
	grant lock.Grant) (*target, error) {
	t, err := s.findHeld(ctx, b, ref, grant)
	if err == nil && t != nil {
		_, err = s.certainHeld(ctx, s.versionAt(b, ref.Key, t.version), grant)
	}
	return t, err
}

// dropAttributes deletes what changed of a version that is gone. It names a write that nobody finds
// any more, so that a failure costs its space and nothing else.
func (s *Store) dropAttributes(ctx context.Context, b *bucket, key object.Key, v versionID,
	grant lock.Grant) {
	if !b.settings.Load().attributed {
		return
	}
	at := s.attributesAt(b, key, v)
	w, err := at.set.newestHeld(ctx, at.key, grant)
	if err == nil && content(w) != nil {
		err = s.purgeHeld(at, nil, grant)
	}
	if err != nil {
		s.log.Warn("attributes of a version that is gone are left", "key", string(key), "error", err)
	}
}
