// Command tidy checks the house rules of the repository: who imports whom, how long things are, and
// what may not be in a package.
//
// Invariants:
//
//  1. Rules are data: imports.txt for imports, the constants in limits.go for the rest.
//  2. Findings are sorted and name file and line; exit code 1 means there are some.
//  3. Warnings never fail.
package main
