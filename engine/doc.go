// Package engine composes the parts into a server and owns its life: start, serve, stop.
//
// It is the only package that sees two siblings at once. It holds no request logic.
//
// Invariants:
//
//  1. parts.go is the one table from axis value to constructor; an unknown value is an error
//     that lists the valid ones.
//  2. No directory is formatted unless no drive of the deployment holds anything.
//  3. What is wrong usage, or an address that is taken, is refused before anything is formatted.
//  4. A directory that is not the drive that belongs there is refused by itself and left as it was
//     found; the start is refused below the read quorum, where no majority of the directories
//     says which deployment is meant, and where another process has a drive.
//  5. Stop order is the reverse of start order: no part outlives what it uses.
package engine
