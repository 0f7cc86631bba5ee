// Package config owns the server's configuration: one immutable Config, read from defaults, a
// YAML file, the environment and flags, in that order of strength.
//
// It does not own what the values mean; each part validates its own.
//
// Invariants:
//
//  1. Every key has one spelling: metrics_public in YAML, FLASHSTORE_METRICS_PUBLIC in the
//     environment, --metrics-public as a flag. All three come from one table.
//  2. An unknown key, flag, variable or axis value is an ErrUsage that lists the valid ones.
//  3. Secrets come from the environment or the file, never from flags, which anybody on the
//     machine can read, and are never printed.
package config
