package object

import (
	"context"
	"io"
)

// Store is everything the S3 layer needs. All methods are safe for concurrent use.
type Store interface {
	Buckets
	Objects
	Uploads
}

// Buckets creates, finds and removes buckets.
type Buckets interface {
	// CreateBucket is durable on return. ErrBucketExists if it is there already.
	CreateBucket(ctx context.Context, bucket BucketName, settings BucketSettings) error
	// SetBucket changes settings as change says, which is given the present ones; durable on return.
	// Its error is returned unchanged. What is committed to the bucket from then on obeys.
	SetBucket(ctx context.Context, bucket BucketName, change func(*BucketSettings) error) error
	// Bucket returns ErrNoSuchBucket if there is none.
	Bucket(ctx context.Context, bucket BucketName) (BucketInfo, error)
	// DeleteBucket refuses with ErrBucketNotEmpty while the bucket has a key, a version or an upload.
	DeleteBucket(ctx context.Context, bucket BucketName) error
	// ListBuckets returns all buckets by name.
	ListBuckets(ctx context.Context) ([]BucketInfo, error)
}

// Seal is called once all Size bytes of a body were read and before anything is committed.
// It fills in what only the whole body can tell (ETag, Checksum), or returns an error, which
// the method returns unchanged and nothing is stored.
type Seal func(*Info) error

// Put is a body to be stored.
type Put struct {
	Bucket    BucketName
	Key       Key
	SizeBytes int64
	Headers   []Pair
	// Attributes of the version, without Retention the default of the bucket; ignored for parts.
	Attributes Attributes
	// Body yields SizeBytes bytes; an error of Read is returned unchanged, nothing is stored,
	// an early io.EOF is ErrBodyShort. Read until SizeBytes bytes came and once more: that
	// last Read must answer io.EOF (so that trailers are verified).
	Body io.Reader
	Seal Seal
	// If guards the write; ignored for parts.
	If Condition
}

// Objects reads and writes objects.
type Objects interface {
	// PutObject stores the body as the newest state of its key; durable on return.
	// An error means unknown or not stored, and retrying is safe; those of a Condition mean
	// not stored.
	PutObject(ctx context.Context, p *Put) (Info, error)
	// CopyObject is PutObject of what another object is, which is one state of it whatever becomes
	// of it meanwhile, or of what the same object is. Of a source that is written meanwhile the copy
	// may be the older state, on top of the newer one where both are the same object: If tells.
	// ErrNoSuchKey, ErrNoSuchBucket and the errors of a Condition are of either object.
	CopyObject(ctx context.Context, c *Copy) (Info, error)
	// Open returns a handle on a version, or ErrNoSuchKey, ErrNoSuchVersion, ErrNoSuchBucket,
	// ErrUnavailable, a *MarkerError. The caller closes it.
	Open(ctx context.Context, ref Ref) (Handle, error)
	// Stat is Open without a body.
	Stat(ctx context.Context, ref Ref) (Info, error)
	// DeleteObject removes a version for good, if one is named; else it makes the key absent: in a
	// bucket with versioning by a delete marker. Durable on return. No error if there was none.
	// Errors: those of a Condition, ErrLocked.
	DeleteObject(ctx context.Context, d *Delete) (Deleted, error)
	// SetAttributes changes attributes of a version as change says, which is given the present
	// state, in an order with everything else that happens to the key; durable on return. The error
	// of change is returned unchanged. Errors: those of Open.
	SetAttributes(ctx context.Context, ref Ref, change func(*Info) error) (Info, error)
	// ObjectParts returns up to max parts of a multipart object after a part number, with number,
	// size and checksum of each, and whether there are more; none of an object of one piece.
	// Errors: those of Open.
	ObjectParts(ctx context.Context, ref Ref, after, max int) ([]Part, bool, error)
	// List returns one page of the newest versions in byte order of the keys.
	List(ctx context.Context, bucket BucketName, q ListQuery) (ListPage, error)
	// ListVersions returns one page of all versions.
	ListVersions(ctx context.Context, bucket BucketName, q VersionQuery) (VersionPage, error)
}

