// Package process runs other programs so that none of them outlives the harness.
//
// Invariants:
//
//  1. Each process leads its own process group; Stop and Kill reach all of it.
//  2. The kernel kills the process if the harness dies, however that happens (PR_SET_PDEATHSIG).
//  3. Output goes to a file; errors quote its tail.
//  4. What a shell exports sets no program: of the harness's environment each gets PATH, HOME and
//     the like, and else what its Spec says.
package process
