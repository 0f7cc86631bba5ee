package md5lanes

import "github.com/klauspost/cpuid/v2"

// available reports whether blocks can be called.
func available() bool { return cpuid.CPU.Supports(cpuid.AVX512F) }

// blocks hashes n blocks, at least one, of each row into its lane of s. A row is at least n*64
// bytes, in any alignment; rows may overlap.
//
//go:noescape
func blocks(s *state, rows *[width]*byte, n int)
