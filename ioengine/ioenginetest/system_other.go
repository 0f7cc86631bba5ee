//go:build !linux

package ioenginetest

import (
	"errors"

	"flashstore/ioengine"
)

func dropCache(ioengine.File) bool { return false }

func sealedFile(int64) (path string, release func(), err error) {
	return "", nil, errors.New("no sealed files here")
}
