package host

import (
	"os"

	"golang.org/x/sys/unix"
)

// SyncDisk writes back everything that the file system of dir has cached.
func SyncDisk(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer f.Close()
	return unix.Syncfs(int(f.Fd()))
}
