//go:build !linux && !darwin

package threadpool

import "golang.org/x/sys/unix"

func dataSync(fd int) error { return unix.Fsync(fd) }
