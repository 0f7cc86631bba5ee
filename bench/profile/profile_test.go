package profile

import (
	"bytes"
	"errors"
	"fmt"
	"runtime/pprof"
	"strings"
	"testing"
	"time"

	"flashstore/bench/plot"
)

// real is a CPU profile of this process, which is kept busy in a function with a name.
func real(t testing.TB) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := pprof.StartCPUProfile(&b); err != nil {
		t.Fatal(err)
	}
	busyForTheProfile(150 * time.Millisecond)
	pprof.StopCPUProfile()
	return b.Bytes()
}

//go:noinline
func busyForTheProfile(long time.Duration) (n int) {
	for start := time.Now(); time.Since(start) < long; n++ {
	}
	return n
}

func TestReadOwnProfile(t *testing.T) {
	var text []byte
	for range 20 { // on a busy machine no sample may come at first
		text = real(t)
		p, err := Read(bytes.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		if len(p.Types) != 2 || p.Types[1] != (Type{"cpu", "nanoseconds"}) {
			t.Fatalf("types: %+v", p.Types)
		}
		root, unit := p.Flame(View{Value: "cpu"})
		if root == nil {
			continue
		}
		if unit != "nanoseconds" || !contains(root.Name, t, p, "busyForTheProfile") {
			t.Errorf("unit %s, no busyForTheProfile in %+v", unit, root)
		}
		sum := 0.0
		for _, child := range root.Children {
			sum += child.Value
		}
		if sum > root.Value {
			t.Errorf("children have %g of %g", sum, root.Value)
		}
		return
	}
	t.Error("no sample in twenty profiles")
}

func contains(_ string, t *testing.T, p *Profile, name string) bool {
	t.Helper()
	for _, s := range p.samples {
		if strings.Contains(strings.Join(p.stack(s), " "), name) {
			return true
		}
	}
	return false
}

func TestReadRejects(t *testing.T) {
	whole := real(t)
	for name, text := range map[string][]byte{
		"cut gzip": whole[:len(whole)/2], "no profile": []byte("hello, world"), "wire type": {0x0b},
		"too long": {0x12, 0xff, 0xff, 0xff, 0xff, 0x0f},
	} {
		if _, err := Read(bytes.NewReader(text)); !errors.Is(err, ErrInvalid) {
			t.Errorf("%s: error %v", name, err)
		}
	}
	if p, err := Read(strings.NewReader("")); err != nil {
		t.Error(err)
	} else if root, _ := p.Flame(View{Value: "cpu"}); root != nil {
		t.Error("a flame of nothing")
	}
}

// made is a profile of one type of value, of stacks whose functions are apart by blanks, outermost
// first.
func made(stacks map[string]int64) *Profile {
	p := &Profile{Types: []Type{{"delay", "ns"}}, locations: map[uint64][]uint64{},
		functions: map[uint64]uint64{}}
	for stack, value := range stacks {
		s := sample{values: []int64{value}}
		for _, name := range strings.Fields(stack) {
			id := uint64(len(p.texts))
			p.texts, p.functions[id], p.locations[id] = append(p.texts, name), id, []uint64{id}
			s.locations = append([]uint64{id}, s.locations...)
		}
		p.samples = append(p.samples, s)
	}
	return p
}

// outline writes a tree as name=value(children).
func outline(f *plot.Frame) string {
	text := fmt.Sprintf("%s=%g", f.Name, f.Value)
	if len(f.Children) > 0 {
		var children []string
		for _, child := range f.Children {
			children = append(children, outline(child))
		}
		text += "(" + strings.Join(children, " ") + ")"
	}
	return text
}

// What was there before the window is taken away, and only the stacks that are asked for are added.
func TestFlameOfAView(t *testing.T) {
	after := made(map[string]int64{"main start": 100, "main handle get": 7, "main handle put": 9,
		"main idle": 50})
	before := made(map[string]int64{"main start": 100, "main handle put": 4})
	for name, c := range map[string]struct {
		view View
		want string
	}{
		"all":     {View{}, "all=166(main=166(start=100 idle=50 handle=16(put=9 get=7)))"},
		"window":  {View{Before: before}, "all=62(main=62(idle=50 handle=12(get=7 put=5)))"},
		"through": {View{Before: before, Through: "handle"}, "all=12(main=12(handle=12(get=7 put=5)))"},
		"without": {View{Without: "handle"}, "all=150(main=150(start=100 idle=50))"},
	} {
		root, unit := after.Flame(c.view)
		if root == nil || outline(root) != c.want || unit != "ns" {
			t.Errorf("%s: %+v of %s, want %s", name, root, unit, c.want)
		}
	}
	for name, view := range map[string]View{"no such function": {Through: "nobody"}, "no more": {Before: after}} {
		if root, _ := after.Flame(view); root != nil {
			t.Errorf("%s: %s", name, outline(root))
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add([]byte{0x0a, 4, 8, 1, 16, 2, 0x12, 4, 10, 0, 18, 0, 0x32, 1, 'x'})
	f.Add([]byte{0x12, 6, 8, 1, 16, 5, 16, 5, 0x22, 6, 8, 1, 0x22, 2, 8, 1, 0x2a, 4, 8, 1, 16, 0})
	f.Fuzz(func(t *testing.T, text []byte) {
		p, err := Read(bytes.NewReader(text))
		if err != nil {
			return
		}
		if root, _ := p.Flame(View{}); root != nil && root.Value <= 0 {
			t.Errorf("a flame of %g", root.Value)
		}
	})
}

func TestCalls(t *testing.T) {
	got, err := Calls(strings.NewReader(`10 epoll_wait(3, [], 128, 0) = 0
11 pread64(4 <unfinished ...>
10 read(5, ""..., 9) = 9
11 <... pread64 resumed>) = 9
11 read(5, ""..., 9) = -1 EAGAIN (Resource temporarily unavailable)
12 --- SIGURG {si_signo=SIGURG} ---
12 +++ exited with 0 +++
`))
	if err != nil || got["read"] != 2 || got["pread64"] != 1 || got["epoll_wait"] != 1 || len(got) != 3 {
		t.Errorf("%v, %v", got, err)
	}
}

func FuzzTrace(f *testing.F) {
	f.Add("10 read(5) = 1\n", "# started\n1.5;msec;task-clock;1;100.00;;\n")
	f.Fuzz(func(t *testing.T, calls, counters string) {
		got, _ := Calls(strings.NewReader(calls))
		for name := range got {
			if !word(name) {
				t.Errorf("a call %q", name)
			}
		}
		_, _ = Counters(strings.NewReader(counters))
	})
}

func TestCounters(t *testing.T) {
	got, err := Counters(strings.NewReader(`# started on Sun

1234.5;msec;task-clock;1234500;100.00;0.5;CPUs utilized
77;;context-switches:u;1;100.00;;
<not supported>;;cycles;0;100.00;;
2.5;Joules;power;1;100.00;;
`))
	if err != nil || len(got) != 3 || got["task-clock, µs"] != 1234500 || got["context-switches"] != 77 ||
		got["power, Joules"] != 2.5 {
		t.Errorf("%v, %v", got, err)
	}
}
