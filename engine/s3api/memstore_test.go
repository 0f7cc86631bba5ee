package s3api

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"sort"
	"strings"
	"sync"
	"time"

	"flashstore/engine/object"
)

// memStore is an object.Store in memory: a fixture of these tests, nothing more.
type memStore struct {
	mu      sync.Mutex
	buckets map[object.BucketName]*memBucket
	done    map[object.UploadID]object.Info
	ids     int
	// fail, if set, is asked before each call.
	fail func(method string) error
	// breakAfter makes Next fail once that many bytes of a body were handed out.
	breakAfter int
	partMin    int64 // bytes of every part but the last
}

type memBucket struct {
	created time.Time
	objects map[object.Key]*memObject
	uploads map[object.UploadID]*memUpload
}

type memObject struct {
	info object.Info
	data []byte
}

type memUpload struct {
	object.Upload
	parts map[int]*memObject
}

var _ object.Store = (*memStore)(nil)

func newMemStore() *memStore {
	return &memStore{buckets: map[object.BucketName]*memBucket{},
		done: map[object.UploadID]object.Info{}, partMin: object.PartBytesMin}
}

// bucket returns a bucket with the store locked, whatever the error.
func (s *memStore) bucket(method string, name object.BucketName) (*memBucket, error) {
	s.mu.Lock()
	if s.fail != nil {
		if err := s.fail(method); err != nil {
			return nil, err
		}
	}
	if b := s.buckets[name]; b != nil {
		return b, nil
	}
	return nil, object.ErrNoSuchBucket
}

func (s *memStore) CreateBucket(_ context.Context, name object.BucketName) error {
	_, err := s.bucket("CreateBucket", name)
	defer s.mu.Unlock()
	if err == nil {
		return object.ErrBucketExists
	}
	s.buckets[name] = &memBucket{time.Now(), map[object.Key]*memObject{},
		map[object.UploadID]*memUpload{}}
	return nil
}

func (s *memStore) Bucket(_ context.Context, name object.BucketName) (object.BucketInfo, error) {
	b, err := s.bucket("Bucket", name)
	defer s.mu.Unlock()
	if err != nil {
		return object.BucketInfo{}, err
	}
	return object.BucketInfo{Name: name, Created: b.created}, nil
}

func (s *memStore) DeleteBucket(_ context.Context, name object.BucketName) error {
	b, err := s.bucket("DeleteBucket", name)
	defer s.mu.Unlock()
	if err == nil && len(b.objects)+len(b.uploads) > 0 {
		err = object.ErrBucketNotEmpty
	}
	if err == nil {
		delete(s.buckets, name)
	}
	return err
}

func (s *memStore) ListBuckets(context.Context) ([]object.BucketInfo, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []object.BucketInfo
	for name, b := range s.buckets {
		all = append(all, object.BucketInfo{Name: name, Created: b.created})
	}
	sort.Slice(all, func(i, j int) bool { return all[i].Name < all[j].Name })
	return all, nil
}

// take reads a body as a Store must: SizeBytes, once more for io.EOF, then Seal.
func take(p *object.Put) (*memObject, error) {
	data := make([]byte, p.SizeBytes)
	if _, err := io.ReadFull(p.Body, data); err == io.ErrUnexpectedEOF ||
		err == io.EOF && len(data) > 0 {
		return nil, object.ErrBodyShort
	} else if err != nil && err != io.EOF {
		return nil, err
	}
	if n, err := p.Body.Read(make([]byte, 1)); n != 0 || err != io.EOF {
		return nil, fmt.Errorf("the body goes on: %w", err)
	}
	o := &memObject{object.Info{Key: p.Key, SizeBytes: p.SizeBytes, ModTime: time.Now(),
		Headers: p.Headers}, data}
	return o, p.Seal(&o.info)
}

func (s *memStore) PutObject(_ context.Context, p *object.Put) (object.Info, error) {
	_, err := s.bucket("PutObject", p.Bucket)
	s.mu.Unlock()
	if err != nil {
		return object.Info{}, err
	}
	o, err := take(p)
	if err != nil {
		return object.Info{}, err
	}
	b, err := s.bucket("", p.Bucket)
	defer s.mu.Unlock()
	if err == nil {
		err = b.admit(p.Key, &p.If)
	}
	if err == nil {
		b.objects[p.Key] = o
	}
	return o.info, err
}

func (b *memBucket) admit(key object.Key, only *object.Condition) error {
	if o := b.objects[key]; o != nil {
		return only.Check(true, o.info.ETag)
	}
	return only.Check(false, "")
}

