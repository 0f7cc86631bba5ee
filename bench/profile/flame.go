package profile

import (
	"cmp"
	"slices"

	"flashstore/bench/plot"
)

// stackMax bounds the depth of a stack: runtimes keep fewer frames.
const stackMax = 512

// Flame adds the stacks up, by the last type of value with this name; the last of all without it.
// A nil frame means that there is nothing in the profile.
func (p *Profile) Flame(name string) (root *plot.Frame, unit string) {
	at := len(p.Types) - 1
	for i, t := range p.Types {
		if t.Name == name {
			at = i
		}
	}
	if at < 0 {
		return nil, ""
	}
	root = &plot.Frame{Name: "all"}
	for _, s := range p.samples {
		if at < len(s.values) && s.values[at] > 0 {
			add(root, p.stack(s), float64(s.values[at]))
		}
	}
	if root.Value == 0 {
		return nil, ""
	}
	sortFrames(root)
	return root, p.Types[at].Unit
}

// stack is the names of a sample's functions, outermost first.
func (p *Profile) stack(s sample) (names []string) {
	for i := len(s.locations) - 1; i >= 0 && len(names) < stackMax; i-- {
		lines := p.locations[s.locations[i]]
		for j := len(lines) - 1; j >= 0 && len(names) < stackMax; j-- { // inlined ones come first
			names = append(names, p.text(p.functions[lines[j]]))
		}
	}
	return names
}

func add(frame *plot.Frame, names []string, value float64) {
	frame.Value += value
	for _, name := range names {
		i := slices.IndexFunc(frame.Children, func(f *plot.Frame) bool { return f.Name == name })
		if i < 0 {
			frame.Children = append(frame.Children, &plot.Frame{Name: name})
			i = len(frame.Children) - 1
		}
		frame = frame.Children[i]
		frame.Value += value
	}
}

// sortFrames puts what takes most first, names deciding among equals.
func sortFrames(f *plot.Frame) {
	slices.SortFunc(f.Children, func(a, b *plot.Frame) int {
		return cmp.Or(cmp.Compare(b.Value, a.Value), cmp.Compare(a.Name, b.Name))
	})
	for _, child := range f.Children {
		sortFrames(child)
	}
}
