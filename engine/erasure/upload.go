package erasure

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"strings"
	"sync"

	"flashstore/engine/drive"
	"flashstore/engine/object"
)

// uploadLock orders the requests of one upload: parts share it, Complete and Abort exclude.
func (s *Store) uploadLock(u uploadID) *sync.RWMutex { return &s.uploads[u[len(u)-1]] }

// newUploadID makes an id that sorts by when it was made, as lists of uploads do, and half of which
// is random.
func (s *Store) newUploadID() (u uploadID) {
	_, _ = rand.Read(u[:]) // never fails (crypto/rand)
	const lowBits = 12     // stay random: as many microseconds fit until the year 2112
	low := binary.BigEndian.Uint64(u[:8]) & (1<<lowBits - 1)
	binary.BigEndian.PutUint64(u[:8], uint64(s.cfg.Now().UnixMicro())<<lowBits|low)
	return u
}

// CreateUpload begins a multipart upload; see object.Uploads.
func (s *Store) CreateUpload(ctx context.Context, n *object.NewUpload) (object.UploadID, error) {
	b, err := s.bucket(ctx, n.Bucket)
	if err == nil {
		err = b.mayProtect(&n.Attributes)
	}
	if err != nil {
		return "", err
	}
	u := s.newUploadID()
	at := s.uploadAt(b, n.Key, u)
	info := object.Info{Headers: n.Headers, Checksum: n.Checksum, Attributes: n.Attributes}
	if err := b.enter(); err != nil {
		return "", err
	}
	defer b.leave()
	grant, err := at.set.lock(ctx, at.key)
	if err != nil {
		return "", err
	}
	defer grant.Release()
	r := &drive.Record{Type: drive.TypeDocument, Key: at.key,
		Meta: uploadMeta(&info, at.set.token(grant)), ModTimeNanos: s.now().UnixNano()}
	return u.String(), at.set.publishWhole(r, grant)
}

// uploadMeta is the Meta of the register of an upload: the Info form, and when it was begun (term,
// sequence), before which no version was made of it.
func uploadMeta(info *object.Info, begun drive.Order) []byte {
	b := binary.LittleEndian.AppendUint64(infoMeta(info), begun.Term)
	return binary.LittleEndian.AppendUint64(b, begun.Sequence)
}

// begun is when an upload was begun; zero where its register does not say so.
func (s *Store) begun(ctx context.Context, b *bucket, key object.Key, u uploadID) (drive.Order,
	error) {
	w, err := s.uploadAt(b, key, u).resolve(ctx, drive.LookupOptions{})
	if err != nil || w == nil {
		return drive.Order{}, err
	}
	var info object.Info
	rest, err := readInfo(&w.sample.Record, w.sample.Meta, &info)
	if err != nil || len(rest) < 16 {
		return drive.Order{}, err
	}
	d := decoder{rest: rest}
	return drive.Order{Term: d.uint64(), Sequence: d.uint64()}, nil
}

// Upload describes an unfinished upload; see object.Uploads.
func (s *Store) Upload(ctx context.Context, name object.BucketName, key object.Key,
	id object.UploadID) (object.Upload, error) {
	b, err := s.bucket(ctx, name)
	if err != nil {
		return object.Upload{}, err
	}
	u, err := parseUploadID(id)
	if err != nil {
		return object.Upload{}, err
	}
	return s.liveUpload(ctx, b, key, u)
}

func (s *Store) liveUpload(ctx context.Context, b *bucket, key object.Key,
	u uploadID) (object.Upload, error) {
	w, err := s.uploadAt(b, key, u).resolve(ctx, drive.LookupOptions{})
	if err != nil {
		return object.Upload{}, err
	}
	if w == nil {
		return object.Upload{}, fmt.Errorf("%w: %s", object.ErrNoSuchUpload, u.String())
	}
	info, err := recordInfo(&w.sample.Record)
	return object.Upload{Key: key, ID: u.String(), Info: info}, err
}

// PutPart stores a part; see object.Uploads. Its shards are written first; the commit happens
// only while the upload lives, so that a late part leaves nothing behind.
func (s *Store) PutPart(ctx context.Context, p *object.PutPart) (object.Info, error) {
	b, err := s.bucket(ctx, p.Bucket)
	if err != nil {
		return object.Info{}, err
	}
	u, err := parseUploadID(p.Upload)
	if err != nil {
		return object.Info{}, err
	}
	upload, err := s.liveUpload(ctx, b, p.Key, u)
	if err != nil {
		return object.Info{}, err
	}
	at := s.partAt(b, p.Key, u, p.Number)
	g, err := at.set.stage(ctx, &p.Put, object.ClassOf(upload.Info.Headers), at.rotation)
	if err != nil {
		return object.Info{}, err
	}
	info, err := s.sealInfo(&p.Put)
	if err != nil {
		g.abort()
		return info, err
	}
	lock := s.uploadLock(u)
	lock.RLock()
	defer lock.RUnlock()
	if _, err := s.liveUpload(ctx, b, p.Key, u); err != nil {
		g.abort()
		return info, err
	}
	r := &drive.Record{Type: drive.TypePart, Key: at.key, Meta: infoMeta(&info),
		ModTimeNanos: info.ModTime.UnixNano()}
	return info, s.commitPart(ctx, at, r, g)
}

