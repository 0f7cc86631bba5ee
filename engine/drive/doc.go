// Package drive owns the contract of one drive: the Drive interface, the Record it commits
// and the errors it reports. It imports nothing of the module.
//
// It does not own quorum, erasure coding or what a record's Meta means.
//
// Every name (an object key, an upload, a part, a system document) is a *register*. A
// register holds a chain of entries, newest order first. The rules of one register:
//
//  1. Order decides which entry is newest, never wall time and never arrival.
//  2. Commit adds an entry and releases nothing. Only a Settle or a Discard frees: a Settle of
//     write id W marks W's entry and releases every entry of lower order.
//  3. A commit that arrives below an entry already settled is acknowledged and released at once.
//  4. Committing the same write id again changes nothing and succeeds.
//  5. A record whose Token's term is lower than the drive's term is refused (ErrStaleTerm); one
//     below the register's fence is refused (ErrFenced).
//  6. An entry is visible to Lookup and Scan exactly from the moment its commit is durable.
//  7. A drive that could not sync takes itself out of service for writing (ErrOffline) until
//     an operator acts; it never retries a failed sync.
//  8. An unreadable index or record is ErrCorrupt, never "not here".
package drive
