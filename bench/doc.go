// Package bench is the harness: it puts scenarios, servers, load, calibration and records together
// and is what cmd/flashbench runs. Its children know nothing of each other but the vocabulary of
// scenario; this package is the only one that sees them all, and it never imports the server.
//
// Invariants:
//
//  1. Legs run as adjacent pairs, each on a fresh process; a leg that does not prove itself is
//     skipped or invalid and never counted.
//  2. Every leg is recorded, whatever became of it.
//  3. When Main returns, and also when it is killed, no process is left; data left by a kill is
//     removed by the next start.
//  4. A session has one writer at a time, and is gone on with only by who can claim it.
package bench