// Nearby is implemented by a Store that can answer at once what it has in memory. OpenNow,
// and Next of the handle, wait for no device, lock or other goroutine; they may be called on an
// event loop.
type Nearby interface {
	// OpenNow is Open of the newest version, or without body Stat: Next is not to be called then.
	// false: nothing is said of the object; call Open. What the handle returns is in memory, and its
	// Info.Headers valid until Close.
	OpenNow(bucket BucketName, key Key, body bool, memory Memory) (Handle, bool)
}

// Memory is where a Nearby puts what it found.
type Memory interface {
	// Alloc returns bytes that the caller of the Nearby frees.
	Alloc(bytes int) []byte
}

// Handle is one version of an object, opened for reading by one goroutine.
type Handle interface {
	Info() Info
	// Next returns the next bytes of the range chosen by Select (the whole object without
	// one) as slices to be written in order, at most about 1 MiB at a time, or io.EOF. They
	// are valid until the next call of Next or Close. Checksums are verified before.
	Next(ctx context.Context) ([][]byte, error)
	// Select chooses the range [offsetBytes, offsetBytes+lengthBytes), which lies inside the
	// object; called before the first Next.
	Select(offsetBytes, lengthBytes int64) error
	// Part says where a part of a multipart object lies, by its number; false if it has none such.
	Part(number int) (offsetBytes, lengthBytes int64, ok bool)
	Close()
}

// ListQuery selects a page.
type ListQuery struct {
	Prefix    string
	Delimiter string
	// After is exclusive: keys up to it, and all keys below it if it is itself a common
	// prefix of this query, are left out.
	After string
	Max   int // entries (keys and common prefixes), 1 to ListMax
}

// ListEntry is a key, or a common prefix when Prefix is not empty.
type ListEntry struct {
	Prefix string
	Info   Info
}

// ListPage is a page; Next is the After of the following one, "" on the last.
type ListPage struct {
	Entries []ListEntry
	Next    string
}

// PutPart is a part's body.
type PutPart struct {
	Put
	Upload UploadID
	Number int // 1 to PartNumberMax
}

// Part describes a stored part.
type Part struct {
	Number int
	Info   Info
}

// Complete names the parts that make up an object, in order.
type Complete struct {
	Bucket BucketName
	Key    Key
	Upload UploadID
	Parts  []CompletePart
	Seal   func(parts []Part, info *Info) error // composes ETag and Checksum
	// If guards the object. Where it does not hold the upload goes on; a call that repeats one
	// which was done does nothing and is not asked.
	If Condition
}

// CompletePart is one line of a Complete.
type CompletePart struct {
	Number int
	ETag   string // without quotes
}

// Upload describes an unfinished multipart upload.
type Upload struct {
	Key  Key
	ID   UploadID
	Info Info // headers and attributes given at the start; ModTime: when it was started
}

// NewUpload is an upload to be begun, with what its object is to have.
type NewUpload struct {
	Bucket     BucketName
	Key        Key
	Headers    []Pair
	Checksum   Checksum // algorithm and type
	Attributes Attributes
}

// Uploads is multipart upload.
type Uploads interface {
	// CreateUpload begins an upload; durable on return.
	CreateUpload(ctx context.Context, n *NewUpload) (UploadID, error)
	// Upload returns an unfinished upload or ErrNoSuchUpload.
	Upload(ctx context.Context, bucket BucketName, key Key, id UploadID) (Upload, error)
	// PutPart stores a part, replacing one of the same number; durable on return.
	PutPart(ctx context.Context, p *PutPart) (Info, error)
	// CompleteUpload makes the object visible without copying data; a repeated call returns
	// the same Info. ErrInvalidPart, ErrPartOrder, ErrPartTooSmall, ErrNoSuchUpload, and those
	// of a Condition.
	CompleteUpload(ctx context.Context, c *Complete) (Info, error)
	// AbortUpload drops the upload and its parts. ErrNoSuchUpload if there is none.
	AbortUpload(ctx context.Context, bucket BucketName, key Key, id UploadID) error
	// ListParts returns up to max parts after part number after, and whether there are more.
	ListParts(ctx context.Context, bucket BucketName, key Key, id UploadID, after,
		max int) ([]Part, bool, error)
	// ListUploads returns unfinished uploads by key and id, with a common-prefix rule like List.
	ListUploads(ctx context.Context, bucket BucketName, prefix string, afterKey string,
		afterID UploadID, max int) ([]Upload, bool, error)
}
