package erasure

import (
	"bytes"
	"context"
	"strings"

	"flashstore/engine/drive"
	"flashstore/engine/object"
)

// ListVersions returns a page of versions; see object.Objects.
func (s *Store) ListVersions(ctx context.Context, name object.BucketName,
	q object.VersionQuery) (object.VersionPage, error) {
	b, err := s.bucket(ctx, name)
	if err != nil {
		return object.VersionPage{}, err
	}
	for _, one := range s.sets {
		one.clients.note()
	}
	return s.listVersions(ctx, b, q, q.Max)
}

// listVersions is ListVersions that reads about hint registers from a drive at a time.
func (s *Store) listVersions(ctx context.Context, b *bucket, q object.VersionQuery,
	hint int) (page object.VersionPage, err error) {
	w := &versionWalk{store: s, ctx: ctx, bucket: b, query: q, hint: hint}
	if err = w.begin(); err == nil {
		err = w.run()
	}
	return w.page, err
}

// run lists until the page is full, or nothing is left.
func (w *versionWalk) run() error {
	for !w.full {
		if err := w.follow(); err != nil {
			return err
		}
		key, found := w.key()
		if !found {
			return nil
		}
		if err := w.entries(key); err != nil {
			return err
		}
	}
	return nil
}

// entries lists a key, or the common prefix that it is rolled up into.
func (w *versionWalk) entries(key object.Key) error {
	prefix := commonPrefix(string(key), w.query.Prefix, w.query.Delimiter)
	if prefix == "" {
		return w.visit(key)
	}
	if !w.room() {
		return nil
	}
	w.page.Entries = append(w.page.Entries, object.VersionEntry{Prefix: prefix})
	w.lastKey, w.lastVersion = prefix, object.Newest
	return w.skip(pastPrefix(prefix), pastPrefix(prefix))
}

// versionWalk merges the versions of all keys with their null versions and heads.
type versionWalk struct {
	store    *Store
	ctx      context.Context
	bucket   *bucket
	query    object.VersionQuery
	hint     int
	versions *walker
	nulls    *walker
	heads    *walker
	resumed  *resumed // the key in the middle of which the page begins
	pages    int      // of nulls that were read when the others were

	page        object.VersionPage
	lastKey     string // of the last entry
	lastVersion object.VersionID
	full        bool
}

// resumed is what is left of a key behind the last version of the page before.
type resumed struct {
	key  object.Key
	null *target
	head *target
}

// pastVersions is above the names of all versions of a key, and below those of any other key.
func pastVersions(key string) string {
	return key + "\x00" + strings.Repeat("\xff", len(versionID{})+1)
}

// begin finds the place where the page before ended.
func (w *versionWalk) begin() (err error) {
	s, q := w.store, w.query
	after, afterVersion := q.AfterKey, ""
	switch {
	case after == "":
	case after == commonPrefix(after, q.Prefix, q.Delimiter):
		after = pastPrefix(after)
		afterVersion = after
	case q.AfterVersion == object.Newest:
		afterVersion = pastVersions(after)
	default:
		if afterVersion, err = w.resume(object.Key(after)); err != nil {
			return err
		}
	}
	wq := walkQuery{bucket: w.bucket.id, prefix: q.Prefix, hint: w.hint, markers: true}
	for _, one := range []struct {
		walker **walker
		space  drive.Space
		after  string
	}{{&w.nulls, drive.SpaceObject, after}, {&w.versions, drive.SpaceVersion, afterVersion},
		{&w.heads, drive.SpaceHead, after}} {
		wq.space, wq.after = one.space, one.after
		if *one.walker, err = newWalker(w.ctx, s.sets, wq); err != nil {
			return err
		}
	}
	w.pages = w.nulls.pages()
	return nil
}

// follow has versions and heads read later than the null versions beside them: see walkNewest.
func (w *versionWalk) follow() error {
	now := w.nulls.pages()
	if now == w.pages {
		return nil
	}
	w.pages = now
	if err := w.versions.restart(w.ctx); err != nil {
		return err
	}
	return w.heads.restart(w.ctx)
}

// resume looks up what the walks of null versions and heads leave out of a key, since they begin
// behind it. It returns the name of the last version that was listed. Where that was a null version
// which is gone, nobody can tell what was listed behind it, and all are listed.
func (w *versionWalk) resume(key object.Key) (afterVersion string, err error) {
	v, err := parseVersionID(w.query.AfterVersion)
	if err != nil {
		return "", err
	}
	name, q := string(key), &w.query
	if !strings.HasPrefix(name, q.Prefix) || commonPrefix(name, q.Prefix, q.Delimiter) != "" {
		return versionName(key, v), nil // it is not listed by its versions
	}
	s, read := w.store, free(w.ctx)
	w.resumed = &resumed{key: key}
	if w.resumed.head, err = s.headOf(w.bucket, object.Ref{Key: key}, read); err != nil {
		return "", err
	}
	null, err := s.lookFor(w.bucket, object.Ref{Key: key, Version: object.NullVersion}, nil, read)
	if err != nil {
		return "", err
	}
	if null == nil {
		return versionName(key, v), nil
	}
	place := versionOf(null.order)
	switch {
	case v == nullVersion:
		v = place
	case bytes.Compare(v[:], place[:]) < 0: // its turn is yet to come
		w.resumed.null = null
	}
	return versionName(key, v), nil
}

