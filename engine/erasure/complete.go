package erasure

import (
	"context"
	"fmt"
	"strings"

	"flashstore/engine/drive"
	"flashstore/engine/object"
)

// CompleteUpload makes the object of an upload visible; see object.Uploads. The manifest names
// parts by id and copies no data.
func (s *Store) CompleteUpload(ctx context.Context, c *object.Complete) (object.Info, error) {
	b, err := s.bucket(ctx, c.Bucket)
	if err != nil {
		return object.Info{}, err
	}
	u, err := parseUploadID(c.Upload)
	if err != nil {
		return object.Info{}, err
	}
	if err := b.enter(); err != nil {
		return object.Info{}, err
	}
	defer b.leave()
	lock := s.uploadLock(u)
	lock.Lock()
	defer lock.Unlock()
	started, finished, err := s.uploadState(ctx, b, c.Key, u)
	if err != nil || finished != nil {
		return deref(finished), err
	}
	switch done, overtaken, err := s.completedBefore(ctx, b, c.Key, u, false); {
	case err != nil:
		return object.Info{}, err
	case done != nil:
		s.finishUpload(ctx, b, c.Key, u, *done)
		return *done, nil
	case overtaken:
		return object.Info{}, s.dropOvertaken(ctx, b, c.Key, u)
	}
	stored, err := s.storedParts(ctx, b, c.Key, u)
	if err != nil {
		return object.Info{}, err
	}
	info := object.Info{Key: c.Key, ModTime: s.now(), Headers: started.Headers,
		Checksum: started.Checksum, Parts: len(c.Parts)}
	info.Attributes = b.protect(started.Attributes, info.ModTime)
	chosen, err := choose(c, stored, &info)
	if err != nil {
		return object.Info{}, err
	}
	if err := s.partsArrived(b, u, chosen); err != nil {
		return object.Info{}, err
	}
	if info.Version, err = s.publishManifest(ctx, b, u, &info, chosen, &c.If); err != nil {
		return object.Info{}, err
	}
	s.dropUnused(ctx, b, c.Key, u, stored, chosen)
	s.finishUpload(ctx, b, c.Key, u, info)
	return info, nil
}

func deref(info *object.Info) object.Info {
	if info == nil {
		return object.Info{}
	}
	return *info
}

// uploadState returns the Info an upload was started with, or the Info it was completed with,
// or object.ErrNoSuchUpload.
func (s *Store) uploadState(ctx context.Context, b *bucket, key object.Key,
	u uploadID) (started object.Info, finished *object.Info, err error) {
	at := s.uploadAt(b, key, u)
	grant, err := at.set.lock(ctx, at.key)
	if err != nil {
		return started, nil, err
	}
	defer grant.Release()
	w, err := at.set.newestHeld(ctx, at.key, grant)
	if err != nil {
		return started, nil, err
	}
	if w == nil {
		return started, nil, fmt.Errorf("%w: %s", object.ErrNoSuchUpload, u.String())
	}
	r := &w.sample.Record
	switch {
	case r.Type != drive.TypePurge:
		if err := s.reaffirm(at, w, grant); err != nil {
			return started, nil, err
		}
		_, err = readInfo(r, r.Meta, &started)
		return started, nil, err
	case len(r.Meta) > 0 && r.Meta[0] == completedMark:
		info, err := readCompleted(key, r)
		return started, &info, err
	default:
		return started, nil, fmt.Errorf("%w: %s", object.ErrNoSuchUpload, u.String())
	}
}

// completedBefore returns the Info of the object if it is already made from upload u: an
// earlier Complete was cut off after its manifest. overtaken: one was sent, and something newer is
// there. With certain, and where a manifest was sent, none can be shown any more if neither is so:
// what comes in between would release the parts that a second manifest names.
func (s *Store) completedBefore(ctx context.Context, b *bucket, key object.Key, u uploadID,
	certain bool) (done *object.Info, overtaken bool, err error) {
	at := s.objectAt(b, key)
	grant, h, err := s.lockKey(ctx, b, key)
	if err != nil {
		return nil, false, err
	}
	defer grant.Release()
	if b.versioned() {
		return s.completedVersion(ctx, b, key, u, &h, grant)
	}
	certain = certain || s.attempts.has(u)
	var w *write
	if certain {
		w, err = s.certainHeld(ctx, at, grant)
	} else {
		w, err = at.set.newestHeld(ctx, at.key, grant)
	}
	if err != nil || w == nil {
		return nil, false, err
	}
	if from, ok := manifestUpload(&w.sample.Record); !ok || from != u {
		return nil, s.attempts.overtaken(u, w.order), nil
	}
	info, err := recordInfo(&w.sample.Record)
	info.Key = key
	return &info, false, err
}

