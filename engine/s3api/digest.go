package s3api

import "flashstore/engine/object"

// digest hashes bytes that pass within the server: for an ETag, for a checksum, for both.
type digest struct {
	h         *Handler
	etag, sum sum // without a hash where nothing is to be computed
}

func (d *digest) addETag() { d.etag = d.h.newETag() }

func (d *digest) addSum(a algorithm) { d.sum = sum{a, d.h.hashes.get(a)} }

func (d *digest) empty() bool { return d.etag.hash == nil && d.sum.hash == nil }

// Write never fails.
func (d *digest) Write(p []byte) (int, error) {
	for _, s := range [...]*sum{&d.etag, &d.sum} {
		if s.hash != nil {
			s.hash.Write(p)
		}
	}
	return len(p), nil
}

// seal fills in what was computed; see object.Seal.
func (d *digest) seal(info *object.Info) error {
	if d.etag.hash != nil {
		info.ETag = d.etag.tag()
		d.h.etags.Add(1)
	}
	if d.sum.hash != nil {
		info.Checksum = d.sum.checksum()
	}
	return nil
}

// close gives the hashes back; nobody writes any more.
func (d *digest) close() {
	for _, s := range [...]*sum{&d.etag, &d.sum} {
		if s.hash != nil {
			d.h.hashes.put(s.algo, s.hash)
		}
		*s = sum{}
	}
}
