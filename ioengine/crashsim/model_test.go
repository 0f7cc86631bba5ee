package crashsim_test

import (
	"fmt"
	"maps"
	"slices"
)

// model is the dumb twin of a Disk with fixed directories: every rule of doc.go in a few
// lines over plain bytes, without pages, lists, snapshots or replay.
type model struct {
	dirs map[string]*modelDir
}

// modelDir has all states of its names since the last SyncDir: the first is durable, the last
// is live.
type modelDir struct {
	states []map[string]*modelFile
}

type modelFile struct {
	live    []byte
	durable image
	// may and sizes are what a half-lost file may hold: images of a sector, and sizes.
	may   map[int]map[string]bool
	sizes map[int]bool
}

// image is a file as the medium has it: sectors may lie behind the size.
type image struct {
	sectors map[int]string
	size    int
}

func newModel(dirs ...string) *model {
	m := &model{dirs: map[string]*modelDir{}}
	for _, name := range dirs {
		m.dirs[name] = &modelDir{states: []map[string]*modelFile{{}}}
	}
	return m
}

func (d *modelDir) live() map[string]*modelFile { return d.states[len(d.states)-1] }

func (d *modelDir) change(f func(map[string]*modelFile)) {
	next := maps.Clone(d.live())
	f(next)
	d.states = append(d.states, next)
}

func (d *modelDir) sync() { d.states = []map[string]*modelFile{d.live()} }

func newModelFile() *modelFile {
	f := &modelFile{}
	f.sync()
	return f
}

// sectorAt is what p has in a sector, with zeros behind its end.
func sectorAt(p []byte, index int) string {
	s := make([]byte, sector)
	if at := index * sector; at < len(p) {
		copy(s, p[at:])
	}
	return string(s)
}

// sync makes all of the file durable.
func (f *modelFile) sync() {
	f.durable = image{sectors: map[int]string{}, size: len(f.live)}
	for i := range (len(f.live) + sector - 1) / sector {
		f.durable.sectors[i] = sectorAt(f.live, i)
	}
	f.may = map[int]map[string]bool{}
	f.sizes = map[int]bool{len(f.live): true}
}

// commit makes a range durable.
func (f *modelFile) commit(from, to int) {
	for i := from / sector; i*sector < to; i++ {
		f.durable.sectors[i] = sectorAt(f.live, i)
		f.may[i] = map[string]bool{f.durable.sectors[i]: true}
	}
	f.durable.size = max(f.durable.size, min(to, len(f.live)))
	sizes := map[int]bool{}
	for size := range f.sizes {
		sizes[max(size, min(to, len(f.live)))] = true
	}
	f.sizes = sizes
}

// changed says that the live bytes of a range are others now.
func (f *modelFile) changed(from, to int) {
	for i := from / sector; i*sector < to; i++ {
		if f.may[i] == nil {
			f.may[i] = map[string]bool{f.durable.sector(i): true}
		}
		f.may[i][sectorAt(f.live, i)] = true
	}
	f.sizes[len(f.live)] = true
}

func (m image) sector(index int) string {
	if s, ok := m.sectors[index]; ok {
		return s
	}
	return string(make([]byte, sector))
}

func (m image) bytes() []byte {
	var p []byte
	for i := 0; i*sector < m.size; i++ {
		p = append(p, m.sector(i)...)
	}
	return p[:m.size]
}

func (f *modelFile) write(p []byte, at int) {
	f.resize(max(len(f.live), at+len(p)))
	copy(f.live[at:], p)
	f.changed(at, at+len(p))
}

func (f *modelFile) resize(size int) {
	f.live = slices.Grow(f.live, max(0, size-len(f.live)))
	old := len(f.live)
	f.live = f.live[:size]
	if size > old {
		clear(f.live[old:])
	}
}

func (f *modelFile) truncate(size int) {
	old := len(f.live)
	f.resize(size)
	f.changed(size, old)
}

func (f *modelFile) punch(from, to int) {
	to = min(to, len(f.live))
	if from < to {
		clear(f.live[from:to])
	}
	f.changed(from, to)
}

// tree is all that a disk holds, by path.
type tree map[string]string

func (m *model) tree(names func(*modelDir) map[string]*modelFile, bytes func(*modelFile) []byte) tree {
	all := tree{}
	for path, d := range m.dirs {
		for name, f := range names(d) {
			all[path+name] = string(bytes(f))
		}
	}
	return all
}

func (m *model) liveTree() tree {
	return m.tree((*modelDir).live, func(f *modelFile) []byte { return f.live })
}

func (d *modelDir) durable() map[string]*modelFile { return d.states[0] }

func (m *model) durableTree() tree {
	return m.tree((*modelDir).durable, func(f *modelFile) []byte { return f.durable.bytes() })
}

// mayBeHalf says why got is no outcome of LoseHalf, or "".
func (m *model) mayBeHalf(got tree) string {
	for path, d := range m.dirs {
		why := "no names at all?"
		for _, state := range d.states {
			if why = namesAndFiles(path, state, got); why == "" {
				break
			}
		}
		if why != "" {
			return why
		}
	}
	return ""
}

func namesAndFiles(path string, state map[string]*modelFile, got tree) string {
	here := 0
	for name := range got {
		if dirOf(name) == path {
			here++
		}
	}
	if here != len(state) {
		return fmt.Sprintf("%s: %d names", path, here)
	}
	for name, f := range state {
		p, ok := got[path+name]
		if !ok {
			return fmt.Sprintf("%s is missing", path+name)
		}
		if why := f.mayBe([]byte(p)); why != "" {
			return path + name + ": " + why
		}
	}
	return ""
}

func (f *modelFile) mayBe(p []byte) string {
	if !f.sizes[len(p)] {
		return fmt.Sprintf("size %d", len(p))
	}
	for i := 0; i*sector < len(p); i++ {
		got := p[i*sector : min(len(p), (i+1)*sector)]
		may := f.may[i]
		if may == nil {
			may = map[string]bool{f.durable.sector(i): true}
		}
		known := false
		for image := range may {
			known = known || image[:len(got)] == string(got)
		}
		if !known {
			return fmt.Sprintf("sector %d", i)
		}
	}
	return ""
}

// mayBeTorn says why got is no outcome of Torn during a write of a range, or "": before is
// the durable state without it.
func mayBeTorn(before image, live []byte, from, to int, got []byte) string {
	if len(got) < before.size || len(got) > max(before.size, min(to, len(live))) {
		return fmt.Sprintf("size %d", len(got))
	}
	for i := 0; i*sector < len(got); i++ {
		part := string(got[i*sector : min(len(got), (i+1)*sector)])
		if sectorAt(before.bytes(), i)[:len(part)] == part {
			continue
		}
		if i < from/sector || i*sector >= to || sectorAt(live, i)[:len(part)] != part {
			return fmt.Sprintf("sector %d", i)
		}
	}
	return ""
}
