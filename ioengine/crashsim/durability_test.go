package crashsim_test

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"flashstore/ioengine"
	"flashstore/ioengine/crashsim"
)

// settled is the file that most cases begin with.
const settled = "create /f; syncdir /; write /f 0 aa; sync /f;"

// TestDurability is the table of what a power cut after the last operation may leave: every
// outcome in it is seen with some seed, and no other.
func TestDurability(t *testing.T) {
	cases := []struct {
		name, script string
		all, none    string
		half         []string // besides all and none
		torn         []string // empty: all
	}{
		{name: "file without a name", script: "create /f; write /f 0 a; sync /f", none: "/f=a"},
		{name: "name without data", script: "create /f; write /f 0 ab; syncdir /",
			all: "/f=", none: "/f=ab", half: []string{"/f=a.", "/f=.b", "/f=.."},
			torn: []string{""}},
		{name: "synced", script: settled + "syncdir /", all: "/f=aa", none: "/f=aa"},
		{name: "overwrite", script: settled + "write /f 0 bb",
			all: "/f=aa", none: "/f=bb",
			half: []string{"/f=ab", "/f=ba"}, torn: []string{"/f=aa", "/f=ab", "/f=ba", "/f=bb"}},
		{name: "two overwrites", script: settled + "write /f 0 bb; write /f 1 c",
			all: "/f=aa", none: "/f=bc",
			half: []string{"/f=ab", "/f=ac", "/f=ba", "/f=bb"}, torn: []string{"/f=aa", "/f=ac"}},
		{name: "growth", script: settled + "write /f 2 b",
			all: "/f=aa", none: "/f=aab", half: []string{"/f=aa."},
			torn: []string{"/f=aa", "/f=aa.", "/f=aab"}},
		{name: "growth by two", script: settled + "write /f 2 bc",
			all: "/f=aa", none: "/f=aabc", half: []string{"/f=aa..", "/f=aab.", "/f=aa.c"},
			torn: []string{"/f=aa", "/f=aa..", "/f=aab", "/f=aab.", "/f=aa.c", "/f=aabc"}},
		{name: "DSync overwrite", script: settled + "dsync /f 1 b",
			all: "/f=ab", none: "/f=ab", torn: []string{"/f=aa", "/f=ab"}},
		{name: "DSync of a new file", script: "create /f; syncdir /; dsync /f 1 b",
			all: "/f=.b", none: "/f=.b", torn: []string{"/f=", "/f=..", "/f=.b"}},
		{name: "DSync beside a plain write",
			script: "create /f; syncdir /; write /f 0 aaa; dsync /f 1 b; syncdir /",
			all:    "/f=.b", none: "/f=aba", half: []string{"/f=ab", "/f=ab.", "/f=.b.", "/f=.ba"}},
		{name: "DSync under a later write", script: settled + "dsync /f 0 bb; write /f 1 c",
			all: "/f=bb", none: "/f=bc", torn: []string{"/f=bb", "/f=bc"}},
		{name: "truncate", script: settled + "truncate /f 1", all: "/f=aa", none: "/f=a"},
		{name: "truncate and growth", script: settled + "truncate /f 1; truncate /f 3",
			all: "/f=aa", none: "/f=a..", half: []string{"/f=a"}},
		{name: "truncate, then sync", script: settled + "truncate /f 1; sync /f",
			all: "/f=a", none: "/f=a", torn: []string{"/f=aa"}},
		{name: "truncate, then DSync", script: settled + "truncate /f 0; dsync /f 0 b; syncdir /",
			all: "/f=ba", none: "/f=b"},
		{name: "preallocate", script: settled + "preallocate /f 2 2",
			all: "/f=aa", none: "/f=aa.."},
		{name: "punch", script: settled + "punch /f 0 1", all: "/f=aa", none: "/f=.a"},
		{name: "punch, then sync", script: settled + "punch /f 0 1; sync /f",
			all: "/f=.a", none: "/f=.a", torn: []string{"/f=aa"}},
		{name: "punch, then DSync", script: settled + "punch /f 0 1; dsync /f 0 b; punch /f 1 1",
			all: "/f=ba", none: "/f=b."},
		{name: "write, then punch", script: settled + "write /f 0 bb; punch /f 0 1",
			all: "/f=aa", none: "/f=.b", half: []string{"/f=ab", "/f=ba", "/f=bb", "/f=.a"}},
		{name: "failed sync", script: settled + "write /f 1 b; failsync /f; write /f 0 c; sync /f",
			all: "/f=ca", none: "/f=cb", torn: []string{"/f=aa"}},
		{name: "written again after a failed sync",
			script: settled + "write /f 1 b; failsync /f; write /f 1 b; sync /f",
			all:    "/f=ab", none: "/f=ab", torn: []string{"/f=aa"}},
		{name: "failed DSync", script: settled + "faildsync /f 0 bc; sync /f; syncdir /",
			all: "/f=aa", none: "/f=ba"},
		{name: "failed DSync beside a plain write",
			script: settled + "write /f 0 b; faildsync /f 1 cc; sync /f; syncdir /",
			all:    "/f=ba", none: "/f=bc"},
		{name: "rename", script: settled + "rename /f /g", all: "/f=aa", none: "/g=aa"},
		{name: "rename, then SyncDir", script: settled + "rename /f /g; syncdir /",
			all: "/g=aa", none: "/g=aa", torn: []string{"/f=aa"}},
		{name: "rename over a file", script: settled +
			"create /f.new; write /f.new 0 b; sync /f.new; rename /f.new /f",
			all: "/f=aa", none: "/f=b", half: []string{"/f=aa /f.new=b"}},
		{name: "rename without data", script: settled +
			"create /f.new; write /f.new 0 b; rename /f.new /f; syncdir /",
			all: "/f=", none: "/f=b", half: []string{"/f=."}, torn: []string{"/f=aa"}},
		{name: "remove", script: settled + "remove /f", all: "/f=aa"},
		{name: "remove, then SyncDir", script: settled + "remove /f; syncdir /",
			torn: []string{"/f=aa"}},
		{name: "directory without a name", script: "mkdir /d; create /d/f; syncdir /d",
			none: "/d/ /d/f="},
		{name: "directory without names", script: "mkdir /d; create /d/f; syncdir /",
			all: "/d/", none: "/d/ /d/f=", torn: []string{""}},
		{name: "names in order", script: "create /a; create /b",
			none: "/a= /b=", half: []string{"/a="}},
		{name: "death, then power cut", script: settled + "write /f 0 b; die; write /f 1 c",
			all: "/f=aa", none: "/f=bc", half: []string{"/f=ba", "/f=ac"},
			torn: []string{"/f=aa", "/f=ac"}},
		{name: "sync after death", script: settled + "write /f 0 b; die; sync /f; syncdir /",
			all: "/f=ba", none: "/f=ba"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, crashsim.Config{})
			w.do(c.script)
			if live := show(t, w.disk); live != c.none {
				t.Fatalf("live: %q", live)
			}
			w.expect(crashsim.LoseAll, c.all)
			w.expect(crashsim.LoseNone, c.none)
			w.expect(crashsim.LoseHalf, append(c.half, c.all, c.none)...)
			if c.torn == nil {
				c.torn = []string{c.all}
			}
			w.expect(crashsim.Torn, c.torn...)
		})
	}
}

