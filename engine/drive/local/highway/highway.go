package highway

import "github.com/minio/highwayhash"

const (
	Size        = highwayhash.Size // bytes of a sum, and of a key
	AtOnce      = 4                // messages side by side: enough to hide what a product takes
	packetBytes = 32               // what a round takes in of a message
)

// AppendSums appends the sum of each message, Size bytes, in their order. Neighbours of one length,
// a multiple of 32 bytes, are hashed up to four at a time where the machine can; the sums are the
// same in any case. Safe for concurrent use; messages and key stay the caller's.
func AppendSums(dst []byte, messages [][]byte, key *[Size]byte) []byte {
	if !Lanes() {
		return appendEach(dst, messages, key)
	}
	for len(messages) > 0 {
		n := alike(messages)
		if n > 1 {
			dst = appendLanes(dst, messages[:n], key)
		} else {
			dst = appendEach(dst, messages[:n], key)
		}
		messages = messages[n:]
	}
	return dst
}

// alike is how many messages from the first on can be hashed at once.
func alike(messages [][]byte) int {
	bytes := len(messages[0])
	if bytes == 0 || bytes%packetBytes != 0 {
		return 1
	}
	n := 1
	for n < min(len(messages), AtOnce) && len(messages[n]) == bytes {
		n++
	}
	return n
}

// appendEach hashes one message after the other.
func appendEach(dst []byte, messages [][]byte, key *[Size]byte) []byte {
	for _, p := range messages {
		sum := highwayhash.Sum(p, key[:])
		dst = append(dst, sum[:]...)
	}
	return dst
}
