// Package crashsim is a disk in memory that honours exactly what was synced: a file system
// (Disk), engines on it (Disk.Engine), a record of all that was done, power cuts after any of
// it (Disk.After), and a script of faults (Disk.Fail).
//
// It does not own what runs on it, nor any clock: nothing takes longer than it must, unless a
// fault's Before waits.
//
// Invariants:
//
//  1. Every operation that changes the disk has a number, 1, 2, 3…, in the order in which they
//     took effect. A request that fails without any effect has none.
//  2. A write is volatile until a DataSync of that file, which covers what was in the cache
//     when the DataSync began; so are size, holes and reserved space.
//  3. A DSync write is two operations: the bytes enter the cache, like any write's; then they
//     are durable, with as much of the size as they need. Between the two, and while it is
//     under way, a power cut may find some of them. It is answered after the second.
//  4. A name is volatile until a SyncDir of its directory. A rename is one operation.
//  5. Sectors of 512 bytes are whole: the medium has one as the cache had it at some moment,
//     other unsynced bytes in it included.
//  6. What was synced survives every power cut. Of all else LoseAll keeps nothing, LoseNone
//     everything, LoseHalf any sector but names, sizes and holes in the order they were
//     changed, directory by directory and file by file.
//  7. A sync that failed does not come back: data it should have written stays in the cache,
//     and no later sync of the file writes it.
//  8. After depends on nothing but the record, its arguments and the seed; disks that came
//     from one another share memory and nothing else.
//
// # What this model does not show
//
// Real disks may do what is impossible here. They tear below 512 bytes, or a whole RAID
// stripe with a sector that nobody wrote; they lie about a flush, or lose what was durable long ago
// (Flip is what there is for that). A file system may show stale blocks of other files where a
// size survived and its data did not (here: zeros), reorder names within a directory, or
// forget a failed DataSync's data from the cache (here it is still read). And real ones do
// better than this: a journal makes names durable with an fdatasync next to them, and ext4
// commits a size with its data. Code that works here does not rely on it. Deadlines, queue
// depths and the speed of anything are not modelled at all.
package crashsim
