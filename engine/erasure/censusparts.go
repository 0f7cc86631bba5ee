package erasure

import (
	"encoding/binary"
	"fmt"
	"strings"

	"flashstore/engine/drive"
	"flashstore/engine/object"
)

// BucketsOf adds the buckets that may live, by what one drive says of their documents, to all.
func BucketsOf(shelf Shelf, all map[drive.BucketID]string) error {
	for r, err := range shelf(bucketsPrefix()) {
		if err != nil {
			return err
		}
		noteBuckets(&r.Key, &r.State, all)
	}
	return nil
}

// bucketsPrefix is what the keys of buckets' documents begin with.
func bucketsPrefix() *drive.Key {
	return &drive.Key{Space: drive.SpaceDocument, Name: bucketPrefix}
}

// noteBuckets adds the incarnations that the entries of a document name.
func noteBuckets(key *drive.Key, state *drive.State, all map[drive.BucketID]string) {
	name, found := strings.CutPrefix(key.Name, bucketPrefix)
	for i := range state.Entries {
		b, err := readBucket(object.BucketName(name), &state.Entries[i].Record)
		if found && err == nil {
			all[b.id] = name
		}
	}
}

// document notes the buckets that may live.
func (c *census) document(key *drive.Key, answers []answer, w *write) {
	name, found := strings.CutPrefix(key.Name, bucketPrefix)
	if !found {
		return
	}
	for i := range answers {
		noteBuckets(key, &answers[i].state, c.buckets)
	}
	if live(w) {
		c.tally.Buckets++
		if _, err := readBucket(object.BucketName(name), &w.sample.Record); err != nil {
			c.find(FindUnreadable, key, nil, "%v", err)
		}
	}
}

// live reports whether a client would see w.
func live(w *write) bool { return w != nil && w.sample.Type != drive.TypePurge }

// object looks at an object's bucket, metadata and parts.
func (c *census) object(key *drive.Key, answers []answer, w *write) error {
	c.own(answers)
	if !live(w) {
		return nil
	}
	if key.Space == drive.SpaceVersion {
		c.tally.Versions++
	} else {
		c.tally.Objects++
	}
	if c.buckets[key.Bucket] == "" {
		c.find(FindOrphan, key, nil, "there is no such bucket")
	}
	r := &w.sample.Record
	if r.Type != drive.TypeManifest {
		if _, err := recordInfo(r); err != nil {
			c.find(FindUnreadable, key, nil, "write %x: %v", w.id, err)
		}
		return nil
	}
	var info object.Info
	named, err := readManifest(r, &info)
	if err != nil {
		c.find(FindUnreadable, key, nil, "write %x: %v", w.id, err)
		return nil
	}
	u, _ := manifestUpload(r)
	return c.parts(key, u, named)
}

// own notes the uploads whose parts live with what drives say of an object. A manifest that is
// superseded keeps its parts on each drive until that has the settle.
func (c *census) own(answers []answer) {
	for i := range answers {
		for j := range answers[i].state.Entries {
			if u, ok := manifestUpload(&answers[i].state.Entries[j].Record); ok {
				c.owned.add(u)
			}
		}
	}
}

