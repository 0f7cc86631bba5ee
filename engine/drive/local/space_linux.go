package local

import "golang.org/x/sys/unix"

// spaceOf returns the size of the file system that holds path and what is free for us, or
// zeros.
func spaceOf(path string) (totalBytes, freeBytes int64) {
	var st unix.Statfs_t
	if unix.Statfs(path, &st) != nil {
		return 0, 0
	}
	return int64(st.Blocks) * st.Bsize, int64(st.Bavail) * st.Bsize
}
