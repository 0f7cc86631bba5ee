//go:build !linux

package ioenginetest

import "flashstore/ioengine"

func dropCache(ioengine.File) bool { return false }
