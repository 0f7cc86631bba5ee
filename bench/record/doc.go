// Package record keeps what was measured: one JSON object a line, appended and never changed.
//
// Invariants:
//
//  1. Append returns after its lines are on disk (one write, fsync); concurrent writers take turns.
//  2. A line torn by a crash is ended by the next Append and skipped, and counted, by Read.
//  3. A leg is found by session, scenario, configuration, pair and side; sessions carry the
//     fingerprint, the revision and the hashes that say what it is comparable to.
//  4. What is withdrawn stays in the file, and is read without its figures.
//  5. Whoever writes legs of a session has a Claim on it, and nobody else has one meanwhile.
package record
