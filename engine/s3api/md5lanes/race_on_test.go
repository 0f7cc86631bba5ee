//go:build race

package md5lanes

// raceEnabled: its code makes objects on the heap that are on the stack otherwise.
const raceEnabled = true
