// Package engine composes the parts into a server and owns its life: start, serve, stop.
//
// It is the only package that sees two siblings at once. It holds no request logic.
//
// Invariants:
//
//  1. parts.go is the one table from axis value to constructor; an unknown value is an error
//     that lists the valid ones.
//  2. No directory is formatted unless no drive of the deployment holds anything.
//  3. What is wrong usage is refused before anything is opened or formatted.
//  4. Stop order is the reverse of start order: no part outlives what it uses.
package engine
