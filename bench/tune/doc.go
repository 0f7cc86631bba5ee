// Package tune decides which level of which axis is better on a machine than the default, and
// writes that down for the server. It is pure: estimates in, a file out.
//
// Invariants:
//
//  1. A level is adopted only if a lower bound beats GainMin where it is meant to help, and nothing
//     else is shown to be worse by LossMax. Ties keep the default.
//  2. Fewer than PairsMin quiet pairs judge nothing. Where no level is judged in every scenario the
//     outcome is unknown, which is not the same as that the defaults are best.
//  3. What was chosen from many is too good by chance: only what the combination confirms on fresh
//     data is written.
//  4. Durability and what checks data are never tuned.
package tune
