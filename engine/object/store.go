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
	CreateBucket(ctx context.Context, bucket BucketName) error
	// Bucket returns ErrNoSuchBucket if there is none.
	Bucket(ctx context.Context, bucket BucketName) (BucketInfo, error)
	// DeleteBucket refuses with ErrBucketNotEmpty while the bucket has a key or an upload.
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
	// Open returns a handle on the newest state of key, or ErrNoSuchKey, ErrNoSuchBucket,
	// ErrUnavailable. The caller closes it.
	Open(ctx context.Context, bucket BucketName, key Key) (Handle, error)
	// Stat is Open without a body.
	Stat(ctx context.Context, bucket BucketName, key Key) (Info, error)
	// DeleteObject removes key; durable on return; nil too if there was none.
	DeleteObject(ctx context.Context, bucket BucketName, key Key) error
	// DeleteIf is DeleteObject of an object that meets a condition.
	DeleteIf(ctx context.Context, bucket BucketName, key Key, only Condition) error
	// List returns one page in byte order of the keys.
	List(ctx context.Context, bucket BucketName, q ListQuery) (ListPage, error)
}

// Nearby is implemented by a Store that can answer at once what it has in memory. OpenNow,
// and Next of the handle, wait for no device, lock or other goroutine; they may be called on an
// event loop.
type Nearby interface {
	// OpenNow is Open, or without body Stat: Next is not to be called then. false: nothing is
	// said of the object; call Open. What the handle returns is in memory, and its Info.Headers
	// valid until Close.
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
	Info Info // headers given at the start; ModTime: when it was started
}

// Uploads is multipart upload.
type Uploads interface {
	CreateUpload(ctx context.Context, bucket BucketName, key Key, headers []Pair,
		sum Checksum) (UploadID, error)
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
