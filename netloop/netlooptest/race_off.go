//go:build !race

package netlooptest

const raceEnabled = false
