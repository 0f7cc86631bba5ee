package drive

// Type is what a record says. The numbers are part of the on-disk format.
type Type uint8

// The record types.
const (
	TypePut      Type = 1  // one version of an object, with its shard
	TypeMarker   Type = 2  // a delete marker
	TypePurge    Type = 3  // the register is empty from this order on (tombstone)
	TypePart     Type = 4  // a part of an upload, with its shard
	TypeManifest Type = 5  // a completed upload: Meta names its parts; no shard
	TypeDocument Type = 6  // a bucket, an upload or another system document; whole in Meta
	TypeTerm     Type = 7  // Token.Term becomes the drive's term
	TypeSettle   Type = 8  // WriteID at Order is on the write quorum
	TypeDiscard  Type = 9  // WriteID never reached a quorum and is gone for good
	TypeFence    Type = 10 // commits of the register below Token are refused
	TypeMove     Type = 11 // compaction moved an entry within the drive
	TypeErase    Type = 12 // the parts of an upload are gone; a drive's own note
	// TypeForget drops the settled tombstone WriteID, of Order and with Meta, which must be of an
	// earlier term than the drive's: ErrFenced otherwise. That every drive of the set holds it
	// settled, or dropped it, is the caller's to know.
	TypeForget Type = 13
)

// TypeHealed is not written: the drive holds, or will refuse, all that its set has. It lifts the
// mark that Order names (Info.CompleteFrom); another one stays, and is ErrFenced.
const TypeHealed Type = 0xFF

// Space separates the kinds of register.
type Space uint8

// The spaces. The numbers are part of the on-disk format.
const (
	SpaceDocument Space = 1 // buckets and other documents; Bucket is zero
	SpaceObject   Space = 2 // Name is the object key
	SpaceUpload   Space = 3 // Name is key, NUL, upload id
	SpacePart     Space = 4 // Name is upload id (16 bytes), part number (2 bytes, big endian)
	// Since layout 4. A version id has 16 bytes, zero for the null version.
	SpaceVersion    Space = 5 // a version that is not the null one: key, NUL, version id
	SpaceHead       Space = 6 // which version of the key is the newest: key
	SpaceAttributes Space = 7 // what changed of a version since it was written: key, NUL, version id
)

// BucketID is the random incarnation of a bucket: a recreated bucket has another.
type BucketID [16]byte

// WriteID is the random identity of one write.
type WriteID [16]byte

// Order is the place of a write: the term of its writer and a sequence number within it.
type Order struct{ Term, Sequence uint64 }

// Less reports whether o comes before p.
func (o Order) Less(p Order) bool {
	return o.Term < p.Term || o.Term == p.Term && o.Sequence < p.Sequence
}

// Key names a register.
type Key struct {
	Space  Space
	Bucket BucketID
	Name   string // opaque bytes, at most 1,100
}

// Geometry is how an object was cut into shards.
type Geometry struct {
	Data, Parity uint8 // k and m
	Index        uint8 // which of the k+m shards this record carries
}

// Record is one statement about one register. Slices belong to the caller and stay unchanged
// until the commit is done.
type Record struct {
	Type    Type
	Key     Key
	Version [16]byte // zero: the null version
	Order   Order    // of the write; kept when an old record is rolled forward
	Token   Order    // of the actor that commits it
	WriteID WriteID

	Geometry     Geometry
	SizeBytes    int64 // of the object
	ShardBytes   int64 // of this shard
	ModTimeNanos int64 // Unix time, for people; never used for order
	Meta         []byte

	// Inline is the whole shard when ShardBytes is at most Properties.InlineMax; otherwise
	// Bulk, from ShardWriter.Seal, says where it is. At most one is set.
	Inline []byte
	Bulk   BulkRef

	// Replace: the shard that the drive holds of this write is damaged, and this one takes its
	// place. Where the drive does not hold the write, it says nothing. It is not written.
	Replace bool
}

// BulkRef names a sealed shard in a drive's bulk storage. Only that drive understands it.
type BulkRef []byte

// Entry is one record of a register as a drive holds it.
type Entry struct {
	Record
	Settled bool
}

// State is what a drive knows of a register: entries by descending order. Empty: not here.
type State struct{ Entries []Entry }

// Newest returns the entry of the highest order, or nil.
func (s *State) Newest() *Entry {
	if len(s.Entries) == 0 {
		return nil
	}
	return &s.Entries[0]
}
