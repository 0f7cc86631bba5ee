// Package highway computes HighwayHash-256 of several messages at once.
//
// One stream of that hash waits for its multiplications most of the time. Four messages of one
// length go through AVX-512 side by side: two in each register, and two sets of registers in turn.
// All else is left to github.com/minio/highwayhash. The algorithm: J. Alakuijala, B. Cox,
// J. Wassenberg, "Fast keyed hash/pseudo-random function using SIMD multiply and permute",
// arXiv:1612.06257.
//
// Invariants:
//
//  1. A sum is that of the library, whatever stands beside the message and on whatever machine.
//  2. Nothing is read outside of the messages, nothing is kept, nothing allocated but for dst.
package highway
