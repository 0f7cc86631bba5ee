//go:build !amd64

package md5lanes

func available() bool { return false }

func blocks(*state, *[width]*byte, int) { panic("md5lanes: not on this architecture") }
