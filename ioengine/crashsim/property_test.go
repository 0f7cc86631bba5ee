package crashsim_test

import (
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"path"
	"slices"
	"testing"

	"flashstore/ioengine"
	"flashstore/ioengine/crashsim"
)

var (
	seedFlag   = flag.Uint64("seed", 0, "replay random tests from this `seed`; 0: a new one")
	roundsFlag = flag.Int("rounds", 8, "`number` of random histories")
)

// TestRandomHistories compares the disk with its dumb twin after every operation of random
// histories, under every loss, and all of it again in another order at the end.
func TestRandomHistories(t *testing.T) {
	seed := *seedFlag
	if seed == 0 {
		seed = rand.Uint64()
	}
	for round := range *roundsFlag {
		t.Run(fmt.Sprint(round), func(t *testing.T) {
			t.Logf("replay with -seed %d", seed)
			h := newHistory(t, rand.New(rand.NewPCG(seed, uint64(round))))
			for range 150 {
				h.step()
			}
			h.again()
		})
	}
}

type history struct {
	*world
	random *rand.Rand
	model  *model
	open   map[string]ioengine.File // of live files
	// results of After, by operation and loss
	results map[result]tree
}

type result struct {
	n    int
	loss crashsim.Loss
}

func newHistory(t *testing.T, random *rand.Rand) *history {
	h := &history{world: newWorld(t, crashsim.Config{}), random: random,
		model: newModel("/", "/dir/"), open: map[string]ioengine.File{}, results: map[result]tree{}}
	h.do("mkdir /dir; syncdir /")
	return h
}

func dirOf(name string) string {
	if dir := path.Dir(name); dir != "/" {
		return dir + "/"
	}
	return "/"
}

func (h *history) name() string {
	return []string{"/", "/dir/"}[h.random.IntN(2)] + string(rune('a'+h.random.IntN(4)))
}

// step does one random operation on both and compares.
func (h *history) step() {
	name := h.name()
	d, base := h.model.dirs[dirOf(name)], path.Base(name)
	f := d.live()[base]
	switch h.random.IntN(16) {
	case 0:
		h.must(h.disk.SyncDir(dirOf(name)))
		d.sync()
	case 1:
		if f == nil {
			return
		}
		h.must(h.disk.Remove(name))
		d.change(func(names map[string]*modelFile) { delete(names, base) })
		delete(h.open, name)
	case 2:
		newBase := string(rune('a' + h.random.IntN(4)))
		if f == nil || newBase == base {
			return
		}
		h.must(h.disk.Rename(name, dirOf(name)+newBase))
		d.change(func(names map[string]*modelFile) {
			delete(names, base)
			names[newBase] = f
		})
		h.open[dirOf(name)+newBase] = h.open[name]
		delete(h.open, name)
	default:
		if f == nil {
			opened, err := h.disk.Open(name, ioengine.OpenFlags{Create: true, Write: true})
			h.must(err)
			h.open[name] = opened
			d.change(func(names map[string]*modelFile) { names[base] = newModelFile() })
			break
		}
		h.change(name, f)
		return
	}
	h.compare(nil)
}

// change changes a file in a random way.
func (h *history) change(name string, f *modelFile) {
	file := h.open[name]
	at := h.random.IntN(20) * sector
	switch h.random.IntN(10) {
	case 0:
		h.must(file.Truncate(int64(at)))
		f.truncate(at)
	case 1:
		length := (1 + h.random.IntN(12)) * sector
		h.must(file.Punch(int64(at), int64(length)))
		f.punch(at, at+length)
	case 2:
		h.must(file.Preallocate(int64(at), sector))
		f.resize(max(len(f.live), at+sector))
		f.sizes[len(f.live)] = true
	case 3, 4:
		h.must(h.run(ioengine.Op{Kind: ioengine.DataSync, File: file}))
		f.sync()
	default:
		h.write(name, f)
		return
	}
	h.compare(nil)
}

