// Package erasure owns the quorum: it turns objects into shards on the drives of a set, decides
// what a register's newest state is from the answers of its drives, and implements object.Store.
//
// It does not own HTTP, signatures, or how a drive keeps its records.
//
// Invariants (the protocol of one register; rule numbers are those of the design):
//
//  1. A commit is acknowledged only by the write quorum of drives (rule 2). The writer never
//     rolls back; an error means "unknown", and retrying is safe.
//  2. Nothing is freed by a commit, only by a settle that follows it (rule 3).
//  3. Answers gathered without the register's lock may only end in "served" with nothing newer
//     ignored, or in "absent" with nothing seen at all (rule 4). Everything else is judged
//     again on answers gathered afresh under the lock.
//  4. A version on at least k but fewer than w drives without a settle is made durable on the
//     write quorum before it is shown, or answered with ErrUnavailable (rule 4).
//  5. A drive that is away is never taken for a drive that lacks the object (rule 6).
//  6. Memory lent to a drive returns to the allocator after that drive's last callback, however
//     long after the answer to the client that is.
//  7. No order comes from a clock. What it said is shown to people, and may go back.
package erasure
