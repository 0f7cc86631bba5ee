package object

import (
	"errors"
	"time"
)

// Errors of a Store; wrapped with context, compared with errors.Is.
var (
	ErrBucketName     = errors.New("invalid bucket name")
	ErrKeyTooLong     = errors.New("the key is longer than 1,024 bytes")
	ErrKeyInvalid     = errors.New("the key is not valid UTF-8 or holds NUL")
	ErrNoSuchBucket   = errors.New("no such bucket")
	ErrBucketExists   = errors.New("the bucket exists already")
	ErrBucketNotEmpty = errors.New("the bucket is not empty")
	ErrNoSuchKey      = errors.New("no such key")
	ErrNoSuchUpload   = errors.New("no such upload")
	ErrNoSuchVersion  = errors.New("no such version")
	ErrInvalidPart    = errors.New("a part is missing or its ETag differs")
	ErrPartOrder      = errors.New("parts are not in ascending order")
	ErrPartTooSmall   = errors.New("a part other than the last is smaller than 5 MiB")
	// ErrMarker: the version that was asked for is a delete marker.
	ErrMarker = errors.New("the version is a delete marker")
	// ErrLocked: a retention or a legal hold forbids it.
	ErrLocked = errors.New("the version is protected by object lock")
	// ErrNoLock: the bucket was not made for object lock.
	ErrNoLock = errors.New("the bucket has no object lock")
	// ErrVersioning: the bucket cannot be in that state, such as Suspended with object lock.
	ErrVersioning = errors.New("the bucket's versioning cannot be changed so")
	// ErrIfMatch, ErrIfNoneMatch: a Condition did not hold, and nothing was changed.
	ErrIfMatch     = errors.New("the object has another entity tag")
	ErrIfNoneMatch = errors.New("the object is there")
	// ErrTooLarge: past the limit of a single PUT, a part or an object.
	ErrTooLarge = errors.New("larger than allowed")
	// ErrBodyShort: the body ended before its declared size.
	ErrBodyShort = errors.New("the body ended before its declared size")
	// ErrUnavailable: no quorum, or a key whose last write is undecided; nothing is lost,
	// retry later.
	ErrUnavailable = errors.New("not enough drives answer")
	// ErrBusy: memory or workers are exhausted for now; retry with back-off.
	ErrBusy = errors.New("too busy")
	// ErrFull: no space left on the drives.
	ErrFull = errors.New("no space left on the drives")
	// ErrDamaged: more shards are corrupt than parity can rebuild.
	ErrDamaged = errors.New("the object is damaged beyond its parity")
)

// Sizes S3 fixes (https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html).
const (
	PutBytesMax    = 5 << 30 // single PUT and part
	PartBytesMin   = 5 << 20 // every part but the last
	PartNumberMax  = 10_000
	ListMax        = 1_000
	KeyBytesMax    = 1_024
	BucketNameMin  = 3
	BucketNameMax  = 63
	DeleteKeysMax  = 1_000
	ObjectBytesMax = 5 << 40
	UserMetaBytes  = 2 << 10
)

// BucketName is a name that passed ValidateBucket.
type BucketName string

// Key is an object key that passed ValidateKey: opaque bytes, never a path on disk.
type Key string

// UploadID names a multipart upload; 32 lower-case hexadecimal digits.
type UploadID string

// Pair is one stored header: lower-case name ("content-type", "x-amz-meta-color") and value.
type Pair struct{ Name, Value string }

// Checksum is an additional object checksum as S3 shows it; Algorithm is "" without one.
type Checksum struct {
	Algorithm string // CRC32, CRC32C, CRC64NVME, SHA1, SHA256
	Value     string // base64, "-N" appended for composite ones
	Type      string // FULL_OBJECT or COMPOSITE
}

// Class says how much redundancy an object is kept with, by its name in S3
// (https://docs.aws.amazon.com/AmazonS3/latest/userguide/storage-class-intro.html).
type Class string

// The classes.
const (
	Standard          Class = "STANDARD"
	ReducedRedundancy Class = "REDUCED_REDUNDANCY" // half of the default parity, at least 1
)

// ClassField is the stored header that names the class of an object, if it is not Standard.
const ClassField = "x-amz-storage-class"

// RedirectField is the stored header that names where a web site sends who asks for the object.
const RedirectField = "x-amz-website-redirect-location"

// ClassOf is the class that stored headers name.
func ClassOf(headers []Pair) Class {
	for i := range headers {
		if headers[i].Name == ClassField {
			return Class(headers[i].Value)
		}
	}
	return Standard
}

// Info describes one version of an object.
type Info struct {
	Key       Key
	SizeBytes int64
	ModTime   time.Time
	ETag      string // without quotes
	Headers   []Pair // echoed on GET and HEAD
	Checksum  Checksum
	Parts     int // number of parts of a multipart object, else 0
	// Version is Newest ("") in a bucket that never had versioning.
	Version    VersionID
	Marker     bool // a delete marker: there is nothing else
	Attributes Attributes
}

// BucketInfo describes a bucket.
type BucketInfo struct {
	Name     BucketName
	Created  time.Time
	Settings BucketSettings
}
