package object

import "time"

// VersionID names one version of an object: NullVersion, or 32 lower-case hexadecimal digits. The
// ids that a key gets in a bucket sort against time: the newest comes first.
type VersionID string

const (
	// Newest stands for whichever version is the newest.
	Newest VersionID = ""
	// NullVersion is what was written while versioning was not enabled.
	NullVersion VersionID = "null"
)

// Ref names an object, or with Version one version of it.
type Ref struct {
	Bucket  BucketName
	Key     Key
	Version VersionID
}

// Versioning is what a bucket does with what is overwritten or deleted
// (https://docs.aws.amazon.com/AmazonS3/latest/userguide/Versioning.html).
type Versioning string

// The states. Once enabled, a bucket never becomes unversioned again.
const (
	Unversioned Versioning = ""
	Enabled     Versioning = "Enabled"
	Suspended   Versioning = "Suspended" // what is written replaces the null version, nothing else
)

// BucketSettings are what a bucket was told.
type BucketSettings struct {
	Versioning Versioning
	// Lock: versions can be protected, for ever. Versioning is Enabled then.
	Lock bool
	// Default protects versions that come without a protection of their own.
	Default DefaultRetention
}

// DefaultRetention is a Retention that begins when a version is made. The zero value is none.
type DefaultRetention struct {
	Mode LockMode
	// One of the two is set. A year has 365 days.
	Days, Years int
}

// From is the retention of a version that is made at a time; nil for none.
func (d *DefaultRetention) From(made time.Time) Retention {
	if d.Mode == "" {
		return Retention{}
	}
	return Retention{Mode: d.Mode, Until: made.AddDate(0, 0, d.Days+365*d.Years)}
}

// Delete names what is to be deleted.
type Delete struct {
	Ref
	// If guards the deletion: of the version that Ref names, or of the newest one.
	If Condition
	// Bypass: whoever asks may delete what is under governance, and wants to.
	Bypass bool
}

// Deleted is what became of a Delete.
type Deleted struct {
	// Version is the one that was deleted or, with Marker and a Delete of no version, that was made.
	Version VersionID
	Marker  bool // Version is a delete marker
}

// VersionQuery selects a page of the versions of all keys.
type VersionQuery struct {
	Prefix    string
	Delimiter string
	// AfterKey and AfterVersion are exclusive. Without a version all of AfterKey is left out, and
	// all keys below it if it is itself a common prefix of this query.
	AfterKey     string
	AfterVersion VersionID
	Max          int // entries (versions, markers and common prefixes), 1 to ListMax
}

// VersionEntry is a version or a delete marker, or a common prefix when Prefix is not empty.
type VersionEntry struct {
	Prefix string
	Info   Info
	Newest bool
}

// VersionPage is a page, by key, the newest version of each first. NextKey and NextVersion are the
// AfterKey and AfterVersion of the following one, "" on the last.
type VersionPage struct {
	Entries     []VersionEntry
	NextKey     string
	NextVersion VersionID
}

// MarkerError says that a version is a delete marker, which has no content. It is ErrNoSuchKey if
// the newest version was asked for, and ErrMarker if that one was.
type MarkerError struct {
	Info  Info
	Asked bool
}

func (e *MarkerError) Error() string {
	return "version " + string(e.Info.Version) + " is a delete marker"
}

// Is makes it one of the two errors.
func (e *MarkerError) Is(target error) bool {
	return target == ErrNoSuchKey && !e.Asked || target == ErrMarker && e.Asked
}
