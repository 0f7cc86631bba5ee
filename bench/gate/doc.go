// Package gate decides whether a change made a server slower. It is pure: recorded pairs in, a
// verdict out, so that the gate itself can be tested on recorded and on simulated pairs.
//
// Invariants:
//
//  1. FAIL needs two stages of separate pairs that both show a loss of the same metric beyond its
//     margin: of the one that decides, or of the tail where a longer one fails.
//  2. PASS needs an interval that excludes the margin, and an estimate that is not beyond it.
//     Everything else is INCONCLUSIVE, or INVALID where a leg failed or was not what was asked for.
//  3. A noisy pair decides nothing. Fewer good pairs than a stage needs are INCONCLUSIVE.
//  4. The same legs give the same verdict, in whatever order and from however many runs they came.
package gate
