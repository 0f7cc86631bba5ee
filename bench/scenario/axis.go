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
	// Needs are the flags of the CPU that a level takes, as the kernel writes them.
	Needs map[string][]string
	// Env is the variable that sets it, where that is not the server's own business but that of Go's
	// runtime. Such an axis is proven by the environment of the process.
	Env string
}

// Axes lists all axes in the order in which a matrix is expanded.
func Axes() []Axis {
	return []Axis{
		{Name: "netloop", Values: []string{"nethttp", "netconn", "epoll", "kqueue"}},
		{Name: "allocator", Values: []string{"heap", "syncpool", "arena"}},
		{Name: "ioengine", Values: []string{"threadpool", "uring"}},
		{Name: "simd", Values: []string{"auto", "gfni512", "gfni", "avx2", "ssse3", "scalar"},
			Needs: map[string][]string{"gfni512": {"gfni", "avx512f"}, "gfni": {"gfni"},
				"avx2": {"avx2"}, "ssse3": {"ssse3"}}},
		{Name: "durability", Values: []string{"full", "relaxed"}},
		{Name: "checksum", Values: []string{"xxh3", "highwayhash"}},
		{Name: "etag", Values: []string{"md5", "fast"}},
		{Name: "gogc", Env: "GOGC", Values: []string{"100", "50", "200", "400", "off"}},
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
	GOGC       []string `yaml:"gogc"`
	// Expand is product (every combination against the first, the default), each (one axis at a
	// time) or ends (the last level of all axes at once).
	Expand string `yaml:"expand"`
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
	case "gogc":
		return &m.GOGC
	}
	return nil
}

// Choice is one axis set to one level.
type Choice struct{ Axis, Value string }

// Lacks are the flags that a level takes and a CPU with these flags does not have.
func (c Choice) Lacks(flags []string) (missing []string) {
	for _, axis := range Axes() {
		if axis.Name != c.Axis {
			continue
		}
		for _, flag := range axis.Needs[c.Value] {
			if !slices.Contains(flags, flag) {
				missing = append(missing, flag)
			}
		}
	}
	return missing
}

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

// Comparisons expands the matrix: each configuration but the base against the base.
func (s *Scenario) Comparisons() []Comparison {
	base, others := Configuration{}, []Configuration{}
	for _, axis := range Axes() {
		levels := *s.Matrix.levels(axis.Name)
		if axis.Name == "durability" && len(levels) == 0 {
			levels = []string{s.Server.Durability}
		}
		if len(levels) == 0 {
			continue
		}
		base, others = s.Matrix.extend(base, others, axis.Name, levels)
	}
	out := make([]Comparison, len(others))
	for i, candidate := range others {
		out[i] = Comparison{Base: base, Candidate: candidate}
	}
	return out
}

// Base is the first level of each axis.
func (s *Scenario) Base() Configuration {
	if all := s.Comparisons(); len(all) > 0 {
		return all[0].Base
	}
	return Configuration{{"durability", s.Server.Durability}}
}

// extend adds an axis to all configurations, in the order of a product.
func (m *Matrix) extend(
	base Configuration, others []Configuration, axis string, levels []string,
) (Configuration, []Configuration) {
	with := func(c Configuration, level string) Configuration {
		return append(slices.Clone(c), Choice{axis, level})
	}
	var next []Configuration
	if m.Expand == "ends" {
		last := levels[len(levels)-1]
		for _, c := range others {
			next = append(next, with(c, last))
		}
		if next == nil && len(levels) > 1 {
			next = append(next, with(base, last))
		}
		return with(base, levels[0]), next
	}
	for _, level := range levels[1:] {
		next = append(next, with(base, level))
	}
	for _, c := range others {
		if m.Expand == "each" {
			next = append(next, with(c, levels[0]))
			continue
		}
		for _, level := range levels {
			next = append(next, with(c, level))
		}
	}
	return with(base, levels[0]), next
}

func (m *Matrix) validate() error {
	if m.Expand == "" {
		m.Expand = "product"
	}
	if err := oneOf("matrix.expand", m.Expand, "product", "each", "ends"); err != nil {
		return err
	}
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
