package profile

import (
	"cmp"
	"slices"

	"flashstore/bench/plot"
)

// stackMax bounds the depth of a stack: runtimes keep fewer frames.
const stackMax = 512

// View is what of a profile is drawn.
type View struct {
	Value   string   // the last type of value with this name; the last of all if none has it
	Before  *Profile // of the same process, from before the window: not drawn; nil: nothing was
	Through string   // only stacks in which this function is; empty: all
	Without string   // no stacks in which this function is; empty: all
}

// Flame adds the stacks up. A nil frame means that there is nothing in the profile.
func (p *Profile) Flame(v View) (root *plot.Frame, unit string) {
	at := p.value(v.Value)
	if at < 0 {
		return nil, ""
	}
	root = &plot.Frame{Name: "all"}
	p.addTo(root, v, 1)
	if v.Before != nil {
		v.Before.addTo(root, v, -1)
	}
	if root.Value <= 0 {
		return nil, ""
	}
	order(root)
	return root, p.Types[at].Unit
}

// value is the place of a type of value; below 0 if there is none at all.
func (p *Profile) value(name string) int {
	at := len(p.Types) - 1
	for i, t := range p.Types {
		if t.Name == name {
			at = i
		}
	}
	return at
}

// addTo adds what is seen of a profile to a tree, or takes it away.
func (p *Profile) addTo(root *plot.Frame, v View, sign float64) {
	at := p.value(v.Value)
	if at < 0 {
		return
	}
	for _, s := range p.samples {
		if at >= len(s.values) || s.values[at] <= 0 {
			continue
		}
		if stack := p.stack(s); v.shows(stack) {
			add(root, stack, sign*float64(s.values[at]))
		}
	}
}

func (v *View) shows(stack []string) bool {
	return (v.Through == "" || slices.Contains(stack, v.Through)) &&
		(v.Without == "" || !slices.Contains(stack, v.Without))
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

// order puts what takes most first, names deciding among equals, and drops what was all there
// before.
func order(f *plot.Frame) {
	f.Children = slices.DeleteFunc(f.Children, func(c *plot.Frame) bool { return c.Value <= 0 })
	slices.SortFunc(f.Children, func(a, b *plot.Frame) int {
		return cmp.Or(cmp.Compare(b.Value, a.Value), cmp.Compare(a.Name, b.Name))
	})
	for _, child := range f.Children {
		order(child)
	}
}