// key is the next one that has a version.
func (w *versionWalk) key() (object.Key, bool) {
	key, found := object.Key(""), false
	if w.resumed != nil {
		key, found = w.resumed.key, true
	}
	if name := w.nulls.name(); name != "" && (!found || object.Key(name) < key) {
		key, found = object.Key(name), true
	}
	if v := w.versions.at(); v != nil {
		if k, _, _ := splitVersion(v.name); !found || k < key {
			key, found = k, true
		}
	}
	// A version that goes while the key gets a null version leaves the head as the witness.
	if name := w.heads.name(); name != "" && (!found || object.Key(name) < key) {
		key, found = object.Key(name), true
	}
	return key, found
}

// skip leaves out versions, null versions and heads up to names.
func (w *versionWalk) skip(versions, others string) error {
	if err := w.versions.skip(w.ctx, versions); err != nil {
		return err
	}
	if err := w.nulls.skip(w.ctx, others); err != nil {
		return err
	}
	return w.heads.skip(w.ctx, others)
}

// visit lists what there is of a key, as far as there is room.
func (w *versionWalk) visit(key object.Key) error {
	null, head, err := w.others(key)
	if err != nil {
		return err
	}
	if w.resumed == nil {
		whole, err := w.agrees(key, null, head)
		if err != nil {
			return err
		}
		if !whole {
			return w.visitMended(key)
		}
	}
	w.resumed = nil
	for {
		next, err := w.peek(key)
		if err != nil {
			return err
		}
		if null != nil && (next == nil || next.order.Less(null.order)) {
			if !w.add(null, head == nil || head.version == nullVersion) {
				return nil
			}
			null = nil
			continue
		}
		if next == nil {
			return w.skip(pastVersions(string(key)), string(key))
		}
		if !w.add(next, head != nil && head.version == next.version) {
			return nil
		}
		if err := w.versions.advance(w.ctx, ""); err != nil {
			return err
		}
	}
}

// others are the null version of a key and what its head names, or nil.
func (w *versionWalk) others(key object.Key) (null, head *target, err error) {
	if w.resumed != nil {
		return w.resumed.null, w.resumed.head, nil
	}
	if first := w.heads.at(); first != nil && first.name == string(key) {
		h, err := readHead(key, first.write)
		if err != nil {
			return nil, nil, err
		}
		head = h.target
	}
	if first := w.nulls.at(); first != nil && first.name == string(key) {
		null, err = targetOf(key, nullVersion, &first.write.sample.Record)
	}
	return null, head, err
}

// peek is the next version of a key, nil behind the last.
func (w *versionWalk) peek(key object.Key) (*target, error) {
	first := w.versions.at()
	if first == nil {
		return nil, nil
	}
	k, v, _ := splitVersion(first.name)
	if k != key {
		return nil, nil
	}
	return targetOf(key, v, &first.write.sample.Record)
}

// agrees reports whether the head of a key names the newest version that there is.
func (w *versionWalk) agrees(key object.Key, null, head *target) (bool, error) {
	newest, err := w.peek(key)
	if err != nil {
		return false, err
	}
	if head == nil {
		return newest == nil, nil
	}
	if newest == nil || null != nil && newest.order.Less(null.order) {
		newest = null
	}
	return newest != nil && newest.id == head.id, nil
}

// visitMended lists a key whose head is not what it should be, once it is.
func (w *versionWalk) visitMended(key object.Key) error {
	all, err := w.store.mend(w.ctx, w.bucket, key)
	if err != nil {
		return err
	}
	for i, t := range all {
		if !w.add(t, i == 0) {
			return nil
		}
	}
	return w.skip(pastVersions(string(key)), string(key))
}

// room reports whether the page has room for one more entry; if not, the page says where it ended.
func (w *versionWalk) room() bool {
	if len(w.page.Entries) < w.query.Max {
		return true
	}
	w.full = true
	w.page.NextKey, w.page.NextVersion = w.lastKey, w.lastVersion
	return false
}

// add lists a version, if there is room.
func (w *versionWalk) add(t *target, newest bool) bool {
	if !w.room() {
		return false
	}
	w.page.Entries = append(w.page.Entries, object.VersionEntry{Info: t.info, Newest: newest})
	w.lastKey, w.lastVersion = string(t.info.Key), t.info.Version
	return true
}
