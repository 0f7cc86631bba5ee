//go:build race

package netlooptest

// raceEnabled: the race detector is slow and keeps memory of its own.
const raceEnabled = true
