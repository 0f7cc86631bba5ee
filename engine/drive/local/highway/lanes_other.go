//go:build !amd64

package highway

// Lanes says whether this machine hashes messages side by side.
func Lanes() bool { return false }

func appendLanes(dst []byte, messages [][]byte, key *[Size]byte) []byte {
	return appendEach(dst, messages, key)
}