// dropOvertaken ends an upload whose object may have been there, and is overwritten or deleted.
// To make it again would take the newer state away from whoever was promised that.
func (s *Store) dropOvertaken(ctx context.Context, b *bucket, key object.Key, u uploadID) error {
	if err := s.purge(ctx, s.uploadAt(b, key, u), nil); err != nil {
		return err
	}
	s.attempts.remove(u)
	return fmt.Errorf("%w: %s was completed, and its object is overwritten", object.ErrNoSuchUpload,
		u.String())
}

func (s *Store) storedParts(ctx context.Context, b *bucket, key object.Key,
	u uploadID) (map[int]storedPart, error) {
	parts := make(map[int]storedPart)
	err := s.walkParts(ctx, b, key, u, 0, object.ListMax, true, func(p storedPart) bool {
		parts[p.Number] = p
		return true
	})
	return parts, err
}

// choose checks the parts a Complete names against those stored, and seals info.
func choose(c *object.Complete, stored map[int]storedPart,
	info *object.Info) ([]manifestPart, error) {
	if len(c.Parts) == 0 || len(c.Parts) > object.PartNumberMax {
		return nil, fmt.Errorf("%w: %d parts are named", object.ErrInvalidPart, len(c.Parts))
	}
	chosen, parts := make([]manifestPart, len(c.Parts)), make([]object.Part, len(c.Parts))
	for i, named := range c.Parts {
		if i > 0 && named.Number <= c.Parts[i-1].Number {
			return nil, fmt.Errorf("%w: %d after %d", object.ErrPartOrder, named.Number,
				c.Parts[i-1].Number)
		}
		p, ok := stored[named.Number]
		if !ok || !strings.EqualFold(p.Info.ETag, named.ETag) {
			return nil, fmt.Errorf("%w: part %d", object.ErrInvalidPart, named.Number)
		}
		if p.Info.SizeBytes < object.PartBytesMin && i < len(c.Parts)-1 {
			return nil, fmt.Errorf("%w: part %d has %d bytes", object.ErrPartTooSmall,
				named.Number, p.Info.SizeBytes)
		}
		parts[i] = p.Part
		chosen[i] = manifestPart{number: named.Number, size: p.Info.SizeBytes, id: p.id}
		info.SizeBytes += p.Info.SizeBytes
	}
	if info.SizeBytes > object.ObjectBytesMax {
		return nil, fmt.Errorf("%w: %d bytes", object.ErrTooLarge, info.SizeBytes)
	}
	if c.Seal == nil {
		return chosen, nil
	}
	return chosen, c.Seal(parts, info)
}

// partsArrived makes sure that no part will be replaced once the manifest names it, by one that was
// answered "unknown" and arrives late. The caller excludes uploads of parts.
func (s *Store) partsArrived(b *bucket, u uploadID, parts []manifestPart) error {
	for _, p := range parts {
		if s.late.has(partKey(b, u, p.number)) {
			return fmt.Errorf("%w: another part %d is still on its way", object.ErrUnavailable, p.number)
		}
	}
	return nil
}

func (s *Store) publishManifest(ctx context.Context, b *bucket, u uploadID, info *object.Info,
	parts []manifestPart, only *object.Condition) (object.VersionID, error) {
	r := &drive.Record{Type: drive.TypeManifest,
		SizeBytes: info.SizeBytes, Meta: manifestMeta(u, info, parts),
		ModTimeNanos: info.ModTime.UnixNano()}
	v, err := s.commitObject(ctx, b, info.Key, only, r, nil)
	if r.Order != (drive.Order{}) { // until the upload's tombstone is there
		s.attempts.add(u, r.Order)
	}
	return v, err
}

// dropUnused purges the parts that were uploaded but not named. The object is complete
// already: a failure costs space until the object goes, and is logged.
func (s *Store) dropUnused(ctx context.Context, b *bucket, key object.Key, u uploadID,
	stored map[int]storedPart, chosen []manifestPart) {
	for _, p := range chosen {
		delete(stored, p.number)
	}
	for number := range stored {
		if err := s.purge(ctx, s.partAt(b, key, u, number), nil); err != nil {
			s.log.Warn("an unused part stays until its object goes", "part", number,
				"error", err)
		}
	}
}

// finishUpload leaves the tombstone that answers a repeated Complete. Without it a repeated
// Complete still finds the manifest, so a failure is logged only.
func (s *Store) finishUpload(ctx context.Context, b *bucket, key object.Key, u uploadID,
	info object.Info) {
	if err := s.purge(ctx, s.uploadAt(b, key, u), completedMeta(&info)); err != nil {
		s.log.Warn("a completed upload is still listed", "upload", u.String(), "error", err)
		return
	}
	s.attempts.remove(u)
}
