package s3api

import (
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
	created  time.Time
	settings object.BucketSettings
	objects  map[object.Key]*memObject
	uploads  map[object.UploadID]*memUpload
}

// memObject is a version of an object, or a marker.
type memObject struct {
	info  object.Info
	data  []byte
	parts []object.Part
	older *memObject
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

func (s *memStore) CreateBucket(_ context.Context, name object.BucketName,
	settings object.BucketSettings) error {
	_, err := s.bucket("CreateBucket", name)
	defer s.mu.Unlock()
	if err == nil {
		return object.ErrBucketExists
	}
	s.buckets[name] = &memBucket{time.Now(), settings, map[object.Key]*memObject{},
		map[object.UploadID]*memUpload{}}
	return nil
}

func (s *memStore) SetBucket(_ context.Context, name object.BucketName,
	change func(*object.BucketSettings) error) error {
	b, err := s.bucket("SetBucket", name)
	defer s.mu.Unlock()
	if err != nil {
		return err
	}
	settings := b.settings
	if err := change(&settings); err != nil {
		return err
	}
	if settings.Lock && settings.Versioning != object.Enabled {
		return object.ErrVersioning
	}
	b.settings = settings
	return nil
}

func (s *memStore) Bucket(_ context.Context, name object.BucketName) (object.BucketInfo, error) {
	b, err := s.bucket("Bucket", name)
	defer s.mu.Unlock()
	if err != nil {
		return object.BucketInfo{}, err
	}
	return object.BucketInfo{Name: name, Created: b.created, Settings: b.settings}, nil
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
	o := &memObject{info: object.Info{Key: p.Key, SizeBytes: p.SizeBytes, ModTime: time.Now(),
		Headers: p.Headers, Attributes: p.Attributes}, data: data}
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
		s.add(b, p.Key, o)
	}
	return o.info, err
}

func (s *memStore) Open(_ context.Context, ref object.Ref) (object.Handle, error) {
	o, err := s.find("Open", ref)
	if err != nil {
		return nil, err
	}
	return &memHandle{info: o.info, data: o.data, parts: o.parts, breakAfter: s.breakAfter}, nil
}

func (s *memStore) Stat(_ context.Context, ref object.Ref) (object.Info, error) {
	o, err := s.find("Stat", ref)
	if err != nil {
		return object.Info{}, err
	}
	return o.info, nil
}

func (s *memStore) SetAttributes(_ context.Context, ref object.Ref,
	change func(*object.Info) error) (object.Info, error) {
	o, err := s.find("SetAttributes", ref)
	if err != nil {
		return object.Info{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	err = change(&o.info)
	return o.info, err
}

func (s *memStore) ObjectParts(_ context.Context, ref object.Ref, after, max int) ([]object.Part,
	bool, error) {
	o, err := s.find("ObjectParts", ref)
	if err != nil {
		return nil, false, err
	}
	var parts []object.Part
	for _, p := range o.parts {
		if p.Number > after {
			parts = append(parts, p)
		}
	}
	return parts[:min(len(parts), max)], len(parts) > max, nil
}

func (s *memStore) CopyObject(ctx context.Context, c *object.Copy) (object.Info, error) {
	source, err := s.Open(ctx, c.Source)
	if err != nil {
		return object.Info{}, err
	}
	p, err := c.Put(ctx, source)
	if err != nil {
		return object.Info{}, err
	}
	return s.PutObject(ctx, p)
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
	for k, o := range b.objects {
		if !o.info.Marker {
			keys = append(keys, string(k))
		}
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
	parts      []object.Part
	given      int
	breakAfter int
}

func (h *memHandle) Info() object.Info { return h.info }
func (h *memHandle) Close()            { h.data = nil }

func (h *memHandle) Select(offset, length int64) error {
	h.data = h.data[offset : offset+length]
	return nil
}

func (h *memHandle) Part(number int) (offset, length int64, ok bool) {
	for _, p := range h.parts {
		if p.Number == number {
			return offset, p.Info.SizeBytes, true
		}
		offset += p.Info.SizeBytes
	}
	return 0, 0, false
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