// AbortUpload drops an upload; see object.Uploads. The drives release its parts when the
// tombstone settles.
func (s *Store) AbortUpload(ctx context.Context, name object.BucketName, key object.Key,
	id object.UploadID) error {
	b, err := s.bucket(ctx, name)
	if err != nil {
		return err
	}
	u, err := parseUploadID(id)
	if err != nil {
		return err
	}
	lock := s.uploadLock(u)
	lock.Lock()
	defer lock.Unlock()
	if _, err := s.liveUpload(ctx, b, key, u); err != nil {
		return err
	}
	// A Complete that was cut off between its manifest and its tombstone is done, not undone:
	// its parts carry the object. One whose manifest may yet arrive must not lose them either.
	done, _, err := s.completedBefore(ctx, b, key, u, true)
	if err != nil {
		return err
	}
	if done != nil {
		s.finishUpload(ctx, b, key, u, *done)
		return fmt.Errorf("%w: %s is complete", object.ErrNoSuchUpload, id)
	}
	err = s.purge(ctx, s.uploadAt(b, key, u), nil)
	if err == nil {
		s.attempts.remove(u)
	}
	return err
}

// ListParts lists the parts of an upload; see object.Uploads.
func (s *Store) ListParts(ctx context.Context, name object.BucketName, key object.Key,
	id object.UploadID, after, limit int) ([]object.Part, bool, error) {
	b, err := s.bucket(ctx, name)
	if err != nil {
		return nil, false, err
	}
	u, err := parseUploadID(id)
	if err != nil {
		return nil, false, err
	}
	if _, err := s.liveUpload(ctx, b, key, u); err != nil {
		return nil, false, err
	}
	var parts []object.Part
	more := false
	err = s.walkParts(ctx, b, key, u, after, limit, false, func(p storedPart) bool {
		if more = len(parts) == limit; more {
			return false
		}
		parts = append(parts, p.Part)
		return true
	})
	return parts, more, err
}

// storedPart is a part with the id a manifest names it by.
type storedPart struct {
	object.Part
	id drive.WriteID
}

// walkParts visits the parts of an upload for key after number after; every is that of a walkQuery.
func (s *Store) walkParts(ctx context.Context, b *bucket, key object.Key, u uploadID,
	after, hint int, every bool, each func(storedPart) bool) error {
	q := walkQuery{space: drive.SpacePart, bucket: b.id, prefix: string(u[:]),
		after: partKey(b, u, after).Name, hint: hint, every: every}
	one := []*set{s.objectAt(b, key).set}
	return walkSets(ctx, one, q, func(name string, w *write) (string, bool, error) {
		info, err := recordInfo(&w.sample.Record)
		if err != nil || len(name) != len(u)+2 {
			return "", false, fmt.Errorf("%w: part of upload %s: %w", errMeta, u.String(), err)
		}
		number := int(binary.BigEndian.Uint16([]byte(name[len(u):])))
		p := storedPart{object.Part{Number: number, Info: info}, w.id}
		return "", each(p), nil
	})
}

// ListUploads lists unfinished uploads; see object.Uploads.
func (s *Store) ListUploads(ctx context.Context, name object.BucketName, prefix,
	afterKey string, afterID object.UploadID, limit int) ([]object.Upload, bool, error) {
	b, err := s.bucket(ctx, name)
	if err != nil {
		return nil, false, err
	}
	q := walkQuery{space: drive.SpaceUpload, bucket: b.id, prefix: prefix, hint: limit}
	if afterKey != "" {
		q.after = pastPrefix(afterKey + "\x00" + strings.Repeat("\xff", len(uploadID{})))
		if u, err := parseUploadID(afterID); err == nil {
			q.after = afterKey + "\x00" + string(u[:])
		}
	}
	var uploads []object.Upload
	more := false
	err = s.walk(ctx, q, func(name string, w *write) (string, bool, error) {
		if more = len(uploads) == limit; more {
			return "", false, nil
		}
		info, err := recordInfo(&w.sample.Record)
		if err != nil {
			return "", false, err
		}
		cut := len(name) - len(uploadID{})
		uploads = append(uploads, object.Upload{Key: object.Key(name[:cut-1]),
			ID: uploadID([]byte(name[cut:])).String(), Info: info})
		return "", true, nil
	})
	return uploads, more, err
}
