package s3api

import (
	"bytes"
	"context"
	"fmt"
	"sort"
	"strings"
	"time"

	"flashstore/engine/object"
)

func (s *memStore) CreateUpload(_ context.Context, n *object.NewUpload) (object.UploadID, error) {
	b, err := s.bucket("CreateUpload", n.Bucket)
	defer s.mu.Unlock()
	if err != nil {
		return "", err
	}
	s.ids++
	id := object.UploadID(fmt.Sprintf("%032x", s.ids))
	b.uploads[id] = &memUpload{object.Upload{Key: n.Key, ID: id, Info: object.Info{Key: n.Key,
		Headers: n.Headers, Checksum: n.Checksum, Attributes: n.Attributes, ModTime: time.Now()}},
		map[int]*memObject{}}
	return id, nil
}

func (s *memStore) upload(method string, bucket object.BucketName, key object.Key,
	id object.UploadID) (*memUpload, error) {
	b, err := s.bucket(method, bucket)
	if err != nil {
		return nil, err
	}
	if u := b.uploads[id]; u != nil && u.Key == key {
		return u, nil
	}
	return nil, object.ErrNoSuchUpload
}

func (s *memStore) Upload(_ context.Context, bucket object.BucketName, key object.Key,
	id object.UploadID) (object.Upload, error) {
	u, err := s.upload("Upload", bucket, key, id)
	defer s.mu.Unlock()
	if err != nil {
		return object.Upload{}, err
	}
	return u.Upload, nil
}

func (s *memStore) PutPart(_ context.Context, p *object.PutPart) (object.Info, error) {
	o, err := take(&p.Put)
	if err != nil {
		return object.Info{}, err
	}
	u, err := s.upload("PutPart", p.Bucket, p.Key, p.Upload)
	defer s.mu.Unlock()
	if err == nil {
		u.parts[p.Number] = o
	}
	return o.info, err
}

func (s *memStore) CompleteUpload(_ context.Context, c *object.Complete) (object.Info, error) {
	u, err := s.upload("CompleteUpload", c.Bucket, c.Key, c.Upload)
	defer s.mu.Unlock()
	if info, ok := s.done[c.Upload]; err == object.ErrNoSuchUpload && ok {
		return info, nil
	}
	if err != nil {
		return object.Info{}, err
	}
	info := u.Info
	var parts []object.Part
	var data [][]byte
	for i, want := range c.Parts {
		p := u.parts[want.Number]
		if p == nil || p.info.ETag != want.ETag {
			return info, object.ErrInvalidPart
		}
		if i < len(c.Parts)-1 && p.info.SizeBytes < s.partMin {
			return info, object.ErrPartTooSmall
		}
		parts = append(parts, object.Part{Number: want.Number, Info: p.info})
		data = append(data, p.data)
	}
	o := &memObject{info: info, data: bytes.Join(data, nil), parts: parts}
	o.info.Parts = len(parts)
	o.info.SizeBytes, o.info.ModTime = int64(len(o.data)), time.Now()
	if err := c.Seal(parts, &o.info); err != nil {
		return info, err
	}
	b := s.buckets[c.Bucket]
	if err := b.admit(c.Key, &c.If); err != nil {
		return info, err
	}
	s.add(b, c.Key, o)
	s.done[c.Upload] = o.info
	delete(b.uploads, c.Upload)
	return o.info, nil
}

func (s *memStore) AbortUpload(_ context.Context, bucket object.BucketName, key object.Key,
	id object.UploadID) error {
	_, err := s.upload("AbortUpload", bucket, key, id)
	defer s.mu.Unlock()
	if err == nil {
		delete(s.buckets[bucket].uploads, id)
	}
	return err
}

func (s *memStore) ListParts(_ context.Context, bucket object.BucketName, key object.Key,
	id object.UploadID, after, max int) (parts []object.Part, more bool, err error) {
	u, err := s.upload("ListParts", bucket, key, id)
	defer s.mu.Unlock()
	if err != nil {
		return nil, false, err
	}
	for n, p := range u.parts {
		if n > after {
			parts = append(parts, object.Part{Number: n, Info: p.info})
		}
	}
	sort.Slice(parts, func(i, j int) bool { return parts[i].Number < parts[j].Number })
	if len(parts) > max {
		return parts[:max], true, nil
	}
	return parts, false, nil
}

func (s *memStore) ListUploads(_ context.Context, bucket object.BucketName, prefix, afterKey string,
	afterID object.UploadID, max int) (list []object.Upload, more bool, err error) {
	b, err := s.bucket("ListUploads", bucket)
	defer s.mu.Unlock()
	if err != nil {
		return nil, false, err
	}
	for _, u := range b.uploads {
		k := string(u.Key)
		after := k > afterKey || k == afterKey && afterID != "" && u.ID > afterID
		if strings.HasPrefix(k, prefix) && after {
			list = append(list, u.Upload)
		}
	}
	sort.Slice(list, func(i, j int) bool {
		return list[i].Key < list[j].Key || list[i].Key == list[j].Key && list[i].ID < list[j].ID
	})
	if len(list) > max {
		return list[:max], true, nil
	}
	return list, false, nil
}
