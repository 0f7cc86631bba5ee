// Package object owns the vocabulary of the store: names, Info, ranges, the Store interface
// and the errors its methods return. It imports nothing of the module.
//
// It does not own HTTP, XML, S3 error codes or where bytes live.
//
// Invariants:
//
//  1. Names that passed Validate are the only ones that reach a Store.
//  2. A nil error of a mutating method means: payload and metadata are on stable storage on
//     at least the write quorum of drives (durability full).
//  3. A Handle yields one version, whole or an error; never a mix of two.
package object
