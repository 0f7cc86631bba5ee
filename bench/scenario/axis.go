package scenario

import (
	"fmt"
	"slices"
	"strings"
)

// Axis is a choice of the server that a matrix can vary, and the words for its levels. They are the
// same in flags, files, the server's status and records. The harness drives any binary that speaks
// them, so the list is here and not imported from the server.
type Axis struct {
	Name   string
	Values []string
}

// Axes lists all axes in the order in which a matrix is expanded.
func Axes() []Axis {
	return []Axis{
		{"netloop", []string{"nethttp", "netconn", "epoll", "kqueue"}},
		{"allocator", []string{"heap", "syncpool", "arena"}},
		{"ioengine", []string{"threadpool", "uring"}},
		{"simd", []string{"auto", "gfni512", "gfni", "avx2", "ssse3", "scalar"}},
		{"durability", []string{"full", "relaxed"}},
		{"checksum", []string{"xxh3", "highwayhash"}},
		{"etag", []string{"md5", "fast"}},
	}
}

// Matrix holds the levels to compare; the first of each axis makes up the base.
type Matrix struct {
	Netloop    []string `yaml:"netloop"`
	Allocator  []string `yaml:"allocator"`
	IOEngine   []string `yaml:"ioengine"`
	SIMD       []string `yaml:"simd"`
	Durability []string `yaml:"durability"`
	Checksum   []string `yaml:"checksum"`
	ETag       []string `yaml:"etag"`
}

// levels returns where m keeps the levels of an axis, nil if there is no such axis.
func (m *Matrix) levels(axis string) *[]string {
	switch axis {
	case "netloop":
		return &m.Netloop
	case "allocator":
		return &m.Allocator
	case "ioengine":
		return &m.IOEngine
	case "simd":
		return &m.SIMD
	case "durability":
		return &m.Durability
	case "checksum":
		return &m.Checksum
	case "etag":
		return &m.ETag
	}
	return nil
}

// Choice is one axis set to one level.
type Choice struct{ Axis, Value string }

// Configuration is the axes a leg asks for, in the order of Axes. What it does not name is left to
// the server's own default.
type Configuration []Choice

// String writes "netloop=epoll allocator=arena".
func (c Configuration) String() string {
	words := make([]string, len(c))
	for i, choice := range c {
		words[i] = choice.Axis + "=" + choice.Value
	}
	return strings.Join(words, " ")
}

// Comparison is one candidate against the base of its scenario.
type Comparison struct {
	Base, Candidate Configuration
}

// Varied names what differs, base first: "nethttp → epoll".
func (c Comparison) Varied() string {
	from, to := c.Labels()
	return from + " → " + to
}

// Labels returns the levels in which the two sides differ, joined by +.
func (c Comparison) Labels() (base, candidate string) {
	var from, to []string
	for i, choice := range c.Base {
		if choice != c.Candidate[i] {
			from, to = append(from, choice.Value), append(to, c.Candidate[i].Value)
		}
	}
	return strings.Join(from, "+"), strings.Join(to, "+")
}

// Comparisons expands the matrix: the product of all axes, each member but the first against the
// first.
func (s *Scenario) Comparisons() []Comparison {
	product := []Configuration{{}}
	for _, axis := range Axes() {
		levels := *s.Matrix.levels(axis.Name)
		if axis.Name == "durability" && len(levels) == 0 {
			levels = []string{s.Server.Durability}
		}
		if len(levels) == 0 {
			continue
		}
		var next []Configuration
		for _, c := range product {
			for _, level := range levels {
				next = append(next, append(slices.Clone(c), Choice{axis.Name, level}))
			}
		}
		product = next
	}
	var out []Comparison
	for _, candidate := range product[1:] {
		out = append(out, Comparison{Base: product[0], Candidate: candidate})
	}
	return out
}

func (m *Matrix) validate() error {
	for _, axis := range Axes() {
		levels := *m.levels(axis.Name)
		for i, level := range levels {
			if !slices.Contains(axis.Values, level) {
				return fmt.Errorf("matrix.%s: unknown level %q; valid: %s",
					axis.Name, level, strings.Join(axis.Values, ", "))
			}
			if slices.Contains(levels[:i], level) {
				return fmt.Errorf("matrix.%s: level %q twice", axis.Name, level)
			}
		}
	}
	return nil
}
