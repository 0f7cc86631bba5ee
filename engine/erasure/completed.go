package erasure

import (
	"context"

	"flashstore/engine/drive"
	"flashstore/engine/lock"
	"flashstore/engine/object"
)

// completedMark begins the Meta of the tombstone of an upload that was completed, as opposed
// to aborted: its parts live on. Drives know it too. The object's Info follows, so that a
// repeated Complete gives the same answer, and the id of its version, if it has one.
const completedMark = 'C'

func completedMeta(info *object.Info) []byte {
	b := append([]byte{completedMark}, infoMeta(info)...)
	if info.Version == object.Newest {
		return b
	}
	return appendString(b, string(info.Version))
}

// readCompleted is what completedMeta says in the tombstone of an upload of key.
func readCompleted(key object.Key, r *drive.Record) (info object.Info, err error) {
	d := decoder{rest: r.Meta[1:]}
	if err = d.info(r, &info); err != nil {
		return info, err
	}
	info.Key = key
	if len(d.rest) > 0 {
		info.Version = object.VersionID(d.string())
	}
	if d.bad {
		err = errMeta
	}
	return info, err
}

// completedVersion is completedBefore of a key that may have versions: the object that was made may
// be any of them that was made since the upload was begun. It is always certain: a manifest that is
// passed over here would come to stand beside another one, in another register, and the drives drop
// the parts of both with either. The caller holds the lock of the key.
func (s *Store) completedVersion(ctx context.Context, b *bucket, key object.Key, u uploadID,
	h *keyHead, grant lock.Grant) (done *object.Info, overtaken bool, err error) {
	begun, err := s.begun(ctx, b, key, u)
	if err != nil {
		return nil, false, err
	}
	made := func(v versionID, w *write) error {
		if from, ok := manifestUpload(&w.sample.Record); !ok || from != u {
			return nil
		}
		t, err := targetOf(key, v, &w.sample.Record)
		if err == nil {
			done = &t.info
		}
		return err
	}
	for _, at := range []address{s.objectAt(b, key), s.headAt(b, key)} {
		w, err := s.certainHeld(ctx, at, grant)
		if err != nil {
			return nil, false, err
		}
		if w == nil {
			continue
		}
		overtaken = overtaken || s.attempts.overtaken(u, w.order)
		if err := made(nullVersion, w); err != nil {
			return nil, false, err
		}
	}
	var bad error
	err = s.versions(ctx, b, key, true, grant, func(v versionID, w *write) bool {
		if w.order.Less(begun) {
			return false
		}
		bad = made(v, w)
		return bad == nil && done == nil
	})
	if err == nil {
		err = bad
	}
	if err == nil && done != nil { // whoever repeats its Complete is told that it is there
		err = s.raiseToNewest(ctx, b, key, h, grant)
	}
	return done, overtaken && done == nil, err
}

// raiseToNewest moves the head of a key to its newest version, if it was cut off. The caller holds
// the lock of the key.
func (s *Store) raiseToNewest(ctx context.Context, b *bucket, key object.Key, h *keyHead,
	grant lock.Grant) error {
	newest, err := s.newestBut(ctx, b, key, nil, false, grant)
	if err != nil || newest == nil {
		return err
	}
	return s.raiseHead(b, key, h, newest, grant)
}
