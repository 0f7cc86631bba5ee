// Package report turns records into what a person reads: one line a scenario, what won and by how
// much, and what the figures cannot say.
//
// Invariants:
//
//  1. Only pairs of two good legs count; what was skipped, invalid or noisy is said, never hidden.
//  2. "better" and "worse" need an interval that excludes "equal", at a level of at least LevelMin,
//     and an effect of at least the scenario's minimum.
//  3. The same records give the same text: a table printed later equals the one of the run.
//  4. What was not computed is no figure: there is a "-", and nothing in JSON.
package report