func (h *history) write(name string, f *modelFile) {
	at := h.random.IntN(40) * sector / 2
	p := make([]byte, h.random.IntN(24)*sector/2+sector/2)
	for i := range p {
		p[i] = byte(h.random.Uint32())
	}
	if h.random.IntN(8) == 0 {
		clear(p)
	}
	dsync := h.random.IntN(2) == 0
	h.must(h.run(ioengine.Op{Kind: ioengine.Write, File: h.open[name], DSync: dsync,
		OffsetBytes: int64(at), Bufs: [][]byte{p[:len(p)/3], p[len(p)/3:]}}))
	before := f.durable
	before.sectors = maps.Clone(before.sectors)
	f.write(p, at)
	torn := func(got tree) string { return h.mayBeTorn(got, f, before, at, at+len(p)) }
	if dsync {
		h.compareAt(h.disk.Ops()-1, torn)
		f.commit(at, at+len(p))
	}
	h.compare(torn)
}

// mayBeTorn: every file but one is as durable as it was, that one may be torn.
func (h *history) mayBeTorn(got tree, f *modelFile, before image, from, to int) string {
	after := f.durable
	f.durable = before
	want := h.model.durableTree()
	f.durable = after
	for path, d := range h.model.dirs {
		for name, durable := range d.durable() {
			if p, ok := got[path+name]; durable == f && ok {
				if why := mayBeTorn(before, f.live, from, to, []byte(p)); why != "" {
					return path + name + ": " + why
				}
				want[path+name] = p
			}
		}
	}
	if !maps.Equal(got, want) {
		return fmt.Sprintf("names %q", slices.Sorted(maps.Keys(got)))
	}
	return ""
}

func (h *history) compare(torn func(tree) string) { h.compareAt(h.disk.Ops(), torn) }

func (h *history) compareAt(n int, torn func(tree) string) {
	h.t.Helper()
	what := h.disk.Describe(n)
	if got := h.after(n, crashsim.LoseNone); !maps.Equal(got, h.model.liveTree()) {
		h.t.Fatalf("%s: LoseNone is not the live state", what)
	}
	if n == h.disk.Ops() && !maps.Equal(read(h.t, h.disk), h.model.liveTree()) {
		h.t.Fatalf("%s: the live state is wrong", what)
	}
	if got := h.after(n, crashsim.LoseAll); !maps.Equal(got, h.model.durableTree()) {
		h.t.Fatalf("%s: LoseAll is not what was synced", what)
	}
	if why := h.model.mayBeHalf(h.after(n, crashsim.LoseHalf)); why != "" {
		h.t.Fatalf("%s: LoseHalf: %s", what, why)
	}
	got := h.after(n, crashsim.Torn)
	if torn == nil {
		if !maps.Equal(got, h.after(n-1, crashsim.LoseAll)) {
			h.t.Fatalf("%s: Torn without a write", what)
		}
	} else if why := torn(got); why != "" {
		h.t.Fatalf("%s: Torn: %s", what, why)
	}
}

func (h *history) after(n int, loss crashsim.Loss) tree {
	got := read(h.t, h.disk.After(n, loss, uint64(n)))
	h.results[result{n, loss}] = got
	return got
}

// again asks for all disks a second time, in random order.
func (h *history) again() {
	results := slices.Collect(maps.Keys(h.results))
	h.random.Shuffle(len(results), func(i, j int) {
		results[i], results[j] = results[j], results[i]
	})
	for _, r := range results {
		got := read(h.t, h.disk.After(r.n, r.loss, uint64(r.n)))
		if !maps.Equal(got, h.results[r]) {
			h.t.Fatalf("%v after %s: another disk than at first", r.loss, h.disk.Describe(r.n))
		}
	}
}

func (h *history) must(err error) {
	h.t.Helper()
	if err != nil {
		h.t.Fatal(err)
	}
}

func read(t testing.TB, d *crashsim.Disk) tree {
	t.Helper()
	all := tree{}
	for _, dir := range []string{"/", "/dir/"} {
		list, err := d.List(dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range list {
			if p := d.Peek(dir + name); p != nil {
				all[dir+name] = string(p)
			}
		}
	}
	return all
}
