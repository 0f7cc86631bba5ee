//go:build !planted

package main

// plant does nothing: see planted.go.
func plant() {}