func (w *world) expect(loss crashsim.Loss, outcomes ...string) {
	w.t.Helper()
	seen := map[string]bool{}
	for seed := range uint64(300) {
		seen[show(w.t, w.disk.After(w.disk.Ops(), loss, seed))] = true
	}
	want := slices.Compact(slices.Sorted(slices.Values(outcomes)))
	if got := slices.Sorted(maps.Keys(seen)); !slices.Equal(got, want) {
		w.t.Errorf("%v:\n got %q\nwant %q", loss, got, want)
	}
}

// TestBetweenTheTwoOperationsOfADSync: the bytes are in the cache, and not durable.
func TestBetweenTheTwoOperationsOfADSync(t *testing.T) {
	w := newWorld(t, crashsim.Config{})
	w.do(settled + "dsync /f 0 bb")
	before := w.disk.Ops() - 1
	for loss, want := range map[crashsim.Loss]string{
		crashsim.LoseAll: "/f=aa", crashsim.LoseNone: "/f=bb",
	} {
		if got := show(t, w.disk.After(before, loss, 1)); got != want {
			t.Errorf("%v: %s", loss, got)
		}
	}
	w = &world{t: t, disk: w.disk.After(before, crashsim.LoseNone, 0)}
	w.expect(crashsim.LoseHalf, "/f=aa", "/f=ab", "/f=ba", "/f=bb")
}

