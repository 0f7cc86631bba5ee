package codec

import (
	"fmt"
	"strings"

	"github.com/klauspost/cpuid/v2"
	"github.com/klauspost/reedsolomon"
)

// path is one SIMD path: what the CPU must have, and what is switched off to get it.
type path struct {
	name    string
	needs   []cpuid.FeatureID
	options []reedsolomon.Option
}

// paths lists the SIMD paths from widest to none. The library has no direct choice of path; it
// takes the widest it may use, so each entry forbids the ones above it.
func paths() []path {
	noAVX512 := reedsolomon.WithAVX512(false)
	noGFNI := []reedsolomon.Option{noAVX512, reedsolomon.WithAVXGFNI(false),
		reedsolomon.WithGFNI(false)}
	noAVX2 := append(noGFNI[:3:3], reedsolomon.WithAVX2(false))
	none := append(noAVX2[:4:4], reedsolomon.WithSSSE3(false), reedsolomon.WithSSE2(false))
	return []path{
		{"gfni512", []cpuid.FeatureID{cpuid.GFNI, cpuid.AVX512F, cpuid.AVX512BW, cpuid.AVX512VL,
			cpuid.AVX512DQ}, nil},
		{"gfni", []cpuid.FeatureID{cpuid.GFNI, cpuid.AVX}, []reedsolomon.Option{noAVX512}},
		{"avx2", []cpuid.FeatureID{cpuid.AVX2}, noGFNI},
		{"ssse3", []cpuid.FeatureID{cpuid.SSSE3}, noAVX2},
		{"scalar", nil, none},
	}
}

// Supported lists the paths this CPU has, widest first; the last is always scalar.
func Supported() []string {
	var names []string
	for _, p := range paths() {
		if len(p.lacks()) == 0 {
			names = append(names, p.name)
		}
	}
	return names
}

// lacks names what the path needs and this CPU does not have.
func (p *path) lacks() (features []string) {
	for _, f := range p.needs {
		if !cpuid.CPU.Supports(f) {
			features = append(features, f.String())
		}
	}
	return features
}

// choose resolves name, where auto is the widest path of this CPU.
func choose(name string) (path, error) {
	for _, p := range paths() {
		if (name == p.name || name == "auto") && len(p.lacks()) == 0 {
			return p, nil
		}
	}
	return path{}, fmt.Errorf("simd %q is not available on this CPU; it has: auto, %s", name,
		strings.Join(Supported(), ", "))
}
