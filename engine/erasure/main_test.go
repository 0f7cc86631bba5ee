package erasure

import (
	"os"
	"runtime/debug"
	"testing"
)

// TestMain leaves more garbage between two collections than a server does: what lives is small, and
// stores are made and thrown away all the time.
func TestMain(m *testing.M) {
	debug.SetGCPercent(400)
	os.Exit(m.Run())
}