// TestSectorsAreWhole: a sector never has the bytes of a later write without those of an
// earlier one.
func TestSectorsAreWhole(t *testing.T) {
	w := newWorld(t, crashsim.Config{})
	w.do("create /f; syncdir /")
	if err := w.write("/f", 0, []byte("first"), false); err != nil {
		t.Fatal(err)
	}
	if err := w.write("/f", 5, []byte("second"), true); err != nil {
		t.Fatal(err)
	}
	got := string(w.disk.After(w.disk.Ops(), crashsim.LoseAll, 0).Peek("/f"))
	if got != "firstsecond" {
		t.Fatalf("%q", got)
	}
}

// TestTornWrites are cut short or full of holes, about as many of each.
func TestTornWrites(t *testing.T) {
	const count = 40
	w := newWorld(t, crashsim.Config{})
	w.do("create /f; syncdir /; write /f 0 " + strings.Repeat("a", count) + "; sync /f")
	w.do("write /f 0 " + strings.Repeat("b", count))
	cut, holes := 0, 0
	for seed := range uint64(100) {
		got := sectors(w.disk.After(w.disk.Ops(), crashsim.Torn, seed).Peek("/f"))
		if b := strings.Count(got, "b"); b == count {
			continue
		} else if strings.HasPrefix(got, strings.Repeat("b", b)) {
			cut++
		} else {
			holes++
		}
	}
	if cut < 25 || holes < 25 {
		t.Fatalf("%d cut short, %d with holes", cut, holes)
	}
}

// TestZerosAreData: a page of zeros takes as much room as others, and tears like them.
func TestZerosAreData(t *testing.T) {
	w := newWorld(t, crashsim.Config{})
	w.do("create /f; syncdir /; write /f 0 aaaaaaaa; sync /f; write /f 0 ........")
	seen := map[string]bool{}
	for seed := range uint64(100) {
		got := sectors(w.disk.After(w.disk.Ops(), crashsim.LoseHalf, seed).Peek("/f"))
		if len(got) != 8 || strings.Trim(got, "a.") != "" {
			t.Fatal(got)
		}
		seen[got] = true
	}
	if len(seen) < 50 {
		t.Fatalf("100 seeds, %d outcomes", len(seen))
	}
}

// TestNothingIsBehindTheEnd: what a file loses with its size does not come back with it.
func TestNothingIsBehindTheEnd(t *testing.T) {
	for _, last := range []string{"write /f 2 b", "dsync /f 2 b", "write /f 2 b; dsync /f 0 a"} {
		w := newWorld(t, crashsim.Config{})
		w.do(settled + last)
		lost := 0
		for seed := range uint64(100) {
			for _, loss := range []crashsim.Loss{crashsim.LoseAll, crashsim.LoseHalf, crashsim.Torn} {
				d := w.disk.After(w.disk.Ops(), loss, seed)
				f, err := d.Open("/f", ioengine.OpenFlags{Write: true})
				if err != nil {
					t.Fatal(err)
				}
				if n, _ := f.Size(); n > 2*sector {
					continue
				}
				lost++
				if err := f.Truncate(3 * sector); err != nil {
					t.Fatal(err)
				}
				if got := show(t, d); got != "/f=aa." {
					t.Fatalf("%s, %v: %s", last, loss, got)
				}
			}
		}
		if lost == 0 {
			t.Fatalf("%s: no size was ever lost", last)
		}
	}
}
