package s3api

import (
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"hash"
	"hash/crc32"
	"hash/crc64"
	"strings"
	"sync"

	"github.com/minio/crc64nvme"
	"github.com/zeebo/xxh3"

	"flashstore/engine/s3api/md5lanes"
)

// algorithm is a checksum S3 knows. The zero value is none.
type algorithm uint8

const (
	noChecksum algorithm = iota
	sumCRC32
	sumCRC32C
	sumCRC64NVME
	sumSHA1
	sumSHA256
	sumMD5  // of ETag and Content-MD5; not one of the additional checksums
	sumFast // of ETag in mode fast: xxh3-128
	algorithmCount
)

// Types of the checksum of a multipart object.
const (
	fullObject = "FULL_OBJECT" // of all its bytes
	composite  = "COMPOSITE"   // of the checksums of its parts
)

// checksums are the additional ones, in no order that matters.
var checksums = [...]algorithm{sumCRC32, sumCRC32C, sumCRC64NVME, sumSHA1, sumSHA256}

// String is the name in x-amz-checksum-algorithm and object.Checksum.
func (a algorithm) String() string {
	switch a {
	case sumCRC32:
		return "CRC32"
	case sumCRC32C:
		return "CRC32C"
	case sumCRC64NVME:
		return "CRC64NVME"
	case sumSHA1:
		return "SHA1"
	case sumSHA256:
		return "SHA256"
	}
	return ""
}

// header is the field that carries a value.
func (a algorithm) header() string {
	switch a {
	case sumCRC32:
		return "x-amz-checksum-crc32"
	case sumCRC32C:
		return "x-amz-checksum-crc32c"
	case sumCRC64NVME:
		return "x-amz-checksum-crc64nvme"
	case sumSHA1:
		return "x-amz-checksum-sha1"
	case sumSHA256:
		return "x-amz-checksum-sha256"
	}
	panic("s3api: no header for this algorithm")
}

// algorithmOf finds an algorithm by its name in any case.
func algorithmOf(name string) (algorithm, bool) {
	for _, a := range checksums {
		if strings.EqualFold(name, a.String()) {
			return a, true
		}
	}
	return noChecksum, false
}

// size is the length of a value in bytes.
func (a algorithm) size() int {
	switch a {
	case sumCRC32, sumCRC32C:
		return crc32.Size
	case sumCRC64NVME:
		return crc64.Size
	case sumSHA1:
		return sha1.Size
	case sumSHA256:
		return sha256.Size
	}
	return md5.Size
}

// linear reports whether checksums of parts can be combined into that of the whole.
func (a algorithm) linear() bool {
	return a == sumCRC32 || a == sumCRC32C || a == sumCRC64NVME
}

func (a algorithm) new() hash.Hash {
	switch a {
	case sumCRC32:
		return crc32.NewIEEE()
	case sumCRC32C:
		return crc32.New(crc32.MakeTable(crc32.Castagnoli))
	case sumCRC64NVME:
		return crc64nvme.New()
	case sumSHA1:
		return sha1.New()
	case sumSHA256:
		return sha256.New()
	case sumFast:
		return xxh3.New128()
	}
	panic("s3api: no hash for this algorithm")
}

// hashPool keeps hash states for the next request.
type hashPool struct {
	free [algorithmCount]sync.Pool
	md5  *md5lanes.Group // of those of sumMD5
}

func (p *hashPool) get(a algorithm) hash.Hash {
	if h, ok := p.free[a].Get().(hash.Hash); ok {
		return h
	}
	if a == sumMD5 {
		return p.md5.New()
	}
	return a.new()
}

// put takes h back. It is reset here, not in get: other streams no longer wait for it.
func (p *hashPool) put(a algorithm, h hash.Hash) {
	h.Reset()
	p.free[a].Put(h)
}
