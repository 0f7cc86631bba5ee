package crashsim

import (
	"cmp"
	"slices"
)

// entry is a name in a directory; id counts files and directories apart.
type entry struct {
	name  string
	isDir bool
	id    int
}

// names are the entries of a directory, sorted. Like content, it never changes.
type names []entry

func (n names) find(name string) (entry, bool) {
	i, found := n.search(name)
	if !found {
		return entry{}, false
	}
	return n[i], true
}

func (n names) with(e entry) names {
	i, found := n.search(e.name)
	if found {
		n = slices.Clone(n)
		n[i] = e
		return n
	}
	return slices.Insert(slices.Clip(n), i, e)
}

func (n names) without(name string) names {
	i, found := n.search(name)
	if !found {
		return n
	}
	return slices.Delete(slices.Clone(n), i, i+1)
}

func (n names) search(name string) (int, bool) {
	return slices.BinarySearchFunc(n, name, func(e entry, name string) int {
		return cmp.Compare(e.name, name)
	})
}
