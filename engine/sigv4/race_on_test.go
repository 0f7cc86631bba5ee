//go:build race

package sigv4

// raceEnabled: the race detector empties pools at random.
const raceEnabled = true