// ownVersions notes the uploads that versions were made of, before the first part is met.
func (c *census) ownVersions() error {
	if c.all {
		return nil
	}
	c.all = true
	for id := range c.buckets {
		prefix := &drive.Key{Space: drive.SpaceVersion, Bucket: id}
		err := c.merge(prefix, func(_ *drive.Key, answers []answer) error {
			c.own(answers)
			return c.ctx.Err()
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// head looks whether the version that a head names is there.
func (c *census) head(key *drive.Key, w *write) error {
	if !live(w) {
		return nil
	}
	h, err := readHead(object.Key(key.Name), w)
	if err != nil {
		c.find(FindUnreadable, key, nil, "head %x: %v", w.id, err)
		return nil
	}
	names := h.target
	at := drive.Key{Space: drive.SpaceObject, Bucket: key.Bucket, Name: key.Name}
	if names.version != nullVersion {
		at.Space, at.Name = drive.SpaceVersion, versionName(object.Key(key.Name), names.version)
	}
	found := false
	err = c.merge(&at, func(met *drive.Key, answers []answer) error {
		found = found || *met == at && len(writes(answers)) > 0
		return nil
	})
	if err == nil && !found {
		c.find(FindUnreadable, key, nil, "its newest version, %s, is nowhere", names.version.String())
	}
	return err
}

// upload looks at the parts of an upload that is under way. Those of one that was aborted go on
// each drive with the settle of its tombstone.
func (c *census) upload(key *drive.Key, answers []answer, w *write) error {
	if len(key.Name) <= len(uploadID{}) {
		c.find(FindUnreadable, key, nil, "no upload has such a name")
		return nil
	}
	u := uploadID([]byte(key.Name[len(key.Name)-len(uploadID{}):]))
	for i := range answers {
		e := answers[i].state.Newest()
		if e != nil && (e.Type == drive.TypeDocument || !e.Settled) {
			c.owned.add(u)
		}
	}
	if !live(w) {
		return nil
	}
	c.tally.Uploads++
	return c.parts(key, u, nil)
}

// parts judges the parts of an upload. With named, which a manifest lists, each of those must be
// there, and no other.
func (c *census) parts(owner *drive.Key, u uploadID, named []manifestPart) error {
	expected := make(map[string]manifestPart, len(named))
	for _, p := range named {
		expected[string(binary.BigEndian.AppendUint16(u[:], uint16(p.number)))] = p
	}
	prefix := &drive.Key{Space: drive.SpacePart, Bucket: owner.Bucket, Name: string(u[:])}
	err := c.merge(prefix, func(key *drive.Key, answers []answer) error {
		w := c.register(key, answers)
		p, isNamed := expected[key.Name]
		delete(expected, key.Name)
		switch {
		case isNamed && (!live(w) || w.id != p.id || w.sample.SizeBytes != p.size):
			c.find(FindUnreadable, owner, nil, "its part %d is not write %x of %d bytes, which it "+
				"was made of", p.number, p.id, p.size)
		case len(named) > 0 && !isNamed && live(w):
			c.find(FindOrphan, key, nil, "the object %s was completed without it", keyText(owner))
		}
		return nil
	})
	for _, p := range expected {
		c.find(FindUnreadable, owner, nil, "its part %d (write %x) is nowhere", p.number, p.id)
	}
	return err
}

// part looks whether anything owns an upload that parts are left of, once for all of its parts.
func (c *census) part(key *drive.Key, answers []answer) {
	if len(key.Name) != len(uploadID{})+2 {
		c.find(FindUnreadable, key, nil, "no part has such a name")
		return
	}
	holders := []int(nil)
	for i := range answers {
		if e := answers[i].state.Newest(); e != nil && e.Type == drive.TypePart {
			holders = append(holders, i)
		}
	}
	if len(holders) == 0 {
		return
	}
	c.tally.Parts++
	u := uploadID([]byte(key.Name[:len(uploadID{})]))
	if u != c.orphaned && !c.owned.has(u) {
		c.orphaned = u
		c.find(FindOrphan, key, holders, "neither an upload nor an object has this part, nor the "+
			"others of upload %s", u.String())
	}
}

// keyText is the name of a register for people: quoted, uploads and parts with their id.
func keyText(key *drive.Key) string {
	switch at := len(key.Name) - len(uploadID{}); {
	case key.Space == drive.SpaceUpload && at > 0:
		return fmt.Sprintf("%q, upload %x", key.Name[:at-1], key.Name[at:])
	case (key.Space == drive.SpaceVersion || key.Space == drive.SpaceAttributes) && at > 0:
		return fmt.Sprintf("%q, version %x", key.Name[:at-1], key.Name[at:])
	case key.Space == drive.SpacePart && at == 2:
		return fmt.Sprintf("part %d of upload %x", binary.BigEndian.Uint16([]byte(key.Name[16:])),
			key.Name[:16])
	}
	return fmt.Sprintf("%q", key.Name)
}

// uploadSet is a Bloom filter (Bloom 1970) of upload ids. Their last 8 bytes are random, and two
// hashes, of which the others are made (Kirsch and Mitzenmacher 2006). has may be true of one
// that was never added: with ten million uploads for 4 in 1,000, of which an orphan is then not
// reported.
type uploadSet struct{ bits []uint64 }

const (
	uploadSetBits   = 1 << 27 // 16 MiB, from the first upload on
	uploadSetHashes = 4
)

// place is where hash i of an id falls.
func (u *uploadID) place(i uint32) uint32 {
	le := binary.LittleEndian
	a, b := le.Uint32(u[:])^le.Uint32(u[8:]), le.Uint32(u[4:])^le.Uint32(u[12:])
	return (a + i*(b|1)) % uploadSetBits
}

func (s *uploadSet) add(u uploadID) {
	if s.bits == nil {
		s.bits = make([]uint64, uploadSetBits/64)
	}
	for i := range uint32(uploadSetHashes) {
		h := u.place(i)
		s.bits[h/64] |= 1 << (h % 64)
	}
}

func (s *uploadSet) has(u uploadID) bool {
	for i := range uint32(uploadSetHashes) {
		h := u.place(i)
		if s.bits == nil || s.bits[h/64]&(1<<(h%64)) == 0 {
			return false
		}
	}
	return true
}
