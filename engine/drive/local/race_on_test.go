//go:build race

package local_test

// raceDetector: memory is several times what it is without.
const raceDetector = true