func (s *memStore) find(method string, bucket object.BucketName, key object.Key) (*memObject, error) {
	b, err := s.bucket(method, bucket)
	defer s.mu.Unlock()
	if err != nil {
		return nil, err
	}
	if o := b.objects[key]; o != nil {
		return o, nil
	}
	return nil, object.ErrNoSuchKey
}

func (s *memStore) Open(_ context.Context, b object.BucketName, k object.Key) (object.Handle, error) {
	o, err := s.find("Open", b, k)
	if err != nil {
		return nil, err
	}
	return &memHandle{info: o.info, data: o.data, breakAfter: s.breakAfter}, nil
}

func (s *memStore) Stat(_ context.Context, b object.BucketName, k object.Key) (object.Info, error) {
	o, err := s.find("Stat", b, k)
	if err != nil {
		return object.Info{}, err
	}
	return o.info, nil
}

func (s *memStore) CopyObject(ctx context.Context, c *object.Copy) (object.Info, error) {
	source, err := s.Open(ctx, c.SourceBucket, c.SourceKey)
	if err != nil {
		return object.Info{}, err
	}
	p, err := c.Put(ctx, source)
	if err != nil {
		return object.Info{}, err
	}
	return s.PutObject(ctx, p)
}

func (s *memStore) DeleteObject(ctx context.Context, b object.BucketName, k object.Key) error {
	return s.DeleteIf(ctx, b, k, object.Condition{})
}

func (s *memStore) DeleteIf(_ context.Context, bucket object.BucketName, key object.Key,
	only object.Condition) error {
	b, err := s.bucket("DeleteObject", bucket)
	defer s.mu.Unlock()
	if err == nil {
		err = b.admit(key, &only)
	}
	if err == nil {
		delete(b.objects, key)
	}
	return err
}

func (s *memStore) List(_ context.Context, bucket object.BucketName, q object.ListQuery) (
	page object.ListPage, err error,
) {
	b, err := s.bucket("List", bucket)
	defer s.mu.Unlock()
	if err != nil {
		return page, err
	}
	var keys []string
	for k := range b.objects {
		keys = append(keys, string(k))
	}
	sort.Strings(keys)
	last := ""
	for _, k := range keys {
		if !strings.HasPrefix(k, q.Prefix) || k <= q.After {
			continue
		}
		cut := commonPrefixOf(k, q.Prefix, q.Delimiter)
		if cut != "" && (cut == q.After || cut == last) {
			continue
		}
		if len(page.Entries) == q.Max {
			page.Next = last
			break
		}
		if last = cut; cut == "" {
			last = k
		}
		page.Entries = append(page.Entries,
			object.ListEntry{Prefix: cut, Info: b.objects[object.Key(k)].info})
	}
	return page, nil
}

type memHandle struct {
	info       object.Info
	data       []byte
	given      int
	breakAfter int
}

func (h *memHandle) Info() object.Info { return h.info }
func (h *memHandle) Close()            { h.data = nil }

func (h *memHandle) Select(offset, length int64) error {
	h.data = h.data[offset : offset+length]
	return nil
}

// Next gives pieces of two slices, so that joining them is the caller's work.
func (h *memHandle) Next(context.Context) ([][]byte, error) {
	if h.breakAfter > 0 && h.given >= h.breakAfter {
		return nil, object.ErrDamaged
	}
	if len(h.data) == 0 {
		return nil, io.EOF
	}
	piece := h.data[:min(len(h.data), 100_000)]
	h.data = h.data[len(piece):]
	h.given += len(piece)
	return [][]byte{piece[:len(piece)/3], piece[len(piece)/3:]}, nil
}

func (s *memStore) CreateUpload(_ context.Context, bucket object.BucketName, key object.Key,
	headers []object.Pair, sum object.Checksum,
) (object.UploadID, error) {
	b, err := s.bucket("CreateUpload", bucket)
	defer s.mu.Unlock()
	if err != nil {
		return "", err
	}
	s.ids++
	id := object.UploadID(fmt.Sprintf("%032x", s.ids))
	b.uploads[id] = &memUpload{object.Upload{Key: key, ID: id, Info: object.Info{Key: key,
		Headers: headers, Checksum: sum, ModTime: time.Now()}}, map[int]*memObject{}}
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
	o := &memObject{info, bytes.Join(data, nil)}
	o.info.SizeBytes, o.info.ModTime = int64(len(o.data)), time.Now()
	if err := c.Seal(parts, &o.info); err != nil {
		return info, err
	}
	b := s.buckets[c.Bucket]
	if err := b.admit(c.Key, &c.If); err != nil {
		return info, err
	}
	b.objects[c.Key], s.done[c.Upload] = o, o.info
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
