// Package codec owns Reed-Solomon coding and shard arithmetic: how an object of n bytes becomes
// k data and m parity shards, and which SIMD path computes it.
//
// It does not own drives, memory or placement.
//
// Invariants:
//
//  1. A Codec runs on the caller's goroutine only; it starts none.
//  2. Every full stripe gives each shard a whole number of 64 KiB chunks, so that checksums
//     and O_DIRECT writes never straddle stripes. Only the last stripe is shorter.
//  3. The SIMD path is the one named by Path, never another: asking for one the CPU lacks is
//     an error at New.
package codec
